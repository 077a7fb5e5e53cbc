"""Options of the command line, derived from settings classes: names, types, bounds, defaults and help stand there alone.

A command is a class of frozen settings and a function of it. The class's first line is the command's help; each field is an
option, and each field that is a settings class itself is a group of options:

| field | option |
|---|---|
| `window: int` | `--window N` |
| `chat: bool`, False or True by default | `--chat`, or `--no-chat` |
| `device: Literal["cpu", "cuda"]` | `--device {cpu,cuda}` |
| `models: tuple[str, ...]` | `--models MODEL [MODEL ...]`, which may be said again |
| `fields: dict[str, str]` | `--fields OURS=THEIRS [OURS=THEIRS ...]` |
| `parameters: dict[str, Any]` | `-p NAME VALUE` and `-y FILE`, both of which may be said again |
| `json_schema_extra=POSITIONAL`, text | a word without dashes |

argparse splits words; what they may be is checked by pydantic alone.
"""

from __future__ import annotations

import argparse
import inspect
import json
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

import yaml
from pydantic.fields import FieldInfo

from proxylib.errors import UserError
from proxylib.settings import Frozen, parsed, read_yaml, validated

POSITIONAL = {"positional": True}
METAVARS = {int: "N", float: "X", Path: "PATH"}
Kind = TypeVar("Kind", bound=Frozen)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are as all others: one line."""

    def error(self, message: str) -> NoReturn:
        """Raise the line."""
        raise UserError(f"{message}; see {self.prog} --help")


def command(commands: Any, name: str, kind: type[Kind], function: Callable[[Kind], int], repository: bool = False) -> None:
    """Add a command to the subparsers of a parser; what is parsed then holds `kind` and `function`.

    Parameters
    ----------
    commands : what `add_subparsers` returned
    name : of the command
    kind : its settings
    function : takes validated settings (see `read`) and returns the exit code
    repository : whether it works in the repository alone, not in an installed copy
    """
    text = inspect.getdoc(kind)
    summary = text.split("\n")[0].rstrip(".")
    parser = commands.add_parser(name, help=summary[0].lower() + summary[1:], description=text)
    add(parser, kind)
    parser.set_defaults(kind=kind, function=function, repository=repository)


def add(parser: Any, kind: type[Frozen]) -> None:
    """Add an option per field to a parser or to a group of one; those that must be given come first."""
    for name, field in sorted(kind.model_fields.items(), key=lambda item: not item[1].is_required()):
        if group := _group(field):
            add(parser.add_argument_group(inspect.getdoc(group).split("\n")[0].rstrip(".")), group)
        elif _plain(field) == dict[str, Any]:
            _add_parameters(parser)
        else:
            _add_option(parser, name, field)


def flag(name: str, field: FieldInfo) -> str:
    """How the command line spells a field."""
    if field.json_schema_extra == POSITIONAL:
        return name.upper()
    return f"--{'no-' * (field.default is True)}{name.replace('_', '-')}"


def help_of(field: FieldInfo) -> str:
    """The field's description, and its default where that says something; one that is on by default can be switched off."""
    default = None if field.default_factory else field.default  # what is worked out on this machine is described
    text = f"{'do not ' * (default is True)}{field.description}".replace("%", "%%")
    silent = field.is_required() or isinstance(default, bool) or default in (None, (), {})
    return text if silent else f"{text} (default {f'{default:g}' if isinstance(default, float) else default})"


def read(kind: type[Kind], given: Mapping[str, Any], where: str) -> Kind:
    """Validated settings from what the parser found.

    Parameters
    ----------
    kind : class of settings
    given : name of a field, of whichever group -> value
    where : name of the command, for errors that are about no single option

    Raises
    ------
    UserError
        One line that names the option.
    """
    names = {name: flag(name, field) for name, field in fields(kind)}
    option = lambda key: next(
        (names[part] for part in reversed(key.split(".")) if part in names), where
    )  # layout.chunk, seeds.1
    return validated(kind, _nested(kind, given), option)


