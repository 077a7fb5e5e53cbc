"""What students wrote, laid out for analysis: who passed which dialogue, and who taught what there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.data.domains.scribe import Example
from proxylib.stats import Bootstrap, Interval
from proxylib.studies.ceiling import teachers
from proxylib.studies.ceiling.settings import GREEDY, Teacher


class Both(NamedTuple):
    """An estimate with two intervals: over students and dialogues, and over dialogues with the students as they are."""

    estimate: float
    low: float
    high: float
    low_given: float
    high_given: float


class Class(NamedTuple):
    """All students of one teacher.

    Parameters
    ----------
    teacher : who they learnt from
    tests : dialogues, in the order in which they are counted
    students : width and seed of each
    examples : numbers of examples, fewest first
    passed : [students, examples, dialogues] whether the note that is taken for the likeliest passes whole
    taught : [students, dialogues] chance with which the teacher's own note passes there
    notes, outcomes, losses : tables of all students (see `student.build`), with width and seed
    """

    teacher: Teacher
    tests: list[Example]
    students: list[tuple[int, int]]
    examples: list[int]
    passed: np.ndarray
    taught: np.ndarray
    notes: pd.DataFrame
    outcomes: pd.DataFrame
    losses: pd.DataFrame

    @property
    def gaps(self) -> np.ndarray:
        """[students, examples, dialogues] the student's outcome minus the teacher's."""
        return self.passed - self.taught[:, None]


def gathered(tables: Mapping[tuple[int, int], Mapping[str, pd.DataFrame]], teacher: Teacher, tests: list[Example]) -> Class:
    """The students of one teacher.

    Parameters
    ----------
    tables : (width, seed) -> tables of a `student` run
    tests : whose order is that of dialogues in what is returned
    """
    ids = [test.id for test in tests]
    stacked = [
        pd.concat([one[name].assign(width=width, seed=seed) for (width, seed), one in tables.items()], ignore_index=True)
        for name in ("notes", "outcomes", "losses")
    ]
    passed = [whole(one["outcomes"], GREEDY)[ids].to_numpy(float) for one in tables.values()]
    taught = [chances(teacher, tests, seed) for _, seed in tables]
    counts = sorted(stacked[-1]["examples"].unique().tolist())
    return Class(teacher, tests, list(tables), counts, np.stack(passed), np.stack(taught), *stacked)


def whole(outcomes: pd.DataFrame, written: str) -> pd.DataFrame:
    """[examples, id] whether all five criteria pass."""
    rows = outcomes[outcomes["written"] == written]
    return rows.groupby(["examples", "id"])["passed"].all().unstack()


def chances(teacher: Teacher, tests: list[Example], seed: int) -> np.ndarray:
    """[dialogues] with which chance the teacher's note passes: 0 or 1 where it errs by habit, the same everywhere else."""
    if teacher.errors != "habit":
        return np.full(len(tests), teacher.passes)
    habit = teachers.habits(teacher, seed)
    return np.array([float((test.encounter.symptom, test.encounter.lay) not in habit) for test in tests])


def interval(values: np.ndarray, bootstrap: Bootstrap) -> Both:
    """Mean of values [students, dialogues], both of which were drawn.

    Notes
    -----
    Student's interval over the students' means, and the bootstrap's over dialogues, which all students share; the squares of
    their widths are added. What one student and one dialogue have to do with each other counts in both, so that the sum is on
    the safe side. Of one student there is no interval but that of the dialogues.
    """
    given = _over_dialogues(values.mean(0), bootstrap)
    if len(values) < 2:
        return Both(*given, *given[1:])
    wide = stats.mean_interval(values.mean(1), bootstrap.level)
    low, high = (
        given.estimate + sign * np.hypot(wide[end] - given[0], given[end] - given[0]) for sign, end in ((-1, 1), (1, 2))
    )
    return Both(given.estimate, float(low), float(high), *given[1:])


def _over_dialogues(values: np.ndarray, bootstrap: Bootstrap) -> Interval:
    resampling = bootstrap.over(np.arange(len(values)))
    return resampling.drawn(resampling.ratio(values, np.ones(len(values)))).interval()
