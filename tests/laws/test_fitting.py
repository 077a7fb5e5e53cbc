"""Searches: what is exact is met, what fails says so, what cannot be fitted is refused."""

import numpy as np
import pytest

from proxylib.errors import UserError
from proxylib.laws import fitting

FREE = [(-np.inf, np.inf)] * 2


def rosenbrock(p):
    return np.array([10 * (p[1] - p[0] ** 2), 1 - p[0]])


def test_residuals_and_a_loss_come_to_the_same_minimum():
    squares = fitting.minimise(rosenbrock, [(-1.2, 1.0)], FREE)
    loss = fitting.minimise(lambda p: float((rosenbrock(p) ** 2).sum() / 2), [(-1.2, 1.0)], FREE)
    assert squares.converged and squares.parameters == pytest.approx([1, 1], abs=1e-6) and squares.loss < 1e-12
    assert loss.converged and loss.parameters == pytest.approx([1, 1], abs=1e-3)


def test_a_loss_may_bring_its_gradient():
    def loss(p):
        r = rosenbrock(p)
        jacobian = np.array([[-20 * p[0], 10.0], [-1.0, 0.0]])
        return float(r @ r / 2), r @ jacobian

    fit = fitting.minimise(loss, [(-1.2, 1.0)], FREE, gradient=True)
    assert fit.converged and fit.parameters == pytest.approx([1, 1], abs=1e-6)


def test_the_best_of_the_starts_is_kept_and_all_are_counted():
    wells = lambda p: float((p[0] ** 2 - 1) ** 2 + 0.3 * p[0])  # a lower well at -1, a higher one at 1
    for starts in ([(0.9,), (-0.9,)], [(-0.9,), (0.9,)]):
        both = fitting.minimise(wells, starts, [(-3, 3)])
        assert both.parameters[0] < 0 and (both.starts_tried, both.starts_failed) == (2, 0)
    one = fitting.minimise(wells, [(0.9,), (-0.9,)], [(-3, 3)], first=True)
    assert one.parameters[0] > 0 and one.starts_tried == 1


def test_bounds_hold_and_starts_outside_are_moved_in():
    fit = fitting.minimise(lambda p: np.array([p[0] - 5.0]), [(9.0,)], [(0.0, 2.0)])
    assert fit.converged and fit.parameters == pytest.approx([2.0])


@pytest.mark.parametrize("objective", [lambda p: np.log(p - 5), lambda p: float(np.log(p[0] - 5))], ids=["residuals", "loss"])
def test_a_start_without_a_finite_objective_has_failed(objective):
    fit = fitting.minimise(objective, [(1.0,)], [(-np.inf, np.inf)])
    assert not fit.converged and "not finite" in fit.reason and (fit.starts_tried, fit.starts_failed) == (1, 1)
    assert np.isnan(fit.parameters).all() and fit.loss == np.inf
    mixed = fitting.minimise(lambda p: np.log(p - 5) - 1, [(1.0,), (6.0,)], [(-np.inf, np.inf)])
    assert mixed.converged and mixed.parameters == pytest.approx([5 + np.e]) and mixed.starts_failed == 1


def test_a_search_that_runs_out_of_steps_has_not_converged(monkeypatch):
    monkeypatch.setattr(fitting, "MOST_EVALUATIONS", 3)
    fit = fitting.minimise(rosenbrock, [(-1.2, 1.0)], FREE)
    assert not fit.converged and np.isfinite(fit.loss) and fit.starts_failed == 1
    loss = fitting.minimise(lambda p: float((rosenbrock(p) ** 2).sum()), [(-1.2, 1.0)], FREE)
    assert not loss.converged


def test_joined_searches_count_all_starts_and_keep_one_that_converged():
    early = fitting.Fit(np.array([1.0]), 3.0, False, "out of steps", 1, 1)
    late = fitting.Fit(np.array([2.0]), 4.0, True, "a minimum", 3, 2)
    both = fitting.joined(early, late)
    assert both.converged and both.parameters == [2.0] and (both.starts_tried, both.starts_failed) == (4, 3)
    neither = fitting.joined(early, late.failed("out of steps"))
    assert not neither.converged and neither.parameters == [1.0]


