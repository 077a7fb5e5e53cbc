"""Decision accuracy against a brute-force oracle, and every analysis of the chapter on cases solved by hand."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from proxylib import studies
from proxylib.data.published import datadecide
from proxylib.errors import UserError
from proxylib.ranking import decision
from proxylib.ranking.decision import decision_accuracy
from proxylib.report import plots
from proxylib.runs.store import Store, Workspace
from proxylib.stats import Bootstrap, cluster_weights
from proxylib.studies.data_selection import fits, limits, panel, report

SETTINGS = Bootstrap(draws=200, level=0.9, seed=5)


def brute_force(predicted, target, weights):
    """Write out every copy of every candidate and compare all copies of different candidates."""
    copies = [i for i, weight in enumerate(weights) for _ in range(weight)]
    credit = []
    for i, j in itertools.combinations(copies, 2):
        if i == j or target[i] == target[j]:
            continue
        if predicted[i] == predicted[j]:
            credit.append(0.5)
        else:
            credit.append(float((predicted[i] > predicted[j]) == (target[i] > target[j])))
    return sum(credit) / len(credit) if credit else math.nan


# few distinct values, so that ties are common
candidates = st.integers(2, 7).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
    )
)


@given(candidates)
@trials(max_examples=300, deadline=None)
def test_decision_accuracy_equals_brute_force(case):
    predicted, target, weights = case
    assert decision_accuracy(predicted, target, weights) == pytest.approx(brute_force(*case), nan_ok=True)
    ones = [1] * len(target)
    assert decision_accuracy(predicted, target) == pytest.approx(brute_force(predicted, target, ones), nan_ok=True)


@given(candidates)
@trials(max_examples=100, deadline=None)
def test_rows_of_weights_are_separate_draws(case):
    predicted, target, weights = case
    rows = np.array([weights, [1] * len(weights), weights[::-1]])
    together = decision_accuracy(predicted, target, rows)
    assert together.shape == (3,)
    alone = [decision_accuracy(predicted, target, row) for row in rows]
    np.testing.assert_allclose(together, alone, equal_nan=True)


@given(candidates)
@trials(max_examples=100, deadline=None)
def test_reversing_the_prediction_reverses_the_answer(case):
    predicted, target, weights = case
    forward = decision_accuracy(predicted, target, weights)
    backward = decision_accuracy(-np.array(predicted), target, weights)
    assert (math.isnan(forward) and math.isnan(backward)) or forward + backward == pytest.approx(1)


@given(candidates)
@trials(max_examples=100, deadline=None)
def test_only_the_order_matters(case):
    predicted, target, weights = case
    stretched = decision_accuracy(np.exp(predicted), 3 * np.array(target) ** 3 - 7, weights)
    assert stretched == pytest.approx(decision_accuracy(predicted, target, weights), nan_ok=True)


def test_closed_forms():
    target = [1.0, 2.0, 3.0, 4.0]
    assert decision_accuracy(target, target) == 1
    assert decision_accuracy(target[::-1], target) == 0
    assert decision_accuracy([5, 5, 5, 5], target) == 0.5
    assert decision_accuracy([1, 2, 4, 3], target) == pytest.approx(5 / 6)
    assert decision_accuracy([1, 2, 3, 3], target) == pytest.approx(5.5 / 6)
    assert decision_accuracy([9, 1, 2], [1, 1, 2]) == 0.5  # the pair tied in the target is left out
    assert math.isnan(decision_accuracy([1, 2], [3, 3]))


def test_a_candidate_never_meets_itself():
    predicted, target = [2.0, 1.0], [1.0, 2.0]
    assert decision_accuracy(predicted, target, [5, 1]) == 0  # nine copies of two candidates: one kind of pair, wrong
    assert math.isnan(decision_accuracy(predicted, target, [6, 0]))
    right, counted = decision.pair_credits(np.array(predicted), np.array(target))
    assert np.diag(counted).sum() == np.diag(right).sum() == 0


@pytest.mark.parametrize(
    ("predicted", "target", "says"),
    [
        ([1.0], [1.0], "at least 2"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "give one each"),
        ([1.0, np.nan], [1.0, 2.0], "not finite"),
        ([1.0, 2.0], [np.inf, 2.0], "not finite"),
    ],
)
def test_bad_scores_are_refused(predicted, target, says):
    with pytest.raises(UserError, match=says):
        decision_accuracy(predicted, target)


# ---- a small world of two signals -----------------------------------------------------------------------------------

SIZES = ("4M", "20M", "60M", "90M", "150M", "750M", "1B")
COMPUTE = dict(zip(SIZES, (1.0, 2.0, 5.0, 10.0, 20.0, 70.0, 100.0), strict=True))
GROUP = {"a": "one", "b": "one", "c": "two", "d": "two", "e": "three", "f": "three", "g": "three"}


def world(seed=0):
    """Frames of the loaders' layout: 7 corpora in 3 groups, signals that sharpen with size."""
    rng = np.random.default_rng(seed)
    truth = dict(zip(GROUP, rng.permutation(len(GROUP)) / 10, strict=True))
    rows, likelihood = [], []
    for size in SIZES:
        for corpus, group in GROUP.items():
            blur = 0.5 / COMPUTE[size]
            value = truth[corpus] if size == "1B" else truth[corpus] + rng.normal(0, blur)
            rows.append((size, corpus, group, COMPUTE[size], COMPUTE[size] / COMPUTE["1B"], value))
            for index in range(3):
                likelihood.append((size, corpus, group, index, 2 - truth[corpus] + rng.normal(0, blur)))
    accuracy = pd.DataFrame(rows, columns=["size", "corpus", "group", "compute", "compute_fraction", "accuracy"])
    nll = pd.DataFrame(likelihood, columns=["size", "corpus", "group", "seed_index", "nll_per_char"])
    target = pd.DataFrame(
        {"task": datadecide.MACRO, "corpus": list(GROUP), "group": list(GROUP.values()), "accuracy": [truth[c] for c in GROUP]}
    )
    target["accuracy_default_seed"] = target["accuracy"] + rng.normal(0, 0.05, len(target))
    return accuracy, nll, target


