"""Every published form is among the methods, and recovers its own law."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.forecasting import methods


def within(law, points=25, **columns):
    x = np.geomspace(1e9, 1e11, points)
    loss = 1.5 + 2 * (x / 1e9) ** -0.3
    return pd.DataFrame({"task": "a", "tokens": x, "loss": loss, "score": law(loss)}).assign(**columns)


def ladder(law, noise=0.0):
    sizes = np.repeat([1e8 * 2**n for n in range(6)], 3)
    tokens = sizes * np.tile([10, 20, 40], 6)
    loss = 0.4 + 60 * sizes**-0.25 + 120 * tokens**-0.25
    frame = pd.DataFrame({"task": "a", "parameters": sizes, "tokens": tokens, "bpb": loss, "score": law(loss), "chance": 0.25})
    return frame.assign(run=[f"r{n}" for n in range(len(frame))])


def test_published_forms_stand_among_the_methods_of_a_run(loaded):
    history = loaded(within(lambda loss: 1.2 - 0.3 * loss, top5=np.linspace(0.1, 0.9, 25)))
    names = [method.name for method in methods.methods(history, ("loss", "top5"))]
    assert names[:3] == ["persistence", "power in tokens", "log power in tokens"]
    for kind in ("linear", "exponential", "sigmoid"):
        assert f"loss, then {kind}" in names and f"top5, then {kind}" in names
    assert "loss, then linear (FLP)" in names and "top5, then linear (FLP)" not in names  # made for a loss
    assert not any("N and D" in name or "single" in name for name in names) and len(set(names)) == len(names)


def test_published_forms_stand_among_the_methods_of_a_ladder(loaded):
    history = loaded(ladder(lambda loss: 1.1 - 0.4 * loss), "parameters=12.8B,tokens=256B")
    names = [method.name for method in methods.methods(history, ("bpb",))]
    for name in ("single step in compute (6 N D)", "single step in N and D", "bpb, then linear (FLP)"):
        assert name in names
    for kind in ("exponential", "sigmoid", "ladder sigmoid"):
        assert f"bpb in N and D, then {kind}" in names


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("bpb in N and D, then exponential", lambda loss: 0.2 + 1.2 * np.exp(-0.9 * loss)),
        ("bpb in N and D, then ladder sigmoid", lambda loss: -0.75 / (1 + np.exp(-6 * (loss - 1.2))) + 1.0),
        ("single step in N and D", lambda loss: -0.7 / (1 + np.exp(-loss)) + 0.95),
    ],
)
def test_a_form_recovers_its_own_law(loaded, name, law):
    history = loaded(ladder(law), "parameters=12.8B,tokens=256B")
    method = next(method for method in methods.methods(history, ("bpb",)) if method.name == name)
    said = methods.predict(method, history.series[0], history.target)
    truth = law(0.4 + 60 * 12.8e9**-0.25 + 120 * 256e9**-0.25)
    assert not said.failed and said.value == pytest.approx(truth, abs=0.004)
    assert abs(history.series[0].score[-1] - truth) > 0.01  # the last score is not the answer


def test_flp_is_a_power_without_floor_and_a_line_above_chance(loaded):
    x = np.geomspace(1e9, 1e11, 30)
    loss = 3 * (x / 1e9) ** -0.2
    score = np.where(loss < 2.4, 1.2 - 0.4 * loss, 0.25)
    frame = pd.DataFrame({"task": "a", "tokens": x, "loss": loss, "score": score, "chance": 0.25, "stderr": 0.004})
    history = loaded(frame)
    flp = next(method for method in methods.methods(history, ("loss",)) if "FLP" in method.name)
    assert flp.score(history.series[0], history.target) == pytest.approx(1.2 - 0.4 * 3 * 1e3**-0.2, abs=2e-3)
    history = loaded(within(lambda loss: 1.2 - 0.3 * loss))  # a loss that has a floor falls on and on
    ways = {method.name: method.score(history.series[0], history.target) for method in methods.methods(history, ("loss",))}
    truth = 1.2 - 0.3 * (1.5 + 2 * 1e3**-0.3)
    assert ways["loss, then linear (FLP)"] > truth + 0.01 and ways["loss, then linear"] == pytest.approx(truth, abs=1e-3)


def test_a_fit_that_fails_is_said_and_counted(loaded):
    history = loaded(within(lambda loss: 1.2 - 0.3 * loss, points=4))
    sigmoid = next(method for method in methods.methods(history, ("loss",)) if method.name == "loss, then sigmoid")
    said = methods.predict(sigmoid, history.series[0], history.target)
    assert said.failed and "4 points" in said.fallback and said.value == history.series[0].score[-1]
