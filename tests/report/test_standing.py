"""Counts, the scale of claimed effect, the tables: worked out by hand on a few entries."""

import numpy as np
import pandas as pd
import pytest

from proxylib.report import standing
from proxylib.report.scoreboard import MEASURED


def entry(
    id, document, verdict, estimate=None, low=None, high=None, *, reported=None, null=0.0, direction=1, given=(None, None)
):
    said = {
        "id": id,
        "document": document,
        "label": f"label of {id}",
        "claim": f"claim of {id}",
        "source": "someone",
        "layer": "lab",
    }
    said |= {"metric": "gain", "unit": "points", "direction": direction, "reported": reported, "margin": False, "null": null}
    blank = dict.fromkeys(MEASURED) | {"verdict": verdict, "reason": "because", "runs": [], "page": None}
    if estimate is None:
        return said | blank
    numbers = {"estimate": estimate, "low": low, "high": high, "low_given": given[0], "high_given": given[1]}
    return said | blank | numbers | {"level": 0.9, "n": 7, "n_unit": "models"}


ENTRIES = [
    entry("mine", "ours", "holds", 0.4, 0.2, 0.6),
    entry("up", "004", "in part", 0.6, 0.55, 0.7, reported=0.9, null=0.5, given=(0.58, 0.62)),
    entry("open", "004", "not tested yet", null=None),
    entry("down", "000", "holds", -3.0, -5.0, -1.0, reported=-2.0, direction=-1),
    entry("against", "000", "does not hold", 0.5, 0.25, 1.0, direction=-1),
    entry("telemetry", "001", "not testable here", null=None),
]


def placed(label):
    rows = standing.effects(ENTRIES)
    return rows[rows["label"] == f"label of {label}"].iloc[0]


def test_sources_stand_by_document_and_ours_apart():
    assert [entry["id"] for entry in standing.of_sources(ENTRIES)] == ["down", "against", "telemetry", "up", "open"]
    assert [entry["id"] for entry in standing.of_ours(ENTRIES)] == ["mine"]


def test_counts_are_of_verdicts_from_firm_to_open_and_the_table_adds_up():
    assert list(standing.counts(ENTRIES).items()) == [
        ("holds", 2),
        ("in part", 1),
        ("does not hold", 1),
        ("not tested yet", 1),
        ("not testable here", 1),
    ]
    table = standing.counts_table(ENTRIES).set_index("document")
    assert table.index[-1] == standing.DOCUMENTS["ours"] and table["claims"].sum() == len(ENTRIES)
    assert (table.drop(columns="claims").sum(axis=1) == table["claims"]).all()


def test_chance_counts_the_claimed_side_of_each_tested_claim():
    assert standing.by_chance(ENTRIES) == pytest.approx(4 * 0.05) and standing.by_chance([]) == 0
    arithmetic = entry("sum", "001", "holds", 0.5, 0.1, 0.9) | {"level": None}
    assert standing.by_chance([*ENTRIES, arithmetic]) == pytest.approx(4 * 0.05)


def test_the_scale_has_the_null_at_zero_and_the_reported_value_at_one():
    up, down = placed("up"), placed("down")
    assert [up[name] for name in ("estimate", "low", "high", "reported")] == pytest.approx([0.25, 0.125, 0.5, 1.0])
    assert [up["low_given"], up["high_given"]] == pytest.approx([0.2, 0.3])
    # a claim of less turns the axis round, and its ends with it
    assert [down[name] for name in ("estimate", "low", "high", "reported")] == pytest.approx([1.5, 0.5, 2.5, 1.0])


def test_without_a_reported_value_our_estimate_is_one_or_minus_one():
    mine, against = placed("mine"), placed("against")
    assert [mine[name] for name in ("estimate", "low", "high")] == pytest.approx([1.0, 0.5, 1.5]) and np.isnan(mine["reported"])
    assert [against[name] for name in ("estimate", "low", "high")] == pytest.approx([-1.0, -2.0, -0.5])


@pytest.mark.parametrize("null", [0.0, 0.45, 0.8])
@pytest.mark.parametrize("direction", [1, -1])
def test_the_side_of_zero_is_the_side_of_the_null_also_where_the_reported_value_is_what_chance_gives(null, direction):
    for estimate in (-0.5, 0.0, 0.3, null, 0.9):
        low, high = estimate - 0.1, estimate + 0.1
        row = standing.effects(
            [entry("x", "004", "undecided", estimate, low, high, reported=0.5, null=null, direction=direction)]
        )
        (row,) = row.to_dict("records")
        assert row["low"] <= row["estimate"] <= row["high"]
        assert np.sign(row["estimate"]) == np.sign(direction * (estimate - null))
        assert np.sign(row["reported"]) == np.sign(direction * (0.5 - null))


def test_a_document_without_a_test_has_its_title_and_no_numbers():
    rows = standing.effects(ENTRIES)
    assert list(rows["document"].drop_duplicates()) == [
        standing.DOCUMENTS["000"],
        standing.DOCUMENTS["001"] + ": 1 not tested",
        standing.DOCUMENTS["004"] + ": 1 not tested",
        standing.DOCUMENTS["ours"],
    ]
    assert rows[rows["label"] == ""]["estimate"].isna().all() and len(rows) == 5


def test_the_table_shows_both_intervals_and_nothing_where_nothing_is():
    table = standing.table(ENTRIES).set_index("id")
    assert table.loc["up", ["ours", "configurations fixed", "null"]].tolist() == ["0.60 [0.55, 0.70]", "[0.580, 0.620]", "0.5"]
    assert table.loc["open", ["ours", "configurations fixed", "null", "reported"]].tolist() == [""] * 4
    assert table.loc["mine", ["ours", "configurations fixed", "layer, n"]].tolist() == [
        "0.40 [0.20, 0.60]",
        "",
        "lab, 7 models",
    ]
    assert table.notna().all(axis=None) and isinstance(table, pd.DataFrame)
