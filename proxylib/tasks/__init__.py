"""Procedural reasoning tasks: problems with a difficulty knob, expert traces, exact checkers."""

from .base import Problem, Task, check, evaluation_problems, held_out, is_held_out, training_problem
from .families import TASKS, task

__all__ = ["TASKS", "Problem", "Task", "check", "evaluation_problems", "held_out", "is_held_out", "task", "training_problem"]
