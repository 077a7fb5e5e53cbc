"""One model under every way of asking: what it writes, scored three ways, and what that costs beside a pass of loss."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data.trace import Trace
from proxylib.data.traces import read
from proxylib.measure import scoring
from proxylib.models import architectures, devices, generate, loading, pretrain, tokenizers
from proxylib.runs.store import Workspace
from proxylib.studies.benchmark_settings import asking
from proxylib.studies.benchmark_settings.settings import Asking, ConfigurationSettings

CELL = ["template", "shots", "ask", "decoding"]
SHOWN = 1  # answers of each task whose text is kept, a cell


class Cell(NamedTuple):
    """One way of asking; no temperature is greedy."""

    template: str
    shots: int
    ask: str
    temperature: float | None
    samples: int

    @property
    def decoding(self) -> str:
        """How it is called in tables."""
        return asking.GREEDY if self.temperature is None else f"temperature {self.temperature:g}"


def cells(settings: Asking) -> Iterator[Cell]:
    """Every way of asking: the full factorial."""
    decodings = [(None, 1), *((sampling.temperature, sampling.samples) for sampling in settings.sampled)]
    for template in settings.templates:
        for shots in settings.shots:
            for ask in asking.ASKS:
                for temperature, samples in decodings:
                    yield Cell(template, shots, ask, temperature, samples)


def problems(traces: list[Trace], settings: ConfigurationSettings) -> list[Trace]:
    """The first so many of each ranked task, of the difficulties that count."""
    seen: Counter[str] = Counter()
    kept = []
    for trace in traces:
        level = int(trace.id.split("-")[1])
        if trace.task in settings.tasks and level in settings.counted.get(trace.task, (level,)):
            seen[trace.task] += 1
            if seen[trace.task] <= settings.asking.items:
                kept.append(trace)
    return kept


def asked(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, traces: list[Trace], cell: Cell, settings: ConfigurationSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One cell: how many samples of each problem are right by each scorer, and what was written.

    Returns
    -------
    columns of `CELL`, task, id, samples, and one per scorer: right samples
    columns of `CELL`, task, id, text: the first sample of the first problem of each task
    """
    template = settings.asking.templates[cell.template]
    shots = [asking.examples(trace, cell.shots, settings.seed) for trace in traces]
    prompts = [asking.prompt(trace, template, some, cell.ask) for trace, some in zip(traces, shots, strict=True)]
    most = settings.evaluation.max_new_tokens
    most = min(most, settings.asking.answer_tokens) if cell.ask == asking.ALONE else most
    drawn = generate.completions(
        model,
        tokenizer,
        prompts * cell.samples,
        most,
        settings.evaluation.batch,
        sample_seed=None if cell.temperature is None else settings.seed,
        temperature=cell.temperature or 1.0,
    )
    texts = np.array([asking.written(completion.text, cell.ask) for completion in drawn], object)
    texts = texts.reshape(cell.samples, len(traces))
    about = dict(zip(CELL, (cell.template, cell.shots, cell.ask, cell.decoding), strict=True))
    rows = []
    for trace, column in zip(traces, texts.T, strict=True):
        sides = {"whole text": asking.reference(trace, cell.ask)}
        right = {
            name: sum(score(sides.get(name, trace.answer), text) for text in column) for name, score in scoring.SCORERS.items()
        }
        rows.append(about | {"task": trace.task, "id": trace.id, "samples": cell.samples} | right)
    first = pd.DataFrame({"task": [t.task for t in traces], "id": [t.id for t in traces], "text": texts[0]})
    return pd.DataFrame(rows), first.groupby("task", sort=False).head(SHOWN).assign(**about)[[*CELL, "task", "id", "text"]]


def cost(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    traces: list[Trace],
    settings: ConfigurationSettings,
    context: int,
) -> dict[str, float]:
    """What loss and answers to the same problems cost: seconds of processor time, tokens, FLOPs.

    FLOPs are 2 N a token, N without embeddings and head. Loss is that of the expert's solutions, packed into rows; answers are
    greedy and worked, as the models know the question.
    """
    special = pretrain.Special(tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    texts = [trace.prompt + trace.solution for trace in traces]
    ids = tokenizers.encode(tokenizer, texts)
    packed = pretrain.pack(iter(ids), None, context, special)
    size = architectures.parameters(model)["non_embedding"]
    seconds = {}
    for name in ("warm-up", "loss"):
        began = time.process_time()
        pretrain.held_out_loss(model, packed, sum(len(text.encode()) for text in texts))
        seconds[name] = time.process_time() - began
    began = time.process_time()
    prompts = [trace.prompt for trace in traces]
    given = generate.completions(
        model, tokenizer, prompts, settings.evaluation.max_new_tokens, settings.evaluation.batch, sample_seed=None
    )
    seconds["answers"] = time.process_time() - began
    read_tokens = sum(map(len, tokenizers.encode(tokenizer, prompts)))
    new = sum(map(len, tokenizers.encode(tokenizer, [completion.text for completion in given])))
    tokens = {"loss": sum(map(len, ids)), "answers": read_tokens + new}
    flops = {name: 2.0 * size * count for name, count in tokens.items()}
    return {
        "problems": len(traces),
        **{f"{name}_seconds": seconds[name] for name in ("loss", "answers")},
        **{f"{name}_tokens": tokens[name] for name in tokens},
        **{f"{name}_flops": flops[name] for name in flops},
    }


def build(step, workspace: Workspace) -> None:
    """Ask one model in every way.

    Parameters
    ----------
    step : a declared `configuration` step; its parents are the material and the training of the model
    workspace : receives `outcomes` and `written` (see `asked`); its facts are what loss and answers cost (see `cost`)
    """
    settings: ConfigurationSettings = step.settings
    facts = devices.prepare(settings.evaluation.device, settings.evaluation.threads)
    folder = step.parent("train").path("model")
    model, tokenizer = loading.load(folder, settings.evaluation.device), tokenizers.load(folder, "always")
    traces = problems(read(step.parent("material").path("traces.parquet")), settings)
    tables = [asked(model, tokenizer, traces, cell, settings) for cell in cells(settings.asking)]
    for name, frames in zip(("outcomes", "written"), zip(*tables, strict=True), strict=True):
        workspace.write_table(name, pd.concat(frames, ignore_index=True))
    context = model.config.max_position_embeddings // 2
    workspace.note(**facts, cost=cost(model, tokenizer, traces, settings, context), problems=len(traces))
