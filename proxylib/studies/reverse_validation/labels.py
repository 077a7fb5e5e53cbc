"""Ways to spend an expert's labels on a judge: what kappa so few of them give."""

from __future__ import annotations

import numpy as np

from proxylib.studies.reverse_validation.settings import ReverseValidation
from proxylib.studies.reverse_validation.worth import Bench, kappa, synthetic

RANDOM, SPLIT, MATCHED = WAYS = ("at random", "half on passes", "metric-matched")


def spent(bench: Bench, settings: ReverseValidation) -> dict[tuple[str, int], np.ndarray]:
    """(way, number of labels) -> [repeats, judges] kappa as the labels give it.

    Notes
    -----
    A label is one verdict of the expert on one criterion of one note; five on one note cost less than five on five notes,
    and say less. Random ones are the same for all judges; the two other ways look at each judge's verdicts.
    """
    codes = bench.codes.reshape(len(bench.codes), -1)
    others = synthetic(bench)
    kappas = {}
    for size in settings.labels:
        picks = _picks(codes.shape[1], (settings.repeats, size), settings.seed, size)
        kappas[RANDOM, size] = np.stack([kappa(_counted(line[picks])) for line in codes], 1)
        kappas[SPLIT, size] = np.stack([_split(line, size, settings) for line in codes], 1)
        drawn = _picks(codes.shape[1], (settings.repeats, settings.candidates, size), settings.seed, size, 1)
        kappas[MATCHED, size] = np.stack([_matched(*lines, drawn) for lines in zip(codes, others, strict=True)], 1)
    return kappas


def _picks(whole: int, shape: tuple[int, ...], *seed: int) -> np.ndarray:
    """Places of verdicts; of so many, that one is drawn twice is rare and does no harm."""
    return np.random.default_rng(seed).integers(0, whole, size=shape)


def _counted(codes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """[.., 3, 3] tables of codes [.., n], each counted as often as its weight says, or once."""
    flat = codes.reshape(-1, codes.shape[-1])
    places = flat + 9 * np.arange(len(flat))[:, None]
    counts = np.bincount(places.ravel(), None if weights is None else weights.ravel(), minlength=9 * len(flat))
    return counts.reshape(*codes.shape[:-1], 3, 3)


def _split(codes: np.ndarray, size: int, settings: ReverseValidation) -> np.ndarray:
    """[repeats] kappa of labels spent half on what the judge passes and half on the rest, weighted back to what there is."""
    passes = np.flatnonzero(codes % 3 == 1)
    rest = np.flatnonzero(codes % 3 != 1)
    if not len(passes) or not len(rest):
        return kappa(_counted(codes[_picks(len(codes), (settings.repeats, size), settings.seed, size, 2)]))
    halves, weights = [], []
    for number, (stratum, count) in enumerate(((passes, size // 2), (rest, size - size // 2))):
        halves.append(codes[stratum[_picks(len(stratum), (settings.repeats, count), settings.seed, size, 3 + number)]])
        weights.append(np.full((settings.repeats, count), len(stratum) / len(codes) / count))
    return kappa(_counted(np.concatenate(halves, 1), np.concatenate(weights, 1)))


def _matched(codes: np.ndarray, synthetic: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """[repeats] kappa on the subset whose kappa with a judge at hand is nearest to that of all verdicts.

    After Metric Match (Unell et al. 2026, arXiv 2606.15029), which matches on labels that no person gave.
    """
    wanted = kappa(_counted(synthetic))
    gaps = np.abs(kappa(_counted(synthetic[drawn])) - wanted)
    chosen = drawn[np.arange(len(drawn)), gaps.argmin(1)]
    return kappa(_counted(codes[chosen]))
