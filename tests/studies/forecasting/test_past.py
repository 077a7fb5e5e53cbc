"""Errors of the past are over pairs, with runs or tasks drawn whole."""

import numpy as np
import pandas as pd
import pytest

from proxylib.stats import Decision
from proxylib.studies.forecasting import past
from proxylib.studies.forecasting.choose import MEAN, choose, panel


@pytest.fixture
def asked():
    """Six tasks of one run: the last score is ten points off, "good" two; the first task was asked three times, badly."""
    rows = []
    for tested, task in enumerate([0, 0, 0, 1, 2, 3, 4, 5]):
        score = 0.5 + 0.01 * task
        off = 0.02 * (-1) ** task if tested > 1 else 0.06
        for method, said in (("persistence", score - 0.1), ("good", score + off)):
            rows.append((f"t{task}", "r", tested, 4.0, 1e9 + tested, method, said, score, score - 0.1, 0.05, False, ""))
    columns = ["task", "run", "tested", "horizon", "x", "method", "estimate", "score", "last", "doubt", "failed", "fallback"]
    given = panel(pd.DataFrame(rows, columns=columns))
    return given, choose(given)


def test_pairs_count_alike_and_tasks_are_drawn(asked):
    fits = pd.DataFrame({"method": ["persistence", "good"], "fits": 9, "fits_failed": [0, 1]})
    table = past.methods_table(*asked, fits).set_index("method")
    assert table.loc["persistence", "error"] == pytest.approx(10) and table.loc["persistence", "difference"] == 0
    first = (0.06**2 + 0.06**2 + 0.02**2) / 3
    assert table.loc["good", "error"] == pytest.approx(100 * np.sqrt((first + 5 * 0.02**2) / 6))
    assert table.loc["good", "low"] < table.loc["good", "error"] < table.loc["good", "high"]
    assert table.loc["good", "decision"] == str(Decision.LOWER) and table.loc["good", "difference_high"] < 0
    assert (table["pairs"] == 6).all() and (table["tests"] == 8).all() and (table["unit"] == "tasks").all()
    assert table["chosen"].sum() == 1 and table.loc["good", "fits_failed"] == 1 and np.isnan(table.loc[MEAN, "fits"])
    assert table["error"].is_monotonic_increasing and table["weight"].sum() == pytest.approx(1)
