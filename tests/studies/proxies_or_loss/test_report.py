"""Frames of the page."""

import numpy as np
import pandas as pd
from studies.proxies_or_loss.made import made

from proxylib.stats import Bootstrap, Decision
from proxylib.studies.proxies_or_loss import fits, grid, report

NOISE = np.random.default_rng(7)
FRAMES = fits.compared(
    made(lambda s, d, z: s + d, lambda s, d, z: 3 - 0.2 * s - z, lambda s, d, z: s + d + 0.01 * NOISE.standard_normal()),
    Bootstrap(draws=60, level=0.95, seed=1),
)


def test_a_signal_is_better_only_where_it_is_so_for_every_score():
    table = FRAMES["strengths"]
    assert len(report.better(table, "minus final loss")[Decision.HIGHER]) == len(grid.NAMED_PROXIES)
    undone = table.copy()
    one = (undone["score"] == "LM judge") & (undone["signal"] == grid.NAMED_PROXIES[0])
    undone.loc[one, "low"] = -1
    kinds = report.better(undone, "minus final loss")
    assert kinds[Decision.UNDECIDED] == [report.SIGNALS[grid.NAMED_PROXIES[0]]]


def test_every_named_signal_and_every_design_has_a_label_and_a_row():
    assert set(report.SIGNALS) == set(grid.NAMED)
    assert len(report.gaps(FRAMES["strengths"])) == (len(grid.NAMED) - 1) * len(report.DRAWN)
    assert len(report.errors(FRAMES["errors"])) == (len(grid.NAMED) + 3) * len(report.DRAWN)
    assert len(report.errors_table(FRAMES["errors"], "error")) == 2 * len(grid.NAMED) + 4
    assert len(report.strengths_table(FRAMES["strengths"], "r")) == len(grid.NAMED)


def test_the_strict_rubric_decides_where_no_lm_judge_does():
    points = FRAMES["points"]
    assert report.judge(points) == "LM judge"
    assert report.judge(points.drop(columns="LM judge")) == "rubric, strict"


def test_scores_of_two_domains_stand_apart_in_one_figure():
    one = report.gaps(FRAMES["strengths"])
    both = report.beside({"notes": one, "claims": one[one["score"] == "rubric, strict"]})
    assert list(dict.fromkeys(both["score"])) == ["LM judge, notes", "rubric, strict, notes", "rubric, strict, claims"]
    assert not both.duplicated(["signal", "score"]).any()


def test_a_difference_of_roundings_is_said_in_words_and_a_correlation_of_zero_is_not():
    ends = {"signal": "bits_per_byte", "score": "LM judge", "estimate": 1e-9, "low": -2e-9, "high": 3e-9}
    wide = ends | {"signal": "rank|uniform", "estimate": 0.0, "low": 0.0, "high": 0.0006}
    frame = pd.DataFrame([row | {"statistic": name} for row in (ends, wide) for name in ("r", "r minus held-out loss")])
    table = report.strengths_table(frame, "r minus held-out loss").set_index("signal")["LM judge"]
    assert table["bits per byte"] == report.SAME and table["mean rank"].startswith("0.0")
    assert report.SAME not in report.strengths_table(frame, "r").to_numpy()


def test_the_eighty_stand_in_their_places_and_the_search_in_its_rows():
    heat = report.eighty(FRAMES["strengths"], "LM judge")
    assert heat.shape == (10, 8)
    row = FRAMES["strengths"].query("signal == 'top5|frequency' and score == 'LM judge' and statistic == 'r'")
    assert heat.loc["top5", "frequency"] == row["estimate"].item()
    assert len(report.search_table(FRAMES["search"])) == len(grid.SCORES) * 4 and report.lucky(FRAMES["search"]) == []


def test_what_is_left_needs_an_interval_and_more_than_luck():
    row = {"statistic": "partial r", "signal": grid.FINAL, "score": "LM judge", "critical": 0.67}
    rows = [
        row | {"estimate": 0.8, "low": 0.2, "high": 0.9},
        row | {"estimate": 0.8, "low": -0.2, "high": 0.9},
        row | {"estimate": 0.6, "low": 0.2, "high": 0.9},
    ]
    assert len(report.beyond(pd.DataFrame(rows))) == 1
