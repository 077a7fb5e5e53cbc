"""What few notes that are read again and again lack of many that are read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.data.domains import scribe
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.ceiling.ceilings import NEAR
from proxylib.studies.ceiling.pupils import Both, Class, gathered, interval
from proxylib.studies.ceiling.settings import FewNotesSettings

FREQUENT = 2  # numbers of notes, the largest of those that are read often, whose mean says what is learnt by heart

#: name of a teacher and number of different notes -> its students; the most notes are read once
Classes = Mapping[tuple[str, int], Class]


def build(step, workspace: Workspace) -> None:
    """Curves, losses and claims of students that read few notes often, beside those that read each once.

    Parameters
    ----------
    step : a declared `few_notes` step; its parents are all students, by name
    workspace : receives the tables curves, losses and estimates; each is described where it is made
    """
    settings: FewNotesSettings = step.settings
    config = next(iter(step.parents.values())).settings
    tests, most = scribe.examples(config.tests, config.test_seed, unseen=True), config.examples[-1]
    classes = {}
    for teacher, notes in product(settings.teachers, (*settings.notes, most)):
        kind, count = ("student", "") if notes == most else ("student_of_few", f"-{notes}")
        runs = {
            (width, seed): step.parent(f"{kind}/{teacher.name}-{width}{count}-seed{seed}")
            for width, seed in product(settings.widths, settings.seeds)
        }
        frames = {key: {table: run.table(table) for table in ("outcomes", "notes", "losses")} for key, run in runs.items()}
        classes[teacher.name, notes] = gathered(frames, teacher, tests)
    workspace.write_table("curves", curves(classes, most, settings.bootstrap))
    workspace.write_table("losses", losses(classes, settings.bootstrap.level))
    workspace.write_table("estimates", estimates(classes, settings.notes, most, settings.bootstrap))


def curves(classes: Classes, most: int, bootstrap: Bootstrap) -> pd.DataFrame:
    """Scores by different notes and by notes read.

    Returns
    -------
    teacher, errors, passes, notes (different ones), read (repeats included), what ("score": share of notes that pass whole;
    "gap": minus the teacher's; "minus once": minus that of the same students when they have read as many, each once), and the
    ends of `Both`
    """
    rows = []
    for (name, notes), one in classes.items():
        once = classes[name, most].passed
        for place, read in enumerate(one.examples):
            passed = one.passed[:, place]
            known = (name, one.teacher.errors, one.teacher.passes, notes, read)
            values = {"score": passed, "gap": one.gaps[:, place], "minus once": passed - once[:, place]}
            rows += [(*known, what, *interval(value, bootstrap)) for what, value in values.items()]
    return pd.DataFrame(rows, columns=["teacher", "errors", "passes", "notes", "read", "what", *Both._fields])


def losses(classes: Classes, level: float) -> pd.DataFrame:
    """Mean losses over students, nats a token of the notes: teacher, notes, read, on, estimate, low, high (Student's)."""
    rows = []
    for (name, notes), one in classes.items():
        for (read, on), part in one.losses.groupby(["examples", "on"]):
            rows.append((name, notes, read, on, *stats.mean_interval(part["nll"], level)))
    return pd.DataFrame(rows, columns=["teacher", "notes", "read", "on", "estimate", "low", "high"])


def estimates(classes: Classes, counts: Sequence[int], most: int, bootstrap: Bootstrap) -> pd.DataFrame:
    """Rows for the scoreboard and the page, in points, once as many notes are read as there are.

    Returns
    -------
    claim, the ends of `Both`, level, n, n_unit

    Notes
    -----
    "ours-ceiling-few": students of the expert that read a tenth of the notes ten times, minus those that read all once.
    "ours-ceiling-by-heart": what errors at random cost (students of such a teacher minus students of the expert), where few
    notes are read often minus where all are read once; mean over the largest numbers of notes.
    """
    end = {key: one.passed[:, -1] for key, one in classes.items()}
    rows = {"ours-ceiling-few": end["expert", tenth(counts, most)] - end["expert", most]}
    if wrong := [name for name, notes in classes if notes == most and classes[name, notes].teacher.errors == "facts"]:
        cost = lambda notes: np.mean([end[name, notes] - end["expert", notes] for name in wrong], axis=0)
        rows["ours-ceiling-by-heart"] = np.mean([cost(notes) for notes in counts[-FREQUENT:]], axis=0) - cost(most)
    table = pd.DataFrame(
        [(claim, *(100 * np.array(interval(values, bootstrap)))) for claim, values in rows.items()],
        columns=["claim", *Both._fields],
    )
    students = len(next(iter(classes.values())).students)
    return table.assign(level=bootstrap.level, n=students, n_unit="students of each teacher")


def tenth(counts: Sequence[int], most: int) -> int:
    """The number of notes that is nearest a tenth of the most."""
    return min(counts, key=lambda count: abs(np.log(10 * count / most)))


def enough(curves: pd.DataFrame) -> pd.DataFrame:
    """By teacher: the fewest different notes from which on students lack at most `NEAR` of its score once all is read.

    Returns
    -------
    teacher, seen (by the estimates), shown (by the lower ends of the intervals); nan where never
    """
    last = curves[(curves["what"] == "gap") & (curves["read"] == curves["read"].max())]
    rows = []
    for name, part in last.groupby("teacher", sort=False):
        part = part.sort_values("notes")
        least = (since(part["notes"], part[end] >= -NEAR) for end in ("estimate", "low"))
        rows.append((name, *least))
    return pd.DataFrame(rows, columns=["teacher", "seen", "shown"])


def since(numbers: pd.Series, holds: pd.Series) -> float:
    """The first of ascending numbers from which on something holds; nan where it does not hold at the last."""
    return float(numbers[holds[::-1].cummin()[::-1].astype(bool)].min())
