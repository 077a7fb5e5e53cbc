"""Parameters of a notebook: what its cell tagged `parameters` assigns, read without running it, and values given instead.

papermill puts given values into a cell behind that one. Whatever papermill takes is read here, too; what a given value could
not replace, or would replace too late, is refused by name.
"""

from __future__ import annotations

import ast
import json
import operator
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from proxylib.errors import UserError
from proxylib.text import without_keys

TAG = "parameters"
#: types of values that can be given, by the names that annotations have for them
GIVEN = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    **dict.fromkeys(("list", "List", "Sequence"), (list,)),
    **dict.fromkeys(("dict", "Dict", "Mapping"), (dict,)),
    "None": (type(None),),
}
#: types that no word of a command line and no file of YAML holds
NEVER = ("set", "Set", "frozenset", "tuple", "Tuple", "bytes", "complex", "date", "datetime", "ellipsis")
ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
MOST = 10**30  # of a number worked out here; anything larger is left to the kernel


class Parameter(NamedTuple):
    """A name that a parameters cell assigns.

    Parameters
    ----------
    default : its value as JSON has it; its source, where that is no such value or only the kernel can tell
    kind : name of its type, "" where anything may be given
    kinds : the types that may be given; none where `kind` is one that cannot
    line : of the cell
    given : whether the cell gives it a value at all
    """

    default: Any
    kind: str
    kinds: tuple[type, ...]
    line: int
    given: bool = True


class _Unknown(Exception):
    """A value that only the kernel can tell."""


def read(notebook: Path) -> dict[str, Parameter]:
    """What the parameters cell assigns, in its order.

    Raises
    ------
    UserError
        No such file, no notebook, none for Python, no such cell or two, or one that is no Python.
    """
    return dict(_assigned(_parsed(notebook)))


def defaults(notebook: Path) -> dict[str, Any]:
    """Name -> default; see `Parameter`."""
    return {name: parameter.default for name, parameter in read(notebook).items() if parameter.given}


def check(notebook: Path, given: Mapping[str, Any]) -> None:
    """Refuse what cannot take a parameter's place; None takes any.

    Raises
    ------
    UserError
        An unknown parameter; a value of another type than the annotation's, or else the default's; one from which the cell
        works out something else before papermill puts the given value in; a parameter without any value.
    """
    tree = _parsed(notebook)
    known = dict(_assigned(tree))
    _refuse_keys({name: parameter.default for name, parameter in known.items()} | dict(given))
    for name, value in given.items():
        if name not in known:
            raise UserError(f"parameter {name} is unknown in {notebook.name}; it has {', '.join(known) or 'none'}")
        _check_kind(f"parameter {name} of {notebook.name}", known[name], value)
    for name, parameter in known.items():
        if not parameter.given and name not in given:
            raise UserError(f"parameter {name} of {notebook.name} has no default; give it: -p {name} VALUE")
    _refuse_late(notebook, tree, given)


def _refuse_keys(values: Mapping[str, Any]) -> None:
    """A run's manifest and notebook would keep them."""
    for name, value in values.items():
        spelt = json.dumps(value, default=str)
        if without_keys(spelt) != spelt:
            raise UserError(
                f"parameter {name}: holds a key, which would be kept; let the notebook read it from the environment"
            )


def _check_kind(what: str, parameter: Parameter, value: Any) -> None:
    if value is None or not parameter.kind:
        return
    if not parameter.kinds:
        raise UserError(
            f"{what} is a {parameter.kind}, which cannot be given; take text or a list and convert it in a later cell"
        )
    if not isinstance(value, parameter.kinds) or (isinstance(value, bool) and bool not in parameter.kinds):
        raise UserError(f"{what}: expected {parameter.kind}, given {value!r} ({type(value).__name__})")


def _refuse_late(notebook: Path, tree: ast.Module, given: Mapping[str, Any]) -> None:
    """A value that comes behind the cell does not reach what the cell itself works out."""
    for node in tree.body:
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}
        if (late := sorted(names & given.keys())) and not ({name for name, _, _, _ in _targets(node)} or {""}) <= given.keys():
            raise UserError(
                f"{notebook.name}, parameters cell, line {node.lineno}: reads {late[0]} before the given value takes its "
                "place; move that line into a later cell"
            )


def _parsed(notebook: Path) -> ast.Module:
    """The parameters cell as Python."""
    import nbformat

    if not notebook.exists():
        raise UserError(f"{notebook}: no such file")
    try:
        with warnings.catch_warnings(action="ignore"):
            whole = nbformat.read(notebook, as_version=4)
            nbformat.validate(whole)
    except Exception as error:  # nbformat raises its own kinds, json's and OSError
        raise UserError(f"{notebook}: not a notebook ({type(error).__name__})") from None
    if "orig_nbformat" in whole.metadata and whole.metadata.orig_nbformat < 4:
        raise UserError(f"{notebook}: a notebook of an older format; open and save it in Jupyter")
    info = whole.metadata.get("language_info") or {}
    language = info.get("name") or whole.metadata.get("kernelspec", {}).get("language") or "python"
    if str(language).lower() not in ("python", "python3", "ipython"):
        raise UserError(f"{notebook}: a notebook of the language {str(language)[:40]!r}; only Python is run")
    tagged = [cell for cell in whole.cells if TAG in cell.metadata.get("tags", [])]
    if not tagged:
        raise UserError(f"{notebook}: no cell is tagged '{TAG}'")
    if len(tagged) > 1:
        raise UserError(
            f"{notebook}: {len(tagged)} cells are tagged '{TAG}', and given values would replace the first alone; tag one"
        )
    if tagged[0].cell_type != "code":
        raise UserError(f"{notebook}: the cell tagged '{TAG}' holds no code")
    return _python(notebook, tagged[0].source)