def tidy(seed=0):
    accuracy, nll, target = world(seed)
    return panel.scores(accuracy, nll, off_trajectory=("750M",)), target


def column(frame, signal, size):
    rows = frame[(frame["signal"] == signal) & (frame["size"] == size)].set_index("corpus")
    return rows.loc[list(GROUP), "score"].to_numpy()


def row(frame, **values):
    for name, value in values.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_scores_point_upwards_and_average_seeds():
    accuracy, nll, _ = world()
    frame = panel.scores(accuracy.sample(frac=1, random_state=1), nll, off_trajectory=("750M",))
    seeds = nll[(nll["size"] == "60M") & (nll["corpus"] == "c")]["nll_per_char"]
    assert row(frame, size="60M", corpus="c", signal="nll")["score"] == pytest.approx(-seeds.mean())
    expected = row(accuracy, size="60M", corpus="c")["accuracy"]
    assert row(frame, size="60M", corpus="c", signal="accuracy")["score"] == expected
    assert set(frame[~frame["on_trajectory"]]["size"]) == {"750M"}
    assert len(frame) == 2 * len(SIZES) * len(GROUP)


def test_single_sizes_against_direct_computation():
    frame, target = tidy()
    table = fits.single_sizes(frame, target, SETTINGS)
    assert len(table) == 2 * len(SIZES)
    assert table[table["by_construction"]][["signal", "size"]].to_numpy().tolist() == [["accuracy", "1B"]]
    got, values, wanted = row(table, signal="nll", size="20M"), column(frame, "nll", "20M"), target["accuracy"].to_numpy()
    assert got["estimate"] == decision_accuracy(values, wanted)
    for prefix, labels in (("", target["group"]), ("_corpora", target["corpus"])):
        draws = decision_accuracy(values, wanted, cluster_weights(labels, SETTINGS.draws, SETTINGS.seed))
        ends = np.quantile(draws[np.isfinite(draws)], [0.05, 0.95])
        assert [got[f"low{prefix}"], got[f"high{prefix}"]] == pytest.approx(list(ends))
    without = []
    for group in set(GROUP.values()):
        keep = (target["group"] != group).to_numpy()
        without.append(decision_accuracy(values[keep], wanted[keep]))
    assert [got["low_without_group"], got["high_without_group"]] == pytest.approx([min(without), max(without)])
    assert min(without) < max(without)


