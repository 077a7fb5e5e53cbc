"""Worked solutions token by token, with what the real model makes of each, to be shown in colours.

What is shown on the shipped page is ours: problems of the lab, and three texts that stand here. Published solutions are shown
where they are asked for, on the reader's own machine.
"""

from __future__ import annotations

import pandas as pd

from proxylib.data import tasks
from proxylib.data.trace import Trace
from proxylib.data.traces import read
from proxylib.measure import proxies
from proxylib.models import devices, loading, tokenizers
from proxylib.runs.store import Workspace
from proxylib.studies.real_model.measured import rows
from proxylib.studies.real_model.settings import ColouredSettings
from proxylib.studies.real_model.stages import OURS

SHOWN_TASKS, SEED = ("sorting", "calendar"), 11
WRITTEN = (
    Trace(
        "a word problem",
        "1",
        "A baker fills 6 trays with 14 rolls each. 9 rolls burn, and the rest are sold at 2 dollars each. What is earned?\n",
        "There are 6 * 14 = 84 rolls.\nOf these 84 - 9 = 75 are sold.\nThey bring 75 * 2 = 150 dollars.\nThe answer is 150.",
        "150",
        OURS,
    ),
    Trace(
        "a function",
        "1",
        'def longest_run(values):\n    """Length of the longest run of equal values that stand side by side."""\n',
        "    best = current = 0\n    last = None\n    for value in values:\n"
        "        current = current + 1 if value == last else 1\n        best = max(best, current)\n        last = value\n"
        "    return best\n",
        "",
        OURS,
    ),
    Trace(
        "prose",
        "1",
        "The lighthouse keeper",
        " wrote down the weather every evening, and on the evening of the storm she wrote one word: violet.",
        "",
        OURS,
    ),
)


def shown_traces(settings: ColouredSettings) -> list[Trace]:
    """Our own texts, or the first traces of a source."""
    if settings.traces != OURS:
        return read(settings.traces)[: settings.shown]
    drawn = [tasks.evaluation_problems(tasks.task(name), 1, SEED)[0][0] for name in SHOWN_TASKS]
    return [*WRITTEN, *drawn]


def pieces(tokens: pd.DataFrame, traces: list[Trace], vocabulary: int) -> pd.DataFrame:
    """task, id, position, text, nll and entropy (nats), p_max, rank, top1 and decisive (none is marked) of every token."""
    texts = {(trace.task, trace.id): trace.solution for trace in traces}
    statistics = proxies.statistics(tokens, vocabulary)
    frame = tokens[["task", "id", "position", "offset", "nll", "entropy", "p_max"]].assign(
        rank=statistics["rank"].to_numpy(), top1=statistics["top1"].to_numpy(), decisive=False
    )
    parts = []
    for key, part in frame.groupby(["task", "id"], sort=False):
        starts = part["offset"].to_list()
        stops = [*starts[1:], len(texts[key])]
        parts.append(part.assign(text=[texts[key][start:stop] for start, stop in zip(starts, stops, strict=True)]))
    return pd.concat(parts, ignore_index=True).drop(columns="offset")


def build(step, workspace: Workspace) -> None:
    """What the model makes of every token of a few solutions.

    Parameters
    ----------
    step : a declared `coloured` step; its parent holds `model/`
    workspace : receives the tables shown (see `pieces`) and prompts (task, id, prompt)
    """
    settings: ColouredSettings = step.settings
    devices.prepare("cpu", settings.threads)
    folder = step.parent("model").path("model")
    tokenizer = tokenizers.load(folder)
    traces = shown_traces(settings)
    tokens = rows(loading.load(folder), tokenizer, traces)
    workspace.write_table("shown", pieces(tokens, traces, len(tokenizer)))
    prompts = [(trace.task, trace.id, trace.prompt) for trace in traces]
    workspace.write_table("prompts", pd.DataFrame(prompts, columns=["task", "id", "prompt"]))
