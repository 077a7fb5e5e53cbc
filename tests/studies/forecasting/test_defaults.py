"""Where no past can be asked: a trend that goes on and weakens, and a quarter of the curve."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.forecasting import defaults, pooling
from proxylib.studies.forecasting.forms import power_in_compute
from proxylib.studies.forecasting.methods import predict
from proxylib.studies.forecasting.series import Target


@pytest.fixture
def line(loaded):
    """A score that is a line in log tokens, .04 more at every doubling."""
    x = np.geomspace(1e9, 1e11, 12)
    return loaded(pd.DataFrame({"task": "a", "tokens": x, "score": 0.2 + 0.04 * np.log2(x / 1e9)}), "tokens=8e11")


def test_a_trend_goes_on_less_and_less_and_never_turns(line):
    series, pool = line.series[0], pooling.Pool(line)
    last, slope = float(series.score[-1]), 0.04 / np.log(2)
    ahead = [defaults.damped(pool, series, Target(1e11 * times)) for times in (1.0001, 2, 8, 1e3)]
    assert ahead[0] == pytest.approx(last, abs=1e-5)
    assert ahead[2] == pytest.approx(last + slope * (1 - 8**-defaults.DAMPING) / defaults.DAMPING)
    assert last < ahead[1] < ahead[2] < ahead[3] < last + slope / defaults.DAMPING
    assert ahead[2] < last + slope * np.log(8)  # the line itself


def test_the_default_is_a_quarter_the_curve_and_the_last_score_where_nothing_is_known(line, loaded):
    series, pool = line.series[0], pooling.Pool(line)
    curve, damped = power_in_compute(series, line.target), defaults.damped(pool, series, line.target)
    said = predict(defaults.default(pool), series, line.target)
    assert said.value == pytest.approx(0.75 * damped + 0.25 * curve) and not said.fallback and abs(curve - damped) > 0.01
    flat = loaded(
        pd.DataFrame({"task": "a", "tokens": np.geomspace(1e9, 1e11, 6), "score": 0.26, "chance": 0.25, "items": 100})
    )
    said = predict(defaults.default(pooling.Pool(flat)), flat.series[0], flat.target)
    assert said.value == 0.26 and said.fallback == "scores at chance"