def test_paired_differences_share_their_draws():
    frame, target = tidy()
    same = frame.copy()
    same.loc[same["signal"] == "nll", "score"] = 2 * same.loc[same["signal"] == "accuracy", "score"].to_numpy()
    table = fits.paired(same, target, SETTINGS)
    assert list(table["size"]) == list(SIZES[:-1])  # at 1B accuracy is the target
    assert (table[["estimate", "low", "high", "low_corpora", "high_corpora"]] == 0).all(axis=None)
    assert not table["excludes_zero"].any()

    worst = frame.copy()
    wanted = target.set_index("corpus")["accuracy"]
    worst["score"] = worst["corpus"].map(wanted) * worst["signal"].map({"accuracy": -1, "nll": 1})
    table = fits.paired(worst, target, SETTINGS)
    assert (table[["estimate", "low", "high"]] == 1).all(axis=None) and table["excludes_zero"].all()


def test_seeds_are_judged_one_by_one():
    accuracy, nll, target = world()
    table = limits.seeds(nll, tidy()[0], target, SETTINGS)
    assert len(table) == 3 * len(SIZES)
    values = nll[(nll["size"] == "20M") & (nll["seed_index"] == 1)].set_index("corpus").loc[list(GROUP), "nll_per_char"]
    assert row(table, size="20M", seed_index=1)["estimate"] == decision_accuracy(-values, target["accuracy"])


def by_task(one, *others, groups=None):
    """Frame of one task from the accuracies of three seeds."""
    one, others = np.array(one, float), np.array(others, float)
    corpora = [f"c{i}" for i in range(len(one))]
    return pd.DataFrame(
        {
            "task": datadecide.MACRO,
            "corpus": corpora,
            "group": groups or corpora,
            "accuracy": (one + others.sum(axis=0)) / 3,
            "accuracy_default_seed": one,
        }
    )


def test_other_seeds_undo_the_mean():
    frame = by_task([0.1, 0.7], [0.2, 0.4], [0.6, 0.8])
    assert limits.other_seeds(frame).tolist() == pytest.approx([0.4, 0.6])


def test_ceiling_contains_the_seed_or_not():
    # the default seed orders 0 < 1 < 2 < 3 and is extreme; the other two reverse the order by a little
    frame = by_task([0.0, 1.0, 2.0, 3.0], [0.3, 0.2, 0.1, 0.0], [0.3, 0.2, 0.1, 0.0])
    table = limits.ceiling(frame, SETTINGS)
    assert row(table, against="mean of all seeds")["estimate"] == 1
    assert row(table, against="other two seeds")["estimate"] == 0


def test_ceiling_leaves_out_ties_that_rounding_hides():
    # the other two seeds of the first two corpora have equal means, which 3 mean - default reproduces only to 1e-17,
    # and in the wrong order: the default seed puts the second one higher
    frame = by_task([0.2, 0.5, 0.9], [0.1, 0.2, 0.5], [0.3, 0.2, 0.5])
    assert limits.other_seeds(frame)[0] > limits.other_seeds(frame)[1]
    got = row(limits.ceiling(frame, SETTINGS), against="other two seeds")
    assert got["estimate"] == 1  # two pairs count, both right


def test_noise_recovers_sigma_and_ignores_a_common_shift():
    rng = np.random.default_rng(8)
    truth, seeds = rng.normal(0.5, 0.1, 4000), rng.normal(0, 0.02, (3, 4000))
    got = limits.noise(by_task(*(truth + seeds)), SETTINGS).iloc[0]
    assert got["sigma"] == pytest.approx(0.02, rel=0.04)
    assert got["low"] < 0.02 < got["high"] and got["se_difference"] == pytest.approx(got["sigma"] * math.sqrt(2 / 3))
    means = (truth + seeds).mean(axis=0)
    differences = (means - truth)[::2] - (means - truth)[1::2]
    assert got["se_difference"] == pytest.approx(differences.std(), rel=0.05)
    shifted = limits.noise(by_task(truth + seeds[0] + 0.3, *(truth + seeds[1:])), SETTINGS).iloc[0]
    assert shifted["sigma"] == pytest.approx(got["sigma"]) and shifted["mean_shift"] == pytest.approx(0.3, abs=2e-3)


