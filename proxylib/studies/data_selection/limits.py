"""Choosing a corpus: what limits it - seeds, noise, pairs too near to call, chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats as distributions

from proxylib.ranking.decision import order_signs, pair_credits, weighted_share
from proxylib.stats import Bootstrap
from proxylib.studies.data_selection.panel import (
    LISTED_PAIRS,
    NOISE_WIDTH,
    SIGNALS,
    TARGET_SIZE,
    Candidates,
    ladder_of,
    score_matrix,
    sizes_of,
)


def seeds(nll: pd.DataFrame, sizes: pd.DataFrame, target: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Decision accuracy of one seed's NLL: how much the choice of a seed moves it.

    Parameters
    ----------
    nll : columns size, corpus, seed_index, nll_per_char
    sizes : columns size, compute_fraction, on_trajectory

    Returns
    -------
    size, seed_index, compute_fraction, on_trajectory, estimate, low, high
    """
    candidates, rows = Candidates(target, bootstrap), []
    order = sizes[["size", "compute_fraction", "on_trajectory"]].drop_duplicates().sort_values("compute_fraction")
    for size in order.itertuples(index=False):
        one_size = nll[nll["size"] == size.size]
        wide = one_size.pivot(index="corpus", columns="seed_index", values="nll_per_char")  # noqa: PD010
        for seed, column in wide.loc[target["corpus"]].items():
            interval = candidates.interval(candidates.accuracy(SIGNALS["nll"] * column.to_numpy()))
            rows.append((size.size, seed, size.compute_fraction, size.on_trajectory, *interval))
    columns = ["size", "seed_index", "compute_fraction", "on_trajectory", "estimate", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def other_seeds(frame: pd.DataFrame) -> pd.Series:
    """Mean accuracy of the two seeds besides the default one: (3 mean - default) / 2."""
    return (3 * frame["accuracy"] - frame["accuracy_default_seed"]) / 2


def ceiling(by_task: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
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
        one = frame["accuracy_default_seed"].to_numpy()
        references = {"mean of all seeds": frame["accuracy"], "other two seeds": other_seeds(frame)}
        for against, reference in references.items():
            # the subtraction leaves rounding errors of 1e-17, which must not break a tie between two corpora
            candidates = Candidates(frame.assign(accuracy=reference.round(9)), bootstrap)
            rows.append((task, against, *candidates.interval(candidates.accuracy(one))))
    return pd.DataFrame(rows, columns=["task", "against", "estimate", "low", "high"])


def noise(by_task: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
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
        tails = distributions.chi2.ppf([(1 + bootstrap.level) / 2, (1 - bootstrap.level) / 2], freedom)
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


def misranked(frame: pd.DataFrame, target: pd.DataFrame, se: float, bootstrap: Bootstrap) -> pd.DataFrame:
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
    candidates, rows = Candidates(target, bootstrap), []
    wanted = candidates.wanted
    close = (np.abs(wanted[:, None] - wanted[None, :]) <= NOISE_WIDTH * se).astype(float)
    for signal in SIGNALS:
        wide = score_matrix(frame, signal, target)
        for size in sizes_of(frame).itertuples(index=False):
            if signal == "accuracy" and size.size == TARGET_SIZE:
                continue
            right, counted = pair_credits(wide[size.size].to_numpy(), wanted)
            wrong = counted - right
            own_pairs, all_pairs = (
                candidates.interval(lambda weights, part=part: weighted_share(part * close, part, weights))
                for part in (wrong, counted)
            )
            rows.append(
                {
                    "size": size.size,
                    "signal": signal,
                    "compute_fraction": size.compute_fraction,
                    "on_trajectory": size.on_trajectory,
                    "n_misranked": wrong.sum() / 2,
                    **own_pairs._asdict(),
                    **{f"all_{name}": value for name, value in all_pairs._asdict().items()},
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
    sizes = ladder_of(frame)["size"]
    wrong = {}
    for signal in SIGNALS:
        wide = score_matrix(frame, signal, target)
        wrong[signal] = sum(np.subtract(*pair_credits(wide[size].to_numpy(), wanted)[::-1]) for size in sizes)
    better, worse = np.nonzero(order_signs(wanted) > 0)
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


def chance(frame: pd.DataFrame, level: float) -> dict[str, float]:
    """How many contrasts exclude zero, and how many would by chance if none had an effect.

    Parameters
    ----------
    frame : column excludes_zero
    level : nominal coverage. With 5 clusters the real one is lower, so more would by chance than is said here
    """
    by_chance = round((1 - level) * len(frame), 2)
    return {"excluding": int(frame["excludes_zero"].sum()), "by_chance": by_chance, "of": len(frame)}
