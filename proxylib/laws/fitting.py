"""Least squares and losses, minimised from several starts within bounds. No fit fails silently: it says so, and why.

Nothing here is random: the same points give the same parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize

from proxylib.errors import UserError

#: evaluations that one start may take; a fit of a handful of parameters that takes more is lost
MOST_EVALUATIONS = 2_000
NO_TREND = "the points show no trend of this sign"
#: of what a start had left to gain, which further steps may still gain when it counts as converged
TOLERANCE = 1e-9
#: how closely the one parameter of a profile is searched for, as a share of its size
_CLOSE = 1e-8


@dataclass(frozen=True, eq=False)
class Fit:
    """What a search came to.

    Parameters
    ----------
    parameters : [p] of the best start; nan where none came to a finite loss
    loss : there
    converged : whether that is a minimum within the bounds; where it is not, `parameters` are only the best seen
    reason : in words, why it stopped
    starts_tried : from how many places the search began
    starts_failed : how many of them ended without a minimum
    """

    parameters: np.ndarray
    loss: float
    converged: bool
    reason: str
    starts_tried: int
    starts_failed: int

    def failed(self, reason: str) -> Fit:
        """The same parameters, no longer called a minimum."""
        return replace(self, converged=False, reason=reason)


def minimise(
    objective: Callable[[np.ndarray], np.ndarray | float],
    starts: Sequence[Sequence[float]],
    bounds: Sequence[tuple[float, float]],
    gradient: Callable[[np.ndarray], np.ndarray] | bool = False,
    first: bool = False,
) -> Fit:
    """Search for the lowest objective from every start, and keep the best.

    Parameters
    ----------
    objective : parameters [p] -> residuals [n], whose squares are summed and halved; or -> one number, the loss
    starts : each [p]; moved into the bounds where it lies outside
    bounds : least and greatest value of each parameter; infinite where there is none
    gradient : parameters -> Jacobian [n, p] of the residuals; or True where a loss comes as a pair with its gradient [p]; by
        differences otherwise
    first : stop at the first start that converges, as published code does, instead of trying all

    Returns
    -------
    The lowest of the starts that converged; where none did, the lowest of all, with `converged` False.

    Notes
    -----
    Residuals go to scipy's trust-region reflective least squares, a loss to L-BFGS-B. L-BFGS-B ends many good searches with
    "abnormal", when differences drown in rounding: a second search from its end decides, and one that gains nothing has
    converged. Numbers that overflow on the way are no error; a start that ends with one has failed.
    """
    low, high = np.array([pair[0] for pair in bounds], float), np.array([pair[1] for pair in bounds], float)
    ends, stopped = [], []
    with np.errstate(all="ignore"):
        for start in starts:
            end = _search(objective, np.clip(np.asarray(start, float), low, high), low, high, gradient)
            (ends if end.converged else stopped).append(end)
            if first and end.converged:
                break
    tried, failed = len(ends) + len(stopped), len(stopped)
    best = min(ends or stopped, key=lambda end: end.loss)
    return replace(best, starts_tried=tried, starts_failed=failed)


def joined(early: Fit, late: Fit) -> Fit:
    """The later of two searches for one minimum, with the starts of both counted; the earlier where neither converged."""
    best = late if late.converged else early
    failed = early.starts_failed + late.starts_failed
    return replace(best, starts_tried=early.starts_tried + late.starts_tried, starts_failed=failed)


def _search(objective, start, low, high, gradient) -> Fit:
    """One start."""
    lost = Fit(np.full(len(start), np.nan), np.inf, False, "the objective is not finite", 1, 1)
    try:
        value = np.asarray(objective(start)[0] if gradient is True else objective(start), float)
        if not np.isfinite(value).all():
            return lost
        ended = _squares if value.ndim else _loss
        end = ended(objective, start, low, high, gradient)
    except (ValueError, FloatingPointError, np.linalg.LinAlgError) as error:  # scipy, where residuals stop being finite
        return replace(lost, reason=str(error))
    return end if np.isfinite(end.loss) and np.isfinite(end.parameters).all() else lost


def _squares(residuals, start, low, high, jacobian) -> Fit:
    end = optimize.least_squares(
        residuals,
        start,
        jac=jacobian or "2-point",
        bounds=(low, high),
        x_scale="jac",
        ftol=1e-10,
        xtol=1e-10,
        gtol=1e-10,
        max_nfev=MOST_EVALUATIONS,
    )
    return Fit(end.x, float(end.cost), bool(end.success), end.message.rstrip("."), 1, int(not end.success))


def _loss(loss, start, low, high, gradient) -> Fit:
    search = {"jac": gradient or None, "bounds": optimize.Bounds(low, high), "method": "L-BFGS-B"}
    search["options"] = {"ftol": 0.0, "gtol": 1e-10, "maxiter": MOST_EVALUATIONS, "maxfun": 10 * MOST_EVALUATIONS}
    end = optimize.minimize(loss, start, **search)
    converged, message, value = bool(end.success), str(end.message), float(end.fun)
    if not converged:
        again = optimize.minimize(loss, end.x, **search)
        gain = value - float(again.fun)
        begun = loss(start)[0] if gradient is True else loss(start)
        converged = gain <= TOLERANCE * max(float(begun) - value, 0.0)
        end = again if gain > 0 else end
        message = "no step gains anything" if converged else message
    return Fit(end.x, float(end.fun), converged, message, 1, int(not converged))


def profile(
    basis: Callable[[np.ndarray], np.ndarray],
    nodes: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    sign: int,
    intercept: bool = True,
    ends: tuple[float, float] = (-np.inf, np.inf),
) -> Fit:
    """Fit y = intercept + slope * basis(x, theta) by least squares, when theta is the only parameter that is not linear.

    For a theta given, intercept and slope have one solution; what is left is a search along one line, which a grid and a
    search between the best node's neighbours settle without starts to choose.

    Parameters
    ----------
    basis : theta [k] -> values [k, n]
    nodes : [k], in order; theta lies between the first and the last
    y, weights : [n]
    sign : of the slope; 0 where it is free
    intercept : whether there is one
    ends : least and greatest intercept

    Returns
    -------
    parameters (intercept, slope, theta); loss is the weighted sum of squares, halved. It has not converged where no theta
    gives a slope of the wanted sign; the slope is then 0.

    Notes
    -----
    A theta at an end of the grid is a minimum within bounds, and `reason` names it: the points would have it outside.
    Variable projection: Golub and Pereyra 1973.
    """

    def solved(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return lines(basis(theta), y, weights, sign, intercept, ends)

    with np.errstate(all="ignore"):
        losses, slopes, _ = solved(nodes)
        broken = ~np.isfinite(losses)
        if broken.all():
            return Fit(np.full(3, np.nan), np.inf, False, "the objective is not finite", len(nodes), len(nodes))
        best = int(np.nanargmin(np.where(broken, np.inf, losses)))
        low, high = nodes[max(best - 1, 0)], nodes[min(best + 1, len(nodes) - 1)]
        end = optimize.minimize_scalar(
            lambda theta: solved(np.array([theta]))[0][0],
            bounds=(low, high),
            method="bounded",
            options={"xatol": _CLOSE * max(abs(low), abs(high))},
        )
        theta = float(end.x) if end.fun < losses[best] else float(nodes[best])
        loss, slope, level = (values[0] for values in solved(np.array([theta])))
    edge = min(theta - nodes[0], nodes[-1] - theta) <= 1e-6 * (nodes[-1] - nodes[0])
    converged = bool(slope != 0 and np.isfinite(loss))
    reason = NO_TREND if not converged else "a minimum at the end of its range" if edge else "a minimum"
    return Fit(np.array([level, slope, theta]), float(loss), converged, reason, len(nodes), int(broken.sum()))


def lines(
    values: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    sign: int,
    intercept: bool = True,
    ends: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares of y = intercept + slope * values, for each row of values [k, n]: halved losses, slopes, intercepts.

    The other parameters are those of `profile`. A slope of the wrong sign is 0.
    """
    share = weights / weights.sum()
    k = len(values)
    middle = values @ share if intercept else np.zeros(k)
    level = y @ share if intercept else 0.0
    centred = values - middle[:, None]
    spread = centred**2 @ weights
    slope = np.divide((centred * (y - level)) @ weights, spread, out=np.zeros(k), where=spread > 0)
    end = np.clip(level - slope * middle, *ends) if intercept else np.zeros(k)
    held = end != level - slope * middle  # the intercept stays at its end, and the slope is solved for that
    slope = np.where(held & intercept, (values * (y - end[:, None])) @ weights / (values**2 @ weights), slope)
    wrong = sign * slope < 0
    slope, end = np.where(wrong, 0.0, slope), np.where(wrong, np.clip(level, *ends) if intercept else 0.0, end)
    left = y - end[:, None] - slope[:, None] * values
    return left**2 @ weights / 2, slope, end