def test_noise_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(9)
    hits = 0
    for _ in range(300):
        got = limits.noise(by_task(*rng.normal(0, 1, (3, 10))), SETTINGS).iloc[0]
        hits += got["low"] <= 1 <= got["high"]
    assert 0.85 <= hits / 300 <= 0.95  # nominal 0.9, binomial s.e. 0.017


def three_corpora(scores):
    """One size below the target; c0 and c1 are close, c2 is far above both."""
    target = by_task([0.10, 0.11, 0.50], [0.10, 0.11, 0.50], [0.10, 0.11, 0.50])
    rows = []
    for size, compute in (("150M", 0.02), ("1B", 1.0)):
        for corpus, score in zip(target["corpus"], scores, strict=True):
            for signal in panel.SIGNALS:
                place = {"size": size, "compute": compute, "compute_fraction": compute, "on_trajectory": True}
                rows.append(place | {"corpus": corpus, "group": corpus, "signal": signal, "score": score})
    return pd.DataFrame(rows), target


@pytest.mark.parametrize(
    ("scores", "count", "share"),
    [
        ((2, 1, 3), 1, 1.0),  # only the close pair is wrong
        ((1, 3, 2), 1, 0.0),  # only a distant pair is wrong
        ((3, 2, 1), 3, 1 / 3),
        ((1, 1, 0), 2.5, 0.2),  # a tie in the close pair counts half
    ],
)
def test_misranked_pairs_by_hand(scores, count, share):
    frame, target = three_corpora(scores)
    table = limits.misranked(frame, target, se=0.005, settings=SETTINGS.model_copy(update={"draws": 50}))
    got = row(table, size="150M", signal="accuracy")
    assert got["n_misranked"] == count and got["estimate"] == pytest.approx(share)
    assert got["all_estimate"] == pytest.approx(1 / 3)
    assert not ((table["size"] == "1B") & (table["signal"] == "accuracy")).any()


def test_nothing_misranked_has_no_share():
    frame, target = three_corpora((1, 2, 3))
    got = row(limits.misranked(frame, target, 0.005, SETTINGS), size="150M", signal="nll")
    assert got["n_misranked"] == 0 and got[["estimate", "low", "high"]].isna().all()
    assert got["all_low"] <= got["all_estimate"] <= got["all_high"]


def test_pairs_are_sorted_counted_and_oriented():
    frame, target = three_corpora((1, 3, 2))
    frame.loc[(frame["signal"] == "nll"), "score"] = np.tile([2, 1, 3], 2)
    table = limits.pairs(frame, target, se=0.1)
    assert table[["better", "worse", "accuracy", "nll", "total", "out_of"]].to_numpy().tolist() == [
        ["c1", "c0", 0, 1, 1, 2],
        ["c2", "c1", 1, 0, 1, 2],
        ["c2", "c0", 0, 0, 0, 2],
    ]
    assert table["gap_se"].tolist() == [0.1, 3.9, 4.0] and not table["same_group"].any()


def test_z_scores():
    got = limits.z_scores(pd.DataFrame({"x": [1.0, 3.0], "flat": [2.0, 2.0]}))
    assert got.to_numpy().tolist() == [[-1, 0], [1, 0]]


def test_extrapolation_continues_a_line_exactly():
    compute = np.array([1e18, 3e18, 1e19, 7e19])
    lines = pd.DataFrame([[a + b * math.log(c) for c in compute] for a, b in ((1.0, 0.1), (-2.0, 0.3))])
    at = fits.extrapolated(lines, compute, 7e20)
    assert at.tolist() == pytest.approx([1 + 0.1 * math.log(7e20), -2 + 0.3 * math.log(7e20)])


