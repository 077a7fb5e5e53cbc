"""Sentences turn with the numbers; tables and figures hold what they should."""

import numpy as np
import pandas as pd
import pytest
from studies.data_selection.signals import SETTINGS, SIZES, three_corpora, tidy, world

from proxylib.data.published import datadecide
from proxylib.errors import UserError
from proxylib.report import plots
from proxylib.studies.data_selection import fits, limits, panel, report


def one(frame, estimate, low, high, **where):
    """The frame with one row's interval replaced."""
    frame = frame.copy()
    chosen = np.logical_and.reduce([frame[name] == value for name, value in where.items()])
    assert chosen.sum() == 1
    frame.loc[chosen, ["estimate", "low", "high"]] = estimate, low, high
    return frame


@pytest.fixture(scope="module")
def tables():
    frame, target = tidy()
    ceiling = limits.ceiling(target, SETTINGS)
    return {
        "single": fits.single_sizes(frame, target, SETTINGS),
        "paired": fits.paired(frame, target, SETTINGS),
        "seeds": limits.seeds(world()[1], frame, target, SETTINGS),
        "ceiling": ceiling,
        "misranked": limits.misranked(three_corpora((3, 2, 1))[0], three_corpora((3, 2, 1))[1], 0.005, SETTINGS),
        "combinations": fits.combinations(frame, target, SETTINGS),
    }


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        ((0.83, 0.74, 0.88), "83 % [74, 88] of the pairs of corpora as 1B models do, an interval that contains the"),
        ((0.9, 0.85, 0.95), "lies above the reported 80 %"),
        ((0.6, 0.5, 0.7), "lies below the reported 80 %"),
    ],
)
def test_verdict_places_the_reported_value(tables, interval, says):
    single = one(tables["single"], *interval, size="150M", signal="accuracy")
    assert says in report.verdict(single, tables["paired"])


@pytest.mark.parametrize(
    ("gap", "coin", "says"),
    [
        ((0.27, 0.07, 0.38), (0.58, 0.43, 0.69), ("beats that of accuracy (+27 points [+7, +38])", "told from a coin")),
        ((0.27, -0.07, 0.38), (0.58, 0.53, 0.69), ("cannot be told from that of accuracy", "beats a coin (58 % [53, 69])")),
        ((-0.2, -0.3, -0.1), (0.3, 0.2, 0.4), ("falls behind that of accuracy (-20 points", "is worse than a coin")),
    ],
)
def test_verdict_turns_with_the_smallest_size(tables, gap, coin, says):
    single = one(tables["single"], *coin, size="4M", signal="nll")
    sentence = report.verdict(single, one(tables["paired"], *gap, size="4M"))
    assert all(part in sentence for part in says)


def test_finding_differences_counts_trajectory_sizes_only(tables):
    frame = tables["paired"].assign(estimate=0.0, low=-0.1, high=0.1)
    assert "better than accuracy at 0 of 5 sizes, worse at 0; 5 undecided" in report.finding_differences(frame)
    frame = one(one(one(frame, 0.2, 0.1, 0.3, size="4M"), -0.2, -0.3, -0.1, size="60M"), 0.2, 0.1, 0.3, size="750M")
    assert "at 1 of 5 sizes, worse at 1; 3 undecided" in report.finding_differences(frame)


def test_finding_misranked_says_whether_noise_explains_it(tables):
    frame = tables["misranked"].assign(all_estimate=0.24)
    words = {(0.5, 0.3, 0.7): "more than the 24%", (0.3, 0.2, 0.4): "not clearly different", (0.1, 0.0, 0.2): "less than"}
    for interval, says in words.items():
        assert says in report.finding_misranked(one(frame, *interval, size="150M", signal="accuracy"))


def test_finding_combinations_counts_planned_contrasts_only(tables):
    frame = tables["combinations"].assign(estimate=0.0, low=-0.1, high=0.1)
    frame.loc[~frame["primary"], ["low", "high"]] = 0.1, 0.2
    assert "0 better than the single size, 0 worse, 4 undecided" in report.finding_combinations(frame)
    planned = frame.index[frame["primary"]]
    frame.loc[planned[0], "high"] = -0.01
    frame.loc[planned[1], "low"] = 0.01
    assert "1 better than the single size, 1 worse, 2 undecided" in report.finding_combinations(frame)


def test_finding_chance_splits_by_direction(tables):
    frame = tables["combinations"].assign(excludes_zero=False, estimate=0.0)
    chosen = frame.index[~frame["primary"]][:3]
    frame.loc[chosen, "excludes_zero"] = True
    frame.loc[chosen, "estimate"] = [0.1, -0.1, -0.2]
    sentence = report.finding_chance(
        {"excluding": 0, "by_chance": 0.2, "of": 4}, {"excluding": 3, "by_chance": 0.9, "of": 18}, frame
    )
    assert "0 of 4 planned" in sentence and "3 of 18 exploratory" in sentence
    assert "1 of the latter favour the combination and 2 the single size" in sentence