def fields(kind: type[Frozen]) -> Iterator[tuple[str, FieldInfo]]:
    """Name and field of every option of a class, those of its groups included."""
    for name, field in kind.model_fields.items():
        group = _group(field)
        yield from fields(group) if group else [(name, field)]


def _nested(kind: type[Frozen], given: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for name, field in kind.model_fields.items():
        if group := _group(field):
            values[name] = _nested(group, given)
        elif _plain(field) == dict[str, Any]:
            values[name] = _parameters(given.get("yaml", []), given.get("parameter", []))
        elif name in given:
            values[name] = dict(given[name]) if _plain(field) == dict[str, str] else given[name]
    return values


def _plain(field: FieldInfo) -> Any:
    """A field's type without `| None`."""
    kind = field.annotation
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        (kind,) = (part for part in typing.get_args(kind) if part is not type(None))
    return kind


def _group(field: FieldInfo) -> type[Frozen] | None:
    kind = _plain(field)
    return kind if isinstance(kind, type) and issubclass(kind, Frozen) else None


def _add_option(parser: Any, name: str, field: FieldInfo) -> None:
    kind = _plain(field)
    how: dict[str, Any] = {"help": help_of(field), "default": argparse.SUPPRESS}
    if field.json_schema_extra == POSITIONAL:
        parser.add_argument(name, nargs=None if field.is_required() else "?", metavar=flag(name, field), **how)
        return
    how |= {"dest": name, "required": field.is_required()}
    if kind is bool:
        how |= {"action": "store_const", "const": not field.default}
    elif typing.get_origin(kind) is Literal:
        how |= {"choices": typing.get_args(kind)}
    elif typing.get_origin(kind) is dict:
        how |= {"nargs": "+", "action": "extend", "type": _pair, "metavar": "OURS=THEIRS"}
    elif typing.get_origin(kind) is tuple:
        how |= {"nargs": "+", "action": "extend", **_word(typing.get_args(kind)[0], name.removesuffix("s"))}
    else:
        how |= _word(kind, name)
    parser.add_argument(flag(name, field), **how)


def _add_parameters(parser: Any) -> None:
    parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="one parameter, VALUE in YAML: 3, 2e-4, true, text, [a, b]",
    )
    parser.add_argument("-y", "--yaml", type=Path, action="append", default=[], metavar="FILE", help="parameters from a file")


def _word(kind: type, name: str) -> dict[str, Any]:
    """How a word is shown and read: a number where one is wanted; what is none stays text, for pydantic to say so."""
    metavar = METAVARS.get(kind, name.upper().replace("_", "-"))
    return {"metavar": metavar, "type": _number if kind in (int, float) else str}


def _number(text: str) -> Any:
    try:
        return parsed(text)
    except yaml.YAMLError:
        return text


def _pair(text: str) -> tuple[str, str]:
    ours, _, theirs = text.partition("=")
    if not ours or not theirs:
        raise argparse.ArgumentTypeError(f"{text!r} is not OURS=THEIRS, such as prompt=question")
    return ours, theirs


def _parameters(files: list[Path], pairs: list[list[str]]) -> dict[str, Any]:
    """What -y and -p give together; what is said last counts, and -p after -y."""
    parameters: dict[str, Any] = {}
    for file in files:
        parameters |= read_yaml(file)
    for name, text in pairs:
        try:
            parameters[name] = parsed(text)
        except yaml.YAMLError:
            raise UserError(f"parameter {name}: {text!r} is not YAML; quote it") from None
    for name, value in parameters.items():
        try:
            if json.loads(json.dumps(value, allow_nan=False)) != value:  # such as a number for a key
                raise TypeError
        except (TypeError, ValueError):
            raise UserError(
                f"parameter {name}: only numbers, text, true, false, null, lists and mappings can be given"
            ) from None
    return parameters
