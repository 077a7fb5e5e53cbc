"""What the page shows is what the analysis found."""

import pytest
from studies.sft_or_rl.simulated import ARMS, LEVEL, SETTINGS, points

from proxylib.stats import Interval
from proxylib.studies.sft_or_rl import analysis, report
from proxylib.studies.sft_or_rl.judges import IMPERFECT, PASSED, RUBRIC

POINTS = points()
CURVES = analysis.curves(POINTS, LEVEL)
GAINS = analysis.gained(POINTS, LEVEL)
RATIOS = analysis.ratios(analysis.crossings(POINTS, SETTINGS.gains), ARMS, LEVEL)
CONTRASTS = analysis.contrasts(analysis.differences(POINTS, analysis.pairs(ARMS)), LEVEL)


def test_methods_are_named_without_their_judge():
    assert [report.method_of(arm.name) for arm in ARMS[-2:]] == ["GRPO", "GRPO, bound 1"]
    assert report.method_of("expert notes") == "expert notes"


def test_lines_are_those_of_one_judge_beside_expert_notes_and_begin_where_something_was_paid():
    lines = report.learnt(CURVES, IMPERFECT, PASSED)
    assert set(lines["method"]) == {"expert notes", "iterated SFT", "GRPO", "GRPO, bound 1"} and (lines["flops"] > 0).all()
    assert set(report.learnt(CURVES, RUBRIC, PASSED)["method"]) == {"expert notes", "iterated SFT", "GRPO"}
    assert report.beginning(CURVES, PASSED).estimate == pytest.approx(23)


def test_both_scores_of_a_judges_arms_stand_side_by_side():
    rows = report.gains(GAINS, IMPERFECT).set_index(["method", "what"])["estimate"]
    assert rows["GRPO", "by the rubric"] == pytest.approx(12) and rows["GRPO", "by the imperfect judge"] == pytest.approx(24)


def test_contrasts_are_grpo_without_a_bound_against_iterated_sft():
    assert report.compared(CONTRASTS, RUBRIC, "samples", PASSED).estimate == pytest.approx(-16)


def test_tables_say_how_often_a_threshold_was_reached():
    table = report.ratios_table(RATIOS, 3)
    near = table[(table["gain (points)"] == "10") & (table["reward"] == RUBRIC)]
    assert near["reached by GRPO and by SFT"].tolist() == ["3 and 3 of 3"] * 2 and near["cost"].tolist() == [
        "notes judged",
        "operations",
    ]
    far = table[table["gain (points)"] == "90"]
    assert (far["reached by GRPO and by SFT"] == "0 and 0 of 3").all() and (far["GRPO over iterated SFT"] == "–").all()
    assert len(report.contrasts_table(CONTRASTS)) == CONTRASTS.drop_duplicates(["arm", "rival", "equal"]).shape[0]


def test_bounds_stand_beside_no_bound_with_how_far_each_went():
    table = report.bounds(GAINS, CURVES)
    assert table["method"].tolist() == ["GRPO", "GRPO, bound 1"] and table.iloc[0, 1].startswith("0.8")


def test_longer_arms_are_set_against_the_shorter():
    assert report.times(CURVES.assign(round=5 * CURVES["round"]), CURVES) == 5
    assert report.by_method(GAINS, PASSED)["GRPO"].estimate == pytest.approx(12)
    rows = analysis.estimates(RATIOS, CONTRASTS, SETTINGS)
    assert report.claims(rows)["ours-rl-end"].estimate == pytest.approx(-12)


def test_a_factor_keeps_two_digits_however_wide_its_interval():
    assert report.factor(Interval(0.204, 0.0042, 10.83)) == "0.2 [0.0042, 11]"


def test_too_few_beginnings_give_a_dash():
    table = report.ratios_table(RATIOS.assign(n=report.LEAST - 1), 3)
    assert (table["GRPO over iterated SFT"] == "–").all()


def test_iterated_sft_is_set_against_expert_notes_of_as_many_dialogues():
    assert report.against_experts(CONTRASTS).estimate == pytest.approx(8 * (4 - 1))
    assert report.changes_said(report.by_method(GAINS, PASSED)).startswith("iterated SFT 24")
