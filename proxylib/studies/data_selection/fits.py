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

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from proxylib.data.published import datadecide as runs
from proxylib.ranking.decision import decision_accuracy
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.data_selection.limits import ceiling, chance, misranked, noise, pairs, seeds, z_scores
from proxylib.studies.data_selection.panel import (
    EXTRAPOLATED_SIZES,
    NAMES,
    PRIMARY,
    PRIMARY_SIZE,
    SIGNALS,
    SMALLEST_SIZE,
    TARGET_SIZE,
    THRESHOLDS,
    Resampling,
    ladder_of,
    score_matrix,
    scores,
    sizes_of,
)

# ---- analyses --------------------------------------------------------------------------------------------------------


def single_sizes(frame: pd.DataFrame, target: pd.DataFrame, settings: Bootstrap) -> pd.DataFrame:
    """Decision accuracy of each signal at each size.

    Parameters
    ----------
    frame : from `scores`
    target : columns corpus, group, accuracy (the target, mean over seeds)
    settings : bootstrap

    Returns
    -------
    size, signal, compute_fraction, on_trajectory, by_construction (accuracy at the target size is the target),
    estimate, low, high (groups drawn whole), low_corpora, high_corpora, low_without_group, high_without_group

    Notes
    -----
    The target's own noise is not resampled: the interval speaks of other corpora, not of other seeds. See `noise`.
    """
    draws, wanted, rows = Resampling(target, settings), target["accuracy"].to_numpy(), []
    for signal in SIGNALS:
        wide = score_matrix(frame, signal, target)
        for size in sizes_of(frame).itertuples(index=False):
            values = wide[size.size].to_numpy()
            rows.append(
                {
                    "size": size.size,
                    "signal": signal,
                    "compute_fraction": size.compute_fraction,
                    "on_trajectory": size.on_trajectory,
                    "by_construction": signal == "accuracy" and size.size == TARGET_SIZE,
                    **draws.statistic(lambda weights, v=values: decision_accuracy(v, wanted, weights)),
                }
            )
    return pd.DataFrame(rows)


def paired(frame: pd.DataFrame, target: pd.DataFrame, settings: Bootstrap) -> pd.DataFrame:
    """Decision accuracy of NLL minus that of accuracy at each size below the target, on the same draws.

    Returns
    -------
    size, compute_fraction, on_trajectory, estimate, low, high and the sensitivity columns of `single_sizes`,
    excludes_zero

    Notes
    -----
    Sizes share corpora and target, so neighbouring differences are far from independent.
    """
    draws, wanted, rows = Resampling(target, settings), target["accuracy"].to_numpy(), []
    accuracy, nll = (score_matrix(frame, signal, target) for signal in SIGNALS)
    sizes = sizes_of(frame)
    for size in sizes[sizes["compute_fraction"] < 1].itertuples(index=False):
        row = draws.statistic(_difference(nll[size.size].to_numpy(), accuracy[size.size].to_numpy(), wanted))
        rows.append(
            {
                "size": size.size,
                "compute_fraction": size.compute_fraction,
                "on_trajectory": size.on_trajectory,
                **row,
                "excludes_zero": row["low"] > 0 or row["high"] < 0,
            }
        )
    return pd.DataFrame(rows)


def _difference(first: np.ndarray, second: np.ndarray, target: np.ndarray) -> Callable[[np.ndarray], Any]:
    """Multiplicities -> decision accuracy of `first` minus that of `second`."""
    return lambda weights: decision_accuracy(first, target, weights) - decision_accuracy(second, target, weights)


def extrapolated(values: pd.DataFrame, compute: np.ndarray, target_compute: float) -> pd.Series:
    """Least-squares line in log compute through each row, read off at the target's compute.

    Parameters
    ----------
    values : [candidates, sizes]
    compute : [sizes] FLOPs
    target_compute : FLOPs

    Notes
    -----
    Scores that leave the floor late are convex in log compute, so the line underestimates; only the order matters here.
    """
    x = np.log(np.asarray(compute, float))
    x, at = x - x.mean(), np.log(target_compute) - x.mean()
    slope = values.to_numpy() @ x / (x @ x)
    return pd.Series(values.mean(axis=1).to_numpy() + slope * at, index=values.index)


