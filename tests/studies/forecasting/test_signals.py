"""Which of many signals to trust is decided on other tasks, in what was known."""

import numpy as np
import pandas as pd
import pytest

from proxylib.errors import UserError
from proxylib.studies.forecasting import backtest, signals
from proxylib.studies.forecasting.forms import from_signal
from proxylib.studies.forecasting.methods import methods
from proxylib.studies.forecasting.pooling import Pool

SIGNALS = ("early", "good", "top5|frequency")


def laid(tasks=4, points=30, noise=40):
    """Tasks whose score is a line in `good`; `early` follows it early in the run and leaves it then."""
    rng = np.random.default_rng(0)
    x = np.geomspace(1e9, 1e11, points)
    good = 1.5 + 2 * (x / 1e9) ** -0.3
    early = np.where(x < 3e9, good, good[x < 3e9][-1] + 0.5 * np.log(x / 3e9))
    top5 = np.full(points, 0.3) + rng.normal(0, 1e-3, points)
    others = {f"noise{n}": rng.normal(size=points) for n in range(noise)}
    columns = {"tokens": x, "early": early, "good": good, "top5|frequency": top5} | others
    rows = [pd.DataFrame(columns | {"task": f"t{n}", "score": 0.95 - (0.15 + 0.02 * n) * good}) for n in range(tasks)]
    return pd.concat(rows, ignore_index=True)


def test_the_signal_is_chosen_on_other_tasks_alone(loaded):
    history = loaded(laid())
    series, truth = history.series[0], 0.95 - 0.15 * (1.5 + 2 * 1e3**-0.3)
    chosen = signals.held_in(Pool(history), series, history.target, history.signals, "linear")
    assert chosen == pytest.approx(truth, abs=2e-3)
    frame = laid()
    own = frame["task"] == "t0"  # its own scores have no say in which
    history = loaded(frame.assign(score=frame["score"].where(~own, 0.2 + 0.1 * frame["early"])))
    said = signals.held_in(Pool(history), history.series[0], history.target, history.signals, "linear")
    assert said == pytest.approx(from_signal(history.series[0], history.target, "good", "linear"), abs=2e-3)


def test_the_choice_knows_nothing_of_later_checkpoints(loaded):
    def said(frame):
        history = loaded(frame)
        return signals.held_in(Pool(history), history.series[0].until(3e10), history.target, SIGNALS, "linear")

    frame = laid()
    assert said(frame.assign(score=frame["score"].where(frame["tokens"] <= 3e10, 0.9))) == said(frame)


def test_one_task_chooses_on_its_own_past_and_too_short_a_past_is_said(loaded):
    history = loaded(laid(tasks=1))
    truth = 0.95 - 0.15 * (1.5 + 2 * 1e3**-0.3)
    assert signals.held_in(Pool(history), history.series[0], history.target, SIGNALS, "linear") == pytest.approx(
        truth, abs=2e-3
    )
    short = loaded(laid(tasks=1, points=5))
    with pytest.raises(UserError, match="points enough"):
        signals.held_in(Pool(short), short.series[0], short.target, SIGNALS, "linear")


def test_named_proxies_are_always_among_those_forecast_one_by_one(loaded):
    history = loaded(laid())
    kept = backtest.screened(history, backtest.reach(history))
    assert "top5|frequency" in kept and len(kept) == backtest.MOST_SIGNALS and "good" in kept
    names = [method.name for method in methods(history, kept)]
    assert {"held-in signal, then linear", "held-in signal, then sigmoid"} <= set(names)
