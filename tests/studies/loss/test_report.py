"""What the pages on loss show: places in the post's grid, decisions, and tables in which nothing is lost or doubled."""

import itertools

import numpy as np
import pandas as pd
import pytest

from proxylib.judging.criteria import GRADED, LENIENT, LM_JUDGE, STRICT
from proxylib.report import scoreboard, words
from proxylib.stats import Decision
from proxylib.studies.loss import report, size_control

JUDGED = (STRICT, LENIENT, LM_JUDGE, GRADED)


def frame(*rows, **same):
    """Rows of (keys, estimate, low, high) as one frame; `same` in all of them."""
    return pd.DataFrame([same | keys | {"estimate": e, "low": low, "high": high} for keys, e, low, high in rows])


def test_reported_values_have_a_source_and_agree_with_the_table_of_claims():
    table = pd.read_csv(report.REPORTED, dtype=str, keep_default_na=False)
    assert table["value"].astype(float).notna().all() and (table["source"] != "").all() and (table["unit"] != "").all()
    assert not table.duplicated(["quantity", "base", "examples", "voters"]).any()
    claims = pd.read_csv(scoreboard.CLAIMS).set_index("id")["reported"]
    value = lambda quantity: float(report.reported(quantity)["value"].iloc[0])
    assert (value("r"), value("slope")) == (claims["loss-r"], claims["loss-slope"])
    adjusted = lambda r2, n: 1 - (1 - r2) * (n - 1) / (n - 2)
    within, whole = (report.reported("R2").query(f"examples {which} 'all'") for which in ("!=", "=="))
    mean = lambda table: adjusted(table["value"].astype(float), table["n"].astype(int)).mean()
    assert round(mean(within) - mean(whole), 3) == claims["loss-regimes"]
    assert value("r") ** 2 == pytest.approx(value("R2"), abs=0.01)


def fits(groups=("all", "10", "20", "40")):
    statistics = {"R2": (0.5, 0.4, 0.6), "r": (-0.7, -0.8, -0.6), "slope": (-2, -3, -1), "curvature": (0.1, -0.1, 0.3)}
    rows = [
        ({"judge": judge, "group": group, "statistic": name}, *ends)
        for judge in JUDGED
        for group in groups
        for name, ends in statistics.items()
    ]
    return frame(*rows, schedule="epochs")


def test_our_fits_stand_beside_the_posts_only_at_its_places():
    beside = report.beside_post(fits(), "epochs", [10, 20, 40])
    assert list(beside["judge"].unique()) == [GRADED, STRICT, LM_JUDGE]
    r2 = beside[(beside["statistic"] == "R2") & (beside["judge"] == STRICT)].set_index("group")
    assert r2["reported"].to_dict() == {"all": 0.739, "10": 0.904, "20": 0.930, "40": 0.978}
    assert (r2["decision"] == Decision.LOWER).all()
    slope = beside[beside["statistic"] == "slope"]
    assert (slope["decision"] == Decision.HIGHER).all() and slope["from"].isna().all()
    assert set(report.beside_post(fits(), "epochs", [10, 20])["group"]) == {"all"}  # two numbers have no middle
    assert report.beside_post(fits(), "steps", [10, 20, 40]).empty


def test_the_posts_values_as_a_sample_are_fishers_intervals():
    beside = report.beside_post(fits(), "epochs", [10, 20, 40]).set_index(["statistic", "group"])
    low, high = np.tanh(np.arctanh(-0.86) + np.array([-1, 1]) * 1.959964 / np.sqrt(12))
    assert beside.loc[("r", "all"), "from"].iloc[0] == pytest.approx(low)
    assert beside.loc[("r", "all"), "to"].iloc[0] == pytest.approx(high)
    ends = np.tanh(np.arctanh(np.sqrt(0.904)) + np.array([-1, 1]) * 1.959964 / np.sqrt(2))
    assert beside.loc[("R2", "10"), "from"].iloc[0] == pytest.approx(ends[0] ** 2)
    table = report.post_table(beside.reset_index())
    assert len(table) == 7 and table["the post"].tolist().count("0.930") == 1  # both of its judges' r, digits as published
    assert table.set_index("the post").loc["-18.5", [STRICT, "as a sample"]].tolist() == ["-2.0 [-3.0, -1.0]", ""]


