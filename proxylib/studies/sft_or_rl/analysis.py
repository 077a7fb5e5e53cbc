"""Curves of every arm, the cost of a threshold, where arms end, and who games the imperfect judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.runs.store import Workspace
from proxylib.stats import Interval
from proxylib.studies.sft_or_rl.judges import IMPERFECT, PASSED, RUBRIC
from proxylib.studies.sft_or_rl.settings import AnalysisSettings, Arm

EXPERT, ITERATED, GRPO = "expert notes", "iterated SFT", "GRPO"
GAMING = "gaming"  # what the imperfect judge says beyond the rubric
SCORES = (PASSED, RUBRIC, IMPERFECT, GAMING, "words", "false")
COSTS = ("samples", "flops")
LAST = 3  # points of a curve whose mean is where an arm ends


def build(step, workspace: Workspace) -> None:
    """Compare all arms.

    Parameters
    ----------
    step : a declared `sft_or_rl` or `sft_or_rl_longer` step; its parents are all taught policies, as "ARM SEED"
    workspace : receives the tables points (by run), curves, gains, rising, crossings (by run), ratios, differences (by run),
        contrasts and estimates
    """
    settings: AnalysisSettings = step.settings
    level, arms = settings.bootstrap.level, settings.arms
    points = pd.concat(
        [run_points(step.parent(f"{arm.name} {seed}"), arm, seed) for arm in arms for seed in settings.seeds], ignore_index=True
    )
    crossed = crossings(points, settings.gains)
    apart = differences(points, pairs(arms))
    ratio, contrast = ratios(crossed, arms, level), contrasts(apart, level)
    workspace.write_table("points", points)
    workspace.write_table("curves", curves(points, level))
    workspace.write_table("gains", gained(points, level))
    workspace.write_table("rising", rising(points, level))
    workspace.write_table("crossings", crossed)
    workspace.write_table("ratios", ratio)
    workspace.write_table("differences", apart)
    workspace.write_table("contrasts", contrast)
    workspace.write_table("estimates", estimates(ratio, contrast, settings))
    tests = step.parent(f"{arms[0].name} {settings.seeds[0]}").table("outcomes")["id"].nunique()
    parameters = step.parent(f"{arms[0].name} {settings.seeds[0]}").facts["parameters"]
    workspace.note(starts=len(settings.seeds), level=level, tests=int(tests), parameters=int(parameters))


def run_points(run, arm: Arm, seed: int) -> pd.DataFrame:
    """A row per point of one run's curve: what it had cost, and mean scores of its notes in percent."""
    outcomes = run.table("outcomes")
    outcomes[GAMING] = outcomes[IMPERFECT] - outcomes[RUBRIC]
    means = outcomes.groupby("round")[list(SCORES)].mean()
    means[[PASSED, RUBRIC, IMPERFECT, GAMING]] *= 100
    about = {"arm": arm.name, "method": arm.method, "judge": arm.judge or "", "beta": arm.beta, "seed": seed}
    return run.table("points").merge(means, left_on="round", right_index=True).assign(**about)


def curves(points: pd.DataFrame, level: float) -> pd.DataFrame:
    """Mean scores over beginnings at every point: arm, round, score, dialogues, samples, flops, estimate, low, high."""
    rows = []
    for (arm, number), part in points.groupby(["arm", "round"], sort=False):
        cost = part[["dialogues", "samples", "flops"]].mean()
        rows += [(arm, number, score, *cost, *stats.mean_interval(part[score], level)) for score in (*SCORES, "divergence")]
    return pd.DataFrame(rows, columns=["arm", "round", "score", "dialogues", *COSTS, "estimate", "low", "high"])


def ends(run: pd.DataFrame, column: str) -> float:
    """Where a run ends: the mean of its last points."""
    return float(run[column].tail(LAST).mean())


