"""What a model is given: a problem in a template, solved ones before it, and whether it is to work or to answer at once.

Everything that a configuration varies in the prompt stands here; what is asked and who is asked stay the same.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from proxylib.data import tasks
from proxylib.data.trace import Trace

WORKED, ALONE = "worked steps", "answer alone"
ASKS = (WORKED, ALONE)
GREEDY = "greedy"  # decoding, where nothing is drawn
LEAD = "answer"  # without a space behind it: tokenizers that put the space before a word read another token after one


def examples(trace: Trace, count: int, seed: int) -> list[tuple[str, str]]:
    """Question and expert solution of so many problems of the training side, of the easiest level; the same for every model."""
    family = tasks.task(trace.task)
    rng = random.Random(f"shots {seed} {trace.id}")
    drawn = [tasks.training_problem(family, rng, family.trained[:1]) for _ in range(count)]
    return [(problem.prompt, problem.solution()) for problem in drawn]


def prompt(trace: Trace, template: str, shots: Sequence[tuple[str, str]], ask: str) -> str:
    """Solved problems and the question in a template, and the first word of an answer where that stands alone."""
    parts = [_asked(question, template) + _shown(solution, ask) for question, solution in shots]
    return "".join(parts) + _asked(trace.prompt, template) + (LEAD if ask == ALONE else "")


def written(text: str, ask: str) -> str:
    """The answer as a scorer reads it: with the word that the prompt had said for the model."""
    return (LEAD if ask == ALONE else "") + text


def reference(trace: Trace, ask: str) -> str:
    """What an answer that is right to the letter says."""
    return _shown(trace.solution, ask)


def _asked(question: str, template: str) -> str:
    return template.replace("{problem}", question.rstrip("\n"))


def _shown(solution: str, ask: str) -> str:
    return solution if ask == WORKED else solution.rstrip("\n").rpartition("\n")[2] + "\n"
