"""Two models item by item, from the logs that evaluations leave."""

import json

import numpy as np
import pytest

from proxylib.errors import UserError
from proxylib.studies.your_run import compare
from proxylib.studies.your_run.monitor import monitor_file, planned
from proxylib.studies.your_run.settings import Monitor


def samples(folder, scores, task="arc", **more):
    """A log of samples as lm-evaluation-harness writes it, a right or wrong answer an item."""
    folder.mkdir(exist_ok=True)
    rows = [
        {
            "doc_id": n,
            "doc_hash": f"h{n}",
            "filter": "none",
            "metrics": ["acc"],
            "acc": float(score),
            "doc": {"passage": n // 5},
        }
        | more
        for n, score in enumerate(scores)
    ]
    path = folder / f"samples_{task}_2026-11-26T10-00-00.123.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def right():
    return np.random.default_rng(0).random(400) < 0.6


def asked(tmp_path, name="out", **more):
    return Monitor(history=tmp_path / "after", against=tmp_path / "before", out=tmp_path / name, **more)


def test_what_fell_is_worse_what_stayed_is_tied_and_codes_follow(tmp_path, right):
    worse = right & (np.random.default_rng(1).random(400) < 0.85)
    for task, after in (("arc", worse), ("mmlu", right)):
        samples(tmp_path / "before", right, task)
        samples(tmp_path / "after", after, task)
    finished = monitor_file(asked(tmp_path))
    said = finished.facts["sentences"]
    assert (
        finished.facts["code"] == 3 and said[0].startswith("worse: arc/acc changed by -") and "points on 400 items" in said[0]
    )
    assert said[1].startswith("tied: mmlu/acc changed by 0")
    assert monitor_file(asked(tmp_path)).manifest == finished.manifest
    assert "A metric became worse." in (finished.folder / "monitor.html").read_text()
    assert planned(asked(tmp_path)) == ["2 metrics, 800 pairs of items: arc/acc, mmlu/acc"]


def test_few_items_cannot_tell_and_missing_ones_never_pass(tmp_path, right):
    samples(tmp_path / "before", right[:30])
    samples(tmp_path / "after", right[:30] ^ (np.arange(30) == 3))
    assert monitor_file(asked(tmp_path)).facts["code"] == 4
    samples(tmp_path / "before", right)
    samples(tmp_path / "after", right[:300])
    finished = monitor_file(asked(tmp_path, "other"))
    assert finished.facts["code"] == 4 and finished.facts["sentences"][-1].startswith("missing: 100 items of arc/acc")


def test_items_that_share_a_passage_tell_less(tmp_path, right):
    samples(tmp_path / "before", right)
    samples(tmp_path / "after", right & (np.arange(400) // 5 % 8 > 0))  # whole passages fell
    alone, shared = (compare.compared(asked(tmp_path, fields=fields)).iloc[0] for fields in ({}, {"cluster": "doc.passage"}))
    assert shared["clusters"] == 80 and shared["high"] - shared["low"] > 1.3 * (alone["high"] - alone["low"])


def test_other_items_under_one_number_are_no_pair_and_bad_logs_are_one_line(tmp_path, right):
    samples(tmp_path / "before", right)
    samples(tmp_path / "after", right, doc_hash="another")
    with pytest.raises(UserError, match="no item in common"):
        compare.compared(asked(tmp_path))
    for content, said in (("{", "line 1: not JSON"), ('{"a": 1}\n', "no doc_id and metrics"), ("", "no item has a score")):
        next((tmp_path / "after").iterdir()).write_text(content)
        with pytest.raises(UserError) as error:
            compare.compared(asked(tmp_path))
        assert said in str(error.value) and "\n" not in str(error.value), content


def test_losses_are_turned_round_and_an_item_without_a_score_has_none(tmp_path):
    for side, loss in (("before", 1.0), ("after", 2.0)):
        folder = samples(tmp_path / side, [1] * 40)
        path = next(folder.iterdir())
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        noise = np.random.default_rng(2).normal(0, 0.1, 40)
        changed = [row | {"metrics": ["acc", "loss"], "loss": loss + noise[n] * loss} for n, row in enumerate(rows)]
        changed[0]["acc"] = None
        path.write_text("".join(json.dumps(row) + "\n" for row in changed))
    table = compare.compared(asked(tmp_path)).set_index("metric")
    assert table.loc["arc/loss", "decision"] == "worse" and table.loc["arc/loss", "change"] < -0.9
    assert table.loc["arc/acc", "unpaired"] == 1 and table.loc["arc/acc", "items"] == 39


def test_logs_of_inspect_are_read_and_one_that_ended_early_is_refused(tmp_path):
    inspect = pytest.importorskip("inspect_ai.log")
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
    from inspect_ai.scorer import Score

    assert inspect.read_eval_log
    spec = EvalSpec(
        created="2026-11-26T10:00:00+00:00", task="qa", dataset=EvalDataset(), model="mockllm/model", config=EvalConfig()
    )
    for side, letters in (("before", "CCCCCCCCCC" * 4), ("after", "CIIIIIIIIN" * 4)):
        (tmp_path / side).mkdir()
        rows = [
            EvalSample(id=n, epoch=1, input="?", target="!", scores={"match": Score(value=letter)})
            for n, letter in enumerate(letters)
        ]
        write_eval_log(EvalLog(eval=spec, status="success", samples=rows), str(tmp_path / side / "log.eval"))
    table = compare.compared(asked(tmp_path))
    assert table[["metric", "decision", "items"]].values.tolist() == [["qa/match", "worse", 40]]
    write_eval_log(EvalLog(eval=spec, status="error", samples=rows), str(tmp_path / "after" / "log.eval"))
    with pytest.raises(UserError, match="the evaluation ended with error; run it to its end"):
        compare.compared(asked(tmp_path))
