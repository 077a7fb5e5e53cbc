"""Decision accuracies of signals in the lab: planted orders, choices that never see what judges them, and first crossings."""

import itertools

import numpy as np
import pytest

from proxylib.measure import proxies
from proxylib.ranking.decision import decision_accuracy
from proxylib.stats import Bootstrap
from proxylib.studies.data_selection import lab_decisions as decisions
from proxylib.studies.data_selection.lab_panel import ACCURACY, FIXED, NAMED, LabPanel, Point, Trial

N, TASKS, F = 9, 3, len(proxies.NAMES)
BOOTSTRAP = Bootstrap(draws=60, level=0.9, seed=3)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def weights():
    return BOOTSTRAP.over(range(N)).weights


def trial(rng, **fixed):
    """Random numbers everywhere, but for the signals that are given; the target is in the order of the corpora."""
    target = np.arange(N)[:, None] + rng.uniform(0, 0.2, (N, TASKS))
    signals = {name: rng.standard_normal((N, TASKS)) for name in FIXED}
    return Trial(signals | fixed, rng.standard_normal((N, TASKS, F)), target)


def panel(*points):
    target = np.stack([points[0].trials[0].target] * 2)
    return LabPanel(tuple(f"c{number}" for number in range(N)), ("a", "b", "c"), points, target)


def share_by_hand(eighty, target, weights):
    """Chosen on the pairs of all corpora but one, judged on the pairs of that one; corpora in the order of a weighted draw."""
    won = of = 0.0
    for left in range(len(target)):
        scores = []
        for column in eighty.T:
            pairs = [(i, j) for i, j in itertools.combinations(range(len(target)), 2) if left not in (i, j)]
            right = sum(weights[i] * weights[j] * ((column[i] > column[j]) == (target[i] > target[j])) for i, j in pairs)
            scores.append(right / sum(weights[i] * weights[j] for i, j in pairs))
        best = int(np.argmax(np.abs(np.array(scores) - 0.5)))
        sign = 1 if scores[best] >= 0.5 else -1
        for other in set(range(len(target))) - {left}:
            pair = weights[left] * weights[other]
            won += pair * ((sign * (eighty[left, best] - eighty[other, best]) > 0) == (target[left] > target[other]))
            of += pair
    return won / of


def test_the_choice_on_other_corpora_never_sees_the_one_that_is_judged(rng, weights):
    eighty, target = rng.standard_normal((N, F)), rng.standard_normal(N)
    values = decisions.on_other_corpora(eighty, target, weights)
    for draw in (0, 3, 17):
        assert values[draw] == pytest.approx(share_by_hand(eighty, target, weights[draw]))


def test_a_choice_on_other_corpora_is_no_coin_without_a_signal_and_its_null_says_so(rng):
    once = np.ones((1, N))
    drawn = [decisions.on_other_corpora(rng.standard_normal((N, F)), rng.standard_normal(N), once)[0] for _ in range(200)]
    assert 0.55 < np.mean(drawn) < 2 / 3  # a corpus placed at random among others in order is right against two thirds of them
    null = decisions.null_of(decisions.on_other_corpora, trial(rng), 200, rng)
    assert null.mean() == pytest.approx(np.mean(drawn), abs=0.04)


def test_the_oracle_is_the_best_feature_with_its_sign_and_its_null_the_same_search(rng, weights):
    eighty, target = rng.standard_normal((N, F)), np.arange(N, dtype=float)
    eighty[:, 7] = -target
    assert decisions.oracle(eighty, target, weights).min() == 1
    single = [decision_accuracy(column, target) for column in np.delete(eighty, 7, 1).T]
    without = decisions.oracle(np.delete(eighty, 7, 1), target, np.ones((1, N)))[0]
    assert without == pytest.approx(max(max(share, 1 - share) for share in single))
    null = decisions.null_of(decisions.oracle, trial(rng), 200, rng)
    assert 0.7 < null.mean() < 0.95 and null.max() <= 1


def test_the_choice_on_other_tasks_follows_what_they_share_and_not_the_judged_one(rng, weights):
    shared = trial(rng)
    shared.eighty[:, :, 4] = -shared.target
    assert decisions.on_other_tasks(shared, weights)[0] == 1
    turned = trial(rng)
    turned.target[:] = np.arange(N)[:, None]
    turned.eighty[:] = 0
    turned.eighty[:, :2, 4] = turned.target[:, :2]
    turned.eighty[:, 2, 4] = -3 * turned.target[:, 2]  # the other way round, and louder than both
    assert decisions.on_other_tasks(turned, weights)[0] == 0  # each task is judged by what the two others say


def test_points_of_the_target_are_judged_by_its_other_seed_alone(rng, weights):
    one, other = trial(rng), trial(rng)
    one.fixed[NAMED][:] = one.target
    other.fixed[NAMED][:] = -other.target
    curve = decisions.fixed_curves(panel(Point(64, 1.0, 1.0, (one, other))), weights)[NAMED]
    assert curve.values[0, 0] == pytest.approx(0.5)


def curve(shares, values):
    return decisions.Curve(np.array(shares), np.repeat(np.array(values, float)[:, None], 1 + BOOTSTRAP.draws, 1))


