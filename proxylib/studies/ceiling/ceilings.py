"""Where students' curves end: above, at or below their teachers, and what loss says of it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.data.domains import scribe
from proxylib.judging import rubric
from proxylib.laws import batches
from proxylib.report import tables
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.ceiling import teachers
from proxylib.studies.ceiling.pupils import Both, Class, gathered, interval, whole
from proxylib.studies.ceiling.settings import EXPERT, GREEDY, SAMPLED, TEACHER, TRAINED, CeilingsSettings

DRAWS = 5  # times that a teacher whose errors are random writes every note, to be graded itself
NEAR = 0.05  # share of the dialogues: a student that lacks no more has reached its teacher
POSTS = 0.85  # share of its notes that the post's teacher passes
ENDLESS = 12.0  # log10 of so many examples that a curve has ended
SIGNALS = (TRAINED, TEACHER, EXPERT)


def build(step, workspace: Workspace) -> None:
    """Curves, gaps, asymptotes, contrasts, copies and what losses tell.

    Parameters
    ----------
    step : a declared `ceilings` step; its parents are the students, by name
    workspace : receives the tables teachers, curves, criteria, asymptotes, copies, cells, signals and estimates; each is
        described where it is made
    """
    settings: CeilingsSettings = step.settings
    config = next(iter(step.parents.values())).settings
    tests = scribe.examples(config.tests, config.test_seed, unseen=True)
    classes = {}
    for teacher in settings.teachers:
        runs = {
            (width, seed): step.parent(f"student/{teacher.name}-{width}-seed{seed}")
            for width, seed in product(settings.widths, settings.seeds)
        }
        frames = {key: {table: run.table(table) for table in ("outcomes", "notes", "losses")} for key, run in runs.items()}
        classes[teacher.name] = gathered(frames, teacher, tests)
    bootstrap = settings.bootstrap
    cells = losses_and_scores(classes)
    workspace.write_table("teachers", teachers_graded(classes))
    workspace.write_table("curves", curves(classes, bootstrap))
    workspace.write_table("criteria", by_criterion(classes, bootstrap))
    workspace.write_table("asymptotes", asymptotes(classes, bootstrap))
    workspace.write_table("copies", copies(classes, bootstrap))
    workspace.write_table("cells", cells)
    workspace.write_table("signals", signals(cells, bootstrap.level))
    workspace.write_table("estimates", estimates(classes, signals(cells, bootstrap.level), bootstrap))


def teachers_graded(classes: dict[str, Class]) -> pd.DataFrame:
    """What the strict rubric says of the teachers' own notes on the test dialogues.

    Returns
    -------
    teacher, errors, passes (as it was made), whole (share of its notes that pass all criteria), mean (over the criteria), n
    """
    rows = []
    for name, one in classes.items():
        graded = _own_notes(one)
        by_note = graded.groupby(["seed", "draw", "id"])["passed"].all()
        rows.append((name, one.teacher.errors, one.teacher.passes, by_note.mean(), graded["passed"].mean(), len(by_note)))
    return pd.DataFrame(rows, columns=["teacher", "errors", "passes", "whole", "mean", "n"])


def _own_notes(one: Class) -> pd.DataFrame:
    """id, criterion, passed of the teacher's notes on the tests, with seed and draw: several draws where errors are random."""
    random = one.teacher.errors in ("facts", "conclusions")
    parts = []
    for seed, draw in product(sorted({seed for _, seed in one.students}), range(DRAWS if random else 1)):
        exact = rubric.judge(one.tests, teachers.notes(one.teacher, one.tests, seed, draw))
        parts.append(exact[exact["stringency"] == "strict"].assign(seed=seed, draw=draw))
    return pd.concat(parts, ignore_index=True)


def curves(classes: dict[str, Class], bootstrap: Bootstrap) -> pd.DataFrame:
    """teacher, errors, passes, examples, what ("score": share of notes that pass whole; "gap": minus the teacher's; "control":
    minus that of students of the expert), and the ends of `Both`.
    """
    expert = next(one for one in classes.values() if one.teacher.errors == "none")
    rows = []
    for name, one in classes.items():
        for place, count in enumerate(one.examples):
            values = {"score": one.passed[:, place], "gap": one.gaps[:, place]}
            values["control"] = one.passed[:, place] - expert.passed[:, place]
            known = (name, one.teacher.errors, one.teacher.passes, count)
            rows += [(*known, what, *interval(value, bootstrap)) for what, value in values.items()]
    return pd.DataFrame(rows, columns=["teacher", "errors", "passes", "examples", "what", *Both._fields])


