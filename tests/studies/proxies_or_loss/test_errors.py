"""Errors on bases left out: by hand, and a choice that never sees the base it is judged on."""

import numpy as np
import pytest
import statsmodels.api as sm
from studies.proxies_or_loss.made import get, made

from proxylib.measure import proxies
from proxylib.studies.proxies_or_loss import errors, grid


def test_an_error_is_that_of_a_line_fitted_elsewhere():
    whole = made(lambda s, d, z: 10 * s + z, lambda s, d, z: 3 - s - 0.2 * z, scores=["LM judge"])
    table, _ = errors.errors(whole, 0.95)
    x, y, bases = whole.signals[grid.FINAL].to_numpy(), whole.scores["LM judge"].to_numpy(), whole.place["base"]
    wanted = []
    for base in bases.unique():
        rest = (bases != base).to_numpy()
        fit = sm.OLS(y[rest], sm.add_constant(x[rest])).fit()
        wanted.append(np.sqrt(np.mean((fit.predict(sm.add_constant(x[~rest])) - y[~rest]) ** 2)))
    row = get(table, score="LM judge", known=grid.FINAL, statistic="error")
    assert row["estimate"] == pytest.approx(np.mean(wanted)) and row["low"] < row["estimate"] < row["high"]
    nothing = get(table, score="LM judge", known=errors.NOTHING, statistic="error")["estimate"]
    gap = get(table, score="LM judge", known=grid.FINAL, statistic="error minus nothing")["estimate"]
    assert gap == pytest.approx(row["estimate"] - nothing) and gap < 0


def test_the_best_of_eighty_is_chosen_without_the_base_that_it_is_judged_on():
    """One statistic is perfect on all bases but the last, where it is wild: chosen there, and only there, it fails."""
    whole = made(lambda s, d, z: 10 * s + z, lambda s, d, z: 3 - s, scores=["LM judge"])
    spoiled = whole.scores["LM judge"].to_numpy().copy()
    spoiled[(whole.place["base"] == whole.place["base"].iloc[-1]).to_numpy()] = -20
    name = proxies.NAMES[17]
    whole.signals[name] = spoiled
    table, chosen = errors.errors(whole, 0.95)
    assert errors.best(whole, "LM judge") != name
    assert chosen[chosen["score"] == "LM judge"]["signal"].iloc[-1] == name
    assert get(table, score="LM judge", known=errors.BEST, statistic="error")["estimate"] > 10
