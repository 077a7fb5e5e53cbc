"""Kept answers: data that proves itself, whole or not there."""

import json
import os
import re
from pathlib import Path

import pytest

import proxylib
from proxylib.errors import UserError
from proxylib.judging.cache import Answer, Cache

JUDGE = {"model": "m", "server": "", "temperature": 0.0, "schema": True}
ANSWER = Answer(text='{"verdict": "pass"} \x1b ü', stop="stop", error="", max_new_tokens=300, tokens_in=50, tokens_out=20)


def test_answers_come_back_as_they_were_kept(tmp_path):
    cache = Cache(tmp_path / "cache", JUDGE)
    name = cache.digest({"prompt": "a", "repeat": 0})
    assert cache.answers(name) == []
    cache.keep(name, [ANSWER])
    cache.keep(name, [ANSWER, ANSWER.model_copy(update={"text": ""})])
    assert [answer.text for answer in Cache(tmp_path / "cache", JUDGE).answers(name)] == [ANSWER.text, ""]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{name}.json"]


def test_the_name_of_an_entry_is_that_of_the_question_and_the_judge(tmp_path):
    questions = [{"prompt": "a", "repeat": repeat} for repeat in range(2)] + [{"prompt": "b", "repeat": 0}]
    judges = [JUDGE, JUDGE | {"server": "http://x"}, JUDGE | {"temperature": 0.5}]
    names = {Cache(tmp_path, judge).digest(question) for judge in judges for question in questions}
    assert len(names) == 9 and all(re.fullmatch("[0-9a-f]{64}", name) for name in names)


def _changed(values, **more):
    return json.dumps(values | more)


@pytest.mark.parametrize(
    "damage",
    [
        lambda values: "",
        lambda values: "[]",
        lambda values: "null",
        lambda values: json.dumps(values)[:-20],
        lambda values: _changed(values, answers=[]),
        lambda values: _changed(values, answers=[values["answers"][0] | {"text": "fail"}]),
        lambda values: _changed(values, question="0" * 64),
        lambda values: json.dumps({name: value for name, value in values.items() if name != "digest"}),
        lambda values: "[" * 100_000,
    ],
)
def test_a_damaged_or_edited_entry_is_named_and_not_used(damage, tmp_path, capsys):
    cache = Cache(tmp_path, JUDGE)
    name = cache.digest({"prompt": "a"})
    cache.keep(name, [ANSWER])
    path = tmp_path / f"{name}.json"
    path.write_text(damage(json.loads(path.read_text())))
    assert cache.answers(name) == []
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1 and str(path) in told and "asked again" in told


def test_what_a_killed_writer_left_is_removed(tmp_path):
    (tmp_path / ".abc.json.17.tmp").write_text("half")
    Cache(tmp_path, JUDGE)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="answers cannot be kept there"):
        Cache(tmp_path, JUDGE)


def test_no_module_of_the_package_unpickles_or_lets_inspect_cache():
    for path in Path(proxylib.__file__).parent.rglob("*.py"):
        assert not re.search(
            r"^\s*(import|from) (pickle|dill|shelve)\b|joblib\.(load|dump|Memory)|INSPECT_CACHE|CachePolicy",
            path.read_text(),
            re.M,
        )
