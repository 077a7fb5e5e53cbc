"""The eighty: the strongest first, p values by hand, a grid that holds every proxy where it belongs."""

import numpy as np
import pandas as pd
import pytest

from proxylib.measure import proxies
from proxylib.studies.proxy_metrics.model_selection import BEST, BEST_WHOLE, CHOSEN, CHOSEN_WHOLE
from proxylib.studies.proxy_metrics.report import eighty_metrics as report


@pytest.fixture
def heat():
    mean = pd.DataFrame({"feature": proxies.NAMES, "task": "mean", "estimate": np.linspace(-0.5, 0.4, 80)})
    frame = pd.concat([mean, mean.assign(task="sorting", estimate=9.0)])
    ends = {"low": frame["estimate"] - 0.1, "high": frame["estimate"] + 0.1}
    return frame.assign(**ends, seed_low=frame["estimate"] - 0.05, seed_high=frame["estimate"] + 0.05)


def test_the_strongest_comes_first_whatever_its_sign(heat):
    mean = report.means(heat)
    assert len(mean) == 80 and mean["feature"].iloc[0] == proxies.NAMES[0] and mean["estimate"].iloc[0] == -0.5


def test_every_proxy_stands_under_its_statistic_and_weighting(heat):
    grid = report.grid_of(heat)
    mean = report.means(heat).set_index("feature")["estimate"]
    assert grid.shape == (10, 8) and grid.loc["top5", "frequency"] == mean["top5|frequency"]


def test_chance_by_hand(heat):
    null = pd.DataFrame(
        {
            BEST: [0.0, 0.0, 0.5, 0.0],
            BEST_WHOLE: [0.5, 0.5, 2.0, 0.0],
            CHOSEN: [9.0, -9.0, -9.0, -9.0],
            CHOSEN_WHOLE: [9.0, 9.0, -9.0, -9.0],
        }
    )
    summary = pd.DataFrame(
        [("univariate", "leave-tasks-out", "rho", 0.25, 0.1, 0.4)],
        columns=["method", "protocol", "quantity", "estimate", "low", "high"],
    )
    table = report.null_table(heat, summary, null)
    assert table["p"].tolist() == ["0.4", "0.8", "0.4", "0.6"] and table["found"].tolist() == ["0.50"] * 2 + ["0.25"] * 2
    assert report.bar(null) == pytest.approx(0.5 + 0.85 * 1.5)


def test_marks_and_ends_of_the_list(heat):
    marks = report.observed_marks(heat)
    assert list(marks) == [f"best ({report.label(proxies.NAMES[0])})", "named winner", "cross-entropy per token"]
    table = report.heat_table(heat)
    assert len(table) == 20 and table["mean Spearman correlation"].iloc[0] == "0.40 [0.30, 0.50]"
    assert table["range over seeds"].iloc[-1] == "-0.55 to -0.45" and "|" not in "".join(table["proxy"])


def test_what_is_alike_stands_together():
    names = list("abcd")
    pairs = pd.DataFrame(np.eye(4), names, names)
    pairs.loc["a", "c"] = pairs.loc["c", "a"] = -0.9
    pairs.loc["b", "d"] = pairs.loc["d", "b"] = 0.9
    order = report.alike_together(pairs).index.tolist()
    assert abs(order.index("a") - order.index("c")) == 1 and abs(order.index("b") - order.index("d")) == 1
