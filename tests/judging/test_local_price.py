"""What a judge in a folder is said to take."""

import json

import pytest
import torch
from models import strange

from proxylib import cli
from proxylib.judging import local_price
from proxylib.judging.settings import LLMJudge
from proxylib.judging.spending import Estimate


def test_every_question_takes_time_and_longer_ones_memory_and_none_take_none(tmp_path):
    model = LLMJudge(model=f"hf/{strange.saved(tmp_path / 'judge')}")
    none = local_price.priced(model, Estimate(0, 0, 0, 0.0), tmp_path)
    many = local_price.priced(model, Estimate(40, 40_000, 4_000, 0.0), tmp_path)
    assert (none.tokens, none.seconds, none.disk) == (0, 0.0, 0.0)
    assert many.tokens == 44_000 and many.seconds > 0 and many.disk > 0
    longer = local_price.priced(model, Estimate(40, 40_000_000, 4_000, 0.0), tmp_path)
    assert longer.memory > many.memory and longer.seconds > 100 * many.seconds


def test_a_judge_that_ends_its_answer_at_once_is_not_priced_as_one_that_writes_on(tmp_path, monkeypatch):
    """The clock is fixed, so that what differs is how many tokens the seconds are divided by."""
    monkeypatch.setattr(local_price.price, "timed", lambda work, device: work() and None or 1.0)
    judge = LLMJudge(model=f"hf/{strange.saved(tmp_path / 'judge')}")
    seconds = {}
    for text, finished in (("", True), ("a b", False)):
        answer = local_price.generate.Completion(text, finished)
        monkeypatch.setattr(local_price.generate, "completions", lambda *given, answer=answer: [answer])
        seconds[text] = local_price.priced(judge, Estimate(1, 0, 100, 0.0), tmp_path).seconds
    assert seconds[""] == 100.0 and seconds["a b"] < 100.0


def test_what_is_tried_is_what_will_answer(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(local_price, "_cached", lambda judge: tried.append(judge.dtype) or 1.0)
    judge = LLMJudge(model=f"hf/{strange.saved(tmp_path / 'judge')}", device="auto", dtype="bfloat16")
    local_price.priced(judge, Estimate(1, 100, 10, 0.0), tmp_path)
    assert tried == [torch.bfloat16]


@pytest.mark.parametrize("local", [True, False])
def test_a_dry_run_says_the_time_of_a_judge_here_and_that_a_servers_is_not_known(tmp_path, capsys, local):
    (tmp_path / "notes.jsonl").write_text(json.dumps({"id": "1", "dialogue": "Doctor: hello", "note": "Well."}) + "\n")
    judge = f"hf/{strange.saved(tmp_path / 'judge')}" if local else "openai-api/mine/x"
    words = ["judge", "--model", judge, "--notes", str(tmp_path / "notes.jsonl"), "--out", str(tmp_path / "out"), "--dry-run"]
    assert cli.main(words) == 0
    calls, time = capsys.readouterr().out.splitlines()
    assert calls.startswith("5 calls, about ") and not (tmp_path / "out").exists()
    assert time.startswith("about ") if local else "when it has answered" in time
