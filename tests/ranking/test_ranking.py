"""Rankers against brute force and generic optimisers; protocols against garbage where they must not look; nulls re-run."""

import dataclasses
import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from scipy import stats as reference

from proxylib import stats
from proxylib.errors import UserError
from proxylib.ranking import baselines, nulls, protocols, rankers, single, summaries
from proxylib.ranking import panel as panel_
from proxylib.stats import Bootstrap

quick = settings(max_examples=30, deadline=None, derandomize=True, database=None)
BOOTSTRAP = Bootstrap(draws=200, level=0.9, seed=3)
SVM = rankers.LinearRankSVM((1.0,))
TUNED = rankers.LinearRankSVM((0.01, 1.0))


def panel(seed=0, families=4, sizes=3, tasks=4, features=6, signal=1.0, rounded=False):
    """Accuracies with a part shared by all tasks; features that know them to a degree."""
    rng = np.random.default_rng(seed)
    n = families * sizes
    skill = rng.standard_normal((n, 1)) + 0.7 * rng.standard_normal((n, tasks))
    values = signal * skill[:, :, None] * rng.standard_normal(features) + rng.standard_normal((n, tasks, features))
    return panel_.Panel(
        models=[f"model {i}" for i in range(n)],
        families=np.repeat([f"family {i}" for i in range(families)], sizes),
        tasks=[f"task {t}" for t in range(tasks)],
        features=np.round(values) if rounded else values,
        names=[f"feature {f}" for f in range(features)],
        accuracy=np.round(1 / (1 + np.exp(-skill)), 1 if rounded else 3),
    )


def changed(given_panel, **arrays):
    """A copy of a panel with functions applied to copies of its arrays."""
    fields = {}
    for name, change in arrays.items():
        fields[name] = getattr(given_panel, name).copy()
        change(fields[name])
    return dataclasses.replace(given_panel, **fields)


