"""Published runs as cases: what was known of a run, or of smaller ones, at a moment, and what came of it.

The table of cases was fixed before any forecast of them was made (experiment log).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from proxylib.data.published import datadecide, gadre, gemstones, olmo_ladder, pythia
from proxylib.laws.replications import DISTINCT, LADDER

#: what a signal is called, whatever the set: the loss on a text, and that of the right answer
PROSE, TASK = "prose loss", "task loss"
LATER, LARGER = "later in the run", "a larger run"
#: names of data sets, in the order of the tables
SEVEN_B, OTHER_SEVEN_B, OLMO_LADDER = "OLMo 7B", "OLMo 7B, other rate", "OLMo ladder to 7B"
RUNGS, DATADECIDE = "OLMo ladder's runs", "DataDecide"
GEMSTONES, GADRE, PYTHIA = "Gemstones", "Gadre", "Pythia"
TUNING = (PYTHIA,)  # the others are for reporting: methods
FRESH = (RUNGS, DATADECIDE)  # for reporting intervals and the default, whose constants the others have fitted
#: data set -> shares of a run's tokens that are known
SHARES = {
    SEVEN_B: (1 / 4, 1 / 18, 1 / 100),
    OTHER_SEVEN_B: (1 / 4, 1 / 18, 1 / 100),
    GEMSTONES: (1 / 2, 1 / 4, 1 / 8),
    RUNGS: (1 / 4, 1 / 18),
    PYTHIA: (1 / 2, 1 / 4, 1 / 18, 1 / 100),
}
#: data set -> how many times less compute what is known took than the target did, at the least
TIMES_LESS = {OLMO_LADDER: (13, 83), GEMSTONES: (3, 15), GADRE: (20,), DATADECIDE: (4, 12, 50), PYTHIA: (2, 8)}
LARGEST = {GEMSTONES: 3, DATADECIDE: 1, PYTHIA: 2}  # models that are forecast
GADRE_LARGE = 5e21 / 6  # parameters x tokens: the three models of 6.9B, and the one of 1.4B trained 32 times as long
SMALL, ABOVE = (1.5e8, 1.6e8), 0.1  # size of Gadre's models of which one is to lie so far above chance
MEAN = "mean of tasks"
_NEARLY = 1.01  # token counts of one plan differ by less
_COLUMNS = ["run", "task", "parameters", "tokens", "score", "chance", "stderr"]


@dataclass(frozen=True, eq=False)
class Case:
    """One history, as a user would hold it, and what came.

    Parameters
    ----------
    data, kind : name of the set; `LATER` or `LARGER`
    known : how much is known, in words: "1/18" of a run's tokens, or "13 times less" compute
    run : that is forecast
    cluster : runs of one name err together
    history : columns run, task, parameters, tokens, score, chance, stderr, and signals
    target : as `proxylib forecast` takes it
    came : task -> score, a share
    """

    data: str
    kind: str
    known: str
    run: str
    cluster: str
    history: pd.DataFrame
    target: str
    came: pd.Series


def cases() -> Iterator[Case]:
    """All of them; `UserError` where a set is not at hand."""
    for name, run in ((SEVEN_B, "7B"), (OTHER_SEVEN_B, "7B-6e-4")):
        yield from later(name, _of_olmo(olmo_ladder.seven_b(run)))
    ladder = pd.concat([_of_olmo(olmo_ladder.ladder()), _of_olmo(olmo_ladder.annealed())], ignore_index=True)
    for times, sizes in zip(TIMES_LESS[OLMO_LADDER], ({*_parts(0), "3B"}, _parts(0)), strict=True):
        kept = {olmo_ladder.ANNEALED, *(f"{size}-{multiple}" for size in sizes for multiple in _parts(1))}
        rows = ladder[ladder["run"].isin(kept)]
        yield from (case for case in larger(OLMO_LADDER, rows, [olmo_ladder.ANNEALED]) if case.known.startswith(f"{times} "))
    stones = _named(gemstones.gemstones(), {"loss_fineweb_edu": PROSE, "task_loss": TASK})
    yield from later(GEMSTONES, stones)
    yield from larger(GEMSTONES, stones)
    for history in of_gadre().values():
        yield from larger(GADRE, history)
    yield from later(RUNGS, ladder[ladder["run"] != olmo_ladder.ANNEALED])
    for history in of_datadecide().values():
        yield from larger(DATADECIDE, history)
    suite = _named(pythia.pythia(), {"lambada_nll": PROSE})
    yield from later(PYTHIA, suite)
    yield from larger(PYTHIA, suite)


def _of_olmo(frame: pd.DataFrame) -> pd.DataFrame:
    return _named(frame[frame["task"].isin(DISTINCT)], {"loss_c4": PROSE, "task_bpb": TASK})


def _parts(place: int) -> set[str]:
    """Sizes (0) or multiples (1) of the runs that the ladder's paper fits; 3B is no size of them."""
    return {run.split("-")[place] for run in LADDER}