def test_combinations_use_what_their_names_say():
    frame, target = tidy()
    found = fits.combined(frame, target)
    z = {
        signal: {size: limits.z_scores(pd.DataFrame(column(frame, signal, size)))[0] for size in SIZES}
        for signal in panel.SIGNALS
    }
    values, compute = found["both signals", "60M"]
    np.testing.assert_allclose(values, z["accuracy"]["60M"] + z["nll"]["60M"])
    assert compute == 5
    values, compute = found["NLL, all sizes", "60M"]
    np.testing.assert_allclose(values, sum(z["nll"][size] for size in SIZES[:3]) / 3)
    assert compute == 8
    values, compute = found["both, all sizes", "20M"]
    np.testing.assert_allclose(values, sum(z[s][size] for s in z for size in SIZES[:2]) / 2)
    values, compute = found["accuracy, extrapolated", "150M"]
    wide = pd.DataFrame({size: column(frame, "accuracy", size) for size in SIZES[1:5]})
    np.testing.assert_allclose(values, fits.extrapolated(wide, np.array([2.0, 5, 10, 20]), 100.0))
    assert compute == 37
    assert not {size for _, size in found} & {"750M", "1B"}
    assert ("accuracy, all sizes", "4M") not in found and ("accuracy, extrapolated", "60M") not in found


def test_contrasts_are_paired_with_the_right_single_signal():
    frame, target = tidy()
    table = fits.combinations(frame, target, SETTINGS)
    wanted = target["accuracy"].to_numpy()
    got = row(table, combination="NLL, all sizes", size="60M")
    assert got["baseline"] == "nll" and got["cost_ratio"] == pytest.approx(8 / 5) and got["compute_fraction"] == 0.08
    values, single = fits.combined(frame, target)["NLL, all sizes", "60M"][0], column(frame, "nll", "60M")
    weights = cluster_weights(target["group"], SETTINGS.draws, SETTINGS.seed)
    difference = decision_accuracy(values, wanted, weights) - decision_accuracy(single, wanted, weights)
    assert got["estimate"] == pytest.approx(decision_accuracy(values, wanted) - decision_accuracy(single, wanted))
    assert [got["low"], got["high"]] == pytest.approx(list(np.nanquantile(difference, [0.05, 0.95])))
    assert (table["excludes_zero"] == ((table["low"] > 0) | (table["high"] < 0))).all()
    both = table[(table["combination"] == "both signals") & (table["size"] == "60M")]
    assert set(both["baseline"]) == {"accuracy", "nll"}


def test_exactly_the_planned_contrasts_are_primary():
    frame, target = tidy()
    primary = fits.combinations(frame, target, SETTINGS).query("primary")
    assert set(primary["size"]) == {"150M"}
    assert set(zip(primary["combination"], primary["baseline"], strict=True)) == set(panel.PRIMARY)
    assert len(primary) == 4


def test_chance_counts():
    frame = pd.DataFrame({"excludes_zero": [True, False, True]})
    assert limits.chance(frame, 0.9) == {"excluding": 2, "by_chance": 0.3, "of": 3}


def test_compute_needed_by_hand():
    frame, target = tidy()
    order = target.set_index("corpus")["accuracy"]
    frame["score"] = -frame["corpus"].map(order)  # wrong everywhere ...
    right = ((frame["signal"] == "nll") & frame["size"].isin(["20M", "90M"])) | (frame["size"] == "150M")
    frame.loc[right, "score"] *= -1  # ... but here
    table = fits.compute_needed(frame, target, SETTINGS)
    for threshold in panel.THRESHOLDS:
        nll = row(table, signal="nll", threshold=threshold)
        assert (nll["size"], nll["compute_fraction"], nll["ratio"]) == ("20M", 0.02, pytest.approx(10))
        assert not nll["stays"]
        assert [nll["low"], nll["high"]] == pytest.approx([10, 10])
        accuracy = row(table, signal="accuracy", threshold=threshold)
        assert (accuracy["size"], accuracy["ratio"], accuracy["stays"]) == ("150M", 1, True)


def test_compute_never_reached_below_the_target_is_the_targets():
    frame, target = tidy()
    frame["score"] = -frame["corpus"].map(target.set_index("corpus")["accuracy"])
    table = fits.compute_needed(frame, target, SETTINGS)
    assert set(table["size"]) == {"1B"} and (table["compute_fraction"] == 1).all() and (table["ratio"] == 1).all()


