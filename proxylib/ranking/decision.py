"""Decision accuracy: the share of pairs of candidates that a cheap signal orders as the target does."""

from __future__ import annotations

from typing import Any

import numpy as np

from proxylib.errors import UserError

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
    right, counted = pair_credits(predicted, target)
    return weighted_share(right, counted, np.ones(len(target)) if weights is None else np.asarray(weights, float))


def order_signs(values: np.ndarray) -> np.ndarray:
    """[n, n] 1 where the row's candidate is better than the column's, -1 where worse, 0 where equal."""
    return np.sign(values[:, None] - values[None, :])  # [n, n]: 1 if the row's candidate is better


def pair_credits(predicted: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[n, n] credit of each ordered pair (1, 0.5 or 0) and whether it counts; the diagonal never does."""
    wanted = order_signs(target)
    counted = wanted != 0
    return np.where(counted, (1 + order_signs(predicted) * wanted) / 2, 0.0), counted.astype(float)


def weighted_share(part: np.ndarray, whole: np.ndarray, weights: np.ndarray) -> Any:
    """Weighted sum of the pair matrix `part` over that of `whole`, for each row of multiplicities."""
    numerator, denominator = (((weights @ matrix) * weights).sum(axis=-1) for matrix in (part, whole))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = numerator / denominator
    return float(ratio) if np.ndim(ratio) == 0 else ratio
