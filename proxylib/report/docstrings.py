"""Docstrings as the book shows them: an extension of Sphinx, as ours say what a parameter means where others say its type."""

from __future__ import annotations

import re
from typing import Any

UNDERLINE = re.compile(r"-{3,}\s*$")
ENTRY = re.compile(r"(\w+(?:, \w+)*) : (.*)")
LITERAL = re.compile(r"(?<!`)`([^`]+)`(?!`)")


def setup(app: Any) -> dict[str, bool]:
    """Have autodoc hand every docstring over."""
    app.connect("autodoc-process-docstring", _processed)
    return {"parallel_read_safe": True}


def _processed(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = restructured(lines)


def restructured(lines: list[str]) -> list[str]:
    """Lines of a docstring as reStructuredText: headings of sections as rubrics, `name : text` as terms, names as code.

    Parameters
    ----------
    lines : without common indentation
    """
    shown: list[str] = []
    for number, line in enumerate(lines):
        after = lines[number + 1] if number + 1 < len(lines) else ""
        plain = LITERAL.sub(r"``\1``", line)
        if UNDERLINE.match(after) and line.strip():
            shown += ["", f".. rubric:: {line.strip()}", ""]
        elif UNDERLINE.match(line) and number and lines[number - 1].strip():
            continue
        elif entry := ENTRY.fullmatch(plain):
            shown += [f"``{entry[1]}``", f"    {entry[2]}"]
        else:
            shown.append(plain)
    return shown
