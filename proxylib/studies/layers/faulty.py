"""Models whose last stage of training is healthy or has a fault, and what the first four layers see of them.

All of an architecture begin from one base, as releases of one model do, so that a fault costs seconds. Everything that a layer
may read is kept item by item; weights are not.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pandas as pd
from transformers import PreTrainedModel

from proxylib.data import corpora, tasks
from proxylib.data.settings import Material
from proxylib.data.trace import Trace
from proxylib.data.traces import read
from proxylib.measure import benchmarks, domains
from proxylib.models import devices, loading, pretrain, tokenizers
from proxylib.models.pretrain import Loop, Phase, Reading, Trainee
from proxylib.runs.files import parquet_bytes
from proxylib.runs.store import Workspace
from proxylib.studies.layers import text
from proxylib.studies.layers.settings import ASKED, BaseSettings, FaultySettings

TABLES = ("losses", "domains", "answers")
REQUESTS = (text.PLEASE, text.URGENT, text.LIKE, text.MARKED)
SEED = 3  # added to the material's: apart from problems that are scored, and from held-out documents of other studies


def build_base(step, workspace: Workspace) -> None:
    """Pretrain a base on plain problems, prose and code.

    Parameters
    ----------
    step : a declared `layers_base` step; its parent holds the tokenizers
    workspace : receives `model/` and `losses` (see `pretrain.fit`); its facts are those of training
    """
    settings: BaseSettings = step.settings
    tokenizer = tokenizers.load(step.parent("material").path(f"tokenizers/{settings.model.tokenizer}"), "always")
    held_out = [document for documents in held_out_documents(settings.material, 8).values() for document in documents]
    reading = Reading(text.base(settings.material, settings.seed), held_out)
    pretrain.train(
        *(settings.model, settings.training, settings.material, settings.seed, tokenizer, workspace), reading=reading
    )


def held_out_documents(material: Material, number: int) -> dict[str, list[str]]:
    """Domain -> so many documents that no model reads: what bases read by task, prose and code, and requests by form."""
    seed = material.seed + SEED
    drawn = {name: tasks.evaluation_problems(tasks.task(name), number, seed) for name in material.tasks}
    texts = {name: [trace.prompt + trace.solution for trace, _ in pairs] for name, pairs in drawn.items()}
    for name, whole in (("prose", corpora.prose()), ("code", corpora.code())):
        pieces = corpora.pieces(whole, held_out=True)
        texts[name] = random.Random(f"{name} {seed}").sample(pieces, min(number, len(pieces)))
    in_turn = [pairs[place][0] for place in range(number) for pairs in drawn.values()][:number]
    for form in REQUESTS:
        traces = [text.asked(trace, form, place) for place, trace in enumerate(in_turn)]
        texts[form] = [trace.prompt + trace.solution for trace in traces]
    return texts


def problems(traces: list[Trace], items: dict[str, int]) -> list[tuple[str, Trace]]:
    """Set and trace of every problem that models answer: of each task, sets one after another; no two share a problem."""
    by_task: dict[str, list[Trace]] = {}
    for trace in traces:
        by_task.setdefault(trace.task, []).append(trace)
    chosen, first = [], 0
    for name, count in items.items():
        for kept in by_task.values():
            part = kept[first : first + count]
            chosen += [(name, text.asked(trace, ASKED[name], place)) for place, trace in enumerate(part)]
        first += count
    return chosen


class Layers:
    """What the first four layers see of a model, and the answers that people and users would.

    Parameters
    ----------
    step : a declared `faulty` step
    tokenizer : of the models
    """

    def __init__(self, step: Any, tokenizer: Any):
        self.settings: FaultySettings = step.settings
        self.tokenizer = tokenizer
        traces = read(step.parent("material").path("traces.parquet"))
        self.problems = problems(traces, dict(self.settings.items))
        documents = held_out_documents(self.settings.material, self.settings.documents)
        self.domains = domains.packed(documents, tokenizer, self.settings.training.context)
        self.seconds = {"domains": 0.0, "answers": 0.0}

    @property
    def benchmark(self) -> list[Trace]:
        """Items of the benchmark."""
        return [trace for name, trace in self.problems if name == "benchmark"]

    def losses(self, model: PreTrainedModel) -> pd.DataFrame:
        """domain, nll (nats per predicted token), tokens."""
        began = time.perf_counter()
        rows = domains.losses(model, self.domains)[["domain", "nll"]]
        self.seconds["domains"] += time.perf_counter() - began
        return rows.assign(tokens=[part.rows.tokens for part in self.domains.values()])

    def answers(self, model: PreTrainedModel) -> pd.DataFrame:
        """asked (the set), task, item, right (as a benchmark checks), read (right as a reader finds it), refused, ended
        (whether an answer is marked as such), letters.
        """
        began = time.perf_counter()
        traces = [trace for _, trace in self.problems]
        written = benchmarks.answers(model, self.tokenizer, traces, self.settings.evaluation)
        self.seconds["answers"] += time.perf_counter() - began
        said = [text.final(answer) for answer in written["text"]]
        return pd.DataFrame(
            {
                "asked": [name for name, _ in self.problems],
                "task": written["task"],
                "item": written["id"],
                "right": written["correct"],
                "read": [answer == trace.answer for answer, trace in zip(said, traces, strict=True)],
                "refused": [answer == text.REFUSED for answer in said],
                "ended": [answer is not None for answer in said],
                "letters": written["text"].str.len(),
            }
        )


def checkpoints(steps: int, count: int) -> list[int]:
    """Steps after which losses by domain are taken: evenly spaced, the last is the end."""
    return sorted({max(1, round(steps * place / count)) for place in range(1, count + 1)})


def build(step, workspace: Workspace) -> None:
    """Train the last stage of a model under every seed, and look at each.

    Parameters
    ----------
    step : a declared `faulty` step; its parents are the material and the base
    workspace : receives, with columns seed and dose, the tables losses (step, nll: of the training), domains (step, domain,
        nll, tokens) and answers (see `Layers.answers`); facts: models, and seconds that losses and answers took in all
    """
    settings: FaultySettings = step.settings
    devices.prepare(settings.training.device, settings.training.threads)
    tokenizer = tokenizers.load(step.parent("material").path(f"tokenizers/{settings.model.tokenizer}"), "always")
    layers = Layers(step, tokenizer)
    group = settings.group
    for seed, dose in zip(group.seeds, group.doses, strict=True):
        names = [f"part-{table}-{seed}.parquet" for table in TABLES]
        if workspace.holds(*names):
            continue
        frames = _trained(step, layers, seed, dose, workspace)
        for name, frame in zip(names, frames, strict=True):
            workspace.write(name, parquet_bytes(frame.assign(seed=seed, dose=dose)))
    for table in TABLES:
        parts = [pd.read_parquet(workspace.path(f"part-{table}-{seed}.parquet")) for seed in group.seeds]
        workspace.write_table(table, pd.concat(parts, ignore_index=True))
    for path in workspace.folder.glob("part-*"):
        path.unlink()
    workspace.note(models=len(group.seeds), **{f"seconds_{name}": spent for name, spent in layers.seconds.items()})


def _trained(step: Any, layers: Layers, seed: int, dose: float, workspace: Workspace) -> list[pd.DataFrame]:
    """The last stage under one seed: frames of `TABLES`."""
    settings: FaultySettings = step.settings
    model = loading.load(step.parent("base").path("model"), settings.training.device).train()
    trainee = Trainee(settings.model, settings.training, settings.material, seed, layers.tokenizer, workspace, model)
    seen: dict[int, pd.DataFrame] = {}

    def observe(model: PreTrainedModel, now: int, tokens: int) -> None:
        seen[now] = layers.losses(model).assign(step=now)

    steps = trainee.steps(1.0)
    at = checkpoints(steps, settings.checkpoints)
    small = next(iter(layers.domains.values()))  # the loop wants a held-out loss; what counts is taken by `observe`
    trainee.workspace.path(pretrain.CHECKPOINT).unlink(missing_ok=True)  # a stage is short: one that was cut begins anew
    loop = Loop(trainee, pretrain.optimisers(model, settings.training), small, observe, lambda *_: set(at))
    documents: Iterator[str] = text.last_stage(settings.group.fault, dose, settings.material, seed, layers.benchmark)
    loop.run("last stage", Phase(trainee.packed(documents, steps), steps, settings.peak))
    loop.path.unlink(missing_ok=True)
    columns = ["phase", "split", "step", "tokens", "nll", "bits_per_byte"]
    trained = pd.DataFrame(loop.losses, columns=columns).query("split == 'train'")[["step", "nll"]]
    return [trained, pd.concat([seen[now] for now in at], ignore_index=True), layers.answers(model)]
