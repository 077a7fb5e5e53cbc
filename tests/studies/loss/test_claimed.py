"""What the scoreboard takes from the fits, worked out by other libraries and on grids whose answer is known."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats as reference
from studies.loss.grids import BOOTSTRAP, DATA, SIZES, get, made

from proxylib.judging.criteria import GRADED, LM_JUDGE, STRICT
from proxylib.report import scoreboard
from proxylib.studies.loss import cell_draws, claimed


def claims_of(rate, loss, **more):
    grid = cell_draws.judged(*made(rate, loss, **more))
    drawn = cell_draws.draws(grid, BOOTSTRAP)
    return claimed.estimates(grid, drawn).set_index("claim"), drawn, grid


@pytest.fixture(scope="module")
def fixed():
    rate = lambda size, data, noise: np.clip(0.2 + 0.08 * size + 0.1 * data, 0, 1)
    return claims_of(rate, lambda size, data, noise: 2 - 0.2 * size - 0.15 * data + 0.3 * noise, seeds=(1, 2))


def test_claims_are_those_of_other_libraries(fixed):
    claims, drawn, _ = fixed
    once = lambda values: BOOTSTRAP.drawn(values).estimate
    loss, rates, other = (once(values) for values in (drawn.signals["final_loss"], drawn.rates[LM_JUDGE], drawn.rates[STRICT]))
    known = drawn.configurations
    regimes = [(known["examples"] == count).to_numpy() for count in DATA]
    fits = [sm.OLS(rates[members], sm.add_constant(loss[members])).fit() for members in regimes]
    whole = sm.OLS(rates, sm.add_constant(loss)).fit()
    logs = np.log(known[["parameters", "examples"]].to_numpy(float))
    gains = sm.OLS(rates, sm.add_constant(logs / np.log(2))).fit().params
    product = np.prod(logs - logs.mean(0), axis=1)
    levels = np.column_stack([pd.get_dummies(known["base"]).to_numpy(float), logs[:, 1], product])
    rest = [sm.OLS(values, levels).fit().resid for values in (loss, rates)]
    bent = [sm.OLS(rates, sm.add_constant(np.column_stack([loss**power for power in range(1, most + 1)]))) for most in (1, 2)]
    left = [np.sqrt(np.mean(fit.fit().get_influence().resid_press ** 2)) for fit in bent]
    expected = {
        "loss-r": reference.pearsonr(loss, rates).statistic,
        "loss-r-second-judge": reference.pearsonr(loss, other).statistic,
        "loss-slope": 0.1 * whole.params[1],
        "loss-linear": left[0] - left[1],
        "loss-regimes-gain": np.mean([fit.rsquared_adj for fit in fits]) - whole.rsquared_adj,
        "loss-regimes-slopes": 0.1 * (fits[0].params[1] - fits[-1].params[1]),
        "loss-judges": reference.spearmanr(np.round(rates, 9), np.round(other, 9)).statistic,
        "loss-size": gains[1],
        "loss-data": gains[2],
        "loss-beyond": reference.pearsonr(*rest).statistic,
    }
    for claim, value in expected.items():
        assert claims.loc[claim, "estimate"] == pytest.approx(value, abs=1e-6), claim


def test_the_interval_that_decides_holds_the_one_with_configurations_fixed(fixed):
    claims, _, _ = fixed
    assert set(claims.index) >= {"loss-r", "loss-monotonic", "loss-size-consistent", "loss-inversions", "loss-size-diminishing"}
    assert (claims["low"] <= claims["low_given"]).all() and (claims["high"] >= claims["high_given"]).all()
    strictly = claims.loc[["loss-r", "loss-slope"]]
    assert (strictly["high"] - strictly["low"] > 1.2 * (strictly["high_given"] - strictly["low_given"])).all()
    few = {"loss-monotonic": 5, "loss-size-consistent": 4}
    assert (claims["n"].drop([*few, "loss-inversions"]) == 15).all() and claims["n"]["loss-inversions"] < 15
    assert dict(claims["n"][list(few)]) == few and not set(claims["n_unit"][list(few)]) & set(claims["n_unit"][["loss-r"]])
    assert (claims["level"] == BOOTSTRAP.level).all()


def test_steps_along_size_and_data_are_counted():
    claims, _, _ = claims_of(lambda s, d, z: 0.1 + 0.15 * s + 0.05 * d, lambda s, d, z: 2 - 0.2 * s, notes=200)
    assert claims.loc["loss-size-consistent", "estimate"] == 1 and claims.loc["loss-monotonic", "estimate"] == 1
    # five bases that all rise do not show that all bases do: a share of .478 gives five of five one time in forty
    assert claimed._exact(1.0, 5, 0.95).low == pytest.approx(0.025 ** (1 / 5))
    assert 0.3 < claims.loc["loss-monotonic", "low"] <= 0.025 ** (1 / 5)
    falls, _, _ = claims_of(lambda s, d, z: 0.9 - 0.15 * s - 0.05 * d, lambda s, d, z: 2 - 0.2 * s, notes=200)
    assert falls.loc["loss-size-consistent", "estimate"] == 0 and falls.loc["loss-monotonic", "estimate"] == 0


def test_steps_along_size_are_not_those_along_data():
    apart, _, _ = claims_of(lambda s, d, z: 0.3 + 0.15 * s - 0.1 * d, lambda s, d, z: 2 - 0.2 * s, notes=200)
    assert apart.loc["loss-size-consistent", "estimate"] == 1 and apart.loc["loss-monotonic", "estimate"] == 0


def test_diminishing_returns_are_told_from_growing_ones():
    loss = lambda s, d, z: 2 - 0.2 * s
    early, _, _ = claims_of(lambda s, d, z: 0.9 - 0.7 * 2.0 ** (-s), loss, notes=200)
    late, _, _ = claims_of(lambda s, d, z: 0.05 + 0.05 * 2.0**s, loss, notes=200)
    assert early.loc["loss-size-diminishing", "low"] > 0 > late.loc["loss-size-diminishing", "high"]
    assert early.loc["loss-size-log-linear", "estimate"] > 0 > late.loc["loss-size-log-linear", "estimate"]


def test_the_luck_of_bases_widens_what_is_said_of_the_shape_along_size():
    """The luck of a base is the same at every number of examples, so that these agree on a shape that is luck alone."""
    claims = ["loss-size-diminishing", "loss-size-log-linear"]
    luck = dict(zip(SIZES, (-0.1, 0.1, 0.0, 0.0, -0.1), strict=True))
    size = lambda s: 20_000 * 2 ** round(float(s))
    smooth, _, _ = claims_of(lambda s, d, z: 0.2 + 0.1 * s, lambda s, d, z: 2 - 0.2 * s, notes=200)
    lucky, drawn, _ = claims_of(lambda s, d, z: 0.2 + 0.1 * s + luck[size(s)], lambda s, d, z: 2 - 0.2 * s, notes=200)
    lengths = {name: lucky.loc[claims, f"high{name}"] - lucky.loc[claims, f"low{name}"] for name in ("", "_given")}
    assert lucky.loc["loss-size-diminishing", "low_given"] > 0 > lucky.loc["loss-size-diminishing", "low"]
    assert (lengths[""] > 1.5 * lengths["_given"]).all()
    assert lengths[""].iloc[0] > 3 * (smooth.loc[claims[0], "high"] - smooth.loc[claims[0], "low"])
    rates = BOOTSTRAP.drawn(drawn.rates[LM_JUDGE]).estimate.reshape(len(SIZES), len(DATA)).mean(1)
    by_hand = []
    for members in np.random.default_rng(5).integers(0, 5, (4000, 5)):
        kept = np.unique(members)
        if len(kept) > 2:
            steps = np.diff(rates[kept]) / np.diff(kept)
            by_hand.append(steps[0] - steps[-1])
    assert lengths[""].iloc[0] == pytest.approx(2 * reference.t.ppf(0.975, 4) * np.std(by_hand), rel=0.15)


def test_a_fall_that_shows_in_the_loss_counts_as_an_inversion():
    wobble = lambda s, d: np.sin(40 * (s + 1.7 * d))
    follows, _, _ = claims_of(lambda s, d, z: 0.5 + 0.3 * wobble(s, d), lambda s, d, z: 2 - wobble(s, d), notes=100)
    apart, _, _ = claims_of(lambda s, d, z: 0.5 + 0.3 * wobble(s, d), lambda s, d, z: 2 - 0.2 * d - 0.1 * s, notes=100)
    assert follows.loc["loss-inversions", "estimate"] > 0.8 and apart.loc["loss-inversions", "estimate"] == 0
    assert follows.loc["loss-inversions", "high"] > 0.8 and 0 < apart.loc["loss-inversions", "high"] < 0.55
    rising, _, _ = claims_of(lambda s, d, z: 0.1 + 0.25 * d, lambda s, d, z: 2 - 0.2 * d, notes=300)
    assert "loss-inversions" not in rising.index  # nothing falls


def test_every_row_is_one_that_the_scoreboard_reads(fixed):
    known = scoreboard.claims().query("stage == 'loss_fits'")
    rows, of_other_judges = set(known["row"].fillna(known["id"])), {"loss-naive-prompts", "loss-graded"}
    assert set(fixed[0].index) == rows - of_other_judges


def test_a_loss_that_follows_a_bases_luck_adds_something_and_one_that_knows_only_size_and_data_does_not():
    luck = {(size, data): np.random.default_rng(int(size + data)).normal() for size in SIZES for data in DATA}
    key = lambda s, d: (20_000 * 2 ** round(float(s)), min(DATA, key=lambda n: abs(np.log2(n / 100) - d)))
    rate = lambda s, d, z: 0.3 + 0.08 * s + 0.05 * luck[key(s, d)]
    knows, _, _ = claims_of(rate, lambda s, d, z: 3 - 0.2 * s - 0.3 * luck[key(s, d)], notes=300)
    blind, _, _ = claims_of(rate, lambda s, d, z: 3 - 0.2 * s + 0.01 * z, notes=300)
    assert knows.loc["loss-beyond", "high"] < 0 < blind.loc["loss-beyond", "high"]
    assert get(knows.reset_index(), claim="loss-beyond")["estimate"] < -0.9


def test_the_graded_score_has_a_row_of_its_own_where_there_is_one():
    cells, verdicts = made(lambda s, d, z: 0.2 + 0.1 * s, lambda s, d, z: 2 - 0.2 * s - 0.01 * d)
    graded = verdicts[verdicts["judge"] == STRICT].assign(judge=GRADED, passed=0.5).astype({"passed": "Float64"})
    step = graded["cell"].map(cells.set_index("cell")["final_loss"])
    both = pd.concat([verdicts.astype({"passed": "Float64"}), graded.assign(passed=1 - step / 3)])
    grid = cell_draws.judged(cells, both)
    claims = claimed.estimates(grid, cell_draws.draws(grid, BOOTSTRAP)).set_index("claim")
    assert claims.loc["loss-graded", "estimate"] == pytest.approx(-1) and claims.loc["loss-graded", "high"] < -0.9
