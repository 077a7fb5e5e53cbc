"""One visit to a trained model: token rows of every kind of trace, and its own answers, checked."""

from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from proxylib import studies
from proxylib.data import tasks, traces
from proxylib.errors import UserError
from proxylib.measure import benchmarks, features
from proxylib.measure.settings import Extraction, MeasureSettings
from proxylib.measure.tokenstats.extract import token_rows
from proxylib.models import architectures, generate, loading, tokenizers
from proxylib.models.settings import Evaluation, Model
from proxylib.runs.store import Workspace
from proxylib.studies.lab import material, measurement

MATERIAL = studies.profile("lab").material.model_copy(update={"tasks": ("walk", "calendar"), "items": 7, "prose_items": 5})
SETTINGS = MeasureSettings(
    extraction=Extraction(window=40, chunk=16, batch=4, threads=1, device="cpu"),
    evaluation=Evaluation(max_new_tokens=5, batch=3, threads=1, device="cpu"),
)


@pytest.fixture(scope="module")
def parents(tmp_path_factory):
    """role -> a material run and a trained model on disk."""
    folder = tmp_path_factory.mktemp("measure")
    made = {"material": Workspace(folder / "material"), "train": Workspace(folder / "train")}
    for kind, found in material.evaluation_traces(MATERIAL)[0].items():
        made["material"].write_table("traces" if kind == "expert" else f"traces_{kind}", traces.to_frame(found))
    tokenizer = tokenizers.train("bpe", ["answer 3\nstride from to\n"] * 30, 300)
    spec = Model(architecture="gpt2", tokenizer="bpe", width=16, depth=1, mix="expert", post="none", share=1.0)
    torch.manual_seed(4)
    architectures.build(spec, len(tokenizer), 128).save_pretrained(folder / "train" / "model")
    tokenizer.save_pretrained(folder / "train" / "model")
    made["material"].table = lambda name: pd.read_parquet(made["material"].path(f"{name}.parquet"))
    return made


@pytest.fixture(scope="module")
def measured(parents, tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("measured"))
    measurement.build(step_of(parents), workspace)
    return workspace


def step_of(parents):
    return SimpleNamespace(settings=SETTINGS, parents=parents, parent=parents.__getitem__)


def table(workspace, name):
    return pd.read_parquet(workspace.path(f"{name}.parquet"))


def test_every_kind_of_the_material_is_measured(measured, parents):
    kinds = material.evaluation_traces(MATERIAL)[0]
    assert set(material.KINDS) == set(kinds)
    names = {path.stem for path in measured.folder.iterdir()}
    assert names == {f"tokens_{kind}" for kind in kinds} | {"items", "answers", "written", "features", "settings"}
    folder = parents["train"].path("model")
    model, tokenizer = loading.load(folder), tokenizers.load(folder)
    for kind, found in kinds.items():
        tokens, items = token_rows(model, tokenizer, found, SETTINGS.extraction)
        pd.testing.assert_frame_equal(table(measured, f"tokens_{kind}"), tokens)
        if kind == "expert":
            pd.testing.assert_frame_equal(table(measured, "items"), items, check_dtype=False)


def test_kinds_share_problems_and_differ_in_what_is_scored(measured):
    scored = {kind: table(measured, f"tokens_{kind}") for kind in material.KINDS}
    keys = {kind: set(zip(rows["task"], rows["id"], strict=True)) for kind, rows in scored.items()}
    assert keys["expert"] == keys["other"] == keys["wrong"] == keys["shuffled"] != keys["prose"]
    for kind in ("other", "wrong", "shuffled"):
        assert not scored[kind]["token"].reset_index(drop=True).equals(scored["expert"]["token"])


