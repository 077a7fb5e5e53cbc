"""Two domains whose lines are known: one for both, another level, another slope."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import f
from studies.loss.grids import BOOTSTRAP, get

from proxylib.stats import Decision, decide
from proxylib.studies.loss import domains_report, second_domain
from proxylib.studies.loss.cell_draws import Draws

LOSSES = np.linspace(0.5, 2.5, 15)


def draws_of(level, slope, noise=2.0, seed=0, rows=60):
    """Fifteen configurations of five bases on a line, each draw with luck of its own about the sample."""
    rng = np.random.default_rng(seed)
    names = [f"{base} k" for base in range(5) for _ in range(3)]
    c = pd.DataFrame({"base": names, "parameters": np.repeat([20, 30, 40, 60, 90], 3), "examples": [162, 323, 584] * 5})
    c = c.assign(parameters=c["parameters"] * 1000)
    loss = LOSSES + rng.normal(0, 0.05, 15)
    score = level + slope * loss + rng.normal(0, noise, 15)
    jitter = lambda values, spread: np.vstack([values, values + rng.normal(0, spread, (rows, 15))])
    signals = {"final_loss": jitter(loss, 0.01)}
    return Draws(c, {name: jitter(score, 1.0) for name in second_domain.SCORES}, signals, {}, BOOTSTRAP)


CASES = {
    "one": {"scribe": draws_of(90, -25), "claims": draws_of(90, -25, seed=1)},
    "level": {"scribe": draws_of(90, -25), "claims": draws_of(60, -25, seed=1)},
    "slope": {"scribe": draws_of(90, -25), "claims": draws_of(90, -5, seed=1)},
}
TABLES = {name: second_domain.relation(drawn) for name, drawn in CASES.items()}
SCORE = second_domain.GRADED


def of(case, domain, statistic):
    return get(TABLES[case], judge=SCORE, domain=domain, statistic=statistic)


def decided(case, domain, statistic, against=0.0):
    row = of(case, domain, statistic)
    return decide(row[["estimate", "low", "high"]], against)


def test_what_differs_is_found_and_what_does_not_is_not():
    wanted = {"one": ("undecided",) * 3, "level": ("undecided", "lower", "higher"), "slope": ("higher", "higher", "higher")}
    for case, words in wanted.items():
        seen = [decided(case, "all", name) for name in ("slope gap", "level gap", "borrowed line minus own")]
        assert [one.value for one in seen] == list(words), case
    assert of("slope", "all", "slope gap")["estimate"] == pytest.approx(2.0, abs=0.3)
    assert of("level", "all", "level gap")["estimate"] == pytest.approx(-30, abs=2)


def test_a_slope_is_borrowed_where_levels_alone_differ():
    assert decided("level", "all", "borrowed slope minus own") is Decision.UNDECIDED
    assert decided("slope", "all", "borrowed slope minus own") is Decision.HIGHER
    assert of("level", "claims", "borrowed slope")["estimate"] < 4 < of("level", "claims", "borrowed line")["estimate"]


def test_a_borrowed_line_may_lose_a_base_as_an_own_one_does():
    """Each base is forecast by the other domain's line without its base of the same place: statsmodels says the same."""
    s = second_domain.side_by_side(CASES["slope"], SCORE)
    x, y, every = s.loss[0], s.score[0], np.ones((1, 30))
    design, missed = sm.add_constant(x), []
    for base in range(5):
        mine, known = (s.base == f"claims/{base} k"), (s.domain == "scribe") & (s.base != f"scribe/{base} k")
        missed.append(y[mine] - sm.OLS(y[known], design[known]).fit().predict(design[mine]))
    wanted = np.sqrt(np.mean(np.square(missed)))
    assert second_domain.borrowed_unseen_error(s, every, "claims")[0] == pytest.approx(wanted)
    assert wanted != pytest.approx(second_domain.borrowed_error(s, every, "claims")[0], rel=1e-3)


