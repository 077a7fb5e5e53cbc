"""Does training loss predict what a judge says? Fits over the cells of a fine-tuning grid, and the control without loss.

A cell is a base, a number of examples and a seed. A configuration's value is the mean over its seeds. Configurations are
fixed: what is drawn anew are the notes (all criteria of a note together, the same notes in every cell) and the seeds. What
an interval so leaves out, the luck of fifteen configurations, is told by the critical size of a correlation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from . import proxies, stats
from .config import Inference
from .errors import UserError
from .judging.criteria import LENIENT, LM_JUDGE, PROMPTED, STRICT
from .store import Workspace

CONFIGURATION = ["base", "parameters", "examples", "copying"]
LEAST_CELLS = 4  # below, a line through the points leaves nothing over to doubt it with
LOSSES = ("final_loss", "first_pass_loss", "held_out_loss")
PROXY = proxies.name(*proxies.NAMED_WINNERS["model selection"])  # fixed before any cell was trained
SIGNALS = (*LOSSES, PROXY)
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
#: statistics with an interval as correlations have it; all others have percentile intervals (experiment log: coverage)
CORRELATIONS = ("r", "R2", "partial r", "r within a size", "strength")
FORMS = {"loss": "final_loss", "log loss": "log final_loss"}
#: what is linear in the pass rate
SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"log-linear": np.log2, "saturating": lambda x: -1 / x}


class Grid(NamedTuple):
    """The cells of one schedule, ready to be fitted.

    cells : a row per cell: base, parameters, examples, seed, copying (the base's copy rate) and `SIGNALS`: losses in nats per
        completion token, and a proxy over the experts' notes, which unlike them is higher for better models
    passed : judge -> [cells, notes, criteria] verdicts, 1 or 0, nan where unscored
    """

    cells: pd.DataFrame
    passed: Mapping[str, np.ndarray]

    @property
    def configurations(self) -> pd.DataFrame:
        """base, parameters, examples, copying: one row per configuration, whatever its seeds."""
        return self.cells[CONFIGURATION].drop_duplicates(ignore_index=True)


def grid(cells: pd.DataFrame, verdicts: pd.DataFrame) -> Grid:
    """Cells beside their verdicts.

    Parameters
    ----------
    cells : cell, base, parameters, examples, seed, diverged, losses
    verdicts : cell, id (of the note), criterion, judge, passed (nullable: unscored is neither)

    Raises
    ------
    UserError
        If fewer than `LEAST_CELLS` cells are left without the diverged ones, or a cell misses a note.
    """
    kept = cells[~cells["diverged"]].reset_index(drop=True)
    if len(kept) < LEAST_CELLS:
        raise UserError(f"grid: {len(kept)} cells did not diverge, at least {LEAST_CELLS} are needed for a fit")
    passed = {}
    for judge, own in verdicts.groupby("judge", sort=False):
        wide = own.assign(value=own["passed"].astype("Float64")).pivot(
            index="cell", columns=["id", "criterion"], values="value"
        )
        missing = set(kept["cell"]) - set(wide.index)
        if missing:
            raise UserError(f"grid: judge {judge} has no verdict on cell {sorted(missing)[0]}")
        notes, criteria = (wide.columns.get_level_values(level).unique() for level in (0, 1))
        full = wide.reindex(columns=pd.MultiIndex.from_product([notes, criteria])).loc[kept["cell"]]
        passed[str(judge)] = full.to_numpy(float, na_value=np.nan).reshape(len(kept), len(notes), len(criteria))
    return Grid(kept, passed)


def pass_rates(passed: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[draws, cells] mean over criteria of the share of verdicts that pass, in percent; notes are drawn whole.

    The unscored are left out; a cell without a scored verdict on a criterion has no rate (nan).

    Parameters
    ----------
    passed : [cells, notes, criteria]
    weights : [draws, notes]
    """
    told = np.isfinite(passed)
    right = np.einsum("dn,cnk->dck", weights, np.where(told, passed, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return 100 * (right / np.einsum("dn,cnk->dck", weights, told.astype(float))).mean(2)


class Draws(NamedTuple):
    """Pass rates and signals per configuration; the first row is the estimate, the others are bootstrap draws."""

    configurations: pd.DataFrame
    rates: dict[str, np.ndarray]  # judge -> [1 + draws, configurations]
    signals: dict[str, np.ndarray]  # likewise
    outside: dict[str, np.ndarray]  # judge -> [draws, configurations] pass rates on the notes that a draw left out


def draws(found: Grid, inference: Inference) -> Draws:
    """Bootstrap over notes and seeds; the estimate is the mean over a configuration's seeds.

    Seeds are few: deviations from their mean are scaled by sqrt(n / (n - 1)), so that their variance is unbiased (Rao and Wu
    1988).
    """
    configurations = found.configurations
    keys = list(configurations.itertuples(index=False, name=None))
    own = found.cells[CONFIGURATION].itertuples(index=False, name=None)
    place = np.array([keys.index(key) for key in own])
    rng = np.random.default_rng(inference.seed)
    count = inference.draws
    chosen = np.zeros((1 + count, len(keys), len(found.cells)))  # how much of a configuration each cell stands for
    for number in range(len(keys)):
        members = np.flatnonzero(place == number)
        chosen[0, number, members] = 1 / len(members)
        picks = rng.integers(0, len(members), size=(count, len(members)))
        for column in range(len(members)):
            np.add.at(chosen, (1 + np.arange(count), number, members[picks[:, column]]), 1 / len(members))
        if len(members) > 1:
            spread = np.sqrt(len(members) / (len(members) - 1))
            drawn = chosen[1:, number, members]
            chosen[1:, number, members] = 1 / len(members) + spread * (drawn - 1 / len(members))
    notes = next(iter(found.passed.values())).shape[1]
    weights = np.vstack([np.ones((1, notes)), stats.cluster_weights(np.arange(notes), count, inference.seed)])
    mix = lambda values: np.einsum("dkc,dc->dk", chosen, values)
    rates = {judge: mix(pass_rates(passed, weights)) for judge, passed in found.passed.items()}
    signals = {name: mix(np.broadcast_to(found.cells[name].to_numpy(float), (1 + count, len(found.cells)))) for name in SIGNALS}
    outside = {
        judge: np.einsum("kc,dc->dk", chosen[0], pass_rates(passed, (weights[1:] == 0).astype(float)))
        for judge, passed in found.passed.items()
    }
    return Draws(configurations, rates, signals, outside)


def line(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Least squares of y on x along the last axis: r, R2, slope and intercept; nan where x does not vary."""
    dx, dy = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    xx, yy, xy = (dx * dx).sum(-1), (dy * dy).sum(-1), (dx * dy).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, r = xy / xx, xy / np.sqrt(xx * yy)
    return {"r": r, "R2": r**2, "slope": slope, "intercept": y.mean(-1) - slope * x.mean(-1)}


def _rows(values: Mapping[str, np.ndarray], level: float, **keys: object) -> list[dict[str, object]]:
    """A row per statistic with its interval; none for a statistic that is not defined.

    A statistic "R2" is given as the correlation whose square it is: its own draws lie above zero whatever the truth is.
    """
    made = []
    for statistic, drawn in values.items():
        if not np.isfinite(drawn[0]):
            continue
        if statistic in CORRELATIONS:
            ends = list(stats.correlation_interval(drawn[0], drawn[1:], level)[:3])
        else:  # an error's draws lie above it; its interval holds it none the less
            found = stats.percentile_interval(drawn[0], drawn[1:], level)
            ends = [found.estimate, min(found.low, found.estimate), max(found.high, found.estimate)]
        if statistic == "R2":
            nearest = 0.0 if ends[1] <= 0 <= ends[2] else min(ends[1] ** 2, ends[2] ** 2)
            ends = [ends[0] ** 2, nearest, max(ends[1] ** 2, ends[2] ** 2)]
        made.append({**keys, "statistic": statistic} | dict(zip(("estimate", "low", "high"), ends, strict=True)))
    return made


def _frame(rows: list[dict[str, object]], *keys: str) -> pd.DataFrame:
    """Rows as from `_rows` with all their columns, also where there are none."""
    return pd.DataFrame(rows, columns=[*keys, "statistic", "estimate", "low", "high"])


def fits(found: Draws, inference: Inference, signal: str = "final_loss") -> pd.DataFrame:
    """Lines of pass rate on a loss: over all configurations and within each number of examples.

    Returns
    -------
    judge, group ("all" or the number of examples), n (configurations), statistic, estimate, low, high. Statistics: r, R2,
    intercept (percent), slope (points per 0.1 nats) and curvature (points per (0.1 nats) squared, of a parabola).

    Notes
    -----
    A few configurations fitted by a line give a high R2 by luck: with five, one in twenty unrelated sets reaches .77. The
    interval is for these configurations; it does not say how another family of bases would do. A configuration is the mean
    of its seeds; `single_seeds` has the lines through single runs, as the post has them.
    """
    made = []
    for judge, rates in found.rates.items():
        for group, members in _groups(found.configurations):
            x, y = found.signals[signal][:, members], rates[:, members]
            values = line(x, y)
            values["R2"] = values["r"]
            values["slope"] = 0.1 * values["slope"]
            values["curvature"] = 0.01 * _quadratic(x, y)
            made += _rows(values, inference.level, judge=judge, group=group, n=int(members.sum()))
    return _frame(made, "judge", "group", "n")


def _groups(configurations: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """All configurations and those of each number of examples, where a line can be fitted."""
    examples = configurations["examples"].to_numpy()
    for name, members in [("all", np.ones(len(examples), bool))] + [(str(n), examples == n) for n in np.unique(examples)]:
        if members.sum() >= LEAST_CELLS:
            yield name, members


def slopes_apart(found: Draws, inference: Inference) -> pd.DataFrame:
    """Do the numbers of examples have different slopes? Paired differences, and one test of all of them.

    Returns
    -------
    judge, pair ("a minus b", numbers of examples), statistic "slope difference" (points per 0.1 nats), estimate, low, high,
    p (Wald test that all slopes are one, with the draws' covariance; the same in every row of a judge)
    """
    groups = [(name, members) for name, members in _groups(found.configurations) if name != "all"]
    made = []
    for judge, rates in found.rates.items():
        slopes = {name: 0.1 * line(found.signals["final_loss"][:, own], rates[:, own])["slope"] for name, own in groups}
        if len(slopes) < 2 or not np.isfinite([drawn[0] for drawn in slopes.values()]).all():
            continue
        p = _wald(np.stack([drawn - slopes[groups[0][0]] for drawn in list(slopes.values())[1:]], -1))
        for a, b in combinations(slopes, 2):
            rows = {"slope difference": slopes[a] - slopes[b]}
            made += _rows(rows, inference.level, judge=judge, pair=f"{a} minus {b}", p=p)
    return _frame(made, "judge", "pair", "p")


def _wald(contrasts: np.ndarray) -> float:
    """p that all contrasts [1 + draws, contrasts] are zero; the first row is the estimate."""
    from scipy.stats import chi2

    kept = contrasts[np.isfinite(contrasts).all(1)]
    covariance = np.atleast_2d(np.cov(kept[1:].T))
    return float(chi2.sf(kept[0] @ np.linalg.pinv(covariance) @ kept[0], kept.shape[1]))


def single_seeds(found: Grid) -> pd.DataFrame:
    """The line through all configurations with one seed each, as the post has it.

    Returns
    -------
    judge, seed, statistic (r, R2, slope in points per 0.1 nats), estimate; a row per seed that every configuration has
    """
    made = []
    cells = found.cells
    for seed in sorted(cells["seed"].unique()):
        own = (cells["seed"] == seed).to_numpy()
        if own.sum() < len(found.configurations):
            continue
        for judge, passed in found.passed.items():
            rates = pass_rates(passed[own], np.ones((1, passed.shape[1])))[0]
            values = line(cells["final_loss"].to_numpy(float)[own], rates)
            for name, value in (("r", values["r"]), ("R2", values["R2"]), ("slope", 0.1 * values["slope"])):
                made.append((judge, seed, name, float(value)))
    return pd.DataFrame(made, columns=["judge", "seed", "statistic", "estimate"])


def _quadratic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Second-order coefficient of a parabola, once per row."""
    centred = x - x.mean(-1, keepdims=True)
    design = np.stack([np.ones_like(centred), centred, centred**2], -1)
    return np.einsum("dkn,dn->dk", np.linalg.pinv(design), y)[:, 2]


def judges(found: Draws, first: str, second: str, inference: Inference) -> pd.DataFrame:
    """Two judges over the same cells: mean pass rates, their ratio, do they order alike, and does loss tell one better?"""
    a, b = found.rates[first], found.rates[second]
    explained = lambda rates: line(found.signals["final_loss"], rates)["R2"]
    values = {
        f"mean of {first}": a.mean(1),
        f"mean of {second}": b.mean(1),
        "ratio": a.mean(1) / np.maximum(b.mean(1), 1e-12),
        "rank agreement": np.array([_spearman(*pair) for pair in zip(a, b, strict=True)]),
        "R2 difference": explained(a) - explained(b),
    }
    return _frame(_rows(values, inference.level, n=a.shape[1]), "n")


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    a, b = np.round(a, 9), np.round(b, 9)  # equal rates that were summed in another order are ties
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.nan
    return float(stats.spearman_draws(a, b, np.ones((1, len(a))))[0])


def control(found: Draws, inference: Inference) -> pd.DataFrame:
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
    determine has no error.
    """
    c = found.configurations
    leave = {"configuration": np.arange(len(c)), "size": pd.factorize(c["base"])[0]}
    designs = {name: _design(columns, c, found.signals) for name, columns in CONTROLS.items()}
    made = []
    for judge, rates in found.rates.items():
        for validation, groups in leave.items():
            errors = {name: _left_out_error(design, rates, groups) for name, design in designs.items()}
            for name, drawn in errors.items():
                both = {"error": drawn} | ({} if name == BASELINE else {"error difference": drawn - errors[BASELINE]})
                made += _rows(both, inference.level, judge=judge, design=name, validation=validation)
        for form, column in FORMS.items():
            made += _partials(found, rates, column, inference, judge=judge, form=form)
        for name in c["base"].unique():
            members = (c["base"] == name).to_numpy()
            if members.sum() >= 3:
                within = line(found.signals["final_loss"][:, members], rates[:, members])["r"]
                made += _rows({"r within a size": within}, inference.level, judge=judge, base=name)
    return _frame(made, "judge", "design", "validation", "form", "base", "critical")


def _partials(found: Draws, rates: np.ndarray, values: str, inference: Inference, **keys: object) -> list[dict[str, object]]:
    """Partial correlations of the signal `values` and pass rates, given each of `GIVEN` that leaves a degree of freedom."""
    c = found.configurations
    made = []
    for name, columns in GIVEN.items():
        known = _design(columns, c, found.signals)
        degrees = len(c) - np.linalg.matrix_rank(known[0]) - 1
        if degrees < 1:
            continue
        rest = lambda y, known=known: y - _predicted(known, y)
        partial = line(rest(_signal(values, found.signals)), rest(rates))["r"]
        critical = stats.critical_r(degrees, inference.level)
        made += _rows({"partial r": partial}, inference.level, design=name, critical=critical, **keys)
    return made


def _signal(name: str, signals: Mapping[str, np.ndarray]) -> np.ndarray:
    """A signal, or its logarithm."""
    return np.log(signals[name.removeprefix("log ")]) if name.startswith("log ") else signals[name]


def _design(columns: Sequence[str], c: pd.DataFrame, signals: Mapping[str, np.ndarray]) -> np.ndarray:
    """[draws, configurations, columns] with an intercept, unless there is a level per base."""
    shape = signals["final_loss"].shape
    size, data = (np.log(c[name].to_numpy(float)) for name in ("parameters", "examples"))
    known = {
        "size": [size],
        "data": [data],
        "interaction": [(size - size.mean()) * (data - data.mean())],
        "copying": [c["copying"].to_numpy(float)],
        "base": [(c["base"] == name).to_numpy(float) for name in c["base"].unique()],
    }
    parts = [] if "base" in columns else [np.ones(shape)]
    for name in columns:
        parts += [np.broadcast_to(values, shape) for values in known[name]] if name in known else [_signal(name, signals)]
    return np.stack(parts, -1)


def seeds_apart(found: Grid, inference: Inference) -> pd.DataFrame:
    """Correlation of final loss and pass rate over the seeds of one configuration, which size and data cannot explain.

    Returns
    -------
    judge, statistic "r over seeds", estimate, low, high (bootstrap over configurations), n (cells), critical (see `control`)
    """
    made = []
    cells = found.cells
    place = cells.groupby(CONFIGURATION, sort=False).ngroup().to_numpy()
    several = np.flatnonzero(np.bincount(place)[place] > 1)
    groups = np.unique(place[several])
    if len(groups) < 2:
        return _frame([], "judge", "n", "critical")
    weights = stats.cluster_weights(place[several], inference.draws, inference.seed)
    weights = np.vstack([np.ones((1, len(several))), weights])
    apart = lambda values: pd.Series(values).groupby(place).transform(lambda own: own - own.mean()).to_numpy()[several]
    for judge, passed in found.passed.items():
        rates = pass_rates(passed, np.ones((1, passed.shape[1])))[0]
        x, y = apart(cells["final_loss"].to_numpy(float)), apart(rates)
        with np.errstate(invalid="ignore", divide="ignore"):
            r = (weights @ (x * y)) / np.sqrt((weights @ (x * x)) * (weights @ (y * y)))
        critical = stats.critical_r(len(several) - len(groups) - 1, inference.level)
        if np.isfinite(r[0]):
            found_r = stats.correlation_interval(r[0], r[1:], inference.level)
            made.append(
                {"judge": judge, "n": len(several), "critical": critical, "statistic": "r over seeds"}
                | dict(zip(("estimate", "low", "high"), found_r[:3], strict=True))
            )
    return _frame(made, "judge", "n", "critical")


def _predicted(design: np.ndarray, values: np.ndarray) -> np.ndarray:
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


def prompts(found: Draws, inference: Inference) -> pd.DataFrame:
    """R2 of the final training loss with the LM judge under each set of prompts.

    Returns
    -------
    prompts (of `pooled.PROMPTED`), statistic "R2" and "minus naive" (paired), estimate, low, high
    """
    r = {name: line(found.signals["final_loss"], found.rates[judge])["r"] for name, judge in PROMPTED.items()}
    made = []
    for name, drawn in r.items():
        both = {"R2": drawn} | ({} if name == "naive" else {"minus naive": drawn**2 - r["naive"] ** 2})
        made += _rows(both, inference.level, prompts=name)
    return _frame(made, "prompts")


def signals(found: Draws, inference: Inference) -> pd.DataFrame:
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
            made += _rows(rows, inference.level, judge=judge, signal=name)
            turned = found._replace(signals=found.signals | {name: sign[name] * found.signals[name]})
            made += _partials(turned, rates, name, inference, judge=judge, signal=name)
    return _frame(made, "judge", "signal", "design", "critical")


def scaling(found: Draws, inference: Inference) -> pd.DataFrame:
    """Pass rate against examples (per base) and against parameters (per number of examples): two shapes.

    Returns
    -------
    judge, along ("examples" or "parameters"), group, shape ("log-linear": a + b log x; "saturating": a - b / x), statistic
    "error" (root mean square of the fit, points) and "gain" (points per doubling, log-linear only)

    Notes
    -----
    Both shapes have two coefficients, so their errors compare; with three points per base one is left over.
    """
    c = found.configurations
    made = []
    for along, by in (("examples", "base"), ("parameters", "examples")):
        for group in c[by].unique():
            members = (c[by] == group).to_numpy()
            if members.sum() < 3:
                continue
            x = c[along].to_numpy(float)[members]
            for judge, rates in found.rates.items():
                for shape, transform in SHAPES.items():
                    own = np.broadcast_to(transform(x), rates[:, members].shape)
                    fit = line(own, rates[:, members])
                    off = rates[:, members] - fit["intercept"][:, None] - fit["slope"][:, None] * own
                    values = {"error": np.sqrt((off**2).mean(1))} | ({"gain": fit["slope"]} if shape == "log-linear" else {})
                    keys = {"judge": judge, "along": along, "group": str(group), "shape": shape}
                    made += _rows(values, inference.level, **keys)
    return _frame(made, "judge", "along", "group", "shape")


def inversions(found: Grid, judge: str) -> pd.DataFrame:
    """How often more data looks worse: each seed of a configuration beside the next larger number of examples of its base.

    Returns
    -------
    a row per pair of cells: base, fewer, more, seed, score_drop (points; positive: worse with more data), loss_rise (nats),
    inverted (score fell while loss rose, as in the post's 14B)
    """
    cells = found.cells.assign(rate=_cell_rates(found, judge))
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
    cells = found.cells.assign(rate=_cell_rates(found, judge))
    grouped = cells.groupby(["base", "examples"], sort=False)
    made = grouped.agg(seeds=("seed", "nunique"), rate=("rate", "std"), final_loss=("final_loss", "std")).reset_index()
    return made[made["seeds"] >= 3].reset_index(drop=True)


def _cell_rates(found: Grid, judge: str) -> np.ndarray:
    """[cells] pass rates in percent over all notes."""
    return pass_rates(found.passed[judge], np.ones((1, found.passed[judge].shape[1])))[0]


def inversions_by_luck(found: Grid, judge: str, inference: Inference) -> pd.DataFrame:
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
    cells = found.cells.assign(rate=_cell_rates(found, judge))
    pair = ["rate", "final_loss"]
    grouped = cells.groupby(["base", "examples"], sort=False)[pair]
    apart = (cells[pair] - grouped.transform("mean")).to_numpy(float)
    degrees = len(cells) - grouped.ngroups
    columns = ["observed", "low", "high", "pairs", "as_found", "no_effect"]
    if degrees < 2:
        return pd.DataFrame([], columns=columns)
    noise = np.random.default_rng(inference.seed).multivariate_normal([0, 0], 2 * apart.T @ apart / degrees, size=20_000)
    means = grouped.mean()
    steps = [
        np.diff(own.sort_index(level="examples").to_numpy(float), axis=0) for _, own in means.groupby(level="base", sort=False)
    ]
    looks = lambda step: np.mean((step[0] + noise[:, 0] < 0) & (step[1] + noise[:, 1] > 0))
    every = np.concatenate(steps)
    share = inversions(found, judge)["inverted"].mean()
    ends = stats.proportion_interval(share * len(every), len(every), inference.level)
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


def silence(found: Draws, strict: Draws, inference: Inference) -> pd.DataFrame:
    """What changes when silent notes fail: both over the same draws of notes and seeds.

    Returns
    -------
    judge, group (as in `fits`), form (of `FORMS`), design (of `GIVEN`, for a partial correlation), statistic, estimate, low,
    high, critical. Statistics: "R2" and "R2 minus as judged" of the straight line, "partial r"
    """
    made = []
    for judge, rates in strict.rates.items():
        for group, members in _groups(found.configurations):
            r, before = (
                line(found.signals["final_loss"][:, members], own[:, members])["r"] for own in (rates, found.rates[judge])
            )
            rows = {"R2": r, "R2 minus as judged": r**2 - before**2}
            made += _rows(rows, inference.level, judge=judge, group=group)
        for form, column in FORMS.items():
            made += _partials(strict, rates, column, inference, judge=judge, form=form)
    return _frame(made, "judge", "group", "form", "design", "critical")


def frontier(found: Draws, judge: str, inference: Inference) -> pd.DataFrame:
    """Best configuration under each budget of training compute: the true one and the one with the lowest final loss.

    Returns
    -------
    budget (parameters x examples), best and chosen (names), best_rate and chosen_rate (percent), regret with low and high

    Notes
    -----
    The best of several rates is best by luck in part. For the regret it is therefore sought on the notes of a bootstrap draw
    and compared with the chosen one on the notes that the draw left out; the regret is the mean over draws and can be
    negative. Its interval is too wide rather than too narrow, as a draw leaves out a third of the notes.
    """
    c = found.configurations
    cost = (c["parameters"].astype(float) * c["examples"]).to_numpy()
    names = (c["base"] + ", " + c["examples"].astype(str)).to_numpy()
    rates, losses, outside = found.rates[judge], found.signals["final_loss"], found.outside[judge]
    rows = np.arange(len(outside))
    made = []
    if not np.isfinite(rates[0]).all():
        return pd.DataFrame([], columns=[*FRONTIER])
    for budget in np.sort(cost):
        allowed = np.flatnonzero(cost <= budget)
        best = allowed[np.nan_to_num(rates[1:, allowed], nan=-1.0).argmax(1)]
        picked = allowed[losses[:, allowed].argmin(1)]
        lost = outside[rows, best] - outside[rows, picked[1:]]
        told = stats.percentile_interval(float(np.nanmean(lost)), lost, inference.level)
        top = allowed[rates[0, allowed].argmax()]
        made.append((budget, names[top], names[picked[0]], rates[0, top], rates[0, picked[0]], *told[:3]))
    return pd.DataFrame(made, columns=[*FRONTIER])


CLAIMED_R = ("loss-r", "loss-regimes", "loss-beyond")  # claims about a correlation
FRONTIER = ("budget", "best", "chosen", "best_rate", "chosen_rate", "regret", "low", "high")


def build(step, workspace: Workspace) -> None:
    """All fits over a profile's scribe grid.

    Parameters
    ----------
    step : a declared `lossfit` step; its parents are the verdicts, the bases and the cells
    workspace : receives the tables `cells`, `curves`, `copies` and, over both schedules or for the one named in a column
        `schedule`, those of the functions of this module
    """
    inference: Inference = step.settings.inference
    cells, curves = _cells(step)
    copies = _copies(step)
    cells = cells.merge(copies.groupby("width")["rate"].mean().rename("copying").reset_index(), on="width")
    verdicts = step.parent("verdicts").table("verdicts")
    silent = _silent(step, sorted(verdicts["id"].unique()))
    shares = silent.mean(axis=1).mul(100).rename("silent")
    workspace.write_table("cells", cells.merge(_rates(verdicts), on="cell", how="left").join(shares, on="cell"))
    workspace.write_table("curves", curves)
    workspace.write_table("copies", copies)
    tables: dict[str, list[pd.DataFrame]] = {}
    for schedule in cells["schedule"].unique():
        own = in_schedule(cells, schedule)
        found = grid(own, verdicts[verdicts["cell"].isin(own["cell"])])
        drawn = draws(found, inference)
        quiet = draws(without_facts(found, silent.loc[found.cells["cell"]].to_numpy()), inference)
        made = {
            "fits": fits(drawn, inference),
            "slopes_apart": slopes_apart(drawn, inference),
            "silence": silence(drawn, quiet, inference),
            "luck": pd.concat([inversions_by_luck(found, judge, inference).assign(judge=judge) for judge in found.passed]),
            "judges": judges(drawn, STRICT, LM_JUDGE, inference),
            "stringencies": judges(drawn, LENIENT, STRICT, inference),
            "control": control(drawn, inference),
            "signals": signals(drawn, inference),
            "scaling": scaling(drawn, inference),
            "inversions": pd.concat([inversions(found, judge).assign(judge=judge) for judge in found.passed]),
            "noise": pd.concat([seed_noise(found, judge).assign(judge=judge) for judge in found.passed]),
            "frontier": pd.concat([frontier(drawn, judge, inference).assign(judge=judge) for judge in found.passed]),
            "points": _points(drawn, inference),
            "prompts": prompts(drawn, inference),
            "single_seeds": single_seeds(found),
            "seeds_apart": seeds_apart(found, inference),
        }
        for name, frame in made.items():
            tables.setdefault(name, []).append(frame.assign(schedule=schedule))
        if "estimates" not in tables:  # the first schedule is the post's
            tables["estimates"] = [estimates(drawn, LM_JUDGE, STRICT, inference)]
    for name, frames in tables.items():
        workspace.write_table(name, pd.concat(frames, ignore_index=True))
    workspace.note(cells=len(cells), diverged=int(cells["diverged"].sum()))


def estimates(found: Draws, judge: str, other: str, inference: Inference) -> pd.DataFrame:
    """What the scoreboard takes: columns claim, estimate, low, high, level, n, n_unit; `judge` stands for the post's."""
    whole = line(found.signals["final_loss"], found.rates[judge])
    examples = found.configurations["examples"]
    regimes = [(examples == count).to_numpy() for count in sorted(examples.unique())]
    each = [line(found.signals["final_loss"][:, own], found.rates[judge][:, own])["r"] for own in regimes]
    sizes, data = (np.log2(found.configurations[name].to_numpy(float)) for name in ("parameters", "examples"))
    known = np.stack([np.ones_like(sizes), sizes, data], -1)
    gains = found.rates[judge] @ np.linalg.pinv(known).T  # [draws, 3]
    design = _design(CONTROLS["base + data"], found.configurations, found.signals)
    rest = lambda values: values - _predicted(design, values)
    claimed = {
        "loss-r": whole["r"],
        "loss-slope": 0.1 * whole["slope"],
        "loss-regimes": np.max(each, 0),
        "loss-judges": np.array([_spearman(*pair) for pair in zip(found.rates[judge], found.rates[other], strict=True)]),
        "loss-size": gains[:, 1],
        "loss-data": gains[:, 2],
        "loss-beyond": line(rest(found.signals["final_loss"]), rest(found.rates[judge]))["r"],
    }
    rows = []
    for claim, drawn in claimed.items():
        if np.isfinite(drawn[0]):
            interval = stats.correlation_interval if claim in CLAIMED_R else stats.percentile_interval
            ends = interval(drawn[0], drawn[1:], inference.level)[:3]
            rows.append({"claim": claim} | dict(zip(("estimate", "low", "high"), ends, strict=True)))
    return pd.DataFrame(rows).assign(level=inference.level, n=len(found.configurations), n_unit="configurations of one family")


def in_schedule(cells: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """The cells of a schedule; the middle number of examples belongs to both, as its steps are those of its epochs."""
    if schedule == "epochs":
        return cells[cells["schedule"] == "epochs"]
    own = cells[cells["schedule"] == schedule]
    middle = set(cells["examples"]) - set(own["examples"])
    return pd.concat([own, cells[(cells["schedule"] == "epochs") & cells["examples"].isin(middle)]], ignore_index=True)


def _cells(step) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, curves = [], []
    for role, parent in step.parents.items():
        if not role.startswith("cell/"):
            continue
        settings, run = parent.settings, step.parent(role)
        row = {
            "cell": role,
            "base": f"{run.facts['parameters'] / 1000:.0f} k",
            "width": settings.base.width,
            "examples": settings.examples,
            "seed": settings.seed,
            "schedule": settings.schedule,
        }
        keys = ("parameters", "non_embedding", "trainable", "steps", "diverged", "truncated", *LOSSES)
        proxy = np.nan if run.facts["diverged"] else run.table("proxies")[PROXY].iloc[0]
        rows.append(row | {key: run.facts.get(key, np.nan) for key in keys} | {PROXY: proxy})
        curves.append(run.table("losses").assign(cell=role))
    return pd.DataFrame(rows), pd.concat(curves, ignore_index=True)


def _silent(step, notes: Sequence[str]) -> pd.DataFrame:
    """[cells, notes] whether a note has no digit; rows and columns are named."""
    rows = {}
    for role in step.parents:
        if role.startswith("cell/") and not step.parent(role).facts["diverged"]:
            rows[role] = ~step.parent(role).table("notes").set_index("id")["note"].reindex(notes).str.contains("[0-9]")
    return pd.DataFrame(rows).T.astype(bool)


def _rates(verdicts: pd.DataFrame) -> pd.DataFrame:
    """cell and, per judge, the pass rate in percent; and the share that the LM judge left unscored, in percent."""
    by = verdicts.assign(value=verdicts["passed"].astype("Float64"), lost=verdicts["passed"].isna()).groupby(["cell", "judge"])
    wide = (100 * by["value"].mean()).unstack().astype(float)
    lost = (100 * by["lost"].mean()).unstack()[LM_JUDGE].rename("unscored")
    return wide.join(lost).reset_index()


def _copies(step) -> pd.DataFrame:
    made = []
    for role, parent in step.parents.items():
        if role.startswith("base/"):
            table, run = step.parent(role).table("copies"), step.parent(role)
            keys = {"width": parent.settings.model.width, "parameters": run.facts["parameters"]["all"]}
            made.append(table.groupby("field", sort=False)["right"].mean().reset_index().assign(**keys))
    return pd.concat(made, ignore_index=True).rename(columns={"right": "rate"})


def _points(found: Draws, inference: Inference) -> pd.DataFrame:
    """base, parameters, examples, judge, final_loss, rate with low and high: what the figures show."""
    made = []
    for judge, rates in found.rates.items():
        for place, row in enumerate(found.configurations.itertuples(index=False)):
            if not np.isfinite(rates[0, place]):
                continue
            told = stats.percentile_interval(rates[0, place], rates[1:, place], inference.level)
            loss = {name: values[0, place] for name, values in found.signals.items()}
            low, high = np.clip(told[1:3], 0, 100)  # seeds are drawn with more spread than they have, see `draws`
            ends = {"rate": told.estimate, "low": low, "high": high}
            made.append(row._asdict() | {"judge": judge} | loss | ends)
    return pd.DataFrame(made)
