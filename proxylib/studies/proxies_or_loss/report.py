"""Frames for the page on token statistics and loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from proxylib.judging.criteria import LM_JUDGE, STRICT
from proxylib.measure import proxies
from proxylib.report import words
from proxylib.report.tables import ENDS, decided, labelled, rows, wide
from proxylib.stats import Decision
from proxylib.studies.proxies_or_loss.errors import BEFORE, BEST, NOTHING
from proxylib.studies.proxies_or_loss.grid import FINAL, NAMED_PROXIES, SCORES
from proxylib.studies.proxies_or_loss.search import GAIN, STRENGTH, WHOLE

#: signal -> what a reader calls it, in the order of figures
SIGNALS = {
    FINAL: "final training loss",
    "first_pass_loss": "training loss of the first pass",
    "held_out_loss": "held-out loss",
    "bits_per_byte": "bits per byte",
    "cross_entropy|uniform": "cross-entropy, mean of notes",
    "top1|inverse_frequency": "top-1, rare tokens count more",
    "top5|frequency": "top-5, common tokens count more",
    "top1|uniform": "top-1",
    "rank|uniform": "mean rank",
    "reciprocal_rank|uniform": "mean reciprocal rank",
    "entropy|uniform": "entropy",
}
KNOWN = (
    {NOTHING: "nothing: mean of the others", BEFORE: "size and data alone"}
    | SIGNALS
    | {BEST: "best of eighty, chosen elsewhere"}
)
DRAWN = (LM_JUDGE, STRICT)  # scores of figures, and the first of them that judges a domain decides; others stand in tables
TINY, SAME = 0.0005, "the same"  # what a difference of correlations, ends and all, stays within, and how that is said


def better(strengths: pd.DataFrame, against: str, signals: Sequence[str] = NAMED_PROXIES) -> dict[Decision, list[str]]:
    """Signals that are higher, or lower, than a loss for every score, and those of which neither is shown."""
    table = rows(strengths, statistic=f"r {against}")
    sorted_out: dict[Decision, list[str]] = {decision: [] for decision in Decision}
    for signal in signals:
        part = rows(table, signal=signal)
        taken = set(decided(part)) if len(part) == table["score"].nunique() else set()
        sorted_out[taken.pop() if len(taken) == 1 else Decision.UNDECIDED].append(SIGNALS[signal])
    return sorted_out


def judge(points: pd.DataFrame) -> str:
    """The score that decides in a domain: the LM judge's where it knows the domain, else the strict rubric's."""
    return next(score for score in DRAWN if score in points.columns)


def beside(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Frames of several domains under each other, each score named with its domain: for one figure."""
    named = [frame.assign(score=frame["score"] + f", {place}") for place, frame in frames.items()]
    return pd.concat(named, ignore_index=True)


def gaps(strengths: pd.DataFrame, against: str = "minus final loss") -> pd.DataFrame:
    """signal, score and what its correlation is above that of a loss, for a figure."""
    table = rows(strengths, statistic=f"r {against}")
    return labelled(table[table["score"].isin(DRAWN)], "signal", SIGNALS)


def errors(frame: pd.DataFrame, statistic: str = "error") -> pd.DataFrame:
    """known, score and the error on a base left out, for a figure."""
    table = rows(frame, statistic=statistic)
    return labelled(table[table["score"].isin(DRAWN)], "known", KNOWN)


def strengths_table(frame: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """A row per named signal, a column per score; a difference that is none but for roundings is said in words."""
    part = labelled(rows(frame, statistic=statistic), "signal", SIGNALS)
    table = wide(part, ["signal"], {"score": {name: name for name in SCORES if name in set(part["score"])}})
    if " minus " in statistic:
        for same in part[(part[ENDS].abs() < TINY).all(axis=1)].itertuples():
            table.loc[table["signal"] == same.signal, same.score] = SAME
    return table


def errors_table(frame: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """A row per thing that is known, alone and beside size and data, a column per score."""
    labels = KNOWN | {f"{BEFORE} + {name}": f"size, data, {label}" for name, label in (SIGNALS | {BEST: KNOWN[BEST]}).items()}
    part = labelled(rows(frame, statistic=statistic), "known", labels)
    return wide(part, ["known"], {"score": {name: name for name in SCORES if name in set(part["score"])}})


def beyond(frame: pd.DataFrame) -> pd.DataFrame:
    """Signals and scores of which something is left with base and examples held fixed: signal, score, estimate, low, high.

    The interval leaves out zero, and the size passes what unrelated numbers reach one time in twenty.
    """
    table = labelled(rows(frame, statistic="partial r"), "signal", SIGNALS)
    kept = [decision is not Decision.UNDECIDED for decision in decided(table)]
    return table[np.array(kept, bool) & (table["estimate"].abs() > table["critical"])].reset_index(drop=True)


def eighty(frame: pd.DataFrame, score: str) -> pd.DataFrame:
    """[statistics, weightings] correlation of each of the eighty with a score, in its own direction."""
    table = rows(frame, statistic="r", score=score).set_index("signal")["estimate"].reindex(proxies.NAMES)
    values = table.to_numpy(float).reshape(len(proxies.STATISTICS), len(proxies.WEIGHTINGS))
    return pd.DataFrame(values, index=list(proxies.STATISTICS), columns=list(proxies.WEIGHTINGS))


def search_table(frame: pd.DataFrame) -> pd.DataFrame:
    """What the search through eighty finds, and what it finds where there is nothing."""
    number = "{:.2f}".format
    return pd.DataFrame(
        {
            "score": frame["score"],
            "quantity": frame["quantity"].map({STRENGTH: "best correlation", GAIN: "gain over final loss"}),
            "shuffled": frame["shuffled"],
            "found": frame["estimate"].map(number),
            "mean by luck": frame["null"].map(number),
            "19 of 20 below": frame["bar"].map(number),
            "p": frame["p"].map(words.p_value),
        }
    )


def lucky(frame: pd.DataFrame) -> list[str]:
    """Scores for which the gain over final loss is no more than the same search finds in whole bases shuffled."""
    table = rows(frame, quantity=GAIN, shuffled=WHOLE)
    return list(table["score"][table["estimate"] <= table["bar"]])
