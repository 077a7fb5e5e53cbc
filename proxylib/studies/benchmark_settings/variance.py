"""Whose variance the scores of models under all settings are: an analysis of variance of the full factorial."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.studies.benchmark_settings.scores import Scores

CROSSED = ("template", "shots", "ask", "decoding", "scorer")
MODEL, REST = "model", "settings with each other, and luck"


def parts(scores: Scores, level: float) -> pd.DataFrame:
    """Shares of the sum of squares of scores of one answer a problem (k = 1).

    Returns
    -------
    source (model, each setting, each setting by model, the rest), kind (model, setting, by model, rest), estimate, low, high
    (jackknife over models), n

    Notes
    -----
    A setting's own share moves all models alike; only its share by model moves their ranks. The design is balanced, so that
    the order of terms changes nothing. Both shares hold some luck of the problems, which are few.
    """
    single = (scores.settings["k"] == 1).to_numpy()
    means, settings = scores.means()[:, single], scores.settings[single]
    crossed = [name for name in CROSSED if len(settings[name].unique()) > 1]
    everybody = np.arange(len(means))
    whole = _shares(means, settings, crossed)
    without = np.array([_shares(means[np.delete(everybody, one)], settings, crossed) for one in everybody])
    sources = [MODEL, *crossed, *(f"{name} by model" for name in crossed), REST]
    kinds = [MODEL, *["setting"] * len(crossed), *["by model"] * len(crossed), "rest"]
    rows = [
        (source, kind, *stats.jackknife_interval(share, left, level), len(means))
        for source, kind, share, left in zip(sources, kinds, whole, without.T, strict=True)
    ]
    return pd.DataFrame(rows, columns=["source", "kind", "estimate", "low", "high", "n"])


def _shares(means: np.ndarray, settings: pd.DataFrame, crossed: list[str]) -> np.ndarray:
    """Shares of the model, each setting, each setting by model, and the rest."""
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    frame = pd.concat([settings[crossed].astype(str).assign(model=str(m), score=row) for m, row in enumerate(means)])
    terms = ["C(model)", *(f"C({name})" for name in crossed), *(f"C(model):C({name})" for name in crossed)]
    table = anova_lm(ols(f"score ~ {' + '.join(terms)}", frame).fit(), typ=2)
    squares = table["sum_sq"].loc[[*terms, "Residual"]].to_numpy()
    return squares / squares.sum()
