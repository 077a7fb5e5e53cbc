"""Teachers of known quality: the expert, and the expert with errors, of which every one fails the strict rubric."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from proxylib.data.domains import scribe
from proxylib.data.domains.scribe import Encounter, Example
from proxylib.judging import rubric
from proxylib.studies.ceiling.settings import Teacher

#: every way to complain, each of them as likely as another
COMPLAINTS = [(number, lay) for number, symptom in enumerate(scribe.SYMPTOMS) for lay in range(len(symptom.lay))]


def notes(teacher: Teacher, examples: Sequence[Example], seed: int, draw: int = 0) -> list[str]:
    """The teacher's note on each dialogue.

    Parameters
    ----------
    seed : of a habit, which a teacher keeps, and of errors at random
    draw : of errors at random: with another one the teacher writes the same notes once more

    Notes
    -----
    What happens at random depends on the example's id, so that the first so many of a longer list have the same notes.
    """
    habit = habits(teacher, seed)
    return [_note(teacher, example, habit, random.Random(f"errors {seed} {draw} {example.id}")) for example in examples]


def habits(teacher: Teacher, seed: int) -> frozenset[tuple[int, int]]:
    """Of `COMPLAINTS`, those that a teacher with a habit misreads; a better one misreads some of a worse one's."""
    if teacher.errors != "habit":
        return frozenset()
    count = round((1 - teacher.passes) * len(COMPLAINTS))
    return frozenset(random.Random(f"habit {seed}").sample(COMPLAINTS, len(COMPLAINTS))[:count])


def _note(teacher: Teacher, example: Example, habit: frozenset[tuple[int, int]], rng: random.Random) -> str:
    encounter = example.encounter
    misread = (encounter.symptom, encounter.lay) in habit
    if not (misread if teacher.errors == "habit" else rng.random() >= teacher.passes):
        return example.note
    return one_fact_wrong(example, rng) if teacher.errors == "facts" else wrongly_concluded(example)


def one_fact_wrong(example: Example, rng: random.Random) -> str:
    """The expert's note on an encounter that differs in one fact; drawn again where the rubric does not see it."""
    while True:
        note = scribe.note(scribe.spoilt(example.encounter, rng))
        if not passes(example, note):
            return note


def wrongly_concluded(example: Example) -> str:
    """The expert's note with another symptom's diagnosis, always the same one."""
    return example.note.replace(f"A: {example.encounter.diagnosis}\n", f"A: {misconceived(example.encounter)}\n")


def misconceived(encounter: Encounter) -> str:
    """What a wrong conclusion is: the next symptom's diagnosis, with or without fever as here."""
    return replace(encounter, symptom=(encounter.symptom + 1) % len(scribe.SYMPTOMS)).diagnosis


def passes(example: Example, note: str) -> bool:
    """Whether a note meets all five criteria of the strict rubric."""
    return all(rubric.verdicts(example, note, "strict").values())