def test_answers_are_the_models_own_checked_against_the_expert(measured, parents):
    found, asked = table(measured, "answers"), traces.read(parents["material"].path("traces.parquet"))
    assert list(found.columns) == ["task", "id", "level", "correct"]
    assert list(found["id"]) == [trace.id for trace in asked]
    levels = [tasks.task(name).levels for name in found["task"].drop_duplicates()]
    assert list(found["level"]) == [own[number % len(own)] for own in levels for number in range(7)]
    folder = parents["train"].path("model")
    own = generate.completions(loading.load(folder), tokenizers.load(folder), [trace.prompt for trace in asked], 5, 3)
    texts = [completion.text for completion in own]
    assert list(found["correct"]) == [tasks.check(trace, text) for trace, text in zip(asked, texts, strict=True)]
    written = table(measured, "written")
    assert written.groupby("task").size().tolist() == [measurement.SHOWN] * 2
    assert list(written["text"]) == [text for number, text in enumerate(texts) if number % 7 < measurement.SHOWN]


def test_the_facts_account_for_the_experts_tokens(measured, parents):
    items, tokens = table(measured, "items"), table(measured, "tokens_expert")
    facts = measured.facts
    assert (
        facts["vocabulary"] == len(tokenizers.load(parents["train"].path("model")))
        and facts["problems"] == 14
        and facts["batch"] == 4
    )
    assert facts["tokens_scored"] == len(tokens) == items["scored"].sum()
    assert facts["tokens_windowed"] == items["windowed"].sum() > 0  # the window of this test is short
    assert facts["tokens_truncated"] == items["truncated"].sum()
    assert facts["short"] == (tokens.groupby(["task", "id"]).size() < 8).sum()
    assert (facts["device"], facts["threads"], facts["precision"]) == ("cpu", 1, "float32")


def test_an_answer_is_right_where_it_ends_in_the_traces_answer(monkeypatch):
    asked = [trace for trace, _ in tasks.evaluation_problems(tasks.task("walk"), 6, 1)]
    given = [trace.solution if number % 2 else "answer none" for number, trace in enumerate(asked)]
    seen, completions = [], [generate.Completion(text, True) for text in given]
    monkeypatch.setattr(generate, "completions", lambda *arguments: seen.append(arguments[2:]) or completions)
    found = benchmarks.answers(None, None, asked, SETTINGS.evaluation)
    assert list(found["correct"]) == [False, True] * 3 and list(found["text"]) == given
    assert seen == [([trace.prompt for trace in asked], 5, 3)]


def test_a_run_without_a_kind_of_trace_is_refused(parents, tmp_path):
    class Bare:
        def path(self, name):
            if name == "traces_wrong.parquet":
                raise UserError("traces_wrong.parquet: not in this run")
            return parents["material"].path(name)

    with pytest.raises(UserError, match="traces_wrong"):
        measurement.build(step_of({"train": parents["train"], "material": Bare()}), Workspace(tmp_path))


def test_features_are_those_of_the_rows_and_the_expert_is_the_parent_if_there_is_one(measured, parents, tmp_path):
    rows = {kind: table(measured, f"tokens_{kind}") for kind in material.KINDS}
    texts, vocabulary = features.solutions(parents["material"]), measured.facts["vocabulary"]
    alone = features.features(rows, rows["expert"], texts, vocabulary)  # the lab expert weighs itself
    pd.testing.assert_frame_equal(features.to_wide(table(measured, "features")), alone)
    pd.testing.assert_frame_equal(
        table(measured, "settings"), features.settings(rows, rows["expert"], texts, vocabulary), check_dtype=False
    )
    theirs = rows["expert"].assign(nll=rows["expert"]["nll"].to_numpy()[::-1])
    other = SimpleNamespace(table={"tokens_expert": theirs}.__getitem__)
    workspace = Workspace(tmp_path)
    measurement.build(step_of(parents | {"expert": other}), workspace)
    found = features.to_wide(table(workspace, "features"))
    pd.testing.assert_frame_equal(found, features.features(rows, theirs, texts, vocabulary))
    assert not found["rbridge"].equals(alone["rbridge"])