def gained(points: pd.DataFrame, level: float) -> pd.DataFrame:
    """Change from the beginning to the end of every arm, over beginnings: arm, score, estimate, low, high."""
    rows = []
    for arm, part in points.groupby("arm", sort=False):
        runs = [run for _, run in part.groupby("seed", sort=False)]
        for score in SCORES:
            changes = [ends(run, score) - run[score].iloc[0] for run in runs]
            rows.append((arm, score, *stats.mean_interval(changes, level)))
    return pd.DataFrame(rows, columns=["arm", "score", "estimate", "low", "high"])


def rising(points: pd.DataFrame, level: float) -> pd.DataFrame:
    """Change over the second half of a run's rounds, over beginnings: arm, score, estimate, low, high.

    Notes
    -----
    Where it is above zero an arm had not ended when its budget did, and where it ends says nothing of where it would. From the
    last look alone, as the `LAST` ones, spaced in log rounds, begin before the second half does; so it is noisier than ends.
    """
    rows = []
    for arm, part in points.groupby("arm", sort=False):
        runs = [run for _, run in part.groupby("seed", sort=False)]
        for score in SCORES:
            changes = [run[score].iloc[-1] - np.interp(run["round"].iloc[-1] / 2, run["round"], run[score]) for run in runs]
            rows.append((arm, score, *stats.mean_interval(changes, level)))
    return pd.DataFrame(rows, columns=["arm", "score", "estimate", "low", "high"])


def crossings(points: pd.DataFrame, gains: Sequence[float]) -> pd.DataFrame:
    """What a run had cost when the pass rate of its notes first stood so many points above the beginning.

    Returns
    -------
    columns arm, seed, gain, cost (of `COSTS`), at (between two points of the curve on a straight line; nan where it is never
    reached), budget (what the whole run cost)
    """
    rows = []
    for (arm, seed), run in points.groupby(["arm", "seed"], sort=False):
        for gain in gains:
            for cost in COSTS:
                rows.append((arm, seed, gain, cost, first_above(run, cost, gain), run[cost].iloc[-1]))
    return pd.DataFrame(rows, columns=["arm", "seed", "gain", "cost", "at", "budget"])


def first_above(run: pd.DataFrame, cost: str, gain: float) -> float:
    """Cost at which the pass rate first reaches its beginning plus a gain; nan where it never does."""
    score, paid = run[PASSED].to_numpy(), run[cost].to_numpy(float)
    above = np.flatnonzero(score >= score[0] + gain)
    if not len(above):
        return np.nan
    place = above[0]
    share = (score[0] + gain - score[place - 1]) / (score[place] - score[place - 1])
    return float(paid[place - 1] + share * (paid[place] - paid[place - 1]))


def ratios(crossed: pd.DataFrame, arms: Sequence[Arm], level: float) -> pd.DataFrame:
    """Cost of a threshold under GRPO over that under iterated SFT, by judge: geometric mean over beginnings.

    Returns
    -------
    columns judge, gain, cost, estimate, low, high, n (beginnings of which either method reaches it), reached and rival (how
    often GRPO and iterated SFT do)

    Notes
    -----
    A run that does not reach the threshold counts as if it did with its whole budget, so that a ratio is drawn to one side no
    further than it was seen; beginnings that no method lifts so far say nothing.
    """
    rows = []
    for judge in dict.fromkeys(arm.judge for arm in arms if arm.judge):
        for (gain, cost), part in crossed.groupby(["gain", "cost"], sort=False):
            one, other = (part[part["arm"] == f"{method}, {judge}"].set_index("seed") for method in (GRPO, ITERATED))
            either = one["at"].notna() | other["at"].notna()
            paid = [table["at"].fillna(table["budget"])[either] for table in (one, other)]
            logs = np.log2(paid[0] / paid[1])
            interval = stats.mean_interval(logs, level) if len(logs) else Interval(np.nan, np.nan, np.nan)
            reached = (int(table["at"].notna().sum()) for table in (one, other))
            rows.append((judge, gain, cost, *(2.0**value for value in interval), len(logs), *reached))
    return pd.DataFrame(rows, columns=["judge", "gain", "cost", "estimate", "low", "high", "n", "reached", "rival"])