def by_criterion(classes: dict[str, Class], bootstrap: Bootstrap) -> pd.DataFrame:
    """How often each criterion passes at the most examples.

    Returns
    -------
    teacher, errors, passes, criterion, taught (share of the teacher's own notes), and the ends of `Both` of its students'
    """
    rows = []
    for name, one in classes.items():
        taught = _own_notes(one).groupby("criterion")["passed"].mean()
        last = tables.rows(one.outcomes, examples=one.examples[-1], written=GREEDY)
        for criterion, part in last.groupby("criterion", sort=False):
            wide = part.pivot(index=["width", "seed"], columns="id", values="passed").loc[one.students]
            known = (name, one.teacher.errors, one.teacher.passes, criterion, taught[criterion])
            rows.append((*known, *interval(wide.to_numpy(float), bootstrap)))
    return pd.DataFrame(rows, columns=["teacher", "errors", "passes", "criterion", "taught", *Both._fields])


def asymptotes(classes: dict[str, Class], bootstrap: Bootstrap) -> pd.DataFrame:
    """Where a sigmoid in log examples, fitted to each student's curve, ends: the mean over students, and minus the teacher.

    Returns
    -------
    teacher, what ("end", "end minus teacher"), and the ends of `Both`

    Notes
    -----
    The lower interval of `Both` refits the curves of redrawn dialogues; Student's over students joins it as in
    `pupils.interval`. A curve that still rises has its end guessed, and the width of the interval shows it only in part.
    """
    rows = []
    for name, one in classes.items():
        drawn = bootstrap.over(np.arange(one.passed.shape[2]))
        share = drawn.weights / drawn.weights.sum(1, keepdims=True)
        ends = np.stack([end_of(one.examples, share @ student.T) for student in one.passed])  # [students, 1 + draws]
        taught = one.taught @ share.T
        for what, values in (("end", ends), ("end minus teacher", ends - taught)):
            rows.append((name, what, *_joined(values, bootstrap.level)))
    return pd.DataFrame(rows, columns=["teacher", "what", *Both._fields])


def end_of(examples: list[int], scores: np.ndarray) -> np.ndarray:
    """Ends of curves [curves, examples]; one that never changes ends where it is."""
    x = np.broadcast_to(np.log10(examples), scores.shape)
    ends = batches.sigmoids(x, scores, np.full(len(scores), ENDLESS))
    return np.where(np.isfinite(ends), ends, scores[:, -1])


def _joined(values: np.ndarray, level: float) -> Both:
    """Students' spread and draws' spread of a mean over students, from values [students, 1 + draws], as `pupils.interval`."""
    mean = values.mean(0)
    given = stats.Drawn(mean[0], mean[1:], level).interval("widened")
    if len(values) < 2:
        return Both(*given, *given[1:])
    wide = stats.mean_interval(values[:, 0], level)
    reach = [float(np.hypot(wide[end] - mean[0], given[end] - mean[0])) for end in (1, 2)]
    return Both(given.estimate, given.estimate - reach[0], given.estimate + reach[1], *given[1:])


def copies(classes: dict[str, Class], bootstrap: Bootstrap) -> pd.DataFrame:
    """How often students draw the wrong conclusion that teachers draw.

    Returns
    -------
    teacher, examples, what ("where taught": on dialogues on which the teacher's habit errs; "elsewhere": on all others, or on
        all where there is no habit; "failures": share of the students' failed notes that are the wrong note of such a
        teacher, word for word), and the ends of `Both`; nothing where there is no such dialogue or note
    """
    rows = []
    for name, one in classes.items():
        for place, count in enumerate(one.examples):
            concluded, copied = repeated(one, place)
            habitual, failed = one.taught == 0, one.passed[:, place] == 0
            parts = {"where taught": (concluded, habitual), "elsewhere": (concluded, ~habitual), "failures": (copied, failed)}
            for what, (values, of) in parts.items():
                if of.any(1).all():
                    rows.append((name, count, what, *shares(values * of, of, bootstrap)))
    return pd.DataFrame(rows, columns=["teacher", "examples", "what", *Both._fields])


def repeated(one: Class, place: int) -> tuple[np.ndarray, np.ndarray]:
    """[students, dialogues] whether a student of the so-manieth number of examples concludes wrongly as a teacher would; and
    whether it writes nothing else than that teacher's note.
    """
    notes = tables.rows(one.notes, examples=one.examples[place], written=GREEDY)
    ids = [test.id for test in one.tests]
    wide = notes.pivot(index=["width", "seed"], columns="id", values="note").loc[one.students, ids].to_numpy()
    wrong = [teachers.wrongly_concluded(test) for test in one.tests]
    said = lambda note: rubric.sections(note, scribe.SECTIONS).get("A", "")
    pairs = [
        [(said(note) == said(error), note.strip() == error.strip()) for note, error in zip(row, wrong, strict=True)]
        for row in wide
    ]
    concluded, copied = np.moveaxis(np.array(pairs, float), 2, 0)
    return concluded, copied


def shares(part: np.ndarray, whole: np.ndarray, bootstrap: Bootstrap) -> Both:
    """Mean over students of the share that `part` is of `whole`, both counts [students, dialogues]."""
    drawn = bootstrap.over(np.arange(part.shape[1]))
    each = np.stack([drawn.ratio(some, all_.astype(float)) for some, all_ in zip(part, whole, strict=True)])
    return _joined(np.where(np.isfinite(each), each, each[:, :1]), bootstrap.level)


