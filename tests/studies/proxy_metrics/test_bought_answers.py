"""Bought answers: shrinking by hand, and a gain where the proxy knows more than few answers."""

import numpy as np
import pytest
from studies.proxy_metrics.populations import BOOTSTRAP, TASKS, population

from proxylib.studies.proxy_metrics import bought_answers, model_selection


def test_shrinking_moves_towards_the_line_and_orders_better_than_few_answers_alone():
    values, accuracy, answers = population()
    named = values.pivot(index="member", columns="task", values=model_selection.WINNER)
    found = bought_answers.bought_answers(named, answers, accuracy, TASKS, BOOTSTRAP)
    summary = found.set_index(["answers", "signal"])["estimate"]
    assert summary[5, "answers and proxy"] > summary[5, "answers"]
    gain = found[(found["signal"] == bought_answers.GAIN) & (found["answers"] == 5)].iloc[0]
    assert gain["estimate"] == pytest.approx(summary[5, "answers and proxy"] - summary[5, "answers"])
    assert gain["low"] <= gain["estimate"] <= gain["high"]
    assert summary[20, "answers"] > summary[5, "answers"]
    assert (5, "proxy") in summary.index and (50, "proxy") not in summary.index  # 50 of 60 would leave ten to judge by


def test_shrunk_by_hand():
    proxy = np.array([0.0, 1.0, 2.0, 3.0])
    alike = np.repeat([[0.0], [1.0], [1.0], [0.0]], 5, 1)  # every problem says the same: no noise, nothing to shrink
    assert bought_answers.shrunk(alike, proxy) == pytest.approx(alike.mean(1))
    assert (bought_answers.shrunk(alike, np.ones(4)) == alike.mean(1)).all()
    one = alike * [1, 1, 0, 1, 1]
    one[0, 4] = 1.0
    got, line = one.mean(1), np.polyval(np.polyfit(proxy, one.mean(1), 1), proxy)
    model, problem = np.indices(one.shape)
    design = np.hstack([np.eye(4)[model.ravel()], np.eye(5)[problem.ravel()]])  # two-way analysis of variance, written out
    rest = one.ravel() - design @ np.linalg.lstsq(design, one.ravel(), rcond=None)[0]
    noise = (rest @ rest) / (3 * 4) / 5
    spread = max(0, ((got - line) ** 2).sum() / 2 - noise)
    assert bought_answers.shrunk(one, proxy) == pytest.approx(line + spread / (spread + noise) * (got - line))
    coins = np.array([[1.0, 0], [0, 1], [1, 0], [0, 1]])  # scatter below its noise: all the way to the line
    assert bought_answers.shrunk(coins, proxy) == pytest.approx(np.full(4, 0.5))
