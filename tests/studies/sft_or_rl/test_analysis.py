"""Thresholds, paired contrasts and claims, against curves that are known."""

import numpy as np
import pytest
from studies.sft_or_rl.simulated import ARMS, LEVEL, SETTINGS, points

from proxylib.studies.sft_or_rl import analysis
from proxylib.studies.sft_or_rl.judges import IMPERFECT, PASSED, RUBRIC


def test_a_threshold_is_reached_between_two_points_or_never():
    crossed = analysis.crossings(points(), SETTINGS.gains)
    at = crossed.set_index(["arm", "seed", "gain", "cost"])["at"]
    assert at[f"iterated SFT, {RUBRIC}", 2, 10.0, "samples"] == pytest.approx(25)  # two and a half rounds
    assert at[f"GRPO, {RUBRIC}", 2, 10.0, "flops"] == pytest.approx(15)
    assert at.xs(90.0, level="gain").isna().all()
    assert crossed.loc[crossed["cost"] == "samples", "budget"].eq(80).all()


def test_the_ratio_of_costs_is_paired_and_a_run_that_never_gets_there_counts_its_budget():
    ratios = analysis.ratios(analysis.crossings(points(), SETTINGS.gains), ARMS, LEVEL).set_index(["judge", "gain", "cost"])
    one = ratios.loc[(RUBRIC, 10.0, "flops")]
    assert one["estimate"] == pytest.approx(15 / 2.5) and (one["n"], one["reached"], one["rival"]) == (3, 3, 3)
    nobody = ratios.loc[(RUBRIC, 90.0, "flops")]
    assert nobody["n"] == 0 and np.isnan(nobody["estimate"])
    slow = points()
    slow.loc[slow["method"] == "GRPO", PASSED] = 20.0
    late = analysis.ratios(analysis.crossings(slow, SETTINGS.gains), ARMS, LEVEL).set_index(["judge", "gain", "cost"])
    assert late.loc[(RUBRIC, 10.0, "flops"), "estimate"] == pytest.approx(24 / 2.5)
    assert late.loc[(RUBRIC, 10.0, "flops"), "reached"] == 0


def test_equal_costs_are_the_largest_that_both_have_paid():
    apart = analysis.contrasts(analysis.differences(points(), analysis.pairs(ARMS)), LEVEL)
    value = apart.set_index(["arm", "rival", "equal", "score"])["estimate"]
    pair = f"GRPO, {RUBRIC}", f"iterated SFT, {RUBRIC}"
    assert value[(*pair, "samples", PASSED)] == pytest.approx(8 * (2 - 4))
    assert value[(*pair, "flops", PASSED)] == pytest.approx(8 / 3 * 2 - 8 * 4)
    assert value[(*pair, "end", PASSED)] == pytest.approx(6 * (2 - 4))  # the mean of the last three points is that of round 6
    assert value[(*pair, "samples", "gaming")] == pytest.approx(16)
    assert value[f"iterated SFT, {RUBRIC}", "expert notes", "dialogues", RUBRIC] == pytest.approx(8 * 3)


def test_only_declared_pairs_that_are_there_are_compared():
    pairs = analysis.pairs(ARMS)
    assert (ARMS[-1].name, f"GRPO, {IMPERFECT}", ("samples", "end")) in pairs and len(pairs) == 2 + 1 + 5
    assert analysis.pairs(ARMS[:2]) == [(ARMS[1].name, "expert notes", ("dialogues",))]


def test_intervals_are_over_beginnings():
    table = points()
    table.loc[table["seed"] == 3, RUBRIC] += np.where(table.loc[table["seed"] == 3, "round"] > 0, 5.0, 0.0)
    changes = analysis.gained(table, LEVEL).set_index(["arm", "score"]).loc[(f"GRPO, {RUBRIC}", RUBRIC)]
    assert changes["estimate"] == pytest.approx(12 + 5 / 3)
    reach = 4.302653 * np.std([0, 5, 0], ddof=1) / np.sqrt(3)
    assert (changes["low"], changes["high"]) == pytest.approx((changes["estimate"] - reach, changes["estimate"] + reach))


def test_every_claim_has_its_row():
    table = points()
    crossed = analysis.crossings(table, SETTINGS.gains)
    contrast = analysis.contrasts(analysis.differences(table, analysis.pairs(ARMS)), LEVEL)
    rows = analysis.estimates(analysis.ratios(crossed, ARMS, LEVEL), contrast, SETTINGS).set_index("claim")["estimate"]
    assert rows["loss-sft-against-rl"] == pytest.approx(6) and rows["ours-rl-samples"] == pytest.approx(-16)
    assert rows["ours-rl-games"] == pytest.approx(16 / 3) and rows["ours-rl-end"] == pytest.approx(-12)
    assert rows["ours-bound-games"] == pytest.approx(0)
    lone = SETTINGS.model_copy(update={"arms": ARMS[:3]})
    assert np.isnan(
        analysis.estimates(analysis.ratios(crossed, ARMS, LEVEL), contrast.iloc[:0], lone)["estimate"].iloc[1:]
    ).all()


def test_curves_hold_every_point_of_every_arm():
    curves = analysis.curves(points(), LEVEL)
    assert len(curves) == len(ARMS) * 5 * 7
    row = curves[(curves["arm"] == f"GRPO, {RUBRIC}") & (curves["round"] == 4) & (curves["score"] == RUBRIC)].iloc[0]
    assert (row["estimate"], row["samples"], row["flops"]) == pytest.approx((20 + 3 + 8, 40, 12))


def test_what_still_rises_is_the_second_half_of_the_rounds():
    rising = analysis.rising(points(), LEVEL).set_index(["arm", "score"])
    assert rising.loc[(f"iterated SFT, {RUBRIC}", RUBRIC), "estimate"] == pytest.approx(4.0 * (8 - 4))
