"""The task families. Each function draws one problem of a level, with the expert's worked lines."""

from __future__ import annotations

import random

from ..errors import UserError
from .base import Problem, Task

LETTERS = "abcdefgh"


def addition(rng: random.Random, level: int) -> Problem:
    """Column addition of two numbers of `level` digits together, right to left with carries; lengths differ by at most one."""
    lengths = [level // 2, level - level // 2]
    rng.shuffle(lengths)
    first, second = (rng.randrange(10 ** (length - 1), 10**length) for length in lengths)
    steps, carry = [], 0
    for place in range(max(lengths)):
        x, y = first // 10**place % 10, second // 10**place % 10
        total = x + y + carry
        steps.append(f"{x}+{y}+{carry}={total} put {total % 10} carry {total // 10}")
        carry = total // 10
    canonical = f"add {min(first, second)} {max(first, second)}"
    return Problem(canonical, f"add {first}+{second}\n", tuple(steps), str(first + second))


def chain(rng: random.Random, level: int) -> Problem:
    """A chain of `level` variables modulo 10, each a step from an earlier one; the value of the last is asked."""
    values = [rng.randrange(10)]
    lines = [f"{LETTERS[0]}={values[0]}"]
    steps = [lines[0]]
    for index in range(1, level):
        earlier = index - 1 if rng.random() < 0.7 else rng.randrange(index)
        amount, sign = rng.randrange(1, 4), rng.choice("+-")
        values.append((values[earlier] + (amount if sign == "+" else -amount)) % 10)
        lines.append(f"{LETTERS[index]}={LETTERS[earlier]}{sign}{amount}")
        steps.append(f"{lines[-1]}={values[earlier]}{sign}{amount}={values[index]}")
    prompt = f"chain {' '.join(lines)} find {LETTERS[level - 1]}\n"
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
    """How often a letter occurs among `level` letters: a running count along the numbered letters."""
    letters = [rng.choice("abcd") for _ in range(level)]
    asked = rng.choice("abcd")
    steps, count = [], 0
    for place, letter in enumerate(letters):
        count += letter == asked
        steps.append(f"{place}{letter} {'is' if letter == asked else 'not'} {asked} {count}")
    prompt = f"count {asked} in {' '.join(f'{place}{letter}' for place, letter in enumerate(letters))}\n"
    return Problem(prompt, prompt, tuple(steps), str(count))


TASKS = {
    family.name: family
    for family in (
        Task("addition", "digits of both numbers", addition, levels=(3, 4, 5, 6, 7, 8), untrained=(5, 8)),
        Task("chain", "variables", chain, levels=(3, 4, 5, 6, 7, 8), untrained=(5, 8)),
        Task("sorting", "digits to sort", sorting, levels=(3, 4, 5, 6, 7, 8), untrained=(5, 8)),
        Task("counting", "letters", counting, levels=(5, 6, 7, 8, 9, 10), untrained=(7, 10)),
    )
}


def task(name: str) -> Task:
    """The family of that name; `UserError` lists those that exist."""
    if name not in TASKS:
        raise UserError(f"material.tasks: '{name}' is unknown; there are {', '.join(TASKS)}")
    return TASKS[name]
