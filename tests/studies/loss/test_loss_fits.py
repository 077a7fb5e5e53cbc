"""What the scoreboard takes from the fits, worked out by other libraries; the cells of a schedule; rates that leave gaps."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats as reference
from studies.loss.grids import BOOTSTRAP, drawn, get

from proxylib.judging.criteria import LM_JUDGE, STRICT
from proxylib.studies.loss import loss_fits


@pytest.fixture(scope="module")
def found():
    rate = lambda size, data, noise: np.clip(0.2 + 0.08 * size + 0.1 * data, 0, 1)
    loss = lambda size, data, noise: 2 - 0.2 * size - 0.15 * data + 0.3 * noise
    return drawn(rate, loss, seeds=(1, 2))


def test_claims_are_those_of_other_libraries(found):
    claims = loss_fits.estimates(found, LM_JUDGE, STRICT)
    once = lambda values: BOOTSTRAP.drawn(values).estimate
    loss, rates, other = (once(values) for values in (found.signals["final_loss"], found.rates[LM_JUDGE], found.rates[STRICT]))
    known = found.configurations
    regimes = [reference.pearsonr(loss[own], rates[own]).statistic for own in (known["examples"] == n for n in (100, 200, 360))]
    logs = sm.add_constant(np.log2(known[["parameters", "examples"]].to_numpy(float)))
    gains = sm.OLS(rates, logs).fit().params
    levels = np.column_stack([pd.get_dummies(known["base"]).to_numpy(float), np.log(known["examples"])])
    rest = [sm.OLS(values, levels).fit().resid for values in (loss, rates)]
    expected = {
        "loss-r": reference.pearsonr(loss, rates).statistic,
        "loss-slope": 0.1 * reference.linregress(loss, rates).slope,
        "loss-regimes": max(regimes),  # the weakest of three that are negative
        "loss-judges": reference.spearmanr(np.round(rates, 9), np.round(other, 9)).statistic,
        "loss-size": gains[1],
        "loss-data": gains[2],
        "loss-beyond": reference.pearsonr(*rest).statistic,
    }
    assert min(regimes) < max(regimes) < 0 and set(claims["claim"]) == set(expected)
    for claim, value in expected.items():
        row = get(claims, claim=claim)
        assert row["estimate"] == pytest.approx(value, abs=1e-9), claim
        assert row["low"] < row["high"] and row["n"] == 15 and row["level"] == BOOTSTRAP.level


def test_the_middle_number_of_examples_belongs_to_both_schedules():
    rows = [(8, "epochs"), (16, "epochs"), (32, "epochs"), (8, "steps"), (32, "steps")]
    cells = pd.DataFrame(rows, columns=["examples", "schedule"])
    assert loss_fits.in_schedule(cells, "epochs")["examples"].tolist() == [8, 16, 32]
    assert loss_fits.in_schedule(cells, "steps").to_numpy().tolist() == [[8, "steps"], [32, "steps"], [16, "epochs"]]


def test_rates_are_of_the_scored_and_the_unscored_are_told():
    passed = pd.array([True, None, False, True], dtype="boolean")
    verdicts = pd.DataFrame({"cell": "a", "judge": [LM_JUDGE] * 3 + [STRICT], "passed": passed})
    (row,) = loss_fits._rates(verdicts).to_dict("records")
    assert row == {"cell": "a", LM_JUDGE: 50.0, STRICT: 100.0, "unscored": pytest.approx(100 / 3)}
