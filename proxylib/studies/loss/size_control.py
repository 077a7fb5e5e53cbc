"""What training loss adds to size and data, and what luck alone would give: the control of the loss pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.stats import Bootstrap
from proxylib.studies.loss.cell_draws import (
    PROXY,
    Draws,
    Grid,
    cell_rates,
    frame_of,
    groups_of,
    known_of,
    line,
    pass_rates,
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
FORMS = {"loss": "final_loss", "log loss": "log final_loss"}


def control(found: Draws, bootstrap: Bootstrap) -> pd.DataFrame:
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
    c = found.configurations
    leave = {"configuration": np.arange(len(c)), "size": pd.factorize(c["base"])[0]}
    kept = {name: columns for name, columns in CONTROLS.items() if "copying" in c.columns or "copying" not in columns}
    designs = {name: design_of(columns, c, found.signals) for name, columns in kept.items()}
    made = []
    for judge, rates in found.rates.items():
        for validation, groups in leave.items():
            errors = {name: _left_out_error(design, rates, groups) for name, design in designs.items()}
            for name, drawn in errors.items():
                both = {"error": drawn} | ({} if name == BASELINE else {"error difference": drawn - errors[BASELINE]})
                made += rows_of(both, bootstrap.level, judge=judge, design=name, validation=validation)
        for form, column in FORMS.items():
            made += partials(found, rates, column, bootstrap, judge=judge, form=form)
        for name in c["base"].unique():
            members = (c["base"] == name).to_numpy()
            if members.sum() >= 3:
                within = line(found.signals["final_loss"][:, members], rates[:, members])["r"]
                made += rows_of({"r within a size": within}, bootstrap.level, judge=judge, base=name)
    return frame_of(made, "judge", "design", "validation", "form", "base", "critical")


def partials(found: Draws, rates: np.ndarray, values: str, bootstrap: Bootstrap, **keys: object) -> list[dict[str, object]]:
    """Partial correlations of the signal `values` and pass rates, given each of `GIVEN` that leaves a degree of freedom."""
    c = found.configurations
    made = []
    for name, columns in GIVEN.items():
        known = design_of(columns, c, found.signals)
        degrees = len(c) - np.linalg.matrix_rank(known[0]) - 1
        if degrees < 1:
            continue
        rest = lambda y, known=known: y - predicted_by(known, y)
        partial = line(rest(_signal(values, found.signals)), rest(rates))["r"]
        critical = stats.critical_r(degrees, bootstrap.level)
        made += rows_of({"partial r": partial}, bootstrap.level, design=name, critical=critical, **keys)
    return made


def _signal(name: str, signals: Mapping[str, np.ndarray]) -> np.ndarray:
    """A signal, or its logarithm."""
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
    """[draws, configurations] least squares fit of values [draws, configurations] by a design, draw by draw."""
    return np.einsum("dnk,dk->dn", design, np.einsum("dkn,dn->dk", np.linalg.pinv(design), values))


def _left_out_error(design: np.ndarray, values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """[draws] root mean square error of each group as forecast from all others."""
    told = np.empty_like(values)
    for group in np.unique(groups):
        out = groups == group
        if np.linalg.matrix_rank(design[0, ~out]) < design.shape[2] or (~out).sum() <= design.shape[2]:
            return np.full(len(values), np.nan)
        weights = np.einsum("dkn,dn->dk", np.linalg.pinv(design[:, ~out]), values[:, ~out])
        told[:, out] = np.einsum("dnk,dk->dn", design[:, out], weights)
    return np.sqrt(((told - values) ** 2).mean(1))


def signals(found: Draws, bootstrap: Bootstrap) -> pd.DataFrame:
    """How well each signal orders the configurations, its paired difference to the final training loss, and what it adds.

    Returns
    -------
    judge, signal, statistic ("strength": correlation with the pass rate, of losses with its sign turned; "minus final loss";
    "partial r" given a `design`, its sign turned likewise), estimate, low, high, critical (see `control`)
    """
    made = []
    for judge, rates in found.rates.items():
        sign = {name: 1 if name == PROXY else -1 for name in found.signals}  # fixed a priori
        strength = {name: sign[name] * line(values, rates)["r"] for name, values in found.signals.items()}
        for name, drawn in strength.items():
            rows = {"strength": drawn} | ({} if name == "final_loss" else {"minus final loss": drawn - strength["final_loss"]})
            made += rows_of(rows, bootstrap.level, judge=judge, signal=name)
            turned = found._replace(signals=found.signals | {name: sign[name] * found.signals[name]})
            made += partials(turned, rates, name, bootstrap, judge=judge, signal=name)
    return frame_of(made, "judge", "signal", "design", "critical")


def seeds_apart(found: Grid, bootstrap: Bootstrap) -> pd.DataFrame:
    """Correlation of final loss and pass rate over the seeds of one configuration, which size and data cannot explain.

    Returns
    -------
    judge, statistic "r over seeds", estimate, low, high (bootstrap over configurations), n (cells), critical (see `control`)
    """
    made = []
    cells = found.cells
    place = cells.groupby(known_of(cells), sort=False).ngroup().to_numpy()
    several = np.flatnonzero(np.bincount(place)[place] > 1)
    groups = np.unique(place[several])
    if len(groups) < 2:
        return frame_of([], "judge", "n", "critical")
    weights = stats.cluster_weights(place[several], bootstrap.draws, bootstrap.seed)
    weights = np.vstack([np.ones((1, len(several))), weights])
    apart = lambda values: pd.Series(values).groupby(place).transform(lambda own: own - own.mean()).to_numpy()[several]
    for judge, passed in found.passed.items():
        rates = pass_rates(passed, np.ones((1, passed.shape[1])))[0]
        x, y = apart(cells["final_loss"].to_numpy(float)), apart(rates)
        with np.errstate(invalid="ignore", divide="ignore"):
            r = (weights @ (x * y)) / np.sqrt((weights @ (x * x)) * (weights @ (y * y)))
        critical = stats.critical_r(len(several) - len(groups) - 1, bootstrap.level)
        if np.isfinite(r[0]):
            found_r = stats.correlation_interval(r[0], r[1:], bootstrap.level)
            made.append(
                {"judge": judge, "n": len(several), "critical": critical, "statistic": "r over seeds"}
                | dict(zip(("estimate", "low", "high"), found_r[:3], strict=True))
            )
    return frame_of(made, "judge", "n", "critical")


def inversions(found: Grid, judge: str) -> pd.DataFrame:
    """How often more data looks worse: each seed of a configuration beside the next larger number of examples of its base.

    Returns
    -------
    a row per pair of cells: base, fewer, more, seed, score_drop (points; positive: worse with more data), loss_rise (nats),
    inverted (score fell while loss rose, as in the post's 14B)
    """
    cells = found.cells.assign(rate=cell_rates(found, judge))
    sizes = sorted(cells["examples"].unique())
    made = []
    for base, own in cells.groupby("base", sort=False):
        for fewer, more in pairwise(sizes):
            for _, a in own[own["examples"] == fewer].iterrows():
                for _, b in own[own["examples"] == more].iterrows():
                    drop, rise = a["rate"] - b["rate"], b["final_loss"] - a["final_loss"]
                    made.append((base, fewer, more, a["seed"], b["seed"], drop, rise, drop > 0 and rise > 0))
    columns = ["base", "fewer", "more", "seed", "other seed", "score_drop", "loss_rise", "inverted"]
    return pd.DataFrame(made, columns=columns)


def seed_noise(found: Grid, judge: str) -> pd.DataFrame:
    """Standard deviation over seeds of pass rate (points) and final loss (nats), per configuration with at least three."""
    cells = found.cells.assign(rate=cell_rates(found, judge))
    grouped = cells.groupby(["base", "examples"], sort=False)
    made = grouped.agg(seeds=("seed", "nunique"), rate=("rate", "std"), final_loss=("final_loss", "std")).reset_index()
    return made[made["seeds"] >= 3].reset_index(drop=True)


def inversions_by_luck(found: Grid, judge: str, bootstrap: Bootstrap) -> pd.DataFrame:
    """How often two runs look inverted though only the luck of seeds and notes parts them from their configurations' means.

    Returns
    -------
    one row, none without configurations of several seeds: observed (share of the pairs of `inversions`), low and high
    (Wilson, as if each pair of neighbouring configurations were one observation: their pairs of seeds share cells), pairs (of
    configurations), as_found (share expected where the configurations' means are those found) and no_effect (where more data
    changes nothing)

    Notes
    -----
    Normal noise with one covariance of pass rate and loss, pooled over configurations; a grid whose noise differs between
    configurations, as ours, has more of it in some pairs and less in others. `as_found` takes the means as true, which they
    are not: seeds' luck is in them.
    """
    cells = found.cells.assign(rate=cell_rates(found, judge))
    pair = ["rate", "final_loss"]
    grouped = cells.groupby(["base", "examples"], sort=False)[pair]
    apart = (cells[pair] - grouped.transform("mean")).to_numpy(float)
    degrees = len(cells) - grouped.ngroups
    columns = ["observed", "low", "high", "pairs", "as_found", "no_effect"]
    if degrees < 2:
        return pd.DataFrame([], columns=columns)
    noise = np.random.default_rng(bootstrap.seed).multivariate_normal([0, 0], 2 * apart.T @ apart / degrees, size=20_000)
    means = grouped.mean()
    steps = [
        np.diff(own.sort_index(level="examples").to_numpy(float), axis=0) for _, own in means.groupby(level="base", sort=False)
    ]
    looks = lambda step: np.mean((step[0] + noise[:, 0] < 0) & (step[1] + noise[:, 1] > 0))
    every = np.concatenate(steps)
    share = inversions(found, judge)["inverted"].mean()
    ends = stats.proportion_interval(share * len(every), len(every), bootstrap.level)
    row = (share, *ends[1:3], len(every), np.mean([looks(step) for step in every]), looks(np.zeros(2)))
    return pd.DataFrame([row], columns=columns)


def without_facts(found: Grid, silent: np.ndarray) -> Grid:
    """The same cells where a silent note fails every criterion.

    A note that says nothing makes nothing up, so that a judge which asks for false statements passes it.

    Parameters
    ----------
    silent : [cells, notes] true for a note without a digit; every expert's note has an age
    """
    return found._replace(passed={judge: np.where(silent[..., None], 0.0, passed) for judge, passed in found.passed.items()})


def silence(found: Draws, strict: Draws, bootstrap: Bootstrap) -> pd.DataFrame:
    """What changes when silent notes fail: both over the same draws of notes and seeds.

    Returns
    -------
    judge, group (as in `fits`), form (of `FORMS`), design (of `GIVEN`, for a partial correlation), statistic, estimate, low,
    high, critical. Statistics: "R2" and "R2 minus as judged" of the straight line, "partial r"
    """
    made = []
    for judge, rates in strict.rates.items():
        for group, members in groups_of(found.configurations):
            r, before = (
                line(found.signals["final_loss"][:, members], own[:, members])["r"] for own in (rates, found.rates[judge])
            )
            rows = {"R2": r, "R2 minus as judged": r**2 - before**2}
            made += rows_of(rows, bootstrap.level, judge=judge, group=group)
        for form, column in FORMS.items():
            made += partials(strict, rates, column, bootstrap, judge=judge, form=form)
    return frame_of(made, "judge", "group", "form", "design", "critical")
