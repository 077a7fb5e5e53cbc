"""What copies are asked: worked solutions to read, prose, and questions of four answers, one of which is right.

Wrong answers are right answers to other questions of the task, as long as the right one as far as may be: whoever knows what
answers look like and nothing of the question is right one time in four.
"""

from __future__ import annotations

import random
import re
import zipfile
from collections.abc import Callable, Iterable
from typing import NamedTuple

from proxylib.data import corpora, tasks
from proxylib.data.published import problems, registry
from proxylib.data.trace import Trace
from proxylib.data.traces import read
from proxylib.studies.real_model.settings import Asked

SETS = ("gsm8k", "math500", "humaneval", "mbpp")
CODE = ("humaneval", "mbpp")
STAND_INS = dict(zip(SETS, ("division", "calendar", "walk", "pointers"), strict=True))  # of the lab, where none is published
CHOICES = 4
TRAIN = "data/train.jsonl"  # of GSM8K
ADDRESSES = re.compile(r"inaugural/\d{4}-\w+\.txt")
PASSAGE = (300, 1000)  # characters
BEGINNING, SENTENCE = (100, 400), (50, 200)  # characters of what stands before a sentence, and of the sentence
WORDS = (
    *("river", "stone", "lamp", "green", "paper", "horse", "window", "summer", "bread", "silver", "garden", "letter"),
    *("music", "winter", "bridge", "yellow", "table", "ocean", "forest", "candle", "market", "coffee", "engine", "pencil"),
)
LISTED, REPEATED = 8, 4  # words of a list, and how many of them are there again when the rest is asked for


class Question(NamedTuple):
    """A question of four answers; the first is right, which nobody sees: each is scored by itself."""

    task: str
    id: str
    prompt: str
    answers: tuple[str, ...]


class Texts(NamedTuple):
    """Where everything comes from.

    problems : set -> its problems
    train : problems that taught copies learn from
    prose : paragraphs
    """

    problems: dict[str, list[Trace]]
    train: list[Trace]
    prose: list[str]


def texts(asked: Asked) -> Texts:
    """The published sets, or what stands in for them; problems too long for `asked` left out."""
    whole = published() if asked.published else of_the_lab(asked.seed)
    fits = lambda trace: len(trace.prompt) + len(trace.solution) <= asked.longest
    return whole._replace(
        problems={name: list(filter(fits, traces)) for name, traces in whole.problems.items()},
        train=list(filter(fits, whole.train)),
    )


def published() -> Texts:
    """GSM8K, MATH-500, HumanEval and MBPP; GSM8K's train problems; inaugural addresses."""
    source = problems.source("gsm8k")
    train = [
        Trace("gsm8k", place, source.prompt.format_map(row), row["answer"], row["answer"].partition(problems.FINAL)[2], "")
        for place, row in problems.records("gsm8k", TRAIN)
    ]
    with zipfile.ZipFile(registry.fetch("nltk_public_domain") / "inaugural.zip") as archive:
        names = sorted(filter(ADDRESSES.fullmatch, archive.namelist()))
        speeches = [archive.read(name).decode("utf-8", "replace") for name in names]
    paragraphs = [" ".join(part.split()) for speech in speeches for part in re.split(r"\n\s*\n", speech)]
    return Texts({name: read(f"set:{name}") for name in SETS}, train, paragraphs)


def of_the_lab(seed: int) -> Texts:
    """Procedural tasks under the names of the sets, and prose that Python carries."""
    drawn = {name: tasks.evaluation_problems(tasks.task(task), 40, seed) for name, task in STAND_INS.items()}
    traces = {
        name: [Trace(name, trace.id, trace.prompt, trace.solution, trace.answer, "") for trace, _ in pairs]
        for name, pairs in drawn.items()
    }
    text = corpora.prose()
    pieces = [" ".join(text[start : start + 600].split()) for start in range(0, 60_000, 600)]
    return Texts(traces, traces["gsm8k"], pieces)


def worked(given: Texts, asked: Asked) -> list[Trace]:
    """Worked solutions of a fixed sample of each set."""
    return [trace for name in given.problems for trace in _shuffled(given.problems[name], name, asked)[: asked.traces]]


def passages(given: Texts, asked: Asked) -> list[Trace]:
    """Passages of prose, every second paragraph of the right length; the others are left to questions."""
    fitting = [text for text in given.prose[::2] if PASSAGE[0] <= len(text) <= PASSAGE[1]]
    return [Trace("prose", str(place), "", text, "", "") for place, text in enumerate(_sample(fitting, "prose", asked))]


def _sample(fitting: list[str], name: str, asked: Asked) -> list[str]:
    return random.Random(f"{name} {asked.seed}").sample(fitting, min(asked.passages, len(fitting)))


