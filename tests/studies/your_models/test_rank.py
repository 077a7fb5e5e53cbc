"""`proxylib extract` and `proxylib rank` as a visitor meets them: folders with weights and a file, outside the repository."""

import json
import multiprocessing
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from proxylib import studies
from proxylib.cli import main
from proxylib.errors import UserError
from proxylib.models import architectures, tokenizers
from proxylib.models.settings import Model
from proxylib.runs import config
from proxylib.studies.your_models import rank, report

LINES = [{"question": f"What is {n} + 2?", "answer": f"{n} and 2 make {n + 2}.\nanswer {n + 2}"} for n in range(20)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Six checkpoints of two families and a file of twenty lines, outside the repository."""
    folder = tmp_path_factory.mktemp("visitor")
    for number in range(6):
        torch.manual_seed(number)
        spec = Model(
            architecture="llama" if number % 2 else "gpt2",
            tokenizer="byte",
            width=16,
            depth=1,
            mix="expert",
            post="none",
            share=1.0,
        )
        architectures.build(spec, 259, 64).save_pretrained(folder / f"model{number}")
        tokenizers.train("byte", [], 300).save_pretrained(folder / f"model{number}")
    (folder / "traces.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    (folder / "scores.csv").write_text("model,score\n" + "".join(f"model{n},{n / 10}\n" for n in range(5)))
    return folder


COMMON = ["--traces", "traces.jsonl", "--fields", "prompt=question", "solution=answer", "--threads", "1"]


@pytest.fixture
def proxylib(place, monkeypatch, capsys):
    """`proxylib(*arguments)`: what a command that ends well says, called where the visitor's files are."""
    monkeypatch.chdir(place)

    def call(*arguments, traces="traces.jsonl"):
        assert main([*arguments, *COMMON, "--traces", traces]) == 0
        return capsys.readouterr().out

    return call


def test_two_checkpoints_and_twenty_lines(place):
    command = [sys.executable, "-m", "proxylib", "rank", "--models", "model0", "model1", "--out", "two", *COMMON]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (said,) = done.stderr.splitlines()
    assert said.startswith("proxylib: about ")  # what it takes
    assert "20 traces under every model" in done.stdout and report.CAVEAT in done.stdout
    out = place / "two"
    assert {path.name for path in out.iterdir()} == {
        "models",
        "manifest.json",
        "ranking.csv",
        "support.csv",
        "pairs.csv",
        "proxies.parquet",
        "ranking.svg",
    }
    assert pd.read_csv(out / "ranking.csv")["rank"].tolist() == [1, 2]
    assert pd.read_parquet(out / "proxies.parquet").shape == (2, 1 + 80 + 1)
    assert (out / "ranking.svg").read_text().lstrip().startswith("<?xml")


def test_a_file_that_repeats_itself_says_no_more_than_the_file_once(place, proxylib):
    """Copies under other ids, in capitals, with other spaces, of another task: the same order, support and intervals."""
    copies = [{name: text.upper() for name, text in line.items()} for line in LINES]
    copies += [{name: f" {text}\n" for name, text in line.items()} for line in LINES]
    copies += [line | {"id": f"again {n}", "task": "others"} for n, line in enumerate(LINES)]
    once = [line | {"id": str(n)} for n, line in enumerate(LINES)]
    (place / "once.jsonl").write_text("\n".join(map(json.dumps, once)))
    (place / "often.jsonl").write_text("\n".join(map(json.dumps, [*once, *copies, *once])))
    for name in ("once", "often"):
        shutil.copy(place / f"{name}.jsonl", place / "mine.jsonl")  # the name of the file is the task
        said = proxylib("rank", "--models", "model2", "model3", "--out", name, traces="mine.jsonl")
        assert "20 traces under every model" in said
    assert "100 traces read; 20 problems; 80 copies (21 of 0, 22 of 1, 23 of 2, ...)" in said
    for table in ("ranking.csv", "support.csv", "proxies.parquet"):
        assert (place / "once" / table).read_bytes() == (place / "often" / table).read_bytes()


@pytest.mark.parametrize("ask", [(), ("--dry-run",)], ids=["rank", "price"])
def test_solutions_of_a_single_problem_are_refused_before_a_model_runs(place, ask, monkeypatch, capsys):
    lines = [{"question": "What is 2 + 2?", "answer": f"answer {n}, surely or not"} for n in range(20)]
    (place / "one.jsonl").write_text("\n".join(map(json.dumps, lines)))
    monkeypatch.chdir(place)
    asked = ["rank", "--models", "model0", "model1", "--out", "one", *COMMON[:1], "one.jsonl", *COMMON[2:], *ask]
    assert main(asked) == 2
    assert "task one are of a single problem" in capsys.readouterr().err and not (place / "one").exists()


def test_known_scores_fit_a_ranker_and_forecast_the_rest(place, proxylib):
    models = [f"model{n}" for n in range(6)]
    said = proxylib("rank", "--models", *models, "--out", "six", "--scores", "scores.csv")
    assert "forecast" in said and "fitted ranker" in said
    assert pd.read_csv(place / "six" / "fitted.csv")["score"].isna().sum() == 1


def test_extract_leaves_rows_and_says_what_became_of_the_traces(place, proxylib):
    said = proxylib("extract", "--model", "model0", "--out", "rows", "--window", "10")
    assert re.search(r"traces scored +20\n", said) and re.search(r"dropped +0\n", said)
    facts = json.loads((place / "rows" / "manifest.json").read_text())["facts"]
    assert facts["tokens_scored"] == 200 and facts["tokens_per_second"] > 0
    items = pd.read_parquet(place / "rows" / "items.parquet")
    assert (items["windowed"] + items["scored"] == [len(line["answer"]) for line in LINES]).all()


@pytest.mark.parametrize("ask", [(), ("--dry-run",)], ids=["rank", "price"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--models", "model0"), "at least 2 are needed"),
        (("--models", "model0", "model0"), "model0 is given twice"),
        (("--models", "model0", "./nowhere"), "no such folder"),
        (("--models", "model0", "model1", "--scores", "scores.csv"), "models have a score, at least 5 are needed"),
        (("--models", "model0", "model1", "--scores", "gone.csv"), "gone.csv: no such file"),
        (("--models", "model0", "model1", "--prose", "gone.txt"), "gone.txt: No such file"),
        (("--models", "model0", "bare"), "bare: no tokenizer; save it beside its model"),
        (("--models", "model0", "."), ".: no config.json"),
        (("--models", "model0", "model1", "--out", "traces.jsonl"), "traces.jsonl: is a file; give a folder"),
        (("--models", "model0", "model1", "--chat"), "the tokenizer of model0 has no chat template"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(place, arguments, message, ask, monkeypatch, capsys):
    monkeypatch.chdir(place)
    (place / "bare").mkdir(exist_ok=True)
    (place / "bare" / "config.json").write_text("{}")
    assert main(["rank", "--out", "bad", *COMMON, *arguments, *ask]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and message in lines[0]
    assert not (place / "bad").exists()


def test_names_are_short_and_differ(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert rank.names_of(["..", "."]) == ["a", "b"]  # each is the name of a folder in `out`
    assert rank.names_of(["/a/x", "/b/y"]) == ["x", "y"]
    assert rank.names_of(["org/x-1", "other/x-1", "org/y"]) == ["org--x-1", "other--x-1", "org--y"]
    with pytest.raises(UserError, match="given twice"):
        rank.names_of(["org/x", "org/y", "org/x"])


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_a_model_is_given_twice_however_its_path_is_written(tmp_path, monkeypatch, make):
    """A folder or a GGUF file; as two models of one name they would be told apart by their paths."""
    make(tmp_path / "a.gguf")
    monkeypatch.chdir(tmp_path)
    for again in ("a.gguf", "./a.gguf", f"../{tmp_path.name}/a.gguf", str(tmp_path / "a.gguf")):
        with pytest.raises(UserError, match="given twice"):
            rank.names_of(["a.gguf", "org/x", again])


def test_rows_do_not_depend_on_the_layout_but_for_their_last_bits(place, proxylib):
    given = ["extract", "--model", "model1", "--columns", "varentropy"]
    proxylib(*given, "--out", "wide")
    proxylib(*given, "--out", "narrow", "--batch-tokens", "64", "--chunk", "3", "--impl", "reference")
    wide, narrow = (pd.read_parquet(place / name / "tokens" / "00000.parquet") for name in ("wide", "narrow"))
    key = ["task", "id", "position"]
    wide, narrow = wide.sort_values(key, ignore_index=True), narrow.sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(wide, narrow, rtol=1e-4, atol=1e-5)
    layout = json.loads((place / "narrow" / "request.json").read_text())["layout"]
    assert (layout["batch_tokens"], layout["chunk"], layout["impl"]) == (64, 3, "reference")


def test_what_a_killed_call_left_half_written_is_cleared(place, proxylib):
    leftover = place / "cleared" / "tokens" / ".00000.parquet.1.tmp"
    given = ["extract", "--model", "model0", "--out", "cleared"]
    proxylib(*given)
    (place / "cleared" / "manifest.json").unlink()
    leftover.write_bytes(b"half")
    proxylib(*given)
    assert not leftover.exists()


def test_a_killed_ranking_goes_on_and_ends_with_the_same_bytes(place, proxylib):
    models = [f"model{n}" for n in range(4)]
    proxylib("rank", "--models", *models, "--out", "whole")
    process = multiprocessing.get_context("fork").Process(  # has imported already, so that it dies at work
        target=main, args=(["rank", "--models", *models, "--out", "killed", *COMMON],)
    )
    process.start()
    first = place / "killed" / "models" / "model0" / "manifest.json"
    while not first.exists() and process.is_alive():
        time.sleep(0.001)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL and not (place / "killed" / "manifest.json").exists()
    before = first.read_bytes()
    proxylib("rank", "--models", *models, "--out", "killed")
    assert first.read_bytes() == before
    for table in ("ranking.csv", "support.csv", "proxies.parquet", "ranking.svg"):
        assert (place / "killed" / table).read_bytes() == (place / "whole" / table).read_bytes()


def test_the_notebook_runs_over_models_of_ones_own_and_notices_that_one_was_trained_on(place, tmp_path, monkeypatch):
    lines = [{"prompt": line["question"], "solution": line["answer"]} for line in LINES]
    file = tmp_path / "own.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    models = [tmp_path / "a", tmp_path / "b"]
    for number, model in enumerate(models):
        shutil.copytree(place / f"model{number}", model)
    monkeypatch.chdir(tmp_path)  # where relative paths begin
    given = {"models": ["a", "b"], "traces": "own.jsonl", "out": "out"}
    before = studies.declare_page("your_models", "smoke", **given).key
    monkeypatch.setenv("PROXYLIB_RUNS", str(tmp_path / "runs"))
    parameters = [part for name, value in given.items() for part in ("-p", name, json.dumps(value))]
    notebook = str(config.ROOT / "notebooks" / "pages" / "your_models.ipynb")
    assert main(["run", notebook, "-p", "profile", "smoke", *parameters]) == 0
    (page,) = (tmp_path / "runs").rglob("page.ipynb")
    text = page.read_text()
    assert "stands first" in text and "20 traces" in text
    weights = models[0] / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert studies.declare_page("your_models", "smoke", **given).key != before
