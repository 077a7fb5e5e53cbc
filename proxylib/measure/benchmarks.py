"""Accuracy: greedy answers of a model, checked exactly."""

from __future__ import annotations

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data import tasks
from proxylib.data.trace import Trace
from proxylib.models import generate
from proxylib.models.settings import Evaluation


def answers(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, traces: list[Trace], config: Evaluation
) -> pd.DataFrame:
    """A greedy answer to every problem, checked.

    Returns
    -------
    columns task, id, level, text (what the model wrote), correct
    """
    prompts = [trace.prompt for trace in traces]
    completions = generate.completions(model, tokenizer, prompts, config.max_new_tokens, config.batch)
    rows = [
        {
            "task": trace.task,
            "id": trace.id,
            "level": int(trace.id.split("-")[1]),
            "text": completion.text,
            "correct": tasks.check(trace, completion.text),
        }
        for trace, completion in zip(traces, completions, strict=True)
    ]
    return pd.DataFrame(rows)