def checked(
    name: str, x: object, y: object, weights: object, parameters: int, positive: bool = False, columns: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points as arrays, if a law of so many parameters can be fitted to them at all.

    Parameters
    ----------
    name : of the law
    x : [n], or [n, columns] where there are several
    y : [n]
    weights : [n] of the squared residuals, or None; points of weight 0 are left out
    parameters : of the law
    positive : whether x must lie above 0
    columns : of x

    Returns
    -------
    x, y, weights in floats

    Raises
    ------
    UserError
        Unequal lengths; numbers that are not finite; x at or below 0 where a power of it is taken; fewer than parameters + 1
        points; fewer different x than parameters; scores that are all the same.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    weights = np.ones(y.shape) if weights is None else np.asarray(weights, float)
    if y.ndim != 1 or weights.shape != y.shape or x.shape != (y.shape if columns == 1 else (len(y), columns)):
        raise UserError(f"{name}: x, y and weights have shapes {x.shape}, {y.shape} and {weights.shape}; give one row a point")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(weights).all()):
        raise UserError(f"{name}: a number among the points is missing or infinite; leave such points out")
    if (weights < 0).any():
        raise UserError(f"{name}: a weight is below 0")
    x, y, weights = x[weights > 0], y[weights > 0], weights[weights > 0]
    if len(y) < parameters + 1:
        raise UserError(f"{name}: {len(y)} points; {parameters} parameters need at least {parameters + 1}")
    if positive and (x <= 0).any():
        raise UserError(f"{name}: x must lie above 0 (lowest: {x.min():g}); leave out what was measured before the first step")
    if (different := len(np.unique(x, axis=0))) < min(parameters, 3):
        raise UserError(f"{name}: {different} different x among {len(y)} points; at least {min(parameters, 3)} are needed")
    if np.ptp(y) <= 1e-12 * np.abs(y).max():
        raise UserError(f"{name}: all {len(y)} scores are {y[0]:g}; scores that never change fit any law")
    return x, y, weights
