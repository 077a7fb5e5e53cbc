"""Choosing a pretraining corpus from small runs: decision accuracy of cheap signals, its ceiling, and what adds to it.

Fixed before any result was looked at
-------------------------------------
- Candidates: DataDecide's 25 corpora. Target: macro accuracy of the 1B models, mean over 3 seeds.
- Signals: macro accuracy (higher is better) and per-character NLL of the correct answer (lower is better), each the
  mean over 3 seeds at one of 14 sizes. 750M is off the compute trajectory: reported, but in no plot or combination.
- Measure: decision accuracy. Interval: percentile bootstrap that draws the 5 recipe groups whole; with 5 clusters it is
  too short, so the interval from drawing single corpora (too short in another way: variants of a recipe are no
  independent candidates) and the range with one group left out stand beside it.
- Accuracy at 1B against itself is 1 by construction and no finding.
- "Better" is a paired difference on the same draws: NLL minus accuracy at every size below 1B.
- Ceiling: the default seed at 1B against the 3-seed mean (which contains it) and against the mean of the other two.
- Noise: variance per seed from d = default seed - mean of the other two, Var d = 1.5 sigma^2; two 3-seed means differ
  with standard error sigma sqrt(2/3); a pair is "within noise" if they differ by at most 2 of these.
- Combinations: both signals at a size; all sizes up to a size, for each signal and both (means of z-scores over the
  candidates, which need no label); accuracy extrapolated log-linearly in compute over the last 4 sizes. Primary
  contrasts are the four of `PRIMARY` at 150M; all others are exploratory.
- Compute needed: the smallest size on the trajectory at which a signal reaches 0.80 and 0.85.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from proxylib.data.published import datadecide as runs
from proxylib.report import tables
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Interval
from proxylib.studies.data_selection.combinations import combinations
from proxylib.studies.data_selection.limits import ceiling, chance, misranked, noise, pairs, seeds
from proxylib.studies.data_selection.panel import (
    PRIMARY_SIZE,
    SIGNALS,
    TARGET_SIZE,
    THRESHOLDS,
    Candidates,
    ladder_of,
    score_matrix,
    scores,
    sizes_of,
)

# ---- analyses --------------------------------------------------------------------------------------------------------


def single_sizes(frame: pd.DataFrame, target: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Decision accuracy of each signal at each size.

    Parameters
    ----------
    frame : from `scores`
    target : columns corpus, group, accuracy (the target, mean over seeds)
    bootstrap : draws, level and seed

    Returns
    -------
    size, signal, compute_fraction, on_trajectory, by_construction (accuracy at the target size is the target),
    estimate, low, high (groups drawn whole), low_corpora, high_corpora, low_without_group, high_without_group

    Notes
    -----
    The target's own noise is not resampled: the interval speaks of other corpora, not of other seeds. See `noise`.
    """
    candidates, rows = Candidates(target, bootstrap), []
    for signal in SIGNALS:
        wide = score_matrix(frame, signal, target)
        for size in sizes_of(frame).itertuples(index=False):
            rows.append(
                {
                    "size": size.size,
                    "signal": signal,
                    "compute_fraction": size.compute_fraction,
                    "on_trajectory": size.on_trajectory,
                    "by_construction": signal == "accuracy" and size.size == TARGET_SIZE,
                    **candidates.all_intervals(candidates.accuracy(wide[size.size].to_numpy())),
                }
            )
    return pd.DataFrame(rows)


