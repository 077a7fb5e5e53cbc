"""Rankers against brute force and generic optimisers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranking.panels import SVM, mean_rho, panel, quick
from scipy import optimize
from scipy import stats as reference

from proxylib.errors import UserError
from proxylib.ranking import panel as panel_
from proxylib.ranking import rankers


def problem(seed=0, n=12, tasks=4, features=6, rounded=False):
    """Standardised features [n, T, F] and accuracies [n, T]."""
    made = panel(seed, families=n // 3, tasks=tasks, features=features, rounded=rounded)
    return panel_.standardise(made.features, np.arange(n)), made.accuracy


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
    costs = (5.0, 0.01, 1.0)  # within the passes that a cost is given
    merit = {cost: round(cost_merit(X, y, cost), 9) for cost in costs}
    assert rankers._costs_by_merit(X, y, costs) == sorted(sorted(costs), key=lambda cost: -merit[cost])


def test_ties_among_costs_go_to_the_smallest():
    X, y = problem()
    perfect = np.repeat(y[:, :, None], 2, axis=2)  # every cost orders alike
    assert rankers._costs_by_merit(perfect, y, (100.0, 0.01, 1.0)) == [0.01, 1.0, 100.0]


def test_a_cost_that_does_not_converge_is_left_out_or_refused(monkeypatch):
    X, y = problem(9, features=8)
    real = rankers._hinge
    monkeypatch.setattr(rankers, "_hinge", lambda d, share, cost: None if cost > 0.1 else real(d, share, cost))
    assert rankers._costs_by_merit(X, y, (0.01, 1.0)) == [0.01]
    monkeypatch.setattr(rankers, "_hinge", real)
    monkeypatch.setattr(rankers, "PATIENCE", 1)
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


def test_subsets_are_screened_by_their_linear_correlation_and_the_best_survives(monkeypatch):
    X, y = problem(3, features=12)
    subsets = rankers._subsets(12, 3)
    solutions = rankers._solutions(X, y, subsets)
    r = rankers._linear_r(X, y, subsets, solutions)
    ranks = reference.rankdata(y, axis=0)
    for place in (0, 57, 219):
        scores = X[:, :, subsets[place]] @ solutions[place]
        by_hand = [np.corrcoef(scores[:, t], ranks[:, t])[0, 1] for t in range(y.shape[1])]
        assert r[place] == pytest.approx(np.mean(by_hand))
    every = rankers.SparseLinear(3).fit(X, y).weights
    monkeypatch.setattr(rankers, "SCREENED", 60)
    assert np.array_equal(rankers.SparseLinear(3).fit(X, y).weights, every)
