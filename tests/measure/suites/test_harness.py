"""lm-evaluation-harness, where it is installed; what is ours of it everywhere."""

import importlib.util
import json
from itertools import islice

import pytest
import torch
import yaml
from models.small_training import LLAMA

from proxylib.data.published import problems
from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import Extraction
from proxylib.measure.suites import harness, run
from proxylib.measure.suites.settings import LOCAL, Benchmark, RunBenchmarks, suite
from proxylib.measure.tokenstats import encode, extract
from proxylib.models import architectures, loading, packaged, tokenizers

installed = pytest.mark.skipif(importlib.util.find_spec("lm_eval") is None, reason="lm-eval is not installed")
REAL, EACH, CLOSE = "smollm2-135m-instruct", 18, 1e-4  # problems of each set; nats of a whole request
ROWS = [{"asked": f"what comes after {n}?", "choices": ["x", "y", "z"], "right": n % 3} for n in range(6)]


def test_a_task_file_says_where_the_set_lies_and_what_its_fields_are_called(tmp_path):
    path = harness.task_file(tmp_path, "mine", tmp_path / "mine.jsonl", "asked", "choices", "right")
    task = yaml.safe_load(path.read_text())
    assert path.name == "mine.yaml" and task["task"] == "mine" and task["output_type"] == "multiple_choice"
    assert task["dataset_kwargs"]["data_files"]["test"] == str(tmp_path / "mine.jsonl")
    assert (task["doc_to_text"], task["doc_to_choice"]) == ("Question: {{asked}}\nAnswer:", "{{choices}}")


@pytest.mark.parametrize("name", ["humaneval_plus", "mbpp_instruct"])
def test_the_harness_runs_no_code(name):
    with pytest.raises(UserError, match="the harness runs code where it stands"):
        harness.refuse_missing(Benchmark(name=name, metric="pass@1"))


def test_outcomes_are_a_row_per_problem_of_every_subject():
    logged = {
        "mmlu_law": [{"doc_id": 0, "acc": 1.0}, {"doc_id": 1, "acc": 0.0}],
        "mmlu_art": [{"doc_id": 0, "acc": 1.0}, {"doc_id": 0, "acc": 0.0}],  # a second filter of the same answer
    }
    rows = harness._outcomes(logged, Benchmark(name="mmlu", metric="acc"))
    assert rows["id"].tolist() == ["mmlu_law/0", "mmlu_law/1", "mmlu_art/0"] and rows["right"].tolist() == [1, 0, 1]
    with pytest.raises(UserError, match="has no metric acc_norm; the harness gives acc"):
        harness._outcomes({"t": [{"doc_id": 0, "acc": 1.0, "metrics": ["acc"]}]}, Benchmark(name="t", metric="acc_norm"))


@installed
def test_a_file_of_yours_is_scored_by_the_harness(tmp_path, monkeypatch):
    data = tmp_path / "mine.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (tmp_path / "tasks").mkdir()
    harness.task_file(tmp_path / "tasks", "mine", data, "asked", "choices", "right")
    torch.manual_seed(3)
    tokenizer = tokenizers.train("byte", ["a"], 300)
    for part in (architectures.build(LLAMA, len(tokenizer), 256), tokenizer):
        part.save_pretrained(tmp_path / "model")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    options = RunBenchmarks(model=str(tmp_path / "model"), out=tmp_path / "out", batch=2, threads=1)
    benchmark = Benchmark(name="mine", metric="acc")
    rows = harness.outcomes(benchmark, options, tmp_path / "tasks")
    assert len(rows) == 6 and set(rows["right"]) <= {0.0, 1.0}
    scored = run.score(benchmark, rows)
    assert scored["n"] == 6 and scored["estimate"] == rows["right"].mean()
    spread = harness.outcomes(benchmark, options, tmp_path / "tasks", loading.load(tmp_path / "model", "auto"))
    assert spread.equals(rows)
    with pytest.raises(UserError, match="nowhere: lm-evaluation-harness cannot run it"):
        harness.outcomes(Benchmark(name="nowhere", metric="acc"), options, tmp_path / "tasks")


@installed
def test_the_harness_knows_the_suite_by_these_names():
    from lm_eval.tasks import TaskManager

    known = set(TaskManager().all_tasks)
    assert {row.name for row in suite() if row.name not in LOCAL} <= known


def asked(task, prompt, solution, number):
    """A request as the harness makes it of a prompt and a solution: white space at the prompt's end begins the solution."""
    bare = prompt.rstrip()
    return Trace(task=task, id=str(number), prompt=bare, solution=prompt[len(bare) :] + solution, answer="", source="")


def ours(folder, traces):
    settings = Extraction(window=10_000, chunk=64, batch=4, threads=1, device="cpu")
    rows, _ = extract.token_rows(loading.load(folder), tokenizers.load(folder), traces, settings)
    return [-float(rows.loc[(rows["task"] == trace.task) & (rows["id"] == trace.id), "nll"].sum()) for trace in traces]


def theirs(folder, traces):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    # float32, its default, loses 1e-5 nats a token in the sum over 49,152 entries: 2e-3 on the longest of these requests
    model = HFLM(pretrained=str(folder), device="cpu", dtype="float32", softmax_dtype="float64", batch_size=4)
    requests = [
        Instance(request_type="loglikelihood", doc={}, arguments=(trace.prompt, trace.solution), idx=number)
        for number, trace in enumerate(traces)
    ]
    return [value for value, _ in model.loglikelihood(requests, disable_tqdm=True)]


def largest_difference(folder, traces):
    return max(abs(a - b) for a, b in zip(ours(folder, traces), theirs(folder, traces), strict=True))


@installed
@pytest.mark.parametrize("bos", ["always", "never"])
def test_likelihoods_are_the_harness_own_with_and_without_bos(tmp_path, bos):
    torch.manual_seed(3)
    tokenizers.train("byte", ["a"], 300).save_pretrained(tmp_path)
    tokenizer = tokenizers.load(tmp_path, bos)
    for part in (architectures.build(LLAMA, len(tokenizer), 256), tokenizer):
        part.save_pretrained(tmp_path)
    traces = [asked("t", f"What is {n} + {n}?\n", f"It is {2 * n}.\nThat is all.", n) for n in range(8)]
    assert largest_difference(tmp_path, traces) < CLOSE


@installed
@pytest.mark.slow
@pytest.mark.published
def test_likelihoods_of_a_real_model_are_the_harness_own_on_published_problems(published_set, record_property):
    folder = packaged.locate(REAL)
    if folder is None:
        pytest.skip(f"{REAL} is not in the cache; proxylib fetch {REAL}")
    published_set("gsm8k"), published_set("mbpp_codet")
    traces = [
        asked(name, row["prompt"], row["solution"], number)
        for name in ("gsm8k", "mbpp")
        for number, (_, row) in enumerate(islice(problems.rows(name), EACH))
    ]
    tokenizer = tokenizers.load(folder)
    same = [trace for trace in traces if not encode.boundary_moves(trace, tokenizer)]
    assert {trace.task for trace in same} == {"gsm8k", "mbpp"} and len(same) >= 30  # elsewhere the harness reads other tokens
    difference = largest_difference(folder, same)
    record_property("largest difference, nats", difference)
    print(f"{len(same)} of {len(traces)} requests, largest difference {difference:.2e} nats")
    assert difference < CLOSE
