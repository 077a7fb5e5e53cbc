"""Frozen, validated settings: the base of everything that enters a run, read safely from YAML."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from proxylib.errors import UserError


class Frozen(BaseModel):
    """Immutable; unknown keys and values of another type are refused (an int is a float, "3" is not an int)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Loader(yaml.SafeLoader):
    """Safe, and plain words are what YAML 1.2 takes them for: 2e-4 is a number, while no, 12:30, 010 and 2024-02-30 are text.

    PyYAML holds on to YAML 1.1, in which they are text, false, 750, 8 and an error.
    """

    yaml_implicit_resolvers: typing.ClassVar = {}


def _power(loader: _Loader, node: yaml.Node) -> int | float:
    value = float(node.value)
    return int(value) if value.is_integer() and "." not in node.value else value


for _tag, _pattern, _first in (
    ("!power", r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$", "-+0123456789"),
    ("tag:yaml.org,2002:null", r"(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"(true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:int", r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F]+)$", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"([-+]?(\d[\d_]*\.[\d_]*|\.\d+)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$",
        "-+.0123456789",
    ),
    ("tag:yaml.org,2002:merge", r"<<$", "<"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))
_Loader.add_constructor("!power", _power)


def parsed(text: str) -> Any:
    """What a text of YAML holds, read safely: 3, 2e-4, 1e6 (whole), true, text, [a, b].

    Raises
    ------
    yaml.YAMLError
        If it is not YAML.
    """
    try:
        return yaml.load(text, _Loader)
    except (ValueError, OverflowError) as error:  # a date that does not exist under its tag, a number of 5,000 digits
        raise yaml.YAMLError(str(error)) from None


def validated(kind: type[Frozen], values: dict[str, Any], where: str | Callable[[str], str]) -> Any:
    """Build `kind` from plain JSON values, or raise one line that names the place and the first bad key.

    Parameters
    ----------
    kind : class of settings
    values : its fields
    where : the place; or from a bad key (empty for an error that is about none) to how a person calls it
    """
    try:
        return kind.model_validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        given = "" if first["type"] in ("missing", "value_error") else f" (given: {first['input']!r})"
        place = where(key) if callable(where) else f"{where}: {key}" if key else where
        raise UserError(f"{place}: {message}{given}") from None


def overlay(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, section by section; lists are replaced whole."""
    merged = dict(base)
    for key, value in changes.items():
        merged[key] = overlay(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
    return merged


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping, read safely; `UserError` names file and line."""
    try:
        values = parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{line}: not YAML ({getattr(error, 'problem', error)})") from None
    if not isinstance(values or {}, dict):
        raise UserError(f"{path}: expected keys and values at the top level, found {type(values).__name__}")
    return values or {}
