"""Think blocks of reasoning models in a solution: counted, and on request cut."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Think = Literal["keep", "cut"]
#: how models open and close a block; letter case does not matter
TAGS = (
    *((f"<{name}>", f"</{name}>") for name in ("think", "thinking", "thought", "reasoning")),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
)
#: what some put around the rest
AROUND = re.compile(r"\s*<\|begin_of_solution\|>\s*(.*?)\s*<\|end_of_solution\|>\s*", re.DOTALL)
_either = lambda place: "|".join(re.escape(tags[place]) for tags in TAGS)
ANY = re.compile(f"(?P<open>{_either(0)})|(?P<close>{_either(1)})", re.IGNORECASE)
OPENED = re.compile(f"(?:{_either(0)})\\s*$", re.IGNORECASE)
CLOSES = dict(TAGS)


class Thought(NamedTuple):
    """A prompt and its solution without think blocks, and whether there was one; None as text where no cut is clean."""

    prompt: str
    solution: str | None
    thinks: bool


def without(prompt: str, solution: str) -> Thought:
    """The solution after its think blocks.

    Notes
    -----
    A block may be opened at the end of the prompt, as chat templates do, or by a model that leaves the opening tag to its
    template: then what stands before the closing tag is thought. A block that is not closed, tags within tags, or a closing tag
    after a block has been closed leave no clean cut.
    """
    letters = solution.lower()  # looked at first: a pattern of so many tags takes ten times as long
    marks = list(ANY.finditer(solution)) if any(tag in letters for tags in TAGS for tag in tags) else []
    opened = OPENED.search(prompt)
    if not marks:
        return Thought(prompt, None if opened else solution, bool(opened))
    expected = CLOSES[opened[0].strip().lower()] if opened else None
    if expected is None and marks[0]["close"]:
        expected = marks[0][0].lower()
    kept, end = [], 0
    for mark in marks:
        if mark["open"]:
            if expected is not None:
                return Thought(prompt, None, True)
            kept.append(solution[end : mark.start()])
            expected = CLOSES[mark[0].lower()]
        else:
            if mark[0].lower() != expected:
                return Thought(prompt, None, True)
            expected, end = None, mark.end()
    if expected is not None:
        return Thought(prompt, None, True)
    before, after = "".join(kept), solution[end:]
    rest = before + after if before.strip() else after.lstrip()
    unwrapped = AROUND.fullmatch(rest)
    return Thought(prompt[: opened.start()] if opened else prompt, unwrapped[1] if unwrapped else rest, True)
