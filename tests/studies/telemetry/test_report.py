"""Frames of the page on telemetry."""

import pandas as pd

from proxylib.studies.telemetry import report
from proxylib.studies.telemetry.reading import COMPLETED

ENDS = {"low": 0.1, "high": 0.3}
ERRORS = pd.DataFrame(
    [
        {"way": way, "metric": metric, "measure": measure, "estimate": 0.2, "worlds": worlds} | ENDS
        for way in ("holdout", "before and after")
        for metric in (COMPLETED, "thumbs up")
        for measure in ("bias", "RMSE", "power")
        for worlds in ("central", "drawn")
    ]
)


def test_measures_are_said_by_kind_of_world_and_in_their_units():
    assert list(report.measure(ERRORS, "RMSE")["worlds"]) == ["one product", "drawn products"] * 2
    table = report.order(report.table(ERRORS))
    assert list(table["way"]) == ["before and after", "holdout"]
    assert table["power (%)"][0].startswith("20") and table["bias (points)"][0].startswith("0.2")


def test_what_moves_and_what_turns_a_finding_is_named():
    frame = pd.DataFrame(
        [
            {"claim": "stack-survivors", "parameter": name, "below": below, "above": 2.0, "p": p, "turns": below < 0}
            for name, below, p in (("churn", -1.0, 0.001), ("retry", 1.0, 0.9), ("wave", 1.9, 0.01))
        ]
    )
    assert report.turning(frame, "stack-survivors") == ["churn"]
    assert report.leaning(frame, "stack-survivors") == ["churn", "wave"]
    assert list(report.sensitivity_table(frame).iloc[0, 1:]) == ["churn (-1.0, 2.0), wave (1.9, 2.0)", "churn"]
