"""What is said of a score whose past cannot be asked: its recent trend, damped, and a quarter of its curve.

The constants are those with which forecasts of published runs erred least, every set judged by what the others taught
(experiment log; `tools/forecast_constants.py` computes them).
"""

from __future__ import annotations

import numpy as np

from proxylib.studies.forecasting.forms import last_score, power_in_compute
from proxylib.studies.forecasting.methods import OURS, Method, predict
from proxylib.studies.forecasting.pooling import Pool, pooled_trend
from proxylib.studies.forecasting.series import Series, Target

DEFAULT = f"damped trend and curve{OURS}"
DAMPING = 0.2  # per unit of log x: by what factor the trend weakens, exp(-DAMPING)
CURVE = 0.25  # weight of the power law


def default(pool: Pool) -> Method:
    """The way, of series that a pool holds."""
    curve = Method("curve", power_in_compute)

    def score(series: Series, target: Target) -> float:
        return (1 - CURVE) * damped(pool, series, target) + CURVE * predict(curve, series, target).value

    return Method(DEFAULT, score, 1.3)


def damped(pool: Pool, series: Series, target: Target) -> float:
    """The last score, and from there the recent trend in log x, which weakens as it goes on; within 0 and 1.

    Notes
    -----
    Damped trends are Gardner and McKenzie's (1985), here in continuous log x: slope (1 - h^-d) / d at h times as far. It never
    asks how far scores can rise, so that it goes wrong by little where they do not.
    """
    steps = np.log(target.x / series.x[-1])
    moved = pooled_trend(pool, series).slope * -np.expm1(-DAMPING * steps) / DAMPING
    return float(np.clip(last_score(series) + moved, 0, 1))
