"""What the stage decides: who fools loss, who follows it, and what labels gain."""

import numpy as np
import pandas as pd
import pytest
from studies.reverse_validation.made_up import PLAN, bench, grid

from proxylib.studies.reverse_validation import fits, labels, orders
from proxylib.studies.reverse_validation.worth import NOTES

BENCH = bench()
SEEN = orders.looks(BENCH, "final_loss", lambda some: labels.spent(some, PLAN))
DIFFERENCES = fits._differences(SEEN, 0.95)


def look(**columns):
    return orders.Look(pd.DataFrame(columns), 15, {})


def test_false_friends_and_outcasts_are_named():
    table = fits.fooled(look(kappa=[0.9, 0.5, 0.1, 0.1, 0.3, 0.6], falls=[0.8, 0.7, 0.9, 0.6, 0.9, 0.4]), 0.95)
    assert table["fooled"].to_list() == ["", "", fits.FRIEND, "", "", fits.OUTCAST]
    nobody = fits.fooled(look(kappa=[0.1, 0.3], falls=[0.9, 0.2]), 0.95)
    assert nobody["fooled"].to_list() == ["", ""]


def test_who_follows_loss_is_counted_with_the_right_sign():
    sheet = {"kind": list("aabbcc"), "kappa": [0.9, 0.1, 0.8, 0.1, 0.1, 0.9], "falls": [0.9, 0.9, 0.8, -0.9, 0.2, -0.8]}
    table = fits.followers([look(**sheet)] * 3, 0.95).set_index("which")
    assert table.loc["follow", ["good", "n", "estimate"]].to_list() == pytest.approx([2, 3, 2 / 3])
    assert table.loc["do not", ["good", "n", "estimate"]].to_list() == pytest.approx([1, 3, 1 / 3])
    assert table.loc["difference", "estimate"] == pytest.approx(1 / 3)


def test_equal_judges_differ_by_their_draws_alone():
    row = fits.equal(grid(), 20, 1).iloc[0]
    assert row["n"] == 20 and row["kappa"] == pytest.approx(0.58, abs=0.1) and row["kappa_sd"] < 0.03
    assert row["falls_low"] < row["falls"] < row["falls_high"] and abs(row["ranks"]) < 0.7


def test_pairs_are_as_good_as_each_other_and_the_widest_gap_comes_first():
    sheet = pd.DataFrame({"judge": list("abcd"), NOTES: [0.5, 0.52, 0.54, 0.9], "falls": [0.9, 0.8, -0.5, 0.1]})
    table = fits.pairs(sheet)
    assert table[["judge", "other"]].to_numpy().tolist() == [["a", "c"], ["b", "c"], ["a", "b"]]
    assert fits.pairs(sheet.assign(**{NOTES: [0.0, 0.2, 0.4, 0.6]})).empty


def test_labels_gain_what_their_order_has_over_that_of_loss():
    table = DIFFERENCES
    row = table[(table["way"] == labels.RANDOM) & (table["size"] == 40) & (table["yardstick"] == NOTES)].iloc[0]
    assert row["statistic"] == orders.RANKS
    sheet = SEEN[0].sheet
    by_labels = orders.ranks(SEEN[0].labels[labels.RANDOM, 40], sheet[NOTES].to_numpy()).mean()
    assert row["estimate"] == pytest.approx(by_labels - orders.ranked("falls", NOTES)(SEEN[0], np.ones(len(sheet), bool)))
    assert row["low"] <= row["estimate"] <= row["high"]


def test_another_judge_gains_what_its_order_has_over_that_of_loss():
    (row,) = DIFFERENCES[(DIFFERENCES["way"] == "peer") & (DIFFERENCES["yardstick"] == NOTES)].to_dict("records")
    by = {signal: orders.ranked(signal, NOTES)(SEEN[0], np.ones(49, bool)) for signal in ("peer", "falls")}
    assert row["estimate"] == pytest.approx(by["peer"] - by["falls"]) and row["size"] == 0


def test_errors_fall_with_labels():
    errors = fits._errors(SEEN[0]).pivot(index="way", columns="size", values="error")
    assert (errors[5] > errors[40]).all()


def test_claims_have_their_null_and_their_number():
    ordered, shuffles = orders.orders(SEEN, 0.95), orders.shuffled(BENCH, "final_loss", 30, 1)
    table = fits._estimates(ordered, fits.stats.Interval(0.5, 0.4, 0.6), shuffles, DIFFERENCES, 0.95)
    table = table.set_index("claim")
    assert table.loc[fits.CLAIMED, "null"] == shuffles.set_index("scheme").loc["configurations", "mean"]
    assert table.loc[fits.CLAIMED, "low_given"] == 0.4 and table.loc[fits.OURS, "null"] == 0 and (table["n"] == 49).all()
    assert table["estimate"].notna().all()
