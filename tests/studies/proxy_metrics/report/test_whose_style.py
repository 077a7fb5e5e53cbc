"""The table of styles: populations from none to all, then the differences."""

import pandas as pd
import pytest

from proxylib.report import words
from proxylib.stats import Decision
from proxylib.studies.proxy_metrics.ablations import WINNER
from proxylib.studies.proxy_metrics.report import whose_style as report
from proxylib.studies.proxy_metrics.whose_style import ALL_MINUS_NONE, SOME_MINUS_ALL


def test_populations_run_from_none_to_all_and_differences_come_last():
    rows = [("expert", "rho", 0.5), ("crossed", "rho", 0.2), ("other", "rho", -0.3)]
    rows += [("", ALL_MINUS_NONE, 0.8), ("", SOME_MINUS_ALL, -0.3)]
    found = pd.DataFrame(rows, columns=["style", "quantity", "estimate"]).assign(proxy="loss")
    table = report.table(found.assign(low=found["estimate"] - 0.1, high=found["estimate"] + 0.1))
    assert table.columns.tolist() == ["proxy", "none", "some", "all", ALL_MINUS_NONE, SOME_MINUS_ALL]
    assert table.loc[0, ["none", "some", "all"]].tolist() == ["-0.30 [-0.40, -0.20]", "0.20 [0.10, 0.30]", "0.50 [0.40, 0.60]"]


def test_the_message_says_whether_style_matters_and_which_way_a_proxy_points_without_it():
    def frame(gap, where_none):
        rows = [("expert", "rho", 0.5), ("other", "rho", where_none), ("", ALL_MINUS_NONE, gap)]
        frame = pd.DataFrame(rows, columns=["style", "quantity", "estimate"]).assign(proxy=WINNER)
        return frame.assign(low=frame["estimate"] - 0.1, high=frame["estimate"] + 0.1)

    message = report.message(frame(0.8, -0.3))
    assert message.matters is Decision.HIGHER and message.wrong_way is Decision.LOWER
    assert message.where_all.estimate == 0.5 and message.where_none.high == pytest.approx(-0.2)
    message = report.message(frame(0.05, 0.05))
    assert message.matters is Decision.UNDECIDED and message.wrong_way is Decision.UNDECIDED


def test_accuracy_follows_no_skill_but_its_own():
    rows = [("loss", "with style", 0.5), ("loss", "with skill", 0.2), ("loss", "style minus skill", 0.3)]
    frame = pd.DataFrame([*rows, ("accuracy", "with style", 0.1)], columns=["proxy", "quantity", "estimate"])
    table = report.follows_table(frame.assign(low=frame["estimate"] - 0.1, high=frame["estimate"] + 0.1)).set_index("proxy")
    assert table.loc["loss"].tolist() == ["0.50 [0.40, 0.60]", "0.20 [0.10, 0.30]", "0.30 [0.20, 0.40]"]
    assert table.loc["accuracy", ["with accuracy", "difference"]].tolist() == [words.MISSING] * 2
