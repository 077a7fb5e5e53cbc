"""Runs of the lab by domain: what an aggregate hides, and what a changed mixture does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from proxylib.runs.store import Workspace
from proxylib.stats import mean_interval, proportion_interval
from proxylib.studies.validation.hidden import looked_at
from proxylib.studies.validation.settings import ARMS, LEFT_ALONE, REDRAWN, TO_OTHER, TO_STALLED, DomainsSettings

MEAN = "mean"  # over the sources of the mix, each counted once
PAID = "others"  # mean over the sources that have not gained


def build(step: Any, workspace: Workspace) -> None:
    """Builder of the run.

    Parameters
    ----------
    step : a declared `domain_losses` step; its parents are the runs, by arm and seed, and watched runs of the lab
    workspace : receives `hidden` (see `hidden.looked_at`, by watched run), `courses` (loss by arm, seed, step and domain),
        `decided` (what was done when, by seed), `changes` (losses at the end against the run whose mix was drawn anew, by
        seed), `summary` (means over seeds) and `estimates`
    """
    settings: DomainsSettings = step.settings
    bootstrap = settings.bootstrap
    seen = [looked_at(name, losses_of(step.parent(name)), bootstrap.seed) for name in settings.trajectories]
    runs = {(arm, seed): step.parent(f"{arm} {seed}") for arm in ARMS for seed in settings.seeds}
    courses = pd.concat(
        [run.table("domains").assign(arm=arm, seed=seed) for (arm, seed), run in runs.items()], ignore_index=True
    )
    decided = pd.concat(
        [runs[arm, seed].table("change").assign(arm=arm, seed=seed) for arm in ARMS[1:] for seed in settings.seeds],
        ignore_index=True,
    )
    shares = runs[LEFT_ALONE, settings.seeds[0]].config["corpus"]["shares"]
    ends = {about: at_end(run, list(shares)) for about, run in runs.items()}
    changed = changes(ends, decided, settings.seeds)
    table = pd.DataFrame(seen)
    tables = {
        "hidden": table,
        "courses": courses[["arm", "seed", "step", "tokens", "domain", "nll"]],
        "decided": decided,
        "changes": changed,
        "summary": summary(changed, bootstrap.level),
        "estimates": estimates(table, changed, decided, len(settings.seeds), bootstrap.level),
    }
    for name, one in tables.items():
        workspace.write_table(name, one)


def losses_of(run: Any) -> pd.DataFrame:
    """A row a checkpoint of a watched run, a column a domain."""
    wide = run.table("domains").pivot(index="step", columns="domain", values="nll")
    return wide[wide.index > 0]


def at_end(run: Any, sources: list[str]) -> pd.Series:
    """Losses after the last step on every source of the mix, their mean, and the accuracy (percent)."""
    last = losses_of(run).iloc[-1]
    told = last[sources]
    told[MEAN] = told.mean()
    told["accuracy"] = 100 * run.table("outcomes").groupby("task")["correct"].mean().mean()
    return told


def changes(ends: dict[tuple[str, int], pd.Series], decided: pd.DataFrame, seeds: tuple[int, ...]) -> pd.DataFrame:
    """What a change did, by seed: arm, seed, domain, nll (or points) at the end minus that of the run drawn anew, gained.

    Parameters
    ----------
    ends : arm and seed -> as from `at_end`
    decided : arm, seed, stalled, towards; a seed without a row had no alarm, and its differences are none
    """
    rows = []
    for seed in seeds:
        one = decided[(decided["seed"] == seed)].set_index("arm")
        for arm in (LEFT_ALONE, TO_STALLED, TO_OTHER):
            gained = one["towards"].get(arm, "") if len(one) else ""
            differences = ends[arm, seed] - ends[REDRAWN, seed]
            paid = [name for name in differences.index if name not in (MEAN, "accuracy", gained)]
            stalled = one["stalled"].iloc[0] if len(one) else ""
            named = {name: value for name, value in differences.items()} | {PAID: differences[paid].mean()}
            named |= {"stalled": differences[stalled] if stalled else 0.0}
            rows += [(arm, seed, name, value, name == gained) for name, value in named.items()]
    return pd.DataFrame(rows, columns=["arm", "seed", "domain", "difference", "gained"])


def summary(changed: pd.DataFrame, level: float) -> pd.DataFrame:
    """Means over seeds: arm, domain, estimate, low, high, n."""
    rows = [
        (*about, *mean_interval(part["difference"], level), len(part))
        for about, part in changed.groupby(["arm", "domain"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["arm", "domain", "estimate", "low", "high", "n"])


def estimates(seen: pd.DataFrame, changed: pd.DataFrame, decided: pd.DataFrame, seeds: int, level: float) -> pd.DataFrame:
    """Rows of the scoreboard; intervals over runs or seeds."""
    wide = changed.pivot(index="seed", columns=["arm", "domain"], values="difference")
    both = (wide[TO_STALLED, PAID] + wide[TO_OTHER, PAID]) / 2
    rows = [
        _mean("stack-aggregate-hides", seen["share"] - seen["null"], level, "runs"),
        _mean("share as seen", seen["share"], level, "runs"),
        _mean("stack-cannibalisation", both, level, "seeds"),
        _mean("stack-domains-steer", wide[TO_STALLED, MEAN] - wide[TO_OTHER, MEAN], level, "seeds"),
        _mean("stack-plateau", wide[TO_STALLED, "stalled"], level, "seeds"),
        _mean("steered against drawn anew, mean", wide[TO_STALLED, MEAN], level, "seeds"),
        _mean("steered against drawn anew, accuracy", wide[TO_STALLED, "accuracy"], level, "seeds"),
    ]
    counted = {
        "plateaus": (decided[decided["arm"] == TO_STALLED]["seed"].nunique(), seeds, "seeds"),
        "paying": (int((seen["paying"] != "").sum()), len(seen), "runs"),
    }
    for claim, (number, of, unit) in counted.items():
        ends = proportion_interval(number, of, level)._asdict()
        rows.append({"claim": claim, **ends, "level": level, "n": of, "n_unit": unit})
    return pd.DataFrame(rows)


def _mean(claim: str, values: pd.Series, level: float, unit: str) -> dict[str, object]:
    ends = mean_interval(np.asarray(values, float), level)._asdict()
    return {"claim": claim, **ends, "level": level, "n": len(values), "n_unit": unit}