def test_estimates_pick_the_claims():
    frame, target = tidy()
    single, differences = fits.single_sizes(frame, target, SETTINGS), fits.paired(frame, target, SETTINGS)
    table = fits.estimates(single, differences, 0.9, target).set_index("claim")
    assert list(table) == ["estimate", "low", "high", "level", "n", "n_unit"]
    assert table.loc["datadecide-150m", "estimate"] == row(single, signal="accuracy", size="150M")["estimate"]
    assert table.loc["datadecide-likelihood-small", "low"] == row(differences, size="4M")["low"]
    assert table.loc["datadecide-likelihood-coin", "high"] == row(single, signal="nll", size="4M")["high"]
    assert len(table) == 3 and set(pd.read_csv(report.CLAIMS)["id"]) >= set(table.index)


# ---- sentences turn with the numbers --------------------------------------------------------------------------------


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


# ---- tables, figures, the run ---------------------------------------------------------------------------------------


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


def build(tmp_path, monkeypatch):
    accuracy, nll, target = world()
    monkeypatch.setattr(datadecide, "accuracy", lambda: accuracy)
    monkeypatch.setattr(datadecide, "nll", lambda: nll)
    monkeypatch.setattr(datadecide, "target", lambda: target.drop(columns="group"))
    monkeypatch.setattr(datadecide, "GROUP_OF", GROUP)
    workspace = Workspace(tmp_path)
    fits.build(SimpleNamespace(settings=SETTINGS), workspace)
    return workspace, {path.stem: pd.read_parquet(path) for path in tmp_path.glob("*.parquet")}


def test_builder_writes_every_table_and_the_same_again(tmp_path, monkeypatch):
    workspace, found = build(tmp_path / "one", monkeypatch)
    expected = "decision_accuracy paired seeds ceiling noise misranked combinations compute_needed pairs estimates"
    assert set(found) == set(expected.split())
    assert workspace.facts["corpora"] == 7 and workspace.facts["pairs"] == 21 and workspace.facts["groups"] == 3
    assert workspace.facts["primary"]["of"] == 4
    total = workspace.facts["primary"]["of"] + workspace.facts["exploratory"]["of"]
    assert total == len(found["combinations"])
    build(tmp_path / "two", monkeypatch)
    for path in (tmp_path / "one").glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_builder_hands_on_no_source_value(tmp_path, monkeypatch):
    _, found = build(tmp_path, monkeypatch)
    accuracy, nll, target = world()
    raw = {round(v, 7) for v in (*accuracy["accuracy"], *nll["nll_per_char"], *target["accuracy_default_seed"])}
    raw -= {round(k / 10, 7) for k in range(11)}  # the world's target values are round numbers that shares may equal
    numbers = {round(float(v), 7) for table in found.values() for v in table.select_dtypes("number").to_numpy().ravel()}
    assert raw and not raw & numbers


@pytest.mark.published
def test_published_run(published_set, tmp_path):
    published_set("datadecide")
    workspace = Workspace(tmp_path)
    fits.build(SimpleNamespace(settings=SETTINGS), workspace)
    table = pd.read_parquet(tmp_path / "estimates.parquet").set_index("claim")
    assert table.loc["datadecide-150m", "estimate"] == pytest.approx(0.83, abs=1e-9)
    assert table.loc["datadecide-likelihood-small", "estimate"] == pytest.approx(0.27, abs=1e-9)
    assert workspace.facts["corpora"] == 25 and workspace.facts["groups"] == 5 and workspace.facts["pairs"] == 300
    assert pd.read_parquet(tmp_path / "combinations.parquet")["primary"].sum() == 4


@pytest.mark.published
def test_the_recorded_run_is_what_the_code_computes(published_set, tmp_path):
    published_set("datadecide")
    step = studies.declare("datadecide", "reference")
    recorded = Store("reference", tmp_path / "runs").find(step.key)
    assert recorded, "no recorded run: proxylib grid --profile reference --only datadecide --record"
    made = Store("reference", tmp_path / "runs", tmp_path / "none").produce(step.key, lambda w: fits.build(step, w))
    for name in sorted(made.manifest["files"]):
        table = name.removesuffix(".parquet")
        # another processor may sum in another order
        pd.testing.assert_frame_equal(made.table(table), recorded.table(table), rtol=1e-9, atol=1e-12)
