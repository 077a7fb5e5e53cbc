"""Paths lead to the same value in JSON and in Parquet, and one that leads nowhere says what there is."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from proxylib.data import field_paths, traces
from proxylib.errors import UserError

ROW = {
    "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "w"}],
    "turns": [{"from": "user", "value": "q"}, {"from": "gpt", "value": None}],
    "solutions": ["a", "b"],
    "parts": [{"content": [{"type": "text", "text": "deep"}]}],
    "meta": {"level": {"name": "hard"}, "n": 3},
    "empty": [],
    "a.b": "dotted",
    "list[0]": "bracketed",
    "plain text": "x",
}


@pytest.fixture(params=["jsonl", "json", "parquet"])
def written(request, tmp_path):
    """The row twice, in every kind of file."""
    path = tmp_path / f"mine.{request.param}"
    if request.param == "parquet":
        pq.write_table(pa.Table.from_pylist([ROW, ROW]), path)
    else:
        path.write_text("\n".join([json.dumps(ROW)] * 2) if request.param == "jsonl" else json.dumps([ROW, ROW]))
    return path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("messages[-1].content", "w"),
        ("messages[0].content", "q"),
        ("messages[1].role", "assistant"),
        ("solutions[0]", "a"),
        ("solutions[-2]", "a"),
        ("parts[0].content[0].text", "deep"),
        ("meta.level.name", "hard"),
        ("a.b", "dotted"),
        ("list[0]", "bracketed"),
        ("plain text", "x"),
    ],
)
def test_a_path_leads_to_its_text_in_every_kind_of_file(written, path, text):
    first, second = traces.read(written, {"prompt": "plain text", "solution": path, "answer": path})
    assert first.solution == first.answer == second.solution == text


def test_null_at_the_end_of_a_path_is_missing(written):
    (first, _) = traces.read(written, {"prompt": "plain text", "solution": "a.b", "answer": "turns[-1].value"})
    assert first.answer == ""
    with pytest.raises(UserError, match="1: solution is null"):
        traces.read(written, {"prompt": "plain text", "solution": "turns[-1].value"})


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("messages[-1].text", r"messages\[-1\] is an object of role, content$"),
        ("messages[2].content", "messages is a list of 2$"),
        ("messages[-3].content", "messages is a list of 2$"),
        ("messages.content", "messages is a list of 2$"),
        ("empty[0]", "empty is a list of 0$"),
        ("meta[0]", "meta is an object of level.name, n$"),
        ("meta.level.name.more", "meta.level.name is text$"),
        ("plain text[0]", "plain text is text$"),
        ("meta.n.more", "meta.n is int$"),
        ("turns[1].value.more", r"turns\[1\].value is null$"),
        ("gone", r"there is messages\[0\].role, messages\[0\].content, messages\[-1\].role, .* and \d+ more$"),
        ("gone.more[3]", "there is messages"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_there_is(written, path, said):
    with pytest.raises(UserError, match="1: .* is missing, which --fields takes for solution; .*") as caught:
        traces.read(written, {"prompt": "plain text", "solution": path})
    assert path in str(caught.value)
    with pytest.raises(UserError, match=said):
        traces.read(written, {"prompt": "plain text", "solution": path})


@pytest.mark.parametrize(
    "path", ["messages[x]", "messages[-1", "a..c", "[0]", ".a", "a.", "a[]", "a]", "a[1.5]", "a[0]b", "a.[0]", "a[99999999999]"]
)
def test_what_is_no_path_is_named(written, path):
    with pytest.raises(UserError, match="parameter fields: .* is no path; write one such as"):
        traces.read(written, {"prompt": "plain text", "solution": path})


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("messages", r"solution=messages\[0\].content"),
        ("messages[1]", r"solution=messages\[1\].content"),
        ("solutions", r"solution=solutions\[0\]"),
        ("meta", "solution=meta.level.name"),
        ("empty", "expected text$"),
    ],
)
def test_a_path_that_stops_short_is_told_how_to_go_on(written, path, hint):
    with pytest.raises(UserError, match=f"expected text.*{hint}|{hint}"):
        traces.read(written, {"prompt": "plain text", "solution": path})


def test_without_paths_a_chat_file_names_those_that_it_has(tmp_path):
    (tmp_path / "mine.jsonl").write_text(json.dumps({"messages": ROW["messages"]}))
    with pytest.raises(
        UserError, match=r"found messages\[0\].role, messages\[0\].content, messages\[-1\].role, .*--fields prompt="
    ):
        traces.read(tmp_path / "mine.jsonl")


def test_a_path_may_name_what_tells_problems_apart(tmp_path):
    lines = [json.dumps({"prompt": "write on", "solution": f"passage {n}", "doc": {"id": n // 3}}) for n in range(9)]
    (tmp_path / "mine.jsonl").write_text("\n".join(lines))
    assert traces.reading(tmp_path / "mine.jsonl").counts.problems == 1
    assert traces.reading(tmp_path / "mine.jsonl", {"problem": "doc.id"}).counts.problems == 3


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ([("user", "assistant"), ("human", "gpt")], None),  # names differ from collection to collection
        (
            [("user", "assistant"), ("system", "assistant")],
            r"line 2: messages\[0\].content is said by system, in rows before by user",
        ),
        (
            [("user", "assistant"), ("user", "user")],
            r"line 2: messages\[-1\].content is said by user, in rows before by assistant",
        ),
        ([("user", "assistant"), ("user", None)], "line 2: .* is said by nobody"),
        ([(None, None), (None, None)], None),
        ([("Rome", "Oslo"), ("Bern", "Rome")], None),  # no speakers
    ],
)
def test_words_of_another_speaker_are_not_taken(tmp_path, roles, said):
    lines = [
        {"messages": [{"role": role, "content": f"{number} {place}"} for place, role in enumerate(pair)]}
        for number, pair in enumerate(roles)
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)))
    given = tmp_path / "mine.jsonl", {"prompt": "messages[0].content", "solution": "messages[-1].content"}
    if said is None:
        assert len(traces.read(*given)) == 2
    else:
        with pytest.raises(UserError, match=said):
            traces.read(*given)


def test_steps_of_a_path():
    assert field_paths.steps("a.b[0][-1].c d") == ["a", "b", 0, -1, "c d"]
