"""One training run, measured on the way; what is made of it is in crucial.py, which reads frames alone."""

from __future__ import annotations

import pandas as pd

from proxylib.data.trace import Trace
from proxylib.data.traces import read
from proxylib.measure import benchmarks, proxies
from proxylib.measure.tokenstats.extract import token_rows
from proxylib.models import pretrain, tokenizers
from proxylib.runs.files import parquet_bytes
from proxylib.runs.store import Workspace
from proxylib.studies.proxy_metrics import crucial_steps, decisive_tokens
from proxylib.studies.proxy_metrics.settings import CrucialSettings

PARTS = ("traces", "proxies", "shown")  # what is observed on the way


def build(step, workspace: Workspace) -> None:
    """Train one model and measure it on the way.

    Parameters
    ----------
    step : a declared `trajectory` step
    workspace : receives the tables traces (a row per checkpoint and problem: `crucial.observed`, and whether the model's own
        answer is right), proxies (the eighty per checkpoint and task), shown (`crucial.case_study` of each checkpoint),
        losses, curves and lead (the fits of crucial.py), and estimates; its facts are those of training
    """
    settings: CrucialSettings = step.settings
    spec, material = settings.training, step.parent("material")
    tokenizer = tokenizers.load(material.path(f"tokenizers/{spec.model.tokenizer}"), "always")
    traces = _first(read(material.path("traces.parquet")), settings.items)
    texts = pd.Series({(trace.task, trace.id): trace.solution for trace in traces})
    spans = decisive_tokens.steps_of(material.table("decisive"))

    def observe(model, at: int, tokens: int) -> None:
        model.eval()
        rows, _ = token_rows(model, tokenizer, traces, settings.measure.extraction)
        decisive = decisive_tokens.is_decisive(rows, spans, texts)
        seen = decisive_tokens.observed(rows, decisive, len(tokenizer)).reset_index()
        answered = benchmarks.answers(model, tokenizer, traces, settings.measure.evaluation)
        seen = seen.merge(answered[["task", "id", "correct"]], on=["task", "id"], validate="one_to_one")
        keys = {"step": at, "tokens": tokens}
        frames = {
            "traces": seen,
            "proxies": proxies.by_task(rows, len(tokenizer)).reset_index(),
            "shown": decisive_tokens.case_study(rows, decisive, len(tokenizer), texts),
        }
        for name, frame in frames.items():
            workspace.write(f"{name}-{at:06d}.parquet", parquet_bytes(frame.assign(**keys)))

    train = lambda: pretrain.train(spec.model, spec.training, spec.material, spec.seed, tokenizer, workspace, observe)
    train()
    if not all(workspace.holds(part) for name in PARTS for part in _parts(workspace, name)):
        train()  # what an earlier call observed was damaged since
    for name in PARTS:
        parts = [workspace.path(part) for part in _parts(workspace, name)]
        workspace.write_table(name, pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True))
        for part in parts:
            part.unlink()
    table = pd.read_parquet(workspace.path("traces.parquet"))
    workspace.write_table("curves", crucial_steps.curves(table, settings.bootstrap))
    leads = crucial_steps.lead(table, settings.bootstrap)
    workspace.write_table("lead", leads)
    workspace.write_table("estimates", crucial_steps.estimates(table, leads, settings.bootstrap))


def _parts(workspace: Workspace, name: str) -> list[str]:
    """Files of what was observed, in the order of training."""
    return sorted(part for part in workspace.files if part.startswith(f"{name}-"))


def _first(traces: list[Trace], items: int) -> list[Trace]:
    """The first so many problems of each task."""
    kept, seen = [], {}
    for trace in traces:
        seen[trace.task] = seen.get(trace.task, 0) + 1
        if seen[trace.task] <= items:
            kept.append(trace)
    return kept
