"""Runs of the lab as they are recorded, made up: tables of a trajectory, of a last stretch, of a population."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

TASKS, ITEMS, LAST = ("counting", "sorting"), 24, 6
STEPS = [10, 20, *range(80, 80 + LAST)]


def answers(right, **columns):
    """Rows of task, id, correct for [items] of both tasks."""
    rows = [(task, f"{task}-4-{number}") for task in TASKS for number in range(ITEMS)]
    return pd.DataFrame(rows, columns=["task", "id"]).assign(correct=right.astype(bool), **columns)


def trajectory(rng):
    """A run whose average is right a little more often than its checkpoints."""
    many = 2 * ITEMS
    outcomes = pd.concat([answers(rng.random(many) < 0.5, step=step, tokens=100 * step) for step in STEPS])
    averaged = pd.concat(
        [answers(rng.random(many) < 0.6, average=name) for name in ("last 2", "last 6", "moving, half-life 2")]
    )
    losses = pd.DataFrame({"split": "held-out", "step": STEPS, "bits_per_byte": np.linspace(1, 0.5, len(STEPS))})
    return {"outcomes": outcomes, "averaged_outcomes": averaged, "losses": losses}


def late(rng):
    """Both ways of a last stretch."""
    parts = [answers(rng.random(2 * ITEMS) < 0.5, schedule="constant", step=0, averaged=1)]
    for schedule in ("constant", "falling"):
        for step in range(1, LAST + 1):
            parts.append(answers(rng.random(2 * ITEMS) < 0.5, schedule=schedule, step=step, averaged=1))
        parts += [answers(rng.random(2 * ITEMS) < 0.6, schedule=schedule, step=LAST, averaged=n) for n in (2, 6)]
    return {"outcomes": pd.concat(parts)}


def population(rng, models=16):
    """Models of four families whose accuracy follows loss."""
    names = [f"m{number}" for number in range(models)]
    bits = np.linspace(0.5, 0.6, models)
    score = 0.9 - bits + rng.normal(0, 0.02, models)
    accuracy = [(name, task, value, 100) for name, value in zip(names, score, strict=True) for task in TASKS]
    return {
        "accuracy": pd.DataFrame(accuracy, columns=["member", "task", "estimate", "n"]),
        "members": pd.DataFrame({"member": names, "family": [f"f{number % 4}" for number in range(models)]}),
        "losses": pd.DataFrame({"member": names, "split": "held-out", "tokens": 5, "bits_per_byte": bits}),
    }


def parents(rng, runs):
    """role -> a run with its tables."""
    tables = {"population": population(rng)}
    for run in runs:
        tables |= {run: trajectory(rng), f"late {run}": late(rng)}
    return {role: SimpleNamespace(table=frames.__getitem__) for role, frames in tables.items()}
