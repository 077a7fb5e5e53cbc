"""The stage's tables, and the page's frames over them."""

import pandas as pd
import pytest
from studies.scale.test_extension import cells
from studies.scale.test_prices import SCALE
from studies.scale.test_published import errors_of_three

from proxylib import stats, studies
from proxylib.judging.criteria import LM_JUDGE
from proxylib.studies.scale import fits, report
from proxylib.studies.scale.settings import Grid, ScaleSettings

GRID = Grid(
    bases=("Qwen/Qwen3-1.7B", "Qwen/Qwen3-32B"), examples=(1293, 4673), rank=64, epochs=3, device_batch=1, recompute=True
)


class Step:
    settings = ScaleSettings(scale=SCALE, grid=GRID, bootstrap=studies.profile("smoke").bootstrap)

    def parent(self, role):
        table = cells().rename(columns={"score": LM_JUDGE}).assign(schedule="epochs", diverged=False)
        other = table.head(2).assign(schedule="steps", final_loss=9.0)
        worse = table.head(1).assign(diverged=True, final_loss=float("nan"))
        run = type("Run", (), {})()
        run.table = lambda name: pd.concat([table, other, worse])
        return run


@pytest.fixture(scope="module")
def tables():
    written = {}

    class Workspace:
        write_table = staticmethod(lambda name, frame: written.update({name: frame}))
        note = staticmethod(lambda **facts: written.update(facts=facts))

    fits.build(Step(), Workspace)
    return written


def test_other_schedules_and_diverged_cells_are_left_out():
    assert len(fits.grid(Step().parent("loss_fits").table("cells"))) == 15


def test_every_table_is_laid_out(tables):
    assert tables["facts"]["bases"] == 5 and tables["facts"]["times_data"] == pytest.approx(214, abs=1)
    prices = report.prices_table(tables["cells"])
    assert list(prices["cell"]) == list(report.priced(tables["cells"])["cell"]) and len(prices) == 5
    assert set(prices["fits one H100"]) == {"yes", "no", "short texts"} or "no" in set(prices["fits one H100"])
    assert (report.priced(tables["cells"])[["low", "estimate", "high"]].diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    assert report.total(tables["totals"], "dollars").count("to") == 1
    assert len(report.extended_table(tables["extended"])) == 6 and len(report.checks_table(tables["checks"])) == 9
    for name in ("needed", "left", "ends"):
        shown = getattr(report, f"{name}_table")(tables[name])
        assert len(shown) == len(tables[name])


def test_frames_of_published_runs():
    errors = errors_of_three()
    gaps = report.gaps(errors, 0.95)
    assert len(gaps) == 6 and gaps["times"].iloc[0] == "2 times as large"
    beyond, within = report.beyond(errors, "line", 8)
    part = errors[(errors["form"] == "line") & (errors["times"] == 8)]
    assert (beyond, within) == pytest.approx((part["beyond"].mean(), part["within"].mean()))
    assert len(report.errors_table(errors)) == 9


def test_corpora_of_one_study_are_one_draw():
    """Three corpora of one study weigh as much as one run of another, and widen nothing by being three."""
    rows = [("A, one", 1.0), ("A, two", 3.0), ("A, three", 5.0), ("B", 9.0), ("C", 0.0)]
    errors = pd.DataFrame(
        {"set": name, "form": "line", "times": 8, "beyond": beyond, "within": 1.0, "nothing": 10.0} for name, beyond in rows
    )
    ends = report.more(report.by_study(errors), "line", 8, 0.95)
    assert ends.estimate == pytest.approx((2.0 + 8.0 - 1.0) / 3)
    assert (ends.low, ends.high) == pytest.approx(stats.mean_interval([2.0, 8.0, -1.0], 0.95)[1:])


def test_a_loss_of_next_to_nothing_has_no_digits():
    rows = [
        ("floor of zero", "its very numbers", "loss", 1e-6, -1e-5, 1e-5),
        ("floor of zero", "its very numbers", "score", 46, 31, 60),
    ]
    table = report.extended_table(pd.DataFrame(rows, columns=["form", "at", "quantity", "estimate", "low", "high"]))
    assert table.iloc[0].to_list()[2:] == ["below 0.001", "46 [31, 60]"]
