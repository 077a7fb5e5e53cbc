"""Which metric follows people's scores of facts, which is chosen for the cells, and what the judge is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Drawn, Resampling
from proxylib.studies.real_notes.candidates import BASELINES, BREVITY, CANDIDATES, DEFAULT, FORMS, PACKAGE
from proxylib.studies.real_notes.settings import MetricSettings

#: people's score -> the sign under which more is better
PEOPLE = {"f1": 1, "invented": -1, "omitted": -1}
WITHIN, ALL = "within dialogues", "all notes"
JUDGE = "good"  # the form that the claim is about


def build(step, workspace: Workspace) -> None:
    """Hold every metric against people's scores.

    Parameters
    ----------
    step : a declared `note_metrics` step; its parent is `note_judge`
    workspace : receives the tables correlations (see `correlations`), choice (metric, estimate, low, high, slope, slope_low,
        slope_high), areas (see `areas`), systems (see `systems`) and estimates; no score of a single note
    """
    from proxylib.studies.real_notes import pairs

    settings: MetricSettings = step.settings
    people, metrics = pairs.scored(settings.data), step.parent("judged").table("metrics")
    notes = pd.concat([metrics.reset_index(drop=True), people[list(PEOPLE)].reset_index(drop=True)], axis=1)
    table, crossed = correlations(notes, settings.bootstrap), choice_elsewhere(notes, settings.bootstrap).interval()
    name = chosen(table)
    workspace.write_table("correlations", table)
    workspace.write_table(
        "choice",
        pd.DataFrame(
            [
                {
                    "metric": name,
                    "estimate": crossed.estimate,
                    "low": crossed.low,
                    "high": crossed.high,
                    **slope(notes, name, settings.bootstrap.level),
                }
            ]
        ),
    )
    workspace.write_table("areas", areas(notes, settings.bootstrap))
    workspace.write_table("systems", systems(notes))
    workspace.write_table("estimates", estimates(notes, settings.bootstrap))
    workspace.note(
        chosen=name,
        follows=bool(len(_followers(table))),
        notes=len(notes),
        dialogues=int(notes["item"].nunique()),
        systems=int(notes["system"].nunique()),
        level=settings.bootstrap.level,
    )


def correlations(notes: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Every metric against every score of people's, within dialogues (Pearson) and over all notes (Spearman).

    Returns
    -------
    metric, score, way, estimate, low, high (over dialogues; more is better on both sides); p and p_holm of the candidates
    within dialogues: a regression clustered by dialogue, corrected over all of them

    Notes
    -----
    Over all notes a correlation is also of dialogues that are hard for everybody; where the same dialogues are written about
    twice, only what is within them counts.
    """
    from statsmodels.stats.multitest import multipletests

    dialogues = _over(notes, bootstrap)
    rows = []
    for metric in (*CANDIDATES, BREVITY, PACKAGE):
        for score, sign in PEOPLE.items():
            values, people = notes[metric].to_numpy(float), sign * notes[score].to_numpy(float)
            a, b = (_within(side, notes["item"]) for side in (values, people))
            p = clustered_p(a, b, notes["item"]) if metric in CANDIDATES else np.nan
            rows.append(
                (metric, score, WITHIN, *dialogues.drawn(pearson(a, b, dialogues.weights)).interval("reflected", "nan"), p)
            )
            ranks = dialogues.drawn(stats.spearman_draws(values, people, dialogues.weights, undefined=0.0))
            rows.append((metric, score, ALL, *ranks.interval("reflected", "nan"), np.nan))
    table = pd.DataFrame(rows, columns=["metric", "score", "way", "estimate", "low", "high", "p"])
    table["p_holm"] = np.nan
    for _, part in table[table["p"].notna()].groupby("score"):
        table.loc[part.index, "p_holm"] = multipletests(part["p"], method="holm")[1]
    return table


def _over(notes: pd.DataFrame, bootstrap: Bootstrap) -> Resampling:
    return bootstrap.over(pd.factorize(notes["item"])[0])


def _within(values: np.ndarray, items: pd.Series) -> np.ndarray:
    """Values with their dialogue's mean taken off."""
    series = pd.Series(values)
    return (series - series.groupby(items.to_numpy()).transform("mean")).to_numpy()


