"""Paths into a row, such as `messages[-1].content`: what `--fields` takes, and what there is where one leads nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from proxylib.errors import UserError

STEP = re.compile(r"\.?([^.\[\]]+)|\[(-?\d{1,9})\]")
KINDS = {"NoneType": "null", "str": "text"}
SAID = (".content", ".value", ".text")
ROLES = {name: name for name in ("user", "assistant", "system", "developer", "tool", "function", "observation")}
ROLES |= {"human": "user"} | dict.fromkeys(("gpt", "chatgpt", "bot", "model", "ai"), "assistant")  # other collections' names
SHOWN = 12  # paths that an error lists
LONGEST = 80  # letters of one


def kind(value: Any) -> str:
    """A value's type in plain words."""
    return KINDS.get(type(value).__name__, type(value).__name__)


def take(row: Mapping[str, Any], path: str, place: str, name: str) -> Any:
    """What a path leads to.

    Parameters
    ----------
    row : fields of a row
    path : name of a field, which may hold any character, or steps: `.name` into an object, `[0]` or `[-1]` into a list
    place, name : where the row stands and which of our fields is wanted, for errors

    Raises
    ------
    UserError
        Where the path is none, or leads nowhere; it says what there is.
    """
    if path in row:
        return row[path]
    value, gone = row, ""
    for key in steps(path):
        inside = isinstance(value, Mapping) if isinstance(key, str) else isinstance(value, (list, tuple))
        try:
            if not inside:
                raise LookupError
            value = value[key]
        except LookupError:
            here = f"{gone} is {_holds(value)}" if gone else f"there is {listed(row)}"
            raise UserError(f"{place}: {path} is missing, which --fields takes for {name}; {here}") from None
        gone += f"[{key}]" if isinstance(key, int) else f".{key}" if gone else key
    return value


def speaker(row: Mapping[str, Any], path: str) -> str | None:
    """Who says what a path of a conversation leads to; None where nobody is named."""
    keys = [] if path in row else steps(path)
    if len(keys) < 2 or not isinstance(keys[-1], str):
        return None
    turn: Any = row
    for key in keys[:-1]:
        turn = turn[key]
    named = next((turn[name] for name in ("role", "from") if name in turn), None)
    return ROLES.get(named.lower()) if isinstance(named, str) else None


def steps(path: str) -> list[str | int]:
    """Names and numbers of a path; `UserError` where it is none."""
    keys: list[str | int] = []
    end = 0
    for step in STEP.finditer(path):
        if step.start() != end or (not keys and step[0][0] in ".["):
            break
        if step[1] is not None and keys and step[0][0] != ".":
            break
        keys.append(int(step[2]) if step[1] is None else step[1])
        end = step.end()
    if end != len(path) or not keys:
        raise UserError(
            f"parameter fields: {path!r} is no path; write one such as answer, messages[-1].content or solutions[0]"
        )
    return keys


def leaves(value: Any, path: str = "", depth: int = 4) -> Iterator[str]:
    """Paths to what a row holds: of a list the first and the last entry."""
    if isinstance(value, Mapping) and value and depth:
        for name in value:
            below = None if path else _cell(value, name)
            yield from leaves(value[name] if path else below, f"{path}.{name}" if path else str(name), depth - 1)
    elif isinstance(value, (list, tuple)) and value and depth:
        for place in (0, -1)[: len(value)]:
            yield from leaves(value[place], f"{path}[{place}]", depth - 1)
    elif path:
        yield path


def texts(value: Any, path: str) -> list[str]:
    """Paths to the texts inside a list or an object, what is said before who says it."""
    inside = list(leaves(value, path)) if isinstance(value, (list, tuple, Mapping)) and value else []
    return sorted(inside, key=lambda leaf: not leaf.endswith(SAID))


def listed(row: Mapping[str, Any]) -> str:
    """The paths of a row in a few words."""
    paths = list(leaves(row))
    return (
        ", ".join(path[:LONGEST] for path in paths[:SHOWN]) + f" and {len(paths) - SHOWN} more" * (len(paths) > SHOWN)
        if paths
        else "nothing"
    )


def _cell(row: Mapping[str, Any], name: str) -> Any:
    try:
        return row[name]
    except UserError:  # a cell that cannot be decoded is there all the same
        return None


def _holds(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"an object of {listed(value)}"
    return f"a list of {len(value)}" if isinstance(value, (list, tuple)) else kind(value)
