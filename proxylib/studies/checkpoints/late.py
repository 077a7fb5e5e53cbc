"""The last stretch of a training, gone at a constant and at a falling rate over the same text, and averages of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
from transformers import PreTrainedModel

from proxylib.data import corpora
from proxylib.data.trace import Trace
from proxylib.data.traces import read
from proxylib.measure import benchmarks
from proxylib.models import averaging, checkpoint, devices, loading, pretrain, tokenizers
from proxylib.models.packing import Rows
from proxylib.runs.store import Workspace
from proxylib.studies.checkpoints.settings import Late, LateSettings

CONSTANT, FALLING = "constant", "falling"
RISE = 10  # steps over which the rate rises at first, as the optimisers have forgotten what they knew


def rates(late: Late, schedule: str) -> list[float]:
    """Shares of the peak rate, one a step after the two have parted."""
    if schedule == CONSTANT:
        return [late.rate] * late.steps
    return [late.rate * (1 - step / late.steps) for step in range(late.steps)]


def problems(traces: list[Trace], counted: dict[str, tuple[int, ...]], items: int) -> list[Trace]:
    """The first so many problems of each task, of difficulties that count; of all where none is named."""
    seen: Counter[str] = Counter()
    kept = []
    for trace in traces:
        if not counted or int(trace.id.split("-")[1]) in counted.get(trace.task, ()):
            seen[trace.task] += 1
            if seen[trace.task] <= items:
                kept.append(trace)
    return kept


class Stretch(pretrain.Loop):
    """Steps at given rates, over given rows."""

    def go(self, rows: Rows, shares: Sequence[float], before: int = 0) -> None:
        """One step for each share of the peak rate, over the rows after those of `before` steps."""
        self.trainee.model.train()
        each = self.trainee.rows_per_step
        for step, share in enumerate(shares, before):
            self._step(rows.part(step * each, (step + 1) * each), share)


class Watcher:
    """What is measured of a model: answers and the held-out loss."""

    def __init__(self, step: Any, tokenizer: Any, held_out: pretrain.HeldOut):
        settings: LateSettings = step.settings
        traces = read(step.parent("material").path("traces.parquet"))
        self.traces = problems(traces, settings.counted, settings.late.items)
        self.tokenizer, self.evaluation, self.held_out = tokenizer, settings.evaluation, held_out
        self.outcomes: list[pd.DataFrame] = []
        self.losses: list[dict[str, object]] = []

    def look(self, model: PreTrainedModel, **about: object) -> None:
        """Keep what a model answers, with where it stands in front."""
        nll, bits = pretrain.held_out_loss(model, *self.held_out)
        model.eval()
        answered = benchmarks.answers(model, self.tokenizer, self.traces, self.evaluation)[["task", "id", "correct"]]
        places = pd.DataFrame([about] * len(answered), index=answered.index)
        self.outcomes.append(pd.concat([places, answered], axis=1))
        self.losses.append(about | {"nll": nll, "bits_per_byte": bits})


def build(step, workspace: Workspace) -> None:
    """Train a model on, twice, and average what it passes through.

    Parameters
    ----------
    step : a declared `late_checkpoints` step; its parents are the material and a `trajectory` run, whose model it begins with
    workspace : receives the tables outcomes (schedule, step, averaged, task, id, correct) and losses (schedule, step, averaged,
        nll in nats per token, bits_per_byte, on held-out worked problems); `averaged` is the number of last checkpoints whose
        weights the model is the mean of, 1 for a checkpoint itself; step 0 of the schedule `constant` is where the two part

    Notes
    -----
    A killed run begins again: it takes two minutes. Both go over the same text, so that they differ by the rate alone.
    """
    settings: LateSettings = step.settings
    spec, late = settings.training, settings.late
    devices.prepare(spec.training.device, spec.training.threads)
    tokenizer = tokenizers.load(step.parent("material").path(f"tokenizers/{spec.model.tokenizer}"), "always")
    workspace.path(pretrain.CHECKPOINT).unlink(missing_ok=True)
    model = loading.load(step.parent("trajectory").path("model"), spec.training.device)
    parts = (spec.model, spec.training, spec.material, spec.seed, tokenizer, workspace, model)
    trainee = pretrain.Trainee(*parts)
    documents = corpora.documents(corpora.recipe(spec.model.mix), spec.material, spec.seed)
    rows = trainee.packed(documents, late.settle + late.steps)
    held_out = trainee.held_out()
    watcher = Watcher(step, tokenizer, held_out)
    loop = _loop(trainee, held_out)
    loop.go(rows, [late.rate * min(1.0, (now + 1) / RISE) for now in range(late.settle)])
    checkpoint.write(loop.path, model, loop.optims, [], late.settle)
    watcher.look(model, schedule=CONSTANT, step=0, averaged=1)
    for schedule in (CONSTANT, FALLING):
        _go_on(_loop(trainee, held_out), rows, schedule, late, watcher)
    workspace.write_table("outcomes", pd.concat(watcher.outcomes, ignore_index=True))
    workspace.write_table("losses", pd.DataFrame(watcher.losses))
    workspace.path(pretrain.CHECKPOINT).unlink()


def _loop(trainee: pretrain.Trainee, held_out: pretrain.HeldOut) -> Stretch:
    """Optimisers of their own, and the state of weights and optimisers where the two part, once that is written."""
    return Stretch(trainee, pretrain.optimisers(trainee.model, trainee.config), held_out, None, pretrain.measuring_steps)


def _go_on(loop: Stretch, rows: Rows, schedule: str, late: Late, watcher: Watcher) -> None:
    """Go one of the two ways from where they part, look at its checkpoints and at averages of them."""
    shares, every = rates(late, schedule), late.steps // late.last
    model, workspace = loop.trainee.model, loop.trainee.workspace
    for begin in range(0, late.steps, every):
        loop.go(rows, shares[begin : begin + every], late.settle + begin)
        workspace.write(_weights(begin // every), averaging.weights_bytes(model))
        watcher.look(model, schedule=schedule, step=begin + every, averaged=1)
    files = [workspace.path(_weights(place)) for place in range(late.last)]
    for number in late.averaged:
        model.load_state_dict(averaging.average(files[-number:], [1 / number] * number))
        watcher.look(model, schedule=schedule, step=late.steps, averaged=number)
    for path in files:
        path.unlink()


def _weights(place: int) -> str:
    return f"part-weights-{place:03d}.safetensors"
