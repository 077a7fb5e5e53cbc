"""How wrong methods were when a history's past was asked, with intervals over what was drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.stats import Bootstrap, Decision, Resampling, decide
from proxylib.studies.forecasting.choose import Choice, Panel

BOOTSTRAP = Bootstrap(draws=2000, level=0.95, seed=7)


def methods_table(given: Panel, choice: Choice, failures: pd.DataFrame) -> pd.DataFrame:
    """A row per method, the least wrong in the past on top.

    Parameters
    ----------
    given, choice : backtests and what they decided
    failures : columns method, fits, fits_failed

    Returns
    -------
    pd.DataFrame
        method; error (root mean square over pairs, in points), its low and high (95 %, clusters drawn whole); difference (of
        mean squared errors to persistence's, in squared points), its ends and decision; pairs, tests, clusters and their unit;
        fits, fits_failed (in backtests and the forecast; nan for what is learnt from others'); weight (of its step in the
        weighted mean); chosen. A row "the choice
        itself" holds the error of choosing: in every fold the method that was best in the others.
    """
    values = np.column_stack([choice.values, choice.honest])
    names = [*choice.names, "the choice itself"]
    squares = (100 * (values - given.score[:, None])) ** 2
    several = len(np.unique(given.folds)) > 1
    sampled = BOOTSTRAP.over(given.folds) if several else None
    rows = []
    for place, name in enumerate(names):
        row = {"method": name, "error": float(np.sqrt(given.weights @ squares[:, place]))}
        row |= _drawn(sampled, given.weights, squares[:, place], squares[:, 0])
        rows.append(row)
    counted = {"pairs": len(np.unique(given.pairs)), "tests": len(given.score), "clusters": len(np.unique(given.folds))}
    table = pd.DataFrame(rows).assign(**counted, unit=given.unit)
    weights = dict(zip(given.methods, choice.learnt.mean, strict=True))
    weights[given.methods[0]] = 1 - choice.learnt.mean[1:].sum()  # what is left is the last score's
    table = (
        table.merge(failures, on="method", how="left")
        .assign(weight=table["method"].map(weights))
        .assign(chosen=lambda frame: frame["method"] == choice.chosen)
    )
    return table.sort_values("error", kind="stable", ignore_index=True)


def _drawn(sampled: Resampling | None, weights: np.ndarray, squares: np.ndarray, last: np.ndarray) -> dict[str, object]:
    """Intervals of an error, and of its difference from persistence's."""
    if sampled is None:
        nothing = dict.fromkeys(("low", "high", "difference", "difference_low", "difference_high"), np.nan)
        return nothing | {"decision": str(Decision.UNDECIDED)}
    error = sampled.drawn(np.sqrt(sampled.ratio(weights * squares, weights))).interval("widened")
    difference = sampled.drawn(sampled.ratio(weights * (squares - last), weights)).interval()
    ends = {"difference": difference.estimate, "difference_low": difference.low, "difference_high": difference.high}
    return {"low": error.low, "high": error.high} | ends | {"decision": str(decide(difference))}
