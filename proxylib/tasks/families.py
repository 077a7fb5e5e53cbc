"""The task families. Each function draws one problem of a level, with the expert's worked lines."""

from __future__ import annotations

import random

from ..errors import UserError
from .base import Problem, Task

LETTERS = "abcdefgh"


def addition(rng: random.Random, level: int) -> Problem:
    """Column addition of two numbers, the longer one of `level` digits, right to left with carries."""
    a, b = rng.randrange(10 ** (level - 1), 10**level), rng.randrange(10, 10**level)
    first, second = (a, b) if rng.random() < 0.5 else (b, a)
    steps, carry = [], 0
    for place in range(level):
        x, y = first // 10**place % 10, second // 10**place % 10
        total = x + y + carry
        steps.append(f"{x}+{y}+{carry}={total} put {total % 10} carry {total // 10}")
        carry = total // 10
    prompt = f"add {first}+{second}\n"
    return Problem(f"add {min(a, b)} {max(a, b)}", prompt, tuple(steps), str(a + b))


def chain(rng: random.Random, level: int) -> Problem:
    """A chain of `level` variables, each a small step from an earlier one; the value of the last is asked."""
    values, lines, steps = [rng.randrange(10, 60)], [], []
    lines.append(f"{LETTERS[0]}={values[0]}")
    steps.append(lines[0])
    for index in range(1, level):
        earlier = index - 1 if rng.random() < 0.7 else rng.randrange(index)
        amount = rng.randrange(1, 10)
        sign = rng.choice("+-") if values[earlier] > 9 else "+"
        values.append(values[earlier] + (amount if sign == "+" else -amount))
        lines.append(f"{LETTERS[index]}={LETTERS[earlier]}{sign}{amount}")
        steps.append(f"{LETTERS[index]}={values[earlier]}{sign}{amount}={values[index]}")
    question = LETTERS[level - 1]
    prompt = f"chain {' '.join(lines)} find {question}\n"
    return Problem(prompt, prompt, tuple(steps), str(values[-1]))


def sorting(rng: random.Random, level: int) -> Problem:
    """Selection sort of `level` different digits: the smallest is taken out of the remaining list, again and again."""
    rest = rng.sample(range(10), level)
    prompt = f"sort {' '.join(map(str, rest))}\n"
    steps, done = [], []
    while rest:
        least = min(rest)
        steps.append(f"from {' '.join(map(str, rest))} take {least}")
        rest = [value for value in rest if value != least]
        done.append(least)
    return Problem(prompt, prompt, tuple(steps), " ".join(map(str, done)))


def counting(rng: random.Random, level: int) -> Problem:
    """How often a letter occurs among `level` letters: a running count, letter by letter."""
    letters = [rng.choice("abcd") for _ in range(level)]
    asked = rng.choice("abcd")
    steps, count = [], 0
    for letter in letters:
        count += letter == asked
        steps.append(f"{letter} {count}")
    prompt = f"count {asked} in {' '.join(letters)}\n"
    return Problem(prompt, prompt, tuple(steps), str(count))


TASKS = {
    family.name: family
    for family in (
        Task("addition", addition, levels=(2, 3, 4, 5, 6, 7), untrained=(4, 7)),
        Task("chain", chain, levels=(3, 4, 5, 6, 7, 8), untrained=(5, 8)),
        Task("sorting", sorting, levels=(4, 5, 6, 7, 8, 9), untrained=(6, 9)),
        Task("counting", counting, levels=(6, 8, 10, 12, 14, 16), untrained=(10, 16)),
    )
}


def task(name: str) -> Task:
    """The family of that name; `UserError` lists those that exist."""
    if name not in TASKS:
        raise UserError(f"material.tasks: '{name}' is unknown; there are {', '.join(TASKS)}")
    return TASKS[name]
