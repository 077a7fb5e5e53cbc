"""Tables of setting 1: the order of methods, dashes where a method cannot be asked, decisions from intervals."""

import numpy as np
import pandas as pd
import pytest

from proxylib.measure import proxies
from proxylib.measure.features import BASELINES, BY_BYTE
from proxylib.ranking import nulls, protocols, strata
from proxylib.report.words import MISSING
from proxylib.stats import Decision
from proxylib.studies.proxy_metrics import model_selection
from proxylib.studies.proxy_metrics.model_selection import CONFIRMATORY, HELD_IN, LINEAR, NAMED, OURS, PER_BYTE
from proxylib.studies.proxy_metrics.over_problems import over_problems
from proxylib.studies.proxy_metrics.report import model_selection as report
from tests.studies.proxy_metrics.populations import BOOTSTRAP, TASKS, population

ORACLE = "oracle 3-sparse"


def summary():
    """Three methods with correlations, one of which only the unseen tasks know, and the differences fixed in advance."""
    rho = [
        (LINEAR, report.TASKS_OUT, 0.6),
        (LINEAR, report.FAMILY_OUT, 0.3),
        (LINEAR, "leave-both-out", 0.2),
        (PER_BYTE, report.TASKS_OUT, 0.4),
        (PER_BYTE, report.FAMILY_OUT, 0.4),
        (PER_BYTE, "leave-both-out", 0.4),
        (HELD_IN, report.TASKS_OUT, 0.35),
        (ORACLE, protocols.ORACLE, 0.9),
    ]
    rows = [(method, protocol, "rho", value, value - 0.1, value + 0.1) for method, protocol, value in rho]
    rows += [(LINEAR, report.FAMILY_OUT, "pair agreement", 0.7, 0.5, 0.9)]
    ends = [(0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), (0.1, -0.1, 0.3), (0.1, float("nan"), float("nan"))]
    for (method, protocol, baseline), interval in zip(CONFIRMATORY[:4], ends, strict=True):
        rows.append((method, protocol, f"rho minus that of {baseline}", *interval))
    for place, method in enumerate(OURS):
        rows.append((method, report.FAMILY_OUT, f"rho minus that of {PER_BYTE}", place / 10, place / 10 - 0.15, 1.0))
    return pd.DataFrame(rows, columns=["method", "protocol", "quantity", "estimate", "low", "high"])


def test_methods_stand_by_an_unseen_family_and_what_knows_none_comes_last():
    frame = summary()
    assert report.order(frame[frame["quantity"] == "rho"]) == [PER_BYTE, LINEAR, ORACLE, HELD_IN]


def test_the_main_table_has_every_method_once_and_dashes_where_it_cannot_be_asked():
    frame = summary()
    frame = frame[frame["quantity"].isin(["rho", "pair agreement"])]
    table = report.main_table(frame).set_index("method")
    assert table.index.tolist() == report.order(frame)
    assert table.loc[LINEAR].tolist() == [
        "0.81",
        "0.30 [0.20, 0.40]",
        "0.60 [0.50, 0.70]",
        "0.20 [0.10, 0.30]",
        "0.70 [0.50, 0.90]",
    ]
    assert table.loc[ORACLE].tolist() == ["0.88", MISSING, "0.90 [0.80, 1.00]", *[MISSING] * 2]
    assert table.loc[PER_BYTE, "paper"] == MISSING


def test_every_confirmatory_difference_is_decided_or_left_undecided():
    table = report.confirmatory_table(summary())
    assert table["decision"].tolist() == ["better", "worse", "undecided", "undecided", "undecided"]
    assert table["difference"].tolist()[3:] == [f"0.1 [{MISSING}, {MISSING}]", MISSING]
    assert table["method"].tolist() == [method for method, _, _ in CONFIRMATORY]


def test_ours_are_all_reported_in_the_order_of_their_declaration():
    assert report.ours(summary().sample(frac=1, random_state=1))["method"].tolist() == list(OURS)


def test_what_is_not_there_has_no_correlation():
    assert np.isnan(report.correlation(summary(), HELD_IN, report.FAMILY_OUT).estimate)


def test_choices_are_counted_over_folds():
    choices = pd.DataFrame({"method": ["univariate"] * 3, "chosen": ["a|b", "c|d", "a|b"]})
    table = report.stability_table(choices)
    assert table["chosen"].tolist() == ["a x b", "c x d", "(2 different choices)"] and table["folds"].iloc[0] == "2 of 3"