def combined(frame: pd.DataFrame, target: pd.DataFrame) -> dict[tuple[str, str], tuple[np.ndarray, float]]:
    """Scores of every combination: (combination, largest size) -> ([n] scores, total compute in FLOPs).

    Notes
    -----
    z-scores are taken once over all candidates and held fixed in the draws; they use no label. A combination of one
    size alone is left out: it is that size.
    """
    ladder = ladder_of(frame)
    accuracy, nll = (score_matrix(frame, signal, target)[ladder["size"]] for signal in SIGNALS)
    z = {"accuracy": z_scores(accuracy), "NLL": z_scores(nll)}
    both = z["accuracy"] + z["NLL"]
    target_compute = float(sizes_of(frame).set_index("size").loc[TARGET_SIZE, "compute"])
    found = {}
    for k, size in enumerate(ladder["size"], start=1):
        single, total = float(ladder["compute"][k - 1]), float(ladder["compute"][:k].sum())
        found["both signals", size] = both[size].to_numpy(), single
        if k > 1:
            for name, values in (*z.items(), ("both", both)):
                found[f"{name}, all sizes", size] = values.iloc[:, :k].mean(axis=1).to_numpy(), total
        if k >= EXTRAPOLATED_SIZES:
            last = slice(k - EXTRAPOLATED_SIZES, k)
            compute = ladder["compute"][last].to_numpy()
            line = extrapolated(accuracy.iloc[:, last], compute, target_compute)
            found["accuracy, extrapolated", size] = line.to_numpy(), float(compute.sum())
    return found


def combinations(frame: pd.DataFrame, target: pd.DataFrame, settings: Bootstrap) -> pd.DataFrame:
    """Every combination against the single signals at its largest size: paired differences of decision accuracy.

    Returns
    -------
    combination, baseline (signal), size, compute_fraction (of the combination), cost_ratio (its compute over that of
    the single size), decision_accuracy, estimate, low, high (combination minus baseline), primary, excludes_zero

    Notes
    -----
    The contrasts overlap in data and sizes; the number that exclude zero must be read beside the number that would by
    chance (`chance`), and the primary ones beside the exploratory ones. A combination of accuracy alone is compared
    with accuracy, one of NLL alone with NLL, and one of both with each.
    """
    draws, wanted, rows = Resampling(target, settings), target["accuracy"].to_numpy(), []
    singles = {signal: score_matrix(frame, signal, target) for signal in SIGNALS}
    sizes = sizes_of(frame).set_index("size")
    for (name, size), (values, compute) in combined(frame, target).items():
        own = [signal for signal in SIGNALS if name.startswith(NAMES[signal])]
        for baseline in own or SIGNALS:
            statistic = _difference(values, singles[baseline][size].to_numpy(), wanted)
            row = draws.interval(statistic(np.ones(len(wanted))), statistic(draws.groups))
            rows.append(
                {
                    "combination": name,
                    "baseline": baseline,
                    "size": size,
                    "compute_fraction": compute / sizes.loc[TARGET_SIZE, "compute"],
                    "cost_ratio": compute / sizes.loc[size, "compute"],
                    "decision_accuracy": decision_accuracy(values, wanted),
                    **row,
                    "primary": (name, baseline) in PRIMARY and size == PRIMARY_SIZE,
                    "excludes_zero": row["low"] > 0 or row["high"] < 0,
                }
            )
    return pd.DataFrame(rows)


