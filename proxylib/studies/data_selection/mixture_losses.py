"""Small models' own losses as guides to a mixture, and how well any forecast ranks mixtures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from proxylib.data.published.regmix import TARGET, Mixtures
from proxylib.ranking.decision import decision_accuracy
from proxylib.report import tables
from proxylib.stats import Bootstrap, Drawn, Interval, spearman_draws

MEAN = "mean of the 13"
RHO, ACCURACY = "rank correlation", "decision accuracy"
SHUFFLES = 200
CHOSEN, ORACLE, NAMED = "chosen on the other half", "best on this half (oracle)", "Pile-CC's own"

# ---- how well a forecast ranks ---------------------------------------------------------------------------------------


class Ranked:
    """The mixtures of one size, drawn anew alike for every forecast of a target, so that differences are paired.

    Parameters
    ----------
    target : [n] losses at that size
    bootstrap : over mixtures, each with all of its pairs
    """

    def __init__(self, target: np.ndarray, bootstrap: Bootstrap):
        self.target, self.level = np.asarray(target, float), bootstrap.level
        self.mixtures = bootstrap.over(np.arange(len(self.target)))

    def rho(self, predicted: np.ndarray) -> Drawn:
        """Rank correlation with the target; 0 where a forecast tells nothing apart."""
        return self.mixtures.drawn(spearman_draws(predicted, self.target, self.mixtures.weights, undefined=0.0))

    def accuracy(self, predicted: np.ndarray) -> Drawn:
        """Decision accuracy."""
        return self.mixtures.drawn(decision_accuracy(predicted, self.target, self.mixtures.weights))

    def measures(self, predicted: np.ndarray) -> dict[str, Interval]:
        """Both, with their intervals over mixtures."""
        return {RHO: self.rho(predicted).interval("reflected"), ACCURACY: self.accuracy(predicted).interval()}

    def once(self, predicted: np.ndarray) -> dict[str, float]:
        """Both, of the sample alone."""
        ones = np.ones((1, len(self.target)))
        return {
            RHO: float(spearman_draws(predicted, self.target, ones, undefined=0.0)[0]),
            ACCURACY: float(decision_accuracy(predicted, self.target)),
        }


def widened(interval: Interval, spread: float, level: float) -> Interval:
    """An interval over mixtures with a normal one of the fits' standard deviation added in quadrature to either side."""
    from scipy.stats import norm

    reach = norm.ppf((1 + level) / 2) * spread
    low, high = (np.hypot(interval.estimate - end, reach) for end in interval[1:])
    return Interval(interval.estimate, max(-1.0, interval.estimate - low), min(1.0, interval.estimate + high))


# ---- analyses --------------------------------------------------------------------------------------------------------


def direct(small: Mixtures, large: Mixtures, bootstrap: Bootstrap) -> pd.DataFrame:
    """How a loss of small models ranks mixtures as larger models trained on the same ones do.

    Returns
    -------
    domain (of the small models' loss; `MEAN` of all), against (`TARGET`, or the same domain), measure, estimate, low, high
    """
    losses, rows = small.losses.assign(**{MEAN: small.losses.mean(axis=1)}), []
    for against in (TARGET, None):
        for domain in losses:
            wanted = against or domain
            if wanted in large.losses:
                ranked = Ranked(large.losses[wanted].to_numpy(), bootstrap)
                measures = ranked.measures(losses[domain].to_numpy())
                rows += [(domain, wanted, against is None, name, *interval) for name, interval in measures.items()]
    return pd.DataFrame(rows, columns=["domain", "against", "itself", "measure", *tables.ENDS])


def which_domain(small: Mixtures, large: Mixtures, bootstrap: Bootstrap) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The domain whose loss is the best guide, chosen on one half of the mixtures and tried on the other, both ways.

    Returns
    -------
    signal (`CHOSEN`, `ORACLE`, `NAMED`, and the first two minus the last), estimate, low, high (mean rank correlation with the
    target's loss of both halves; every draw chooses anew); and facts: what was chosen in each half, and the mean of what the
    oracle finds where targets are shuffled

    Notes
    -----
    A choice is by the size of the correlation and takes its sign along. An oracle finds something where there is nothing.
    """
    losses = small.losses.assign(**{MEAN: small.losses.mean(axis=1)})
    target, rng = large.losses[TARGET].to_numpy(), np.random.default_rng(bootstrap.seed)
    order = rng.permutation(len(target))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    drawn = bootstrap.over(np.arange(len(target)))
    of = lambda half, column: spearman_draws(losses[column].to_numpy()[half], target[half], drawn.weights[:, half], 0.0)
    rho = [np.stack([of(half, column) for column in losses], axis=1) for half in halves]  # [1 + draws, candidates] each
    place = np.arange(len(rho[0]))
    picked = [np.abs(values).argmax(axis=1) for values in rho]
    tried = [np.sign(rho[a][place, picked[a]]) * rho[b][place, picked[a]] for a, b in ((0, 1), (1, 0))]
    values = {
        CHOSEN: np.mean(tried, axis=0),
        ORACLE: np.mean([np.abs(values).max(axis=1) for values in rho], axis=0),
        NAMED: np.mean([values[:, list(losses).index(TARGET)] for values in rho], axis=0),
    }
    signals = {name: drawn.drawn(part) for name, part in values.items()}
    rows = [(name, *signal.interval("reflected")) for name, signal in signals.items()]
    rows += [(f"{name} minus {NAMED}", *signals[name].minus(signals[NAMED]).interval()) for name in (CHOSEN, ORACLE)]
    chosen = [str(losses.columns[picks[0]]) for picks in picked]
    return pd.DataFrame(rows, columns=["signal", *tables.ENDS]), {
        "chosen": chosen,
        "null": _oracle_null(losses, target, halves, rng),
    }


def _oracle_null(losses: pd.DataFrame, target: np.ndarray, halves: tuple[np.ndarray, ...], rng: np.random.Generator) -> float:
    """Mean over shuffled targets of what the oracle finds on a half."""
    found = []
    for half in halves:
        ranks = losses.iloc[half].rank()
        ranks = ((ranks - ranks.mean()) / ranks.std(ddof=0)).to_numpy()
        wanted = pd.Series(target[half]).rank()
        wanted = ((wanted - wanted.mean()) / wanted.std(ddof=0)).to_numpy()
        shuffled = np.stack([rng.permutation(wanted) for _ in range(SHUFFLES)])  # [shuffles, half]
        found.append(np.abs(shuffled @ ranks / len(half)).max(axis=1).mean())
    return float(np.mean(found))
