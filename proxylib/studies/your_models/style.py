"""Whether the proxy orders models by the style that they read rather than by their scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from proxylib import stats
from proxylib.stats import Bootstrap, Interval
from proxylib.studies.your_models import compare

if TYPE_CHECKING:
    from proxylib.studies.your_models.rank import Ranked


def follows_style(ranked: Ranked, bootstrap: Bootstrap) -> tuple[Interval, Interval, Interval] | None:
    """Rank correlations over models: of the proxy, and of known scores, with the share of the expert's style that they read;
    and of the proxy with the scores.

    None where shares or scores of fewer than five models are known, or shares do not differ. Intervals draw models, and are
    Fisher's where these are wider: a handful of models drawn again is no sample of others. Where too few draws tell any apart
    they have no ends, so that nothing is decided.

    A proxy that follows the style and not the scores points the wrong way between models that differ in it.
    """
    if ranked.read is None or ranked.fitted is None:
        return None
    share = ranked.read.dropna()  # what read no worked solution has none
    if len(share) < 5 or share.nunique() < 2:
        return None
    models = bootstrap.over(np.arange(len(share)))
    proxy, scores = ranked.comparison.values[compare.WINNER], ranked.fitted.order.set_index("model")["score"]
    pairs = ((share, proxy), (share, scores), (scores, proxy))
    of = lambda x, y: stats.spearman_draws(x.loc[share.index], y.loc[share.index], models.weights)
    drawn = [models.drawn(of(*pair)).interval("reflected", undefined="nan") for pair in pairs]
    return tuple(_as_fisher(interval, len(share), bootstrap.level) for interval in drawn)


def _as_fisher(interval: Interval, n: int, level: float) -> Interval:
    """The interval of a correlation, as wide as Fisher's of so many pairs at the least."""
    fisher = stats.fisher_interval(interval.estimate, n, level)
    return Interval(interval.estimate, min(interval.low, fisher.low), max(interval.high, fisher.high))
