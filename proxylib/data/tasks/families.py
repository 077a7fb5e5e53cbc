"""The task families. Each function draws one problem of a level and works it out in two styles, the expert's and another.

Values that a line works out, rather than copies, are passed through `decided`: they are the decisive steps of a trace.
"""

from __future__ import annotations

import random

from proxylib.data.tasks.base import Problem, Task, decided
from proxylib.errors import UserError

LETTERS = "abcdefgh"
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
STRIDES = (("u", 1), ("d", -1), ("j", 2), ("b", -2))
RING = 6


def _numbered(symbols: list[str]) -> str:
    """`0a 1c 2a`: a small model finds its place in a list only where every entry carries its number."""
    return " ".join(f"{place}{symbol}" for place, symbol in enumerate(symbols))


def _lettered(numbers: list[int]) -> str:
    """`a3 b2 c2`: as `_numbered`, for entries that are digits themselves."""
    return " ".join(f"{letter}{number}" for letter, number in zip(LETTERS, numbers, strict=False))


def sorting(rng: random.Random, level: int) -> Problem:
    """Selection sort of `level` different digits: the smallest is taken out of the remaining list, again and again."""
    rest = rng.sample(range(10), level)
    prompt = f"sort {' '.join(map(str, rest))}\n"
    expert, other, done = [], [], []
    while rest:
        least = min(rest)
        expert.append(f"out of {' '.join(map(str, rest))} take {decided(least)}")
        rest = [value for value in rest if value != least]
        done.append(least)
        other.append(f"least {decided(least)}, leaving {' '.join(map(str, rest)) or 'nothing'}")
    return Problem(prompt, prompt, expert, other, " ".join(map(str, done)))


def counting(rng: random.Random, level: int) -> Problem:
    """How often a letter occurs among `level` letters: a running count along the numbered letters."""
    asked = rng.choice("ab")  # few letters to compare with: the comparison is what small models learn last
    places = set(rng.sample(range(level), rng.randint(0, level)))  # every count is as likely, so that guessing is poor
    letters = [asked if place in places else rng.choice("abcde".replace(asked, "")) for place in range(level)]
    expert, other, count = [], [], 0
    for place, letter in enumerate(letters):
        hit = letter == asked
        count += hit
        expert.append(f"{place}{letter} {decided('is' if hit else 'not')} {asked} {decided(count)}")
        other.append(f"see {place}{letter} {asked} {decided('more' if hit else 'still')} {decided(count)}")
    prompt = f"count {asked} in {_numbered(letters)}\n"
    return Problem(prompt, prompt, expert, other, str(count))


def reversal(rng: random.Random, level: int) -> Problem:
    """The letters of a numbered list from last to first."""
    letters = [rng.choice(LETTERS) for _ in range(level)]
    expert, other = [], []
    for place in reversed(range(level)):
        expert.append(f"{decided(place)}{decided(letters[place])} to {level - 1 - place}")
        other.append(f"slot {level - 1 - place} {decided(place)}{decided(letters[place])}")
    prompt = f"reverse {_numbered(letters)}\n"
    return Problem(prompt, prompt, expert, other, " ".join(reversed(letters)))


def walk(rng: random.Random, level: int) -> Problem:
    """Where a walk of `level` strides along a ring of `RING` places ends."""
    here = rng.randrange(RING)
    known = STRIDES[: rng.randint(2, len(STRIDES))]  # problems of few kinds are learnt first: models differ by degrees
    strides = [rng.choice(known) for _ in range(level)]
    prompt = f"walk from {here} by {_numbered([word for word, _ in strides])}\n"
    expert, other = [], []
    for place, (word, by) in enumerate(strides):
        before, here = here, (here + by) % RING
        expert.append(f"{place}{word} from {before} to {decided(here)}")
        other.append(f"leave {before} with {place}{word} reach {decided(here)}")
    return Problem(prompt, prompt, expert, other, str(here))


