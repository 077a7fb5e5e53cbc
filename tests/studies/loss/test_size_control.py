"""What loss adds: statsmodels, a loss that adds nothing, and a loss that is everything."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats as reference
from studies.loss.grids import BOOTSTRAP, drawn, get, made

from proxylib.studies.loss import cell_draws, lines, seed_luck, size_control


def test_fits_by_a_design_are_those_of_statsmodels_draw_by_draw():
    rng = np.random.default_rng(5)
    design, values = rng.standard_normal((4, 15, 3)), rng.standard_normal((4, 15))
    oracle = [sm.OLS(y, x).fit().fittedvalues for x, y in zip(design, values, strict=True)]
    assert size_control.predicted_by(design, values) == pytest.approx(np.array(oracle))


def test_a_partial_correlation_is_that_of_its_t_statistic_in_a_regression():
    found = drawn(lambda s, d, z: 0.3 + 0.08 * s + 0.1 * z, lambda s, d, z: 2 - 0.2 * s - 0.1 * d - 0.1 * z, notes=100)
    rates = found.rates["rubric, strict"]
    rows = size_control.partials(found, rates, "final_loss")
    for name, columns in size_control.GIVEN.items():
        known = size_control.design_of(columns, found.configurations, found.signals)[0]
        fit = sm.OLS(rates[0], np.column_stack([found.signals["final_loss"][0], known])).fit()
        wanted = fit.tvalues[0] / np.sqrt(fit.tvalues[0] ** 2 + fit.df_resid)
        own = get(pd.DataFrame(rows), design=name)
        assert own["estimate"] == pytest.approx(wanted)
        assert (abs(own["estimate"]) > own["critical"]) == (fit.pvalues[0] < 0.05)
        quantile = reference.t.ppf(0.975, fit.df_resid)
        assert own["critical"] == pytest.approx(quantile / np.sqrt(fit.df_resid + quantile**2))


def test_left_out_errors_are_those_of_refitting():
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((2, 9))
    design = np.stack([np.ones(9), x], -1)
    oracle = []
    for out in range(9):
        rest = np.delete(np.arange(9), out)
        fit = sm.OLS(y[rest], design[rest]).fit()
        oracle.append(y[out] - design[out] @ fit.params)
    found = size_control._left_out_error(design[None], y[None], np.arange(9))[0]
    assert found == pytest.approx(np.sqrt(np.mean(np.square(oracle))))


def test_a_loss_that_is_only_size_and_data_adds_nothing():
    rate = lambda size, data, _: 0.15 + 0.12 * size + 0.05 * data
    found = drawn(rate, lambda size, data, noise: 2 - 0.3 * size - 0.1 * data + 0.15 * noise, notes=200)
    fits, control = lines.fits(found), size_control.control(found)
    assert get(fits, judge="rubric, strict", group="all", statistic="R2")["estimate"] > 0.9
    for given in size_control.GIVEN:
        partial = get(control, judge="rubric, strict", design=given, form="loss", statistic="partial r")
        assert partial["estimate"] > -partial["critical"] and 0.5 < partial["critical"] < 0.7
    keys = {"judge": "rubric, strict", "validation": "configuration", "statistic": "error"}
    errors = {design: get(control, design=design, **keys)["estimate"] for design in size_control.CONTROLS}
    assert errors["size + data"] < errors["loss"]


def test_a_loss_that_carries_the_seeds_luck_adds_something():
    rate = lambda size, data, noise: np.clip(0.4 + 0.05 * size - 0.12 * noise, 0, 1)
    found = drawn(rate, lambda size, data, noise: 2 - 0.15 * size + 0.36 * noise, notes=150)
    control = size_control.control(found)
    for given in size_control.GIVEN:
        assert get(control, judge="rubric, strict", design=given, form="loss", statistic="partial r")["high"] < -0.8
    difference = get(
        control, judge="rubric, strict", validation="configuration", design="size + data + loss", statistic="error difference"
    )
    assert difference["high"] < 0


def test_what_was_not_measured_is_left_out_and_nothing_else_moves():
    cells, verdicts = made(lambda size, data, _: 0.9 - 0.3 * data, lambda size, data, noise: 20 - size - data + noise)
    whole = cell_draws.draws(cell_draws.judged(cells, verdicts), BOOTSTRAP)
    bare = cell_draws.draws(cell_draws.judged(cells.drop(columns=["copying", cell_draws.PROXY]), verdicts), BOOTSTRAP)
    assert list(bare.configurations) == ["base", "parameters", "examples"] and set(bare.signals) == set(cell_draws.LOSSES)
    table, control = (size_control.control(drawn) for drawn in (whole, bare))
    assert "copying + data" not in set(control["design"])
    pd.testing.assert_frame_equal(table[table["design"] != "copying + data"].reset_index(drop=True), control)
    pd.testing.assert_frame_equal(lines.fits(whole), lines.fits(bare))
    assert set(size_control.signals(bare)["signal"]) == set(cell_draws.LOSSES)
    assert seed_luck.seeds_apart(cell_draws.judged(cells.drop(columns="copying"), verdicts), BOOTSTRAP).empty


def test_a_proxy_that_mirrors_the_loss_predicts_as_well_as_it():
    found = drawn(lambda s, d, z: 0.2 + 0.1 * s, lambda s, d, z: 2 - 0.2 * s)
    table = size_control.signals(found)
    for judge in found.rates:
        loss = get(table, judge=judge, signal="final_loss", statistic="strength")
        assert get(table, judge=judge, signal=cell_draws.PROXY, statistic="strength")["estimate"] == pytest.approx(
            loss["estimate"]
        )
        paired = get(table, judge=judge, signal=cell_draws.PROXY, statistic="minus final loss")
        assert (paired["low"], paired["high"]) == pytest.approx((0, 0), abs=1e-9) and loss["estimate"] > 0.8


def test_seeds_of_one_configuration_tell_loss_from_size_and_data():
    steep = lambda s, d, z: 0.5 + 1.5 * 0.6 ** (s + 0.4 * d)  # of size and data alone, in a shape that no line has
    alone, _ = (
        cell_draws.judged(
            *made(lambda s, d, z: 0.9 - 0.4 * steep(s, d, z), lambda s, d, z: steep(s, d, z) + 0.05 * z, (1, 2, 3))
        ),
        0,
    )
    linear = get(
        size_control.control(cell_draws.draws(alone, BOOTSTRAP)),
        judge="rubric, strict",
        design="size + data",
        form="loss",
        statistic="partial r",
    )
    assert linear["high"] < -linear["critical"]  # a line in log size and log examples is deceived
    found = get(seed_luck.seeds_apart(alone, BOOTSTRAP), judge="rubric, strict")
    assert found["n"] == 45 and abs(found["estimate"]) < 0.45
    lucky = cell_draws.judged(*made(lambda s, d, z: np.clip(0.5 + 0.15 * z, 0, 1), lambda s, d, z: 2 - 0.2 * z, (1, 2, 3)))
    found = get(seed_luck.seeds_apart(lucky, BOOTSTRAP), judge="rubric, strict")
    assert found["high"] < -found["critical"]
    one_seed = cell_draws.judged(*made(lambda s, d, z: 0.5, lambda s, d, z: 2 - z))
    assert seed_luck.seeds_apart(one_seed, BOOTSTRAP).empty


def test_a_design_that_the_kept_configurations_do_not_determine_has_no_error():
    found = drawn(lambda s, d, z: 0.2 + 0.1 * s, lambda s, d, z: 2 - 0.2 * s)
    table = size_control.control(found)
    assert table[(table["design"] == "base + data") & (table["validation"] == "size")].empty
    assert not table[(table["design"] == "base + data") & (table["validation"] == "configuration")].empty


def test_a_bent_effect_of_loss_is_told_by_its_logarithm():
    loss = lambda s, d, z: 3 * 0.7 ** (s + 0.5 * d) * np.exp(0.3 * z)
    rate = lambda s, d, z: np.clip(0.5 - 0.25 * np.log(loss(s, d, z)), 0, 1)
    control = size_control.control(drawn(rate, loss, notes=200))
    keys = {"judge": "rubric, strict", "design": "base + data", "statistic": "partial r"}
    straight, bent = (get(control, form=form, **keys)["estimate"] for form in size_control.FORMS)
    assert bent < straight < 0 and bent < -0.95
    keys = {"judge": "rubric, strict", "validation": "size", "statistic": "error"}
    assert get(control, design="log loss", **keys)["high"] < get(control, design="loss", **keys)["low"]
