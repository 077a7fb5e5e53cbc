"""Published runs, as the monitor reads them: none of their authors says that something went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from proxylib.data.histories.measured import LOSS, SCORE, TRAIN, VALIDATION, Measured, frame
from proxylib.data.published import gemstones, olmo_ladder, pythia

LADDER, SEVEN_B, GEMSTONES, PYTHIA = "OLMo ladder", "OLMo 7B", "Gemstones", "Pythia"
TUNING = (PYTHIA,)  # may be used for mending detectors; the others are for reporting
TRAINING = "loss_train"
WHOLE_LOSS = "lambada_nll"  # of Pythia
#: share of the commoner label, where that is more than one in the number of answers: what a model gets that has learnt nothing
MAJORITY = {"wsc": 66 / 104, "boolq_val": 2033 / 3270}


@dataclass(frozen=True, eq=False)
class Sound:
    """One run.

    Parameters
    ----------
    data, run : names of the set and of the run
    cluster : runs of one name share architecture, data and their order
    known : what was measured, over tokens
    """

    data: str
    run: str
    cluster: str
    known: Measured


def runs() -> Iterator[Sound]:
    """All of them; `UserError` where a set is not at hand."""
    yield from _each(LADDER, olmo_ladder.ladder(reruns=True), "loss_", lambda run: run.split("-")[0])
    for name in olmo_ladder.SEVEN_B:
        yield from _each(SEVEN_B, olmo_ladder.seven_b(name), "loss_", lambda run: "7B")
    yield from _each(GEMSTONES, gemstones.gemstones(), "loss_", lambda run: run)
    yield from _each(PYTHIA, pythia.pythia(), WHOLE_LOSS, lambda run: run.removesuffix("-deduped"))


def _each(data: str, history: pd.DataFrame, losses: str, cluster: object) -> Iterator[Sound]:
    for run, rows in history.groupby("run", sort=False):
        yield Sound(data, str(run), f"{data} {cluster(str(run))}", measured(rows, losses))


def measured(history: pd.DataFrame, losses: str) -> Measured:
    """A run of a published history.

    Parameters
    ----------
    history : `published.histories.COLUMNS` and signals, of one run
    losses : how names of the signals begin that are losses of the whole run, not of a task
    """
    scores = history.rename(columns={"tokens": "at", "score": "value"}).assign(kind=SCORE, split=VALIDATION)
    scores["chance"] = scores["task"].map(MAJORITY).fillna(scores["chance"])
    parts = [scores[["task", "at", "value", "stderr", "items", "chance", "kind", "split"]]]
    once = history.drop_duplicates("tokens")
    for name in (column for column in history if column.startswith(losses)):
        part = pd.DataFrame({"at": once["tokens"], "value": once[name], "task": name, "kind": LOSS})
        parts.append(part[part["value"].notna()].assign(split=TRAIN if name == TRAINING else VALIDATION))
    rows = frame(pd.concat(parts, ignore_index=True))
    return Measured(rows.sort_values(["task", "at"], kind="stable", ignore_index=True), "tokens", ())
