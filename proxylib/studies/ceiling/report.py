"""Frames of the page on the ceiling."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.report import tables, words
from proxylib.stats import Interval, mean_interval
from proxylib.studies.ceiling import few
from proxylib.studies.ceiling.ceilings import NEAR
from proxylib.studies.ceiling.settings import EXPERT, TEACHER, TRAINED

#: kind of errors -> how a teacher with them is called
ERRORS = {"facts": "any fact, at random", "conclusions": "conclusions, at random", "habit": "conclusions, by habit"}
LOSSES = {TRAINED: "final training loss", TEACHER: "loss on the teacher's notes", EXPERT: "loss on the expert's notes"}


def called(errors: str, passes: float) -> str:
    """A teacher in words: `passes 60 %`, within its kind."""
    return "expert" if errors == "none" else f"teacher passes {words.percent(passes)} %"


def kind_rows(curves: pd.DataFrame, errors: str, what: str = "score") -> pd.DataFrame:
    """Curves of the students of one kind of teacher, and of the expert: teacher, examples, estimate, low, high in percent."""
    rows = curves[(curves["what"] == what) & curves["errors"].isin([errors, "none"])].sort_values(["passes", "examples"])
    names = [called(*pair) for pair in zip(rows["errors"], rows["passes"], strict=True)]
    return rows.assign(teacher=names, **(100 * rows[tables.ENDS].clip(*((0, 1) if what == "score" else (-1, 1)))))


def last(curves: pd.DataFrame) -> int:
    """The most examples."""
    return int(curves["examples"].max())


def gap_table(curves: pd.DataFrame, asymptotes: pd.DataFrame, teachers: pd.DataFrame) -> pd.DataFrame:
    """By teacher: its own score, its students' at the most examples, both differences in points, and where the curves end."""
    at_end = tables.rows(curves, examples=last(curves))
    rows = []
    for one in teachers.itertuples():
        gap, control = (tables.interval(at_end, teacher=one.teacher, what=what) for what in ("gap", "control"))
        end = tables.interval(asymptotes, teacher=one.teacher, what="end minus teacher")
        rows.append(
            {
                "errors": ERRORS.get(one.errors, "none"),
                "teacher passes, %": words.percent(one.whole),
                "criteria, %": words.percent(one.mean),
                "student minus teacher": words.with_interval(gap, 100),
                "minus student of the expert": words.MISSING if one.errors == "none" else words.with_interval(control, 100),
                "end of the curve minus teacher": words.with_interval(end, 100),
            }
        )
    return pd.DataFrame(rows)


def criteria_table(criteria: pd.DataFrame) -> pd.DataFrame:
    """By teacher: how often each criterion passes in its students' notes, and in its own (percent)."""
    rows = []
    for (errors, passes), part in criteria.groupby(["errors", "passes"], sort=False):
        part = part.assign(**part[tables.ENDS].clip(0, 1))
        shown = {
            one.criterion.replace("_", " "): f"{words.whole_percent((one.estimate, one.low, one.high))} of {one.taught:.0%}"
            for one in part.itertuples()
        }
        rows.append({"errors": ERRORS.get(errors, "none"), "teacher passes, %": words.percent(passes)} | shown)
    return pd.DataFrame(rows)


def reached(curves: pd.DataFrame) -> pd.DataFrame:
    """By teacher: the fewest examples from which on students lack at most `NEAR` of the teacher's score, as seen and as shown.

    Returns
    -------
    errors, teacher passes, seen (by the estimates), shown (by the lower ends of the intervals); a dash where never
    """
    rows = []
    gaps = tables.rows(curves, what="gap")
    for (errors, passes), part in gaps.groupby(["errors", "passes"], sort=False):
        part = part.sort_values("examples")
        known = {"errors": ERRORS.get(errors, "none"), "teacher passes, %": words.percent(passes)}
        seen, shown = (_number(few.since(part["examples"], part[end] >= -NEAR)) for end in ("estimate", "low"))
        rows.append(known | {"seen": seen, "shown": shown})
    return pd.DataFrame(rows)


def _number(value: float) -> str:
    return words.MISSING if np.isnan(value) else f"{value:,.0f}"


def copy_rows(copies: pd.DataFrame) -> pd.DataFrame:
    """How often students conclude as a habit does, where it errs and elsewhere: teacher, what and ends in percent."""
    rows = tables.rows(copies, examples=int(copies["examples"].max()))
    rows = tables.labelled(rows, "what", {"where taught": "where the teacher errs", "elsewhere": "elsewhere"})
    return rows.assign(**100 * rows[tables.ENDS].clip(0, 1))  # Student's interval knows no end of shares


def cell_rows(cells: pd.DataFrame, teachers: pd.DataFrame) -> pd.DataFrame:
    """Every student at every number of examples: errors, a column per loss, rate, low, high in percent (no interval)."""
    kinds = {one.teacher: ERRORS.get(one.errors, "none") for one in teachers.itertuples()}
    rate = 100 * cells["score"]
    rows = cells.assign(errors=cells["teacher"].map(kinds), rate=rate, low=rate, high=rate)
    return tables.labelled(rows, "errors", {name: name for name in ("none", *ERRORS.values())})


