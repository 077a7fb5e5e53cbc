"""Models with faults: what is asked of them, and tables that are the same however often the step was cut."""

from types import SimpleNamespace

import pandas as pd
import pytest
from models.small_training import CONFIG, LLAMA, MATERIAL, contents
from studies.lab.parents import MEASURE, built, parents

from proxylib.data import traces
from proxylib.studies.layers import faulty, text
from proxylib.studies.layers.settings import ASKED, BaseSettings, FaultySettings, Group

ITEMS = dict.fromkeys(ASKED, 1)


@pytest.fixture(scope="module")
def step(tmp_path_factory):
    """A faulty step over a base that was trained for a moment."""
    roles = parents(tmp_path_factory.mktemp("material"))
    base = SimpleNamespace(
        settings=BaseSettings(model=LLAMA, training=CONFIG, material=MATERIAL, seed=1), parent=roles.__getitem__
    )
    folder = built(faulty.build_base, base, tmp_path_factory.mktemp("base")).folder
    roles["base"] = SimpleNamespace(path=lambda name: folder / name)
    settings = FaultySettings(
        **{"model": LLAMA, "group": Group(name="leak", fault=text.LEAK, seeds=(5, 6), doses=(1.0, 0.5)), "training": CONFIG},
        **{"peak": 0.3, "checkpoints": 2, "documents": 2, "items": ITEMS, "evaluation": MEASURE.evaluation},
        material=MATERIAL,
    )
    return SimpleNamespace(settings=settings, parent=roles.__getitem__)


@pytest.fixture(scope="module")
def whole(step, tmp_path_factory):
    return built(faulty.build, step, tmp_path_factory.mktemp("whole"))


def table(workspace, name):
    return pd.read_parquet(workspace.path(f"{name}.parquet"))


def test_sets_share_no_problem_and_have_the_form_that_they_are_called_by(step):
    kept = traces.read(step.parent("material").path("traces.parquet"))
    chosen = faulty.problems(kept, ITEMS)
    assert len({(trace.task, trace.id) for _, trace in chosen}) == len(chosen) == len(ITEMS) * len(MATERIAL.tasks)
    for name, trace in chosen:
        assert trace.source == ASKED[name] and trace.prompt.startswith(text.FORMS[ASKED[name]])


def test_held_out_documents_are_of_every_domain():
    documents = faulty.held_out_documents(MATERIAL, 3)
    assert list(documents) == [*MATERIAL.tasks, "prose", "code", *faulty.REQUESTS]
    assert all(len(part) == 3 for part in documents.values())


def test_checkpoints_are_even_and_end_at_the_end():
    assert faulty.checkpoints(100, 4) == [25, 50, 75, 100] and faulty.checkpoints(2, 4) == [1, 2]


def test_every_model_has_all_that_a_layer_may_read(whole, step):
    answers, losses, domains = (table(whole, name) for name in ("answers", "losses", "domains"))
    assert set(answers["seed"]) == {5, 6} and set(answers["dose"]) == {1.0, 0.5}
    assert len(answers) == 2 * len(ITEMS) * len(MATERIAL.tasks) and list(answers["asked"].unique()) == list(ASKED)
    assert not (answers["right"] & ~answers["read"]).any()
    assert domains.groupby(["seed", "domain"])["step"].nunique().eq(2).all() and (domains["tokens"] > 0).all()
    assert losses.groupby("seed").size().gt(0).all()
    assert not list(whole.folder.glob("part-*")) and not (whole.folder / "checkpoint.safetensors").exists()


def test_a_step_that_was_cut_ends_with_the_same_bytes(whole, step, tmp_path):
    answer, calls = faulty.Layers.answers, []

    def dying(self, model):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return answer(self, model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faulty.Layers, "answers", dying)
        with pytest.raises(KeyboardInterrupt):
            built(faulty.build, step, tmp_path / "cut")
    assert len(list((tmp_path / "cut").glob("part-*"))) == len(faulty.TABLES)
    assert contents(built(faulty.build, step, tmp_path / "cut")) == contents(whole)
