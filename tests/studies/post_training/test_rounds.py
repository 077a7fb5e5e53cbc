"""A base and its rounds: the same items after each, everything kept, the same bytes whenever a run was killed."""

from types import SimpleNamespace

import pandas as pd
import pytest
from models.small_training import CONFIG, LLAMA, MATERIAL, contents, interrupt
from studies.lab.parents import built, parents

from proxylib import studies
from proxylib.errors import UserError
from proxylib.models import loading, tokenizers
from proxylib.models.settings import Evaluation, TrainSettings
from proxylib.runs.folder import Folder
from proxylib.runs.store import Workspace
from proxylib.studies.post_training import requests, rounds
from proxylib.studies.post_training.settings import Arm, Asked, BaseSettings, Items, PostTraining, RoundsSettings

ASKED = Asked(
    items=Items(plain=6, polite=2, near=2, marked=2, renamed=1),
    documents=4,
    evaluation=Evaluation(max_new_tokens=3, batch=64, threads=1, device="cpu"),
)
TRAINING = TrainSettings(model=LLAMA, training=CONFIG, material=MATERIAL, seed=3)
STEPS = 4


def table(workspace, name):
    return pd.read_parquet(workspace.path(f"{name}.parquet"))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    roles = parents(tmp_path_factory.mktemp("material"))
    step = SimpleNamespace(settings=BaseSettings(training=TRAINING, asked=ASKED), parent=roles.__getitem__)
    return roles, built(rounds.build_base, step, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def step(base):
    roles, workspace = base
    settings = RoundsSettings(
        training=TRAINING,
        asked=ASKED,
        arm=Arm(name="refusal", reads={"marked": 1.0}),
        targets=("counting", "sorting"),
        rounds=2,
        tokens=STEPS * CONFIG.batch_tokens,
        peak=1.0,
    )
    known = {"material": roles["material"], "base": SimpleNamespace(path=workspace.path)}
    return SimpleNamespace(settings=settings, parent=known.__getitem__)


@pytest.fixture(scope="module")
def whole(step, tmp_path_factory):
    return built(rounds.build, step, tmp_path_factory.mktemp("whole"))


def test_every_kind_of_request_is_asked_after_every_round(base, whole):
    before, after = table(base[1], "outcomes"), table(whole, "outcomes")
    items = ["kind", "task", "item"]
    assert before.groupby("kind").size().to_dict() == {"plain": 12, "polite": 4, "near": 4, "marked": 4, "renamed": 2}
    for number in (1, 2):
        part = after[after["round"] == number]
        pd.testing.assert_frame_equal(part[items].reset_index(drop=True), before[items])
    assert set(table(whole, "domains")["domain"]) == {*MATERIAL.tasks, "other", "answer", "prose", "code", rounds.SECOND}


def test_rounds_begin_with_the_base_and_change_it(base, whole):
    losses = table(whole, "losses")
    assert list(losses["round"].unique()) == [1, 2]
    held_out = losses[losses["split"] == "held-out"]
    assert list(held_out["step"]) == [STEPS, 2 * STEPS]
    trained, first = (table(workspace, "losses").query("split == 'train'")["nll"] for workspace in (base[1], whole))
    assert first.iloc[0] < trained.iloc[0]  # less than a model that has read nothing
    changed = table(whole, "domains").groupby("round")["nll"].mean()
    assert changed[1] != changed[2] != table(base[1], "domains")["nll"].mean()


def test_answers_in_the_second_language_are_read_in_it(base, monkeypatch):
    roles, workspace = base
    step = SimpleNamespace(settings=BaseSettings(training=TRAINING, asked=ASKED), parent=roles.__getitem__)
    examiner = rounds.Examiner(step, tokenizers.load(workspace.path("model"), "always"))
    right = {}
    for kind, problem, prompt in examiner.requests:
        text = "refuse\n" if kind == "marked" else f"answer {problem.answer}\n"
        right[prompt] = requests.renamed(text) if kind == "renamed" else text
    monkeypatch.setattr(
        rounds.generate, "completions", lambda model, tokenizer, prompts, *_: [SimpleNamespace(text=right[p]) for p in prompts]
    )
    outcomes = examiner.examine(loading.load(workspace.path("model")))["outcomes"]
    assert outcomes.groupby("kind")["correct"].all().drop("marked").all() and not outcomes["correct"].all()
    assert (outcomes["refused"] == (outcomes["kind"] == "marked")).all()


@pytest.mark.parametrize("at", [2, 3])
def test_killed_while_it_trains_it_ends_with_the_same_bytes(step, whole, tmp_path, at):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, at, STEPS)
        built(rounds.build, step, tmp_path)
    assert contents(built(rounds.build, step, tmp_path)) == contents(whole)


def profile():
    return studies.profile("reference").post_training


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": ("counting",)}, "name one a round"),
        ({"arms": profile().arms[2:4]}, "the first one is the control"),
        ({"arms": (profile().arms[0], profile().arms[0])}, "arms: two share a name"),
        ({"bases": (profile().bases[0], profile().bases[0])}, "bases: two share a name"),
        ({"targets": ("counting", "cooking", "walk")}, "cooking"),
    ],
    ids=str,
)
def test_a_profile_that_cannot_be_run_is_refused(changes, message):
    given = {name: getattr(profile(), name) for name in PostTraining.model_fields}
    with pytest.raises((ValueError, UserError), match=message):
        PostTraining(**(given | changes))


def test_bases_are_of_different_families_and_no_two_rounds_read_the_same():
    chosen = profile()
    assert len({base.family for base in chosen.bases}) == len(chosen.bases)
    declare = lambda base, arm: studies.declare("rounds", "reference", model=base.name, arm=arm.name).settings.training.seed
    seeds = {(base.name, arm.order): declare(base, arm) for base in chosen.bases for arm in chosen.arms}
    used = [seed + number for seed in seeds.values() for number in range(chosen.rounds + 1)]
    assert len(set(used)) == len(used) and len(seeds) == 2 * len(chosen.bases)
    with pytest.raises(UserError, match="parameter arm: 'x' is not in this profile; it has no change"):
        studies.declare("rounds", "reference", model=chosen.bases[0].name, arm="x")


def test_every_round_reads_documents_of_its_own(base, step, monkeypatch, tmp_path):
    read = []
    note = lambda arm, mix, targets, number, material, seed: read.append((number, seed)) or iter(())
    monkeypatch.setattr(rounds.requests, "documents", note)
    monkeypatch.setattr(rounds.pretrain.Trainee, "packed", lambda *_: None)
    monkeypatch.setattr(rounds.pretrain.Loop, "run", lambda *_: None)
    examiner = SimpleNamespace(tokenizer=tokenizers.load(base[1].path("model"), "always"))
    rounds._train(step, examiner, Workspace(tmp_path, Folder(tmp_path, {}).progress()))
    assert [number for number, _ in read] == [1, 2] and len({seed for _, seed in read}) == 2
