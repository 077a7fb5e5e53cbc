"""What training loss adds to size and data, and what luck alone would give: the control of the loss pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.studies.loss.cell_draws import (
    PROXY,
    Draws,
    frame_of,
    line,
    rows_of,
)

#: columns of the design beside the intercept; sizes and examples enter as logarithms, as scaling laws have them. "base" is
#: a level per base, which holds any effect of size that adds to that of data and says nothing of a size not seen;
#: "interaction" is the product of both logarithms; "copying" is the base's copy rate before any fine-tune. Loss is a straight
#: line, as in the post; "log loss" came after a bend in it was seen (experiment log)
CONTROLS = {
    "size + data": ("size", "data"),
    "size x data": ("size", "data", "interaction"),
    "copying + data": ("copying", "data"),
    "base + data": ("base", "data"),
    "loss": ("final_loss",),
    "log loss": ("log final_loss",),
    "size + data + loss": ("size", "data", "final_loss"),
    "size + data + log loss": ("size", "data", "log final_loss"),
    "base + data + loss": ("base", "data", "final_loss"),
    "base + data + log loss": ("base", "data", "log final_loss"),
}
BASELINE = "size + data"
#: what partial correlations hold fixed -> columns
GIVEN = {name: CONTROLS[name] for name in ("size + data", "base + data")} | {
    "base + data + interaction": ("base", "data", "interaction")
}
RICHEST = "base + data + interaction"  # what decides whether loss adds anything: as much as fifteen points allow
FORMS = {"loss": "final_loss", "log loss": "log final_loss"}


def control(draws: Draws) -> pd.DataFrame:
    """What loss adds to what is known before training.

    Returns
    -------
    judge, design (of `CONTROLS`, or of `GIVEN` for a partial correlation), validation ("configuration" or "size" left out
    whole), form (of `FORMS`), statistic, estimate, low, high, critical. Statistics: "error" (root mean square, points),
    "error difference" (minus that of `BASELINE`, paired), "partial r" of a form of loss given a design, and per base "r
    within a size". critical: the size that a partial correlation of unrelated things passes one time in twenty

    Notes
    -----
    Fifteen points, three of a size: given size and data eleven degrees of freedom are left, given a level per base eight,
    with the interaction seven. An interval here holds the configurations fixed; whether a partial correlation is more than
    their luck is for `critical` to say. What is held fixed has a shape too: whatever it misses is left for any curve to add,
    so the answer is as good as the richest design that fifteen points allow. A design that the kept configurations do not
    determine has no error. Where no copy rate was measured, the design that needs it is left out.
    """
    c = draws.configurations
    leave = {"configuration": np.arange(len(c)), "size": pd.factorize(c["base"])[0]}
    kept = {name: columns for name, columns in CONTROLS.items() if "copying" in c.columns or "copying" not in columns}
    designs = {name: design_of(columns, c, draws.signals) for name, columns in kept.items()}
    rows = []
    for judge, rates in draws.rates.items():
        for validation, groups in leave.items():
            errors = {name: _left_out_error(design, rates, groups) for name, design in designs.items()}
            for name, drawn in errors.items():
                error = {"error": draws.interval(drawn)}
                if name != BASELINE:
                    error["error difference"] = draws.interval(drawn - errors[BASELINE])
                rows += rows_of(error, judge=judge, design=name, validation=validation)
        for form, column in FORMS.items():
            rows += partials(draws, rates, column, judge=judge, form=form)
        for name in c["base"].unique():
            members = (c["base"] == name).to_numpy()
            if members.sum() >= 3:
                within = line(draws.signals["final_loss"][:, members], rates[:, members])["r"]
                rows += rows_of({"r within a size": draws.correlation(within)}, judge=judge, base=name)
    return frame_of(rows, "judge", "design", "validation", "form", "base", "critical")


def partials(draws: Draws, rates: np.ndarray, values: str, **keys: object) -> list[dict[str, object]]:
    """Partial correlations of the signal `values` and pass rates, given each of `GIVEN` that leaves a degree of freedom."""
    rows = []
    for name, columns in GIVEN.items():
        drawn, degrees = partial(draws, rates, values, columns)
        if degrees < 1:
            continue
        critical = stats.critical_r(degrees, draws.bootstrap.level)
        rows += rows_of({"partial r": draws.correlation(drawn)}, design=name, critical=critical, **keys)
    return rows


def partial(draws: Draws, rates: np.ndarray, values: str, columns: Sequence[str]) -> tuple[np.ndarray, int]:
    """[1 + draws] partial correlation of the signal `values` and rates given the columns, and its degrees of freedom."""
    known = design_of(columns, draws.configurations, draws.signals)
    rest = lambda y: y - predicted_by(known, y)
    degrees = len(draws.configurations) - np.linalg.matrix_rank(draws.bootstrap.drawn(known).estimate) - 1
    return line(rest(_signal(values, draws.signals)), rest(rates))["r"], int(degrees)


def _signal(name: str, signals: Mapping[str, np.ndarray]) -> np.ndarray:
    """A signal, its logarithm or its square."""
    if name.startswith("square of "):
        return signals[name.removeprefix("square of ")] ** 2
    return np.log(signals[name.removeprefix("log ")]) if name.startswith("log ") else signals[name]


def design_of(columns: Sequence[str], c: pd.DataFrame, signals: Mapping[str, np.ndarray]) -> np.ndarray:
    """[draws, configurations, columns] with an intercept, unless there is a level per base."""
    shape = signals["final_loss"].shape
    size, data = (np.log(c[name].to_numpy(float)) for name in ("parameters", "examples"))
    known = {
        "size": [size],
        "data": [data],
        "interaction": [(size - size.mean()) * (data - data.mean())],
        "copying": [c["copying"].to_numpy(float)] if "copying" in c.columns else [],
        "base": [(c["base"] == name).to_numpy(float) for name in c["base"].unique()],
    }
    parts = [] if "base" in columns else [np.ones(shape)]
    for name in columns:
        parts += [np.broadcast_to(values, shape) for values in known[name]] if name in known else [_signal(name, signals)]
    return np.stack(parts, -1)


def predicted_by(design: np.ndarray, values: np.ndarray) -> np.ndarray:
    """[draws, configurations] least squares fit of values [draws, configurations] by a design, draw by draw.

    statsmodels fits one design at a time; a thousand designs of fifteen rows are one product here (a test compares them).
    """
    return np.einsum("dnk,dk->dn", design, np.einsum("dkn,dn->dk", np.linalg.pinv(design), values))


def _left_out_error(design: np.ndarray, values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """[draws] root mean square error of each group as forecast from all others."""
    return np.sqrt((left_out(design, values, groups) ** 2).mean(1))


def left_out(design: np.ndarray, values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """[draws, configurations] error of each group as forecast from all others; nan where these do not determine the design."""
    predicted = np.empty_like(values)
    for group in np.unique(groups):
        out = groups == group
        if np.linalg.matrix_rank(design[0, ~out]) < design.shape[2] or (~out).sum() <= design.shape[2]:
            return np.full(values.shape, np.nan)
        weights = np.einsum("dkn,dn->dk", np.linalg.pinv(design[:, ~out]), values[:, ~out])
        predicted[:, out] = np.einsum("dnk,dk->dn", design[:, out], weights)
    return predicted - values


def signals(draws: Draws) -> pd.DataFrame:
    """How well each signal orders the configurations, its paired difference to the final training loss, and what it adds.

    Returns
    -------
    judge, signal, statistic ("strength": correlation with the pass rate, of losses with its sign turned; "minus final loss";
    "partial r" given a `design`, its sign turned likewise), estimate, low, high, critical (see `control`)
    """
    rows = []
    for judge, rates in draws.rates.items():
        sign = {name: 1 if name == PROXY else -1 for name in draws.signals}  # fixed a priori
        strength = {name: sign[name] * line(values, rates)["r"] for name, values in draws.signals.items()}
        for name, drawn in strength.items():
            strengths = {"strength": draws.correlation(drawn)}
            if name != "final_loss":
                strengths["minus final loss"] = draws.interval(drawn - strength["final_loss"])
            rows += rows_of(strengths, judge=judge, signal=name)
            turned = draws._replace(signals=draws.signals | {name: sign[name] * draws.signals[name]})
            rows += partials(turned, rates, name, judge=judge, signal=name)
    return frame_of(rows, "judge", "signal", "design", "critical")
