"""A run that is measured on the way: where, what, and the same bytes whenever it was killed."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from models.small_training import CONFIG, LLAMA, MATERIAL, POST_STEPS, STEPS, after, contents, interrupt
from studies.lab.parents import MEASURE, built, parents

from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.models import averaging, loading, pretrain, tokenizers
from proxylib.models.settings import TrainSettings
from proxylib.runs.folder import OWN, Folder
from proxylib.runs.store import Workspace
from proxylib.studies.lab import trajectory
from proxylib.studies.lab.settings import TrajectorySettings, Watch

WATCH = Watch(items=6, documents=2, spaced=3, last=2, averaged=(1, 2))


@pytest.fixture(scope="module")
def step(tmp_path_factory):
    """A declared step over a material and an expert on disk."""
    roles = parents(tmp_path_factory.mktemp("material"))
    training = TrainSettings(model=LLAMA, training=CONFIG, material=MATERIAL, seed=3)
    settings = TrajectorySettings(training=training, measure=MEASURE, watch=WATCH)
    return SimpleNamespace(settings=settings, parent=roles.__getitem__)


def watched(step, folder):
    return built(trajectory.build, step, folder)


@pytest.fixture(scope="module")
def whole(step, tmp_path_factory):
    return watched(step, tmp_path_factory.mktemp("whole"))


def table(workspace, name):
    return pd.read_parquet(workspace.path(f"{name}.parquet"))


@pytest.mark.parametrize("steps", [2777, 5000])
def test_half_of_the_spaced_checkpoints_come_before_an_eighteenth_and_the_last_are_even(steps):
    watch = Watch(items=6, documents=2, spaced=20, last=20, averaged=(20,))
    at, last = trajectory.checkpoints(steps, watch), trajectory.last_steps(steps, watch)
    assert at == sorted(set(at)) and at[-1] == last[-1] == steps and set(last) <= set(at) and len(at) == 39
    assert sum(step <= steps / 18 for step in at) == 10 and at[0] <= steps / 350
    assert min(last) == round(0.8 * steps) and np.ptp(np.diff(last)) <= 1
    spaced = [step for step in at if step < min(last)]
    assert np.ptp(np.log(np.array(spaced[1:]) / spaced[:-1])) < 0.15


def test_a_run_too_short_for_its_last_checkpoints_is_refused():
    watch = Watch(items=6, documents=2, spaced=3, last=9, averaged=(2,))
    with pytest.raises(UserError, match=r"trajectories.watch.last: 9 checkpoints do not fit into the last fifth of 16 steps"):
        trajectory.checkpoints(16, watch)


def test_every_checkpoint_is_measured_in_every_table(whole):
    at = trajectory.checkpoints(STEPS, WATCH)
    held_out = table(whole, "losses").query("split == 'held-out'")
    assert at[-1] == STEPS and list(held_out["step"]) == at
    for name in ("features", "outcomes", "domains"):
        frame = table(whole, name)
        assert list(frame["step"].unique()) == at and list(frame["tokens"].unique()) == list(held_out["tokens"])
        assert set(frame.groupby("step").size()) == {{"features": 2, "outcomes": 12, "domains": 6}[name]}
    assert list(table(whole, "shown")["step"].unique()) == [at[0], at[len(at) // 2], at[-1]]
    assert set(proxies.NAMES) | {"bits_per_byte", "prose_nll", "rbridge"} <= set(table(whole, "features"))
    assert not any(path.name.startswith("part-") for path in whole.folder.iterdir())


def test_the_counts_are_within_what_no_checkpoint_changes(whole, step):
    problems, outcomes = (table(whole, name) for name in ("problems", "outcomes"))
    assert list(problems.columns) == ["task", "id", "level", "n_decisive", "n_other", "guess"] and len(problems) == 12
    frame = outcomes.merge(problems, on=["task", "id"], validate="many_to_one", suffixes=("", "_guessed"))
    assert len(frame) == len(outcomes) and (problems["guess"] <= problems["n_decisive"]).all()
    for kind in ("decisive", "other"):
        assert frame[kind].between(0, frame[f"n_{kind}"]).all() and frame[f"p_{kind}"].between(0, 100).all()
    expert = step.parent("expert").table("tokens_expert").groupby(["task", "id"]).size()
    counted = problems.set_index(["task", "id"])[["n_decisive", "n_other"]].sum(axis=1)
    assert (counted == expert.loc[counted.index]).all()


def test_the_last_checkpoint_is_the_saved_model(whole, step):
    looker = trajectory.Looker(step, tokenizers.load(whole.path("model"), "always"))
    frames = looker.look(loading.load(whole.path("model")))
    for name in ("outcomes", "features", "domains"):
        last = table(whole, name).query("step == @STEPS").drop(columns=["step", "tokens"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(last, frames[name].reset_index(drop=True), check_exact=True)


def test_averages_are_those_of_the_last_weights(step, tmp_path):
    kept, folder = {}, tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        average = averaging.average
        patch.setattr(averaging, "average", lambda files, shares: kept.setdefault(len(kept), average(files, shares)))
        workspace = watched(step, folder)
    names = list(trajectory.averages(WATCH))
    assert names[:2] == ["last 1", "last 2"] and len(names) == 4 and len(kept) == 4
    shares = trajectory.averages(WATCH)
    assert all(sum(part) == pytest.approx(1) for part in shares.values())
    model = loading.load(workspace.path("model"))
    assert all(torch.equal(value, kept[0][name]) for name, value in model.state_dict().items())
    model.load_state_dict(kept[1])
    looker = trajectory.Looker(step, tokenizers.load(workspace.path("model"), "always"))
    frames, of_averages = looker.look(model), table(workspace, "averaged_domains")
    part = of_averages[of_averages["average"] == "last 2"].drop(columns="average").reset_index(drop=True)
    pd.testing.assert_frame_equal(part, frames["domains"], check_exact=True)
    assert of_averages.groupby("average")["nll"].sum().nunique() == 4


def test_killed_while_it_trains_and_while_it_averages_it_ends_with_the_same_bytes(step, whole, tmp_path):
    def dying(*_):
        raise KeyboardInterrupt

    for at in (9, 14):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            interrupt(patch, at)
            watched(step, tmp_path)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(averaging, "average", dying)
        watched(step, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrain, "train", dying)  # it neither trains nor looks again
        assert contents(watched(step, tmp_path)) == contents(whole)


def test_what_was_seen_before_a_kill_is_not_looked_at_again_and_what_is_damaged_is(step, whole, tmp_path):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, STEPS - 1)
        watched(step, tmp_path)
    at = trajectory.checkpoints(STEPS, WATCH)
    seen = sorted(int(path.stem[-6:]) for path in tmp_path.glob("part-outcomes-*"))
    assert seen == at[:-1]
    (tmp_path / f"part-outcomes-{seen[1]:06d}.parquet").write_bytes(b"PAR1")
    looks = []
    with pytest.MonkeyPatch.context() as patch:
        look = trajectory.Looker.look
        patch.setattr(trajectory.Looker, "look", lambda self, model: looks.append(1) or look(self, model))
        workspace = Workspace(tmp_path, Folder(tmp_path, {}).progress(), say=lambda text: None)
        trajectory.build(step, workspace)
    assert contents(workspace) == contents(whole)
    assert len(looks) == 2 + len(trajectory.averages(WATCH))  # the last one, the damaged one
    assert not {path.name for path in tmp_path.iterdir()} - {*OWN, "model"} - {f"{n}.parquet" for n in TABLES}


@pytest.fixture(scope="module")
def after_pretraining(step):
    """The step of a model whose post-training is watched."""
    model = after("more")
    training = step.settings.training.model_copy(update={"model": model})
    return SimpleNamespace(settings=step.settings.model_copy(update={"training": training}), parent=step.parent)


def test_of_post_training_every_checkpoint_counts_from_its_own_beginning(after_pretraining, whole, tmp_path):
    workspace = watched(after_pretraining, tmp_path)
    at = [0, *trajectory.checkpoints(POST_STEPS, WATCH)]
    pretrained = table(whole, "losses").query("split == 'held-out'").iloc[-1]
    held_out = table(workspace, "losses").query("split == 'held-out'")
    assert list(held_out["phase"]) == ["pretraining"] + ["post-training"] * (len(at) - 1)
    assert held_out.iloc[0]["nll"] == pretrained["nll"]
    for name in ("features", "outcomes", "domains"):
        frame = table(workspace, name)
        assert list(frame["step"].unique()) == at and at[-1] == POST_STEPS
        assert list(frame["tokens"].unique()) == list(held_out["tokens"] - pretrained["tokens"])
        columns = frame.columns.drop(["step", "tokens"])
        end, start = table(whole, name).query("step == @STEPS"), frame.query("step == 0")
        pd.testing.assert_frame_equal(start[columns].reset_index(drop=True), end[columns].reset_index(drop=True))


def test_killed_in_post_training_it_ends_with_the_same_bytes(after_pretraining, tmp_path):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, POST_STEPS - 2, POST_STEPS)
        watched(after_pretraining, tmp_path / "killed")
    assert contents(watched(after_pretraining, tmp_path / "killed")) == contents(watched(after_pretraining, tmp_path / "never"))


TABLES = ("losses", "problems", *trajectory.TABLES, *trajectory.AVERAGED)
