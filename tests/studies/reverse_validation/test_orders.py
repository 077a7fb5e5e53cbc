"""How signals order judges: against scipy, with nothing found where losses are shuffled."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from studies.reverse_validation.made_up import bench, grid

from proxylib import stats
from proxylib.stats import Bootstrap
from proxylib.studies.reverse_validation import bank, orders, worth
from proxylib.studies.reverse_validation.worth import NOTES

BENCH = bench()
SEEN = orders.looks(BENCH, "final_loss")
SHEET = SEEN[0].sheet
EVERYONE = np.ones(len(SHEET), bool)


def test_the_order_is_spearmans_over_all_judges_and_over_some():
    table = orders.orders(SEEN, 0.95).set_index(["signal", "yardstick", "group", "statistic"])
    row = table.loc[("R2", NOTES, orders.ALL, orders.RANKS)]
    assert row["estimate"] == pytest.approx(spearmanr(SHEET["R2"].round(9), SHEET[NOTES].round(9))[0])
    earnest = SHEET[SHEET["kind"].isin(bank.EARNEST)]
    row = table.loc[("falls", NOTES, orders.IN_EARNEST, orders.RANKS)]
    assert row["estimate"] == pytest.approx(spearmanr(earnest["falls"].round(9), earnest[NOTES].round(9))[0]) and row[
        "n"
    ] == len(earnest)
    assert row["low"] == min(row["low_bases"], row["low_kinds"]) and row["high"] == max(row["high_bases"], row["high_kinds"])


def test_bases_and_kinds_are_left_out_whole():
    assert [look.configurations for look in SEEN] == [12, 9, 9, 9, 9]
    statistic = orders.ranked("R2", NOTES)
    without = [statistic(SEEN[0], (SHEET["kind"] != kind).to_numpy()) for kind in bank.KINDS]
    row = orders.reach(statistic, SEEN, 0.95, EVERYONE)
    wanted = stats.jackknife_interval(row.estimate, np.array(without), 0.95)
    assert (row.low_kinds, row.high_kinds) == pytest.approx(wanted[1:])


def test_kinds_weigh_alike_however_many_judges_they_have():
    sheet = pd.DataFrame({"kind": ["a"] * 3 + ["b"] * 3, "R2": [1, 2, 3.0, 4, 5, 6], NOTES: [1, 2, 3.0, 6, 5, 4]})
    many = pd.concat([sheet[sheet["kind"] == "a"]] * 4 + [sheet[sheet["kind"] == "b"]], ignore_index=True)
    alike = orders.ranked("R2", NOTES, alike=True)
    once, often = (alike(orders.Look(part, 9, {}), np.ones(len(part), bool)) for part in (sheet, many))
    assert once == pytest.approx(often)
    assert orders.ranked("R2", NOTES)(orders.Look(many, 9, {}), np.ones(len(many), bool)) != pytest.approx(once)


def test_shuffled_losses_find_nothing_on_average():
    table = orders.shuffled(BENCH, "final_loss", 400, 5).set_index("scheme")
    assert abs(table.loc["configurations", "mean"]) < 0.1
    assert table["bar"].between(0.02, 1).all() and table["share"].between(0, 1).all()
    bases = np.repeat(["a", "b", "c"], 2)
    order = orders._by_base(bases, np.random.default_rng(2))
    assert sorted(order) == list(range(6)) and all(order[n] + 1 == order[n + 1] for n in (0, 2, 4))


def test_all_configurations_with_their_only_seed_are_the_whole_sheet():
    once = bench(seeds=1)
    table = orders.fewer(once, "final_loss", 3, 10, 1)
    sheet = worth.sheet(once)
    whole = table[(table["size"] == 12) & (table["yardstick"] == NOTES) & (table["statistic"] == orders.RANKS)].iloc[0]
    assert whole[["estimate", "low", "high"]].to_list() == pytest.approx(
        [spearmanr(sheet["falls"].round(9), sheet[NOTES].round(9))[0]] * 3
    )
    few = table[(table["size"] == 3) & (table["yardstick"] == NOTES) & (table["statistic"] == orders.RANKS)].iloc[0]
    assert few["low"] < few["high"] and sorted(table["size"].unique()) == list(range(3, 13))


def test_intervals_over_notes_hold_the_estimate_and_have_no_width_where_all_notes_are_alike():
    some = bench(notes=10)
    sheet, bootstrap = worth.sheet(some), Bootstrap(draws=50, level=0.95, seed=1)
    interval = orders.given(some, "final_loss", bootstrap)["R2"]
    assert interval.estimate == pytest.approx(spearmanr(sheet["R2"].round(9), sheet[NOTES].round(9))[0])
    assert interval.low < interval.estimate < interval.high
    alike = some._replace(scores=some.scores[:, :, [0] * 9], codes=some.codes[:, :, [0] * 9], truth=some.truth[:, [0] * 9])
    interval = orders.given(alike, "final_loss", bootstrap)["falls"]
    assert interval.low == pytest.approx(interval.high)


def test_summaries_say_what_draws_lie_between():
    signal = np.stack([SHEET[NOTES], -SHEET[NOTES]])
    named = {row[:2]: row[2:] for row in orders.summaries(signal, SHEET)}
    assert named[NOTES, orders.RANKS] == pytest.approx((0, -0.95, 0.95))
    assert named[NOTES, orders.AREA] == pytest.approx((0.5, 0.025, 0.975))


def test_a_domain_without_a_model_that_judges_has_its_orders_too():
    made = grid()
    only = made._replace(verdicts={name: values for name, values in made.verdicts.items() if not name.startswith("LM")})
    seen = orders.looks(worth.bench(only, bank.bank(only, 3)), "final_loss")
    assert len(seen[0].sheet) == 46 and seen[0].sheet["peer"].notna().all()
