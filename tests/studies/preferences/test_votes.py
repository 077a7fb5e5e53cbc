"""Votes as people keep them: shapes that are read as they are, and files that are refused in a line."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from proxylib.errors import UserError
from proxylib.studies.preferences import votes
from proxylib.studies.preferences.settings import Preferences

HEAD = "model_a,model_b,winner"


def load(path, text, **options):
    """What is read of a file with this content."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return votes.load(Preferences(votes=path, out=path.parent / "out", **options))


@pytest.mark.parametrize(
    "written",
    [
        ["model_a", "model_b", "tie"],
        ["a", "b", "tie (bothbad)"],
        ["A", "B", "Both_Bad"],
        [" Left", "RIGHT ", "draw"],
        ["[[A]]", "[[B]]", "[[C]]"],
        ["first", "second", "equal"],
        ["A>B", "B>>A", "A=B"],
        ["1", "2", "0"],
        ["1.0", "2.0", "1.5"],
        ["ada", "bob", "tie"],
        ["model_a", "model_b", "tie (inconsistent)"],
    ],
)
def test_winners_are_read_however_they_are_usually_written(tmp_path, written):
    text = "\n".join([HEAD, *(f"ada,bob,{word}" for word in written)])
    assert load(tmp_path / "v.csv", text).frame["points"].tolist() == [1, 0, 0.5]


def test_winners_of_another_writing_are_said(tmp_path):
    text = "\n".join([HEAD, "x,y,1", "x,y,0", "x,y,same", "x,y,none"])
    read = load(tmp_path / "v.csv", text, winners={"a": "1", "b": "0", "tie": "same,alike"})
    assert read.frame["points"].tolist() == [1, 0, 0.5] and read.unscored == 1


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "jsonl.gz", "json", "parquet"])
def test_every_kind_of_file_says_the_same(tmp_path, ending):
    frame = pd.DataFrame({"a": ["x", "x"], "b": ["y", "z"], "winner": ["a", "tie"], "judge": [7, 8], "question": ["p", "q"]})
    path = tmp_path / f"v.{ending}"
    lines = "\n".join(json.dumps(row) for row in frame.to_dict("records"))
    if ending == "parquet":
        frame.to_parquet(path, index=False)
    elif ending == "jsonl.gz":
        path.write_bytes(gzip.compress(lines.encode()))
    elif ending == "json":
        path.write_text(json.dumps(frame.to_dict("records")))
    else:
        path.write_text(lines if ending == "jsonl" else frame.to_csv(index=False, sep="\t" if ending == "tsv" else ","))
    read = votes.load(Preferences(votes=path, out=tmp_path / "out")).frame.to_dict("list")
    assert read == {"a": ["x", "x"], "b": ["y", "z"], "points": [1.0, 0.5], "judge": ["7", "8"], "question": ["p", "q"]}


def test_votes_of_the_arena_and_of_mt_bench_are_read_as_they_are(tmp_path):
    talk = lambda text: [{"role": "user", "content": "hi"}, {"role": "assistant", "content": text}]
    row = {"question_id": "q", "model_a": "x", "model_b": "y", "winner": "tie (bothbad)", "judge": "arena_user_1", "turn": 1}
    row |= {"conversation_a": talk("one"), "conversation_b": talk("two words"), "anony": True, "language": "English"}
    frame = load(tmp_path / "arena.jsonl", json.dumps(row)).frame
    assert votes.spoken(frame["text_a"][0]) == "one" and frame["points"].tolist() == [0.5]
    pd.DataFrame([row]).to_parquet(tmp_path / "arena.parquet")
    frame = votes.load(Preferences(votes=tmp_path / "arena.parquet", out=tmp_path)).frame
    assert votes.spoken(frame["text_b"][0]) == "two words"
    parts = [{"role": "assistant", "content": [{"type": "text", "text": "in parts"}, {"type": "image", "text": None}]}]
    assert votes.spoken(json.dumps(parts)).strip() == "in parts"
    named = load(tmp_path / "g.jsonl", json.dumps(row | {"judge": ["gpt-4", "pair-v2"]}))
    assert named.frame["judge"].tolist() == ['["gpt-4", "pair-v2"]']


