"""What claims about ranking are held against: nulls that repeat the choice, margins above chance, tasks as a sample."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as reference
from studies.proxy_metrics.populations import BOOTSTRAP, TASKS, population

from proxylib.measure import features, proxies
from proxylib.ranking import nulls, protocols, summaries
from proxylib.report import scoreboard, tables
from proxylib.studies.proxy_metrics import model_selection, ranking_claims
from proxylib.studies.proxy_metrics.model_selection import LINEAR, ORACLE, PER_BYTE, PROSE
from proxylib.studies.proxy_metrics.ranking_claims import ARCHITECTURE_OUT

ENDS = ["estimate", "low", "high"]


@pytest.fixture(scope="module")
def trios():
    """One training seed; families are the tokenizers x and y of two architectures."""
    values, accuracy, _ = population(seeds=(2,))
    accuracy["family"] = accuracy["family"].map({"f0": "a-x", "f1": "a-y", "f2": "b-x", "f3": "b-y"})
    columns = (list(features.BASELINES), list(proxies.NAMES), model_selection.names_by_byte())
    return [tuple(model_selection.panels(values, accuracy, TASKS, names)[0] for names in columns)]


@pytest.fixture(scope="module")
def tasks(trios):
    return ranking_claims.by_task(trios, BOOTSTRAP)


def test_an_oracle_finds_much_in_noise_and_a_fit_nothing_on_models_that_it_never_saw(trios):
    table = ranking_claims.lacking_nulls(trios, seed=1, repeats=2)
    assert set(zip(table["method"], table["protocol"], strict=True)) == {(ORACLE, protocols.ORACLE), (LINEAR, ARCHITECTURE_OUT)}
    of_oracle, of_fit = (tables.rows(table, method=method)["mean"].mean() for method in (ORACLE, LINEAR))
    assert of_oracle > 0.6 > 0.4 > of_fit
    assert set(table["kind"]) == set(nulls.KINDS) and (table["repeats"] == 2).all()


def test_an_architectures_sisters_are_left_out_of_its_null_too(trios, monkeypatch):
    monkeypatch.setattr(nulls, "nulls_of", lambda asked, seed, repeats: asked)
    (panel,), _ = ranking_claims.lacking_nulls(trios, 1, 2)[LINEAR, ARCHITECTURE_OUT]
    assert set(panel.families) == {"a", "b"}


def test_an_oracles_null_is_what_the_oracle_finds_on_the_panel_without_its_signal(trios):
    (_, eighty, _), *_ = trios
    asked = {("any", protocols.ORACLE): ([eighty], model_selection.oracle)}
    table = nulls.nulls_of(asked, seed=5, repeats=2)
    empty = [nulls._without(eighty, nulls.OF_TASK, 5, repeat, 0) for repeat in range(2)]
    wanted = [summaries.rho(model_selection.oracle(panel), panel, np.ones((1, 12)))[0] for panel in empty]
    assert tables.row(table, kind=nulls.OF_TASK)["mean"] == pytest.approx(np.mean(wanted))


def test_values_by_task_have_the_mean_of_the_ranking(trios, tasks):
    (plain, eighty, by_byte), *_ = trios
    asked = {name: model_selection.methods(plain, eighty, by_byte)[name] for name in (PROSE, LINEAR)}
    ways = (protocols.leave_tasks_out, protocols.leave_family_out)
    by_method = {name: [pd.concat([way(*ranked) for way in ways])] for name, ranked in asked.items()}
    summary = tables.rows(summaries.summary([eighty], by_method, BOOTSTRAP), quantity="rho")
    for row in summary.itertuples():
        part = tables.rows(tasks, method=row.method, protocol=row.protocol)
        assert list(part["task"]) == list(TASKS) and part["estimate"].mean() == pytest.approx(row.estimate)
    wider = [model_selection.architectures(trio) for trio in trios]
    assert set(wider[0][1].families) == {"a", "b"}
    unseen = summaries.summary(
        [wider[0][1]], {LINEAR: [protocols.leave_family_out(*model_selection.methods(*wider[0])[LINEAR])]}, BOOTSTRAP
    )
    part = tables.rows(tasks, method=LINEAR, protocol=ARCHITECTURE_OUT)
    assert part["estimate"].mean() == pytest.approx(tables.row(unseen, quantity="rho")["estimate"])


def test_tasks_are_a_sample_of_few(tasks):
    row = tables.row(ranking_claims.over_tasks(tasks, 0.9), method=PROSE, protocol=protocols.TASKS_OUT)
    each = tables.rows(tasks, method=PROSE, protocol=protocols.TASKS_OUT)["estimate"]
    reach = reference.t.ppf(0.95, 3) * reference.sem(each)
    assert tuple(row[ENDS]) == pytest.approx((each.mean(), each.mean() - reach, each.mean() + reach))


MARGIN = f"{LINEAR} minus {PROSE}, {protocols.TASKS_OUT}"
ON_FAMILY = f"{LINEAR} minus {PROSE}, {protocols.FAMILY_OUT}"
OF_ORACLE, ON_ARCHITECTURE = f"setting-1 {ORACLE}", f"{LINEAR}, {ARCHITECTURE_OUT}"


def rows():
    """Four rows as `rows_asked` gives them, the ranking's own table and summary behind them."""

    def row(claim, estimate, low, high):
        ends = {"low": low, "high": high, "low_given": low, "high_given": high}
        return {"claim": claim, "estimate": estimate, **ends, "level": 0.95, "n": 54, "n_unit": "models", "null": np.nan}

    known = pd.DataFrame([row(MARGIN, 0.45, 0.30, 0.58), row(OF_ORACLE, 0.89, 0.84, 0.90)])
    quantity = summaries.DIFFERENCE.format(PROSE)
    summary = [
        (LINEAR, protocols.FAMILY_OUT, quantity, 0.48, 0.33, 0.62, 54, 12),
        (LINEAR, protocols.TASKS_OUT, nulls.MINUS_NULL, 0.19, 0.08, 0.30, 54, 12),
        (PROSE, protocols.TASKS_OUT, summaries.RHO, 0.32, 0.18, 0.45, 54, 12),
        (PROSE, protocols.FAMILY_OUT, summaries.RHO, 0.32, 0.18, 0.45, 54, 12),
    ]
    columns = ["method", "protocol", "quantity", *ENDS, "models", "families"]
    on_architectures = [(LINEAR, protocols.FAMILY_OUT, summaries.RHO, 0.79, 0.70, 0.83, 54, 6)]
    summary, unseen = (pd.DataFrame(lines, columns=columns) for lines in (summary, on_architectures))
    return ranking_claims.rows_asked(known, summary, unseen), summary


