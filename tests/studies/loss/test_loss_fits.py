"""Fits over a grid of cells: closed forms, a loss that adds nothing, and a loss that is everything."""

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from proxylib.errors import UserError
from proxylib.judging.criteria import CRITERIA, LM_JUDGE, PROMPTED
from proxylib.stats import Bootstrap, Drawn
from proxylib.studies.loss import cell_draws, lines, scaling, seed_luck, size_control

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)
SIZES, DATA = (20_000, 40_000, 80_000, 160_000, 320_000), (100, 200, 360)


def made(rate, loss, seeds=(1,), notes=60, seed=0):
    """A grid whose verdicts are drawn with given pass rates: functions of (log2 size, log2 data, noise)."""
    rng = np.random.default_rng(seed)
    cells, verdicts = [], []
    for size in SIZES:
        for data in DATA:
            for number in seeds:
                x, noise = (np.log2(size / 20_000), np.log2(data / 100)), rng.standard_normal()
                name = f"cell/{size}-{data}-{number}"
                value = loss(*x, noise)
                row = {
                    "cell": name,
                    "base": f"{size}",
                    "parameters": size,
                    "examples": data,
                    "seed": number,
                    "copying": x[0] / 5,
                }
                signals = dict.fromkeys(cell_draws.LOSSES, value) | {
                    cell_draws.PROXY: 3 - 2 * value
                }  # the proxy grows as losses fall
                cells.append(row | {"diverged": False} | signals)
                share = rate(*x, noise)
                for note in range(notes):
                    for criterion in CRITERIA:
                        verdicts.append((name, note, criterion, "rubric, strict", rng.random() < share))
                        verdicts.append((name, note, criterion, "LM judge", rng.random() < share / 2))
    columns = ["cell", "id", "criterion", "judge", "passed"]
    return pd.DataFrame(cells), pd.DataFrame(verdicts, columns=columns).astype({"passed": "boolean"})


def drawn(*given, **more):
    cells, verdicts = made(*given, **more)
    return cell_draws.draws(cell_draws.grid(cells, verdicts), BOOTSTRAP)


