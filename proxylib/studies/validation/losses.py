"""What training and validation losses say of runs that overfit, of runs that do not, and what asking costs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from proxylib.runs.store import Workspace
from proxylib.stats import Interval, mean_interval, proportion_interval
from proxylib.studies.validation import costs
from proxylib.studies.validation.settings import LossesSettings
from proxylib.studies.validation.turns import TOTAL, course, gains, rises, turns

#: what the settings call corpora: read often, read less often, read once, and wrong in what they work out
FEW, SOME, ONCE, SLIPS = "few", "some", "once", "slips"
SMOOTHED = (1, 5, 20)  # kept training losses, one in ten steps, in a moving mean
REPORTED = 5  # the one that counts: fifty steps


def build(step: Any, workspace: Workspace) -> None:
    """Builder of the run.

    Parameters
    ----------
    step : a declared `validation_losses` step; its parents are the runs, by corpus and seed, and watched runs of the lab
    workspace : receives `courses` (see `turns.course`), `turns`, `gains`, `summary` (intervals over seeds, by corpus), `noise`
        (share of steps at which a smoothed training loss rises, by run), `passes` (FLOPs of validation as a share, by run),
        `costs` (see costs.py) and `estimates`
    """
    settings: LossesSettings = step.settings
    runs = {(name, seed): step.parent(f"{name} {seed}") for name in settings.corpora for seed in settings.seeds}
    courses = pd.concat([course(run, *about) for about, run in runs.items()], ignore_index=True)
    turned, gained = turns(courses), gains(courses)
    watched = {f"{name} {seed}": run for (name, seed), run in runs.items()}
    watched |= {name: step.parent(name) for name in settings.trajectories}
    noise = pd.DataFrame([_noise(name, run.table("losses")) for name, run in watched.items()])
    passes = pd.DataFrame([_pass(name, seed, run) for (name, seed), run in runs.items()])
    arithmetic = costs.quantities()
    tables = {
        "courses": courses,
        "turns": turned,
        "gains": gained,
        "summary": summary(courses, turned, settings.bootstrap.level),
        "noise": noise,
        "passes": passes,
        "costs": arithmetic,
        "estimates": estimates(courses, turned, gained, noise, arithmetic, settings.bootstrap.level),
    }
    for name, table in tables.items():
        workspace.write_table(name, table)
    kept = [run.manifest["facts"] for run in runs.values()]
    workspace.note(seconds=[{"pass": one.get("validation_seconds"), "looks": one.get("looks")} for one in kept])


def _noise(name: str, losses: pd.DataFrame) -> dict[str, object]:
    """Of one run's training losses after warm-up: share of the steps of moving means that rise, by their length."""
    kept = losses.query("split == 'train' and phase == 'pretraining'")["nll"].to_numpy(float)
    kept = kept[len(kept) // 10 :]
    return {"run": name} | {f"over {over}": rises(kept, over) for over in SMOOTHED}


def _pass(name: str, seed: int, run: Any) -> dict[str, object]:
    """FLOPs of all passes as a share of all FLOPs of training: forward alone, against forward and backward."""
    tokens = run.table("domains")["tokens"]
    validated = run.manifest["facts"]["validation_tokens"] * tokens.nunique()
    spent = costs.FORWARD / costs.TRAINING * validated
    return {"corpus": name, "seed": seed, "passes": tokens.nunique(), "share": spent / (spent + tokens.max())}


def summary(courses: pd.DataFrame, turned: pd.DataFrame, level: float) -> pd.DataFrame:
    """Means over seeds by corpus and series: what, corpus, series, estimate, low, high, n."""
    rows = []
    for (corpus, series), part in turned.groupby(["corpus", "series"], sort=False):
        spoken = {name: proportion_interval(int(part[name].notna().sum()), len(part), level) for name in ("alarm", "naive")}
        early = int((part["naive_late"] < 0).sum())
        means = {
            "rise": mean_interval(part["rise"], level),
            "lost": mean_interval(part["accuracy_end"] - part["accuracy_lowest"], level),
            "kept": mean_interval(part["accuracy_alarm"] - part["accuracy_lowest"], level),
            "late": _mean(part["alarm_late"].dropna(), level),
            "naive late": _mean(part["naive_late"].dropna(), level),
            "naive early": proportion_interval(early, len(part), level),
            "accuracy": mean_interval(part["accuracy_end"], level),
        }
        rows += [(what, corpus, series, *ends, len(part)) for what, ends in (spoken | means).items()]
    return pd.DataFrame(rows, columns=["what", "corpus", "series", "estimate", "low", "high", "n"])


def _mean(values: pd.Series, level: float) -> Interval:
    return mean_interval(values, level) if len(values) else Interval(np.nan, np.nan, np.nan)


def estimates(
    courses: pd.DataFrame,
    turned: pd.DataFrame,
    gained: pd.DataFrame,
    noise: pd.DataFrame,
    arithmetic: pd.DataFrame,
    level: float,
) -> pd.DataFrame:
    """Rows of the scoreboard; intervals over seeds, but for the arithmetic, whose ends are those of its inputs."""
    few = turned[(turned["corpus"] == FEW) & (turned["series"] == TOTAL)]
    at_end = courses.groupby(["corpus", "seed"])["accuracy"].last().unstack("corpus")
    style = gained.pivot(index="seed", columns="corpus")
    gained_since = few["accuracy_end"] - few["accuracy_lowest"]
    falls = turned[(turned["corpus"] == ONCE) & (turned["series"] == TOTAL)]
    rows = [
        _over_seeds("stack-loss-falls", noise[f"over {REPORTED}"], level, "runs"),
        _over_seeds("stack-overfitting", gained_since.to_numpy() - _once_since(courses, few), level),
        _over_seeds("accuracy since the minimum", gained_since, level),
        _over_seeds("few minus once at the end", at_end[FEW] - at_end[ONCE], level),
        _over_seeds("stack-style-overfitting", style["accuracy", SLIPS] - style["accuracy", ONCE], level),
        _over_seeds("style of slips", style["style", SLIPS], level),
        _over_seeds("accuracy of slips", style["accuracy", SLIPS], level),
        _stated("stack-validation-cost", arithmetic, "share, as often as the article has it"),
        _stated("stack-validation-minutes", arithmetic, "a pass on all GPUs"),
        _stated("stack-validation-pause", arithmetic, "a pass on all GPUs, priced"),
    ]
    false = proportion_interval(int(falls["alarm"].notna().sum()), len(falls), level)
    rows.append({"claim": "false alarms", **_ends(false), "level": level, "n": len(falls), "n_unit": "seeds"})
    return pd.DataFrame(rows)


def _once_since(courses: pd.DataFrame, few: pd.DataFrame) -> np.ndarray:
    """Accuracy that runs on endless documents gain from the steps at which validation of few documents is lowest."""
    once = courses[courses["corpus"] == ONCE].pivot(index="seed", columns="step", values="accuracy")
    steps = zip(few["seed"], few["lowest"], strict=True)
    return np.array([once.loc[seed].iloc[-1] - once.loc[seed, step] for seed, step in steps])


def _ends(interval: Iterable[float]) -> dict[str, float]:
    return dict(zip(("estimate", "low", "high"), interval, strict=True))


def _over_seeds(claim: str, values: pd.Series, level: float, unit: str = "seeds") -> dict[str, object]:
    return {"claim": claim, **_ends(mean_interval(values, level)), "level": level, "n": len(values), "n_unit": unit}


def _stated(claim: str, arithmetic: pd.DataFrame, quantity: str) -> dict[str, object]:
    """Middle and ends over the ranges of the inputs: no sample, so no level."""
    row = arithmetic[arithmetic["quantity"] == quantity].iloc[0]
    ends = {"estimate": row["middle"], "low": row["low"], "high": row["high"]}
    return {"claim": claim, **ends, "level": np.nan, "n": 2, "n_unit": "ends of every input"}
