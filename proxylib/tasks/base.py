"""What every task family shares: levels, the split of problems, the answer's format and its check."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import UserError
from ..traces import Trace

HELD_OUT_SHARE = 8  # one canonical problem in eight is kept for evaluation


@dataclass(frozen=True)
class Problem:
    """One problem.

    Parameters
    ----------
    canonical : equal for two problems exactly when they ask the same; the split is decided by it
    prompt, steps, answer : the question, the worked lines, the final answer
    """

    canonical: str
    prompt: str
    steps: tuple[str, ...]
    answer: str

    @property
    def solution(self) -> str:
        """The expert's text: the steps, then the answer on a line of its own."""
        return "".join(f"{line}\n" for line in (*self.steps, f"answer {self.answer}"))


@dataclass(frozen=True)
class Task:
    """A family of problems.

    Parameters
    ----------
    name : of the family
    knob : what the level counts
    draw : makes a problem of a level
    levels : difficulties of the evaluation
    untrained : those of them (a third) that training never shows: one inside the range, one beyond it
    """

    name: str
    knob: str
    draw: Callable[[random.Random, int], Problem]
    levels: tuple[int, ...]
    untrained: tuple[int, ...]

    @property
    def trained(self) -> tuple[int, ...]:
        return tuple(level for level in self.levels if level not in self.untrained)


def held_out(text: str) -> bool:
    """Whether a text belongs to the evaluation side: a function of the text and of nothing else."""
    digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % HELD_OUT_SHARE == 0


def is_held_out(problem: Problem) -> bool:
    """Whether a problem belongs to the evaluation side, decided by its canonical form."""
    return held_out(problem.canonical)


def training_problem(task: Task, rng: random.Random) -> Problem:
    """A problem of a trained level from the training side."""
    while True:
        problem = task.draw(rng, rng.choice(task.trained))
        if not is_held_out(problem):
            return problem


def evaluation_problems(task: Task, count: int, seed: int) -> list[Trace]:
    """Distinct problems of the evaluation side, levels in turn, with their expert traces.

    Raises
    ------
    UserError
        If the family has too few distinct problems.
    """
    rng = random.Random(f"{task.name} evaluation {seed}")
    traces, seen, tries = [], set(), 0
    while len(traces) < count:
        level = task.levels[len(traces) % len(task.levels)]
        problem = task.draw(rng, level)
        tries += 1
        if tries > 1000 * count:
            raise UserError(f"material.items: task {task.name} has fewer than {count} distinct evaluation problems")
        if is_held_out(problem) and problem.canonical not in seen:
            seen.add(problem.canonical)
            name = f"{task.name}-{level}-{len(traces):04d}"
            traces.append(Trace(task.name, name, problem.prompt, problem.solution, problem.answer, "lab expert"))
    return traces


def check(trace: Trace, text: str) -> bool:
    """Whether a generated text ends in the right answer: its last line that begins with `answer`, compared exactly.

    Worked lines are not judged, so a right answer after wrong steps counts. A text without an answer line is wrong.
    """
    answers = [line.removeprefix("answer ").strip() for line in text.splitlines() if line.startswith("answer ")]
    return bool(answers) and answers[-1] == trace.answer
