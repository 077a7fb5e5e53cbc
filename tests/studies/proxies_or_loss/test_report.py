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
