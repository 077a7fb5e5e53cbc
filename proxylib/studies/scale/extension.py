"""Our lines, extended to the post's claim: final loss as power laws of size and data, and the judge as a line of loss."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from proxylib import stats

EXPONENTS = np.round(np.arange(0.02, 1.501, 0.04), 2)
FORMS = {"floor of zero": False, "free floor": True}


def law(cells: pd.DataFrame, floor: bool) -> dict[str, float]:
    """loss = floor + a (N / N0)^-alpha + b (D / D0)^-beta, least squares in relative error; N0 and D0 are the largest.

    Returns
    -------
    floor, a, alpha, b, beta, error (root mean square, relative)

    Notes
    -----
    Solved exactly, with nothing below zero, for every pair of exponents of a grid. Floor and small exponents stand for each
    other, so that the law fits well and says little of where it leads.
    """
    size, data = (cells[name].to_numpy(float) / cells[name].max() for name in ("parameters", "examples"))
    loss = cells["final_loss"].to_numpy(float)
    best = (np.inf, {})
    for alpha in EXPONENTS:
        for beta in EXPONENTS:
            columns = np.stack([np.full(len(loss), float(floor)), size**-alpha, data**-beta], 1)
            solved, misfit = nnls(columns / loss[:, None], np.ones(len(loss)))
            if misfit < best[0]:
                values = dict(zip(("floor", "a", "b"), map(float, solved), strict=True))
                best = misfit, values | {"alpha": float(alpha), "beta": float(beta), "error": misfit / np.sqrt(len(loss))}
    return best[1]


def read(values: dict[str, float], size: float, data: float) -> float:
    """The law's loss at so many times the largest size and the most examples."""
    return values["floor"] + values["a"] * size ** -values["alpha"] + values["b"] * data ** -values["beta"]


def extended(cells: pd.DataFrame, score: str, factors: dict[str, tuple[float, float]], level: float) -> pd.DataFrame:
    """Loss and score at multiples of the largest size and the most examples, each base left out once.

    Parameters
    ----------
    cells : base, parameters, examples, final_loss, and the score in percent; a row per configuration
    factors : name -> times the largest size, times the most examples

    Returns
    -------
    form (of `FORMS`), at (of `factors`), quantity ("loss": nats a token; "score": percent, by the line), estimate, low, high
    """
    rows = []
    for form, floor in FORMS.items():
        whole = _at(cells, score, factors, floor, cells)
        without = [_at(cells[cells["base"] != base], score, factors, floor, cells) for base in cells["base"].unique()]
        for key, estimate in whole.items():
            interval = stats.jackknife_interval(estimate, np.array([part[key] for part in without]), level)
            rows.append({"form": form, "at": key[0], "quantity": key[1]} | interval._asdict())
    return pd.DataFrame(rows)


def _at(cells: pd.DataFrame, score: str, factors: dict[str, tuple[float, float]], floor: bool, whole: pd.DataFrame) -> dict:
    """(at, quantity) -> value; factors are of the largest of `whole`, whatever is left of it."""
    values = law(cells, floor)
    more = [whole[name].max() / cells[name].max() for name in ("parameters", "examples")]
    slope, intercept = np.polyfit(cells["final_loss"], cells[score], 1)
    table = {}
    for name, (size, data) in factors.items():
        loss = read(values, size * more[0], data * more[1])
        table |= {(name, "loss"): loss, (name, "score"): intercept + slope * loss}
    return table


def checked(cells: pd.DataFrame, score: str) -> pd.DataFrame:
    """The largest base forecast from all smaller ones: form, times (larger), loss, score: mean absolute errors; and of a score
    read off the line at the loss that came.
    """
    largest = cells["parameters"] == cells["parameters"].max()
    known, target = cells[~largest], cells[largest]
    slope, intercept = np.polyfit(known["final_loss"], known[score], 1)
    size = target["parameters"].iloc[0] / known["parameters"].max()
    rows = []
    for form, floor in FORMS.items():
        values = law(known, floor)
        losses = np.array([read(values, size, count / known["examples"].max()) for count in target["examples"]])
        errors = {"loss": np.abs(losses - target["final_loss"]), "score": np.abs(intercept + slope * losses - target[score])}
        errors["score at its loss"] = np.abs(intercept + slope * target["final_loss"] - target[score])
        rows.append({"form": form, "times": size} | {name: float(np.mean(values)) for name, values in errors.items()})
    return pd.DataFrame(rows)
