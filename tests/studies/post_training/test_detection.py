"""Dashboards with known truth: what is false is counted as false, and paired tests are those of `alarms.paired`."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportions_ztest
from studies.post_training.simulated import outcomes

from proxylib.alarms import paired
from proxylib.alarms.paired import Comparison
from proxylib.studies.post_training import detection
from proxylib.studies.post_training.detection import PAIRED, UNPAIRED, Grid

BASES = ("a", "b")


@pytest.fixture(scope="module")
def shown():
    return detection.metrics(outcomes(np.random.default_rng(2), bases=BASES))


@pytest.fixture(scope="module")
def planted(shown):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detection, "DASHBOARDS", 12)
        patch.setattr(detection, "DROPS", (0.02, 0.2))
        return detection.simulated(Grid(shown), BASES, "no change", 3, 0.95, 5)


def test_metrics_are_tasks_by_halves_of_their_levels_and_politely_asked(shown):
    assert len(shown["metric"].unique()) == 9 and "counting, harder" in set(shown["metric"])
    easier = shown[shown["metric"] == "sorting, easier"]
    assert set(easier["level"]) == {3, 4, 5} and set(easier["kind"]) == {"plain"}


def test_both_tests_are_what_they_say(shown):
    grid = Grid(shown)
    looks = [("a", "one skill", number) for number in (0, 1)]
    before, after = (grid.of(*look) for look in looks)
    results = detection.tested(grid, before, after)
    place = list(grid.names).index("sorting, easier")
    first, second = (
        shown[(shown["base"] == "a") & (shown["arm"] == "one skill") & (shown["round"] == number)] for number in (0, 1)
    )
    table = paired.compare(
        paired.matched(*(side[["metric", "item", "score"]].astype({"score": float}) for side in (first, second)))
    )
    row = table[table["metric"] == "sorting, easier"].iloc[0]
    assert results[PAIRED][0][place] == pytest.approx(row["p_alone"])
    right = [round(row[name] * row["items"]) for name in ("before", "after")]
    assert results[UNPAIRED][0][place] == pytest.approx(proportions_ztest(right, [row["items"]] * 2)[1])


def test_what_was_swapped_is_no_change_and_what_was_planted_is(planted):
    rates = detection.rates(planted)
    quiet = rates[(rates["drop"] == 0) & (rates["correction"] == "Holm")]
    assert quiet["any"].max() < 0.5 and quiet["power"].isna().all()
    power = rates[rates["correction"] == "none"].pivot_table(index="drop", columns="test", values="power")
    assert power.loc[0.2, PAIRED] > 0.4 and power.loc[0.2, PAIRED] > power.loc[0.02, PAIRED]
    assert power.loc[0.2, PAIRED] > power.loc[0.2, UNPAIRED]
    called = rates[(rates["drop"] == 0.2) & (rates["test"] == PAIRED) & (rates["correction"] == "Benjamini-Hochberg")]
    assert called["discoveries"].max() < 0.3
    one = planted[(planted["drop"] == 0.2) & (planted["base"] == "a")].iloc[0]
    assert one["dashboards"] == 6 and one["planted"] == 6 * 2 and one["metrics"] == 6 * 7


def test_a_correction_calls_fewer(planted):
    false = detection.rates(planted).pivot_table(index="correction", values="false")["false"]
    assert false["none"] >= false["Benjamini-Hochberg"] >= false["Holm"]


@pytest.mark.parametrize("correction", ["none", "fdr_bh", "holm"])
def test_what_is_called_changed_is_what_the_detector_calls(correction):
    rng = np.random.default_rng(7)
    for _ in range(5):
        p = np.where(rng.random(12) < 0.5, rng.random(12), 0.02 * rng.random(12))
        by_hand = paired.adjusted(list(p), Comparison(correction=correction)) <= 0.05
        assert (detection.called(p, correction, 0.95) == by_hand).all()


def test_real_pairs_say_what_they_are_held_against(shown):
    pairs = [(("a", "one skill", 0), ("a", "one skill", 3)), (("a", "no change", 1), ("a", "no change again", 1))]
    table = detection.compared(Grid(shown), pairs, 0.95)
    assert list(table["against"].unique()) == ["one skill 0", "no change 1"] and len(table) == 2 * 2 * 9
    fell = table[(table["against"] == "one skill 0") & (table["test"] == PAIRED) & table["called"]]
    assert len(fell[fell["change"] < 0]) >= 1


def test_what_items_show_is_said_of_every_metric(shown):
    table = detection.smallest_shown(shown, "a", "no change", 3, 0.95)
    assert len(table) == 9 and (table["shows"] > 0.05).all() and set(table["items"]) == {48}


def test_holm_stops_at_the_first_that_does_not_pass():
    assert not detection.called(np.array([0.03, 0.03, 0.03]), "holm", 0.95).any()


def test_even_a_round_that_ruins_everything_is_no_change_once_it_is_swapped(monkeypatch):
    monkeypatch.setattr(detection, "DASHBOARDS", 8)
    items = [(number, f"m{place % 2}", f"i{place}", number == 0) for number in (0, 1) for place in range(60)]
    shown = pd.DataFrame(items, columns=["round", "metric", "item", "score"]).assign(base="a", arm="x")
    rates = detection.rates(detection.simulated(Grid(shown), ("a",), "x", 1, 0.95, 3))
    quiet = rates[(rates["drop"] == 0) & (rates["test"] == PAIRED) & (rates["correction"] == "none")]
    assert quiet["false"].iloc[0] < 0.3