def _python(notebook: Path, source: str) -> ast.Module:
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes in text
            try:
                return ast.parse(source)
            except SyntaxError:
                from IPython.core.inputtransformer2 import TransformerManager  # magics, ! and ?

                return ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise UserError(f"{notebook}, {TAG} cell{line}: not Python; mend the cell") from None


def _assigned(tree: ast.Module) -> Iterator[tuple[str, Parameter]]:
    """Every name that the cell assigns, with what holds in the end: an annotation goes on where a value is replaced."""
    noted: dict[str, ast.expr] = {}
    latest: dict[str, Parameter] = {}
    for node in tree.body:
        for name, value, annotation, plain in _targets(node):
            noted |= {name: annotation} if annotation is not None else {}
            parameter = _parameter(value if plain else None, noted.get(name), node)
            if value is not None or name not in latest:
                latest[name] = parameter
    yield from latest.items()


def _targets(node: ast.stmt) -> list[tuple[str, ast.expr | None, ast.expr | None, bool]]:
    """Names that a statement assigns, each with its value and annotation, and whether that is its value as it stands."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [(node.target.id, node.value, node.annotation, True)]
    if isinstance(node, ast.Assign):
        pairs = [pair for target in node.targets for pair in _paired(target, node.value)]
        return [(name, value or node.value, None, value is not None) for name, value in pairs]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Expr)):
        return []
    inside = [part for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
    return [(part.id, part, None, False) for part in inside]


def _paired(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr | None]]:
    """Names of a target, each with what it is given, or None where that cannot be seen."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, (ast.Tuple, ast.List)):
        alike = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
        starred = any(isinstance(part, ast.Starred) for part in (*target.elts, *(value.elts if alike else ())))
        for place, part in enumerate(target.elts):
            if alike and not starred:
                yield from _paired(part, value.elts[place])
            else:
                yield from ((name.id, None) for name in ast.walk(part) if isinstance(name, ast.Name))


def _parameter(value: ast.expr | None, annotation: ast.expr | None, node: ast.stmt) -> Parameter:
    source, given = ast.unparse(node if value is None else value), not (isinstance(node, ast.AnnAssign) and node.value is None)
    try:
        plain = _value(value)
        kind = "" if plain is None else type(plain).__name__
        default = plain if _is_json(plain) else source
    except (_Unknown, ValueError, TypeError, SyntaxError, ArithmeticError, RecursionError, MemoryError):
        default, kind = source, _called(value)
    noted = _annotated(annotation)
    if noted is not None:
        kind = "" if noted == ("Any",) else " or ".join(dict.fromkeys(noted))
        return Parameter(default, kind, tuple(t for name in noted for t in GIVEN.get(name, ())), node.lineno, given)
    return Parameter(default, kind, GIVEN.get(kind, ()), node.lineno, given)


def _is_json(value: Any) -> bool:
    try:
        return json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError, RecursionError):
        return False


def _value(node: ast.expr | None) -> Any:
    """What an expression of literals and numbers is."""
    if node is None:
        raise _Unknown
    if isinstance(node, ast.BinOp) and (how := ARITHMETIC.get(type(node.op))):
        left, right = _value(node.left), _value(node.right)
        if not all(isinstance(side, (int, float)) and abs(side) <= MOST for side in (left, right)):
            raise _Unknown
        return how(left, right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        left, right = _value(node.left), _value(node.right)
        if not (isinstance(left, (int, float)) and isinstance(right, int) and abs(left) <= 1000 and abs(right) <= 10):
            raise _Unknown
        return left**right
    return ast.literal_eval(node)


def _called(node: ast.expr | None) -> str:
    """The type that a call makes, where its name is one's: set([1]), datetime.date(2024, 1, 1); "" for all else."""
    if isinstance(node, (ast.Set, ast.SetComp)):
        return "set"
    if isinstance(node, ast.Tuple):
        return "tuple"
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name if name in NEVER or (name in GIVEN and isinstance(node.func, ast.Name)) else ""
    return ""


def _annotated(node: ast.expr | None) -> tuple[str, ...] | None:
    """Names of the types that an annotation allows; ("Any",) for all of them, None where it is not understood."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _annotated(ast.parse(node.value, mode="eval").body)
        except (SyntaxError, ValueError):
            return None
    if isinstance(node, ast.Constant) and node.value is None:
        return ("None",)
    if isinstance(node, ast.Attribute):
        node = ast.Name(node.attr)
    if isinstance(node, ast.Name):
        return (node.id,) if node.id in (*GIVEN, *NEVER, "Any") else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _together([node.left, node.right])
    if isinstance(node, ast.Subscript):
        outer = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer in ("Optional", "Union"):
            return _together([*inner, *([ast.Constant(None)] if outer == "Optional" else [])])
        return _annotated(inner[0]) if outer in ("Annotated", "Final", "ClassVar") else _annotated(node.value)
    return None


def _together(nodes: list[ast.expr]) -> tuple[str, ...] | None:
    parts = [_annotated(node) for node in nodes]
    if any(part is None for part in parts):
        return None
    names = tuple(name for part in parts for name in part)
    return ("Any",) if "Any" in names else names
