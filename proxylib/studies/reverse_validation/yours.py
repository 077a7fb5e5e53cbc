"""A judge of your own: what its correlation with loss is worth with so few configurations, and how many labels say more."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.errors import UserError
from proxylib.judging import agreement
from proxylib.stats import Bootstrap, Interval
from proxylib.studies.reverse_validation.worth import NOTES, falls_with
from proxylib.text import line

LARGEST = 1e100  # of a number, whose square is still one
LEAST = 4  # configurations, below which a correlation has no interval
GRID, LABELS = ("configuration", "loss", "score"), ("verdict", "expert")
JUDGE, BASE = "judge", "base"  # columns that may be there
ONLY = "your judge"  # without a column that names it


def grid(path: Path) -> pd.DataFrame:
    """A table of configurations: a CSV file with the columns of `GRID`; several judges, or bases that share a pretraining, in
    columns `JUDGE` and `BASE`.

    Raises
    ------
    UserError
        One line with the file, and the row where there is one: not there, a column missing, a value that is no number, a
        configuration twice under one judge, too few of them.
    """
    table = _read(path, GRID).assign(**{name: lambda frame, name=name: _numbers(path, frame, name) for name in GRID[1:]})
    if BASE not in table:
        table[BASE] = table["configuration"]
    twice = table[table.duplicated([JUDGE, "configuration"])]
    if len(twice):
        raise UserError(
            f"{path}, row {twice.index[0] + 2}: configuration {line(twice['configuration'].iloc[0])} occurs twice; keep one"
        )
    for judge, part in table.groupby(JUDGE):
        if len(part) < LEAST:
            raise UserError(f"{path}: judge {line(judge)} has {len(part)} configurations, at least {LEAST} are needed")
    return table


def labels(path: Path, judges: Sequence[str]) -> pd.DataFrame:
    """Verdicts that an expert gave too: a CSV file with the columns of `LABELS` in the same words, and perhaps `JUDGE`."""
    table = _read(path, LABELS)
    for name in LABELS:
        table[name] = table[name].str.strip().str.casefold()
        empty = table[table[name] == ""]
        if len(empty):
            raise UserError(f"{path}, row {empty.index[0] + 2}: {name} is empty; leave out what nobody judged")
    said, expert = (set(table[name]) for name in LABELS)
    if not said & expert and len(said | expert) > 2:  # of two words alone each may have used one
        words = " and ".join(", ".join(sorted(map(line, some))[:3]) for some in (said, expert))
        raise UserError(f"{path}: verdict and expert share no word ({words}); say the same thing in the same words")
    strange = table[~table[JUDGE].isin(judges)]
    if len(strange):
        raise UserError(
            f"{path}, row {strange.index[0] + 2}: no configuration was scored by judge {line(strange[JUDGE].iloc[0])}"
        )
    return table


def said(
    table: pd.DataFrame, known: pd.DataFrame | None, judges: pd.DataFrame, errors: pd.DataFrame, bootstrap: Bootstrap
) -> pd.DataFrame:
    """What the correlation says of each judge, beside what it said of judges whose worth is known.

    Parameters
    ----------
    table : of `grid`
    known : of `labels`, None where nobody labelled anything
    judges : of the recorded run: falls, kappa
    errors : likewise: way, size, most

    Returns
    -------
    A row per judge: judge, n (configurations), r with low and high (its sign as it is: below zero where scores fall with
    loss), luck (what unrelated pairs stay within), alike (recorded judges whose correlation lies in the interval), least and
    most of their kappas, enough (labels at random that tell more than this span; nan where none of the sizes tried does),
    kappa with kappa_low and kappa_high, labelled

    Notes
    -----
    The recorded judges are ours, on a task of ours; how many of each kind there are was our choice. The span says what a
    correlation does not exclude, and no share of it is a probability.
    """
    rows = []
    for judge, part in table.groupby(JUDGE, sort=False):
        r = correlation(part, bootstrap.level)
        alike = judges[judges["falls"].between(-r.high, -r.low)][NOTES]
        span = (float(alike.min()), float(alike.max())) if len(alike) else (np.nan, np.nan)
        row = {JUDGE: judge, "n": len(part), "r": r.estimate, "low": r.low, "high": r.high}
        row |= {
            "luck": stats.critical_r(len(part) - 2, bootstrap.level),
            "alike": len(alike),
            "least": span[0],
            "most": span[1],
        }
        rows.append(row | {"enough": enough(errors, span)} | _labelled(known, judge, bootstrap))
    return pd.DataFrame(rows)


def correlation(part: pd.DataFrame, level: float) -> Interval:
    """Pearson's r of score and loss: Fisher's interval, or where bases have several configurations a jackknife over bases.

    Nothing where all scores, or all losses, are one number.
    """
    loss, score, bases = (part[name].to_numpy() for name in ("loss", "score", BASE))
    if np.ptp(loss) == 0 or np.ptp(score) == 0:
        return Interval(np.nan, np.nan, np.nan)
    # a line without scatter has a correlation that roundings carry beyond one
    of = lambda members: float(np.clip(-falls_with(loss[members].astype(float), score[members].astype(float)), -1, 1))
    r = of(np.ones(len(part), bool))
    if part[BASE].is_unique:
        return stats.fisher_interval(r, len(part), level)
    if part[BASE].nunique() < 3:
        return Interval(r, -1.0, 1.0)
    return stats.jackknife_interval(r, np.array([of(bases != base) for base in dict.fromkeys(bases)]), level, correlation=True)


def enough(errors: pd.DataFrame, span: tuple[float, float], way: str = "at random") -> float:
    """The fewest labels whose kappa is surer than a span of kappas; nan where none of those tried is."""
    surer = errors[(errors["way"] == way) & (2 * errors["most"] < span[1] - span[0])]
    return float(surer["size"].min())


def _labelled(known: pd.DataFrame | None, judge: str, bootstrap: Bootstrap) -> dict[str, float]:
    part = None if known is None else known[known[JUDGE] == judge]
    if part is None or len(part) < 2 or part["expert"].nunique() < 2:  # where all is alike, agreement is no merit
        return {"kappa": np.nan, "kappa_low": np.nan, "kappa_high": np.nan, "labelled": 0}
    notes = bootstrap.over(np.arange(len(part)))
    values = agreement.kappa(list(part["verdict"]), list(part["expert"]), notes.weights)
    interval = notes.drawn(values).interval("widened")
    return {"kappa": interval.estimate, "kappa_low": interval.low, "kappa_high": interval.high, "labelled": len(part)}


def _read(path: Path, wanted: Sequence[str]) -> pd.DataFrame:
    """All as text, `JUDGE` filled in where there is none."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # values beyond the heads would be dropped
            how = {
                "dtype": str,
                "keep_default_na": False,
                "encoding": "utf-8-sig",
                "skipinitialspace": True,
                "index_col": False,
            }
            table = pd.read_csv(path, **how).fillna("").rename(columns=lambda name: name.strip().lower())
    except pd.errors.ParserWarning:
        raise UserError(f"{path}: a row has more values than the heads have names") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no table of comma-separated values ({line(str(error))})") from None
    for name in wanted:
        if name not in table:
            raise UserError(f"{path}: no column {name}; it needs {', '.join(wanted)}")
    for name in (*wanted, JUDGE, BASE):
        if f"{name}.1" in table or list(table).count(name) > 1:  # as pandas calls the second
            raise UserError(f"{path}: column {name} occurs twice; keep one")
        if name in (JUDGE, BASE) and name in table and (table[name].str.strip() == "").any():
            row = int(np.flatnonzero(table[name].str.strip() == "")[0])
            raise UserError(f"{path}, row {row + 2}: {name} is empty; name it, or leave the column out")
    if table.empty:
        raise UserError(f"{path}: no row")
    return table if JUDGE in table else table.assign(**{JUDGE: ONLY})


def _numbers(path: Path, table: pd.DataFrame, column: str) -> pd.Series:
    values = pd.to_numeric(table[column], errors="coerce")
    bad = ~(values.abs() < LARGEST)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise UserError(f"{path}, row {row + 2}: {column} {line(table[column].iloc[row])!r} is no number")
    return values.astype(float)
