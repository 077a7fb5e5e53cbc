"""One model asked in every way: a tiny one, end to end."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from models.small_training import LLAMA
from studies.lab.parents import MEASURE, parents

from proxylib.data import traces
from proxylib.models import architectures, generate, tokenizers
from proxylib.runs.store import Workspace
from proxylib.studies.benchmark_settings import asking, configuration
from proxylib.studies.benchmark_settings.settings import Asking, ConfigurationSettings

ASKING = Asking(
    templates={"as trained": "{problem}\n", "labelled": "problem: {problem}\n"},
    shots=(0, 1),
    sampled=({"temperature": 1.0, "samples": 2},),
    items=2,
    answer_tokens=2,
)
SETTINGS = ConfigurationSettings(
    asking=ASKING, evaluation=MEASURE.evaluation, tasks=("sorting", "counting"), counted={"sorting": (3, 5)}, seed=1
)


@pytest.fixture(scope="module")
def step(tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    roles = parents(folder)
    tokenizer = tokenizers.load(folder / "tokenizers" / "byte", "always")
    torch.manual_seed(5)
    model = architectures.build(LLAMA, len(tokenizer), 128)
    for part in (model, tokenizer):
        part.save_pretrained(folder / "model")
    train = SimpleNamespace(path=lambda name: folder / name)
    return SimpleNamespace(settings=SETTINGS, parent={"train": train, "material": roles["material"]}.__getitem__)


@pytest.fixture(scope="module")
def whole(step, tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("run"))
    configuration.build(step, workspace)
    return workspace


def test_the_first_problems_of_difficulties_that_count_are_asked(step):
    asked = traces.read(step.parent("material").path("traces.parquet"))
    kept = configuration.problems(asked, SETTINGS)
    assert [trace.task for trace in kept] == ["sorting"] * 2 + ["counting"] * 2
    assert {int(trace.id.split("-")[1]) for trace in kept if trace.task == "sorting"} <= {3, 5}


def test_every_problem_is_asked_in_every_way(whole):
    table = pd.read_parquet(whole.path("outcomes.parquet"))
    assert len(table) == 2 * 2 * 2 * 2 * 4 and not table.duplicated([*configuration.CELL, "task", "id"]).any()
    assert table.groupby("decoding")["samples"].unique().map(list).to_dict() == {"greedy": [1], "temperature 1": [2]}
    written = pd.read_parquet(whole.path("written.parquet"))
    assert len(written) == 16 * 2
    assert written.loc[written["ask"] == asking.ALONE, "text"].str.startswith("answer").all()


def test_a_model_that_always_knows_is_right_by_every_scorer_under_every_setting(step, monkeypatch):
    asked = configuration.problems(traces.read(step.parent("material").path("traces.parquet")), SETTINGS)
    cells = list(configuration.cells(ASKING))

    def knows(model, tokenizer, prompts, most, batch, sample_seed=None, temperature=1.0):
        known = {trace.prompt.rstrip("\n"): trace for trace in asked}
        lines = [[line.removeprefix("problem: ") for line in prompt.splitlines() if line != "answer"][-1] for prompt in prompts]
        told = [asking.reference(known[line], cell.ask) for line in lines]
        return [generate.Completion(text.removeprefix("answer") if cell.ask == asking.ALONE else text, True) for text in told]

    monkeypatch.setattr(generate, "completions", knows)
    for cell in cells:
        rows, _ = configuration.asked(None, None, asked, cell, SETTINGS)
        for scorer in ("whole text", "final value", "lenient"):
            assert (rows[scorer] == cell.samples).all(), (cell, scorer)


def test_one_right_sample_of_two_counts_as_one_of_its_own_problem(step, monkeypatch):
    asked = configuration.problems(traces.read(step.parent("material").path("traces.parquet")), SETTINGS)

    def once(model, tokenizer, prompts, *_, **__):
        assert len(prompts) == 2 * len(asked)
        return [generate.Completion(asked[1].solution if place == 1 else "", True) for place in range(len(prompts))]

    monkeypatch.setattr(generate, "completions", once)
    rows, _ = configuration.asked(None, None, asked, configuration.Cell("as trained", 0, asking.WORKED, 1.0, 2), SETTINGS)
    assert rows["final value"].tolist() == [0, 1, 0, 0]


def test_what_loss_and_answers_cost_is_counted_on_the_same_problems(whole):
    cost = whole.facts["cost"]
    assert cost["problems"] == 4 and cost["loss_seconds"] > 0 < cost["answers_seconds"]
    assert cost["loss_flops"] / cost["loss_tokens"] == pytest.approx(cost["answers_flops"] / cost["answers_tokens"])
    assert np.isfinite(list(cost.values())).all()
