"""The lab's material: traces of five kinds over the same problems, decisive places, tokenizers, corpora described."""

from types import SimpleNamespace

import pandas as pd
import pytest

from proxylib import studies
from proxylib.data import corpora, tasks, traces
from proxylib.models import tokenizers
from proxylib.runs.store import Workspace
from proxylib.studies.lab import material
from proxylib.studies.lab.settings import CorporaSettings

MATERIAL = studies.profile("lab").material.model_copy(update={"items": 20, "prose_items": 30, "bpe_vocabulary": 300})
SEPARATE = ("expert", "other", "wrong", "shuffled")


@pytest.fixture(scope="module")
def drawn():
    return material.evaluation_traces(MATERIAL)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The workspace of a finished material run, its tokenizers learnt from less text."""
    workspace = Workspace(tmp_path_factory.mktemp("material"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material, "TOKENIZER_TEXT", 20_000)
        material.build(SimpleNamespace(settings=MATERIAL), workspace)
    return workspace


def test_every_kind_has_the_same_problems_in_the_same_order(drawn):
    kinds, _ = drawn
    assert list(kinds) == [*SEPARATE, "prose"]
    asked = [(trace.task, trace.id, trace.prompt, trace.answer) for trace in kinds["expert"]]
    assert len(asked) == len(set(asked)) == 8 * 20
    for name in SEPARATE:
        assert [(trace.task, trace.id, trace.prompt, trace.answer) for trace in kinds[name]] == asked
        assert {trace.source for trace in kinds[name]} == {"lab expert" if name == "expert" else name}


def test_kinds_differ_as_they_say(drawn):
    kinds, _ = drawn
    problems = {trace.id: problem for name in MATERIAL.tasks for trace, problem in pairs(name)}
    for expert, other, wrong in zip(kinds["expert"], kinds["other"], kinds["wrong"], strict=True):
        problem = problems[expert.id]
        assert expert.solution == problem.solution() and other.solution == problem.solution("other")
        assert tasks.check(expert, other.solution) and not tasks.check(expert, wrong.solution)
        assert len(wrong.solution) == len(expert.solution) and wrong.solution != expert.solution


def pairs(name, settings=MATERIAL):
    return tasks.evaluation_problems(tasks.task(name), settings.items, settings.seed)


@pytest.mark.parametrize("items", [12, 13, 15, 17, 24])
def test_a_shuffled_solution_belongs_to_another_problem_of_the_same_task_and_level(items):
    settings = MATERIAL.model_copy(update={"items": items})
    kinds, _ = material.evaluation_traces(settings)
    level = lambda trace: (trace.task, trace.id.split("-")[1])
    own = {(level(trace), trace.solution): trace.prompt for trace in kinds["expert"]}
    for expert, shuffled in zip(kinds["expert"], kinds["shuffled"], strict=True):
        assert own[level(expert), shuffled.solution] != expert.prompt


def test_decisive_places_are_those_of_the_experts_solutions(drawn):
    kinds, decisive = drawn
    assert list(decisive.columns) == ["task", "id", "start", "stop"]
    grouped = decisive.groupby(["task", "id"], sort=False)
    assert len(grouped) == len(kinds["expert"])
    for trace in kinds["expert"]:
        spans = grouped.get_group((trace.task, trace.id))[["start", "stop"]].to_numpy().tolist()
        assert trace.solution[slice(*spans[-1])] == trace.answer
        assert (spans[-1][0], spans[-1][1] + 1) == (len(trace.solution) - len(trace.answer) - 1, len(trace.solution))
        problem = next(problem for other, problem in pairs(trace.task) if other == trace)
        assert [tuple(span) for span in spans] == problem.decisive()


def test_prose_traces_are_held_out_and_distinct(drawn):
    prose = drawn[0]["prose"]
    texts = [trace.solution for trace in prose]
    assert len(set(texts)) == len(texts) == 30 and set(texts) <= set(corpora.pieces(corpora.prose(), True))
    assert {trace.task for trace in prose} == {"prose"} and {trace.prompt for trace in prose} == {""}
    assert len({trace.id for trace in prose}) == 30


def test_material_is_fixed_by_its_seed(drawn):
    again, decisive = material.evaluation_traces(MATERIAL)
    other, _ = material.evaluation_traces(MATERIAL.model_copy(update={"seed": 21}))
    assert again == drawn[0] and decisive.equals(drawn[1])
    for kind, found in again.items():
        assert {trace.solution for trace in found} != {trace.solution for trace in other[kind]}


def test_build_writes_every_kind_and_every_tokenizer(built, drawn):
    kinds, decisive = drawn
    for kind, found in kinds.items():
        name = "traces" if kind == "expert" else f"traces_{kind}"
        assert traces.read(built.path(f"{name}.parquet")) == found
    pd.testing.assert_frame_equal(pd.read_parquet(built.path("decisive.parquet")), decisive)
    loaded = {kind: tokenizers.load(built.path(f"tokenizers/{kind}")) for kind in ("byte", "bpe", "spaced")}
    assert (len(loaded["byte"]), len(loaded["bpe"]), len(loaded["spaced"])) == (259, 300, 300)
    assert built.facts == {"traces": 4 * 160 + 30, "prose_sha256": corpora.fingerprint()}


def test_the_tokenizers_know_the_worked_lines_of_both_styles(built):
    tokenizer = tokenizers.load(built.path("tokenizers/spaced"))
    plain = tokenizers.load(built.path("tokenizers/byte"))
    for text in ("answer 3\n", "0u from 3 to 4\n", "stride 0 u: stand on 4\n"):
        assert len(tokenizers.encode(tokenizer, [text])[0]) < len(tokenizers.encode(plain, [text])[0])


@pytest.mark.parametrize("tokens", [1000, 8000])
def test_corpora_are_written_as_long_as_asked_for_and_described(built, monkeypatch, tokens):
    monkeypatch.setattr(material, "TOKENIZER_TEXT", 10_000)
    chosen = ("expert", "web-only", "expert-copies")
    monkeypatch.setattr(corpora, "RECIPES", {name: corpora.RECIPES[name] for name in chosen})
    tables = {}
    settings = CorporaSettings(material=MATERIAL, tokens=tokens)
    step = SimpleNamespace(settings=settings, parent=lambda role: {"material": built}[role])
    material.describe_corpora(step, SimpleNamespace(write_table=tables.__setitem__))
    table = tables["corpora"].set_index("recipe")
    assert list(table.index) == list(chosen)
    tokenizer = tokenizers.load(built.path("tokenizers/bpe"))
    for name, row in table.iterrows():
        texts = corpora.take(corpora.documents(corpora.RECIPES[name], MATERIAL, 0), row["characters"])
        assert corpora.manifest(corpora.RECIPES[name], texts)["sha256"] == row["sha256"]
        counted = sum(map(len, tokenizers.encode(tokenizer, texts)))
        assert row["tokens"] == pytest.approx(counted, rel=0.1)  # its rate is that of the beginning
        begin = min(10_000, material.MOST_CHARACTERS * tokens)  # never shorter than what the rate is taken from
        wanted = max(tokens, row["tokens"] * begin / row["characters"])
        assert row["tokens"] == pytest.approx(wanted, abs=250)
    assert table.loc["expert", "repeated"] == 0 < table.loc["expert-copies", "repeated"]
