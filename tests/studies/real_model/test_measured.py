"""A copy measured: rows as the package's own pass gives them, and tables without text."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from proxylib import studies
from proxylib.measure.settings import Extraction
from proxylib.measure.tokenstats.extract import token_rows
from proxylib.models import loading, tokenizers
from proxylib.runs.folder import Workspace
from proxylib.studies.pretrained import brought
from proxylib.studies.real_model import measured, questions
from proxylib.studies.real_model.settings import Copy, DamagedSettings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("model") / "model"
    brought.stand_in(place)
    return place


@pytest.fixture(scope="module")
def rows(folder):
    asked = studies.profile("smoke").real_model.asked
    given = questions.texts(asked)
    traces = [*questions.worked(given, asked), *questions.as_traces(questions.questions(given, asked))]
    model, tokenizer = loading.load(folder), tokenizers.load(folder)
    return traces, model, tokenizer, measured.rows(model, tokenizer, traces)


def test_shared_prompts_and_wide_passes_change_nothing(rows):
    traces, model, tokenizer, fast = rows
    alone = Extraction(window=10**6, chunk=64, batch=1, threads=1, device="cpu")
    slow, _ = token_rows(model, tokenizer, traces, alone)
    assert (fast[["task", "id", "token"]] == slow[["task", "id", "token"]]).all().all()
    assert np.allclose(fast["nll"], slow["nll"], atol=1e-4)


def test_answers_are_summed_by_question(rows):
    _, _, _, tokens = rows
    asked = tokens[tokens["id"].str.contains("#")]
    table = measured.options(asked)
    assert list(table.columns) == ["task", "item", "answer", "nll", "tokens", "n_bytes"]
    assert (table.groupby(["task", "item"])["answer"].apply(list).map(lambda answers: answers == [0, 1, 2, 3])).all()
    assert table["nll"].sum() == pytest.approx(asked["nll"].astype(float).sum())


def test_spread_of_a_flat_distribution():
    tokens = pd.DataFrame(
        {"task": "t", "id": "1", "nll": np.float32(np.log(8)), "entropy": np.float32(np.log(8)), "n_bytes": 3,
         "n_greater": 0, "n_equal": 8, "p_max": 0.125, "token": range(20)}
    )  # fmt: skip
    row = measured.spread(tokens, 8).iloc[0]
    assert row["bits_per_byte"] == pytest.approx(1.0) and row["rank"] == 4.5 and row["top1"] == pytest.approx(1 / 8)
    assert row["dearest"] == pytest.approx(0.1) and row["certain"] == 0


def built(folder, out, kind, dose, **lora):
    """Workspace and tables of a copy of the stand-in."""
    chosen = studies.profile("smoke").real_model
    settings = DamagedSettings(
        damage=Copy(kind=kind, dose=dose), asked=chosen.asked, lora=chosen.lora.model_copy(update=lora), threads=1
    )
    step = SimpleNamespace(settings=settings, parent=lambda role: SimpleNamespace(path=lambda name: folder))
    workspace = Workspace(out)
    measured.build(step, workspace)
    return workspace, {path.stem: pd.read_parquet(path) for path in out.glob("*.parquet")}


@pytest.fixture(scope="module")
def taught(folder, tmp_path_factory):
    return built(folder, tmp_path_factory.mktemp("taught"), "wrong solutions", 4)


def test_no_table_holds_text(taught):
    asked = studies.profile("smoke").real_model.asked
    given = questions.texts(asked)
    traces = [*questions.worked(given, asked), *questions.passages(given, asked)]
    secret = {text.strip() for trace in traces for text in (trace.prompt, trace.solution, trace.answer) if len(text) > 8}
    tables = taught[1]
    assert secret and set(tables) == {"traces", "spread", "prose", "options", "losses"}
    for table in tables.values():
        assert "token" not in table.columns
        held = table.select_dtypes(exclude="number").to_csv()
        assert not [text for text in secret if text in held.replace('""', '"')]


def test_a_copy_that_was_taught_has_its_losses_and_leaves_no_adapter(taught):
    workspace, tables = taught
    assert len(tables["losses"]) == 2 and np.isfinite(tables["losses"]["loss"]).all() and "diverged" not in workspace.facts
    assert not (workspace.folder / measured.FOLDER).exists()


@pytest.mark.parametrize("examples", [2, 6], ids=["by its last step", "before"])
def test_a_fine_tune_that_diverges_leaves_its_losses_and_says_so(folder, tmp_path, examples):
    workspace, tables = built(folder, tmp_path, "good solutions", examples, learning_rate=1e30)
    assert set(tables) == {"losses"} and workspace.facts["diverged"] is True
    assert np.isfinite(tables["losses"]["loss"]).all() == (examples == 2)
    assert not (tmp_path / measured.FOLDER).exists()
