"""Which traces repeat others: copies of a text, and solutions of one problem. They are no evidence of their own.

Resampling takes what it draws for independent. A trace that stands twice in a file is one trace, and ten solutions of a problem
are one problem: intervals over rows would be too narrow by the square root of the repetition.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from proxylib.data.trace import Trace

SPACE = re.compile(r"\s+")
BETWEEN_WORDS = re.compile(r"(?<=\w) (?=\w)")


def normal(text: str) -> str:
    """A text without what does not make it another one: case, white space, invisible characters, composed accents.

    White space between two words or numbers counts, as "1 23" is not "12 3", but not how much of it.
    """
    words = SPACE.sub(" ", _plain(text)).strip()
    return BETWEEN_WORDS.sub("\0", words).replace(" ", "").replace("\0", " ")


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFC", text).casefold()
    for character in set() if text.isascii() else set(text):
        if unicodedata.category(character) == "Cf":
            text = text.replace(character, "")
    return text


def problems_of(traces: Iterable[Trace], labels: Mapping[tuple[str, str], str] | None = None) -> dict[tuple[str, str], str]:
    """(task, id) -> the problem that a trace solves.

    Parameters
    ----------
    traces : in any order
    labels : the problem of each trace where somebody named it; else traces of one prompt solve one problem, and one without
        a prompt is a problem of its own, unless another has its solution
    """
    problems = {}
    for trace in traces:
        key = trace.task, trace.id
        label = None if labels is None else labels.get(key)
        asked = normal(trace.prompt)
        problems[key] = (
            f"named {label}" if label is not None else f"asked {asked}" if asked else f"text {normal(trace.solution)}"
        )
    return problems


def copies_of(traces: Iterable[Trace]) -> dict[tuple[str, str], tuple[str, str]]:
    """(task, id) of each copy -> that of the first trace with its prompt and solution, see `normal`, in whatever task."""
    traces = list(traces)
    squeezed = [tuple("".join(_plain(text).split()) for text in (trace.prompt, trace.solution)) for trace in traces]
    often = Counter(squeezed)
    first: dict[tuple[str, str], tuple[str, str]] = {}
    copies = {}
    for trace, letters in zip(traces, squeezed, strict=True):
        if often[letters] == 1:  # most texts: `normal` takes ten times as long
            continue
        key, text = (trace.task, trace.id), (normal(trace.prompt), normal(trace.solution))
        if first.setdefault(text, key) != key:
            copies[key] = first[text]
    return copies