def questions(given: Texts, asked: Asked) -> list[Question]:
    """All questions of all tasks, none about a problem that `worked` holds."""
    rest = {name: _shuffled(given.problems[name], name, asked)[asked.traces :] for name in given.problems}
    ways: dict[str, Callable[[int], list[Question]]] = {
        "answers, GSM8K": lambda n: answers("answers, GSM8K", rest["gsm8k"], n, asked.seed),
        "answers, MATH": lambda n: answers("answers, MATH", rest["math500"], n, asked.seed),
        "next step": lambda n: next_steps(rest["gsm8k"], n, asked.seed),
        "code": lambda n: code([trace for name in CODE for trace in rest[name]], n, asked.seed),
        "prose": lambda n: prose(given.prose[1::2], n, asked.seed),
        "sums": lambda n: sums(n, asked.seed),
        "copying": lambda n: copying(n, asked.seed),
    }
    return [question for task, number in asked.questions.items() for question in ways[task](number)]


def answers(task: str, traces: list[Trace], number: int, seed: int) -> list[Question]:
    """The answer of a problem among those of others; nothing is worked out."""
    items = [(trace.id, trace.prompt.rstrip() + "\nAnswer:", f" {trace.answer}") for trace in traces if trace.answer]
    return among_others(task, items, number, seed)


def next_steps(traces: list[Trace], number: int, seed: int) -> list[Question]:
    """The second line of a worked solution, after the problem and the first, among second lines of others.

    What a calculator was told (<<...>>) is left out.
    """
    items = []
    for trace in traces:
        lines = re.sub(r"<<.*?>>", "", trace.solution).split("\n")
        if len(lines) > 2 and len(lines[1]) > 10:
            items.append((trace.id, f"{trace.prompt}{lines[0]}\n", lines[1]))
    return among_others("next step", items, number, seed)


def code(traces: list[Trace], number: int, seed: int) -> list[Question]:
    """The function's body among bodies of other functions of either set."""
    items = [(f"{trace.task} {trace.id}", trace.prompt, trace.solution) for trace in traces if len(trace.solution) <= 300]
    return among_others("code", items, number, seed)


def prose(paragraphs: list[str], number: int, seed: int) -> list[Question]:
    """The sentence that follows, among sentences of other paragraphs."""
    items = []
    for place, paragraph in enumerate(paragraphs):
        sentences = re.split(r"(?<=[.;!?]) ", paragraph)
        for cut in range(1, len(sentences)):
            before = " ".join(sentences[:cut])[-BEGINNING[1] :]
            if len(before) >= BEGINNING[0] and SENTENCE[0] <= len(sentences[cut]) <= SENTENCE[1]:
                items.append((str(place), before, f" {sentences[cut]}"))
                break
    return among_others("prose", items, number, seed)


def sums(number: int, seed: int) -> list[Question]:
    """Sums of numbers of two digits after two solved ones, among answers that are off by one, by two, or by ten."""
    rng = random.Random(f"sums {seed}")
    result = []
    for place in range(number):
        (a, b), (c, d), (e, f) = ((rng.randint(10, 89), rng.randint(2, 10)) for _ in range(3))
        wrong = rng.sample([e + f + by for by in (-10, -2, -1, 1, 2, 10)], CHOICES - 1)
        prompt = f"{a} + {b} = {a + b}\n{c} + {d} = {c + d}\n{e} + {f} ="
        result.append(Question("sums", str(place), prompt, tuple(f" {value}" for value in (e + f, *wrong))))
    return result


def copying(number: int, seed: int) -> list[Question]:
    """The rest of a list of words that was begun again, among the same words in other orders."""
    rng = random.Random(f"copying {seed}")
    result = []
    for place in range(number):
        words = rng.sample(WORDS, LISTED)
        orders = [tuple(words[REPEATED:])]
        while len(orders) < CHOICES:
            order = tuple(rng.sample(words[REPEATED:], LISTED - REPEATED))
            if order not in orders:
                orders.append(order)
        prompt = f"List: {' '.join(words)}\nThe same list again: {' '.join(words[:REPEATED])}"
        result.append(Question("copying", str(place), prompt, tuple(f" {' '.join(order)}" for order in orders)))
    return result


def among_others(task: str, items: Iterable[tuple[str, str, str]], number: int, seed: int) -> list[Question]:
    """Questions from (id, prompt, right answer): wrong ones are right answers of others, nearest in length, ties by lot."""
    items = list(items)
    rng = random.Random(f"{task} {seed}")
    result = []
    for name, prompt, right in rng.sample(items, min(number, len(items))):
        others = sorted({answer for _, _, answer in items if answer.strip() != right.strip()})
        rng.shuffle(others)
        others.sort(key=lambda answer: abs(len(answer) - len(right)))
        result.append(Question(task, name, prompt, (right, *others[: CHOICES - 1])))
    return result


def as_traces(asked: list[Question]) -> list[Trace]:
    """One trace for each answer of each question, by which it is scored."""
    return [
        Trace(question.task, f"{question.id}#{place}", question.prompt, answer, "", "")
        for question in asked
        for place, answer in enumerate(question.answers)
    ]


def _shuffled(traces: list[Trace], name: str, asked: Asked) -> list[Trace]:
    return random.Random(f"{name} {asked.seed}").sample(traces, len(traces))