def points(sizes, numbers):
    rows = [
        ({"judge": judge, "base": f"b{size}", "parameters": size, "examples": n, "final_loss": size + n / 100}, size + n, 0, 99)
        for judge in JUDGED
        for size, n in itertools.product(sizes, numbers)
    ]
    return frame(*rows, schedule="epochs").rename(columns={"estimate": "rate"})


def test_curves_are_read_at_the_same_places_of_the_grid():
    table = report.curves_table(points((100, 9, 50, 70, 30), (40, 10, 20)), "epochs").set_index(["base", "examples"])
    ours = {place: float(row["our loss"].iloc[0]) for place, row in table.groupby(level=[0, 1])}
    assert ours == {
        ("smallest", "most"): 9.4,
        ("largest", "most"): 100.4,
        ("middle", "fewest"): 50.1,
        ("middle", "most"): 50.4,
        ("second largest", "middle"): 70.2,
        ("second largest", "most"): 70.4,
    }
    assert table.loc[("second largest", "most"), "the post's loss"] == "0.265"
    assert list(table.loc[("largest", "most"), "the post, %"]) == ["44.0", "15.5"]
    assert report.curves_table(points((9, 100), (10, 20)), "epochs").empty


@pytest.mark.parametrize(
    ("ends", "decision"),
    [
        ((-0.8, -0.9, -0.7), Decision.LOWER),
        ((-0.5, -0.6, -0.4), Decision.UNDECIDED),  # within luck
        ((0.5, 0.4, 0.6), Decision.UNDECIDED),
        ((-0.8, -0.9, 0.1), Decision.UNDECIDED),  # an interval that holds zero
        ((0.8, 0.7, 0.9), Decision.HIGHER),  # the wrong way round
        ((np.nan, np.nan, np.nan), Decision.UNDECIDED),
    ],
)
def test_the_richest_control_decides_beyond_luck_and_either_way(ends, decision):
    keys = {"schedule": "epochs", "statistic": "partial r", "form": "loss", "critical": 0.6, "design": size_control.RICHEST}
    poorer = ({"judge": GRADED, "design": "base + data"}, -0.9, -1, -0.8)  # what a poorer control finds decides nothing
    partials = frame(({"judge": LM_JUDGE}, *ends), ({"judge": LENIENT}, -0.9, -1, -0.8), poorer, **keys)
    undecided = dict.fromkeys(report.SCORES.values(), Decision.UNDECIDED)
    assert report.beyond(partials, "epochs", "loss") == undecided | {"the LM judge": decision}
    assert report.beyond(partials, "steps", "loss") == report.beyond(partials, "epochs", "log loss") == undecided


def test_every_score_is_said_under_its_decision_and_once():
    decisions = dict(zip(report.SCORES.values(), (Decision.LOWER, Decision.UNDECIDED, Decision.LOWER), strict=True))
    parts = report.by_decision(decisions)
    assert parts == {
        Decision.LOWER: ["the graded score", "the LM judge"],
        Decision.UNDECIDED: ["the strict rubric"],
    }


def test_scores_decide_together_or_not_at_all():
    rows = lambda first, other: frame(({"judge": STRICT}, *first), *(({"judge": name}, *other) for name in (LM_JUDGE, GRADED)))
    up, down, open_ = (1, 0.5, 2), (-1, -2, -0.5), (0, -1, 1)
    assert report.for_all(rows(up, up)) is Decision.HIGHER and report.for_all(rows(down, down)) is Decision.LOWER
    assert {report.for_all(rows(up, other)) for other in (down, open_)} == {Decision.UNDECIDED}
    assert report.for_all(rows(up, up).iloc[:1]) is Decision.UNDECIDED  # a judge that scored nothing