def against(gaps, high):
    """The linear ranker's differences from its null by protocol, and one bar for all."""
    frame = summary()
    rows = [(LINEAR, protocol, nulls.MINUS_NULL, *interval) for protocol, interval in gaps.items()]
    fitted = [(LINEAR, protocol, kind, 7, 0.1, high, kind == nulls.OF_MODEL) for protocol in gaps for kind in nulls.KINDS]
    columns = ["method", "protocol", "kind", "repeats", "mean", "high", "decides"]
    return pd.concat([frame, pd.DataFrame(rows, columns=frame.columns)]), pd.DataFrame(fitted, columns=columns)


def test_a_fit_beats_its_null_by_the_paired_difference_and_above_the_bar():
    gaps = {report.TASKS_OUT: (0.5, 0.3, 0.7), report.FAMILY_OUT: (0.2, 0.1, 0.3), "leave-both-out": (-0.3, -0.5, -0.1)}
    frame, fitted = against(gaps, 0.4)
    decided = [report.beats_null(frame, fitted, LINEAR, protocol) for protocol in gaps]
    assert decided == [Decision.HIGHER, Decision.UNDECIDED, Decision.LOWER]  # 0.3 on families is below the bar
    assert report.beating(frame, fitted, report.TASKS_OUT) == [LINEAR] and not report.beating(frame, fitted, report.FAMILY_OUT)
    table = report.null_table(frame, fitted, oracles(0.85))
    assert table["unseen"].tolist() == ["family", "tasks", "both", "none"]
    assert table["decision"].tolist() == ["undecided", "more", "less", "more"]
    assert table["without a signal"].tolist() == ["0.10"] * 3 + ["0.70"]
    assert table["19 of 20 below"].tolist() == ["0.40"] * 3 + ["0.85"]
    assert table.iloc[-1]["difference"] == "0.20 [0.10, 0.30]"


def oracles(high, mean=0.7):
    """The oracle's null: a mean and a bar."""
    rows = [(ORACLE, protocols.ORACLE, kind, 7, mean, high, kind == nulls.OF_MODEL) for kind in nulls.KINDS]
    return pd.DataFrame(rows, columns=["method", "protocol", "kind", "repeats", "mean", "high", "decides"])


def test_an_oracle_is_no_better_than_the_same_choice_among_random_numbers_unless_it_passes_their_bar():
    assert report.oracle_beats_null(summary(), oracles(0.85)) == Decision.HIGHER
    assert report.oracle_beats_null(summary(), oracles(0.95)) == Decision.UNDECIDED
    assert report.oracle_beats_null(summary(), oracles(0.85, mean=0.84)) == Decision.UNDECIDED  # its interval begins at .8
    bands = report.bands(against({report.TASKS_OUT: (0.5, 0.3, 0.7)}, 0.4)[1], oracles(0.95))
    row = bands[bands["method"] == ORACLE].iloc[0]  # among the unseen tasks, where its marker stands
    assert (row["protocol"], row["null_mean"], row["null_high"]) == (report.TASKS_OUT, 0.7, 0.95)


def test_a_ranker_is_advised_only_where_it_beats_both_what_costs_less_and_chance():
    gaps = {report.TASKS_OUT: (0.5, 0.3, 0.7), report.FAMILY_OUT: (0.25, 0.2, 0.3)}
    rows = [
        (LINEAR, report.FAMILY_OUT, f"rho minus that of {PER_BYTE}", 0.2, 0.1, 0.3),
        (LINEAR, report.FAMILY_OUT, f"rho minus that of {NAMED}", 0.0, -0.1, 0.1),
        (LINEAR, report.TASKS_OUT, f"rho minus that of {HELD_IN}", 0.2, 0.1, 0.3),
    ]
    values = {LINEAR: (0.6, 0.6), PER_BYTE: (0.4, 0.41), NAMED: (0.6, 0.5), HELD_IN: (0.4, 0.41)}

    def advised(bar, values):
        frame, fitted = against(gaps, bar)
        frame = frame[~frame["quantity"].isin([quantity for _, _, quantity, *_ in rows])]
        tasks = [
            (name, way, task, value)
            for name, both in values.items()
            for way in gaps
            for task, value in zip("ab", both, strict=True)
        ]
        tasks = pd.DataFrame(tasks, columns=["method", "protocol", "task", "estimate"])
        return report.advice(pd.concat([frame, pd.DataFrame(rows, columns=frame.columns)]), fitted, tasks)

    higher, undecided = Decision.HIGHER, Decision.UNDECIDED
    assert advised(0.2, values) == report.Advice(fit=higher, over_named=undecided, plain=higher, over_scores=higher)
    assert advised(0.4, values) == report.Advice(fit=undecided, over_named=undecided, plain=higher, over_scores=higher)
    # families agree, tasks do not: two of which one is turned round are no reason to fit
    assert advised(0.2, values | {HELD_IN: (0.1, 0.7)}).over_scores == undecided


