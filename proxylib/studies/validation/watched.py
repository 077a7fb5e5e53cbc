"""One run of the study: trained on text of its own, and looked at on the way.

At every checkpoint: the loss on documents of every source that are held out, on documents that the run has read, and answers to
held-out problems.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from transformers import PreTrainedModel

from proxylib.data import tasks
from proxylib.data.settings import Material
from proxylib.measure import benchmarks, domains
from proxylib.models import devices, pretrain, tokenizers
from proxylib.runs.parts import Parts
from proxylib.runs.store import Workspace
from proxylib.studies.validation.settings import EXPERT, OWN, RunSettings

TABLES = ("domains", "outcomes")
OFFSET = 3  # added to the material's seed: problems that are asked are not those whose solutions the loss is taken on


FROM = 30  # the first checkpoint is a thirtieth of the way: with few documents validation turns before a fifth of it


def checkpoints(steps: int, number: int) -> list[int]:
    """Steps after which a run of so many is measured, evenly spaced in log steps."""
    return sorted({max(1, round(step)) for step in np.geomspace(max(1, steps / FROM), steps, number)})


def held_out(material: Material, number: int) -> dict[str, list[str]]:
    """Source -> so many held-out documents; the expert's are those of all tasks together."""
    texts = domains.documents(material, number)
    texts[EXPERT] = [text for name in material.tasks for text in texts.pop(name)]
    return texts


class Watcher:
    """What is measured on a model, whenever it is asked.

    Parameters
    ----------
    settings : of the run
    tokenizer : of the model
    own : documents that the run reads
    """

    def __init__(self, settings: RunSettings, tokenizer: Any, own: Sequence[str]):
        material, self.settings, self.tokenizer = settings.training.material, settings, tokenizer
        texts = held_out(material, settings.documents) | {OWN: list(own)}
        self.domains = domains.packed(texts, tokenizer, settings.training.training.context)
        drawn = [tasks.evaluation_problems(tasks.task(name), settings.items, material.seed + OFFSET) for name in material.tasks]
        self.traces = [trace for pairs in drawn for trace, _ in pairs]
        self.looks, self.seconds = 0, 0.0

    @property
    def tokens(self) -> int:
        """Predicted in a validation pass, documents of its own not counted."""
        return sum(part.rows.tokens for name, part in self.domains.items() if name != OWN)

    def look(self, model: PreTrainedModel, asked: bool) -> dict[str, pd.DataFrame]:
        """Frames by table."""
        began = time.perf_counter()
        losses = domains.losses(model, self.domains)
        self.seconds += time.perf_counter() - began
        self.looks += 1
        outcomes = pd.DataFrame({"task": pd.Series(dtype=str), "id": pd.Series(dtype=str), "correct": pd.Series(dtype=bool)})
        if asked:
            model.eval()
            outcomes = benchmarks.answers(model, self.tokenizer, self.traces, self.settings.evaluation)
        return {"domains": losses, "outcomes": outcomes[["task", "id", "correct"]]}


def watched(step: Any, workspace: Workspace, texts: Callable[[], Iterator[str]], own: Sequence[str]) -> None:
    """Train and look.

    Parameters
    ----------
    step : its settings are `RunSettings`; its parent `material` holds the tokenizer
    workspace : receives `losses` (see `pretrain.fit`), and with columns step and tokens the tables domains (`domains.losses`)
        and outcomes (task, id, correct); its facts are those of training, the tokens of a validation pass and, of the looks of
        this process, their number and seconds
    texts : what is read, without end, from its beginning at every call
    own : some of it
    """
    settings: RunSettings = step.settings
    spec = settings.training
    devices.prepare(spec.training.device, spec.training.threads)
    tokenizer = tokenizers.load(step.parent("material").path(f"tokenizers/{spec.model.tokenizer}"), "always")
    at = checkpoints(pretrain.steps_of(spec.training, spec.model.share), settings.checkpoints)
    asked = set(at) if settings.asked == "always" else {at[-1]}
    watcher, parts = Watcher(settings, tokenizer, own), Parts(workspace, TABLES)

    def observe(model: PreTrainedModel, now: int, tokens: int) -> None:
        if not parts.hold([now]):
            parts.keep(now, watcher.look(model, now in asked), step=now, tokens=tokens)

    for _ in range(2):  # a second time where a part that was written before the last checkpoint was damaged since
        if not (parts.hold(at) and workspace.holds("model", "losses.parquet")):
            pretrain.train(
                *(spec.model, spec.training, spec.material, spec.seed, tokenizer, workspace),
                observe=observe,
                reading=pretrain.Reading(texts(), held_out(spec.material, settings.documents)[EXPERT]),
                measured=lambda *_: set(at),
            )
            workspace.keep("model", "losses.parquet")
    for name in TABLES:
        workspace.write_table(name, parts.joined(name, at))
    parts.remove()
    workspace.note(validation_tokens=watcher.tokens, looks=watcher.looks, validation_seconds=watcher.seconds)
