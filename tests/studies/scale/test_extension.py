"""Laws carried on: found again where they are known, and useless in the open where they are not."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.scale import extension


def cells(floor=0.3, alpha=0.5, beta=0.38):
    rows = [
        {
            "base": str(n),
            "parameters": n,
            "examples": d,
            "final_loss": floor + 0.4 * (n / 16) ** -alpha + 0.2 * (d / 400) ** -beta,
        }
        for n in (1, 2, 4, 8, 16)
        for d in (100, 200, 400)
    ]
    return pd.DataFrame(rows).assign(score=lambda table: 90 - 30 * table["final_loss"])


def test_a_law_is_found_again_and_read_where_it_leads():
    values = extension.law(cells(), floor=True)
    assert (values["alpha"], values["beta"]) == pytest.approx((0.5, 0.38))
    assert values["floor"] == pytest.approx(0.3, abs=1e-6) and values["error"] < 1e-9
    assert extension.read(values, 4, 16) == pytest.approx(0.3 + 0.4 / 2 + 0.2 * 16**-0.38)
    assert extension.law(cells(), floor=False)["floor"] == 0 and extension.law(cells(), floor=False)["error"] > 1e-3


def test_an_extension_is_of_the_largest_whatever_is_left_out():
    table = extension.extended(cells(), "score", {"there": (1.0, 1.0), "far": (100.0, 100.0)}, 0.95)
    here = table[(table["form"] == "free floor") & (table["at"] == "there")].set_index("quantity")
    assert here.loc["loss", "estimate"] == pytest.approx(0.9) and here.loc["loss", "high"] == pytest.approx(0.9, abs=1e-5)
    assert here.loc["score", "estimate"] == pytest.approx(63)
    assert len(table) == 8


def test_the_largest_base_is_forecast_from_smaller_ones():
    checked = extension.checked(cells(), "score").set_index("form")
    assert checked.loc["free floor", "loss"] < 1e-6 < checked.loc["floor of zero", "loss"]
    assert checked.loc["free floor", "score at its loss"] == pytest.approx(0, abs=1e-9) and (checked["times"] == 2).all()
    assert np.isfinite(checked.select_dtypes(float)).all(axis=None)
