"""Does training loss predict what a judge says? Lines, scaling, frontier, and the stage that fits a profile's whole grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.judging.criteria import LENIENT, LM_JUDGE, PROMPTED, STRICT
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.loss.cell_draws import (
    LOSSES,
    PROXY,
    Draws,
    Grid,
    draws,
    frame_of,
    grid,
    groups_of,
    line,
    pass_rates,
    rows_of,
)
from proxylib.studies.loss.size_control import (
    CONTROLS,
    control,
    design_of,
    inversions,
    inversions_by_luck,
    predicted_by,
    seed_noise,
    seeds_apart,
    signals,
    silence,
    without_facts,
)

#: what is linear in the pass rate
SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"log-linear": np.log2, "saturating": lambda x: -1 / x}


def fits(found: Draws, bootstrap: Bootstrap, signal: str = "final_loss") -> pd.DataFrame:
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
        for group, members in groups_of(found.configurations):
            x, y = found.signals[signal][:, members], rates[:, members]
            values = line(x, y)
            values["R2"] = values["r"]
            values["slope"] = 0.1 * values["slope"]
            values["curvature"] = 0.01 * _quadratic(x, y)
            made += rows_of(values, bootstrap.level, judge=judge, group=group, n=int(members.sum()))
    return frame_of(made, "judge", "group", "n")


def slopes_apart(found: Draws, bootstrap: Bootstrap) -> pd.DataFrame:
    """Do the numbers of examples have different slopes? Paired differences, and one test of all of them.

    Returns
    -------
    judge, pair ("a minus b", numbers of examples), statistic "slope difference" (points per 0.1 nats), estimate, low, high,
    p (Wald test that all slopes are one, with the draws' covariance; the same in every row of a judge)
    """
    groups = [(name, members) for name, members in groups_of(found.configurations) if name != "all"]
    made = []
    for judge, rates in found.rates.items():
        slopes = {name: 0.1 * line(found.signals["final_loss"][:, own], rates[:, own])["slope"] for name, own in groups}
        if len(slopes) < 2 or not np.isfinite([drawn[0] for drawn in slopes.values()]).all():
            continue
        p = _wald(np.stack([drawn - slopes[groups[0][0]] for drawn in list(slopes.values())[1:]], -1))
        for a, b in combinations(slopes, 2):
            rows = {"slope difference": slopes[a] - slopes[b]}
            made += rows_of(rows, bootstrap.level, judge=judge, pair=f"{a} minus {b}", p=p)
    return frame_of(made, "judge", "pair", "p")


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


def judges(found: Draws, first: str, second: str, bootstrap: Bootstrap) -> pd.DataFrame:
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
    return frame_of(rows_of(values, bootstrap.level, n=a.shape[1]), "n")


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    a, b = np.round(a, 9), np.round(b, 9)  # equal rates that were summed in another order are ties
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.nan
    return float(stats.spearman_draws(a, b, np.ones((1, len(a))))[0])


def prompts(found: Draws, bootstrap: Bootstrap) -> pd.DataFrame:
    """R2 of the final training loss with the LM judge under each set of prompts.

    Returns
    -------
    prompts (of `pooled.PROMPTED`), statistic "R2" and "minus naive" (paired), estimate, low, high
    """
    r = {name: line(found.signals["final_loss"], found.rates[judge])["r"] for name, judge in PROMPTED.items()}
    made = []
    for name, drawn in r.items():
        both = {"R2": drawn} | ({} if name == "naive" else {"minus naive": drawn**2 - r["naive"] ** 2})
        made += rows_of(both, bootstrap.level, prompts=name)
    return frame_of(made, "prompts")


def scaling(found: Draws, bootstrap: Bootstrap) -> pd.DataFrame:
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
                    made += rows_of(values, bootstrap.level, **keys)
    return frame_of(made, "judge", "along", "group", "shape")


def frontier(found: Draws, judge: str, bootstrap: Bootstrap) -> pd.DataFrame:
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
        told = stats.percentile_interval(float(np.nanmean(lost)), lost, bootstrap.level)
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
    bootstrap: Bootstrap = step.settings.bootstrap
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
        drawn = draws(found, bootstrap)
        quiet = draws(without_facts(found, silent.loc[found.cells["cell"]].to_numpy()), bootstrap)
        made = {
            "fits": fits(drawn, bootstrap),
            "slopes_apart": slopes_apart(drawn, bootstrap),
            "silence": silence(drawn, quiet, bootstrap),
            "luck": pd.concat([inversions_by_luck(found, judge, bootstrap).assign(judge=judge) for judge in found.passed]),
            "judges": judges(drawn, STRICT, LM_JUDGE, bootstrap),
            "stringencies": judges(drawn, LENIENT, STRICT, bootstrap),
            "control": control(drawn, bootstrap),
            "signals": signals(drawn, bootstrap),
            "scaling": scaling(drawn, bootstrap),
            "inversions": pd.concat([inversions(found, judge).assign(judge=judge) for judge in found.passed]),
            "noise": pd.concat([seed_noise(found, judge).assign(judge=judge) for judge in found.passed]),
            "frontier": pd.concat([frontier(drawn, judge, bootstrap).assign(judge=judge) for judge in found.passed]),
            "points": _points(drawn, bootstrap),
            "prompts": prompts(drawn, bootstrap),
            "single_seeds": single_seeds(found),
            "seeds_apart": seeds_apart(found, bootstrap),
        }
        for name, frame in made.items():
            tables.setdefault(name, []).append(frame.assign(schedule=schedule))
        if "estimates" not in tables:  # the first schedule is the post's
            tables["estimates"] = [estimates(drawn, LM_JUDGE, STRICT, bootstrap)]
    for name, frames in tables.items():
        workspace.write_table(name, pd.concat(frames, ignore_index=True))
    workspace.note(cells=len(cells), diverged=int(cells["diverged"].sum()))


def estimates(found: Draws, judge: str, other: str, bootstrap: Bootstrap) -> pd.DataFrame:
    """What the scoreboard takes: columns claim, estimate, low, high, level, n, n_unit; `judge` stands for the post's."""
    whole = line(found.signals["final_loss"], found.rates[judge])
    examples = found.configurations["examples"]
    regimes = [(examples == count).to_numpy() for count in sorted(examples.unique())]
    each = [line(found.signals["final_loss"][:, own], found.rates[judge][:, own])["r"] for own in regimes]
    sizes, data = (np.log2(found.configurations[name].to_numpy(float)) for name in ("parameters", "examples"))
    known = np.stack([np.ones_like(sizes), sizes, data], -1)
    gains = found.rates[judge] @ np.linalg.pinv(known).T  # [draws, 3]
    design = design_of(CONTROLS["base + data"], found.configurations, found.signals)
    rest = lambda values: values - predicted_by(design, values)
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
            ends = interval(drawn[0], drawn[1:], bootstrap.level)[:3]
            rows.append({"claim": claim} | dict(zip(("estimate", "low", "high"), ends, strict=True)))
    return pd.DataFrame(rows).assign(level=bootstrap.level, n=len(found.configurations), n_unit="configurations of one family")


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
        keys = ("parameters", "non_embedding", "trainable", "steps", "diverged", "truncated", "cut", *LOSSES)
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


def _points(found: Draws, bootstrap: Bootstrap) -> pd.DataFrame:
    """base, parameters, examples, judge, final_loss, rate with low and high: what the figures show."""
    made = []
    for judge, rates in found.rates.items():
        for place, row in enumerate(found.configurations.itertuples(index=False)):
            if not np.isfinite(rates[0, place]):
                continue
            told = stats.percentile_interval(rates[0, place], rates[1:, place], bootstrap.level)
            loss = {name: values[0, place] for name, values in found.signals.items()}
            low, high = np.clip(told[1:3], 0, 100)  # seeds are drawn with more spread than they have, see `draws`
            ends = {"rate": told.estimate, "low": low, "high": high}
            made.append(row._asdict() | {"judge": judge} | loss | ends)
    return pd.DataFrame(made)
