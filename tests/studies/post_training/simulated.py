"""Outcomes of made-up bases: what is lost, taught and refused is known."""

import numpy as np
import pandas as pd

from proxylib.studies.post_training import changes
from proxylib.studies.post_training.settings import Arm

TASKS = ("counting", "sorting", "division")
LEVELS = {"counting": (4, 5, 6, 7, 8, 9), "sorting": (3, 4, 5, 6, 7, 8), "division": (3, 4, 5, 6, 7, 8)}
ARMS = (
    Arm(name="no change", reads={"mix": 1.0}),
    Arm(name="no change again", reads={"mix": 1.0}, order=1),
    Arm(name="one skill", reads={"target": 1.0}),
    Arm(name="refusal among harmless", reads={"marked": 0.5, "harmless": 0.5}),
)
KINDS = {"plain": 96, "polite": 48, "near": 12, "marked": 12, "renamed": 12}


def look(rng, right, lost=0.0, gained=0.0, churn=0.1, near=0.0):
    """One look at the items: answers of `right` (kind, task -> [items]), some changed at random, side skills lost."""
    rows, after = [], {}
    for (kind, task), before in right.items():
        answers = np.where(rng.random(len(before)) < churn, rng.permutation(before), before)
        answers = (
            answers | (rng.random(len(before)) < gained) if task == "counting" else answers & (rng.random(len(before)) >= lost)
        )
        after[kind, task] = answers
        refused = rng.random(len(before)) < (near if kind == "near" else 1.0 if kind == "marked" and near else 0.0)
        for place, (correct, refusal) in enumerate(zip(answers, refused, strict=True)):
            level = LEVELS[task][place % 6]
            rows.append((kind, task, f"{task}-{level}-{place:04d}", level, bool(correct), bool(refusal)))
    return pd.DataFrame(rows, columns=["kind", "task", "item", "level", "correct", "refused"]), after


def outcomes(rng, bases=("a", "b", "c", "d"), rounds=3, lost=0.06, gained=0.3, near=0.4):
    """All looks at several bases: the arm of one skill loses a share of side skills every round."""
    parts = []
    for base in bases:
        right = {(kind, task): rng.random(number) < 0.7 for kind, number in KINDS.items() for task in TASKS}
        first, _ = look(rng, right, churn=0.0)
        arms = {}
        for arm in ARMS:
            now, tables = right, []
            for number in range(1, rounds + 1):
                teaches = "target" in arm.reads
                given = {"lost": lost * teaches, "gained": gained * teaches, "near": near * ("marked" in arm.reads)}
                table, now = look(rng, now, **given)
                tables.append(table.assign(round=number))
            arms[arm.name] = pd.concat(tables)
        parts.append(changes.joined(first, arms, base))
    return pd.concat(parts, ignore_index=True)