def losses_and_scores(classes: dict[str, Class]) -> pd.DataFrame:
    """teacher, width, seed, examples, a column per loss of `SIGNALS`, score (share of notes that pass whole), gap."""
    parts = []
    for name, one in classes.items():
        wide = one.losses.pivot(index=["width", "seed", "examples"], columns="on", values="nll")
        index = pd.MultiIndex.from_tuples([(*student, count) for student in one.students for count in one.examples])
        wide = wide.loc[index, list(SIGNALS)].rename_axis(["width", "seed", "examples"]).reset_index()
        scores = {"score": one.passed.mean(2).ravel(), "gap": one.gaps.mean(2).ravel()}
        parts.append(wide.assign(teacher=name, **scores))
    return pd.concat(parts, ignore_index=True).rename_axis(columns=None)


def signals(cells: pd.DataFrame, level: float) -> pd.DataFrame:
    """How well each loss orders students of all teachers by their score.

    Returns
    -------
    examples (None: of all numbers; else of that number alone), on, what ("strength": Spearman correlation with its sign
        turned; "minus expert": that minus the strength of the loss on the expert's notes), estimate, low, high (jackknife over
        teachers), n
    """
    rows = []
    for count in (None, int(cells["examples"].max())):
        part = cells if count is None else cells[cells["examples"] == count]
        names = part["teacher"].unique()
        without = [part[part["teacher"] != name] for name in names]
        for on in SIGNALS:
            strength, left = _strength(part, on), np.array([_strength(rest, on) for rest in without])
            rows.append((count, on, "strength", *stats.jackknife_interval(strength, left, level, correlation=True), len(part)))
            minus = left - np.array([_strength(rest, EXPERT) for rest in without])
            difference = stats.jackknife_interval(strength - _strength(part, EXPERT), minus, level)
            rows.append((count, on, "minus expert", *difference, len(part)))
    return pd.DataFrame(rows, columns=["examples", "on", "what", "estimate", "low", "high", "n"]).astype({"examples": float})


def _strength(part: pd.DataFrame, on: str) -> float:
    weights = np.ones((1, len(part)))
    return float(-stats.spearman_draws(part[on].to_numpy(), part["score"].to_numpy(), weights)[0])


def estimates(classes: dict[str, Class], told: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Rows for the scoreboard and the page, in points and of the most examples; no row where a kind of teacher is missing.

    Parameters
    ----------
    told : see `signals`; the one row that is a difference of correlations, over students of all numbers of examples

    Returns
    -------
    claim, the ends of `Both`, level, n, n_unit
    """
    by_kind = {
        errors: {one.teacher.passes: one for one in classes.values() if one.teacher.errors == errors}
        for errors in ("facts", "conclusions", "habit")
    }
    gaps = {errors: {share: one.gaps[:, -1] for share, one in part.items()} for errors, part in by_kind.items()}
    facts, conclusions, habit = (gaps[errors] for errors in ("facts", "conclusions", "habit"))
    at_random = [*by_kind["facts"].values(), *by_kind["conclusions"].values()]
    parts = {
        "loss-ceiling": [part[POSTS] for part in (facts, habit) if POSTS in part],
        "ours-ceiling-random": list(facts.values()),
        "habit": list(habit.values()),
        "ours-ceiling-habit": [facts[share] - habit[share] for share in facts if share in habit],
        "ours-ceiling-matched": [conclusions[share] - habit[share] for share in conclusions if share in habit],
        "sampled minus teacher": [sampled(one) - one.taught for one in at_random],
        "sampled minus greedy": [sampled(one) - one.passed[:, -1] for one in at_random],
    }
    rows = {claim: interval(np.mean(values, axis=0), bootstrap) for claim, values in parts.items() if values}
    if habitual := list(by_kind["habit"].values()):
        errs = [one.taught == 0 for one in habitual]
        copied = sum(repeated(one, -1)[0] * there for one, there in zip(habitual, errs, strict=True))
        rows["ours-ceiling-copied"] = shares(copied, sum(map(np.int64, errs)), bootstrap)
    table = pd.DataFrame([(claim, *(100 * np.array(row))) for claim, row in rows.items()], columns=["claim", *Both._fields])
    table = table.assign(n=len(next(iter(classes.values())).students), n_unit="students of each teacher")
    told = tables.rows(told[told["examples"].isna()], on=TEACHER, what="minus expert")
    given = {"claim": "ours-ceiling-loss", "low_given": told["low"], "high_given": told["high"], "n": len(classes)}
    told = told[tables.ENDS].assign(**given, n_unit="teachers")
    return pd.concat([table, told], ignore_index=True).assign(level=bootstrap.level)


def sampled(one: Class) -> np.ndarray:
    """[students, dialogues] whether a sampled note of the student of the most examples passes whole."""
    ids = [test.id for test in one.tests]
    by_student = one.outcomes.groupby(["width", "seed"], sort=False)
    rows = {student: whole(rows, SAMPLED)[ids].to_numpy(float)[-1] for student, rows in by_student}
    return np.stack([rows[student] for student in one.students])
