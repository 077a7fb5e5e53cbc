"""Frames of the pages: every number in its row, nothing where there is nothing."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.checkpoints import fresh, report
from proxylib.studies.checkpoints.equal_loss import COMPOSITE, SHARED

ENDS = {"estimate": 1.0, "low": 0.5, "high": 2.0}


def spreads(name):
    base = ENDS | {"null": 0.1, "bar": 0.3, "all": 4.0, "pairs": 7, "set": name}
    return pd.DataFrame(
        [base | {"task": COMPOSITE, "estimate": 9.0}, base | {"task": SHARED}, base | {"task": "a", "low": 0.2}]
    )


def summary(name="OLMo"):
    rows = []
    for window in (5, 20, 50):
        for what, value in {
            "seen": 1.0,
            "gain": 0.1,
            "curse": 0.8,
            "last_best": 0.2,
            "changed": 0.4,
            "lost": 0.0,
            fresh.BEST: 0.1,
        }.items():
            about = {"set": name, "fresh": fresh.ITEMS, "window": window, "quantity": what, "runs": 3, "clusters": 3}
            rows.append(about | {"estimate": value + window / 1000, "low": value - 0.5, "high": value + 0.5})
    return pd.DataFrame(rows)


def test_the_figure_has_what_tasks_share_beside_any_loss_and_loss_alone():
    frame = report.spreads(spreads("one"), spreads("two")).set_index(["set", "kind"])
    assert len(frame) == 6 and frame.loc[("one", report.EQUAL), "estimate"] == 1
    assert frame.loc[("two", report.ANY), ["low", "high"]].tolist() == [4, 4]
    assert frame.loc[("two", report.FOLLOWS), ["low", "high"]].tolist() == [0.1, 0.3]
    assert len(report.spreads(spreads("one"), spreads("one").head(0))) == 3
    shown = report.spreads_table(spreads("one"), spreads("two"))
    assert set(shown["task"]) == {COMPOSITE, SHARED}, "only what passes loss alone, interval included"


def test_windows_and_quantities_are_found():
    frame = summary()
    assert report.widest(frame, "OLMo", 20) == 20 and report.widest(frame, "OLMo", 3) == 50
    assert report.quantity(frame, "OLMo", 20, "gain").estimate == pytest.approx(0.12)
    lines = report.by_window(frame, "OLMo")
    assert lines.groupby("scored")["estimate"].first().to_dict() == {report.SEEMS: 1.005, report.IS: pytest.approx(0.105)}
    assert report.windows_table(frame)["last"].tolist() == [5, 20, 50]
    assert report.rules(frame, {"OLMo": 20})["row"].tolist() == ["OLMo, last 20"]
    assert len(report.weights_table(report.joined(frame, summary("constant")))) == 6


def test_ratios_that_are_not_defined_are_left_out():
    rows = [{"set": name, "against": "composite", "runs": 2} | ENDS for name in ("all", "OLMo", "Gemstones")]
    frame = pd.DataFrame(rows)
    frame.loc[frame["set"] == "Gemstones", "estimate"] = np.nan
    assert report.ratios(frame, frame.head(1))["row"].tolist() == ["OLMo, 2 runs"]


def test_rises_stand_beside_falls():
    base = {"set": "s", "runs": 4, "steps": 9, "tests": 1200} | ENDS
    frame = pd.DataFrame([base | {"way": "rise", "times": 3, "largest": 5.0, "left": 0.5}, base | {"way": "fall", "times": 2}])
    row = report.moves_table(frame, frame.head(0)).iloc[0]
    assert row["rises"] == 3 and row["falls"] == 2 and row["small steps x tasks"] == "1,200"
    assert row["left three checkpoints on"] == "50 %"


def test_averages_stand_by_their_number():
    frame = pd.DataFrame({"averaged": [5, 10, 20], "kind": "constant", "quantity": "minus_best"} | ENDS)
    assert report.averages(frame, "minus_best")["number"].tolist() == ["last 5", "last 10", "last 20"]


def test_how_alike_the_same_items_make_checkpoints():
    noise = pd.DataFrame({"set": "OLMo", "window": [5, 5], "true": [1e-4, -1e-4], "items": [1e-4, 3e-4], "as_others": 8e-4})
    assert report.correlation(noise) == pytest.approx(0.75)
    table = report.noise_table(noise, noise.head(0))
    assert table["true SD (points)"].tolist() == ["0.00"] and table["correlation"].tolist() == ["0.75"]