def test_finding_smallest_compares_both_with_a_coin(tables):
    single = one(tables["single"], 0.31, 0.25, 0.46, size="4M", signal="accuracy")
    sentence = report.finding_smallest(one(single, 0.7, 0.6, 0.8, size="4M", signal="nll"))
    assert "accuracy orders 31 % [25, 46] of the pairs rightly, below a coin" in sentence
    assert "NLL orders 70 % [60, 80] of the pairs rightly, above a coin" in sentence


def test_finding_ceiling_gives_the_range_of_the_macro_average(tables):
    frame = one(tables["ceiling"], 0.93, 0.8, 0.95, against="mean of all seeds")
    title = report.finding_ceiling(one(frame, 0.89, 0.7, 0.9, against="other two seeds"))
    assert "89 % [70, 90] of the pairs as the other two seeds do, 93 % [80, 95] as a mean that contains it" in title


def test_finding_noise_names_the_extremes():
    frame = pd.DataFrame(
        {"task": [datadecide.MACRO, "boolq", "mmlu"], "sigma": [0.006, 0.04, 0.002], "low": 0.005, "high": 0.008, "n": 25}
    ).assign(se_difference=0.005)
    sentence = report.finding_noise(frame)
    assert "0.60 percentage points [0.50, 0.80]" in sentence and "standard error of 0.50" in sentence
    assert "from 0.2 (MMLU) to 4.0 (BoolQ)" in sentence


def needed(ratio, low, high):
    rows = []
    for threshold in panel.THRESHOLDS:
        rows.append({"signal": "accuracy", "threshold": threshold, "size": "90M", "compute_fraction": 0.008, "ratio": 1})
        rows.append({"signal": "nll", "threshold": threshold, "size": "150M", "compute_fraction": 0.02, "ratio": ratio})
    return pd.DataFrame(rows).assign(low=low, high=high)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (
            (0.4, 0.1, 30.0),
            "neither clearly less nor more compute (accuracy needs 0.4 times as much; interval from 1/10 to 30)",
        ),
        ((10.0, 2.0, 3000.0), "NLL needs less compute (accuracy needs 10 times as much; interval from 2 to 3,000)"),
        ((0.4, 0.1, 0.9), "NLL needs more compute"),
    ],
)
def test_finding_needed_turns_with_the_ratio(case, says):
    sentence = report.finding_needed(needed(*case))
    assert sentence.count(says) == len(panel.THRESHOLDS)
    assert "accuracy at 90M (0.8 % of the target's compute) and by NLL at 150M (2 %" in sentence


def test_finding_pairs_names_the_commonest_corpus():
    frame = pd.DataFrame({"better": ["x", "y", "z"], "worse": ["y", "z", "y"], "gap_se": [0.1, 2.5, 2.0]})
    sentence = report.finding_pairs(frame)
    assert "3 contain y" in sentence and "1 differ at 1B by more than 2 standard errors" in sentence


def test_a_missing_row_is_named(tables):
    with pytest.raises(UserError, match="0 rows.*150M"):
        report.finding_sizes(tables["single"].query("size != '150M'"))


def test_tables_of_the_page(tables):
    sizes = report.sizes_table(tables["single"])
    assert len(sizes) == 2 * len(SIZES) - 1  # not accuracy at 1B
    assert sizes["size"].iloc[0] == "4M" and "750M (off trajectory)" in set(sizes["size"])
    forest = report.forest_rows(tables["combinations"])
    contrasts = report.contrasts_table(forest)
    assert list(contrasts["status"][:4]) == ["planned"] * 4 and (contrasts["status"][4:] == "exploratory").all()
    assert "accuracy, all sizes\nvs accuracy" in set(forest["label"])
    pairs = report.pairs_table(limits.pairs(*tidy(), se=0.1), rows=5)
    assert len(pairs) == 5 and "distance (s.e.)" in pairs


def test_the_figures_of_the_page_take_its_tables_and_leave_them_as_they_are(tables):
    before = {name: frame.copy() for name, frame in tables.items()}
    _, axes = plots.canvas(rows=5)
    reported = report.reported_point(tables["single"])
    plots.decision_accuracy_by_compute(tables["single"], axes[0], seeds=tables["seeds"], reported=reported)
    plots.paired_differences(tables["paired"], axes[1])
    plots.ceiling_by_task(tables["ceiling"], axes[2], labels=panel.TASKS)
    plots.misranked_within_noise(tables["misranked"], axes[3])
    plots.contrast_forest(report.forest_rows(tables["combinations"]), axes[4])
    for name, frame in before.items():
        pd.testing.assert_frame_equal(tables[name], frame)