def pairs(arms: Sequence[Arm]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Arms that are compared, declared beforehand: arm, rival, at equal what."""
    names = [arm.name for arm in arms]
    chosen = [(f"{GRPO}, {judge}", f"{ITERATED}, {judge}", (*COSTS, "end")) for judge in (RUBRIC, IMPERFECT)]
    chosen += [(arm.name, f"{GRPO}, {arm.judge}", ("samples", "end")) for arm in arms if arm.beta]
    chosen += [(arm.name, EXPERT, ("dialogues",)) for arm in arms if arm.judge]
    return [(arm, rival, equal) for arm, rival, equal in chosen if arm in names and rival in names]


def differences(points: pd.DataFrame, compared: Sequence[tuple[str, str, tuple[str, ...]]]) -> pd.DataFrame:
    """Arm minus rival of the same beginning: arm, rival, equal, score, seed, difference.

    Notes
    -----
    At an equal cost: the largest that both have paid, curves read on straight lines between their points. At the end: means of
    the last points of either, whatever they cost.
    """
    rows = []
    for arm, rival, equals in compared:
        for seed in points["seed"].unique():
            one, other = (points[(points["arm"] == name) & (points["seed"] == seed)] for name in (arm, rival))
            for equal in equals:
                for score in (*SCORES, "divergence"):
                    rows.append((arm, rival, equal, score, seed, _value(one, other, equal, score)))
    return pd.DataFrame(rows, columns=["arm", "rival", "equal", "score", "seed", "difference"])


def _value(one: pd.DataFrame, other: pd.DataFrame, equal: str, score: str) -> float:
    if equal == "end":
        return ends(one, score) - ends(other, score)
    paid = min(one[equal].iloc[-1], other[equal].iloc[-1])
    here, there = (float(np.interp(paid, run[equal], run[score])) for run in (one, other))
    return here - there


def contrasts(apart: pd.DataFrame, level: float) -> pd.DataFrame:
    """Paired differences over beginnings: arm, rival, equal, score, estimate, low, high, n."""
    keys = ["arm", "rival", "equal", "score"]
    rows = [
        (*names, *stats.mean_interval(part["difference"], level), len(part)) for names, part in apart.groupby(keys, sort=False)
    ]
    return pd.DataFrame(rows, columns=[*keys, "estimate", "low", "high", "n"])


def estimates(ratio: pd.DataFrame, contrast: pd.DataFrame, settings: AnalysisSettings) -> pd.DataFrame:
    """The rows that claims read: claim, estimate, low, high, level, n, n_unit."""
    level = settings.bootstrap.level
    rows = list(_claimed(ratio, contrast, settings))
    table = pd.DataFrame(rows, columns=["claim", "estimate", "low", "high", "n"])
    return table.assign(level=level, n_unit="fine-tunes")


def _claimed(ratio: pd.DataFrame, contrast: pd.DataFrame, settings: AnalysisSettings) -> Iterator[tuple]:
    columns = ["estimate", "low", "high", "n"]
    first = (ratio["judge"] == RUBRIC) & (ratio["gain"] == settings.gains[0]) & (ratio["cost"] == "flops")
    yield ("loss-sft-against-rl", *ratio.loc[first, columns].iloc[0])
    bounds = [arm for arm in settings.arms if arm.beta and arm.judge == IMPERFECT]
    asked = {
        "ours-rl-samples": (f"{GRPO}, {RUBRIC}", "samples", PASSED),
        "ours-rl-end": (f"{GRPO}, {RUBRIC}", "end", PASSED),
        "ours-rl-games": (f"{GRPO}, {IMPERFECT}", "flops", GAMING),
        "ours-bound-games": (max(bounds, key=lambda arm: arm.beta).name if bounds else "", "end", GAMING),
    }
    for claim, (arm, equal, score) in asked.items():
        row = contrast[(contrast["arm"] == arm) & (contrast["equal"] == equal) & (contrast["score"] == score)]
        yield (claim, *row[columns].iloc[0]) if len(row) else (claim, np.nan, np.nan, np.nan, 0)