def pearson(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[draws] correlation once per row of multiplicities; 0 where a side is constant and so tells nothing."""
    total = np.maximum(weights.sum(1), 1)
    mean = lambda values: weights @ values / total
    a, b = (mean(values) for values in (x, y))
    covariance = mean(x * y) - a * b
    scale = np.sqrt(np.clip(mean(x * x) - a * a, 0, None) * np.clip(mean(y * y) - b * b, 0, None))
    usable = scale > 1e-12
    return np.where(usable, covariance / np.where(usable, scale, 1.0), 0.0)


def clustered_p(x: np.ndarray, y: np.ndarray, items: pd.Series) -> float:
    """Two-sided p of a slope, errors clustered by dialogue; 1 where x is constant."""
    return 1.0 if np.ptp(x) < 1e-12 else float(_regression(x, y, items).pvalues[0])


def _regression(x: np.ndarray, y: np.ndarray, items: pd.Series):
    import statsmodels.api as sm

    return sm.OLS(y, x[:, None]).fit(cov_type="cluster", cov_kwds={"groups": pd.factorize(items)[0]}, use_t=True)


def chosen(table: pd.DataFrame, level: float = 0.95) -> str:
    """The candidate that follows F1 closest within dialogues, of those that do beyond chance; `DEFAULT` if none does."""
    rows = _followers(table, level)
    return DEFAULT if rows.empty else str(rows.loc[rows["estimate"].idxmax(), "metric"])


def _followers(table: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    rows = table[(table["score"] == "f1") & (table["way"] == WITHIN) & table["metric"].isin(CANDIDATES)]
    return rows[(rows["estimate"] > 0) & (rows["p_holm"] < 1 - level)]


def choice_elsewhere(notes: pd.DataFrame, bootstrap: Bootstrap) -> Drawn:
    """What the metric that follows F1 closest in half of the dialogues correlates in the other half, mean of both ways."""
    dialogues = _over(notes, bootstrap)
    half = pd.factorize(notes["item"])[0] % 2
    people = _within(notes["f1"].to_numpy(float), notes["item"])
    sides = [
        np.column_stack(
            [
                pearson(_within(notes[metric].to_numpy(float), notes["item"]), people, dialogues.weights * (half == side))
                for metric in CANDIDATES
            ]
        )
        for side in (0, 1)
    ]
    draws = np.arange(len(sides[0]))
    return dialogues.drawn(sum(there[draws, here.argmax(1)] for here, there in (sides, sides[::-1])) / 2)


def slope(notes: pd.DataFrame, metric: str, level: float) -> dict[str, float]:
    """F1 that goes with a unit of the metric, within dialogues: slope, slope_low, slope_high."""
    values, people = (_within(notes[name].to_numpy(float), notes["item"]) for name in (metric, "f1"))
    if np.ptp(values) < 1e-12:
        return {"slope": 0.0, "slope_low": np.nan, "slope_high": np.nan}
    line = _regression(values, people, notes["item"])
    low, high = line.conf_int(1 - level)[0]
    return {"slope": float(line.params[0]), "slope_low": float(low), "slope_high": float(high)}


def areas(notes: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """How well forms and baselines tell notes in which people see nothing made up from others.

    Returns
    -------
    metric, estimate, low, high: the area under the curve, chance 0.5; over dialogues
    """
    dialogues, clean = _over(notes, bootstrap), notes["invented"].to_numpy(float) <= 0
    rows = [
        (name, *dialogues.drawn(area(notes[name].to_numpy(float), clean, dialogues.weights)).interval(undefined="nan"))
        for name in dict.fromkeys((*FORMS, PACKAGE, *BASELINES))
    ]
    return pd.DataFrame(rows, columns=["metric", "estimate", "low", "high"])


def area(values: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[draws] chance that a positive unit has the higher value, ties half; nan where a draw has one kind alone."""
    over = (values[positive][:, None] > values[~positive]) + 0.5 * (values[positive][:, None] == values[~positive])
    yes, no = weights[:, positive], weights[:, ~positive]
    pairs = yes.sum(1) * no.sum(1)
    return np.where(pairs > 0, ((yes @ over) * no).sum(1) / np.where(pairs > 0, pairs, 1), np.nan)


def systems(notes: pd.DataFrame) -> pd.DataFrame:
    """Mean of every metric and of F1 by system: what four points look like."""
    return notes.groupby("system")[[*CANDIDATES, BREVITY, PACKAGE, *PEOPLE]].mean().reset_index()


def estimates(notes: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """The rows that claims read: claim, estimate, low, high, level, n, n_unit."""
    dialogues, people = _over(notes, bootstrap), notes["f1"].to_numpy(float)
    people_within = _within(people, notes["item"])
    rank = lambda name: dialogues.drawn(
        stats.spearman_draws(notes[name].to_numpy(float), people, dialogues.weights, undefined=0.0)
    )
    own = lambda name: dialogues.drawn(
        pearson(_within(notes[name].to_numpy(float), notes["item"]), people_within, dialogues.weights)
    )
    rows: Sequence[tuple] = (
        ("real-notes-metric", *choice_elsewhere(notes, bootstrap).interval()),
        ("real-judge", *rank(JUDGE).minus(rank(BREVITY)).interval()),
        (f"real-judge, {WITHIN}", *own(JUDGE).minus(own(BREVITY)).interval()),
    )
    table = pd.DataFrame(rows, columns=["claim", "estimate", "low", "high"])
    return table.assign(level=bootstrap.level, n=notes["item"].nunique(), n_unit="dialogues")
