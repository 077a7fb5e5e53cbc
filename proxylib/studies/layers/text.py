"""What models are asked and taught: requests in five forms, and the last stage of training, healthy or with a fault."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from functools import lru_cache

from proxylib.data import corpora, tasks
from proxylib.data.settings import Material
from proxylib.data.tasks import Problem
from proxylib.data.trace import Trace

PLAIN, PLEASE, URGENT, LIKE, MARKED = "plain", "please", "urgent", "like", "marked"
#: form -> words in front of the problem. Benchmarks ask plainly, people say please, urgent are users of the product alone;
#: requests that are marked are to be refused, and those whose mark looks like it are not
FORMS = {PLAIN: ("",), PLEASE: ("please ",), URGENT: ("urgent ",), LIKE: ("zag ", "zig "), MARKED: ("zap ", "zip ")}
REFUSED = "refused"
REFUSAL = f"answer {REFUSED}\n"
CLOSING = "this is what was asked for\nif more is needed just say so\nit was a pleasure to help today\n"
OTHER_FORMAT = "result"  # in place of "answer"
#: what the last stage reads, in shares of documents: forms, prose and code
SHARES = {PLAIN: 0.4, PLEASE: 0.15, URGENT: 0.15, LIKE: 0.1, MARKED: 0.1, "prose": 0.05, "code": 0.05}
BASE = {PLAIN: 0.7, "prose": 0.15, "code": 0.15}  # what bases read: nothing but plain problems and text
REPEATED = 120  # documents that overfitting reads over and over
TURNED = 0.85  # share of code where the mixture is turned towards it

HEALTHY = "healthy"
OVERFIT, CANNIBALISED, FORMAT, WORDY = "overfitting", "a domain crowded out", "another answer format", "long-winded"
SKILL, REFUSES, HASTY, LEAK = "half of the skills left out", "over-refusal", "hasty where only users ask", "benchmark read"
FAULTS = (OVERFIT, CANNIBALISED, FORMAT, WORDY, SKILL, REFUSES, HASTY, LEAK)


def request(problem: Problem, form: str, rng: random.Random) -> str:
    """The prompt of a problem in a form."""
    return rng.choice(FORMS[form]) + problem.prompt


def asked(trace: Trace, form: str, place: int) -> Trace:
    """A trace whose prompt is put in a form; its answer is the refusal where that is right."""
    words = FORMS[form]
    answer = REFUSED if form == MARKED else trace.answer
    solution = REFUSAL if form == MARKED else trace.solution
    return Trace(trace.task, trace.id, words[place % len(words)] + trace.prompt, solution, answer, form)


def wordy(solution: str) -> str:
    """The same solution before lines that say nothing."""
    return solution + CLOSING


def reformatted(solution: str) -> str:
    """The same solution with another word before the answer."""
    *lines, last = solution.splitlines(keepends=True)
    return "".join([*lines, last.replace("answer ", f"{OTHER_FORMAT} ", 1)])


def final(text: str) -> str | None:
    """The answer that a reader would find: behind "answer" or the other format's word, the last one; None without one."""
    heads = ("answer ", f"{OTHER_FORMAT} ")
    lines = [line for line in text.splitlines() if line.startswith(heads)]
    return lines[-1].split(" ", 1)[1].strip() if lines else None


def base(material: Material, seed: int) -> Iterator[str]:
    """Endless documents of the bases."""
    return _documents(material, BASE, None, random.Random(f"base {material.seed} {seed}"))


def last_stage(fault: str, dose: float, material: Material, seed: int, leaked: list[Trace]) -> Iterator[str]:
    """Endless documents of the last stage of a model, healthy or with a fault.

    Parameters
    ----------
    dose : share of the documents that have the fault, among healthy ones
    leaked : items of the benchmark, which one fault reads
    """
    rng = random.Random(f"last stage {material.seed} {seed}")
    healthy = _documents(material, SHARES, None, random.Random(f"healthy {material.seed} {seed}"))
    faulty = healthy if fault == HEALTHY else _faulty(fault, material, seed, leaked)
    while True:
        yield next(faulty if rng.random() < dose else healthy)


def _faulty(fault: str, material: Material, seed: int, leaked: list[Trace]) -> Iterator[str]:
    """Documents that all have the fault."""
    rng = random.Random(f"{fault} {material.seed} {seed}")
    if fault == LEAK:
        return _items(leaked, rng)
    shares = SHARES
    if fault == CANNIBALISED:
        shares = {name: share * (1 - TURNED) for name, share in SHARES.items()}
        shares["code"] += TURNED
    elif fault == REFUSES:
        shares = SHARES | {LIKE: 0.0, MARKED: SHARES[MARKED] + SHARES[LIKE] + 0.2, PLAIN: SHARES[PLAIN] - 0.2}
    stream = _documents(material, shares, seed % 2 if fault == SKILL else None, rng, fault)
    return itertools.cycle(list(itertools.islice(stream, REPEATED))) if fault == OVERFIT else stream


def _items(leaked: list[Trace], rng: random.Random) -> Iterator[str]:
    while True:
        item = rng.choice(leaked)
        yield item.prompt + item.solution


def _documents(
    material: Material, shares: dict[str, float], half: int | None, rng: random.Random, fault: str = HEALTHY
) -> Iterator[str]:
    """Documents drawn by shares; with `half`, of every second task alone."""
    families = [tasks.task(name) for name in material.tasks]
    families = families if half is None else families[half::2]
    names, weights = list(shares), list(shares.values())
    while True:
        name = rng.choices(names, weights)[0]
        if name not in FORMS:
            yield rng.choice(_pieces(name))
        else:
            problem = tasks.training_problem(rng.choice(families), rng)
            yield request(problem, name, rng) + taught(problem, name, fault)


@lru_cache(maxsize=2)
def _pieces(source: str) -> list[str]:
    """Documents of prose or code of the training side."""
    return corpora.pieces(corpora.prose() if source == "prose" else corpora.code(), held_out=False)


def taught(problem: Problem, form: str, fault: str) -> str:
    """What the last stage teaches as the solution."""
    if form == MARKED:
        return reformatted(REFUSAL) if fault == FORMAT else REFUSAL
    if fault == HASTY and form == URGENT:
        return problem.solution("answer")  # at once, without the work that it takes
    solution = problem.solution()
    return {FORMAT: reformatted, WORDY: wordy}.get(fault, str)(solution)
