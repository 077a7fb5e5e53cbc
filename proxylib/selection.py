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
from scipy import stats as distributions

from .config import Inference
from .errors import UserError
from .published import datadecide as runs
from .stats import cluster_weights, percentile_interval
from .store import Workspace

SIGNALS = {"accuracy": 1, "nll": -1}  # sign that makes higher better
NAMES = {"accuracy": "accuracy", "nll": "NLL"}
TASKS = {
    "arc_challenge": "ARC Challenge",
    "arc_easy": "ARC Easy",
    "boolq": "BoolQ",
    "csqa": "CommonsenseQA",
    "hellaswag": "HellaSwag",
    "mmlu": "MMLU",
    "openbookqa": "OpenBookQA",
    "piqa": "PIQA",
    "socialiqa": "Social IQa",
    "winogrande": "WinoGrande",
    runs.MACRO: "mean of the ten",
}
TARGET_SIZE = "1B"
PRIMARY_SIZE = "150M"
SMALLEST_SIZE = "4M"
PRIMARY = (
    ("both signals", "accuracy"),
    ("accuracy, all sizes", "accuracy"),
    ("NLL, all sizes", "nll"),
    ("accuracy, extrapolated", "accuracy"),
)
EXTRAPOLATED_SIZES = 4
THRESHOLDS = (0.80, 0.85)
NOISE_WIDTH = 2  # standard errors of a difference
LISTED_PAIRS = 20


# ---- decision accuracy -----------------------------------------------------------------------------------------------


