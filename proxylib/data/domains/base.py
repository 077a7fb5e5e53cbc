"""What a domain is: cases that are drawn, what is said and written of them, and the rules by which a note is judged.

Everything that knows no domain by name stands here: how lessons, conversations and examples are drawn. A domain brings its
facts, its words and its tables.
"""

from __future__ import annotations

import itertools
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from proxylib.data.tasks.base import held_out
from proxylib.runs.files import sha256

#: what a note is judged by, in every domain; the clauses are each domain's own
CRITERIA = ("template", "inference", "terminology", "completeness", "no_hallucination")
WORD = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?")
TEXTBOOK_SHARE, LIST_SHARE, PROSE_SHARE, EXCERPT_SHARE = 0.15, 0.2, 0.05, 0.15  # of the documents after the lessons
MOST_LINES = 8  # of a dialogue, beside one that names something, in an excerpt
FINGERPRINTED = 40  # documents of each kind


class Slot(NamedTuple):
    """Where a note says a fact: head of its line, a pattern of what may stand there, and words that stand before it."""

    section: str
    pattern: str
    before: str = ""


def invented(rng: random.Random, syllables: Sequence[str], unseen: bool) -> str:
    """A name that nobody has, two syllables with a capital each, from the side of the split that training sees or the other."""
    while True:
        name = "".join(rng.choice(syllables) for _ in range(2))
        if held_out(name) == unseen:
            return name


class BriefLine(NamedTuple):
    """A line of a brief, and the words of a dialogue that tell it; without these it is asked of whole dialogues alone."""

    text: str
    cue: str = ""


@dataclass(frozen=True)
class Rules:
    """What the exact rubric knows of a domain.

    Parameters
    ----------
    sections : heads of a note's lines, in their order
    termed, abbreviated, concluded : heads of the lines with the term, with the abbreviation and with the conclusion
    slots : fact -> where and how a note says it
    complete : clause of completeness -> the facts that it wants
    terms, abbreviations : all that the second criterion of form knows; a case has one of each
    units : words that every fact of a kind has
    claims : how a note says what has no number and is no name; its groups are named as in `Case.claims`
    named : pattern of what a note names
    given : words that a note may use whatever was said: its template, every term, conclusion and abbreviation
    """

    sections: tuple[str, ...]
    termed: str
    abbreviated: str
    concluded: str
    slots: Mapping[str, Slot]
    complete: Mapping[str, tuple[str, ...]]
    terms: tuple[str, ...]
    abbreviations: tuple[str, ...]
    units: tuple[str, ...]
    claims: re.Pattern[str]
    named: str
    given: frozenset[str]


@dataclass(frozen=True)
class Prompts:
    """The five prompt files of a domain.

    Parameters
    ----------
    folder : where they lie, CRITERION-vVERSION.txt
    clauses : criterion -> its clauses in the order of the prompt; what comes to mind first stands first
    versions : criterion -> version of its file
    tables : place in the files -> the lines that go there
    """

    folder: Path
    clauses: Mapping[str, tuple[str, ...]]
    versions: Mapping[str, int]
    tables: Mapping[str, Sequence[str]]


class Case(ABC):
    """The facts behind one dialogue and its note."""

    @property
    @abstractmethod
    def domain(self) -> Domain:
        """Where it was drawn."""

    @property
    @abstractmethod
    def facts(self) -> dict[str, str]:
        """What a complete note says, in the note's words."""

    @property
    @abstractmethod
    def term(self) -> str:
        """What a note calls it."""

    @property
    @abstractmethod
    def complaint(self) -> str:
        """What the speaker calls it."""

    @property
    @abstractmethod
    def abbreviation(self) -> tuple[str, str]:
        """What a note writes for something that is said in words, and these words."""

    @property
    @abstractmethod
    def conclusion(self) -> str:
        """What nobody says, and the domain's rule decides."""

    @property
    @abstractmethod
    def basis(self) -> str:
        """What the conclusion follows from, in the note's words."""

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """What the dialogue names, in the order of the note."""

    @property
    @abstractmethod
    def numbers(self) -> list[object]:
        """Its numbers, likewise."""

    @abstractmethod
    def claims(self, section: str) -> dict[str, str]:
        """Group of `Rules.claims` -> what the dialogue bears out in a line of the note."""


class Example(NamedTuple):
    """A dialogue, its expert note, and the facts behind both."""

    id: str
    case: Case
    dialogue: str
    note: str

    @property
    def encounter(self) -> Case:
        """The facts, as the scribe calls them."""
        return self.case

    @property
    def prompt(self) -> str:
        """What a model is given before its note."""
        return self.dialogue + self.case.domain.ask