def paired(frame: pd.DataFrame, target: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Decision accuracy of NLL minus that of accuracy at each size below the target, on the same draws.

    Returns
    -------
    size, compute_fraction, on_trajectory, estimate, low, high and the sensitivity columns of `single_sizes`,
    excludes_zero

    Notes
    -----
    Sizes share corpora and target, so neighbouring differences are far from independent.
    """
    candidates, rows = Candidates(target, bootstrap), []
    accuracy, nll = (score_matrix(frame, signal, target) for signal in SIGNALS)
    sizes = sizes_of(frame)
    for size in sizes[sizes["compute_fraction"] < 1].itertuples(index=False):
        gain = candidates.gain(nll[size.size].to_numpy(), accuracy[size.size].to_numpy())
        intervals = candidates.all_intervals(gain)
        rows.append(
            {
                "size": size.size,
                "compute_fraction": size.compute_fraction,
                "on_trajectory": size.on_trajectory,
                **intervals,
                "excludes_zero": intervals["low"] > 0 or intervals["high"] < 0,
            }
        )
    return pd.DataFrame(rows)


def compute_needed(frame: pd.DataFrame, target: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Compute at which a signal first reaches a decision accuracy, and how much less that is than accuracy needs.

    Returns
    -------
    signal, threshold, size, compute_fraction (1 if no smaller size reaches it: then only the target itself will do),
    stays (no larger size falls below again), ratio (accuracy's compute over this signal's), low, high (of the ratio)

    Notes
    -----
    Sizes lie a factor of 1.2 to 9 apart in compute, so a ratio moves in steps and its interval is coarse; first
    crossings of a noisy curve come early.
    """
    candidates, rows = Candidates(target, bootstrap), []
    ladder = ladder_of(frame)
    fractions = np.append(ladder["compute_fraction"].to_numpy(), 1.0)
    curves = {}
    for signal in SIGNALS:
        wide = score_matrix(frame, signal, target)[ladder["size"]].to_numpy()
        curves[signal] = np.stack([candidates.accuracy(column)(candidates.groups.weights) for column in wide.T], axis=1)
    for threshold in THRESHOLDS:
        reached = {signal: curve >= threshold for signal, curve in curves.items()}  # [1 + draws, sizes]
        first = {signal: np.where(hit.any(1), hit.argmax(1), len(ladder)) for signal, hit in reached.items()}
        for signal in SIGNALS:
            place = first[signal][0]
            ratio = candidates.groups.drawn(fractions[first["accuracy"]] / fractions[first[signal]]).interval()
            rows.append(
                {
                    "signal": signal,
                    "threshold": threshold,
                    "size": [*ladder["size"], TARGET_SIZE][place],
                    "compute_fraction": fractions[place],
                    "stays": bool(reached[signal][0, place:].all()),
                    "ratio": ratio.estimate,
                    "low": ratio.low,
                    "high": ratio.high,
                }
            )
    return pd.DataFrame(rows)


def small_sizes(frame: pd.DataFrame, target: pd.DataFrame, bootstrap: Bootstrap) -> Interval:
    """Decision accuracy of NLL minus that of accuracy, mean over the sizes on the trajectory below `PRIMARY_SIZE`."""
    candidates, ladder = Candidates(target, bootstrap), ladder_of(frame)
    small = list(ladder["size"])[: list(ladder["size"]).index(PRIMARY_SIZE)]
    accuracy, nll = (score_matrix(frame, signal, target) for signal in SIGNALS)
    gains = [candidates.gain(nll[size].to_numpy(), accuracy[size].to_numpy()) for size in small]
    return candidates.interval(lambda weights: np.mean([gain(weights) for gain in gains], 0))


def estimates(single: pd.DataFrame, small: Interval, level: float, target: pd.DataFrame) -> pd.DataFrame:
    """What the scoreboard reads: claim, estimate, low, high, level, n, n_unit.

    Parameters
    ----------
    single : from `single_sizes`
    small : from `small_sizes`; one size of twelve is no claim
    level : coverage of the intervals
    target : columns corpus, group
    """
    unit = f"corpora in {target['group'].nunique()} recipe groups"
    primary = tables.interval(single, signal="accuracy", size=PRIMARY_SIZE)
    claims = {"datadecide-150m": primary, "ours-likelihood-small": small}
    table = pd.DataFrame([{"claim": claim} | interval._asdict() for claim, interval in claims.items()])
    return table.assign(level=level, n=len(target), n_unit=unit)


# ---- the run ---------------------------------------------------------------------------------------------------------


def build(step: Any, workspace: Workspace) -> None:
    """Builder of the run: every table and fact of the chapter, derived quantities only.

    Parameters
    ----------
    step : its settings are a `Bootstrap`
    workspace : where the tables go

    Raises
    ------
    UserError
        If the published set is not at hand.
    """
    bootstrap: Bootstrap = step.settings
    accuracy, nll = runs.accuracy(), runs.nll()
    by_task = runs.target()
    by_task["group"] = by_task["corpus"].map(runs.GROUP_OF)
    target = by_task[by_task["task"] == runs.MACRO].reset_index(drop=True)
    frame = scores(accuracy, nll, runs.OFF_TRAJECTORY)
    spread = noise(by_task, bootstrap)
    se = float(spread.loc[spread["task"] == runs.MACRO, "se_difference"].iloc[0])
    single, differences = single_sizes(frame, target, bootstrap), paired(frame, target, bootstrap)
    contrasts = combinations(frame, target, bootstrap)
    written = {
        "decision_accuracy": single,
        "paired": differences,
        "seeds": seeds(nll, frame, target, bootstrap),
        "ceiling": ceiling(by_task, bootstrap),
        "noise": spread,
        "misranked": misranked(frame, target, se, bootstrap),
        "combinations": contrasts,
        "compute_needed": compute_needed(frame, target, bootstrap),
        "pairs": pairs(frame, target, se),
        "estimates": estimates(single, small_sizes(frame, target, bootstrap), bootstrap.level, target),
    }
    for name, table in written.items():
        workspace.write_table(name, table)
    workspace.note(
        corpora=len(target),
        groups=int(target["group"].nunique()),
        pairs=len(target) * (len(target) - 1) // 2,
        seeds=runs.SEEDS,
        sizes=len(runs.SIZES),
        level=bootstrap.level,
        draws=bootstrap.draws,
        primary=chance(contrasts[contrasts["primary"]], bootstrap.level),
        exploratory=chance(contrasts[~contrasts["primary"]], bootstrap.level),
        differences=chance(differences[differences["on_trajectory"]], bootstrap.level),
    )
