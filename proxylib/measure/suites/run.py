"""A model over a suite of benchmarks, into a folder: one table of outcomes a benchmark, resumed at the first that is missing.

OUT/<benchmark>.parquet   a row per problem: what it was, how many samples, how many right, why not
OUT/scores.csv            a row per benchmark, with its setting and its interval
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib import stats
from proxylib.measure.scoring import pass_at_k
from proxylib.measure.suites import harness, local
from proxylib.measure.suites.settings import LOCAL, Benchmark, RunBenchmarks
from proxylib.measure.tokenstats.extract import context_of
from proxylib.models import devices, folders, generate, loading, tokenizers
from proxylib.runs.files import parquet_bytes
from proxylib.runs.folder import Finished, Folder, Workspace
from proxylib.text import warn

LEVEL = 0.95
MOST_UNSCORED = 0.05  # share of a benchmark's problems beyond which its score is none
SCORES = "scores.csv"
TOO_LONG = "does not fit into the model's context"


def run(options: RunBenchmarks, suite: Sequence[Benchmark]) -> Finished:
    """Run what is missing; the finished folder.

    Raises
    ------
    UserError
        If the folder holds other work, a set is not at hand, or a benchmark needs the harness and it is not installed.
    """
    for benchmark in suite:  # before hours of work, not after
        if benchmark.name not in LOCAL:
            harness.refuse_missing(benchmark)
    if any(benchmark.name in ("humaneval", "mbpp") for benchmark in suite):
        local.code.run("assert True")  # refused here, where nothing can be shut in
    names = [f"{benchmark.name}.parquet" for benchmark in suite]
    layout = options.model_dump(mode="json", include={"limit", "chat", "dtype", "batch", "seed", "device"})
    request = {"command": "benchmark", "model": folders.fingerprint(folders.whole(options.model)), **layout}
    request["suite"] = {benchmark.name: benchmark.model_dump(mode="json") for benchmark in suite}
    return Folder(options.out, request, (*names, SCORES)).make(lambda workspace: _make(options, suite, workspace))


def _make(options: RunBenchmarks, suite: Sequence[Benchmark], workspace: Workspace) -> None:
    devices.prepare(options.device, options.threads)
    loaded: list = []

    def model() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
        if not loaded:
            folder = folders.whole(options.model)
            loaded.extend((loading.load(folder, options.device, loading.DTYPES[options.dtype]), tokenizers.load(folder)))
        return tuple(loaded)

    for benchmark in suite:
        name = f"{benchmark.name}.parquet"
        if workspace.holds(name):
            continue
        warn(f"{benchmark.name}: {benchmark.shots} shots, {benchmark.metric}, {benchmark.samples} answers a problem")
        if benchmark.name in LOCAL:
            rows = outcomes(*model(), benchmark, options)
        else:  # GPUs that share one model have no room for the harness's own copy
            rows = harness.outcomes(benchmark, options, network=model()[0] if options.device == "auto" else None)
        workspace.write(name, parquet_bytes(rows))
    tables = {benchmark: pd.read_parquet(workspace.path(f"{benchmark.name}.parquet")) for benchmark in suite}
    shown = pd.DataFrame([score(benchmark, rows) for benchmark, rows in tables.items()])
    workspace.write(SCORES, shown.to_csv(index=False).encode())


def outcomes(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, benchmark: Benchmark, options: RunBenchmarks
) -> pd.DataFrame:
    """Answers of a model to a benchmark whose set is at hand.

    Returns
    -------
    columns id, samples, right (samples that are; nan where a problem could not be put), why (of the first that is wrong)
    """
    problems = local.read(benchmark.name, benchmark.shots, options.limit)
    room = context_of(model) - benchmark.max_new_tokens
    fits = [len(tokenizers.prompt_ids(tokenizer, problem.prompt, options.chat)) <= room for problem in problems]
    asked = [problem for problem, fit in zip(problems, fits, strict=True) if fit]
    texts = _texts(model, tokenizer, [problem.prompt for problem in asked], benchmark, options)
    judged = iter([[problem.right(text) for text in column] for problem, column in zip(asked, texts, strict=True)])
    return pd.DataFrame([_row(problem, next(judged) if fit else None) for problem, fit in zip(problems, fits, strict=True)])


def _row(problem: local.Problem, verdicts: list[tuple[bool, str]] | None) -> dict[str, object]:
    if verdicts is None:
        return {"id": problem.id, "samples": 0, "right": np.nan, "why": TOO_LONG}
    wrong = [why for right, why in verdicts if not right]
    return {"id": problem.id, "samples": len(verdicts), "right": float(len(verdicts) - len(wrong)), "why": (wrong or [""])[0]}


def _texts(model, tokenizer, prompts: list[str], benchmark: Benchmark, options: RunBenchmarks) -> Iterator[list[str]]:
    """Of each prompt all samples."""
    if not prompts:
        return iter(())
    drawn = generate.completions(
        model,
        tokenizer,
        prompts * benchmark.samples,
        benchmark.max_new_tokens,
        options.batch,
        sample_seed=options.seed if benchmark.samples > 1 else None,
        chat=options.chat,
        temperature=benchmark.temperature,
    )
    return iter([[one.text for one in drawn[place :: len(prompts)]] for place in range(len(prompts))])


def score(benchmark: Benchmark, rows: pd.DataFrame) -> dict[str, object]:
    """The score of a benchmark with the setting that it belongs to: a share, with its interval over problems.

    Notes
    -----
    What could not be put is unscored, never failed. Beyond `MOST_UNSCORED` there is no score, as what is left is another
    benchmark. The interval is of the problems alone: another template or other shots move a score by more.
    """
    scored = rows[rows["right"].notna()]
    setting = benchmark.model_dump(mode="json", include={"name", "shots", "metric", "samples", "k"})
    unscored = len(rows) - len(scored)
    interval = stats.Interval(np.nan, np.nan, np.nan)
    if len(scored) and unscored <= MOST_UNSCORED * len(rows):
        values = pass_at_k(scored["samples"], scored["right"], benchmark.k)
        yes_or_no = set(values) <= {0.0, 1.0}
        interval = _wilson(values) if yes_or_no else stats.mean_interval(values, LEVEL)
    return setting | {"n": len(scored), "unscored": unscored, **interval._asdict()}


def _wilson(values: np.ndarray) -> stats.Interval:
    return stats.proportion_interval(int(values.sum()), len(values), LEVEL)


def scores(finished: Finished) -> pd.DataFrame:
    """What a finished folder says."""
    return pd.read_csv(finished.folder / SCORES)
