"""How wrong a line is about a base that it has not seen: in loss, in a token statistic, in the best of eighty."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.measure import proxies
from proxylib.studies.proxies_or_loss.grid import NAMED, Grid
from proxylib.studies.proxies_or_loss.strengths import AGAINST, pearson

NOTHING, BEFORE, BEST = "nothing", "size + data", "best of eighty"
BOTH = f"{BEFORE} + "
#: what an error is set against -> how the difference is called
REFERENCES = AGAINST | {NOTHING: "minus nothing", BEFORE: "minus size + data"}


def errors(grid: Grid, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Errors on bases left out, and which of the eighty was chosen without each.

    Returns
    -------
    errors : score, known (`NOTHING`: the mean of the other bases; a signal; `BEST`; `BEFORE`: log size and log examples; both
        of these and a signal), statistic ("error": root mean square over a base's configurations, mean over bases, in points,
        and minus that of each of `REFERENCES`), estimate, low, high (Student's t over bases)
    chosen : score, base (left out), signal

    Notes
    -----
    The best of eighty is sought, sign and all, on the bases that the line is fitted to: it may be the best there by luck, and
    the error on the base left out shows it. Folds share bases, so that intervals over five of them are a guide.
    """
    rows, chosen = [], []
    for score in grid.scores:
        by_base, picks = _by_base(grid, score)
        chosen += [{"score": score, "base": base, "signal": signal} for base, signal in picks.items()]
        for name, values in by_base.items():
            differences = {"error": values}
            differences |= {f"error {said}": values - by_base[other] for other, said in REFERENCES.items() if other != name}
            for statistic, points in differences.items():
                if np.isfinite(points).all():
                    interval = stats.mean_interval(points, level)
                    rows.append({"score": score, "known": name, "statistic": statistic} | interval._asdict())
    columns = ["score", "known", "statistic", "estimate", "low", "high"]
    return pd.DataFrame(rows, columns=columns), pd.DataFrame(chosen, columns=["score", "base", "signal"])


def best(grid: Grid, score: str) -> str | None:
    """Of the eighty the one that goes with a score most strongly in either direction; None where none varies."""
    eighty, y = grid.signals[list(proxies.NAMES)].to_numpy(float), grid.scores[[score]].to_numpy(float)
    sizes = np.abs(pearson(eighty, y)[:, 0])
    return proxies.NAMES[int(np.nanargmax(sizes))] if np.isfinite(sizes).any() else None


def _by_base(grid: Grid, score: str) -> tuple[dict[str, np.ndarray], dict[str, str | None]]:
    """What is known -> [bases] root mean square error on each, as forecast from all others; base -> best of the others."""
    size, data = (np.log(grid.place[name].to_numpy(float)) for name in ("parameters", "examples"))
    nothing, before = np.empty((len(size), 0)), np.column_stack([size, data])
    column = lambda name: grid.signals[[name]].to_numpy(float)
    fixed = {NOTHING: nothing, BEFORE: before} | {name: column(name) for name in NAMED}
    fixed |= {BOTH + name: np.hstack([before, column(name)]) for name in NAMED}
    table: dict[str, list[float]] = {name: [] for name in (*fixed, BEST, BOTH + BEST)}
    y = grid.scores[score].to_numpy(float)
    picks = {}
    for base, rest in zip(grid.place["base"].unique(), grid.without_bases(), strict=True):
        picks[base] = name = best(grid.only(rest), score)
        sought = nothing if name is None else column(name)
        for known, columns in (fixed | {BEST: sought, BOTH + BEST: np.hstack([before, sought])}).items():
            table[known].append(_error(columns, y, rest))
    return {known: np.array(values) for known, values in table.items()}, picks


def _error(columns: np.ndarray, y: np.ndarray, rest: np.ndarray) -> float:
    """Root mean square error of a plane through `rest` on all others; nan where these do not determine it.

    statsmodels takes a millisecond for a fit, of which there are two thousand (the oracle of the test here).
    """
    design = np.column_stack([np.ones(len(y)), columns])
    if not np.isfinite(design).all() or np.linalg.matrix_rank(design[rest]) < design.shape[1]:
        return np.nan
    coefficients = np.linalg.lstsq(design[rest], y[rest])[0]
    out = np.setdiff1d(np.arange(len(y)), rest)
    return float(np.sqrt(np.mean((design[out] @ coefficients - y[out]) ** 2)))
