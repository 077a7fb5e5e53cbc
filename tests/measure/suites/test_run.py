"""A model over benchmarks, end to end: a stand-in for a hub model, whose answers are nonsense or are put into its mouth."""

import pandas as pd
import pytest
import torch
from models.small_training import LLAMA

from proxylib.cli import main
from proxylib.data.published import problems
from proxylib.errors import UserError
from proxylib.measure import code
from proxylib.measure.suites import harness, run
from proxylib.measure.suites.settings import Benchmark, RunBenchmarks
from proxylib.models import architectures, generate, tokenizers

MADE = {
    "gsm8k": [{"question": f"{n} + 1?", "answer": f"{n} + 1 = <<{n}+1={n + 1}>>{n + 1}\n#### {n + 1}"} for n in range(6)],
    "math500": [{"problem": f"{n} - 1", "solution": "", "answer": str(n - 1), "unique_id": f"m/{n}"} for n in range(3)],
    "humaneval": [
        {
            "task_id": f"H/{n}",
            "entry_point": "add",
            "prompt": f"def add(x):\n    '''x + {n}'''\n",
            "test": f"def check(candidate):\n    assert candidate(1) == {n + 1}\n",
        }
        for n in range(3)
    ],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(2)
    tokenizer = tokenizers.train("byte", ["a"], 300)
    for part in (architectures.build(LLAMA, len(tokenizer), 512), tokenizer):
        part.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def made(monkeypatch):
    monkeypatch.setattr(problems, "records", lambda name, file=None: [(name, dict(row)) for row in MADE[name]])


def options(model, out, **changes):
    return RunBenchmarks(model=str(model), out=out, batch=4, threads=1, **changes)


GSM = Benchmark(name="gsm8k", shots=1, metric="exact_match", max_new_tokens=4)


def test_a_model_is_asked_answers_are_scored_and_a_second_call_asks_nothing(model, tmp_path, monkeypatch):
    suite = [GSM, Benchmark(name="humaneval", metric="pass", samples=2, k=2, max_new_tokens=4)]
    done = run.run(options(model, tmp_path / "out", limit=3), suite)
    table = run.scores(done)
    assert table["name"].tolist() == ["gsm8k", "humaneval"] and table["n"].tolist() == [3, 3]
    assert ((table["low"] <= table["estimate"] + 1e-9) & (table["estimate"] <= table["high"])).all()
    rows = pd.read_parquet(tmp_path / "out" / "humaneval.parquet")
    assert rows["samples"].tolist() == [2] * 3 and rows["id"].tolist() == ["H/0", "H/1", "H/2"]
    monkeypatch.setattr(generate, "completions", None)
    assert run.scores(run.run(options(model, tmp_path / "out", limit=3), suite)).equals(table)
    with pytest.raises(UserError, match="was begun with"):
        run.run(options(model, tmp_path / "out", limit=2), suite)


def test_a_model_over_all_gpus_is_loaded_once_for_what_runs_here_and_for_the_harness(model, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    loaded, given, load = [], [], run.loading.load
    monkeypatch.setattr(run.loading, "load", lambda *place: loaded.append((place[1], load(*place))) or loaded[-1][1])
    monkeypatch.setattr(harness, "refuse_missing", lambda benchmark: None)
    rows = pd.DataFrame({"id": ["q/0"], "samples": 1, "right": [1.0], "why": [""]})
    monkeypatch.setattr(harness, "outcomes", lambda benchmark, options, network: given.append(network) or rows)
    suite = [GSM, Benchmark(name="mmlu", shots=5, metric="acc")]
    one, auto = (run.scores(run.run(options(model, tmp_path / place, device=place), suite)) for place in ("cpu", "auto"))
    assert auto.equals(one) and given[0] is None and [given[1]] == [network for place, network in loaded if place == "auto"]


def test_what_is_right_counts_and_belongs_to_its_own_problem(model, tmp_path, monkeypatch):
    def some(model, tokenizer, prompts, *_, **__):
        assert len(prompts) == 6  # three problems, two samples
        texts = [f"    return x + {number}\n" for number in (0, 9, 2, 0, 1, 9)]
        return [generate.Completion(text, True) for text in texts]

    monkeypatch.setattr(generate, "completions", some)
    suite = [Benchmark(name="humaneval", metric="pass", samples=2, k=1)]
    monkeypatch.setattr(run, "context_of", lambda model: 10**6)
    done = run.run(options(model, tmp_path / "out"), suite)
    rows = pd.read_parquet(tmp_path / "out" / "humaneval.parquet")
    assert rows["right"].tolist() == [2.0, 1.0, 1.0] and rows["why"].tolist() == ["", "AssertionError", "AssertionError"]
    assert run.scores(done)["estimate"].item() == pytest.approx(2 / 3, abs=1e-6)


def test_what_does_not_fit_is_unscored_and_too_much_of_it_is_no_score(model, tmp_path, monkeypatch, capsys):
    suite = [GSM.model_copy(update={"max_new_tokens": 2000})]
    table = run.scores(run.run(options(model, tmp_path / "out"), suite))
    assert table["unscored"].item() == 6 and table["n"].item() == 0 and table["estimate"].isna().all()
    monkeypatch.setattr("proxylib.cli.benchmark.suite", lambda only: suite)
    assert main(["benchmark", "--model", str(model), "--out", str(tmp_path / "again"), "--batch", "4"]) == 4
    assert "gsm8k" in capsys.readouterr().out


def test_a_score_without_an_unlucky_few_stands():
    rows = pd.DataFrame({"id": range(100), "samples": 1, "right": [1.0] * 48 + [0.0] * 48 + [float("nan")] * 4})
    scored = run.score(GSM, rows)
    assert scored["estimate"] == 0.5 and scored["n"] == 96 and scored["unscored"] == 4 and scored["shots"] == 1
    rows.loc[:10, "right"] = float("nan")
    assert pd.isna(run.score(GSM, rows)["estimate"])


def test_what_the_harness_has_to_run_is_refused_before_anything_is_asked(model, tmp_path, monkeypatch):
    monkeypatch.setattr(harness.importlib.util, "find_spec", lambda name: None)
    suite = [GSM, Benchmark(name="mmlu", shots=5, metric="acc")]
    with pytest.raises(UserError, match="mmlu: runs through lm-evaluation-harness, which is not installed; pip install"):
        run.run(options(model, tmp_path / "out"), suite)
    assert not (tmp_path / "out").exists()


def test_code_is_not_asked_for_where_it_cannot_be_run(model, tmp_path, monkeypatch):
    def refuse(program):
        raise UserError("cannot be shut in")

    monkeypatch.setattr(code, "run", refuse)
    with pytest.raises(UserError, match="cannot be shut in"):
        run.run(options(model, tmp_path / "out"), [Benchmark(name="humaneval", metric="pass")])
    assert not (tmp_path / "out").exists()