def test_a_winner_in_three_columns_is_read(tmp_path):
    text = "id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n"
    text += '1,x,y,"[""hi""]","[""one"", ""two""]","[""three""]",1,0,0\n2,x,y,"[""hi""]","[""a""]","[""b""]",0,0,1\n'
    read = load(tmp_path / "v.csv", text)
    assert read.frame["points"].tolist() == [1.0, 0.5] and votes.spoken(read.frame["text_a"][0]) == "one\ntwo"
    with pytest.raises(UserError, match="row 1 after the first line: 2 outcomes are marked"):
        load(tmp_path / "v.csv", text.replace(",1,0,0", ",1,1,0"))
    with pytest.raises(UserError, match="winner_model_a is 'perhaps', expected 0 or 1"):
        load(tmp_path / "v.csv", text.replace(",1,0,0", ",perhaps,0,0"))


def test_columns_of_other_names_are_said(tmp_path):
    text = "question;L;R;better;rater\nq1;x;y;L wins;r1\n"
    fields = {"a": "L", "b": "R", "winner": "better", "judge": "rater"}
    read = load(tmp_path / "v.csv", text, fields=fields, winners={"a": "L wins"})
    assert read.frame.to_dict("records") == [{"a": "x", "b": "y", "points": 1.0, "judge": "r1", "question": "q1"}]


def test_what_is_no_vote_is_left_out_and_said(tmp_path):
    text = "\n".join([HEAD + ",judge", "x,y,a,j", "x,x,tie,j", "x,y,,j", "x,y,NaN,j", "y,x,b,"])
    read = load(tmp_path / "v.csv", text)
    assert read.frame["points"].tolist() == [1.0, 0.0] and (read.unscored, read.rows) == (2, 5)
    said = " / ".join(read.notes)
    parts = (
        "2 of 5 votes have no winner",
        "1 vote of a model against itself",
        "1 vote without a judge",
        "no column says the question",
    )
    assert [part for part in parts if part not in said] == []


def test_one_judge_is_said_to_be_one(tmp_path):
    assert any("one judge only" in note for note in load(tmp_path / "v.csv", f"{HEAD},judge\nx,y,a,j\nx,y,b,j").notes)


def test_votes_that_repeat_one_count_and_are_said(tmp_path):
    text = "\n".join([HEAD + ",judge,question,turn", "x,y,a,j,q,1", "x,y,a,j,q,1", "x,y,a,j,q,2", "x,y,b,j,q,1"])
    read = load(tmp_path / "v.csv", text)
    assert len(read.frame) == 4 and any(note.startswith("1 vote with the judge") for note in read.notes)


def test_names_of_strangers_are_shown_harmless(tmp_path):
    frame = load(tmp_path / "v.csv", HEAD + '\n"<script>alert(1)</script>","bad\x1b[31m name\u202e","a"\n').frame
    assert frame["b"][0] == r"bad\x1b[31m name\u202e" and frame["a"][0] == "<script>alert(1)</script>"


def test_cells_of_several_lines_and_quotes_stay_whole(tmp_path):
    frame = load(tmp_path / "v.csv", HEAD + ',text_a,text_b\nx,y,a,"one\n- two, ""three""",four\n').frame
    assert frame["text_a"][0] == 'one\n- two, "three"'