def decision_accuracy(predicted: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> Any:
    """Share of pairs of distinct candidates that the prediction orders as the target does.

    Parameters
    ----------
    predicted : [n] scores, higher better
    target : [n] scores, higher better
    weights : [n] or [draws, n] bootstrap multiplicities; default one each. A pair counts w_i w_j

    Returns
    -------
    float, or [draws] for two-dimensional weights; nan where no pair is left.

    Raises
    ------
    UserError
        For fewer than 2 candidates, unequal lengths, or a score that is not finite.

    Notes
    -----
    Source: Magnusson et al. 2025 (arXiv 2504.11393). Their code has two rules for a tie in the prediction, one that
    breaks it arbitrarily and one that counts it wrong; here it counts half, the expectation under a fair coin, so that
    a constant signal scores 0.5. A pair tied in the target has no right order and is left out. Copies of a candidate
    in a bootstrap draw are not compared with each other: a candidate never meets itself.

    How it misleads: a pair of near-equal candidates counts as much as one that matters, and pairs of one candidate
    share its error, so n (n - 1) / 2 pairs are nowhere near as many observations.
    """
    predicted, target = np.asarray(predicted, float), np.asarray(target, float)
    if predicted.shape != target.shape or predicted.ndim != 1:
        raise UserError(f"decision accuracy: {predicted.shape} predictions for {target.shape} targets; give one each")
    if len(target) < 2:
        raise UserError(f"decision accuracy: at least 2 candidates are needed, found {len(target)}")
    if not (np.isfinite(predicted).all() and np.isfinite(target).all()):
        raise UserError("decision accuracy: a score is not finite; leave that candidate out")
    right, counted = _pairs(predicted, target)
    return _share(right, counted, np.ones(len(target)) if weights is None else np.asarray(weights, float))


def _order(values: np.ndarray) -> np.ndarray:
    return np.sign(values[:, None] - values[None, :])  # [n, n]: 1 if the row's candidate is better


def _pairs(predicted: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[n, n] credit of each ordered pair (1, 0.5 or 0) and whether it counts; the diagonal never does."""
    wanted = _order(target)
    counted = wanted != 0
    return np.where(counted, (1 + _order(predicted) * wanted) / 2, 0.0), counted.astype(float)


def _share(part: np.ndarray, whole: np.ndarray, weights: np.ndarray) -> Any:
    """Weighted sum of the pair matrix `part` over that of `whole`, for each row of multiplicities."""
    numerator, denominator = (((weights @ matrix) * weights).sum(axis=-1) for matrix in (part, whole))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = numerator / denominator
    return float(ratio) if np.ndim(ratio) == 0 else ratio


# ---- tidy inputs -----------------------------------------------------------------------------------------------------


def scores(accuracy: pd.DataFrame, nll: pd.DataFrame, off_trajectory: tuple[str, ...] = ()) -> pd.DataFrame:
    """Both signals with higher = better, NLL averaged over seeds.

    Parameters
    ----------
    accuracy : columns size, corpus, group, compute, compute_fraction, accuracy
    nll : columns size, corpus, seed_index, nll_per_char
    off_trajectory : sizes that are no point of a compute axis

    Returns
    -------
    size, compute, compute_fraction, on_trajectory, corpus, group, signal, score
    """
    sizes = accuracy[["size", "corpus", "group", "compute", "compute_fraction"]]
    means = nll.groupby(["size", "corpus"], as_index=False)["nll_per_char"].mean()
    values = {
        "accuracy": accuracy.assign(score=SIGNALS["accuracy"] * accuracy["accuracy"]),
        "nll": means.assign(score=SIGNALS["nll"] * means["nll_per_char"]),
    }
    frames = [
        sizes.merge(frame[["size", "corpus", "score"]], on=["size", "corpus"]).assign(signal=signal)
        for signal, frame in values.items()
    ]
    frame = pd.concat(frames, ignore_index=True)
    return frame.assign(on_trajectory=~frame["size"].isin(off_trajectory))


def _sizes(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per size, cheapest first."""
    columns = ["size", "compute", "compute_fraction", "on_trajectory"]
    return frame[columns].drop_duplicates().sort_values("compute", ignore_index=True)


def _ladder(frame: pd.DataFrame) -> pd.DataFrame:
    """Sizes on the trajectory below the target, cheapest first."""
    sizes = _sizes(frame)
    return sizes[sizes["on_trajectory"] & (sizes["compute_fraction"] < 1)].reset_index(drop=True)


def _matrix(frame: pd.DataFrame, signal: str, target: pd.DataFrame) -> pd.DataFrame:
    """[corpora in the target's order, sizes] scores."""
    # pivot, because pivot_table would silently average rows that occur twice
    wide = frame[frame["signal"] == signal].pivot(index="corpus", columns="size", values="score")  # noqa: PD010
    return wide.loc[target["corpus"]]


class Resampling:
    """The draws that every interval of the chapter shares, so that differences are paired.

    Parameters
    ----------
    target : columns corpus, group; the order of the candidates
    settings : draws, level and seed

    Attributes
    ----------
    groups : [draws, n] multiplicities with recipe groups drawn whole
    corpora : [draws, n] multiplicities with corpora drawn singly
    without : [groups, n] ones, but zero for one group
    """

    def __init__(self, target: pd.DataFrame, settings: Inference):
        self.level = settings.level
        self.groups = cluster_weights(target["group"], settings.draws, settings.seed)
        self.corpora = cluster_weights(target["corpus"], settings.draws, settings.seed)
        labels = np.unique(target["group"].astype(object))
        self.without = (target["group"].to_numpy(object) != labels[:, None]).astype(float)

    def interval(self, estimate: float, draws: np.ndarray) -> dict[str, float]:
        """estimate, low, high from draws over groups."""
        low, high = percentile_interval(estimate, draws, self.level)[1:3]
        return {"estimate": float(estimate), "low": low, "high": high}

    def interval_if_any(self, estimate: float, draws: np.ndarray) -> dict[str, float]:
        """As `interval`, but nan ends where most draws leave nothing to take a share of."""
        if np.isfinite(draws).mean() < 0.5:
            return {"estimate": float(estimate), "low": np.nan, "high": np.nan}
        return self.interval(estimate, draws)

    def statistic(self, compute: Callable[[np.ndarray], Any]) -> dict[str, float]:
        """Estimate with all three expressions of uncertainty.

        `compute` maps multiplicities ([n] or [draws, n]) to the statistic.
        """
        estimate = float(compute(np.ones(self.groups.shape[1])))
        single = percentile_interval(estimate, compute(self.corpora), self.level)
        without = compute(self.without)
        return self.interval(estimate, compute(self.groups)) | {
            "low_corpora": single.low,
            "high_corpora": single.high,
            "low_without_group": float(np.min(without)),
            "high_without_group": float(np.max(without)),
        }


# ---- analyses --------------------------------------------------------------------------------------------------------


def single_sizes(frame: pd.DataFrame, target: pd.DataFrame, settings: Inference) -> pd.DataFrame:
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
        wide = _matrix(frame, signal, target)
        for size in _sizes(frame).itertuples(index=False):
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


def paired(frame: pd.DataFrame, target: pd.DataFrame, settings: Inference) -> pd.DataFrame:
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
    accuracy, nll = (_matrix(frame, signal, target) for signal in SIGNALS)
    sizes = _sizes(frame)
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


def seeds(nll: pd.DataFrame, sizes: pd.DataFrame, target: pd.DataFrame, settings: Inference) -> pd.DataFrame:
    """Decision accuracy of one seed's NLL: how much the choice of a seed moves it.

    Parameters
    ----------
    nll : columns size, corpus, seed_index, nll_per_char
    sizes : columns size, compute_fraction, on_trajectory

    Returns
    -------
    size, seed_index, compute_fraction, on_trajectory, estimate, low, high
    """
    draws, wanted, rows = Resampling(target, settings), target["accuracy"].to_numpy(), []
    order = sizes[["size", "compute_fraction", "on_trajectory"]].drop_duplicates().sort_values("compute_fraction")
    for size in order.itertuples(index=False):
        one_size = nll[nll["size"] == size.size]
        wide = one_size.pivot(index="corpus", columns="seed_index", values="nll_per_char")  # noqa: PD010
        for seed, column in wide.loc[target["corpus"]].items():
            values = SIGNALS["nll"] * column.to_numpy()
            estimate = decision_accuracy(values, wanted)
            place = {"size": size.size, "seed_index": seed, "compute_fraction": size.compute_fraction}
            place["on_trajectory"] = size.on_trajectory
            rows.append(place | draws.interval(estimate, decision_accuracy(values, wanted, draws.groups)))
    return pd.DataFrame(rows)


def other_seeds(frame: pd.DataFrame) -> pd.Series:
    """Mean accuracy of the two seeds besides the default one: (3 mean - default) / 2."""
    return (3 * frame["accuracy"] - frame["accuracy_default_seed"]) / 2


def ceiling(by_task: pd.DataFrame, settings: Inference) -> pd.DataFrame:
    """How well one full-size seed orders the candidates: what a cheap signal can be asked to reach.

    Parameters
    ----------
    by_task : columns task, corpus, group, accuracy (mean over 3 seeds), accuracy_default_seed, all at the target size

    Returns
    -------
    task, against ("mean of all seeds": contains the seed, optimistic; "other two seeds": independent, but itself
    noisier than the target, pessimistic), estimate, low, high

    Notes
    -----
    A signal may lie above it: one seed carries noise of its own, which a smooth signal averaged over seeds does not.
    """
    rows = []
    for task, frame in by_task.groupby("task", sort=False):
        draws, one = Resampling(frame, settings), frame["accuracy_default_seed"].to_numpy()
        references = {"mean of all seeds": frame["accuracy"], "other two seeds": other_seeds(frame)}
        for against, reference in references.items():
            # the subtraction leaves rounding errors of 1e-17, which must not break a tie between two corpora
            wanted = reference.round(9).to_numpy()
            estimate = decision_accuracy(one, wanted)
            row = draws.interval(estimate, decision_accuracy(one, wanted, draws.groups))
            rows.append({"task": task, "against": against, **row})
    return pd.DataFrame(rows)


def noise(by_task: pd.DataFrame, settings: Inference) -> pd.DataFrame:
    """Standard deviation of the target's accuracy from seed to seed, pooled over corpora.

    Parameters
    ----------
    by_task : as for `ceiling`

    Returns
    -------
    task, sigma, low, high (share of items, chi-square interval), se_difference (of two 3-seed means), mean_shift
    (default seed minus the others, common to all corpora), n

    Notes
    -----
    d = default - mean of the other two has Var d = sigma^2 (1 + 1/2). The mean of d over corpora is taken out (n - 1
    degrees of freedom): a shift that all corpora share does not change their order. Corpora are taken to have one
    sigma and independent errors; a seed shared by all corpora makes that optimistic.
    """
    rows = []
    for task, frame in by_task.groupby("task", sort=False):
        gap = (frame["accuracy_default_seed"] - other_seeds(frame)).to_numpy()
        freedom = len(gap) - 1
        squares = float(np.sum((gap - gap.mean()) ** 2)) / 1.5
        tails = distributions.chi2.ppf([(1 + settings.level) / 2, (1 - settings.level) / 2], freedom)
        sigma = np.sqrt(squares / freedom)
        rows.append(
            {
                "task": task,
                "sigma": sigma,
                "low": np.sqrt(squares / tails[0]),
                "high": np.sqrt(squares / tails[1]),
                "se_difference": sigma * np.sqrt(2 / 3),
                "mean_shift": gap.mean(),
                "n": len(gap),
            }
        )
    return pd.DataFrame(rows)


def misranked(frame: pd.DataFrame, target: pd.DataFrame, se: float, settings: Inference) -> pd.DataFrame:
    """Of the pairs that a signal orders wrongly, how many the target itself can hardly tell apart.

    Parameters
    ----------
    frame : from `scores`
    target : columns corpus, group, accuracy
    se : standard error of a difference of two target values

    Returns
    -------
    size, signal, compute_fraction, on_trajectory, n_misranked (a tie counts half), estimate, low, high (share of the
    mis-ranked pairs within `NOISE_WIDTH` s.e.; nan where nothing is mis-ranked, or where that happens in most draws),
    all_estimate, all_low, all_high (the same share of all pairs). Not for accuracy at the target size, which mis-ranks
    nothing by construction.

    Notes
    -----
    `se` is held fixed in the draws. "Within 2 s.e." does not mean equal: the right order of such a pair is merely
    uncertain. A share near that of all pairs says that the signal's errors have nothing to do with the target's noise.
    """
    draws, wanted, rows = Resampling(target, settings), target["accuracy"].to_numpy(), []
    close = (np.abs(wanted[:, None] - wanted[None, :]) <= NOISE_WIDTH * se).astype(float)
    ones = np.ones(len(wanted))
    for signal in SIGNALS:
        wide = _matrix(frame, signal, target)
        for size in _sizes(frame).itertuples(index=False):
            if signal == "accuracy" and size.size == TARGET_SIZE:
                continue
            right, counted = _pairs(wide[size.size].to_numpy(), wanted)
            wrong = counted - right
            own, all_pairs = (
                draws.interval_if_any(_share(part * close, part, ones), _share(part * close, part, draws.groups))
                for part in (wrong, counted)
            )
            rows.append(
                {
                    "size": size.size,
                    "signal": signal,
                    "compute_fraction": size.compute_fraction,
                    "on_trajectory": size.on_trajectory,
                    "n_misranked": wrong.sum() / 2,
                    **own,
                    **{f"all_{name}": value for name, value in all_pairs.items()},
                }
            )
    return pd.DataFrame(rows)


def pairs(frame: pd.DataFrame, target: pd.DataFrame, se: float) -> pd.DataFrame:
    """The pairs of corpora that signals order wrongly at most sizes, the most often mis-ranked first.

    Returns
    -------
    better, worse (corpora, as the target orders them), same_group, gap_se (their distance in standard errors, to one
    decimal), accuracy, nll (number of sizes below the target, on the trajectory, at which that signal is wrong; a tie
    counts half), total, out_of; `LISTED_PAIRS` rows

    Notes
    -----
    Chosen as the worst of all pairs after looking, so their counts say nothing about a pair chosen beforehand.
    """
    wanted = target["accuracy"].to_numpy()
    sizes = _ladder(frame)["size"]
    wrong = {}
    for signal in SIGNALS:
        wide = _matrix(frame, signal, target)
        wrong[signal] = sum(np.subtract(*_pairs(wide[size].to_numpy(), wanted)[::-1]) for size in sizes)
    better, worse = np.nonzero(_order(wanted) > 0)
    corpora, groups = target["corpus"].to_numpy(), target["group"].to_numpy()
    table = pd.DataFrame(
        {
            "better": corpora[better],
            "worse": corpora[worse],
            "same_group": groups[better] == groups[worse],
            "gap_se": np.round((wanted[better] - wanted[worse]) / se, 1),
            **{signal: counts[better, worse] for signal, counts in wrong.items()},
        }
    )
    table["total"] = table[list(SIGNALS)].sum(axis=1)
    table["out_of"] = len(SIGNALS) * len(sizes)
    order = table.sort_values(["total", "better", "worse"], ascending=[False, True, True], ignore_index=True)
    return order[:LISTED_PAIRS]


def z_scores(values: pd.DataFrame) -> pd.DataFrame:
    """Columns centred and scaled over the candidates; a constant column becomes zero."""
    spread = values.std(ddof=0)
    return (values - values.mean()) / spread.where(spread > 0, 1)


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
    ladder = _ladder(frame)
    accuracy, nll = (_matrix(frame, signal, target)[ladder["size"]] for signal in SIGNALS)
    z = {"accuracy": z_scores(accuracy), "NLL": z_scores(nll)}
    both = z["accuracy"] + z["NLL"]
    target_compute = float(_sizes(frame).set_index("size").loc[TARGET_SIZE, "compute"])
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


def combinations(frame: pd.DataFrame, target: pd.DataFrame, settings: Inference) -> pd.DataFrame:
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
    singles = {signal: _matrix(frame, signal, target) for signal in SIGNALS}
    sizes = _sizes(frame).set_index("size")
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


def chance(frame: pd.DataFrame, level: float) -> dict[str, float]:
    """How many contrasts exclude zero, and how many would by chance if none had an effect.

    Parameters
    ----------
    frame : column excludes_zero
    level : nominal coverage. With 5 clusters the real one is lower, so more would by chance than is said here
    """
    by_chance = round((1 - level) * len(frame), 2)
    return {"excluding": int(frame["excludes_zero"].sum()), "by_chance": by_chance, "of": len(frame)}


def compute_needed(frame: pd.DataFrame, target: pd.DataFrame, settings: Inference) -> pd.DataFrame:
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
    ladder = _ladder(frame)
    fractions = np.append(ladder["compute_fraction"].to_numpy(), 1.0)
    curves = {}
    for signal in SIGNALS:
        wide = _matrix(frame, signal, target)[ladder["size"]].to_numpy()
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


def datadecide(step: Any, workspace: Workspace) -> None:
    """Builder of the run: every table and fact of the chapter, derived quantities only.

    Parameters
    ----------
    step : its `settings` are a `config.Inference`
    workspace : where the tables go

    Raises
    ------
    UserError
        If the published set is not at hand.
    """
    settings: Inference = step.settings
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