def signal_table(signals: pd.DataFrame) -> pd.DataFrame:
    """By loss: how well it orders students, over all numbers of examples and at the most."""
    counts = signals["examples"].fillna(0.0)
    rows = signals.assign(over=np.where(counts == 0, "all students", "most examples"))
    rows = tables.labelled(rows, "on", LOSSES).rename(columns={"on": "loss"})
    heads = {"over": {name: name for name in ("all students", "most examples")}}
    return tables.wide(rows, ["loss"], heads | {"what": {"strength": "correlation", "minus expert": "minus the expert's"}})


def gap(curves: pd.DataFrame, errors: str) -> Interval:
    """Student minus teacher at the most examples, of the poorest teacher with errors of a kind ("none": the expert)."""
    rows = tables.rows(curves, examples=last(curves), errors=errors, what="gap").sort_values("passes")
    return Interval(*rows.iloc[0][tables.ENDS])


def minus_expert(cells: pd.DataFrame, teachers: pd.DataFrame, errors: str, level: float) -> Interval:
    """Student minus teacher at the most examples, of teachers with errors of a kind minus that of the expert, by student.

    Notes
    -----
    Student's t over students, which are few; the test dialogues are the same for all, and held fixed.
    """
    kinds = teachers.set_index("teacher")["errors"]
    at = tables.rows(cells, examples=int(cells["examples"].max()))
    gaps = at.assign(errors=at["teacher"].map(kinds)).groupby(["width", "seed", "errors"])["gap"].mean().unstack()
    return mean_interval(gaps[errors] - gaps["none"], level)


def crowded(curves: pd.DataFrame) -> Interval:
    """Student minus teacher at the most examples where errors at random all fall on one decision; nan without such teachers."""
    return tables.interval(curves, examples=last(curves), errors="conclusions", what="gap")


def by_notes(curves: pd.DataFrame) -> pd.DataFrame:
    """Scores of students once all is read, by different notes: teacher, notes, estimate, low, high in percent."""
    rows = tables.rows(curves, read=int(curves["read"].max()), what="score").sort_values(["passes", "notes"])
    names = [
        f"{called(one.errors, one.passes)}{'' if one.errors == 'none' else ', errors: ' + ERRORS[one.errors]}"
        for one in rows.itertuples()
    ]
    return rows.assign(teacher=names, **(100 * rows[tables.ENDS].clip(0, 1)))


def expert_rate(curves: pd.DataFrame, notes: int) -> float:
    """Percent of the notes that students of the expert pass with so many different notes, once all is read."""
    at_end = tables.rows(curves, teacher="expert", read=int(curves["read"].max()))
    return 100 * tables.interval(at_end, notes=notes, what="score").estimate


class Counts(NamedTuple):
    """The number of notes that is nearest a tenth of the most, and how often each of them is read."""

    tenth: int
    times: float


def counts(curves: pd.DataFrame) -> Counts:
    """Which students stand for few notes read often."""
    most = int(curves["notes"].max())
    tenth = few.tenth(curves["notes"].unique().tolist(), most)
    return Counts(tenth, most / tenth)


def enough_table(curves: pd.DataFrame) -> pd.DataFrame:
    """By teacher: the fewest different notes that are enough, as seen and as shown; a dash where none are."""
    teachers = curves.drop_duplicates("teacher").set_index("teacher")
    rows = [
        {
            "errors": ERRORS.get(teachers.loc[one.teacher, "errors"], "none"),
            "teacher passes, %": words.percent(teachers.loc[one.teacher, "passes"]),
            "seen": _number(one.seen),
            "shown": _number(one.shown),
        }
        for one in few.enough(curves).itertuples()
    ]
    return pd.DataFrame(rows)


def repeat_table(curves: pd.DataFrame, losses: pd.DataFrame) -> pd.DataFrame:
    """By teacher and different notes, once all is read: passes, minus those read once, and three losses."""
    read = int(curves["read"].max())
    rows = []
    for (name, notes), part in tables.rows(curves, read=read).groupby(["teacher", "notes"], sort=False):
        score, minus = (tables.interval(part, what=what) for what in ("score", "minus once"))
        score = Interval(*np.clip(score, 0, 1))  # Student's interval knows no end of shares
        at = tables.rows(losses, teacher=name, notes=notes, read=read).set_index("on")["estimate"]
        shown = {"teacher": name, "different notes": f"{notes:,}", "passes, %": words.with_interval(score, 100)}
        shown["minus read once"] = words.MISSING if notes == curves["notes"].max() else words.with_interval(minus, 100)
        rows.append(shown | {said: f"{at[on]:.2f}" for on, said in LOSSES.items()})
    return pd.DataFrame(rows)


def estimate(estimates: pd.DataFrame, claim: str) -> Interval:
    """One row of the estimates, points."""
    return tables.interval(estimates, claim=claim)