def test_a_mark_of_byte_order_is_no_part_of_a_name(tmp_path):
    assert len(load(tmp_path / "v.csv", "\ufeff" + HEAD + "\r\nx,y,a\r\n").frame) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; the first line names the columns"),
        ("\n\n", "is empty"),
        (",,\n1,2,3", "is empty"),
        (HEAD, "no vote in it"),
        (HEAD + "\n", "no vote in it"),
        ("model_a,winner\nx,a", "no column b; there are model_a and winner"),
        ("model_a,model_b\nx,y", "no column winner"),
        ("one,two,three\n1,2,3", "no column a"),
        ("model_a,model_b,winner,winner\nx,y,a,b", "column winner occurs twice"),
        (HEAD + "\nx,y", "line 2: 2 cells, the first line has 3"),
        (HEAD + "\nx,y,a,b", "line 2: 4 cells, the first line has 3"),
        (HEAD + "\nx,y,a\nx,y,maybe", "row 2 after the first line: winner is 'maybe', expected a, b, tie"),
        (HEAD + "\nx,y,z", "winner is 'z', expected"),
        (HEAD + "\nx,y,x\nz,y,x", "row 2 after the first line: x won, which is neither of the two"),
        (HEAD + "\n,y,a", "row 1 after the first line: model_a is empty"),
        (HEAD + "\nx,,a", "model_b is empty"),
        (HEAD + '\n"  ",y,a', "model_a is blank"),
        (HEAD + f"\n{'x' * 300},y,a", "has 300 letters; a model's name has 1 to 200"),
        (HEAD + "\nx,y,1\nx,y,0", "winner is 0 and 1, which can be read in two ways"),
        (HEAD + "\nx,y,0", "which can be read in two ways"),
        (HEAD + "\nx,y,-1\nx,y,1", "which can be read in two ways"),
        (HEAD + "\nx,y,1\nx,y,3", "which can be read in two ways"),
        (HEAD + "\nx,y,1.3", "which can be read in two ways"),
        (HEAD + "\na,b,b\nb,a,b", "winner is 'b', which is also a model"),
        (HEAD + "\nx,x,a\nx,x,b", "no vote is left: 2 votes of a model against itself"),
        (HEAD + "\nx,y,\nx,y,none", "no vote is left: 2 of 2 votes have no winner"),
        (HEAD.encode() + b"\nx\xff,y,a", "not UTF-8"),
        (b"\xff\xfem\x00o\x00", "not UTF-8"),
        (HEAD + '\n"x,y,a', "v.csv"),
        ('"', "v.csv"),
        ("\x00\x00\x00", "no column a"),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_a_line(tmp_path, text, said):
    with pytest.raises(UserError) as error:
        load(tmp_path / "v.csv", text)
    assert said in str(error.value) and "v.csv" in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; a vote is one object a line"),
        ("[1, 2]", "int, expected an object"),
        ('{"a": "x", "b": "y"}', "no column winner"),
        ('{"a": "x", "b": "y", "winner": "a"}\n{"a": "x"}', "line 2: b is empty"),
        ('{"a": "x", "b": "y", "winner": "a"', "not JSON"),
        ('{"a": "x", "a": "y"}', "occurs twice"),
        ('{"a": "x", "b": "y", "winner": {"deep": 1}}', "winner is "),
        ('{"a": "x", "b": "y", "winner": NaN}', "is not JSON"),
        ('{"a": null, "b": "y", "winner": "a"}', "a is empty"),
        ('{"a": "x", "b": "y", "winner": true}', "winner is 'True'"),
    ],
)
def test_json_that_is_wrong_is_refused_in_a_line(tmp_path, text, said):
    with pytest.raises(UserError, match=said):
        load(tmp_path / ("v.json" if text.startswith("[") else "v.jsonl"), text)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 50 + b"PAR1", b"model_a,model_b\n"])
def test_a_damaged_parquet_file_is_refused(tmp_path, content):
    with pytest.raises(UserError, match="not a whole Parquet file"):
        load(tmp_path / "v.parquet", content)


@pytest.mark.parametrize(
    ("name", "said"), [("v.xlsx", "votes are read from"), ("none.csv", "no such file"), ("d.csv", "is a folder")]
)
def test_other_places_are_refused(tmp_path, name, said):
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(UserError, match=said):
        votes.load(Preferences(votes=tmp_path / name, out=tmp_path))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fields": {"loser": "x"}}, "loser is nothing that a vote has"),
        ({"fields": {"a": "x", "b": "x"}}, "column x cannot be both"),
        ({"winners": {"left": "1"}}, "left is no outcome"),
        ({"winners": {"a": "1,1"}}, "1 stands for two outcomes"),
        ({"winners": {"a": "1", "b": ",x"}}, "a word is empty"),
        ({"buy": 0}, "greater than or equal to 1"),
        ({"level": 0.2}, "greater than 0.5"),
        ({"limit_unscored": np.nan}, "finite"),
    ],
)
def test_settings_that_are_wrong_are_refused(tmp_path, given, said):
    with pytest.raises(ValueError, match=said):
        Preferences(votes=tmp_path / "v.csv", out=tmp_path, **given)


def test_a_table_in_arrow_types_is_read(tmp_path):
    sides = {"a": pd.Categorical(["x", "x"]), "b": pd.Categorical(["y", "y"])}
    pd.DataFrame(sides | {"winner": [1, 2], "judge": [1.0, np.nan]}).to_parquet(tmp_path / "v.parquet")
    read = votes.load(Preferences(votes=tmp_path / "v.parquet", out=tmp_path))
    assert read.frame["points"].tolist() == [1.0, 0.0] and any("without a judge" in note for note in read.notes)


def test_text_that_only_looks_like_a_conversation_stays():
    assert votes.spoken("[not json") == "[not json" and votes.spoken("[1]") == "" and votes.spoken(None) == ""
    assert votes.spoken("[" * 100_000) == "[" * 100_000
