"""How scores follow the signals: the line through what was evaluated, what it says of the rest, and where it says nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from proxylib.report import words
from proxylib.stats import Decision, Interval, decide, mean_interval
from proxylib.studies.planning.candidates import COUNTED, Candidates, some

FEWEST = 3  # scores that a line needs to have a doubt
COLLINEAR = 1e-9  # of a singular value: below it a signal says what others say, but for rounding
GRID = 0.5  # values of a signal for a candidate, below which it is taken for one of a few chosen values


def line(known: Candidates, level: float) -> pd.DataFrame | None:
    """The straight line through the scores along the signal that is trusted most.

    Returns
    -------
    One row: signal, n, slope with low and high (share of items a unit of the signal; of its logarithm where it is counted),
    r2, scatter (SD about the line); None where fewer than three scores that differ, with different signals, are known

    Notes
    -----
    Scores weigh alike, however many items they rest on. The interval is that of other candidates drawn as these were; those
    that share a base or a training run are not drawn apart, and the interval is too short for them.
    """
    fit = _fitted(known, known.signals[:1])
    if fit is None:
        return None
    low, high = fit.conf_int(1 - level)[1]
    row = {"signal": known.signals[0], "n": int(fit.nobs), "slope": fit.params[1], "low": low, "high": high}
    return pd.DataFrame([row | {"r2": fit.rsquared, "scatter": float(np.sqrt(fit.scale))}])


def tells(known: Candidates, fit: pd.DataFrame | None) -> bool:
    """Whether it is known which way scores follow the signal, or does not matter, as every candidate has a score.

    Parameters
    ----------
    fit : of `line`
    """
    if known.evaluated.all():
        return True
    return fit is not None and decide(fit[["slope", "low", "high"]].iloc[0]) is not Decision.UNDECIDED


def telling(known: Candidates) -> list[int]:
    """Places of the candidates whose scores would tell most of the slope.

    Both ends of the signal if nothing was evaluated, else the one that lies farthest from all that was.
    """
    values = known.places()[:, 0]
    if not known.evaluated.any():
        return [int(values.argmin()), int(values.argmax())]
    distance = np.abs(values[:, None] - values[known.evaluated]).min(axis=1)
    return [int(np.where(known.evaluated, -1, distance).argmax())]


def predicted(known: Candidates, level: float) -> pd.DataFrame:
    """What the line says of every candidate: estimate with the interval in which its score is to fall, and why it may not.

    Returns
    -------
    name, estimate, low, high (nan where there is no line), outside (signals that are extrapolated; empty for none)
    """
    fit = _fitted(known, known.signals[:1])
    beyond = outside(known).groupby("place")["signal"].agg(words.listed)
    frame = pd.DataFrame({"name": known.frame["name"], "outside": beyond.reindex(range(len(known.frame))).fillna("")})
    if fit is None:
        return frame.assign(estimate=np.nan, low=np.nan, high=np.nan)
    said = fit.get_prediction(_design(known.places()[:, :1])).summary_frame(alpha=1 - level)
    columns = {"estimate": "mean", "low": "obs_ci_lower", "high": "obs_ci_upper"}
    ends = {ours: np.clip(said[theirs].to_numpy(), 0, 1) for ours, theirs in columns.items()}
    return frame.assign(**ends)


def outside(known: Candidates) -> pd.DataFrame:
    """Where what is said of a candidate is an extrapolation.

    Returns
    -------
    place (of the candidate), signal, value, beyond (the evaluated range, or None where the value lies inside of it, but nothing
    with this value of a few was evaluated)
    """
    seen, rows = known.frame[known.evaluated], []
    for name in known.signals:
        values = known.frame[name]
        chosen = name in COUNTED and values.nunique() <= GRID * len(values)
        for place in np.flatnonzero(~known.evaluated) if len(seen) else []:
            value = values.iloc[place]
            if not seen[name].min() <= value <= seen[name].max():
                rows.append((place, name, value, f"{seen[name].min():.4g} to {seen[name].max():.4g}"))
            elif chosen and not (seen[name] == value).any():
                rows.append((place, name, value, None))
    return pd.DataFrame(rows, columns=["place", "signal", "value", "beyond"])


def warnings(known: Candidates) -> Iterator[str]:
    """Extrapolations, in a sentence each kind."""
    beyond = outside(known)
    for signal, rows in beyond.groupby("signal", sort=False):
        far, new = rows[rows["beyond"].notna()], rows[rows["beyond"].isna()]
        named = lambda part: some(list(known.frame["name"].iloc[part["place"]]))
        if len(far):
            yield f"extrapolated: {signal} lies outside of the evaluated {far['beyond'].iloc[0]} for {named(far)}"
        for value, part in new.groupby("value"):
            yield f"extrapolated: nothing with {signal} {value:.4g} was evaluated: {named(part)}"


def beside(known: Candidates, level: float) -> pd.DataFrame:
    """Whether size and data say as much as the loss: errors at each score, fitted without it.

    Returns
    -------
    signals, n, error (mean distance, share), and more, low, high: how much larger the error is than that of the loss alone;
    empty where there is no loss, nothing beside it, or too few scores
    """
    counted = tuple(name for name in known.signals if name in COUNTED)
    if "loss" not in known.signals or not counted:
        return pd.DataFrame(columns=["signals", "n", "error", "more", "low", "high"])
    rows, first = [], None
    for signals in (("loss",), counted, ("loss", *counted)):
        errors = _left_out(known, signals)
        if errors is None:
            continue
        if first is None:
            first = errors
        more = mean_interval(errors - first, level) if errors is not first else Interval(0.0, np.nan, np.nan)
        ends = {"more": more.estimate, "low": more.low, "high": more.high}
        rows.append({"signals": " and ".join(signals), "n": len(errors), "error": errors.mean()} | ends)
    return pd.DataFrame(rows, columns=["signals", "n", "error", "more", "low", "high"])


def _design(places: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(places)), places])


def _columns(known: Candidates, signals: tuple[str, ...]) -> np.ndarray:
    return known.places()[:, [known.signals.index(name) for name in signals]]


def _fitted(known: Candidates, signals: tuple[str, ...]):
    """Least squares over the evaluated, or None where they do not decide it with a doubt."""
    import statsmodels.api as sm

    design = _design(_columns(known, signals)[known.evaluated])
    scores = known.frame["score"].to_numpy(float)[known.evaluated]
    if len(scores) < max(FEWEST, design.shape[1] + 1) or np.ptp(scores) == 0:
        return None  # scores that are all alike, such as none right, are a floor and no line
    if np.linalg.matrix_rank(_scaled(design), tol=COLLINEAR) < design.shape[1]:
        return None
    return sm.OLS(scores, design).fit()


def _scaled(design: np.ndarray) -> np.ndarray:
    """Columns less their mean over their size, so that nearly equal losses are no zero."""
    values = design[:, 1:] - design[:, 1:].mean(axis=0)
    largest = np.abs(design[:, 1:]).max(axis=0, initial=1e-300)
    clear = np.where(np.abs(values) > 1e-9 * largest, values, 0)
    return np.column_stack([design[:, 0], clear / (np.abs(values).max(axis=0) + 1e-300)])


def _left_out(known: Candidates, signals: tuple[str, ...]) -> np.ndarray | None:
    """[scores] distance of each from what all others say of it; None where that is not defined."""
    fit = _fitted(known, signals)
    if fit is None or fit.nobs < fit.df_model + FEWEST:
        return None
    influence = fit.get_influence()
    if (influence.hat_matrix_diag > 1 - 1e-9).any():
        return None
    return np.abs(influence.resid_press)
