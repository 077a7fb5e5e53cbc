"""Frames of the page on a real model's notes."""

from __future__ import annotations

import pandas as pd

from proxylib.report import tables
from proxylib.report.words import MISSING, p_value, with_interval
from proxylib.stats import Decision, Interval
from proxylib.studies.real_notes.calibration import WITHIN
from proxylib.studies.real_notes.candidates import BASELINES, CANDIDATES, FINAL, FORMS, HELD_OUT, PACKAGE

LOSSES = {FINAL: "training loss at the end, nats a token", HELD_OUT: "loss on held-out notes, nats a token"}
NOTES = "notes of other systems"
KIND = {"f1": "facts right", "invented": "nothing made up", "omitted": "nothing left out"}


def cells(table: pd.DataFrame, metric: str, signal: str) -> pd.DataFrame:
    """A point per trained cell: loss, score, examples."""
    rows = table[table["examples"] > 0]
    return pd.DataFrame({"loss": rows[signal], "score": rows[metric], "examples": rows["examples"]}).reset_index(drop=True)


def untrained(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The model as it came: its held-out loss and its score."""
    rows = table[table["examples"] == 0]
    return pd.DataFrame({"loss": rows[HELD_OUT], "score": rows[metric]})


def followed(related: pd.DataFrame, metric: str, signal: str, way: str = "all cells") -> Interval:
    """Correlation of a signal with a metric over cells."""
    return tables.interval(related, signal=signal, metric=metric, way=way)


def said(interval: Interval, decision: Decision) -> str:
    """What a correlation of loss with quality means."""
    if decision == Decision.UNDECIDED:
        return "is not shown to say"
    return "tells" if interval.estimate < 0 else "tells the wrong way round"


def metrics_rows(correlations: pd.DataFrame, chosen: str) -> pd.DataFrame:
    """Candidates by how closely they follow the share of right facts within dialogues, the closest first."""
    rows = tables.rows(correlations, score="f1", way=WITHIN)
    rows = rows[rows["metric"].isin(CANDIDATES)].sort_values("estimate", ascending=False)
    marked = rows["metric"].map(lambda name: f"{name} (chosen)" if name == chosen else name)
    return rows.assign(metric=marked, kind=NOTES).reset_index(drop=True)


def judges_rows(correlations: pd.DataFrame) -> pd.DataFrame:
    """Forms of the judge, then baselines, over all notes and within dialogues."""
    names = list(dict.fromkeys((*FORMS, PACKAGE, *BASELINES)))
    rows = [tables.rows(correlations, score="f1", metric=name) for name in names]
    return pd.concat(rows, ignore_index=True)


def scores_table(correlations: pd.DataFrame) -> pd.DataFrame:
    """Every metric within dialogues against each score of people's, and the corrected p of the first."""
    rows = tables.rows(correlations, way=WITHIN)
    body = []
    for metric in rows["metric"].unique():
        part = rows[rows["metric"] == metric].set_index("score")
        p = part.loc["f1", "p_holm"]
        shown = [with_interval(part.loc[score, ["estimate", "low", "high"]]) for score in KIND]
        body.append((metric, *shown, p_value(p) if pd.notna(p) else MISSING))
    return pd.DataFrame(body, columns=["metric", *KIND.values(), "corrected p (facts right)"])


def says_yes(metrics: pd.DataFrame) -> pd.Series:
    """Share of notes to which each form's likelier answer is yes."""
    return (metrics[[*FORMS, PACKAGE]] > 0).mean()


def areas_table(areas: pd.DataFrame) -> pd.DataFrame:
    """Areas under the curve for notes in which people see nothing made up."""
    return pd.DataFrame({"by": areas["metric"], "area under the curve": tables.shown(areas)})


def cells_table(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Means over seeds by number of examples."""
    means = table.groupby("examples")[[FINAL, HELD_OUT, metric, "cut"]].mean().round(3).reset_index()
    return means.rename(columns={metric: f"{metric}, mean", "cut": "notes cut"})


def relations_table(related: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Correlations of every signal with the chosen metric, with both intervals."""
    rows = tables.rows(related, metric=metric)
    given = [with_interval(ends) for ends in rows[["estimate", "low_given", "high_given"]].to_numpy(float)]
    return pd.DataFrame(
        {
            "signal": rows["signal"].to_numpy(),
            "over": rows["way"].to_numpy(),
            "r, decides": tables.shown(rows),
            "r, cells as they are": given,
        }
    )


def regressed(related: pd.DataFrame, signal: str) -> pd.DataFrame:
    """Every metric against a signal over all cells, the strongest first: metric, estimate, low, high."""
    rows = tables.rows(related, signal=signal, way="all cells").sort_values("estimate")
    return rows.assign(kind=signal).reset_index(drop=True)
