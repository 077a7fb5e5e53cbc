"""One training run, measured on the way: what forecasts, crucial steps and the evaluation stack read.

The store keeps no weights of the way, so everything that needs them happens while the run trains: statistics of the expert's
tokens, answers, losses by domain at every checkpoint, and averages of the last weights. Of a model that is trained further
after pretraining that part alone is watched, in steps and tokens of its own; step 0 is the model that it begins with.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from transformers import PreTrainedModel

from proxylib.data.trace import PROSE, Trace
from proxylib.data.traces import read
from proxylib.errors import UserError
from proxylib.measure import benchmarks, decisive_tokens, domains, features
from proxylib.measure.tokenstats.extract import token_rows
from proxylib.models import averaging, devices, loading, pretrain, tokenizers
from proxylib.models.settings import TrainSettings
from proxylib.runs.parts import Parts
from proxylib.runs.store import Workspace
from proxylib.studies.lab.material import traces_of
from proxylib.studies.lab.settings import TrajectorySettings, Watch

FROM = 400  # the first checkpoint is a 400th of the way: half of the log-spaced ones come before the first eighteenth
LAST_PART = 5  # the last checkpoints are those of the last fifth
HALF_LIVES = (2, 5)  # of the moving averages, in checkpoints of the last part
TABLES = ("features", "outcomes", "domains", "shown")  # of which every checkpoint writes a part
AVERAGED = ("averaged_outcomes", "averaged_domains")


def checkpoints(steps: int, watch: Watch) -> list[int]:
    """Steps after which a run of so many is measured: evenly spaced in log steps, and `last_steps`."""
    spaced = np.geomspace(max(1, steps / FROM), steps, watch.spaced).round().astype(int).tolist()
    return sorted({*spaced, *last_steps(steps, watch)})


def last_steps(steps: int, watch: Watch) -> list[int]:
    """Steps evenly spaced over the last fifth of so many.

    Raises
    ------
    UserError
        If the run is too short for so many.
    """
    last = np.unique(np.linspace(steps * (1 - 1 / LAST_PART), steps, watch.last).round().astype(int)).tolist()
    if len(last) < watch.last:
        raise UserError(f"trajectories.watch.last: {watch.last} checkpoints do not fit into the last fifth of {steps} steps")
    return last


def averages(watch: Watch) -> dict[str, list[float]]:
    """How an average of the last weights is called -> the share of each checkpoint, oldest first."""
    uniform = {f"last {number}": [1 / number] * number for number in watch.averaged}
    most = max(watch.averaged)
    return uniform | {f"moving, half-life {life}": averaging.moving(most, life) for life in HALF_LIVES}


def phase_of(spec: TrainSettings) -> tuple[int, int]:
    """Steps before the part of a training that is watched, and its own."""
    before = pretrain.steps_of(spec.training, spec.model.share)
    return (0, before) if spec.model.post == "none" else (before, pretrain.steps_of(spec.training, spec.training.post_share))


class Looker:
    """What is measured on one model, whenever it is asked.

    Parameters
    ----------
    step : a declared `trajectory` step
    tokenizer : of the model
    """

    def __init__(self, step: Any, tokenizer: Any):
        material, settings = step.parent("material"), step.settings
        self.tokenizer, self.measure = tokenizer, settings.measure
        self.traces = _first(read(material.path("traces.parquet")), settings.watch.items)
        self.prose = read(material.path(f"{traces_of(PROSE)}.parquet"))
        self.texts = pd.Series({(trace.task, trace.id): trace.solution for trace in self.traces})
        self.texts.index.names = ["task", "id"]
        self.spans = decisive_tokens.steps_of(material.table("decisive"))
        theirs = step.parent("expert").table("tokens_expert")
        self.theirs = theirs[pd.MultiIndex.from_frame(theirs[["task", "id"]]).isin(self.texts.index)].reset_index(drop=True)
        documents = domains.documents(settings.training.material, settings.watch.documents)
        self.domains = domains.packed(documents, tokenizer, settings.training.training.context)

    def look(self, model: PreTrainedModel) -> dict[str, pd.DataFrame]:
        """Frames by table."""
        losses = domains.losses(model, self.domains)
        model.eval()
        rows, vocabulary = self.rows(model, self.traces), len(self.tokenizer)
        decisive = decisive_tokens.is_decisive(rows, self.spans, self.texts)
        seen = decisive_tokens.observed(rows, decisive, vocabulary).reset_index()
        answered = benchmarks.answers(model, self.tokenizer, self.traces, self.measure.evaluation)
        outcomes = answered[["task", "id", "correct"]].merge(seen, on=["task", "id"], validate="one_to_one")
        of_all = features.features({"expert": rows, PROSE: self.rows(model, self.prose)}, self.theirs, self.texts, vocabulary)
        return {
            "features": of_all[[name for name in of_all if not name.startswith(features.BY_BYTE)]],
            "outcomes": outcomes.drop(columns=["n_decisive", "n_other"]),
            "domains": losses,
            "shown": decisive_tokens.case_study(rows, decisive, vocabulary, self.texts),
        }

    def rows(self, model: PreTrainedModel, traces: list[Trace]) -> pd.DataFrame:
        """Token rows of the model over traces."""
        return token_rows(model, self.tokenizer, traces, self.measure.extraction)[0]

    def problems_of(self, model: PreTrainedModel) -> pd.DataFrame:
        """What no checkpoint changes: task, id, level, n_decisive, n_other, guess (see decisive_tokens.py)."""
        rows = self.rows(model, self.traces)
        decisive = decisive_tokens.is_decisive(rows, self.spans, self.texts)
        counts = decisive_tokens.observed(rows, decisive, len(self.tokenizer))[["n_decisive", "n_other"]]
        counts["guess"] = decisive_tokens.guessed(rows, decisive)
        levels = pd.Series({key: int(key[1].split("-")[1]) for key in counts.index})
        counts.insert(0, "level", levels)
        return counts.reset_index()


def build(step, workspace: Workspace) -> None:
    """Train one model, measure it on the way, and average its last weights.

    Parameters
    ----------
    step : a declared `trajectory` step; its parents are the material and the lab expert's measurement
    workspace : receives `model/` and `losses` (see `pretrain.fit`; held-out losses at every checkpoint); with columns step and
        tokens the tables features (the eighty proxies and baselines per task), outcomes (task, id, correct, and what
        `decisive_tokens.observed` counts), domains (see `domains.losses`) and shown (`decisive_tokens.case_study` at the
        first checkpoint, a middle one and the last); `problems`, which no checkpoint changes; averaged_outcomes and
        averaged_domains with a column average in their place. Its facts are those of training
    """
    settings: TrajectorySettings = step.settings
    spec, watch = settings.training, settings.watch
    devices.prepare(spec.training.device, spec.training.threads)
    looker = Looker(step, tokenizers.load(step.parent("material").path(f"tokenizers/{spec.model.tokenizer}"), "always"))
    before, steps = phase_of(spec)
    at, last = [0] * (before > 0) + checkpoints(steps, watch), last_steps(steps, watch)
    looks, averaged = Parts(workspace, TABLES), Parts(workspace, AVERAGED)
    for _ in range(2):  # a second time where something that was seen before the last checkpoint was damaged since
        if not (looks.hold(at) and workspace.holds("model", "losses.parquet", *map(_weights, last))):
            _train(spec, looker, workspace, looks, at, last)
    model = loading.load(workspace.path("model"), spec.training.device)
    workspace.write_table("problems", looker.problems_of(model))
    for place, (name, shares) in enumerate(averages(watch).items()):
        if not averaged.hold([place]):
            model.load_state_dict(averaging.average([workspace.path(_weights(now)) for now in last[-len(shares) :]], shares))
            frames = looker.look(model)
            averaged.keep(place, {table: frames[table.removeprefix("averaged_")] for table in AVERAGED}, average=name)
    shown = {at[0], at[len(at) // 2], at[-1]}
    for table in TABLES:
        frame = looks.joined(table, [now for now in at if table != "shown" or now in shown])
        if not at[0]:  # tokens read before step 0 are none of this part's
            frame["tokens"] -= frame["tokens"].iloc[0]
        workspace.write_table(table, frame)
    for table in AVERAGED:
        workspace.write_table(table, averaged.joined(table, range(len(averages(watch)))))
    for path in workspace.folder.glob("part-*"):
        path.unlink()


def _train(spec: TrainSettings, looker: Looker, workspace: Workspace, looks: Parts, at: list[int], last: list[int]) -> None:
    """Train, and keep what is seen on the way as it comes; what an earlier call has seen is not looked at again."""
    before, _ = phase_of(spec)

    def observe(model: PreTrainedModel, step: int, tokens: int) -> None:
        now = step - before
        if now in last and not workspace.holds(_weights(now)):
            workspace.write(_weights(now), averaging.weights_bytes(model))
        if not looks.hold([now]):
            looks.keep(now, looker.look(model), step=now, tokens=tokens)

    model, training, material, seed = spec.model, spec.training, spec.material, spec.seed

    def measured(phase: str, steps: int) -> set[int]:
        return {steps} if before and phase == "pretraining" else set(at)

    pretrain.train(model, training, material, seed, looker.tokenizer, workspace, observe, measured=measured)
    workspace.keep("model", "losses.parquet")


def _weights(step: int) -> str:
    return f"part-weights-{step:06d}.safetensors"


def _first(traces: list[Trace], items: int) -> list[Trace]:
    """The first so many problems of each task."""
    seen: Counter[str] = Counter()
    kept = []
    for trace in traces:
        seen[trace.task] += 1
        if seen[trace.task] <= items:
            kept.append(trace)
    return kept