def _named(frame: pd.DataFrame, signals: dict[str, str]) -> pd.DataFrame:
    return frame[[*_COLUMNS, *signals]].rename(columns=signals).reset_index(drop=True)


def of_gadre() -> dict[str, pd.DataFrame]:
    """Corpus -> history of its models, on the tasks that the paper keeps and their mean."""
    frame = _named(gadre.gadre(), {"loss_c4": PROSE})
    small = frame[frame["parameters"].between(*SMALL)]
    best = (small["score"] - small["chance"]).groupby(small["task"]).max()
    frame = frame[frame["task"].isin(best.index[best > ABOVE])]
    same = {name: "first" for name in ("parameters", "tokens", PROSE)}
    mean = frame.groupby("run", sort=False).agg({**same, "score": "mean", "chance": "mean", "stderr": _error_of_mean})
    whole = pd.concat([frame, mean.reset_index().assign(task=MEAN)], ignore_index=True)
    return {str(corpus): part for corpus, part in whole.groupby(whole["run"].map(gadre.corpus_of), sort=False)}


def of_datadecide() -> dict[str, pd.DataFrame]:
    """Corpus -> history of its models, one of each size: macro accuracy, mean of three seeds, whose items nobody says."""
    sizes = pd.DataFrame(
        {
            "size": list(datadecide.SIZES),
            "tokens": [float(size.batch * datadecide.SEQUENCE_LENGTH * size.steps) for size in datadecide.SIZES.values()],
        }
    )
    loss = datadecide.nll().groupby(["size", "corpus"], as_index=False)["nll_per_char"].mean()
    frame = datadecide.accuracy().merge(sizes, on="size").merge(loss, on=["size", "corpus"])
    frame = frame[~frame["size"].isin(datadecide.OFF_TRAJECTORY)]
    named = {"accuracy": "score", "nll_per_char": TASK}
    frame = frame.rename(columns=named).assign(
        task=datadecide.MACRO, chance=np.nan, stderr=np.nan, run=frame["corpus"] + ", " + frame["size"]
    )
    columns = [*_COLUMNS, TASK]
    return {str(corpus): part[columns].reset_index(drop=True) for corpus, part in frame.groupby("corpus", sort=False)}


def _error_of_mean(errors: pd.Series) -> float:
    """Standard error of the mean of independent shares."""
    return float(np.sqrt((errors**2).sum()) / len(errors))


def later(data: str, frame: pd.DataFrame) -> Iterator[Case]:
    """Every run of a set, its last checkpoint from the first shares of its tokens."""
    for share in SHARES[data]:
        for run, rows in frame.groupby("run", sort=False):
            end = rows["tokens"].max()
            history = rows[(rows["tokens"] <= share * end) & (rows["tokens"] > 0)]
            came = rows[rows["tokens"] == end].set_index("task")["score"]
            known = f"1/{1 / share:.0f}"
            yield Case(data, LATER, known, str(run), cluster(str(run)), history, f"tokens={float(end)!r}", came)


def larger(data: str, frame: pd.DataFrame, targets: list[str] | None = None) -> Iterator[Case]:
    """The largest models of a set, or those named, each from all that took so many times less compute.

    Parameters
    ----------
    data : of `TIMES_LESS`
    frame : histories; a corpus of Gadre's holds those of its own targets
    targets : runs; by default the `LARGEST` of the set
    """
    ends = frame.groupby("run", sort=False)[["parameters", "tokens"]].max()
    compute = ends["parameters"] * ends["tokens"]
    names = largest(data, compute) if targets is None else targets
    for times in TIMES_LESS[data]:
        for run in names:
            small = compute.index[compute * times / _NEARLY <= compute[run]]
            rows = frame[frame["run"] == run]
            came = rows[rows["tokens"] == rows["tokens"].max()].set_index("task")["score"]
            target = ",".join(f"{name}={float(ends.loc[run, name])!r}" for name in ("parameters", "tokens"))
            history = frame[frame["run"].isin(small)]
            yield Case(data, LARGER, f"{times} times less", str(run), cluster(str(run)), history, target, came)


def largest(data: str, compute: pd.Series) -> list[str]:
    """The runs of most compute; Gadre's four by their compute, as a corpus has one or two of them."""
    if data == GADRE:
        return list(compute.index[compute > GADRE_LARGE])
    return list(compute.sort_values().index[-LARGEST[data] :])


def cluster(run: str) -> str:
    """Runs that share architecture and order of data, or a recipe, count as one."""
    return datadecide.GROUP_OF.get(run.rpartition(", ")[0], run.removesuffix("-deduped"))
