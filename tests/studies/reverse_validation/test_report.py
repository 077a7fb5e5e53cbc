"""Frames of the page: what is left out, what comes first, and the fewest labels that do as well."""

import pandas as pd
import pytest
from studies.reverse_validation.made_up import PLAN, bench

from proxylib.studies.reverse_validation import fits, labels, orders, report, yours
from proxylib.studies.reverse_validation.worth import CONFIGURATIONS, NOTES

SEEN = orders.looks(bench(), "final_loss", lambda some: labels.spent(some, PLAN))
JUDGES = fits.fooled(SEEN[0], 0.95).assign(**report.PRIMARY)


def sizes(*rows):
    table = pd.DataFrame(rows, columns=["source", "size", "estimate"])
    return table.assign(yardstick=NOTES, statistic=orders.RANKS, low=0.0, high=1.0)


def test_the_facts_themselves_are_no_judge_of_the_figure():
    shown = report.judges(JUDGES)
    assert len(shown) == len(JUDGES) - 1 and "rubric, strict" not in set(shown["judge"])


def test_the_worst_false_friend_comes_first():
    table = JUDGES.assign(fooled=[fits.FRIEND] * 3 + [""] * (len(JUDGES) - 3))
    wanted = table.head(3).sort_values(NOTES)["judge"].to_list()
    assert report.fooled(table, fits.FRIEND) == wanted and report.fooled(table, fits.OUTCAST) == []
    assert report.fooled_table(table)["judge"].nunique() == 3


def test_the_rubric_at_another_stringency_is_no_other_judge():
    ordered = orders.orders(SEEN, 0.95).assign(**report.PRIMARY)
    differences = fits._differences(SEEN, 0.95)
    assert report.other_judge(JUDGES) and not report.other_judge(JUDGES[JUDGES["judge"] != "LM judge"])
    order, gains = report.peers(ordered, differences)
    falls = report.interval(ordered, signal="falls", yardstick=NOTES, group=orders.ALL, statistic=orders.RANKS)
    assert gains["peer"].estimate == pytest.approx(order["peer"].estimate - falls.estimate)
    heads = lambda given: "".join(report.orders_table(ordered, given).columns)
    assert "another judge" in heads(True) and "another judge" not in heads(False)
    ways = [set(report.differences_table(differences, given)["way"]) for given in (True, False)]
    assert ways[0] - ways[1] == {"another judge", "a weaker judge"}


def test_the_fewest_labels_that_do_as_well_as_all_configurations():
    loss = [("loss", 5, 0.9), ("loss", 15, 0.5)]
    at_random = [("labels, at random", n, v) for n, v in ((5, 0.3), (10, 0.55), (20, 0.7))]
    table = sizes(*loss, *at_random)
    assert report.fewest_labels(table) == 10 and report.of(table, "loss", 15) == 0.5
    assert report.fewest_labels(sizes(*loss, at_random[0])) is None


def test_tables_have_a_row_for_everything():
    ordered = orders.orders(SEEN, 0.95).assign(**report.PRIMARY)
    assert len(report.orders_table(ordered)) == 9 and len(report.judges_table(JUDGES)) == len(JUDGES)
    assert len(report.grids_table(ordered)) == 1
    table = report.differences_table(fits._differences(SEEN[:1] * 2, 0.95))
    assert len(table) == len(labels.WAYS) * len(PLAN.labels) + 2 and {"another judge", "a weaker judge"} < set(table["way"])
    assert report.WORTH[CONFIGURATIONS] in table


def test_what_is_not_known_of_a_judge_of_yours_is_a_dash():
    row = {"judge": "mine", "n": 5, "r": -0.5, "low": -0.9, "high": 0.4, "luck": 0.8, "alike": 0, "least": float("nan")}
    row |= {"most": float("nan"), "enough": float("nan"), "kappa": float("nan"), "kappa_low": 0.0, "kappa_high": 0.0}
    shown = report.yours_table(pd.DataFrame([row])).iloc[0]
    assert shown["their kappas"] == shown["labels that say more"] == shown["kappa by your labels"] == "–"
    assert shown["luck stays within"] == "±0.80" and yours.ONLY not in shown.to_list()
