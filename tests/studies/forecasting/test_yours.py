"""The page's own example, and a history that its notebook is given."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from proxylib import studies
from proxylib.errors import UserError
from proxylib.studies.forecasting import yours
from proxylib.studies.forecasting.settings import from_parameters


def trajectory(points=12, items=40):
    tokens = np.geomspace(1e4, 4e6, points).astype(int)
    rng = np.random.default_rng(0)
    outcomes = pd.DataFrame(
        [
            {"tokens": x, "task": task, "id": item, "correct": rng.random() < 0.1 + 0.06 * place}
            for place, x in enumerate(tokens)
            for task in ("a", "b")
            for item in range(items)
        ]
    )
    features = outcomes[["tokens", "task"]].drop_duplicates()
    return outcomes, features.assign(bits_per_byte=2.0, prose_bits_per_byte=3.0)


def test_the_example_knows_a_quarter_and_what_came():
    outcomes, features = trajectory()
    example = yours.example(outcomes, features, None)
    assert example.rows["tokens"].max() <= 1e6 and example.target == "tokens=4000000"
    last = outcomes[outcomes["tokens"] == 4e6].groupby("task")["correct"].mean()
    assert example.came == last.to_dict() and (example.rows["items"] == 40).all()
    assert {"prose_bits_per_byte", "trace_bits_per_byte"} <= set(example.rows)


def test_the_recorded_example_is_forecast_as_a_file_of_yours_would_be():
    example = yours.recorded()
    assert example is not None and example.rows["task"].nunique() >= 2
    few = example._replace(rows=example.rows[example.rows["task"].isin(["counting", "division"])])
    step = SimpleNamespace(parameters={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yours, "recorded", lambda: few)
        shown = yours.of(step)
    chosen = shown.forecasts[shown.forecasts["chosen"]]
    assert set(chosen["task"]) == {"counting", "division"} and set(shown.came) >= {"counting"}
    assert shown.sentence.startswith(f"At {example.target}")


def test_no_recorded_run_is_no_example(tmp_path):
    assert yours.recorded(tmp_path) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"history": "h.csv", "target": "tokens=1e12"}, "parameter out: history, target and out go together"),
        ({"history": "h.csv", "target": "loss=2", "out": "D"}, "parameter target: loss is no axis"),
    ],
)
def test_parameters_are_refused_before_a_kernel_starts(given, said):
    with pytest.raises(UserError, match=said):
        from_parameters(given)
    with pytest.raises(UserError, match=said):
        studies.declare_page("forecasting", "smoke", **given)


def test_another_history_is_another_page(tmp_path):
    path = tmp_path / "h.csv"
    keys = []
    for text in ("task,tokens,score\na,1,0.5\n", "task,tokens,score\na,1,0.6\n"):
        path.write_text(text)
        step = studies.declare_page("forecasting", "smoke", history=str(path), target="tokens=9", out=str(tmp_path / "D"))
        keys.append(step.key.run_id)
    assert keys[0] != keys[1] != studies.declare_page("forecasting", "smoke").key.run_id
