"""A fine-tune taught further: what is looked at and when, the same bytes again, and settings that say what they want."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from models import tiny
from models.small_training import contents
from pydantic import ValidationError
from studies.lab.parents import built

from proxylib import studies
from proxylib.data.domains import scribe
from proxylib.errors import UserError
from proxylib.models.settings import Grpo, Lora, Rejection
from proxylib.studies.sft_or_rl import taught
from proxylib.studies.sft_or_rl.settings import Arm, SftOrRl, StartSettings, TaughtSettings

DRAWN = {"prompts": 2, "group": 2, "temperature": 0.5, "max_new_tokens": 6, "rounds": 3, "learning_rate": 0.01}
METHODS = {"GRPO": Grpo(**DRAWN, beta=0.0), "iterated SFT": Rejection(**DRAWN, batch=2)}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    base = tiny.save(tmp_path_factory.mktemp("base") / "model", architecture="qwen3", width=16, context=500, seed=0)
    lora = Lora(rank=2, alpha=4, learning_rate=0.01, batch=4, context=1000)
    settings = StartSettings(examples=4, notes_seed=1, epochs=1, lora=lora, seed=2, threads=1)
    step = SimpleNamespace(settings=settings, parent=lambda role: SimpleNamespace(path=lambda name: base))
    return built(taught.build_start, step, tmp_path_factory.mktemp("start"))


def step(start, method, judge):
    settings = TaughtSettings(
        arm=Arm(method=method, judge=judge),
        method=METHODS.get(method, METHODS["iterated SFT"]),
        tests=3,
        tests_seed=5,
        dialogues_seed=6,
        points=2,
        seed=2,
        threads=1,
    )
    return SimpleNamespace(settings=settings, parent=lambda role: SimpleNamespace(path=start.path))


@pytest.mark.parametrize(
    ("method", "judge", "samples"), [("GRPO", "rubric", 12), ("iterated SFT", "imperfect judge", 12), ("expert notes", None, 0)]
)
def test_every_arm_is_looked_at_before_and_after(start, tmp_path, method, judge, samples):
    workspace = built(taught.build, step(start, method, judge), tmp_path)
    table = lambda name: pd.read_parquet(workspace.path(f"{name}.parquet"))
    points, outcomes = table("points"), table("outcomes")
    assert points["round"].tolist() == [0, 1, 3] and points["dialogues"].tolist() == [0, 2, 6]
    assert points["samples"].iloc[-1] == samples and (points["flops"].diff().dropna() > 0).all()
    assert points["divergence"].iloc[0] == pytest.approx(0, abs=1e-6) and len(table("rounds")) == 3
    tests = {test.id for test in scribe.examples(3, 5, unseen=True)}
    assert all(set(part["id"]) == tests for _, part in outcomes.groupby("round")) and set(table("notes")["id"]) == tests


def test_the_same_step_leaves_the_same_bytes(start, tmp_path):
    one, again = (built(taught.build, step(start, "GRPO", "rubric"), tmp_path / name) for name in ("one", "again"))
    assert contents(one) == contents(again)


def test_points_are_the_beginning_the_end_and_spaced_between():
    assert taught.measured(32, 10) == {0, 1, 2, 3, 5, 7, 10, 15, 22, 32}
    assert taught.measured(1, 4) == {0, 1}


def test_what_a_note_is_worth_is_said_by_both_judges():
    tests = scribe.examples(2, 5, unseen=True)
    rows = taught.judged(tests, [tests[0].note, ""]).set_index("id")
    assert rows.loc[tests[0].id, ["passed", "rubric", "false"]].tolist() == [1, 1, 0] and rows["words"].iloc[1] == 0
    assert 0.8 < rows["imperfect judge"].iloc[0] < 1 and np.all(rows[["passed", "rubric", "imperfect judge"]].iloc[1] == 0)


def profile():
    return studies.profile("reference").sft_or_rl


def test_budgets_are_about_equal_and_reported_seeds_are_not_the_tuning_seed():
    chosen = profile()
    assert 1 not in chosen.seeds and len(chosen.seeds) >= 3
    grpo, rejection = (method.prompts * method.rounds * method.group for method in (chosen.grpo, chosen.rejection))
    read, learnt, kept = 2.0, 4.4, 1 / chosen.rejection.group  # operations a parameter, with an adapter of a fifth
    assert rejection * (read + learnt * kept) == pytest.approx(grpo * (read + learnt), rel=0.3)


def test_steps_begin_with_the_seed_that_they_name_and_arms_that_are_not_there_are_named():
    declared = studies.declare("taught", "reference", arm="GRPO, bound 1, imperfect judge", seed=3)
    assert declared.settings.method.beta == 1.0 and declared.parents["start"].settings.seed == 3
    assert declared.parents["start"].parents["base"].settings.seed == 3
    with pytest.raises(UserError, match="parameter arm: 'x' is not in this profile; it has expert notes"):
        studies.declare("taught", "reference", arm="x", seed=3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "GRPO"}, "judge: 'GRPO' needs one"),
        ({"method": "expert notes", "judge": "rubric"}, "judge: 'expert notes' has none"),
        ({"method": "iterated SFT", "judge": "rubric", "beta": 1.0}, "beta: 'iterated SFT' has no bound"),
    ],
)
def test_arms_that_make_no_sense_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        Arm(**values)


@pytest.mark.parametrize(
    ("changes", "message"), [({"seeds": (2, 2)}, "seeds: one"), ({"arms": profile().arms[:1] * 2}, "arms: one")]
)
def test_a_profile_that_repeats_itself_is_refused(changes, message):
    given = {name: getattr(profile(), name) for name in SftOrRl.model_fields}
    with pytest.raises(ValidationError, match=message):
        SftOrRl(**given | changes)
