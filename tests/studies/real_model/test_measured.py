"""A copy measured: rows as the package's own pass gives them, and tables without text."""

import numpy as np
import pandas as pd
import pytest

from proxylib import studies
from proxylib.data.trace import Trace
from proxylib.measure.settings import Extraction
from proxylib.measure.tokenstats.extract import token_rows
from proxylib.models import loading, tokenizers
from proxylib.studies.pretrained import brought
from proxylib.studies.real_model import measured, questions


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


def test_no_table_holds_text():
    trace = Trace("t", "1", "p", "secret words", "", "")
    frame = pd.DataFrame({"task": "t", "id": "1", "nll": [1.0], "n_bytes": [3], "token": [4]})
    assert trace.solution not in measured.sums(frame).to_csv() and "token" not in measured.sums(frame).columns