def compute_needed(frame: pd.DataFrame, target: pd.DataFrame, settings: Bootstrap) -> pd.DataFrame:
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
    draws, wanted, rows = Resampling(target, settings), target["accuracy"].to_numpy(), []
    ladder = ladder_of(frame)
    fractions = np.append(ladder["compute_fraction"].to_numpy(), 1.0)
    curves = {}
    for signal in SIGNALS:
        wide = score_matrix(frame, signal, target)[ladder["size"]].to_numpy()
        weights = np.vstack([np.ones(len(wanted)), draws.groups])
        curves[signal] = np.stack([decision_accuracy(column, wanted, weights) for column in wide.T], axis=1)
    for threshold in THRESHOLDS:
        reached = {signal: curve >= threshold for signal, curve in curves.items()}  # [1 + draws, sizes]
        first = {signal: np.where(hit.any(1), hit.argmax(1), len(ladder)) for signal, hit in reached.items()}
        for signal in SIGNALS:
            place = first[signal][0]
            ratio = fractions[first["accuracy"]] / fractions[first[signal]]
            interval = draws.interval(ratio[0], ratio[1:])
            rows.append(
                {
                    "signal": signal,
                    "threshold": threshold,
                    "size": [*ladder["size"], TARGET_SIZE][place],
                    "compute_fraction": fractions[place],
                    "stays": bool(reached[signal][0, place:].all()),
                    "ratio": interval.pop("estimate"),
                    **interval,
                }
            )
    return pd.DataFrame(rows)


def estimates(single: pd.DataFrame, differences: pd.DataFrame, level: float, target: pd.DataFrame) -> pd.DataFrame:
    """What the scoreboard reads: claim, estimate, low, high, level, n, n_unit.

    Parameters
    ----------
    single : from `single_sizes`
    differences : from `paired`
    level : coverage of the intervals
    target : columns corpus, group
    """
    unit = f"corpora in {target['group'].nunique()} recipe groups"
    claims = {
        "datadecide-150m": single[(single["signal"] == "accuracy") & (single["size"] == PRIMARY_SIZE)],
        "datadecide-likelihood-small": differences[differences["size"] == SMALLEST_SIZE],
        # the difference may owe more to accuracy's failure than to likelihood's success; this row tells
        "datadecide-likelihood-coin": single[(single["signal"] == "nll") & (single["size"] == SMALLEST_SIZE)],
    }
    rows = [frame[["estimate", "low", "high"]].assign(claim=claim) for claim, frame in claims.items()]
    table = pd.concat(rows, ignore_index=True).assign(level=level, n=len(target), n_unit=unit)
    return table[["claim", "estimate", "low", "high", "level", "n", "n_unit"]]


# ---- the run ---------------------------------------------------------------------------------------------------------


def build(step: Any, workspace: Workspace) -> None:
    """Builder of the run: every table and fact of the chapter, derived quantities only.

    Parameters
    ----------
    step : its `settings` are a `config.Bootstrap`
    workspace : where the tables go

    Raises
    ------
    UserError
        If the published set is not at hand.
    """
    settings: Bootstrap = step.settings
    accuracy, nll = runs.accuracy(), runs.nll()
    by_task = runs.target()
    by_task["group"] = by_task["corpus"].map(runs.GROUP_OF)
    target = by_task[by_task["task"] == runs.MACRO].reset_index(drop=True)
    frame = scores(accuracy, nll, runs.OFF_TRAJECTORY)
    spread = noise(by_task, settings)
    se = float(spread.loc[spread["task"] == runs.MACRO, "se_difference"].iloc[0])
    single, differences = single_sizes(frame, target, settings), paired(frame, target, settings)
    contrasts = combinations(frame, target, settings)
    tables = {
        "decision_accuracy": single,
        "paired": differences,
        "seeds": seeds(nll, frame, target, settings),
        "ceiling": ceiling(by_task, settings),
        "noise": spread,
        "misranked": misranked(frame, target, se, settings),
        "combinations": contrasts,
        "compute_needed": compute_needed(frame, target, settings),
        "pairs": pairs(frame, target, se),
        "estimates": estimates(single, differences, settings.level, target),
    }
    for name, table in tables.items():
        workspace.write_table(name, table)
    workspace.note(
        corpora=len(target),
        groups=int(target["group"].nunique()),
        pairs=len(target) * (len(target) - 1) // 2,
        seeds=runs.SEEDS,
        sizes=len(runs.SIZES),
        level=settings.level,
        draws=settings.draws,
        primary=chance(contrasts[contrasts["primary"]], settings.level),
        exploratory=chance(contrasts[~contrasts["primary"]], settings.level),
        differences=chance(differences[differences["on_trajectory"]], settings.level),
    )
