"""Setting 1 put together: methods see what they may see, and the eighty are told from noise."""

import numpy as np
import pytest
from studies.proxy_metrics.populations import BOOTSTRAP, TASKS, population

from proxylib.measure import features, proxies
from proxylib.ranking import nulls, rankers, summaries
from proxylib.ranking import panel as panel_
from proxylib.report import tables
from proxylib.studies.proxy_metrics import model_selection


@pytest.fixture(scope="module")
def made():
    values, accuracy, answers = population()
    columns = (list(features.BASELINES), list(proxies.NAMES), model_selection.names_by_byte())
    panels = [model_selection.panels(values, accuracy, TASKS, names) for names in columns]
    per_seed = [model_selection.predictions(*own) for own in zip(*panels, strict=True)]
    by_method = {name: [found[name] for found in per_seed] for name in per_seed[0]}
    return (
        panels,
        by_method,
        summaries.summary(panels[1], by_method, BOOTSTRAP, baselines=model_selection.COMPARED),
        values,
        accuracy,
        answers,
    )


def test_panels_hold_every_model_of_a_seed_in_the_same_order_whatever_the_order_of_rows(made):
    panels, _, _, values, accuracy, _ = made
    shuffled = model_selection.panels(values.sample(frac=1, random_state=3), accuracy, TASKS, list(proxies.NAMES))
    assert [panel.models for panel in panels[1]] == [panels[1][0].models] * 2 and len(panels[1][0].models) == 12
    for one, other in zip(panels[1], shuffled, strict=True):
        assert np.array_equal(one.features, other.features) and np.array_equal(one.accuracy, other.accuracy)
    own = values[(values["member"] == f"{panels[1][0].models[5]}-seed2") & (values["task"] == "c")]
    assert panels[1][0].features[5, 2, 7] == own[proxies.NAMES[7]].iloc[0]


def test_every_method_of_the_issue_is_there(made):
    _, by_method, summary, *_ = made
    assert set(model_selection.OF_THE_PAPER) <= set(by_method)
    assert set(model_selection.OURS) <= set(by_method)
    assert {"parameters", "training compute", "rank-surprisal ratio", model_selection.HELD_IN} <= set(by_method)


def test_what_needs_other_scores_has_no_value_for_an_unseen_family(made):
    summary = made[2]
    for method in (model_selection.HELD_IN, "first component of held-in scores", "oracle 3-sparse"):
        assert tables.rows(summary, method=method, protocol="leave-family-out").empty
    assert tables.rows(summary, method="regression on other tasks' scores", protocol="leave-tasks-out").empty


def correlation(summary, method):
    return tables.row(summary, method=method, protocol="leave-tasks-out", quantity="rho")["estimate"]


def test_proxies_that_follow_accuracy_beat_features_that_do_not(made):
    summary = made[2]
    good = correlation(summary, model_selection.NAMED)
    bad = correlation(summary, model_selection.PROSE)
    assert good > 0.8 and bad < 0.6
    gap = tables.row(
        summary, method=model_selection.NAMED, protocol="leave-tasks-out", quantity=f"rho minus that of {model_selection.PROSE}"
    )
    assert gap["estimate"] == pytest.approx(good - bad)


def test_estimates_have_a_row_for_all_that_is_asked(made):
    table = model_selection.estimates(made[2], BOOTSTRAP).set_index("claim")
    assert list(table.index) == list(model_selection.asked())
    assert table.loc["setting-1 univariate", "estimate"] == correlation(made[2], "univariate")


def test_ranks_are_one_for_the_best(made):
    panels, by_method, *_ = made
    table = model_selection.ranks(panels[1], by_method[model_selection.LINEAR])
    assert len(table) == 2 * 4 * 12
    best = table.sort_values("actual").groupby(["seed_index", "task"]).first()
    assert (best["actual"] <= 2).all() and table["predicted"].corr(table["actual"]) > 0.7


def test_a_task_on_which_all_models_of_a_seed_score_alike_is_not_usable():
    _, accuracy, _ = population()
    accuracy.loc[(accuracy["task"] == "b") & (accuracy["seed"] == 3), "estimate"] = 0.5
    assert panel_.usable(accuracy, TASKS) == ("a", "c", "d")


@pytest.fixture(scope="module")
def against(made):
    """One seed, and of the fitted methods two, since every repeat of a null fits them all again."""
    panels, by_method, *_ = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_selection, "FITTED", ("univariate", model_selection.LINEAR))
        empty = model_selection.fitted_nulls([tuple(each[0] for each in panels)], BOOTSTRAP, 2)
    first = {method: frames[:1] for method, frames in by_method.items()}
    return empty, nulls.minus_null(panels[1][:1], first, empty, BOOTSTRAP)


def test_every_method_that_learns_from_accuracies_has_a_null_under_every_protocol(made, against):
    empty, gaps = against
    panels = made[0]
    learns = {
        name
        for name, (_, ranker) in model_selection.methods(*(each[0] for each in panels)).items()
        if not isinstance(ranker, rankers.Fixed | rankers.RankAverage)
    }
    assert set(model_selection.FITTED) == learns
    protocols = {"leave-tasks-out", "leave-family-out", "leave-both-out"}
    keys = {(method, protocol) for method in ("univariate", model_selection.LINEAR) for protocol in protocols}
    assert set(zip(gaps["method"], gaps["protocol"], strict=True)) == keys and not gaps["estimate"].isna().any()
    assert (empty.table.groupby(["method", "protocol"])["kind"].nunique() == 3).all()


def test_the_scoreboard_holds_a_fit_against_its_null_and_everything_else_against_the_claims_own(made, against):
    empty, gaps = against
    plain = model_selection.estimates(made[2], BOOTSTRAP)
    rows = model_selection.against_nulls(plain, gaps, empty.table).set_index("claim")
    assert list(rows.index) == list(plain["claim"])
    row, bars = rows.loc["setting-1 linear RankSVM"], nulls.bars(empty.table).set_index(["method", "protocol"])
    bar = bars.loc[(model_selection.LINEAR, "leave-tasks-out")]
    gap = tables.row(gaps, method=model_selection.LINEAR, protocol="leave-tasks-out")
    assert row["null"] == row["null_mean"] == bar["null_mean"] and row["null_high"] == bar["null_high"]
    assert tuple(row[["minus_null", "minus_null_low", "minus_null_high"]]) == tuple(gap[["estimate", "low", "high"]])
    # the wider interval lies above the null only where the narrow one does and the estimate is above the bar
    given, spread = row["estimate"] - row["low_given"], bar["null_high"] - bar["null_mean"]
    assert row["low"] == pytest.approx(max(-1, row["estimate"] - np.hypot(given, spread))) and row["high"] <= 1
    for claim in ("setting-1 rBridge", "setting-1 oracle 3-sparse", "linear RankSVM minus held-in score, leave-tasks-out"):
        row = rows.loc[claim]
        assert np.isnan(row["null"]) and (row["low"], row["high"]) == (row["low_given"], row["high_given"])


def test_the_style_of_a_mix_is_given_for_the_models_of_a_panel_in_their_order(made):
    panels, _, _, _, accuracy, _ = made
    members = accuracy.drop_duplicates("member")[["member"]].assign(style_share=lambda rows: np.arange(len(rows)) / 100)
    shares = model_selection.traits(members.sample(frac=1, random_state=1), accuracy, TASKS)
    assert [share.tolist() for share in shares] == [(np.arange(12) / 100).tolist(), (np.arange(12, 24) / 100).tolist()]
    assert np.isnan(model_selection.traits(members[["member"]], accuracy, TASKS)).all()