def test_the_wide_interval_is_that_of_families_or_of_tasks():
    tasks = pd.DataFrame({"method": LINEAR, "protocol": report.TASKS_OUT, "task": list("abc"), "estimate": [0.55, 0.6, 0.65]})
    assert tuple(report.wide(summary(), tasks, LINEAR, report.TASKS_OUT)) == pytest.approx((0.6, 0.476, 0.724), abs=1e-3)
    alike = tasks.assign(estimate=0.6)
    assert tuple(report.wide(summary(), alike, LINEAR, report.TASKS_OUT)) == pytest.approx((0.6, 0.5, 0.7))


def test_every_task_stands_beside_both_intervals_of_the_mean():
    tasks = pd.DataFrame(
        [(method, report.FAMILY_OUT, task, value) for method, value in ((LINEAR, 0.3), (PER_BYTE, 0.4)) for task in "ba"],
        columns=["method", "protocol", "task", "estimate"],
    )
    over = pd.DataFrame(
        [(LINEAR, report.FAMILY_OUT, 0.3, -0.1, 0.7), (PER_BYTE, report.FAMILY_OUT, 0.4, -0.3, 1.1)],
        columns=["method", "protocol", "estimate", "low", "high"],
    )
    table = report.tasks_table(summary(), tasks, over)
    assert list(table) == ["method", "b", "a", "families drawn", "tasks drawn"]
    assert table.iloc[0].tolist() == [PER_BYTE, "0.40", "0.40", "0.40 [0.30, 0.50]", "0.4 [-0.3, 1.0]"]
    assert table["method"].tolist() == [PER_BYTE, LINEAR]


def test_styles_stand_in_the_order_of_what_is_taken_out():
    gap = strata.LOST.format(strata.WITHIN)
    ends = {"one": (0.3, 0.1, 0.5), "two": (0.0, -0.1, 0.1), "three": (float("nan"),) * 3}
    rows = [(name, report.FAMILY_OUT, "rho", 0.6, 0.5, 0.7) for name in ends]
    rows += [(name, report.FAMILY_OUT, gap, *interval) for name, interval in ends.items()]
    frame = pd.DataFrame(rows, columns=["method", "protocol", "quantity", "estimate", "low", "high"])
    assert report.style_losses(frame) == {Decision.HIGHER: ["one"], Decision.LOWER: [], Decision.UNDECIDED: ["two", "three"]}
    table = report.style_table(frame).set_index("method")
    assert list(table) == list(report.GIVEN.values())
    assert table.loc["three"].tolist() == ["0.60 [0.50, 0.70]", *[MISSING] * 4]


def test_an_unseen_architecture_leaves_no_sister_among_those_fitted_to():
    features, accuracy, _ = population(seeds=(2,), families=4)
    sisters = {"f0": "llama-bpe", "f1": "llama-spaced", "f2": "gpt2-bpe", "f3": "gpt2-spaced"}
    accuracy = accuracy.assign(family=accuracy["family"].map(sisters))
    columns = (list(BASELINES), list(proxies.NAMES), [BY_BYTE + name for name in proxies.NAMES])
    trio = tuple(model_selection.panels(features, accuracy, TASKS, names)[0] for names in columns)
    rows = model_selection.on_architectures([trio], BOOTSTRAP)
    assert set(rows["families"]) == {2} and set(rows["protocol"]) == {report.FAMILY_OUT}
    assert set(rows["method"]) == set(model_selection.ON_ARCHITECTURES)
    table = report.architectures_table(rows)
    assert list(table.columns) == ["method", "unseen architecture", "minus bits per byte"]
    fixed = rows[(rows["method"] == NAMED) & (rows["quantity"] == "rho")]["estimate"].item()
    plain = over_problems({"all": (features, TASKS)}, accuracy, BOOTSTRAP)
    assert fixed == pytest.approx(plain[plain["method"] == NAMED]["estimate"].item())  # what fits nothing does not care