def line(theta):
    return np.exp(-theta[:, None] * np.linspace(0, 3, 12))


NODES = np.geomspace(0.1, 10, 30)


@pytest.mark.parametrize("sign", [-1, 0])
def test_a_profile_solves_the_linear_parameters_exactly(sign):
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.5, 2, 12)
    y = 0.7 - 0.4 * line(np.array([1.3]))[0]
    fit = fitting.profile(line, NODES, y, weights, sign)
    assert fit.parameters == pytest.approx([0.7, -0.4, 1.3], rel=1e-6) and fit.converged and fit.loss < 1e-15
    noisy = y + 0.05 * rng.normal(size=12)
    fit = fitting.profile(line, NODES, noisy, weights, sign)
    design = np.stack([np.ones(12), line(fit.parameters[2:])[0]], axis=1)
    normal = np.linalg.solve(design.T @ (weights[:, None] * design), design.T @ (weights * noisy))
    assert fit.parameters[:2] == pytest.approx(normal)
    for shift in (-0.02, 0.02):  # no theta nearby is better
        other = fitting.profile(line, np.repeat(fit.parameters[2] + shift, 2), noisy, weights, sign)
        assert other.loss > fit.loss


def test_a_profile_says_when_no_slope_has_the_sign():
    y = 0.7 - 0.4 * line(np.array([1.3]))[0]
    fit = fitting.profile(line, NODES, y, np.ones(12), 1)
    assert not fit.converged and fit.reason == fitting.NO_TREND and fit.parameters[:2] == pytest.approx([y.mean(), 0])


def test_a_profile_names_the_end_of_its_range():
    y = line(np.array([40.0]))[0]
    fit = fitting.profile(line, NODES, y, np.ones(12), 0)
    assert fit.converged and fit.reason.endswith("end of its range") and fit.parameters[2] == pytest.approx(10)


@pytest.mark.parametrize("ends", [(-np.inf, 0.6), (0.75, np.inf), (0.0, 1.0)])
def test_a_profile_keeps_the_intercept_within_its_ends(ends):
    rng = np.random.default_rng(2)
    weights = rng.uniform(0.5, 2, 12)
    y = 0.7 - 0.4 * line(np.array([1.3]))[0] + 0.02 * rng.normal(size=12)
    fit = fitting.profile(line, NODES, y, weights, -1, ends=ends)

    def residuals(p):
        return np.sqrt(weights) * (p[0] + p[1] * line(p[2:])[0] - y)

    other = fitting.minimise(residuals, [(0.7, -0.4, 1.3)], [ends, (-np.inf, 0), (0.1, 10)])
    assert ends[0] <= fit.parameters[0] <= ends[1] and fit.parameters == pytest.approx(other.parameters, rel=1e-4)
    assert fit.loss == pytest.approx(other.loss, rel=1e-8)


@pytest.mark.parametrize(
    ("x", "y", "weights", "words"),
    [
        ([1, 2, 3], [1, 2, 3], None, "3 points; 3 parameters need at least 4"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [1, 1, 1, 0, 0], "3 points"),
        ([1, 2, 3, 4], [0.3, 0.3, 0.3, 0.3], None, "all 4 scores are 0.3"),
        ([1, 1, 2, 2], [1, 2, 3, 4], None, "2 different x among 4 points"),
        ([0, 1, 2, 3], [1, 2, 3, 4], None, "above 0 (lowest: 0)"),
        ([1, 2, np.nan, 4], [1, 2, 3, 4], None, "missing or infinite"),
        ([1, 2, 3, 4], [1, 2, 3, np.inf], None, "missing or infinite"),
        ([1, 2, 3, 4], [1, 2, 3, 4], [1, 1, 1, -1], "below 0"),
        ([1, 2, 3], [1, 2, 3, 4], None, "shapes (3,), (4,)"),
    ],
)
def test_points_that_no_law_can_be_fitted_to_are_refused(x, y, weights, words):
    with pytest.raises(UserError) as error:
        fitting.checked("power", x, y, weights, 3, positive=True)
    assert words in str(error.value) and str(error.value).startswith("power: ")
