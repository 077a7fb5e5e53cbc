"""A cell: losses, notes, and no text in its tables."""

import json

import numpy as np
import pandas as pd
import pytest
from studies.real_notes import tiny

from proxylib.models.settings import Lora
from proxylib.runs.folder import Workspace
from proxylib.studies.real_notes import cell, pairs
from proxylib.studies.real_notes.candidates import BREVITY, CANDIDATES
from proxylib.studies.real_notes.settings import CellSettings, Texts

SETTINGS = CellSettings(
    texts=Texts(data="made", longest=900, chat=False),
    examples=0,
    seed=1,
    held_out=3,
    lora=Lora(rank=2, alpha=4, learning_rate=0.01, batch=2, context=1000),
    last=2,
    max_new_tokens=3,
    note_batch=2,
    threads=1,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.saved(tmp_path_factory.mktemp("tiny")).parent


def test_the_untrained_model_has_a_held_out_loss_and_every_metric(model, tmp_path):
    workspace = Workspace(tmp_path)
    cell.build(tiny.step(SETTINGS, model), workspace)
    table = pd.read_parquet(tmp_path / "notes.parquet")
    assert set(table.columns) == {"id", "tokens", "nll", "finished", *CANDIDATES, BREVITY} and len(table) == 3
    assert workspace.facts["held_out_loss"] == pytest.approx(table["nll"].sum() / table["tokens"].sum())
    assert not (tmp_path / "losses.parquet").exists() and "final_loss" not in workspace.facts
    lines = [json.loads(line) for line in (tmp_path / cell.TEXTS).read_text().splitlines()]
    assert [line["id"] for line in lines] == list(table["id"])


def test_a_cell_that_was_trained_is_not_trained_again(model, tmp_path, monkeypatch):
    settings = SETTINGS.model_copy(update={"examples": 4})
    workspace = Workspace(tmp_path)
    cell.build(tiny.step(settings, model), workspace)
    assert len(pd.read_parquet(tmp_path / "losses.parquet")) == 2 and workspace.facts["final_steps"] == 2
    before = (tmp_path / "notes.parquet").read_bytes()
    (tmp_path / "notes.parquet").unlink()
    monkeypatch.setattr(cell, "_train", lambda *given: pytest.fail("trained again"))
    cell.build(tiny.step(settings, model), workspace)
    assert (tmp_path / "notes.parquet").read_bytes() == before


@pytest.mark.parametrize("examples", [2, 6], ids=["by its last step", "before"])
def test_a_fine_tune_that_diverges_leaves_its_losses_and_says_so(model, tmp_path, examples):
    lora = SETTINGS.lora.model_copy(update={"learning_rate": 1e30})
    workspace = Workspace(tmp_path)
    cell.build(tiny.step(SETTINGS.model_copy(update={"examples": examples, "lora": lora}), model), workspace)
    assert workspace.facts["diverged"] is True and "held_out_loss" not in workspace.facts
    losses = pd.read_parquet(tmp_path / cell.LOSSES)["loss"]
    assert np.isfinite(losses).all() == (examples == 2) and len(losses) > 0
    assert not (tmp_path / "notes.parquet").exists() and not (tmp_path / cell.TEXTS).exists()


def test_too_few_short_dialogues_are_named(model, tmp_path):
    from proxylib.errors import UserError

    with pytest.raises(UserError, match="parameter held_out"):
        cell.build(tiny.step(SETTINGS.model_copy(update={"held_out": 10 * pairs.MADE}), model), Workspace(tmp_path))
