"""The last stretch, gone twice: over the same text, from the same place, at two rates; averages are those of its weights."""

from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from models.small_training import CONFIG, LLAMA, MATERIAL, contents
from studies.lab.parents import MEASURE, built, parents

from proxylib import studies
from proxylib.errors import UserError
from proxylib.models import architectures, averaging, tokenizers
from proxylib.models.settings import TrainSettings
from proxylib.studies.checkpoints import late
from proxylib.studies.checkpoints.settings import Late, LateSettings

LATE = Late(items=4, settle=2, steps=6, last=3, rate=0.5, averaged=(2, 3))


@pytest.fixture(scope="module")
def step(tmp_path_factory):
    """A declared step over a material and a run on disk."""
    folder = tmp_path_factory.mktemp("material")
    material = parents(folder)["material"]
    tokenizer = tokenizers.load(folder / "tokenizers" / "byte", "always")
    torch.manual_seed(3)
    architectures.build(LLAMA, len(tokenizer), CONFIG.context).save_pretrained(folder / "run" / "model")
    training = TrainSettings(model=LLAMA, training=CONFIG, material=MATERIAL, seed=3)
    settings = LateSettings(training=training, evaluation=MEASURE.evaluation, counted={}, late=LATE)
    roles = {"material": material, "trajectory": SimpleNamespace(path=lambda name: folder / "run" / name)}
    return SimpleNamespace(settings=settings, parent=roles.__getitem__)


def table(workspace, name):
    return pd.read_parquet(workspace.path(f"{name}.parquet"))


def weights_of(step, folder, patch, **changes):
    """[checkpoints of the constant rate, then of the falling one] weights, and what averages were made of."""
    seen, averages = [], []
    of_model, average = averaging.weights_bytes, averaging.average

    def kept(model):
        seen.append({name: value.detach().clone() for name, value in model.state_dict().items()})
        return of_model(model)

    patch.setattr(averaging, "weights_bytes", kept)
    patch.setattr(averaging, "average", lambda files, shares: averages.append(average(files, shares)) or averages[-1])
    settings = step.settings.model_copy(update={"late": step.settings.late.model_copy(update=changes)})
    built(late.build, SimpleNamespace(settings=settings, parent=step.parent), folder)
    return seen, averages


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_the_falling_rate_ends_near_zero_and_the_constant_one_where_it_began():
    constant, falling = (late.rates(LATE, schedule) for schedule in (late.CONSTANT, late.FALLING))
    assert constant == [0.5] * 6 and falling[0] == 0.5 and falling[-1] == pytest.approx(0.5 / 6)
    assert falling == sorted(falling, reverse=True)


def test_every_checkpoint_and_every_average_is_measured_whenever_it_was_killed(step, tmp_path):
    workspace = built(late.build, step, tmp_path / "whole")
    for name in ("outcomes", "losses"):
        frame = table(workspace, name)
        places = frame[["schedule", "step", "averaged"]].drop_duplicates().to_numpy().tolist()
        each = [[2, 1], [4, 1], [6, 1], [6, 2], [6, 3]]
        assert places == [
            ["constant", 0, 1],
            *(["constant", *place] for place in each),
            *(["falling", *place] for place in each),
        ]
    assert table(workspace, "outcomes").groupby(["schedule", "step", "averaged"]).size().unique() == [8]
    assert not list(workspace.folder.glob("part-*")) and not list(workspace.folder.glob("checkpoint*"))

    def dying(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(averaging, "average", dying)
        built(late.build, step, tmp_path / "killed")
    assert contents(built(late.build, step, tmp_path / "killed")) == contents(workspace)


def test_both_begin_where_they_part_and_averages_are_of_their_own_weights(step, tmp_path, monkeypatch):
    seen, averages = weights_of(step, tmp_path / "run", monkeypatch)
    assert len(seen) == 6 and len(averages) == 4 and not same(seen[2], seen[5])
    for number, made, checkpoints in ((2, averages[0], seen[:3]), (3, averages[3], seen[3:])):
        for name, value in made.items():
            mean = torch.stack([weights[name].double() for weights in checkpoints[-number:]]).mean(0)
            assert torch.allclose(value.double(), mean, atol=1e-7)


def test_the_constant_rate_goes_on_as_if_nothing_had_parted(step, tmp_path, monkeypatch):
    """Optimisers remember, and the text goes on: only where the two part is elsewhere."""
    monkeypatch.setattr(late, "RISE", 1)
    early, _ = weights_of(step, tmp_path / "early", monkeypatch)
    later, _ = weights_of(step, tmp_path / "later", monkeypatch, settle=5, steps=3)
    assert same(early[2], later[2]) and not same(early[5], later[5])


def test_problems_are_the_first_of_those_that_count():
    traces = [SimpleNamespace(task="a", id=f"a-{level}-{number}") for number in range(3) for level in (1, 2)]
    traces += [SimpleNamespace(task="b", id="b-1-0")]
    assert [trace.id for trace in late.problems(traces, {"a": (2,)}, 2)] == ["a-2-0", "a-2-1"]
    assert len(late.problems(traces, {}, 100)) == 7


@pytest.mark.parametrize("changes", [{"steps": 7}, {"averaged": (4,)}, {"averaged": (1,)}])
def test_a_stretch_that_cannot_be_gone_is_refused(changes):
    with pytest.raises(ValueError, match=r"steps: 7|averaged"):
        Late(**(LATE.model_dump() | changes))


def test_a_run_reads_text_of_its_own_and_one_that_was_trained_further_is_refused():
    profile = studies.profile("reference")
    steps = [studies.declare("late_checkpoints", "reference", model=spec.name) for spec in profile.trajectories.runs]
    seeds = {step.settings.training.seed for step in steps}
    others = {other.settings.training.seed for other in studies.steps("reference") if other.name.startswith("trajectory/")}
    assert len(seeds) == len(steps) and not seeds & others
    with pytest.raises(UserError, match="was trained further"):
        studies.declare("late_checkpoints", "reference", model=profile.trajectories.post[0].name)
