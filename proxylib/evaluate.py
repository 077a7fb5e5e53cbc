"""Accuracy: greedy answers of a model, checked exactly."""

from __future__ import annotations

import pandas as pd

from . import tasks
from .models import devices, generate, loading, tokenizers
from .store import Workspace
from .traces import read


def evaluate(step, workspace: Workspace) -> None:
    """Generate and check an answer to every problem.

    Parameters
    ----------
    step : a declared `evaluate` step; its parents are the trained model and the material
    workspace : receives the table `answers`: task, id, level, text (what the model wrote), correct
    """
    settings = step.settings
    facts = devices.prepare(settings.evaluation.device, settings.evaluation.threads)
    folder = step.parent("train").path("model")
    model, tokenizer = loading.load(folder, settings.evaluation.device), tokenizers.load(folder)
    traces = read(step.parent("material").path("traces.parquet"))
    prompts = [trace.prompt for trace in traces]
    texts = generate.answers(model, tokenizer, prompts, settings.evaluation.new_tokens, settings.evaluation.batch)
    rows = [
        {
            "task": trace.task,
            "id": trace.id,
            "level": int(trace.id.split("-")[1]),
            "text": text,
            "correct": tasks.check(trace, text),
        }
        for trace, text in zip(traces, texts, strict=True)
    ]
    workspace.write_table("answers", pd.DataFrame(rows))
    workspace.note(**facts, problems=len(rows))