@dataclass(frozen=True, eq=False)
class Domain:
    """A task of writing notes.

    Parameters
    ----------
    name : of its folder
    title : what a sentence calls its notes
    ask : what stands between a dialogue and its note
    naming : what stands before a name that no other text has, in a dialogue as in its brief
    copied : how a brief begins the line that is asked for -> the facts that follow
    rules, prompts : what judges are told
    draw : a case; `unseen` ones have names that no training text has
    dialogue : what is said: all facts
    note : the expert's
    spoilt : the case with one fact changed
    brief_lines : the facts in another template than the note's
    textbook : a few lines of what a general corpus would teach
    listing : names and numbers, read out and read back
    """

    name: str
    title: str
    ask: str
    naming: tuple[str, ...]
    copied: Mapping[str, tuple[str, ...]]
    rules: Rules
    prompts: Prompts
    draw: Callable[[random.Random, bool], Case]
    dialogue: Callable[[Case, random.Random], str]
    note: Callable[[Case], str]
    spoilt: Callable[[Case, random.Random], Case]
    brief_lines: Callable[[Case], list[BriefLine]]
    textbook: Callable[[random.Random], str]
    listing: Callable[[random.Random], str]

    def brief(self, case: Case, rng: random.Random) -> str:
        """Some facts in another template than the note's, in any order: what bases read in pretraining."""
        lines = [line.text for line in self.brief_lines(case)]
        return _brief(rng.sample(lines, rng.randint(4, len(lines))))

    def excerpt(self, case: Case, rng: random.Random, most: int) -> str:
        """A few lines of a dialogue, one that names something among them, and a brief of what they tell.

        Between lists of some twenty tokens and dialogues of a hundred: what was learnt on the one is kept for the other.
        """
        said = self.dialogue(case, rng).splitlines(keepends=True)
        naming = [line for line in said if any(words in line for words in self.naming)]
        kept = {rng.choice(naming), *rng.sample(said, min(len(said), most))}
        text = "".join(line for line in said if line in kept)
        told = [line for line in self.brief_lines(case) if line.cue and line.cue in text]
        names = [line.text for line in told if line.cue in self.naming]
        chosen = names + [line.text for line in told if line.cue not in self.naming and rng.random() < 0.5]
        return text + _brief(rng.sample(chosen, len(chosen)))

    def pretraining_text(self, seed: int, prose: list[str], lists: int, excerpts: int) -> Iterator[str]:
        """What bases read, without end; never a note in the domain's template.

        First two lessons in copying: so many lists alone, then so many excerpts of dialogues, ever longer, with a list now
        and then. After them whole dialogues with briefs, textbook lines, more lists and excerpts, and English.
        """
        rng = random.Random(f"{self.name} pretraining {seed}")
        for _ in range(lists):
            yield self.listing(rng)
        for number in range(excerpts):
            if rng.random() < LIST_SHARE:
                yield self.listing(rng)
            else:
                yield self.excerpt(self.draw(rng, False), rng, rng.randint(0, 1 + (MOST_LINES - 1) * number // excerpts))
        while True:
            kind = rng.random()
            if kind < TEXTBOOK_SHARE:
                yield self.textbook(rng)
            elif kind < TEXTBOOK_SHARE + LIST_SHARE:
                yield self.listing(rng)
            elif kind < TEXTBOOK_SHARE + LIST_SHARE + PROSE_SHARE:
                yield rng.choice(prose)
            elif kind < TEXTBOOK_SHARE + LIST_SHARE + PROSE_SHARE + EXCERPT_SHARE:
                yield self.excerpt(self.draw(rng, False), rng, rng.randint(0, MOST_LINES))
            else:
                case = self.draw(rng, False)
                yield self.dialogue(case, rng) + self.brief(case, rng)

    def held_out_text(self, count: int, seed: int) -> list[str]:
        """Dialogues with briefs whose names no training text has."""
        rng = random.Random(f"{self.name} held out {seed}")
        cases = [self.draw(rng, True) for _ in range(count)]
        return [self.dialogue(case, rng) + self.brief(case, rng) for case in cases]

    def examples(self, count: int, seed: int, unseen: bool) -> list[Example]:
        """Distinct examples for fine-tuning, or with unseen names for testing; a longer list begins with the shorter."""
        rng = random.Random(f"{self.name} examples {seed} {unseen}")
        by_problem: dict[str, Example] = {}
        for number in itertools.count():
            case = self.draw(rng, unseen)
            text = self.dialogue(case, rng)
            by_problem.setdefault(text, Example(f"{'test' if unseen else 'train'}-{number:05d}", case, text, self.note(case)))
            if len(by_problem) == count:
                return list(by_problem.values())
        return []

    @lru_cache(maxsize=8)  # noqa: B019  (domains are few and last as long as the process)
    def fingerprint(self) -> str:
        """SHA-256 of some of its texts: a domain that draws others is another."""
        text = itertools.islice(self.pretraining_text(0, [""], FINGERPRINTED, FINGERPRINTED), 3 * FINGERPRINTED)
        written = [example.prompt + example.note for example in self.examples(FINGERPRINTED, 0, False)]
        return sha256("\x00".join([*text, *written]).encode())


def _brief(lines: list[str]) -> str:
    return "brief\n" + "".join(f"- {line}\n" for line in lines)
