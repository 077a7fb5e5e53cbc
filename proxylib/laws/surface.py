"""A surface of scores over configurations: what their loss, size and data say of those that nobody has evaluated.

The score of a configuration is a constant, a straight line in the signals, a smooth bend, and the configuration's own luck: a
Gaussian process. How large each part is, few scores cannot tell; instead of one best guess, every sensible combination counts
by how likely it makes the scores (the kernels are scikit-learn's). What comes out is one normal distribution over the true
scores of all configurations: means, and covariances that say how far one evaluation tells of its neighbours too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LINE = (0.02, 0.05, 0.1, 0.2)  # share of items that a score moves by when a signal moves by its spread
BEND = (0.2, 0.5, 1.0)  # of the line: smooth departures from it
LUCK = (0.1, 0.3)  # of the line: what two configurations of the same signals differ by
BESIDE = (0.0, 0.3, 1.0)  # how far signals after the first count beside it
REACH = 1.5  # spreads of a signal over which a bend stays a bend
CENTRE, AROUND = 0.5, 0.5  # where the mean score lies, and how far about


class Prior(NamedTuple):
    """What is possible before any score is known.

    covariances : [combinations, n, n] of true scores, less their common constant, which is everywhere the same
    weights : [combinations] before any score
    beside : [combinations] how far the signals after the first count
    """

    covariances: np.ndarray
    weights: np.ndarray
    beside: np.ndarray


class Surface(NamedTuple):
    """What is known of the true scores of all configurations.

    mean : [n]
    covariance : [n, n]
    beside : chance that signals after the first count at all
    """

    mean: np.ndarray
    covariance: np.ndarray
    beside: float

    @property
    def stderr(self) -> np.ndarray:
        """[n] how unsure each score is."""
        return np.sqrt(np.clip(np.diagonal(self.covariance), 0, None))


def spread(signals: np.ndarray) -> np.ndarray:
    """[n, signals] each with mean 0 and spread 1; a signal that does not vary is 0 everywhere."""
    values = np.asarray(signals, float)
    deviation = values.std(axis=0)
    varies = deviation > 1e-12 * np.abs(values).max(axis=0, initial=1)
    return (values - values.mean(axis=0)) / np.where(varies, deviation, np.inf)


def prior(signals: np.ndarray, *, sides: Sequence[float] = BESIDE) -> Prior:
    """What is possible of configurations with these signals.

    Parameters
    ----------
    signals : [n, signals], the one that is trusted most first; logarithms of what is counted
    sides : how far the others may count beside it
    """
    from sklearn.gaussian_process.kernels import RBF, DotProduct

    places = spread(signals)
    sides = sides if places.shape[1] > 1 else (0.0,)
    covariances, counted = [], []
    for side in sides:
        weighed = places * np.r_[1.0, np.full(places.shape[1] - 1, side)]
        line, bend = DotProduct(sigma_0=0)(weighed), RBF(REACH)(weighed)
        for height, wave, luck in itertools.product(LINE, BEND, LUCK):
            covariances.append(height**2 * (line + wave**2 * bend + luck**2 * np.eye(len(places))))
            counted.append(side)
    number = len(covariances)
    return Prior(np.stack(covariances) + AROUND**2, np.full(number, 1 / number), np.array(counted))


def surface(known: Prior, at: np.ndarray, scores: np.ndarray, noise: np.ndarray) -> Surface:
    """What scores of some configurations say of all.

    Parameters
    ----------
    known : of `prior`
    at : [k] which configurations were evaluated
    scores : [k] share of items
    noise : [k] variance of each score about the true one: of its items

    Notes
    -----
    Combinations are mixed by moments, so the result is one normal distribution; where two combinations disagree, it is wide. A
    true score lies between 0 and 1, which a normal distribution does not know.
    """
    mean, covariance, weights = conditioned(known, np.asarray(at)[None], np.asarray(scores)[None], np.asarray(noise)[None])
    return Surface(mean[0], covariance[0], float(weights[0][known.beside > 0].sum()))


def conditioned(
    known: Prior, at: np.ndarray, scores: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Many surfaces at once: `surface` with one more axis in front.

    Parameters
    ----------
    at, scores, noise : [times, k]

    Returns
    -------
    mean [times, n], covariance [times, n, n], weights of the combinations [times, combinations]
    """
    times, count = at.shape
    whole = known.covariances
    if not count:
        mean = np.full((times, whole.shape[-1]), CENTRE)
        covariance = np.tensordot(known.weights, whole, 1)
        return mean, np.broadcast_to(covariance, (times, *covariance.shape)), np.tile(known.weights, (times, 1))
    means, likelihoods, covariances = [], [], []
    for each in whole:
        rows = each[at]  # [times, k, n]
        inside = np.take_along_axis(rows, at[:, None, :], 2) + noise[:, :, None] * np.eye(count)
        inside += 1e-10 * np.eye(count)
        root = np.linalg.cholesky(inside)
        off = np.linalg.solve(root, (scores - CENTRE)[..., None])
        reach = np.linalg.solve(root, rows)
        means.append(CENTRE + np.einsum("tkn,tk->tn", reach, off[..., 0]))
        covariances.append(each - np.einsum("tkn,tkm->tnm", reach, reach))
        likelihoods.append(-0.5 * (off**2).sum((1, 2)) - np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1))
    likelihood = np.log(known.weights)[:, None] + np.array(likelihoods)
    weights = np.exp(likelihood - likelihood.max(0))
    weights /= weights.sum(0)
    mean = np.einsum("ct,ctn->tn", weights, np.array(means))
    off = np.array(means) - mean
    covariance = np.einsum("ct,ctnm->tnm", weights, np.array(covariances))
    covariance += np.einsum("ct,ctn,ctm->tnm", weights, off, off)
    return mean, covariance, weights.T