def problem(seed=0, n=12, tasks=4, features=6, rounded=False):
    """Standardised features [n, T, F] and accuracies [n, T]."""
    made = panel(seed, families=n // 3, tasks=tasks, features=features, rounded=rounded)
    return panel_.standardise(made.features, np.arange(n)), made.accuracy


def ones(given_panel):
    return np.ones((1, len(given_panel.models)), int)


def mean_rho(scores, y):
    """By scipy, task by task; an undefined correlation counts as 0."""
    found = [
        0.0 if np.ptp(s) == 0 or np.ptp(a) == 0 else reference.spearmanr(s, a).statistic
        for s, a in zip(scores.T, y.T, strict=True)
    ]
    return np.mean(found)


# --------------------------------------------------------------------------------------------------------------- panel


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("features", np.zeros((12, 4, 5)), "features has shape"),
        ("accuracy", np.zeros((12, 3)), "accuracy has shape"),
        ("families", np.array(["a"] * 11), "families has shape"),
        ("families", np.array(["a"] * 11 + [""]), "no name"),
        ("features", np.full((12, 4, 6), np.nan), "not finite"),
        ("tasks", ["a", "b", "c", "a"], "tasks holds a name twice"),
        ("accuracy", np.full((12, 4), 0.5), "score alike on task 0"),
    ],
)
def test_a_bad_panel_is_refused(field, value, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(panel(), **{field: value})


def test_a_panel_owns_its_arrays():
    features = np.array(panel().features)
    made = dataclasses.replace(panel(), features=features)
    features[:] = 0
    assert made.features.any()
    with pytest.raises(ValueError, match="read-only"):
        made.accuracy[0, 0] = 1


# ---------------------------------------------------------------------------------------------------- ranks and scales


@quick
@given(seed=st.integers(0, 10_000), n=st.integers(3, 14), ties=st.booleans())
def test_the_product_of_unit_ranks_is_spearmans_correlation(seed, n, ties):
    x, y = np.random.default_rng(seed).standard_normal((2, n, 3))
    if ties:
        x, y = np.round(x), np.round(y)
    found = (panel_.unit_ranks(x) * panel_.unit_ranks(y)).sum(0)
    for a, b, rho in zip(x.T, y.T, found, strict=True):
        defined = np.ptp(a) > 0 and np.ptp(b) > 0
        assert rho == pytest.approx(reference.spearmanr(a, b).statistic if defined else 0.0, abs=1e-12)


def test_only_the_given_rows_set_the_scale():
    values = np.random.default_rng(1).normal(5, 3, (9, 2, 4))
    rows = np.arange(9) < 6
    found = panel_.standardise(values, rows)
    assert found[rows].mean(0) == pytest.approx(np.zeros((2, 4)), abs=1e-12)
    assert found[rows].std(0) == pytest.approx(np.ones((2, 4)))
    assert found[8, 1, 2] == pytest.approx((values[8, 1, 2] - values[:6, 1, 2].mean()) / values[:6, 1, 2].std())


def test_a_feature_without_spread_is_zero_for_all():
    values = np.random.default_rng(1).normal(size=(6, 2, 2))
    values[:5, 0, 0] = 0.1  # its mean over five is not exactly 0.1 in floating point
    found = panel_.standardise(values, np.arange(6) < 5)
    assert (found[:, 0, 0] == 0).all() and found[:, 0, 1].any()


# ------------------------------------------------------------------------------------------------------------- rankers


@quick
@given(seed=st.integers(0, 10_000), rounded=st.booleans())
def test_the_univariate_choice_is_the_best_of_all_features_and_signs(seed, rounded):
    X, y = problem(seed, rounded=rounded)
    weights = rankers.Univariate().fit(X, y).weights
    best = max(mean_rho(sign * X[:, :, f], y) for f in range(X.shape[2]) for sign in (-1, 1))
    assert np.abs(weights).sum() == 1 and (weights != 0).sum() == 1
    assert mean_rho(X @ weights, y) == pytest.approx(best, abs=1e-11)


def test_the_univariate_choice_breaks_ties_by_the_lowest_index_and_takes_the_sign():
    X, y = problem(2)
    X[:, :, 3] = -y  # 3 and 5 are both perfect, turned
    X[:, :, 5] = -np.exp(y)
    assert rankers.Univariate().fit(X, y).weights.tolist() == [0, 0, 0, -1, 0, 0]


def pair_least_squares(X, y):
    """Weights by writing all ordered pairs out, tied ones as 0."""
    pairs = [(t, i, j) for t in range(X.shape[1]) for i in range(len(X)) for j in range(len(X)) if i != j]
    differences = np.array([X[i, t] - X[j, t] for t, i, j in pairs])
    preferences = np.array([np.sign(y[i, t] - y[j, t]) for t, i, j in pairs])
    return np.linalg.lstsq(differences, preferences, rcond=None)[0]


@pytest.mark.parametrize(("seed", "rounded"), [(0, False), (1, False), (2, True)])
def test_the_triple_search_equals_brute_force(seed, rounded):
    X, y = problem(seed, n=9, tasks=3, features=10, rounded=rounded)
    X = X + np.arange(3.0)[:, None]  # a task's level is in no difference
    triples = list(itertools.combinations(range(10), 3))
    solved = [pair_least_squares(X[:, :, triple], y) for triple in triples]
    merit = [mean_rho(X[:, :, triple] @ weights, y) for triple, weights in zip(triples, solved, strict=True)]
    best = int(np.argmax(np.round(merit, 9)))
    found = rankers.SparseLinear(3).fit(X, y).weights
    assert tuple(np.flatnonzero(found)) == triples[best]
    assert found[list(triples[best])] == pytest.approx(solved[best], rel=1e-6)


@pytest.mark.parametrize("rounded", [False, True])
def test_the_shortlist_holds_the_best_of_many_triples(rounded):
    X, y = problem(5, features=20, rounded=rounded)  # 1,140 triples, under a fifth of them ranked exactly
    found = rankers.SparseLinear(3).fit(X, y)
    subsets = rankers._subsets(20, 3)
    solutions = rankers._solutions(X, y, subsets)
    exact = [mean_rho(X[:, :, triple] @ w, y) for triple, w in zip(subsets, solutions, strict=True)]
    assert len(subsets) > 5 * rankers.SHORTLIST
    assert mean_rho(found(X), y) == pytest.approx(max(exact), abs=1e-9)


def test_the_quick_ranking_is_exact_without_ties():
    X, y = problem(6, features=8, rounded=True)
    X = X + 1e-3 * np.random.default_rng(0).standard_normal(X.shape)  # ties stay among accuracies alone
    subsets = rankers._subsets(8, 3)
    solutions = rankers._solutions(X, y, subsets)
    quick_rho = rankers._quick_rho(X, y, subsets, solutions)
    exact = [mean_rho(X[:, :, triple] @ w, y) for triple, w in zip(subsets, solutions, strict=True)]
    assert quick_rho == pytest.approx(np.array(exact), abs=1e-5)


def test_blocks_do_not_change_the_search(monkeypatch):
    X, y = problem(7, features=10)
    whole = rankers.SparseLinear(3).fit(X, y).weights
    monkeypatch.setattr(rankers, "BLOCK", 7)
    assert (rankers.SparseLinear(3).fit(X, y).weights == whole).all()


def test_copies_and_constants_among_features_are_survived():
    X, y = problem(3, features=6)
    X[:, :, 1] = X[:, :, 2] = X[:, :, 0]
    X[:, :, 3] = 0
    solutions = rankers._solutions(X, y, np.array([[0, 1, 2], [0, 4, 5], [1, 4, 5]]))
    alone = pair_least_squares(X[:, :, :1], y)
    assert solutions[0] == pytest.approx(np.full(3, alone[0] / 3), rel=1e-4)  # shared out among the copies
    assert solutions[1] == pytest.approx(solutions[2])
    assert np.isfinite(rankers.SparseLinear(3).fit(X, y).weights).all()


def test_too_few_features_for_a_triple_are_named():
    with pytest.raises(UserError, match="3 features are needed, found 2"):
        rankers.SparseLinear(3).fit(*problem(features=2))


def test_every_task_has_the_same_say_in_the_svm_and_ties_none():
    X, y = problem(rounded=True)
    y = y.copy()
    y[:, 0] = np.arange(12) > 5  # 36 untied pairs of 66
    y[:, 1] = 0.5  # none
    differences, share = rankers._preferences(X, y)
    untied = [sum(a != b for a, b in itertools.combinations(column, 2)) for column in y.T]
    assert untied[0] == 36 and untied[1] == 0 and len(differences) == sum(untied)
    assert share.sum() == pytest.approx(1)
    assert sorted(set(np.round(share, 12))) == sorted({round(1 / 3 / count, 12) for count in untied if count})


def hinge_objective(weights, X, y, cost):
    """Written out: half the squared length and cost times the mean over tasks of the mean over untied pairs."""
    losses = []
    for t in range(y.shape[1]):
        pairs = [(i, j) for i in range(len(y)) for j in range(len(y)) if y[i, t] > y[j, t]]
        losses.append(np.mean([max(0.0, 1 - weights @ (X[i, t] - X[j, t])) for i, j in pairs]))
    return weights @ weights / 2 + cost * np.mean(losses)


def dual_weights(gram, upper):
    """Multipliers of the machine's dual with the kernel `gram` over pairs, by a generic bounded optimiser."""
    start = np.zeros(len(upper))
    value = lambda a: (a @ gram @ a / 2 - a.sum(), gram @ a - 1)
    options = {"maxiter": 20_000, "maxfun": 100_000, "ftol": 1e-15, "gtol": 1e-10}
    bounds = optimize.Bounds(0, upper)
    return optimize.minimize(value, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


@pytest.mark.parametrize("cost", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("rounded", [False, True])
def test_the_linear_svm_minimises_its_objective(cost, rounded):
    X, y = problem(4, n=9, tasks=3, features=4, rounded=rounded)
    weights = rankers.LinearRankSVM((cost,)).fit(X, y).weights
    differences, share = rankers._preferences(X, y)
    optimum = differences.T @ dual_weights(differences @ differences.T, cost * share)
    least = hinge_objective(optimum, X, y, cost)
    assert hinge_objective(weights, X, y, cost) == pytest.approx(least, rel=1e-5)
    assert weights == pytest.approx(optimum, rel=1e-2, abs=1e-3 * np.abs(optimum).max())


def test_the_linear_svm_recovers_a_planted_direction():
    rng = np.random.default_rng(8)
    X, direction = rng.standard_normal((30, 5, 6)), rng.standard_normal(6)
    weights = rankers.LinearRankSVM().fit(X, X @ direction).weights
    assert weights @ direction / np.linalg.norm(weights) / np.linalg.norm(direction) > 0.99


def cost_merit(X, y, cost):
    """Mean correlation on the left-out task, every fit written out."""
    found = []
    for t in range(y.shape[1]):
        rest = np.delete(np.arange(y.shape[1]), t)
        weights = rankers.LinearRankSVM((cost,)).fit(X[:, rest], y[:, rest]).weights
        found.append(reference.spearmanr(X[:, t] @ weights, y[:, t]).statistic)
    return np.mean(found)


@pytest.mark.parametrize("seed", range(9, 14))
def test_costs_are_ordered_by_the_left_out_tasks(seed):
    X, y = problem(seed, features=8)
    costs = (100.0, 0.01, 1.0)
    merit = {cost: round(cost_merit(X, y, cost), 9) for cost in costs}
    assert rankers._costs_by_merit(X, y, costs) == sorted(sorted(costs), key=lambda cost: -merit[cost])


def test_ties_among_costs_go_to_the_smallest():
    X, y = problem()
    perfect = np.repeat(y[:, :, None], 2, axis=2)  # every cost orders alike
    assert rankers._costs_by_merit(perfect, y, (100.0, 0.01, 1.0)) == [0.01, 1.0, 100.0]


def test_a_cost_that_does_not_converge_is_left_out_or_refused(monkeypatch):
    X, y = problem(9, features=8)
    real = rankers._hinge
    monkeypatch.setattr(panel_, "_hinge", lambda d, share, cost: None if cost > 0.1 else real(d, share, cost))
    assert rankers._costs_by_merit(X, y, (0.01, 1.0)) == [0.01]
    monkeypatch.setattr(panel_, "_hinge", real)
    monkeypatch.setattr(panel_, "MAX_ITER", 1)
    with pytest.raises(UserError, match="converges at none"):
        rankers.LinearRankSVM((100.0,)).fit(X, y)


def test_the_svm_names_what_it_lacks():
    X, y = problem()
    with pytest.raises(UserError, match="fewer than two pairs"):
        SVM.fit(X, np.ones_like(y))
    with pytest.raises(UserError, match="two held-in tasks"):
        rankers.LinearRankSVM().fit(X[:, :1], y[:, :1])
    with pytest.raises(UserError, match="do not vary"):
        rankers.KernelRankSVM((1.0,)).fit(X * 0, y)


def gaussian(a, b, gamma):
    return np.exp(-gamma * ((a[:, None] - b[None]) ** 2).sum(-1))


def test_kernel_coordinates_reproduce_the_kernel_also_with_new_points():
    rng = np.random.default_rng(1)
    training, new = rng.standard_normal((20, 5)), rng.standard_normal((7, 5))
    to = rankers.KernelMap(training, 0.1)
    assert to(training) @ to(training).T == pytest.approx(gaussian(training, training, 0.1), abs=1e-8)
    assert to(new) @ to(training).T == pytest.approx(gaussian(new, training, 0.1), abs=1e-8)


@pytest.mark.parametrize("cost", [1.0, 100.0])
def test_the_kernel_svm_equals_the_one_on_the_pair_kernel(cost):
    X, y = problem(4, n=9, tasks=3, features=4)
    gamma = 1 / (4 * X.var())
    pairs = [(t, i, j) for t in range(3) for i in range(9) for j in range(9) if y[i, t] > y[j, t]]
    better, worse = (np.array([X[pair[side], pair[0]] for pair in pairs]) for side in (1, 2))
    k = lambda a, b: gaussian(a, b, gamma)
    # k(i,k) - k(i,l) - k(j,k) + k(j,l)
    gram = k(better, better) - k(better, worse) - k(worse, better) + k(worse, worse)
    size = np.bincount([t for t, _, _ in pairs])
    upper = np.array([cost / 3 / size[t] for t, _, _ in pairs])
    multipliers = dual_weights(gram, upper)
    new = np.random.default_rng(0).standard_normal((5, 2, 4))
    expected = ((k(new.reshape(-1, 4), better) - k(new.reshape(-1, 4), worse)) @ multipliers).reshape(5, 2)
    found = rankers.KernelRankSVM((cost,)).fit(X, y)(new)
    assert found == pytest.approx(expected, abs=5e-3 * np.abs(expected).max())


def test_the_kernel_svm_learns_what_no_line_can():
    rng = np.random.default_rng(2)
    X = rng.uniform(-1, 1, (25, 4, 1))
    y = -np.abs(X[:, :, 0])
    bent, straight = (kind().fit(X, y)(X) for kind in (rankers.KernelRankSVM, rankers.LinearRankSVM))
    assert mean_rho(bent, y) > 0.95 > 0.6 > abs(mean_rho(straight, y))


def test_unfitted_rankers_ignore_what_they_are_shown():
    X, y = problem()
    assert (rankers.Fixed(2, -1.0).fit(X, y)(X) == -X[:, :, 2]).all()
    signs = (1.0, -1.0, 1.0, 1.0, -1.0, 1.0)
    assert rankers.RankAverage(signs).fit(X, -y)(X) == pytest.approx((X * np.array(signs)).mean(2))
    with pytest.raises(UserError, match="2 signs for 6 features"):
        rankers.RankAverage((1.0, 1.0)).fit(X, y)


def test_low_rank_scores_lie_in_the_leading_components():
    rng = np.random.default_rng(3)
    loadings = rng.standard_normal((2, 10)) * [[1], [10]]
    latent = rng.standard_normal((20, 4, 2))
    X, y = latent @ loadings + 0.01 * rng.standard_normal((20, 4, 10)), latent[:, :, 0]
    weights = rankers.LowRank(2).fit(X, y).weights
    inside = np.linalg.lstsq(loadings.T, weights, rcond=None)[0]
    assert loadings.T @ inside == pytest.approx(weights, abs=0.01 * np.abs(weights).max())
    assert mean_rho(X @ weights, y) > 0.99
    alone = rankers.LowRank(1).fit(X, y).weights  # the first component is mostly about the other
    assert mean_rho(X @ alone, y) < 0.8


@pytest.mark.parametrize("seed", range(6))
def test_principal_axes_are_those_of_the_covariance_with_loadings_that_add_up_positively(seed):
    rows = 5 + np.random.default_rng(seed).standard_normal((9, 4)) @ np.diag([1, 2, 3, 4])
    axes = rankers.principal_axes(rows, 2)
    expected = np.linalg.eigh(np.cov(rows.T))[1][:, [-1, -2]]
    assert axes == pytest.approx(expected * np.sign(expected.sum(0)))


# ----------------------------------------------------------------------------------------------------------- protocols

RANKERS = [
    rankers.Univariate(),
    rankers.SparseLinear(3),
    SVM,
    TUNED,
    rankers.KernelRankSVM((1.0,)),
    rankers.RankAverage((1.0,) * 6),
    rankers.LowRank(2, (1.0,)),
    rankers.Fixed(1, -1.0),
]
FITTED = [ranker for ranker in RANKERS if not isinstance(ranker, rankers.RankAverage | rankers.Fixed)]


def test_every_protocol_ranks_every_model_on_every_held_out_task():
    made = panel()
    by_task = protocols.leave_tasks_out(made, rankers.Univariate())
    by_family = protocols.leave_family_out(made, rankers.Univariate())
    by_both = protocols.leave_both_out(made, rankers.Univariate())
    for frame in (by_task, by_family, by_both):
        assert list(frame.columns) == protocols.COLUMNS
        ranked = frame[frame["held_out"]].groupby(["fold", "task"])["model"]
        assert (ranked.nunique() == 12).all() and (ranked.size() == 12).all()
    assert by_task.groupby("fold")["task"].unique().map(tuple).tolist() == list(itertools.combinations(made.tasks, 2))
    assert len(by_task) == 6 * 2 * 12 and len(by_family) == 4 * 4 * 12 and len(by_both) == 4 * 6 * 2 * 12
    family = dict(zip(made.models, made.families, strict=True))
    for frame in (by_family, by_both):
        assert (frame["held_out"] == (frame["model"].map(family) == frame["family"])).all()
    assert by_task["held_out"].all() and set(by_task["family"]) == {""}


def test_scores_of_a_fold_are_scaled_on_its_training_models():
    frame = protocols.leave_family_out(panel(), SVM)
    training = frame[~frame["held_out"]].groupby(["family", "task"])["score"]
    assert training.mean().to_numpy() == pytest.approx(np.zeros(16), abs=1e-9)
    assert training.std(ddof=0).to_numpy() == pytest.approx(np.ones(16))


def scramble(array, *where):
    """Replace a part by numbers that have nothing to do with it."""
    array[where] = np.random.default_rng(99).uniform(0, 1, array[where].shape)


@pytest.mark.parametrize("ranker", RANKERS, ids=repr)
def test_leave_tasks_out_never_sees_a_held_out_accuracy(ranker):
    made = panel()
    garbage = changed(made, accuracy=lambda a: scramble(a, slice(None), [0, 1]))
    before, after = (protocols.leave_tasks_out(p, ranker) for p in (made, garbage))
    fold = before["fold"] == 0  # tasks 0 and 1 are out
    pd.testing.assert_frame_equal(before[fold], after[fold])
    if ranker in FITTED:  # and where they are in, they are seen
        assert not np.allclose(before.loc[~fold, "score"], after.loc[~fold, "score"])


def test_the_oracle_sees_the_held_out_tasks_alone():
    made = panel()
    seen = changed(made, accuracy=lambda a: scramble(a, slice(None), [0, 1]))
    unseen = changed(made, accuracy=lambda a: scramble(a, slice(None), [2, 3]))
    before, other, same = (protocols.leave_tasks_out(p, rankers.SparseLinear(), oracle=True) for p in (made, seen, unseen))
    fold = before["fold"] == 0
    assert set(before["protocol"]) == {protocols.ORACLE}
    assert not np.allclose(before.loc[fold, "score"], other.loc[fold, "score"])
    pd.testing.assert_frame_equal(before[fold], same[fold])
    honest = protocols.leave_tasks_out(made, rankers.SparseLinear())
    assert summaries.rho(before, made, ones(made)) > summaries.rho(honest, made, ones(made)) + 0.05


@pytest.mark.parametrize("ranker", RANKERS, ids=repr)
def test_leave_family_out_never_sees_the_held_out_family(ranker):
    made = panel(signal=0.2)  # so weak that every model's label can turn the choice
    labels = changed(made, accuracy=lambda a: scramble(a, slice(3)))
    scales = changed(made, features=lambda a: scramble(a, slice(3)))
    before, relabelled, rescaled = (protocols.leave_family_out(p, ranker) for p in (made, labels, scales))
    fold = before["family"] == "family 0"
    pd.testing.assert_frame_equal(before[fold], relabelled[fold])
    # with other features the family's own scores change, but those of the training models do not
    training = fold & ~before["held_out"]
    pd.testing.assert_frame_equal(before[training], rescaled[training])
    assert not np.allclose(before.loc[fold, "score"], rescaled.loc[fold, "score"])
    if ranker in FITTED:
        assert not np.allclose(before.loc[~fold, "score"], relabelled.loc[~fold, "score"])


def test_a_held_out_model_is_scored_by_itself():
    # what another member of its family is like must not move it
    made = panel()
    garbage = changed(made, features=lambda a: scramble(a, 1))
    before, after = (protocols.leave_family_out(p, SVM) for p in (made, garbage))
    own = (before["family"] == "family 0") & (before["model"] == "model 0")
    pd.testing.assert_frame_equal(before[own], after[own])


@pytest.mark.parametrize("ranker", [rankers.SparseLinear(3), TUNED, rankers.KernelRankSVM((1.0,))], ids=repr)
def test_leave_both_out_sees_neither(ranker):
    made = panel()

    def garble(accuracy):
        scramble(accuracy, slice(3))
        scramble(accuracy, slice(None), [0, 1])

    labels = changed(made, accuracy=garble)
    scales = changed(made, features=lambda a: scramble(a, slice(3)))
    before, relabelled, rescaled = (protocols.leave_both_out(p, ranker) for p in (made, labels, scales))
    fold = (before["family"] == "family 0") & (before["fold"] == 0)
    pd.testing.assert_frame_equal(before[fold], relabelled[fold])
    training = fold & ~before["held_out"]
    pd.testing.assert_frame_equal(before[training], rescaled[training])
    for part in (before["family"] != "family 0", before["fold"] != 0):
        assert not np.allclose(before.loc[part, "score"], relabelled.loc[part, "score"])


@pytest.mark.parametrize("protocol", [protocols.leave_tasks_out, protocols.leave_family_out, protocols.leave_both_out])
@pytest.mark.parametrize("ranker", [rankers.Univariate(), rankers.SparseLinear(3), SVM], ids=repr)
def test_the_order_of_models_and_of_tasks_does_not_matter(protocol, ranker):
    made = panel(12)
    rng = np.random.default_rng(0)
    i, t = rng.permutation(12), rng.permutation(4)
    turned = panel_.Panel(
        models=[made.models[m] for m in i],
        families=made.families[i],
        tasks=[made.tasks[task] for task in t],
        features=made.features[i][:, t],
        names=made.names,
        accuracy=made.accuracy[i][:, t],
    )
    for measure in (summaries.rho, summaries.pair_agreement):
        first, second = (measure(protocol(p, ranker), p, ones(p)) for p in (made, turned))
        assert first == pytest.approx(second, abs=2e-3 if ranker is SVM else 1e-9)  # the solver stops at a tolerance


def test_impossible_hold_outs_are_named():
    with pytest.raises(UserError, match="k = 4 tasks of 4"):
        protocols.leave_tasks_out(panel(), SVM, k=4)
    with pytest.raises(UserError, match="at least 2 families"):
        protocols.leave_family_out(panel(families=1), SVM)


# ----------------------------------------------------------------------------------- baselines that look at accuracies


def agreeing(noise=0.0, seed=0):
    """A panel whose tasks all follow one skill."""
    rng = np.random.default_rng(seed)
    skill = np.linspace(-2, 2, 12)[:, None] * np.array([1.0, 2.0, 0.5, 1.5]) + noise * rng.standard_normal((12, 4))
    return dataclasses.replace(panel(seed), accuracy=0.1 + 0.9 / (1 + np.exp(-skill)))


@pytest.mark.parametrize("baseline", [baselines.held_in_score, baselines.principal_component])
def test_held_in_accuracies_are_perfect_where_tasks_agree_and_useless_where_they_do_not(baseline):
    made = agreeing()
    assert summaries.rho(baseline(made), made, ones(made)) == pytest.approx(1)
    apart = dataclasses.replace(made, accuracy=np.random.default_rng(4).uniform(size=(12, 4)))
    assert abs(summaries.rho(baseline(apart), apart, ones(apart))) < 0.5


@pytest.mark.parametrize("baseline", [baselines.held_in_score, baselines.principal_component])
def test_held_in_baselines_never_see_a_held_out_accuracy(baseline):
    made = panel()
    garbage = changed(made, accuracy=lambda a: scramble(a, slice(None), [0, 1]))
    before, after = baseline(made), baseline(garbage)
    fold = before["fold"] == 0
    pd.testing.assert_frame_equal(before[fold], after[fold])
    assert not np.allclose(before["score"], after["score"])
    assert list(before.columns) == protocols.COLUMNS and len(before) == 6 * 2 * 12


def test_the_held_in_score_weighs_tasks_by_standardised_accuracy():
    made = panel(features=3)
    frame = baselines.held_in_score(made, k=1)
    held_in = made.accuracy[:, 1:]
    expected = ((held_in - held_in.mean(0)) / held_in.std(0)).mean(1)
    found = frame[frame["fold"] == 0].set_index("model")["score"].loc[made.models]
    assert np.corrcoef(found, expected)[0, 1] == pytest.approx(1)


def test_the_component_of_held_in_accuracies_is_the_leading_one():
    made = panel(features=3)
    frame = baselines.principal_component(made, k=1)
    z = (made.accuracy[:, 1:] - made.accuracy[:, 1:].mean(0)) / made.accuracy[:, 1:].std(0)
    leading = np.linalg.eigh(np.cov(z.T))[1][:, -1]
    found = frame[frame["fold"] == 0].set_index("model")["score"].loc[made.models]
    assert np.corrcoef(found, z @ leading * np.sign(leading.sum()))[0, 1] == pytest.approx(1)


def test_observational_scaling_recovers_a_logistic_skill_and_never_sees_the_family():
    made = agreeing()
    frame = baselines.observational_scaling(made, components=1)
    assert summaries.rho(frame, made, ones(made)) > 0.98
    # the task's own accuracies of the family are unseen; its other tasks' are what it is predicted from
    garbage = changed(made, accuracy=lambda a: scramble(a, slice(3), 0))
    after = baselines.observational_scaling(garbage, components=1)
    unseen = (frame["family"] == "family 0") & (frame["task"] == "task 0")
    assert frame.loc[unseen, "score"].to_numpy() == pytest.approx(after.loc[unseen, "score"].to_numpy())
    assert not np.allclose(frame["score"], after["score"])


def test_the_curve_has_a_floor_of_at_most_a_fifth():
    x = np.linspace(-6, 3, 30)[:, None]
    kept = np.arange(30) % 3 > 0
    planted = lambda floor: floor + (1 - floor) / (1 + np.exp(-(0.5 + 1.5 * x[:, 0])))
    assert baselines._logistic_prediction(x, planted(0.15), kept) == pytest.approx(planted(0.15), abs=1e-4)
    assert baselines._logistic_prediction(x, planted(0.4), kept)[0] < 0.3


def test_a_curve_that_cannot_be_fitted_leaves_nan_throughout(monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("no convergence")

    made = agreeing()
    monkeypatch.setattr(panel_, "curve_fit", fails)
    frame = baselines.observational_scaling(made)
    assert frame["score"].isna().all()
    assert np.isnan(summaries.rho(frame, made, ones(made))).all()
    assert np.isnan(summaries.pair_agreement(frame, made, ones(made))).all()
    assert summaries.summary([made], {"curve": [frame]}, BOOTSTRAP)[["estimate", "low", "high"]].isna().all(axis=None)


def test_observational_scaling_wants_shares():
    with pytest.raises(UserError, match="shares between 0 and 1"):
        baselines.observational_scaling(changed(panel(), accuracy=lambda a: np.multiply(a, 100, out=a)))


# ------------------------------------------------------------------------------------------------------------- scoring


def test_rho_is_the_mean_over_folds_and_tasks_of_scipys():
    made = panel(3, rounded=True)
    frame = protocols.leave_tasks_out(made, rankers.Univariate())
    found = []
    for (_, task), part in frame.groupby(["fold", "task"]):
        y = made.accuracy[[made.models.index(m) for m in part["model"]], made.tasks.index(task)]
        found.append(reference.spearmanr(part["score"], y).statistic)
    assert summaries.rho(frame, made, ones(made)) == pytest.approx(np.mean(found))


def test_rho_under_weights_is_that_of_the_sample_written_out():
    made = panel(3)
    frame = protocols.leave_family_out(made, rankers.Univariate())
    pooled = frame[frame["held_out"]].pivot(index="model", columns="task", values="score").loc[made.models, made.tasks]
    weights = stats.cluster_weights(made.families, 5, 1)
    for found, times in zip(summaries.rho(frame, made, weights), weights, strict=True):
        copies = np.repeat(np.arange(12), times)
        assert found == pytest.approx(mean_rho(pooled.to_numpy()[copies], made.accuracy[copies]))


@pytest.mark.parametrize("protocol", [protocols.leave_tasks_out, protocols.leave_family_out, protocols.leave_both_out])
def test_pair_agreement_is_the_share_counted_pair_by_pair(protocol):
    made = panel(3, rounded=True)
    frame = protocol(made, rankers.Univariate())  # rounded features: scores tie too
    weights = np.vstack([ones(made), stats.cluster_weights(made.families, 3, 1)])
    right, total, tied = np.zeros(4), np.zeros(4), 0
    for (_, _, task), part in frame.groupby(["fold", "family", "task"]):
        for a, b in itertools.combinations(part.itertuples(), 2):
            i, j = made.models.index(a.model), made.models.index(b.model)
            gap = made.accuracy[i, made.tasks.index(task)] - made.accuracy[j, made.tasks.index(task)]
            if gap == 0 or not (a.held_out and b.held_out):
                continue
            w = weights[:, i] * weights[:, j]
            tied += a.score == b.score
            right += w * (0.5 if a.score == b.score else (a.score > b.score) == (gap > 0))
            total += w
    assert tied > 0
    assert summaries.pair_agreement(frame, made, weights) == pytest.approx(right / total)


def test_a_ranker_that_tells_nothing_apart_scores_zero_and_half():
    made = panel()
    frame = protocols.leave_tasks_out(made, rankers.Fixed(0, 0.0))
    assert summaries.rho(frame, made, ones(made)) == 0
    assert summaries.pair_agreement(frame, made, ones(made)) == 0.5


def test_scores_that_know_the_answer_are_perfect_under_every_protocol():
    made = panel(3)
    known = dataclasses.replace(made, features=np.repeat(made.accuracy[:, :, None], 6, axis=2))
    for protocol in (protocols.leave_tasks_out, protocols.leave_both_out):
        frame = protocol(known, rankers.Univariate())
        assert summaries.pair_agreement(frame, made, ones(made)) == 1
    assert summaries.rho(protocols.leave_tasks_out(known, rankers.Univariate()), made, ones(made)) == pytest.approx(1)


def test_one_protocol_at_a_time():
    made = panel()
    both = pd.concat(protocol(made, SVM) for protocol in (protocols.leave_tasks_out, protocols.leave_family_out))
    with pytest.raises(UserError, match="one protocol at a time"):
        summaries.rho(both, made, ones(made))


def test_the_summary_averages_seeds_on_common_draws():
    panels = [panel(seed) for seed in (3, 4)]
    good = [protocols.leave_tasks_out(p, rankers.Univariate()) for p in panels]
    poor = [protocols.leave_tasks_out(p, rankers.Fixed(0, -1.0)) for p in panels]
    also = [pd.concat([a, protocols.leave_family_out(p, rankers.Univariate())]) for a, p in zip(good, panels, strict=True)]
    frame = summaries.summary(panels, {"good": also, "poor": poor, "twin": good}, BOOTSTRAP, ["good"])
    rows = frame.set_index(["method", "protocol", "quantity"])
    weights = stats.cluster_weights(panels[0].families, BOOTSTRAP.draws, BOOTSTRAP.seed)
    draws = {
        name: np.mean([summaries.rho(f, p, weights) for f, p in zip(frames, panels, strict=True)], axis=0)
        for name, frames in {"good": good, "poor": poor}.items()
    }
    own = {
        name: [summaries.rho(f, p, ones(p))[0] for f, p in zip(frames, panels, strict=True)]
        for name, frames in {"good": good, "poor": poor}.items()
    }
    row = rows.loc["good", protocols.TASKS_OUT, "rho"]
    assert row["estimate"] == pytest.approx(np.mean(own["good"]))
    assert (row["seed_low"], row["seed_high"]) == pytest.approx((min(own["good"]), max(own["good"])))
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.nanquantile(draws["good"], [0.05, 0.95])))
    assert (row["models"], row["families"], row["seeds"]) == (12, 4, 2)
    gap = rows.loc["poor", protocols.TASKS_OUT, "rho minus that of good"]
    assert gap["estimate"] == pytest.approx(np.mean(own["poor"]) - np.mean(own["good"]))
    assert (gap["low"], gap["high"]) == pytest.approx(tuple(np.nanquantile(draws["poor"] - draws["good"], [0.05, 0.95])))
    twin = rows.loc["twin", protocols.TASKS_OUT, "rho minus that of good"]
    assert (twin[["estimate", "low", "high", "seed_low", "seed_high"]] == 0).all()
    assert ("good", protocols.FAMILY_OUT, "pair agreement") in rows.index
    assert not any(method == "good" and "minus" in quantity for method, _, quantity in rows.index)
    assert len(frame) == 2 * 2 + 3 + 3


def test_the_summary_names_what_does_not_fit():
    made = panel()
    frame = protocols.leave_tasks_out(made, rankers.Fixed(0, 1.0))
    with pytest.raises(UserError, match="1 frames for 2 panels"):
        summaries.summary([made, panel(1)], {"a": [frame]}, BOOTSTRAP)
    with pytest.raises(UserError, match="baseline b has no predictions"):
        summaries.summary([made], {"a": [frame]}, BOOTSTRAP, ["b"])
    with pytest.raises(UserError, match="tasks differ between seeds"):
        summaries.summary([made, dataclasses.replace(made, tasks=list("abcd"))], {"a": [frame] * 2}, BOOTSTRAP)
    with pytest.raises(UserError, match="none given"):
        summaries.summary([], {}, BOOTSTRAP)


# ------------------------------------------------------------------------------------------------------ what chance gives


def test_the_null_repeats_the_choice_of_feature_and_sign():
    panels = [panel(seed, rounded=True) for seed in (1, 2)]
    found = nulls.best_of_null(panels, 20, 7)
    orders = nulls._permutations(np.zeros(12), 20, 7)
    for best, order in zip(found, orders, strict=True):
        assert sorted(order) == list(range(12))
        merit = [  # one choice for both seeds, from the same permutation of whole rows
            np.mean([mean_rho(sign * p.features[:, :, f], p.accuracy[order]) for p in panels])
            for f in range(6)
            for sign in (-1, 1)
        ]
        assert best == pytest.approx(max(merit), abs=1e-11)
    assert len(np.unique(found)) > 10


def test_families_are_exchanged_whole_and_only_for_families_of_their_size():
    families = np.array(["a", "b", "a", "b", "c", "c", "d"])
    orders = nulls._permutations(families, 500, 3)
    for order in orders:
        assert sorted(order) == list(range(7)) and order[6] == 6
        for label in "abc":
            assert len(set(families[order[families == label]])) == 1
    # six ways to place three families, two orders inside each: all 48 occur
    assert len({tuple(order) for order in orders}) == 48


def test_the_null_of_whole_families_is_wider_where_both_sides_go_by_family():
    made = panel(3)
    rng = np.random.default_rng(5)
    level = {label: rng.normal() for label in set(made.families)}
    skill = np.array([level[label] for label in made.families])[:, None]
    accuracy = skill + 0.01 * rng.normal(size=made.accuracy.shape)
    features = rng.normal(size=made.features.shape) + 9 * skill[:, :, None] * rng.normal(size=made.features.shape[2])
    clustered = dataclasses.replace(made, accuracy=accuracy, features=features)
    free, whole = (np.quantile(nulls.best_of_null(clustered, 400, 1, way), 0.9) for way in (False, True))
    assert whole > free + 0.05


def test_with_one_feature_the_null_is_an_absolute_correlation():
    made = panel(features=1)
    found = nulls.best_of_null(made, 400, 1)
    assert (found >= 0).all()
    signed = [mean_rho(made.features[:, :, 0], made.accuracy[order]) for order in nulls._permutations(np.zeros(12), 400, 1)]
    assert min(signed) < -0.2 and found == pytest.approx(np.abs(signed), abs=1e-11)


def test_the_null_of_the_choice_is_the_protocol_run_again():
    panels = [panel(seed, rounded=True) for seed in (1, 2)]
    found = nulls.choice_null(panels, 6, 7)
    for value, order in zip(found, nulls._permutations(np.zeros(12), 6, 7), strict=True):
        again = []
        for made in panels:
            permuted = dataclasses.replace(made, accuracy=made.accuracy[order])
            frame = protocols.leave_tasks_out(permuted, rankers.Univariate())
            again.append(summaries.rho(frame, permuted, ones(made))[0])
        assert value == pytest.approx(np.mean(again), abs=1e-10)


def test_the_best_of_eighty_noise_features_is_far_above_what_its_choice_is_worth():
    made = panel(5, families=6, tasks=8, features=80, signal=0.0)
    in_sample = np.abs(nulls.univariate_rho(made)).max()
    held_out = summaries.rho(protocols.leave_tasks_out(made, rankers.Univariate()), made, ones(made))[0]
    null = nulls.best_of_null(made, 300, 1)
    assert in_sample > 0.15 and in_sample > held_out + 0.1
    assert np.quantile(null, 0.01) < in_sample < np.quantile(null, 0.99)
    knows = panel(5, families=6, tasks=8, features=80, signal=1.0)
    assert np.abs(nulls.univariate_rho(knows)).max() > nulls.best_of_null(knows, 300, 1).max()


# --------------------------------------------------------------------------------------------------- looking at features


def test_the_grid_holds_every_feature_in_its_orientation():
    panels = [panel(seed, rounded=True) for seed in (1, 2)]
    signs = (1, -1, 1, -1, 1, 1)
    frame = single.univariate_grid(panels, signs, BOOTSTRAP)
    assert len(frame) == 6 * 5
    rows = frame.set_index(["feature", "task"])
    expected = [reference.spearmanr(-p.features[:, 2, 1], p.accuracy[:, 2]).statistic for p in panels]
    cell = rows.loc["feature 1", "task 2"]
    assert cell["estimate"] == pytest.approx(np.mean(expected))
    assert (cell["seed_low"], cell["seed_high"]) == pytest.approx((min(expected), max(expected)))
    mean = rows.xs("mean", level="task")
    assert mean["estimate"].to_numpy() == pytest.approx(nulls.univariate_rho(panels) * signs)
    assert (mean["low"] < mean["estimate"]).all() and (mean["estimate"] < mean["high"]).all()
    draws = stats.cluster_weights(panels[0].families, BOOTSTRAP.draws, BOOTSTRAP.seed)
    cells = [stats.spearman_draws(p.features[:, t, 0], p.accuracy[:, t], draws) for p in panels for t in range(4)]
    again = np.mean(cells, axis=0)
    assert mean.loc["feature 0", ["low", "high"]].to_numpy(float) == pytest.approx(np.nanquantile(again, [0.05, 0.95]))
    with pytest.raises(UserError, match="1 signs for 6 features"):
        single.univariate_grid(panels, (1,), BOOTSTRAP)


def test_stability_names_the_choice_of_every_fold():
    made = panel(3)
    planted = changed(made, features=lambda a: a.__setitem__((slice(None), slice(None), 4), -made.accuracy))
    frame = single.stability(planted, rankers.Univariate())
    assert list(frame["chosen"]) == ["feature 4"] * 6 and set(frame["signs"]) == {"-"} and set(frame["folds"]) == {6}
    assert frame["held_out"][0] == "task 0, task 1"
    triples = single.stability(made, rankers.SparseLinear(3))
    assert (triples["chosen"].str.count(",") == 2).all()
    assert (triples["folds"] == triples["chosen"].map(triples["chosen"].value_counts())).all()
    with pytest.raises(UserError, match="not linear"):
        single.stability(made, rankers.KernelRankSVM((1.0,)))


def test_feature_correlation_is_the_mean_of_spearman_matrices():
    panels = [panel(seed, rounded=True) for seed in (1, 2)]
    found = single.feature_correlation(panels)
    matrices = [pd.DataFrame(p.features[:, t]).corr(method="spearman").to_numpy() for p in panels for t in range(4)]
    assert found.correlation.to_numpy() == pytest.approx(np.mean(matrices, axis=0))
    assert list(found.correlation.columns) == panels[0].names


def test_components_count_what_holds_the_variance():
    values = np.random.default_rng(0).standard_normal((12, 1, 10))
    repeated = dataclasses.replace(
        panel(), features=np.repeat(np.repeat(values[:, :, :2], 4, axis=1), [5, 5], axis=2), names=list("abcdefghij")
    )  # two features, five copies of each
    assert single.feature_correlation(repeated).components[0.99] == 2
    assert single.feature_correlation(repeated, [0.01]).components == {0.01: 1}


def test_fits_are_not_repeated():
    calls = []

    @dataclasses.dataclass(frozen=True)
    class Counting:
        def fit(self, X, y):
            calls.append(X.shape)
            return rankers.Univariate().fit(X, y)

    made = panel()
    protocols.leave_tasks_out(made, Counting())
    single.stability(made, Counting())
    assert calls == [(12, 2, 6)] * 6
    protocols.leave_both_out(made, Counting())
    assert calls[6:] == [(9, 2, 6)] * 24


def test_importing_it_loads_neither_torch_nor_scikit_learn():
    code = "import sys, proxylib.ranking.panel; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_what_fits_nothing_ranks_an_unseen_family_by_its_raw_values():
    made = panel(4)
    frame = protocols.leave_family_out(made, rankers.Fixed(2, -1))
    pooled = frame[frame["held_out"]].pivot(index="model", columns="task", values="score").loc[made.models, made.tasks]
    assert (reference.rankdata(pooled, axis=0) == reference.rankdata(-made.features[:, :, 2], axis=0)).all()
    assert summaries.rho(frame, made, ones(made))[0] == pytest.approx(mean_rho(-made.features[:, :, 2], made.accuracy))


def test_pairs_with_models_of_the_fit_are_not_counted():
    made = panel(5, families=3, sizes=2)

    @dataclasses.dataclass(frozen=True)
    class Memory:
        """Knows the order of the models that it was fitted on and nothing else."""

        def fit(self, X, y):
            known = {row.tobytes(): value for row, value in zip(X[:, 0], y[:, 0], strict=True)}
            return lambda points: np.array([[known.get(row.tobytes(), 0.0)] * points.shape[1] for row in points[:, 0]])

    frame = protocols.leave_family_out(made, Memory())
    assert summaries.pair_agreement(frame, made, ones(made))[0] == 0.5