FITTED = pd.DataFrame(
    [
        (LINEAR, protocols.TASKS_OUT, "a", 15, 0.58, 0.63),
        (LINEAR, protocols.FAMILY_OUT, "a", 15, 0.02, 0.31),
        (LINEAR, ARCHITECTURE_OUT, "a", 15, 0.01, 0.41),
        (ORACLE, protocols.ORACLE, "a", 15, 0.5, 0.6),
    ],
    columns=["method", "protocol", "kind", "repeats", "mean", "high"],
)


def test_a_margin_is_held_against_what_random_numbers_have_above_the_same():
    held = ranking_claims.held_against(rows()[0], FITTED, rows()[1]).set_index("claim")
    margin = held.loc[MARGIN]
    assert margin["null"] == pytest.approx(0.58 - 0.32) and (margin["low_given"], margin["high_given"]) == (0.30, 0.58)
    # over its null, the margin is the ranker minus its null
    assert margin["low"] == pytest.approx(min(0.30, 0.26 + 0.19 - np.hypot(0.11, 0.05)))
    assert margin["high"] == pytest.approx(max(0.58, 0.26 + 0.19 + np.hypot(0.11, 0.05)))
    family = held.loc[ON_FAMILY]  # there random numbers are worse than loss, which is no reason to ask less
    assert family["null"] == 0 and (family["low"], family["high"]) == (0.33, 0.62)


def test_the_oracle_and_unseen_architectures_are_held_against_their_own_nulls():
    held = ranking_claims.held_against(rows()[0], FITTED, rows()[1]).set_index("claim")
    oracle, architecture = held.loc[OF_ORACLE], held.loc[ON_ARCHITECTURE]
    assert oracle["null"] == 0.5 and oracle["low"] == pytest.approx(0.89 - np.hypot(0.05, 0.1)) and oracle["high"] <= 1
    assert architecture["estimate"] == 0.79 and architecture["n_unit"] == "models of 6 architectures"
    assert architecture["null"] == 0.01 and architecture["low"] == pytest.approx(0.79 - np.hypot(0.09, 0.4))


def test_the_wider_of_families_and_tasks_decides():
    values = {PROSE: (0.1, 0.3, 0.4, 0.48), LINEAR: (0.7, 0.75, 0.79, 0.84)}
    tasks = pd.DataFrame(
        [
            (method, protocols.FAMILY_OUT, task, value)
            for method, each in values.items()
            for task, value in zip(TASKS, each, strict=True)
        ],
        columns=["method", "protocol", "task", "estimate"],
    )
    family = tables.rows(rows()[0], claim=ON_FAMILY)
    row = ranking_claims.tasks_drawn(family, tasks).iloc[0]
    apart = np.subtract(values[LINEAR], values[PROSE])
    reach = reference.t.ppf(0.975, 3) * reference.sem(apart)
    assert (row["tasks_low"], row["tasks_high"]) == pytest.approx((0.48 - reach, 0.48 + reach))
    assert (row["low"], row["high"]) == pytest.approx((0.48 - reach, 0.48 + reach)) and reach > 0.15
    alike = tasks.assign(estimate=np.where(tasks["method"] == LINEAR, 0.8, 0.32))
    row = ranking_claims.tasks_drawn(family, alike).iloc[0]
    assert (row["low"], row["high"]) == (0.33, 0.62)


def test_the_scoreboard_asks_for_rows_that_are_there():
    claims = scoreboard.claims()
    asked = set(model_selection.asked() | ranking_claims.ASKED)
    known = set(claims.loc[claims["stage"] == "ranking_claims", "row"])
    assert known == asked - {f"{LINEAR}, {protocols.FAMILY_OUT}"} and not (claims["stage"] == "ranking").any()
    assert {PER_BYTE, PROSE} & {baseline for *_, baseline in model_selection.asked().values()}
