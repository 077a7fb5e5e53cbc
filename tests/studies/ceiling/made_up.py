"""Students whose notes are written by rules that are known: they have learnt so much of a teacher, and so much else."""

import random
from functools import lru_cache

import pandas as pd

from proxylib.data.domains import scribe
from proxylib.judging import grading, rubric
from proxylib.studies.ceiling import teachers
from proxylib.studies.ceiling.pupils import gathered
from proxylib.studies.ceiling.settings import EXPERT, GREEDY, SAMPLED, TEACHER, TRAINED, Teacher

TESTS = scribe.examples(60, 20, unseen=True)
STUDENTS = [(40, 2), (48, 2), (64, 2)]
EXAMPLES = (100, 1000, 10000)
LEARNT = (0.0, 0.5, 1.0)  # chance that a dialogue is written as wanted, by number of examples; else the note is silent
EXPERT_TEACHER = Teacher(errors="none", passes=1.0)


def teacher(errors, passes=0.6):
    return Teacher(errors=errors, passes=passes)


def student(one, width, seed, copied=1.0, learnt=LEARNT):
    """Tables of a student; of a teacher's wrong notes it copies a share where it has learnt something.

    Sampled notes are the teacher's own of another draw.
    """
    rng = random.Random(f"{one} {width}")
    habit = teachers.habits(one, seed)
    outcomes, notes, losses = [], [], []

    def write(count, written, texts):
        exact = rubric.judge(TESTS, texts)
        strict = exact[exact["stringency"] == "strict"].drop(columns="stringency")
        graded = strict.merge(grading.graded(TESTS, texts), on=["id", "criterion"])
        outcomes.append(graded.assign(examples=count, written=written))
        rows = pd.DataFrame({"id": [test.id for test in TESTS], "note": texts, "finished": True})
        notes.append(rows.assign(examples=count, written=written))

    for count, chance in zip(EXAMPLES, learnt, strict=True):
        texts = []
        for test in TESTS:
            wrong = (test.encounter.symptom, test.encounter.lay) in habit and rng.random() < copied
            note = teachers.wrongly_concluded(test) if wrong else test.note
            texts.append(note if rng.random() < chance else "")
        write(count, GREEDY, texts)
        own = 2.0 - chance + width / 1000
        losses += [(count, on, own + (0.3 * (1 - one.passes) if on == TEACHER else 0)) for on in (TRAINED, TEACHER, EXPERT)]
    write(EXAMPLES[-1], SAMPLED, teachers.notes(one, TESTS, seed, draw=width))
    return {
        "outcomes": pd.concat(outcomes, ignore_index=True),
        "notes": pd.concat(notes, ignore_index=True),
        "losses": pd.DataFrame(losses, columns=["examples", "on", "nll"]),
    }


@lru_cache
def pupils(one, **given):
    """All students of a teacher."""
    return gathered({(width, seed): student(one, width, seed, **given) for width, seed in STUDENTS}, one, TESTS)


def classes(**given):
    """Students of four kinds of teachers, by the teachers' names."""
    kinds = (EXPERT_TEACHER, teacher("facts"), teacher("conclusions"), teacher("habit"))
    return {one.name: pupils(one, **given) for one in kinds}
