"""Other tasks help where they know more, and only with what was known at the moment."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.forecasting import pooling
from proxylib.studies.forecasting.forms import power_in_compute


@pytest.fixture
def run():
    """`run(noise)`: eight tasks of one exponent, each with its own ends; the truth at ten times as far."""

    def frame(noise, tasks=8, seed=0, points=24):
        rng = np.random.default_rng(seed)
        x = np.geomspace(1e9, 1e11, points)
        rows, truth = [], {}
        for n in range(tasks):
            a, b = rng.uniform(0.6, 0.9), rng.uniform(0.2, 0.4)
            law = lambda t, a=a, b=b: a - b * (t / 1e9) ** -0.35
            truth[f"t{n}"] = law(1e12)
            rows.append(pd.DataFrame({"task": f"t{n}", "tokens": x, "score": law(x) + rng.normal(0, noise, points)}))
        return pd.concat(rows), truth

    return frame


WAYS = (pooling.power_of_peers, pooling.line_of_peers)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_beyond_the_moment_is_looked_at(run, loaded, way):
    frame, _ = run(0.01)

    def said(frame):
        history = loaded(frame)
        return way(pooling.Pool(history), history.series[0].until(2e10), history.target)

    later = frame["tokens"] > 2e10
    assert said(frame.assign(score=frame["score"].where(~later, 0.9))) == said(frame)
    others = ~later & (frame["task"] != "t0")
    assert said(frame.assign(score=frame["score"].where(~others, frame["score"] ** 2))) != said(frame)  # what others did, is


def test_exponents_pooled_are_less_wrong_than_one_series_alone(run, loaded):
    squares = {"alone": [], "exponents": []}
    for seed in range(4):
        frame, truth = run(0.015, seed=seed)
        history = loaded(frame, "tokens=1e12")
        pool = pooling.Pool(history)
        for series in history.series:
            said = {
                "alone": power_in_compute(series, history.target),
                "exponents": pooling.power_of_peers(pool, series, history.target),
            }
            for name, value in said.items():
                squares[name].append((value - truth[series.task]) ** 2)
    error = {name: float(np.sqrt(np.mean(values))) for name, values in squares.items()}
    assert error["exponents"] < 0.8 * error["alone"], error


def test_slopes_of_noisy_tasks_are_drawn_to_the_mean_and_of_one_task_stay(run, loaded):
    frame, _ = run(0.02)
    history = loaded(frame)
    pool, pooled, alone = pooling.Pool(history), [], []
    for series in history.series:
        pooled.append(pooling.line_of_peers(pool, series, history.target))
        alone.append(pooling.line_of_peers(pooling.Pool(loaded(frame[frame["task"] == series.task])), series, history.target))
    last = np.array([series.score[-1] for series in history.series])
    assert np.std(np.array(pooled) - last) < np.std(np.array(alone) - last)


def test_peers_are_the_runs_own_tasks_first_and_never_the_series_itself(run, loaded):
    frame, _ = run(0.01, tasks=4)
    history = loaded(pd.concat([frame.assign(run=name) for name in "abc"]))
    peers = pooling.Pool(history).peers(history.series[0])
    assert [(p.run, p.task) for p in peers[:3]] == [("a", "t1"), ("a", "t2"), ("a", "t3")] and len(peers) == 11
