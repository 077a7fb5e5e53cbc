"""Procedural reasoning tasks: problems with a difficulty knob, expert traces, exact checkers."""

from proxylib.data.tasks.base import (
    STYLES,
    Problem,
    Task,
    check,
    evaluation_problems,
    held_out,
    is_held_out,
    right,
    training_problem,
)
from proxylib.data.tasks.families import TASKS, task

__all__ = [
    "STYLES",
    "TASKS",
    "Problem",
    "Task",
    "check",
    "evaluation_problems",
    "held_out",
    "is_held_out",
    "right",
    "task",
    "training_problem",
]