def test_a_signal_is_better_only_for_every_score():
    lows = {STRICT: 0.1, LM_JUDGE: -0.1, GRADED: 0.1}
    rows = [({"judge": judge, "signal": "held_out_loss"}, 0.2, 0.1, 0.3) for judge in lows]
    rows += [({"judge": judge, "signal": "first_pass_loss"}, 0.2, low, 0.3) for judge, low in lows.items()]
    signals = frame(*rows, schedule="epochs", statistic="minus final loss", design=np.nan)
    assert report.signals_apart(signals, "epochs", Decision.HIGHER) == ["held-out loss"]
    assert report.signals_apart(signals, "epochs", Decision.LOWER) == []
    table = report.signals_table(signals, "epochs").set_index("signal")
    assert table.loc["held-out loss", f"{LM_JUDGE}: minus final loss"] == "0.20 [0.10, 0.30]"
    assert table.loc["held-out loss", f"{LM_JUDGE}: correlation"] == words.MISSING


def test_what_is_held_fixed_grows_down_the_table_and_the_seeds_stand_last():
    keys = {"schedule": "epochs", "statistic": "partial r", "form": "loss"}
    rows = [({"judge": judge, "design": design}, -0.5, -0.6, -0.4) for judge in JUDGED for design in reversed(report.HELD)]
    control = frame(*rows, **keys, critical=0.63)
    apart = frame(*(({"judge": judge}, 0.1, -0.2, 0.4) for judge in JUDGED), schedule="epochs", critical=0.36)
    table = report.partial_table(control, apart, "epochs")
    assert table["held fixed"].tolist() == [*report.HELD.values(), report.SEEDS_ALONE]
    assert table["luck, ±"].tolist() == ["0.63"] * 3 + ["0.36"] and LENIENT not in table.columns


def test_designs_are_told_apart_by_what_was_left_out():
    rows = [
        ({"judge": judge, "design": "loss", "validation": part}, size, size - 1, size + 1)
        for judge in JUDGED
        for part, size in (("size", 9), ("configuration", 5))
    ]
    table = report.control_table(frame(*rows, schedule="epochs", statistic="error"), "epochs")
    assert table["left out"].tolist() == ["one configuration", "one size"]
    assert table[f"{STRICT}: error, points"].tolist() == ["5.0 [4.0, 6.0]", "9.0 [8.0, 10.0]"]


def test_a_bend_is_one_whose_interval_leaves_zero_out():
    assert report.bent(fits(), "epochs") == []
    curved = fits().replace({"low": {-0.1: 0.05}})
    assert report.bent(curved, "epochs") == list(report.SCORES.values())


def test_inversions_are_counted_per_schedule_and_judge_and_luck_needs_several_seeds():
    pairs = [
        (schedule, judge, drop, drop > 1)
        for schedule, judge, drop in itertools.product(("epochs", "steps"), JUDGED, (-1.0, 1.0, 2.0))
    ]
    inversions = pd.DataFrame(pairs, columns=["schedule", "judge", "score_drop", "inverted"])
    luck = pd.DataFrame(
        [("epochs", STRICT, 0.1, 0.0, 0.3, 0.2, 0.25)],
        columns=["schedule", "judge", "observed", "low", "high", "as_found", "no_effect"],
    )
    noise = pd.DataFrame(
        [("epochs", STRICT, 3.0, 0.03), ("epochs", STRICT, 4.0, 0.04)], columns=["schedule", "judge", "rate", "final_loss"]
    )
    table = report.inversion_table(inversions, luck, noise)
    assert len(table) == 6 and set(table["inverted"]) == {"1 of 3 pairs"} and set(table["lower by score alone"]) == {2}
    first, last = table[table["judge"] == STRICT].iloc[0], table.iloc[-1]
    assert first["SD over seeds, points"] == "3.5 (3.0 to 4.0)" and first["by luck, no effect of data, %"] == "25"
    assert last["share, %"] == last["SD over seeds, nats"] == words.MISSING
    assert "share, %" not in report.inversion_table(inversions, luck.iloc[:0], noise.iloc[:0])


def test_the_frontier_shows_no_minus_zero_and_leaves_a_silent_judge_out():
    columns = ["judge", "budget", "best", "chosen", "best_rate", "chosen_rate", "regret", "low", "high"]
    frontier = pd.DataFrame([(STRICT, 2e6, "a", "b", 5.0, 4.0, -0.01, -0.02, 0.0)], columns=columns).assign(schedule="epochs")
    table = report.frontier_table(frontier, "epochs")
    assert table.iloc[0].tolist() == [STRICT, "2.0", "b", "4.0", "a (5.0)", "0 [0, 0]"]