def get(frame, **keys):
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def test_a_line_is_that_of_ordinary_least_squares():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 15))
    found, oracle = cell_draws.line(x, y), sm.OLS(y, sm.add_constant(x)).fit()
    assert found["R2"] == pytest.approx(oracle.rsquared)
    assert (found["intercept"], found["slope"]) == pytest.approx(tuple(oracle.params))
    assert found["r"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    quadratic = sm.OLS(y, sm.add_constant(np.stack([x, x**2], 1))).fit().params[2]
    assert lines._quadratic(x[None], y[None])[0] == pytest.approx(quadratic)


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


def test_pass_rates_leave_out_the_unscored_and_never_count_them_as_failed():
    passed = np.array([[[1, np.nan], [0, 1]], [[np.nan, np.nan], [1, 1]]], float)
    rates = cell_draws.pass_rates(passed, np.ones((1, 2)))
    assert rates[0] == pytest.approx([75, 100])  # the mean over criteria of 100 and 50, and of 100 and 100
    assert cell_draws.pass_rates(passed, np.array([[2, 1]]))[0] == pytest.approx([100 * 5 / 6, 100])


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


def test_seeds_of_a_configuration_are_averaged_and_widen_its_interval():
    rate = lambda size, data, noise: np.clip(0.5 + 0.1 * noise, 0, 1)
    loss = lambda size, data, noise: 2 - 0.1 * size
    one, three = (drawn(rate, loss, seeds=seeds, notes=200) for seeds in ((1,), (1, 2, 3)))
    assert three.rates["rubric, strict"].shape == one.rates["rubric, strict"].shape == (201, 15)
    spread = lambda found: found.rates["rubric, strict"][1:].std(0).mean()
    assert spread(three) > 1.5 * spread(one)


def test_gaps_and_doubles_are_refused_by_name():
    cells, verdicts = made(lambda *_: 0.5, lambda size, data, noise: noise, notes=4)
    name, own = cells.loc[5, "cell"], (verdicts["cell"] == cells.loc[5, "cell"]) & (verdicts["judge"] == "LM judge")
    half = verdicts[~own | (verdicts["id"] < 2)]
    for given, said in (
        ((cells, half), f"judge LM judge has 10 verdicts on cell {name}, and on all cells together 20 pairs"),
        ((cells, verdicts[~own | (verdicts["criterion"] != CRITERIA[0])]), f"LM judge has 16 verdicts on cell {name}"),
        ((cells, pd.concat([verdicts, verdicts[own].head(1)])), f"two verdicts on {CRITERIA[0]} of note 0 of cell {name}"),
        ((pd.concat([cells, cells.tail(1)], ignore_index=True), verdicts), f"cell {cells['cell'].iloc[-1]} occurs twice"),
        ((cells, verdicts.head(0)), "no cell has verdicts"),
        ((cells, verdicts[(verdicts["judge"] != "LM judge") | (verdicts["id"] < 2)]), "have judged other notes"),
    ):
        with pytest.raises(UserError, match=re.escape(said)):
            cell_draws.grid(*given)
    unscored = verdicts.assign(passed=verdicts["passed"].mask(own & (verdicts["id"] < 2)))
    assert np.isnan(cell_draws.grid(cells, unscored).passed["LM judge"][5]).sum() == 10  # unscored is a verdict


def test_what_was_not_measured_is_left_out_and_nothing_else_moves():
    cells, verdicts = made(lambda size, data, _: 0.9 - 0.3 * data, lambda size, data, noise: 20 - size - data + noise)
    whole = cell_draws.draws(cell_draws.grid(cells, verdicts), BOOTSTRAP)
    bare = cell_draws.draws(cell_draws.grid(cells.drop(columns=["copying", cell_draws.PROXY]), verdicts), BOOTSTRAP)
    assert list(bare.configurations) == ["base", "parameters", "examples"] and set(bare.signals) == set(cell_draws.LOSSES)
    table, control = (size_control.control(drawn) for drawn in (whole, bare))
    assert "copying + data" not in set(control["design"])
    pd.testing.assert_frame_equal(table[table["design"] != "copying + data"].reset_index(drop=True), control)
    pd.testing.assert_frame_equal(lines.fits(whole), lines.fits(bare))
    assert set(size_control.signals(bare)["signal"]) == set(cell_draws.LOSSES)
    assert seed_luck.seeds_apart(cell_draws.grid(cells.drop(columns="copying"), verdicts), BOOTSTRAP).empty


def test_a_diverged_cell_enters_no_fit_and_too_few_cells_are_named():
    cells, verdicts = made(lambda *_: 0.5, lambda size, data, noise: noise)
    cells.loc[0, "diverged"] = True
    found = cell_draws.grid(cells, verdicts)
    assert len(found.cells) == 14 and cells.loc[0, "cell"] not in set(found.cells["cell"])
    with pytest.raises(UserError, match="3 cells did not diverge, at least 4"):
        cell_draws.grid(cells.head(4), verdicts)
    with pytest.raises(UserError, match="judge LM judge has no verdict on cell"):
        cell_draws.grid(cells, verdicts[(verdicts["judge"] != "LM judge") | (verdicts["cell"] != cells.loc[5, "cell"])])


def test_inversions_need_a_lower_score_and_a_higher_loss():
    cells, verdicts = made(lambda size, data, _: 0.9 - 0.3 * data, lambda size, data, _: 1 + data, notes=300)
    found = seed_luck.inversions(cell_draws.grid(cells, verdicts), "rubric, strict")
    assert len(found) == 10 and found["inverted"].all()
    cells["final_loss"] = -cells["final_loss"]
    found = seed_luck.inversions(cell_draws.grid(cells, verdicts), "rubric, strict")
    assert (found["score_drop"] > 0).all() and not found["inverted"].any()


def test_the_frontier_has_no_regret_where_loss_orders_the_configurations():
    found = drawn(
        lambda size, data, _: 0.1 + 0.15 * size + 0.04 * data, lambda size, data, _: 3 - 0.15 * size - 0.04 * data, notes=500
    )
    table = scaling.frontier(found, "rubric, strict")
    assert (table["regret"] < 3).all() and (table["best_rate"].diff().dropna() >= 0).all()
    assert table["budget"].is_monotonic_increasing and (table["high"] >= 0).all()


def test_shapes_are_told_apart():
    found = drawn(lambda size, data, _: 0.1 + 0.12 * size, lambda size, data, _: -size, notes=600)
    own = scaling.scaling(found)
    keys = {"judge": "rubric, strict", "along": "parameters", "group": "360", "statistic": "error"}
    assert get(own, shape="log-linear", **keys)["estimate"] < get(own, shape="saturating", **keys)["estimate"]
    gain = get(own, shape="log-linear", **keys | {"statistic": "gain"})
    assert gain["estimate"] == pytest.approx(12, abs=1)


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


def test_prompts_are_compared_on_the_same_cells_and_notes():
    cells, verdicts = made(lambda s, d, z: 0.2 + 0.1 * s, lambda s, d, z: 2 - 0.2 * s)
    rng = np.random.default_rng(4)
    own = verdicts[verdicts["judge"] == LM_JUDGE]
    coin = own.assign(judge=PROMPTED["naive"], passed=rng.random(len(own)) < 0.5).astype({"passed": "boolean"})
    both = pd.concat([verdicts, own.assign(judge=PROMPTED["refined"]), coin], ignore_index=True)
    table = lines.prompts(cell_draws.draws(cell_draws.grid(cells, both), BOOTSTRAP))
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


def test_seeds_of_one_configuration_tell_loss_from_size_and_data():
    steep = lambda s, d, z: 0.5 + 1.5 * 0.6 ** (s + 0.4 * d)  # of size and data alone, in a shape that no line has
    alone, _ = (
        cell_draws.grid(
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
    lucky = cell_draws.grid(*made(lambda s, d, z: np.clip(0.5 + 0.15 * z, 0, 1), lambda s, d, z: 2 - 0.2 * z, (1, 2, 3)))
    found = get(seed_luck.seeds_apart(lucky, BOOTSTRAP), judge="rubric, strict")
    assert found["high"] < -found["critical"]
    one_seed = cell_draws.grid(*made(lambda s, d, z: 0.5, lambda s, d, z: 2 - z))
    assert seed_luck.seeds_apart(one_seed, BOOTSTRAP).empty


def test_a_design_that_the_kept_configurations_do_not_determine_has_no_error():
    found = drawn(lambda s, d, z: 0.2 + 0.1 * s, lambda s, d, z: 2 - 0.2 * s)
    table = size_control.control(found)
    assert table[(table["design"] == "base + data") & (table["validation"] == "size")].empty
    assert not table[(table["design"] == "base + data") & (table["validation"] == "configuration")].empty


def test_equal_configurations_have_no_regret():
    means = []
    for seed in range(8):
        found = drawn(lambda s, d, z: 0.4, lambda s, d, z: 2 - 0.1 * s - 0.05 * d, notes=60, seed=seed)
        table = scaling.frontier(found, "rubric, strict")
        means.append(table["regret"].mean())
        assert (table["low"] <= 0).all()
    assert abs(np.mean(means)) < 1.5


def test_single_seeds_are_lines_through_single_runs():
    found = cell_draws.grid(*made(lambda s, d, z: 0.2 + 0.1 * s, lambda s, d, z: 2 - 0.2 * s + 0.1 * z, (1, 2)))
    table = lines.single_seeds(found)
    own = found.cells["seed"] == 2
    rates = cell_draws.pass_rates(found.passed["rubric, strict"][own.to_numpy()], np.ones((1, 60)))[0]
    wanted = np.corrcoef(found.cells.loc[own, "final_loss"], rates)[0, 1]
    assert get(table, judge="rubric, strict", seed=2, statistic="r")["estimate"] == pytest.approx(wanted)


def test_a_bent_effect_of_loss_is_told_by_its_logarithm():
    loss = lambda s, d, z: 3 * 0.7 ** (s + 0.5 * d) * np.exp(0.3 * z)
    rate = lambda s, d, z: np.clip(0.5 - 0.25 * np.log(loss(s, d, z)), 0, 1)
    control = size_control.control(drawn(rate, loss, notes=200))
    keys = {"judge": "rubric, strict", "design": "base + data", "statistic": "partial r"}
    straight, bent = (get(control, form=form, **keys)["estimate"] for form in size_control.FORMS)
    assert bent < straight < 0 and bent < -0.95
    keys = {"judge": "rubric, strict", "validation": "size", "statistic": "error"}
    assert get(control, design="log loss", **keys)["high"] < get(control, design="loss", **keys)["low"]


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


def test_two_runs_that_differ_by_luck_alone_look_inverted_one_time_in_four():
    noise = iter(np.random.default_rng(7).standard_normal(1000))
    same = cell_draws.grid(
        *made(lambda s, d, z: np.clip(0.5 + 0.1 * z, 0, 1), lambda s, d, z: 2 + 0.1 * next(noise), (1, 2, 3))
    )
    row = seed_luck.inversions_by_luck(same, "rubric, strict", BOOTSTRAP).iloc[0]
    assert abs(row["no_effect"] - 0.25) < 0.08 and row["pairs"] == 10
    assert row["low"] <= row["observed"] <= row["high"] and row["high"] - row["low"] > 0.3  # ten pairs, not ninety
    apart = cell_draws.grid(*made(lambda s, d, z: 0.2 + 0.3 * d, lambda s, d, z: 2 - d + 0.01 * z, (1, 2, 3)))
    row = seed_luck.inversions_by_luck(apart, "rubric, strict", BOOTSTRAP).iloc[0]
    assert row["observed"] == 0 and row["as_found"] < 0.001
    assert seed_luck.inversions_by_luck(
        cell_draws.grid(*made(lambda s, d, z: 0.5, lambda s, d, z: 2 - d)), "rubric, strict", BOOTSTRAP
    ).empty


def test_silent_notes_fail_and_everything_else_stays():
    found = cell_draws.grid(*made(lambda s, d, z: 0.3 + 0.1 * s, lambda s, d, z: 2 - 0.2 * s, notes=60))
    silent = np.zeros((15, 60), bool)
    silent[:3] = True  # the smallest base writes nothing
    strict = size_control.without_facts(found, silent)
    assert (strict.passed["rubric, strict"][:3] == 0).all()
    assert (strict.passed["rubric, strict"][3:] == found.passed["rubric, strict"][3:]).all()
    table = size_control.silence(cell_draws.draws(found, BOOTSTRAP), cell_draws.draws(strict, BOOTSTRAP))
    assert get(table, judge="rubric, strict", group="all", statistic="R2 minus as judged")["high"] < 0
    none = size_control.silence(*[cell_draws.draws(found, BOOTSTRAP)] * 2)
    assert (none.loc[none["statistic"] == "R2 minus as judged", ["estimate", "low", "high"]] == 0).all(axis=None)


def test_rates_that_are_equal_but_for_rounding_are_ties():
    rates = np.array([[0.1 + 0.2, 0.3, 0.5, 0.7]])
    assert rates[0, 0] != rates[0, 1]
    assert lines.rank_agreement(rates, np.array([[1.0, 1.0, 2.0, 3.0]])) == pytest.approx([1])
    assert np.isnan(lines.rank_agreement(rates, np.array([[1.0, np.nan, 2.0, 3.0]]))).all()
