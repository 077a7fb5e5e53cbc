"""What every task family shares: levels, the split of problems, styles, the answer's format and its check."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proxylib.data.trace import Trace
from proxylib.errors import UserError

HELD_OUT_SHARE = 8  # one canonical problem in eight is kept for evaluation
STYLES = ("expert", "other", "answer", "wrong", "other-wrong")
WRONG_SHARE = 0.25  # of the decisive values of a wrong solution, beside its answer
OPEN, CLOSE = "\x01", "\x02"  # around a decisive value while a line is being made; never in a text


def decided(value: object) -> str:
    """A value that a line works out, marked; marks never reach a text, only `Problem.decisive`."""
    return f"{OPEN}{value}{CLOSE}"


@dataclass(frozen=True)
class Problem:
    """One problem.

    Parameters
    ----------
    canonical : equal for two problems exactly when they ask the same; the split is decided by it
    prompt : the question
    expert, other : worked lines in two styles, decisive values marked
    answer : the final answer
    """

    canonical: str
    prompt: str
    expert: Sequence[str]
    other: Sequence[str]
    answer: str

    def _marked(self, style: str) -> str:
        lines = {"expert": self.expert, "other": self.other, "answer": ()}[style]
        return "".join(f"{line}\n" for line in lines) + f"answer {decided(self.answer)}\n"

    def solution(self, style: str = "expert") -> str:
        """The worked lines of a style, then the answer on a line of its own; style "answer" has no worked lines."""
        return self._marked(style).replace(OPEN, "").replace(CLOSE, "")

    def decisive(self, style: str = "expert") -> list[tuple[int, int]]:
        """Characters [start, stop) of a solution that hold a decisive value, the answer included."""
        spans, place, start = [], 0, 0
        for character in self._marked(style):
            if character == OPEN:
                start = place
            elif character == CLOSE:
                spans.append((start, place))
            else:
                place += 1
        return spans

    def wrong(self, rng: random.Random, style: str = "expert") -> str:
        """A solution whose answer is wrong, and with it about `WRONG_SHARE` of its decisive values.

        One character of such a value becomes another of its kind (digit, letter), so a wrong solution has the right
        form and length. Lines are not made consistent with each other: the errors are slips, not another method.
        """
        text, spans = list(self.solution(style)), self.decisive(style)
        for start, stop in [span for span in spans[:-1] if rng.random() < WRONG_SHARE] + spans[-1:]:
            place = rng.choice([place for place in range(start, stop) if text[place].isalnum()])
            kind = "0123456789" if text[place].isdigit() else "abcdefgh"
            text[place] = rng.choice([other for other in kind if other != text[place]])
        return "".join(text)

    def text(self, style: str, rng: random.Random) -> str:
        """The solution in any of `STYLES`; `rng` decides where a wrong one, in the expert's style or the other, slips."""
        if style.endswith("wrong"):
            return self.wrong(rng, "expert" if style == "wrong" else "other")
        return self.solution(style)


@dataclass(frozen=True)
class Task:
    """A family of problems.

    Parameters
    ----------
    name : of the family
    knob : what the level counts
    draw : makes a problem of a level
    levels : difficulties of the evaluation
    untrained : those of them (a third) that training never shows
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


def training_problem(task: Task, rng: random.Random, levels: tuple[int, ...] | None = None) -> Problem:
    """A problem of a trained level from the training side; `levels` narrows the choice."""
    while True:
        problem = task.draw(rng, rng.choice(levels or task.trained))
        if not is_held_out(problem):
            return problem


def evaluation_problems(task: Task, count: int, seed: int) -> list[tuple[Trace, Problem]]:
    """Distinct problems of the evaluation side, levels in turn, each with its expert trace.

    Raises
    ------
    UserError
        If the family has too few distinct problems.
    """
    rng = random.Random(f"{task.name} evaluation {seed}")
    drawn, seen, tries = [], set(), 0
    while len(drawn) < count:
        level = task.levels[len(drawn) % len(task.levels)]
        problem = task.draw(rng, level)
        tries += 1
        if tries > 1000 * count:
            raise UserError(f"material.items: task {task.name} has fewer than {count} distinct evaluation problems")
        if is_held_out(problem) and problem.canonical not in seen:
            seen.add(problem.canonical)
            name = f"{task.name}-{level}-{len(drawn):04d}"
            trace = Trace(task.name, name, problem.prompt, problem.solution(), problem.answer, "lab expert")
            drawn.append((trace, problem))
    return drawn


def right(answer: str, text: str) -> bool:
    """Whether a generated text ends in the right answer: its last line that begins with `answer`, compared exactly.

    Worked lines are not judged, so a right answer after wrong steps counts. A text without an answer line is wrong.
    """
    answers = [line.removeprefix("answer ").strip() for line in text.splitlines() if line.startswith("answer ")]
    return bool(answers) and answers[-1] == answer


def check(trace: Trace, text: str) -> bool:
    """`right` for a trace."""
    return right(trace.answer, text)
