"""Intervals hold what they promise, also for what the choice of a method adds."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from statsmodels.stats.weightstats import DescrStatsW

from proxylib.studies.forecasting import backtest, intervals
from proxylib.studies.forecasting.choose import choose, panel
from proxylib.studies.forecasting.history import History
from proxylib.studies.forecasting.methods import Method
from proxylib.studies.forecasting.series import Series, Target


def errors(sizes, pairs, x=None):
    return pd.DataFrame({"error": sizes, "pair": pairs, "x": np.full(len(sizes), 1e9) if x is None else x})


def test_split_conformal_takes_the_quantile_of_the_latest_test_of_each_pair():
    sizes = np.arange(1.0, 20)
    assert intervals.conformal(errors(sizes, range(19)), 0.9, 4.0) == 18
    assert intervals.conformal(errors(sizes[:9], range(9)), 0.9, 4.0) == 9  # ceil(.9 x 10)
    early = pd.concat([errors(sizes, range(19)), errors(100 * sizes, range(19), np.full(19, 1e8))])
    assert intervals.conformal(early, 0.9, 4.0) == 18
    few = errors(sizes[:8], range(8))
    assert intervals.conformal(few, 0.9, 4.0) == intervals.multiple(few, 0.9, 4.0)


def test_of_nine_pairs_or_more_the_latest_test_of_each_gives_the_scale():
    sizes = np.arange(1.0, 10)
    reach = t.ppf(0.95, 9) * np.sqrt((sizes**2).mean())
    assert intervals.multiple(errors(sizes, range(9)), 0.9, 4.0) == pytest.approx(reach)
    early = pd.concat([errors(sizes, range(9)), errors(100 * sizes, range(9), np.full(9, 1e8))])
    assert intervals.multiple(early, 0.9, 4.0) == pytest.approx(reach)


def test_of_few_pairs_students_quantile_counts_tests_that_do_not_overlap():
    sizes = np.array([3.0, 4.0])
    assert intervals.multiple(errors(sizes, [0, 1]), 0.9, 4.0) == pytest.approx(t.ppf(0.95, 2) * np.sqrt(12.5))
    assert intervals.multiple(errors(sizes, [0, 0], [1e8, 16e8]), 0.9, 4.0) == pytest.approx(t.ppf(0.95, 3) * np.sqrt(12.5))


def test_an_interval_is_never_narrower_than_the_items_noise_and_stays_within_shares():
    low, high = intervals.ends(np.array([0.5, 0.99]), np.array([0.001**2, 0.2**2]), 1.0, np.array([0.02, 0.02]), 0.9)
    assert low[0] == pytest.approx(0.5 - 1.645 * 0.02, abs=1e-4) and high[1] == 1
    assert np.isnan(intervals.ends(np.array([0.5]), np.array([0.1]), np.nan, np.array([0.02]), 0.9)[0]).all()


def line(series, target):
    """A straight line in log x through the later half: a method that takes no time."""
    points = series.ends
    x, y = np.log(points.x)[len(points) // 2 :], points.score[len(points) // 2 :]
    slope = ((x - x.mean()) @ y) / ((x - x.mean()) @ (x - x.mean()))
    return float(y.mean() + slope * (np.log(target.x) - x.mean()))


METHODS = [Method("persistence", lambda series, target: float(series.score[-1]), 0.0), Method("line", line)]


def simulated(rng, tasks=9, points=30, items=500, horizon=4.0, first=1e9):
    """A history of power laws with the noise of items, and the scores that come."""
    x = np.append(np.geomspace(first, 1e11, points), 1e11 * horizon)
    nothing = np.full(points, np.nan)
    series, truth = [], []
    for task in range(tasks):
        p = rng.uniform(0.5, 0.95) - rng.uniform(0.2, 0.4) * (x / first) ** -rng.uniform(0.1, 0.5)
        score = rng.binomial(items, p) / items
        noise = np.sqrt(p * (1 - p) / items)[:-1]
        args = (x[:-1], score[:-1], noise, nothing, nothing, {}, x[:-1], np.zeros(points, int))
        series.append(Series(f"t{task}", "r", np.nan, *args))
        truth.append(score[-1])
    return History("tokens", Target(x[-1]), tuple(series), (), ()), np.array(truth)


def held(rng, horizon, first, histories):
    """Whether intervals of the choice held what came, and how wide they were: ours, and split conformal."""
    inside, widths = [], []
    for _ in range(histories):
        history, truth = simulated(rng, horizon=horizon, first=first)
        asked = backtest.tests(history, horizon, 1.0)
        given = panel(backtest.replay(METHODS, asked))
        choice = choose(given)
        last = np.array([s.score[-1] for s in history.series])
        said = np.array([[method.score(s, history.target) for method in METHODS] for s in history.series])
        value = choice.learnt.applied(said, last)[:, choice.names.index(choice.chosen)]
        sizes, places = np.abs(choice.honest - given.score), [test.target.x for test in asked]
        doubt, noise = (np.array(v) for v in zip(*((s.doubt(horizon), s.spread[-1]) for s in history.series), strict=True))
        past = errors(sizes / intervals.unit(given.doubt), given.pairs, places)
        ways = [
            intervals.ends(value, doubt, way(past, 0.9, horizon), noise, 0.9)
            for way in (intervals.multiple, intervals.conformal)
        ]
        inside.append([(low <= truth) & (truth <= high) for low, high in ways])
        widths.append([high - low for low, high in ways])
    return np.concatenate(inside, axis=1), np.concatenate(widths, axis=1).mean(axis=1)


@pytest.mark.parametrize(("horizon", "first"), [(2.0, 1e9), (4.0, 1e9), (18.0, 1e8), (100.0, 1e6)])
def test_ninety_percent_intervals_hold_ninety_percent_of_what_comes(horizon, first):
    inside, widths = held(np.random.default_rng(5), horizon, first, 25)
    shares = inside.reshape(2, 25, -1).mean(axis=2)  # of a history, whose tasks share one scale
    low, high = DescrStatsW(shares[0]).tconfint_mean()
    assert low <= 0.9 <= high, f"{shares[0].mean():.3f} [{low:.3f}, {high:.3f}]"
    assert widths[0] < widths[1] < 0.2, widths


def test_the_unit_is_half_way_between_points_and_doubts():
    assert intervals.unit(np.array([0.04, 0.16])) == pytest.approx([0.2, 0.4])
