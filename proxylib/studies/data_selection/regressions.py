"""Losses forecast from the shares of a mixture: what is fitted on small models, and what is not fitted at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

BOOSTING, LINEAR, SHARE = "boosting", "least squares", "share alone"
METHODS = (BOOSTING, LINEAR, SHARE)
TREES, RATE = 1000, 0.01
LEAVES, LEAST_RUNS = 31, 20  # of a tree, and of a leaf: the defaults of the paper's library

#: from the losses [fitted] of some models and their shares to forecasts for other shares [n]
Fit = Callable[[pd.DataFrame, np.ndarray, pd.DataFrame], np.ndarray]


def boosted(shares: pd.DataFrame, losses: np.ndarray, others: pd.DataFrame) -> np.ndarray:
    """Gradient boosting of trees, as RegMix has it but for its early stopping, which looks at the test side."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    machine = HistGradientBoostingRegressor(
        learning_rate=RATE, max_iter=TREES, max_leaf_nodes=LEAVES, min_samples_leaf=LEAST_RUNS, early_stopping=False
    )
    return machine.fit(shares.to_numpy(), losses).predict(others.to_numpy())


def linear(shares: pd.DataFrame, losses: np.ndarray, others: pd.DataFrame) -> np.ndarray:
    """Least squares on the shares; no constant, as they sum to one."""
    import statsmodels.api as sm

    return sm.OLS(losses, shares.to_numpy()).fit().predict(others.to_numpy())


def forecast(method: str, domain: str, shares: pd.DataFrame, losses: np.ndarray, others: pd.DataFrame) -> np.ndarray:
    """Loss on a domain of models on other mixtures; of `SHARE` only the order means something.

    Parameters
    ----------
    method : one of `METHODS`
    domain : of the loss
    shares, losses : [fitted, domains], [fitted] of the models that are fitted on
    others : [n, domains]
    """
    if method == SHARE:
        return -others[domain].to_numpy(float)
    fits: dict[str, Fit] = {BOOSTING: boosted, LINEAR: linear}
    return fits[method](shares, np.asarray(losses, float), others)
