"""Lines of pass rate on loss: closed forms, statsmodels, and intervals against the truth of simulated grids."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats as reference
from studies.loss.grids import BOOTSTRAP, DATA, SIZES, drawn, get, made

from proxylib import stats
from proxylib.judging.criteria import LM_JUDGE, PROMPTED
from proxylib.stats import Drawn
from proxylib.studies.loss import cell_draws, lines


def test_a_line_is_that_of_ordinary_least_squares():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 15))
    found, oracle = cell_draws.line(x, y), sm.OLS(y, sm.add_constant(x)).fit()
    assert found["R2"] == pytest.approx(oracle.rsquared)
    assert (found["intercept"], found["slope"]) == pytest.approx(tuple(oracle.params))
    assert found["r"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    quadratic = sm.OLS(y, sm.add_constant(np.stack([x, x**2], 1))).fit().params[2]
    assert lines._quadratic(x[None], y[None])[0] == pytest.approx(quadratic)


def test_walds_test_is_that_of_statsmodels_where_the_draws_have_the_fits_covariance():
    rng = np.random.default_rng(6)
    x = sm.add_constant(rng.standard_normal((40, 2)))
    fit = sm.OLS(x @ [0.2, 0.3, -0.1] + rng.standard_normal(40), x).fit()
    white = rng.standard_normal((200, 3))
    white = (white - white.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(white.T))).T  # covariance one, exactly
    draws = np.vstack([fit.params + white @ np.linalg.cholesky(fit.cov_params()).T, np.full((1, 3), np.nan)])
    wanted = fit.wald_test(np.eye(3), use_f=False, scalar=True).pvalue
    assert lines.wald(Drawn(fit.params, draws, 0.95)) == pytest.approx(float(wanted))
    one = fit.wald_test([0, 1, 0], use_f=False, scalar=True).pvalue
    assert lines.wald(Drawn(fit.params[1:2], draws[:, 1:2], 0.95)) == pytest.approx(float(one))


def test_two_judges_have_a_ratio_only_where_the_second_passes_anything():
    sample = drawn(lambda size, data, _: 0.1 + 0.15 * size, lambda size, data, _: 2 - 0.3 * size, notes=40)
    rates = sample.rates["rubric, strict"]
    twice = sample._replace(rates={"first": 2 * rates, "second": rates, "nothing": 0 * rates})
    assert get(lines.judges(twice, "first", "second"), statistic="ratio")["estimate"] == pytest.approx(2)
    assert "ratio" not in set(lines.judges(twice, "first", "nothing")["statistic"])


def test_the_slope_is_in_points_per_tenth_of_a_nat():
    found = drawn(lambda size, data, _: 0.1 + 0.15 * size, lambda size, data, _: 2 - 0.3 * size, notes=400)
    slope = get(lines.fits(found), judge="rubric, strict", group="all", statistic="slope")
    assert slope["estimate"] == pytest.approx(-5, abs=0.3) and slope["low"] < -5 + 0.5 and slope["high"] > -5 - 0.5


def test_intervals_cover_what_a_larger_sample_of_notes_finds():
    rate, loss = (lambda size, data, _: 0.1 + 0.1 * size + 0.05 * data), (lambda size, data, _: 2 - 0.2 * size)
    truth = lines.fits(drawn(rate, loss, notes=1500, seed=99))
    truth = get(truth, judge="rubric, strict", group="all", statistic="slope")["estimate"]
    hits = 0
    for seed in range(20):
        own = lines.fits(drawn(rate, loss, notes=40, seed=seed))
        row = get(own, judge="rubric, strict", group="all", statistic="slope")
        hits += row["low"] <= truth <= row["high"]
    assert hits >= 16


def test_prompts_are_compared_on_the_same_cells_and_notes():
    cells, verdicts = made(lambda s, d, z: 0.2 + 0.1 * s, lambda s, d, z: 2 - 0.2 * s)
    rng = np.random.default_rng(4)
    own = verdicts[verdicts["judge"] == LM_JUDGE]
    coin = own.assign(judge=PROMPTED["naive"], passed=rng.random(len(own)) < 0.5).astype({"passed": "boolean"})
    both = pd.concat([verdicts, own.assign(judge=PROMPTED["refined"]), coin], ignore_index=True)
    table = lines.prompts(cell_draws.draws(cell_draws.judged(cells, both), BOOTSTRAP))
    assert (
        get(table, prompts="refined", statistic="R2")["estimate"]
        == get(table, prompts="all clauses", statistic="R2")["estimate"]
    )
    assert get(table, prompts="refined", statistic="minus naive")["low"] > 0.3
    assert get(table, prompts="naive", statistic="R2")["estimate"] < 0.4


@pytest.mark.parametrize("share", [0.05, 0.3, 2.0])
def test_intervals_of_r_and_r2_cover_what_is_true_of_these_configurations(share):
    """Percentile intervals do not: noise of the notes lowers R2 from truth to estimate, and again from estimate to draw."""
    wobble = {(size, data): np.random.default_rng(int(size + data)).normal() for size in SIZES for data in DATA}
    mean = lambda s, d: 0.15 + 0.12 * s + 0.03 * d
    key = lambda s, d: (20_000 * 2 ** round(float(s)), min(DATA, key=lambda n: abs(np.log2(n / 100) - d)))
    rate = lambda s, d, z: mean(s, d)
    loss = lambda s, d, z: 2 - 2 * mean(s, d) + share * wobble[key(s, d)]
    cells, _ = made(rate, loss)
    x = cells["final_loss"].to_numpy()
    y = np.array([mean(np.log2(row.parameters / 20_000), np.log2(row.examples / 100)) for row in cells.itertuples()])
    truth, hits = cell_draws.line(x, y), {"r": 0, "R2": 0}
    for seed in range(20):
        fits = lines.fits(drawn(rate, loss, notes=40, seed=seed))
        for statistic in hits:
            own = get(fits, judge="rubric, strict", group="all", statistic=statistic)
            assert own["low"] <= own["estimate"] <= own["high"]
            hits[statistic] += own["low"] <= float(truth[statistic]) <= own["high"]
    assert min(hits.values()) >= 16


def test_single_seeds_are_lines_through_single_runs():
    found = cell_draws.judged(*made(lambda s, d, z: 0.2 + 0.1 * s, lambda s, d, z: 2 - 0.2 * s + 0.1 * z, (1, 2)))
    table = lines.single_seeds(found)
    own = found.cells["seed"] == 2
    rates = cell_draws.pass_rates(found.passed["rubric, strict"][own.to_numpy()], np.ones((1, 60)))[0]
    wanted = np.corrcoef(found.cells.loc[own, "final_loss"], rates)[0, 1]
    assert get(table, judge="rubric, strict", seed=2, statistic="r")["estimate"] == pytest.approx(wanted)


def test_slopes_that_differ_are_told_apart_and_equal_ones_are_not():
    loss = lambda s, d, z: 2 - 0.2 * s
    same = lines.slopes_apart(drawn(lambda s, d, z: 0.2 + 0.1 * s + 0.05 * d, loss, notes=100))
    other = lines.slopes_apart(drawn(lambda s, d, z: 0.2 + (0.05 + 0.05 * d) * s, loss, notes=100))
    same, other = (frame[frame["judge"] == "rubric, strict"] for frame in (same, other))
    assert list(same["pair"]) == ["100 minus 200", "100 minus 360", "200 minus 360"]
    assert same["p"].iloc[0] > 0.01 and (same["low"] < 0.2).all() and (same["high"] > -0.2).all()
    assert other["p"].iloc[0] < 1e-6
    row = get(other, pair="100 minus 360")  # points per 0.1 nats: 0.05 and about 0.142 of a size's 0.2 nats
    assert row["low"] < 0.5 * (100 * 0.05 * np.log2(3.6)) < row["high"]


def test_rates_that_are_equal_but_for_rounding_are_ties():
    rates = np.array([[0.1 + 0.2, 0.3, 0.5, 0.7]])
    assert rates[0, 0] != rates[0, 1]
    assert cell_draws.ranked(rates).tolist() == [[1.5, 1.5, 3, 4]]
    assert np.isnan(cell_draws.ranked(np.array([[1.0, np.nan, 2.0, 3.0]]))).all()


def test_lines_count_a_point_as_often_as_its_weight_says():
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 8))
    weights = rng.integers(0, 4, 8)
    written = np.repeat(np.arange(8), weights)
    for name, value in cell_draws.line(x[written], y[written]).items():
        assert cell_draws.line(x, y, weights)[name] == pytest.approx(value), name


def test_ranks_are_those_of_scipy():
    values = np.random.default_rng(5).integers(0, 4, (3, 8)) / 7
    assert cell_draws.ranked(values).tolist() == reference.rankdata(values, axis=1).tolist()


def test_fits_have_the_rank_correlation_and_an_interval_over_bases():
    drawn_grid = drawn(lambda s, d, z: 0.1 + 0.1 * s + 0.05 * d, lambda s, d, z: 3 - 0.3 * s - 0.1 * d + 0.1 * z, seeds=(1, 2))
    fits = lines.fits(drawn_grid)
    loss, rates = (BOOTSTRAP.drawn(v).estimate for v in (drawn_grid.signals["final_loss"], drawn_grid.rates["rubric, strict"]))
    row = get(fits, judge="rubric, strict", group="all", statistic="spearman")
    assert row["estimate"] == pytest.approx(reference.spearmanr(loss, rates).statistic)
    assert row["low"] <= stats.rank_interval(row["estimate"], 15, 5, BOOTSTRAP.level).low  # five bases, not fifteen points
    assert (fits["low"] <= fits["low_given"]).all() and (fits["high"] >= fits["high_given"]).all()
    five = get(fits, judge="rubric, strict", group="100", statistic="r")
    low, high = stats.fisher_interval(five["estimate"], 5, BOOTSTRAP.level)[1:]
    assert five["low"] <= low and five["high"] >= high