def test_loss_curves_are_running_means_by_size():
    steps = [1, 2, 3]
    curves = pd.DataFrame({"cell": ["x"] * 3 + ["y"] * 3, "step": steps * 2, "loss": [3.0, 1, 2, 9, 9, 9]})
    cells = pd.DataFrame({"cell": ["y", "x"], "base": ["big", "small"], "parameters": [20, 10]})
    curve = report.seen(curves, cells, batch=8, smooth=2)
    assert curve["base"].tolist() == ["small"] * 3 + ["big"] * 3
    assert curve["seen"].tolist()[:3] == [8, 16, 24] and curve["loss"].tolist()[:3] == [3.0, 2.0, 1.5]


def test_a_line_is_drawn_per_nat_and_not_at_all_where_none_was_fitted():
    line = frame(({"statistic": "intercept"}, 40, 30, 50), ({"statistic": "slope"}, -2, -3, -1), judge=STRICT)
    assert report.line_of(line, judge=STRICT) == (40, -20)
    assert np.isnan(report.line_of(line, judge=LM_JUDGE)).all()


CELLS = pd.DataFrame(
    [
        ("s-8", "small", 10, 8, "epochs", 1, False),
        ("s-16", "small", 10, 16, "epochs", 1, False),
        ("s-8-steps", "small", 10, 8, "steps", 1, False),
        ("b-16", "big", 20, 16, "epochs", 1, False),
        ("b-16-2", "big", 20, 16, "epochs", 2, True),
    ],
    columns=["cell", "base", "parameters", "examples", "schedule", "seed", "diverged"],
).assign(steps=5, truncated=0, cut=0, first_pass_loss=2.0, held_out_loss=1.5, unscored=0.0, **dict.fromkeys(JUDGED, 50.0))


def test_samples_are_of_the_extremes_with_most_examples_and_of_no_diverged_cell():
    written = pd.DataFrame({"cell": CELLS["cell"].repeat(2), "dialogue": "d", "note": [f"note {n}" for n in range(10)]})
    samples = report.samples(written, CELLS)
    assert samples[["base", "examples"]].to_numpy().tolist() == [["small", 16], ["big", 16]]
    assert samples["note"].tolist() == ["note 2", "note 6"]


def test_a_diverged_cell_is_shown_as_such():
    cells = CELLS.assign(final_loss=[1.0, 1, 1, 1, np.nan], **{LM_JUDGE: [np.nan, 5.0, 5, 5, 5]})
    table = report.cell_table(cells)
    assert table["final loss"].tolist()[-1] == "diverged" and table[LM_JUDGE].tolist()[0] == ""


def test_the_middle_number_of_examples_counts_for_both_schedules():
    assert report.seeds(CELLS, "epochs").to_dict() == {("big", 16): 2, ("small", 8): 1, ("small", 16): 1}
    assert report.seeds(CELLS, "steps").to_dict() == {("big", 16): 2, ("small", 8): 1, ("small", 16): 1}


def test_steps_to_more_examples_are_counted_within_a_base():
    table = pd.DataFrame({"base": ["a", "b"] * 3, "examples": [1, 1, 3, 3, 2, 2], "rate": [1, 9, 3, 7, 2, 8]})
    assert sorted(report.steps_up(table)) == [False, False, True, True]


def test_the_interval_that_decides_stands_above_the_one_that_holds_bases_fixed():
    table = report.two_intervals(fits().assign(low_given=-1.0, high_given=9.0), "epochs")
    assert table["over"].tolist() == ["bases too", "notes and seeds"] * 2 and LENIENT not in table.columns
    assert table.loc[table["statistic"] == "R2", GRADED].tolist() == ["0.50 [0.40, 0.60]", "0 [-1, 9]"]


def test_the_dearest_budget_is_that_of_the_largest_regret():
    rows = pd.DataFrame({"regret": [1.0, 9.0, 3.0], "low": [-1.0, 4.0, 1.0], "high": [2.0, 12.0, 5.0]})
    assert report.dearest(rows) == (9.0, 4.0, 12.0) and report.dearest(rows.iloc[:0]) == (0.0, 0.0, 0.0)
