"""Forecasts of the past see nothing of what they are asked about."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.forecasting import backtest
from proxylib.studies.forecasting.methods import Method, methods

LAST = Method("persistence", lambda series, target: float(series.score[-1]), 0.0)


def test_a_test_knows_what_lies_a_horizon_before_it_and_nothing_later(laid, loaded):
    history = loaded(laid(tasks=12, points=40), "tokens=4e11")
    horizon = backtest.reach(history)
    asked = backtest.tests(history, horizon, 1.0)
    assert horizon == pytest.approx(4) and len(asked) == 12 * backtest.MOMENTS
    for test in asked:
        assert test.known.x[-1] * horizon <= test.target.x * (1 + 1e-6) and len(test.known) >= 4
    assert max(test.target.x for test in asked) == pytest.approx(1e11)  # the latest moment is among them
    few = backtest.tests(loaded(laid(tasks=2, points=40), "tokens=4e11"), horizon, 1.0)
    assert len(few) == 2 * 5  # half a horizon apart: five fit into what there is


def test_the_horizon_is_as_long_as_the_past_allows(laid, loaded):
    history = loaded(laid(points=20).query("tokens > 2e10"), "tokens=1e12")
    points = np.unique(history.open[0].x)
    assert backtest.reach(history) == pytest.approx(points[-1] / points[3]) and backtest.reach(history) < history.horizon


def test_of_larger_runs_only_whole_smaller_ones_are_known(loaded):
    sizes = [1e8 * 2**n for n in range(8)]
    rows = [
        {"task": "a", "parameters": n, "tokens": 20 * n * s, "score": 0.3 + 0.01 * s} for n in sizes for s in (0.25, 0.5, 1)
    ]
    history = loaded(pd.DataFrame(rows), f"parameters={4 * sizes[-1]},tokens={80 * sizes[-1]}")
    asked = backtest.tests(history, backtest.reach(history), 1.0)
    assert len(asked) == 3  # four whole runs lie 16 times below each of the last three
    for test in asked:
        assert test.known.end.max() * 16 <= test.target.x * 1.001 and len(test.known.ends) >= 4


def test_many_series_or_dear_methods_get_fewer_tests(laid, loaded):
    history = loaded(laid(tasks=60, points=12))
    for cost, count in ((1.0, 60 * backtest.MOMENTS), (60.0, 60), (1e9, backtest.LEAST_TESTS)):
        asked = backtest.tests(history, 2.0, cost)
        assert 0.7 * count <= len(asked) <= count
        assert len({test.known.task for test in asked}) == min(60, len(asked))


def test_what_fails_is_counted_and_the_last_score_stands_for_it(laid, loaded):
    history = loaded(
        pd.concat([laid(tasks=1), pd.DataFrame({"task": "flat", "tokens": np.geomspace(1e9, 1e11, 20), "score": 0.4})])
    )
    falls = lambda series, target: 1 / 0 if series is None else float("nan")
    rows = backtest.replay([LAST, Method("broken", falls), *methods(history, ())[1:3]], backtest.tests(history, 3.0, 1.0))
    broken = rows[rows["method"] == "broken"].set_index("task")
    assert broken.loc["t0", "failed"].all() and (broken["estimate"] == broken["last"]).all()
    assert (broken.loc[["flat"], "fallback"] == "constant scores").all() and not broken.loc["flat", "failed"].any()
    assert not rows.loc[rows["method"].str.startswith("power"), "failed"].any()


def test_signals_are_screened_before_anything_that_is_asked_about(laid, loaded):
    frame = laid(tasks=2, points=30)
    early = frame["tokens"] < 3e9
    rng = np.random.default_rng(0)
    noise = {f"s{number}": rng.normal(size=len(frame)) for number in range(12)}
    frame = frame.assign(**noise)
    frame["early"] = np.where(early, frame["score"], 0.0)
    frame["late"] = np.where(early, 0.0, frame["score"])
    history = loaded(frame)
    kept = backtest.screened(history, backtest.reach(history))
    assert len(kept) == backtest.MOST_SIGNALS and "early" in kept and "late" not in kept
