"""Frozen, validated settings: the base of everything that enters a run, read safely from YAML."""

from __future__ import annotations

import copy
import json
import re
import typing
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from proxylib.errors import UserError


class Frozen(BaseModel):
    """Immutable; unknown keys and values of another type are refused (an int is a float, "3" is not an int)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


MOST_BYTES, MOST_VALUES, DEEPEST = 10**6, 10**5, 50  # of a text of YAML; values are counted with aliases written out


class _Loader(yaml.SafeLoader):
    """Safe, of bounded size, and plain words are what YAML 1.2 takes them for.

    2e-4 is a number, while no, 12:30, 010 and 2024-02-30 are text. PyYAML holds on to YAML 1.1, in which they are text,
    false, 750, 8 and an error.
    """

    yaml_implicit_resolvers: typing.ClassVar = {}
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        """As PyYAML does, down to a depth that no settings have."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.composer.ComposerError(None, None, f"nested more than {DEEPEST} deep", self.peek_event().start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """As PyYAML does, but a key that is given twice is refused: one of its values would be lost."""
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if twice := next((name for number, name in enumerate(names) if name in names[:number]), None):
            raise yaml.constructor.ConstructorError(None, None, f"key {twice} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _values(node: yaml.Node, counted: dict[int, int]) -> int:
    """How many values a node holds with its aliases written out: a few lines can hold more than a machine does."""
    if id(node) not in counted:
        counted[id(node)] = MOST_VALUES + 1  # what is met again inside itself never ends
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        counted[id(node)] = 1 + sum(
            _values(part, counted) for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))
        )
    if counted[id(node)] > MOST_VALUES:
        raise yaml.composer.ComposerError(None, None, f"more than {MOST_VALUES:,} values with its aliases", node.start_mark)
    return counted[id(node)]


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
        If it is not YAML, or holds more or deeper than any settings do.
    """
    return copy.deepcopy(_parsed(text))


@lru_cache(maxsize=16)  # a profile's two files are read at every declaration, and take a fifth of a second
def _parsed(text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _values(node, {})
        return loader.construct_document(node)
    except (ValueError, OverflowError, RecursionError) as error:  # a date that is none, a number of 5,000 digits
        raise yaml.constructor.ConstructorError(None, None, str(error), None) from None


def validated(kind: type[Frozen], values: dict[str, Any], where: str | Callable[[str], str]) -> Any:
    """Build `kind` from plain JSON values, or raise one line that names the place and the first bad key.

    Parameters
    ----------
    kind : class of settings
    values : its fields
    where : the place; or from a bad key (empty for an error that is about none) to how a person calls it
    """
    try:
        plain = json.dumps(values)
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{where('') if callable(where) else where}: only plain values can be given ({error})") from None
    try:
        return kind.model_validate_json(plain)
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
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UserError(f"{path}: more than {MOST_BYTES:,} bytes, which no settings have")
        values = parsed(data.decode("utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save the file as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{line}: not YAML ({getattr(error, 'problem', error)})") from None
    if not isinstance(values or {}, dict):
        raise UserError(f"{path}: expected keys and values at the top level, found {type(values).__name__}")
    return values or {}
