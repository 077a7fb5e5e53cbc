"""One run on one corpus, measured at a few checkpoints: by runs like it, but smaller, a corpus is chosen."""

from __future__ import annotations

from typing import Any

import pandas as pd
from transformers import PreTrainedModel

from proxylib.data.trace import PROSE, Trace
from proxylib.data.traces import read
from proxylib.measure import benchmarks, features
from proxylib.measure.tokenstats.extract import token_rows
from proxylib.models import devices, pretrain, tokenizers
from proxylib.runs.parts import Parts
from proxylib.runs.store import Workspace
from proxylib.studies.lab.material import traces_of
from proxylib.studies.lab.reading import counts, of_problems
from proxylib.studies.lab.settings import CorpusRunSettings

TABLES = ("features", "accuracy")


def checkpoints(steps: int, at: tuple[float, ...]) -> list[int]:
    """Steps after which a run of so many is measured, from shares of it."""
    return sorted({max(1, round(share * steps)) for share in at})


def problems(traces: list[Trace], settings: CorpusRunSettings) -> list[Trace]:
    """The first so many problems of each task, of difficulties that count."""
    rows = pd.DataFrame([(trace.task, int(trace.id.split("-")[1])) for trace in traces], columns=["task", "level"])
    wanted = counts(rows, settings.counted) & rows["task"].isin(settings.tasks).to_numpy()
    places = rows[wanted].groupby("task", sort=False).head(settings.items).index
    return [traces[place] for place in places]


class Examiner:
    """What is measured on a model, whenever it is asked.

    Parameters
    ----------
    step : a declared `corpus_run` step
    tokenizer : of the model
    """

    def __init__(self, step: Any, tokenizer: Any):
        material, self.measure, self.tokenizer = step.parent("material"), step.settings.measure, tokenizer
        self.traces = problems(read(material.path("traces.parquet")), step.settings)
        self.prose = read(material.path(f"{traces_of(PROSE)}.parquet"))
        self.texts = pd.Series({(trace.task, trace.id): trace.solution for trace in self.traces})
        self.texts.index.names = ["task", "id"]
        asked = pd.DataFrame([(trace.task, trace.id) for trace in self.traces], columns=["task", "id"])
        self.theirs = of_problems(step.parent("expert").table("tokens_expert"), asked)

    def examine(self, model: PreTrainedModel) -> dict[str, pd.DataFrame]:
        """Frames by table, see `build`."""
        model.eval()
        kinds = {"expert": self.traces, PROSE: self.prose}
        rows = {kind: token_rows(model, self.tokenizer, kept, self.measure.extraction)[0] for kind, kept in kinds.items()}
        of_all = features.features(rows, self.theirs, self.texts, len(self.tokenizer))
        answered = benchmarks.answers(model, self.tokenizer, self.traces, self.measure.evaluation)
        return {
            "features": features.to_long(of_all[[name for name in of_all if not name.startswith(features.BY_BYTE)]]),
            "accuracy": answered.groupby(["task", "level"], sort=False)["correct"].agg(correct="sum", n="size").reset_index(),
        }


def build(step, workspace: Workspace) -> None:
    """Train one model on one corpus and examine it on the way.

    Parameters
    ----------
    step : a declared `corpus_run` step; its parents are the material and the lab expert's measurement
    workspace : receives `model/` and `losses` (see `pretrain.fit`) and, with columns step and tokens, the tables features
        (task, feature, value: the eighty proxies and baselines over traces of problems that count) and accuracy (task, level,
        correct, n). Its facts are those of training
    """
    settings: CorpusRunSettings = step.settings
    spec = settings.training
    devices.prepare(spec.training.device, spec.training.threads)
    tokenizer = tokenizers.load(step.parent("material").path(f"tokenizers/{spec.model.tokenizer}"), "always")
    at = checkpoints(pretrain.steps_of(spec.training, spec.model.share), settings.at)
    examiner, parts = Examiner(step, tokenizer), Parts(workspace, TABLES)

    def observe(model: PreTrainedModel, now: int, tokens: int) -> None:
        if not parts.hold([now]):
            parts.keep(now, examiner.examine(model), step=now, tokens=tokens)

    for _ in range(2):  # a second time where a part that was written before the last checkpoint was damaged since
        if not (parts.hold(at) and workspace.holds("model", "losses.parquet")):
            pretrain.train(
                *(spec.model, spec.training, spec.material, spec.seed, tokenizer, workspace),
                observe=observe,
                measured=lambda *_: set(at),
            )
            workspace.keep("model", "losses.parquet")
    for name in TABLES:
        workspace.write_table(name, parts.joined(name, at))
    parts.remove()