def test_first_reached_is_the_cheapest_point_at_the_level_in_any_order():
    rising = curve([0.1, 0.001, 0.01], [0.9, 0.4, 0.82])
    assert decisions.first_reached(rising, 0.8)[0] == 0.01
    assert decisions.first_reached(rising, 0.95)[0] == 1.0


def test_ratios_say_how_much_more_direct_accuracy_needs():
    by_method = {ACCURACY: curve([0.001, 0.1], [0.5, 0.9]), NAMED: curve([0.001, 0.1], [0.81, 0.9])}
    table = decisions.needed(by_method, BOOTSTRAP.over(range(N))).set_index(["level", "method"])
    assert table.loc[(0.8, NAMED), "ratio"] == pytest.approx(100)
    assert table.loc[(0.85, NAMED), "ratio"] == 1 and table.loc[(0.8, ACCURACY), "share"] == 0.1
    assert not decisions.needed({ACCURACY: curve([0.1], [0.5])}, BOOTSTRAP.over(range(N)))["reached"].any()


def test_the_frontier_is_the_least_of_the_paired_differences_at_cheap_points():
    by_method = {name: curve([0.001, 0.5], [0.6, 0.1]) for name in FIXED}
    by_method[NAMED] = curve([0.001, 0.5], [0.7, 0.0])
    by_method["rBridge"] = curve([0.001, 0.5], [0.65, 0.0])
    table = decisions.frontier(by_method, BOOTSTRAP.over(range(N))).set_index("baseline")
    assert table.loc["rBridge", "estimate"] == pytest.approx(0.05) == table.loc[decisions.BEST, "estimate"]
    assert table.loc[ACCURACY, "estimate"] == pytest.approx(0.1) and set(table["points"]) == {1}


def test_two_sizes_together_add_their_compute_and_beat_each_where_their_errors_differ(rng, weights):
    target = np.arange(N, dtype=float)
    first, second = target.copy(), target.copy()
    first[[0, 1]], second[[7, 8]] = first[[1, 0]] + [0, 0.1], second[[8, 7]] - [0.1, 0]
    points = []
    for width, scores, share in ((16, first, 0.01), (32, second, 0.1)):
        case = trial(rng, **{NAMED: np.repeat(scores[:, None], TASKS, 1)})
        points.append(Point(width, 1.0, share, (Trial(case.fixed, case.eighty, np.repeat(target[:, None], TASKS, 1)),)))
    widest = Point(64, 1.0, 1.0, (points[0].trials[0],) * 2)
    both = decisions.two_sizes(panel(*points, widest), weights)[NAMED]
    assert both.shares.tolist() == [pytest.approx(0.11)]
    alone = [decision_accuracy(scores, target) for scores in (first, second)]
    assert both.values[0, 0] >= max(alone)


def test_the_ceiling_is_the_agreement_of_seeds(rng):
    target = np.stack([np.arange(N)[:, None] + np.zeros((N, TASKS)), -np.arange(N)[:, None] + np.zeros((N, TASKS))])
    arrays = LabPanel(tuple(map(str, range(N))), ("a", "b", "c"), (), target)
    assert decisions.ceiling(arrays, np.ones((1, N)))[0] == 0
    assert decisions.ceiling(LabPanel(arrays.corpora, arrays.tasks, (), target[[0, 0]]), np.ones((1, N)))[0] == 1


def test_tables_have_a_row_per_method_and_point(rng, weights):
    resampling = BOOTSTRAP.over(range(N))
    points = (Point(16, 0.5, 0.01, (trial(rng),)), Point(64, 1.0, 1.0, (trial(rng), trial(rng))))
    arrays = panel(*points)
    curves = decisions.curves(arrays, resampling.weights)
    table = decisions.table(curves, resampling, points)
    assert len(table) == 2 * (len(FIXED) + 2) and (table["low"] <= table["high"]).all()
    tasks = decisions.table(decisions.task_curves(arrays, resampling.weights), resampling, arrays.small)
    assert set(tasks["method"]) == {*FIXED, decisions.OTHER_TASKS} and set(tasks["width"]) == {16}
    nulls = decisions.nulls(arrays, 5, 0)
    assert list(nulls["method"]) == list(decisions.SEARCHES) and (nulls["mean"] <= nulls["high"]).all()
    assert len(decisions.choices(arrays)) == 1
    among = arrays.among(("c1", "c4", "c7"))
    assert among.points[1].trials[1].target.shape == (3, TASKS) and among.target.shape == (2, 3, TASKS)


def test_targets_that_are_all_alike_leave_no_pair_and_no_number(rng, weights):
    empty = trial(rng)
    empty.target[:] = 0
    resampling = BOOTSTRAP.over(range(N))
    arrays = panel(Point(16, 1.0, 0.005, (empty,)), Point(64, 1.0, 1.0, (empty, empty)))
    curves = decisions.curves(arrays, resampling.weights)
    assert decisions.table(curves, resampling, arrays.points)["estimate"].isna().all()
    assert decisions.frontier(curves, resampling)["low"].isna().all()
    assert not decisions.needed(curves, resampling)["reached"].any()