def test_the_rule_is_asked_of_every_score():
    table = TABLES["slope"].copy()
    fair = (
        table["judge"].eq(second_domain.STRICT) & table["domain"].eq("all") & table["statistic"].eq("borrowed line minus own")
    )
    table.loc[fair, ["low", "high"]] = -1.0, 1.0  # one score alone
    words = domains_report.by_score(table)
    assert list(words) == ["graded score", "strict rubric", "lenient rubric"]
    assert words["graded score"] is Decision.HIGHER and words["strict rubric"] is not Decision.HIGHER


def test_one_relation_each_where_the_borrowed_line_is_worse():
    assert [domains_report.one_or_each(TABLES[case]) for case in CASES] == [Decision.LOWER, Decision.HIGHER, Decision.HIGHER]


@pytest.mark.parametrize(
    ("borrowed", "slope", "decision"),
    [
        ((0, -1, 2), (0, -1, 1), Decision.LOWER),
        ((0, -1, 2), (2, 1, 3), Decision.UNDECIDED),  # slopes differ, though it costs little
        ((1, -1, 8), (0, -1, 1), Decision.UNDECIDED),  # it may cost more than the margin
        ((3, 1, 4), (0, -1, 1), Decision.HIGHER),
    ],
)
def test_one_line_serves_both_only_if_nothing_differs_and_little_is_lost(borrowed, slope, decision):
    rows = {"borrowed line minus own": borrowed, "slope gap": slope, "level gap": (0, -1, 1)}
    table = pd.DataFrame([(SCORE, "all", name, *ends) for name, ends in rows.items()])
    table.columns = ["judge", "domain", "statistic", "estimate", "low", "high"]
    assert domains_report.one_or_each(table) is decision


def test_errors_are_those_of_lines_that_statsmodels_fits():
    s = second_domain.side_by_side(CASES["slope"], SCORE)
    every, x, y = np.ones((1, 30)), s.loss[0], s.score[0]
    mine, other = (s.domain == name for name in ("claims", "scribe"))
    design = sm.add_constant(x)
    own = []
    for base in np.unique(s.base[mine]):
        out = s.base == base
        own += list(y[out] - sm.OLS(y[mine & ~out], design[mine & ~out]).fit().predict(design[out]))
    borrowed = y[mine] - sm.OLS(y[other], design[other]).fit().predict(design[mine])
    assert second_domain.own_error(s, every, "claims")[0] == pytest.approx(np.sqrt(np.mean(np.square(own))))
    assert second_domain.borrowed_error(s, every, "claims")[0] == pytest.approx(np.sqrt(np.mean(borrowed**2)))


def test_a_base_that_is_left_out_counts_nowhere():
    s = second_domain.side_by_side(CASES["one"], SCORE)
    without = (s.base != "claims/0 k").astype(float)[None]
    strange = s._replace(score=np.where(without == 0, 1e6, s.score))
    for error in second_domain.ERRORS.values():
        for name in s.domains:
            assert error(strange, without, name) == pytest.approx(error(s, without, name))


def test_f_tests_are_those_of_nested_regressions():
    table = second_domain.f_tests(CASES["slope"])
    s = second_domain.side_by_side(CASES["slope"], SCORE)
    x, y, last = s.loss[0], s.score[0], (s.domain == "claims").astype(float)
    left = lambda *columns: np.linalg.lstsq(np.column_stack([np.ones(30), x, *columns]), y)[1].item()
    for added, smaller, larger, rest in (
        ("a level each", left(), left(last), 27),
        ("a slope each", left(last), left(last, x * last), 26),
    ):
        row = get(table, judge=SCORE, added=added)
        assert row["F"] == pytest.approx((smaller - larger) / (larger / rest)) and row["rest"] == rest
        assert row["p"] == pytest.approx(f.sf(row["F"], 1, rest))


def test_claims_are_of_the_last_domain_and_of_both():
    table = second_domain.estimates(CASES["level"], TABLES["level"]).set_index("claim")
    assert table.loc["loss-domains", "estimate"] < -0.9 and table.loc["loss-domains", "n"] == 15
    assert table.loc["loss-second-domain", "low"] > 0 and table.loc["loss-second-domain", "n"] == 30
    assert set(table.index) == {"loss-domains", "loss-second-domain", "ours-borrowed-slope", "ours-second-domain-beyond"}