def brackets(rng: random.Random, level: int) -> Problem:
    """The greatest depth of `level` brackets of four kinds, which need not close."""
    depth, deepest, symbols, expert, other = 0, 0, [], [], []
    for place in range(level):
        opens = depth == 0 or rng.random() < 0.6
        symbols.append(rng.choice("([<{") if opens else ")")
        depth += 1 if opens else -1
        deepest = max(deepest, depth)
        expert.append(f"{place}{symbols[-1]} depth {decided(depth)} most {decided(deepest)}")
        other.append(f"at {place}{symbols[-1]} now {decided(depth)} top {decided(deepest)}")
    prompt = f"depth {_numbered(symbols)}\n"
    return Problem(prompt, prompt, expert, other, str(deepest))


def division(rng: random.Random, level: int) -> Problem:
    """What long division of a number of `level` digits by 4 or 5 leaves."""
    by = rng.choice((4, 5))
    digits = [rng.randrange(1, 10)] + [rng.randrange(10) for _ in range(level - 1)]
    expert, other, rest = [], [], 0
    for place, digit in enumerate(digits):
        before, rest = rest, (10 * rest + digit) % by
        expert.append(f"{LETTERS[place]}{digit} {before}{digit} leaves {decided(rest)}")
        other.append(f"with {before} read {LETTERS[place]}{digit} over {decided(rest)}")
    prompt = f"divide {_lettered(digits)} by {by}\n"
    return Problem(prompt, prompt, expert, other, str(rest))


def calendar(rng: random.Random, level: int) -> Problem:
    """The day of the week after `level` moves of one to four days."""
    day = rng.randrange(7)
    longest = rng.randint(2, 4)  # as in `walk`
    moves = [rng.randint(1, longest) for _ in range(level)]
    prompt = f"day {DAYS[day]} then {_lettered(moves)}\n"
    expert, other = [], []
    for place, move in enumerate(moves):
        before, day = day, (day + move) % 7
        expert.append(f"{LETTERS[place]}{move} days from {DAYS[before]} is {decided(DAYS[day])}")
        other.append(f"{DAYS[before]} plus {LETTERS[place]}{move} makes {decided(DAYS[day])}")
    return Problem(prompt, prompt, expert, other, DAYS[day])


def pointers(rng: random.Random, level: int) -> Problem:
    """Where `level` hops lead: every letter points to a number, and number n is the n-th letter, counted from 0."""
    letters = LETTERS[:6]
    to = {letter: rng.choice([number for number in range(6) if letters[number] != letter]) for letter in letters}
    here = rng.choice(letters)
    prompt = f"from {here} hop {level} along {' '.join(f'{letter}{number}' for letter, number in to.items())}\n"
    expert, other = [], []
    for hop in range(1, level + 1):
        before, number = here, to[here]
        here = letters[number]
        expert.append(f"hop {hop} {before}{decided(number)} is {decided(here)}")
        other.append(f"see {before}{decided(number)} so {decided(here)} after {hop}")
    return Problem(prompt, prompt, expert, other, here)


TASKS = {
    family.name: family
    for family in (
        Task("sorting", "digits to sort", sorting, levels=(3, 4, 5, 6, 7, 8), untrained=(5, 8)),
        Task("counting", "letters", counting, levels=(4, 5, 6, 7, 8, 9), untrained=(6, 9)),
        Task("reversal", "letters", reversal, levels=(4, 5, 6), untrained=(5,)),
        Task("walk", "steps", walk, levels=(3, 4, 5, 6, 7, 8), untrained=(5, 8)),
        Task("brackets", "brackets", brackets, levels=(5, 6, 7, 8, 9, 10), untrained=(7, 10)),
        Task("division", "digits of the number", division, levels=(3, 4, 5, 6, 7, 8), untrained=(5, 8)),
        Task("calendar", "moves", calendar, levels=(3, 4, 5, 6, 7, 8), untrained=(5, 8)),
        Task("pointers", "hops", pointers, levels=(4, 5, 6, 7, 8, 9), untrained=(6, 9)),
    )
}


def task(name: str) -> Task:
    """The family of that name; `UserError` lists those that exist."""
    if name not in TASKS:
        raise UserError(f"material.tasks: '{name}' is unknown; there are {', '.join(TASKS)}")
    return TASKS[name]
