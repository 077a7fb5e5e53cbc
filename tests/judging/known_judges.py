"""Expert notes with known faults, and judges that decide as they are asked."""

import random

import pandas as pd

from proxylib.data.domains import scribe
from proxylib.judging import rubric
from proxylib.judging.criteria import CLAUSES
from proxylib.judging.questions import COLUMNS, FAIL, PASS
from proxylib.stats import Bootstrap

BOOTSTRAP = Bootstrap(draws=400, level=0.95, seed=3)
EXAMPLES = {example.id: example for example in scribe.examples(60, 9, unseen=True)}


def notes():
    """Expert notes, most of them with a fault in form or facts."""
    rng = random.Random(4)
    found = []
    for example in EXAMPLES.values():
        note = scribe.note(scribe.spoilt(example.encounter, rng)) if rng.random() < 0.6 else example.note
        kind = rng.random()
        if kind < 0.15:
            note = note.replace("O: ", "T: ")
        elif kind < 0.3:
            note += "thank you\n"
        elif kind < 0.4:
            note = note.replace(" none", "").replace(example.encounter.diagnosis, f"{example.encounter.diagnosis} maybe")
        elif kind < 0.5:
            note = note.replace(example.encounter.term, example.encounter.complaint)
        found.append((example, note))
    return found


def rows(questions, told):
    made = [(*q[:2], q.repeat, verdict, "", "", "", 1, 1) for q, verdict in zip(questions, told, strict=True)]
    return pd.DataFrame(made, columns=list(COLUMNS))


def obeying(questions, blind=()):
    """Checks exactly the clauses that it is given, but answers that the blind ones fail."""
    told = []
    for q in questions:
        found = rubric.findings(EXAMPLES[q.id], q.note)[q.criterion]
        wanted = q.clauses or CLAUSES[q.criterion]
        told.append(PASS if all(found[c].passed and c not in blind for c in wanted) else FAIL)
    return rows(questions, told)
