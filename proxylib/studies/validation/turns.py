"""Where validation turned, found while the run went on, and what the model could do by then."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.alarms import overfit
from proxylib.studies.validation.settings import EXPERT, OWN

TOTAL = "total"  # held-out loss of the mix
SOURCE_OF = {"wrong": "expert", "other-wrong": "other"}  # slips are validated on the same style without slips
POINTS = 100
STYLES = ("expert", "other")
LATER = 0.25  # share of the steps after which a style counts as known in outline


def course(run, corpus: str, seed: int) -> pd.DataFrame:
    """One run, checkpoint by checkpoint.

    Parameters
    ----------
    run : a finished `overfit_run`
    corpus, seed : what it is of

    Returns
    -------
    corpus, seed, step, tokens; nll of every domain, of `own text`, of the mix (`TOTAL`, held-out domains by their shares of the
    characters) and of the styles (`style`, the mean of both); accuracy (mean over tasks, percent)
    """
    wide = run.table("domains").pivot(index=["step", "tokens"], columns="domain", values="nll")
    shares = run.config["corpus"]["shares"]
    wide[TOTAL] = sum(share * wide[SOURCE_OF.get(source, source)] for source, share in shares.items())
    wide["style"] = wide[list(STYLES)].mean(axis=1)
    by_task = run.table("outcomes").groupby(["step", "task"])["correct"].mean()
    accuracy = POINTS * by_task.groupby("step").mean()
    wide["accuracy"] = accuracy.reindex(wide.index.get_level_values("step")).to_numpy()
    wide.columns.name = None
    return wide.reset_index().assign(corpus=corpus, seed=seed)


def turn(rows: pd.DataFrame, series: str) -> dict[str, object]:
    """Where one run's validation loss turned, by hindsight, by the alarm and by the rule of thumb.

    Parameters
    ----------
    rows : one run, as from `course`
    series : which held-out loss

    Returns
    -------
    lowest (step of the minimum), rise (nats from there to the end), alarm and naive (steps at which either speaks, nan where
    it does not), alarm_late and naive_late (checkpoints from the minimum to there), accuracy_lowest, accuracy_alarm (at the end
    where there is none) and accuracy_end
    """
    steps, values = rows["step"].to_numpy(float), rows[series].to_numpy(float)
    own = rows.rename(columns={"step": "at", OWN: "value"})[["at", "value"]]
    losses = pd.DataFrame({"task": series, "at": steps, "value": values})
    alarms = overfit.overfit(losses, own)
    spoken = {
        "alarm": int(np.searchsorted(steps, alarms["at"].iloc[0])) if len(alarms) else None,
        "naive": overfit.naive(values),
    }
    lowest, accuracy = int(values.argmin()), rows["accuracy"].to_numpy(float)
    places = {name: np.nan if place is None else steps[place] for name, place in spoken.items()}
    late = {f"{name}_late": np.nan if place is None else place - lowest for name, place in spoken.items()}
    at_alarm = accuracy[-1] if spoken["alarm"] is None else accuracy[spoken["alarm"]]
    told = {"accuracy_lowest": accuracy[lowest], "accuracy_alarm": at_alarm, "accuracy_end": accuracy[-1]}
    return {"lowest": steps[lowest], "rise": values[-1] - values[lowest]} | places | late | told


def turns(courses: pd.DataFrame) -> pd.DataFrame:
    """`turn` of every run, on the loss of the mix and on the expert's style alone."""
    rows = [
        {"corpus": corpus, "seed": seed, "series": series} | turn(part, series)
        for (corpus, seed), part in courses.groupby(["corpus", "seed"], sort=False)
        for series in (TOTAL, EXPERT)
    ]
    return pd.DataFrame(rows)


def gains(courses: pd.DataFrame) -> pd.DataFrame:
    """By run: what style and accuracy change by from `LATER` of the steps to the end; corpus, seed, style (nats), accuracy."""
    rows = []
    for (corpus, seed), part in courses.groupby(["corpus", "seed"], sort=False):
        first, last = part[part["step"] >= LATER * part["step"].max()].iloc[0], part.iloc[-1]
        rows.append((corpus, seed, last["style"] - first["style"], last["accuracy"] - first["accuracy"]))
    return pd.DataFrame(rows, columns=["corpus", "seed", "style", "accuracy"])


def rises(values: np.ndarray, over: int) -> float:
    """Share of the steps of a moving mean over so many values that go up."""
    if len(values) <= over:
        return np.nan
    means = np.convolve(np.asarray(values, float), np.full(over, 1 / over), "valid")
    return float((np.diff(means) > 0).mean())
