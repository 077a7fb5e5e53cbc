"""Tables of the crucial steps: mass on decisive tokens by hand, the mean of leads last."""

import numpy as np
import pandas as pd
import pytest

from proxylib.measure import proxies
from proxylib.report import tables
from proxylib.studies.proxy_metrics.crucial_steps import SIGNALS
from proxylib.studies.proxy_metrics.report import crucial_steps as report


def test_the_mass_on_decisive_tokens_is_counted_at_three_checkpoints():
    part = pd.DataFrame({"decisive": [True, False], **{name: [3.0, 1.0] for name in proxies.WEIGHTINGS}})
    table = report.weight_table(pd.concat([part.assign(step=step) for step in (1, 5, 9)]))
    assert (table[["start", "midway", "end"]] == "75 %").all().all() and len(table) == 8


def test_leads_stand_by_task_with_their_mean_last():
    rows = [
        (task, signal, 2.0, low, 3.0)
        for signal in ("decisive", "other", "whole")
        for task, low in (("a", 1.0), ("mean", np.nan))
    ]
    table = report.lead_table(pd.DataFrame(rows, columns=["task", "signal", "estimate", "low", "high"]))
    assert table["task"].tolist() == ["a", "mean"] and list(table.columns)[1:] == [
        SIGNALS[s] for s in ("decisive", "other", "whole")
    ]
    assert table.iloc[0, 1] == "2.0 [1.0, 3.0]" and table.iloc[1, 1] == "2 [–, –]"


def test_differences_are_in_points_with_all_tasks_last_and_one_comparison_alone():
    rows = [(most, against, task, 0.1, 0.0, 0.2) for most in (0.1, 0.2) for against in ("other", "guess") for task in TASKS]
    table = report.gap_rows(pd.DataFrame(rows, columns=["most", "against", "task", "estimate", "low", "high"]), "other")
    assert table["task"].tolist() == ["a", "b", "a", "b", "all tasks", "all tasks"]
    assert set(table["accuracy"]) == {"at most 10 %", "at most 20 %"} and (table["estimate"] == 10).all()


def test_shares_are_means_over_tasks_and_then_over_runs():
    shares = {"decisive": [0.2, 0.4, 0.9], "other": 0.5, "guess": 0.1, "correct": 0.0}
    unsolved = pd.DataFrame({"most": 0.1, "run": ["x", "x", "y"], "task": ["a", "b", "a"], **shares})
    unsolved = pd.concat([unsolved, unsolved.assign(most=0.2, decisive=1.0)])
    assert report.agreeing(unsolved, 0.1)["decisive"] == pytest.approx((0.3 + 0.9) / 2)


TASKS = ("a", "mean", "b")


def test_what_the_scoreboard_says_is_what_the_page_says_where_it_says_anything():
    gaps = pd.DataFrame([(0.1, "guess", "mean", 0.2, 0.1, 0.3)], columns=["most", "against", "task", *tables.ENDS])
    wide = pd.DataFrame([("failed-beyond-guessing", 0.2, -0.1, 0.5)], columns=["claim", *tables.ENDS])
    assert tuple(report.asked(wide, gaps, "guess")) == (0.2, -0.1, 0.5)
    assert tuple(report.asked(wide[:0], gaps, "guess")) == (0.2, 0.1, 0.3)
