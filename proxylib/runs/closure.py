"""The code that something depends on: definitions reached from a function by reading imports, never from a list kept by hand.

From a builder, or from the cells of a notebook, every function, class and constant of proxylib whose name is used is
followed into the module that defines it. The digest is over the definitions alone, so that moving one to another module
changes nothing, while editing one that is reached does, whatever room it stands in.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
#: how runs are kept and walked, and how settings are read; its tests answer for it, and no table depends on it
ENGINE = ("proxylib.runs", "proxylib.errors", "proxylib.settings", "proxylib.cli")

OWN_FOLDER = "f'{__name__}.{name}'"  # how a package names a folder of its own that it imports

Name = tuple[str, str]  # module, definition


@dataclass(frozen=True)
class Module:
    """A module's source: its definitions, what its imports bind, and the statements that are neither."""

    definitions: dict[str, list[ast.stmt]]
    imports: dict[str, Name]
    loose: list[ast.stmt]


def reached(roots: Iterable[str]) -> dict[Name, str]:
    """(module, definition) -> source without comments, layout and docstrings, for everything that roots reach.

    Parameters
    ----------
    roots : "module:definition", or "module" for all of it

    Notes
    -----
    A method that is called on an object counts with the object's class, which is named where the object is made. What is
    looked up by a text that the program computes is not seen, unless the module that holds it is named: then all of it counts.
    A package that imports a folder of its own by name, as f"{__name__}.{name}", counts with all of its folders.
    """
    waiting = [_root(root) for root in roots]
    seen: dict[Name, str] = {}
    while waiting:
        name = waiting.pop()
        if name in seen or name[0].startswith(ENGINE):
            continue
        seen[name], used = _definition(name)
        waiting += used
    return seen


def digest(roots: Iterable[str]) -> str:
    """SHA-256 of all that roots reach; the same wherever the definitions stand."""
    return hashlib.sha256("\n".join(sorted(set(reached(roots).values()))).encode()).hexdigest()


def digest_of_notebook(notebook: Path) -> str:
    """SHA-256 of all that the code cells of a notebook reach."""
    return digest(called_by(notebook))


def modules(roots: Iterable[str]) -> set[str]:
    """Names of the modules in which something is reached."""
    return {module for module, _ in reached(roots)}


def preload(roots: Iterable[str]) -> None:
    """Import the modules that roots reach, and what their functions import when they are called, as far as it is there."""
    names = reached(roots)
    for module in {module for module, _ in names}:
        _imported(module)
    nested = (node for name in names for statement in _nodes(name) for node in ast.walk(statement))
    for node in nested:
        if isinstance(node, ast.Import):
            for alias in node.names:
                _imported(alias.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:  # the name too: packages such as transformers import it only when it is asked for
                getattr(_imported(node.module), alias.name, None)


def _imported(module: str) -> ModuleType | None:
    try:
        return importlib.import_module(module)
    except Exception:  # an optional package that is missing or broken: whoever needs it says so better
        return None


def forget() -> None:
    """Read sources anew: they are kept as they were first read, as a process runs what it has imported."""
    for kept in (_path, _module, _definition, _called):
        kept.cache_clear()


def called_by(notebook: Path) -> list[str]:
    """What the code cells of a notebook name, as roots."""
    return _called("\n".join(cell["source"] for cell in cells_of(notebook) if cell["cell_type"] == "code"))


@lru_cache(maxsize=512)
def _called(source: str) -> list[str]:
    tree = ast.parse(source)
    imports = dict(_bound(tree, ""))
    names = {name for node in tree.body for name in _used(node, "", Module({}, imports, []))}
    return [f"{module}:{definition}" if definition else module for module, definition in sorted(names)]


def cells_of(notebook: Path) -> list[dict[str, Any]]:
    """Cells of a source notebook with their sources as text, read as JSON: importing nbformat takes seconds."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in cells]


@cache  # notebooks reach much the same code
def _definition(name: Name) -> tuple[str, list[Name]]:
    """Source of a definition, without docstrings, and what it names."""
    nodes = _nodes(name)
    source = "\n".join(spelt(_without_docstrings(node)) for node in nodes)
    return source, [used for node in nodes for used in _used(node, name[0], _module(name[0]))]


def _root(root: str) -> Name:
    module, _, definition = root.partition(":")
    return module, definition


def _nodes(name: Name) -> list[ast.stmt]:
    """The statements of a definition; all of a module where the name is a module's, or the definition is not found."""
    module = _module(name[0])
    defining = module.definitions.get(name[1], [])
    if name[1] and (defining or name[1] in module.imports):
        return defining or [ast.Expr(ast.Name(name[1], ast.Load()))]
    return [*module.loose, *(node for nodes in module.definitions.values() for node in nodes)]


def _used(node: ast.stmt, where: str, module: Module) -> Iterator[Name]:
    """What a statement names: definitions of its own module, and of those that it or its module imports."""
    bound = module.imports | dict(_bound(node, where))
    whole: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr) and ast.unparse(part) == OWN_FOLDER:
            yield from ((f"{where}.{folder}", "") for folder in _folders(where))
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id in bound:
            target = bound[part.value.id]
            if not target[1]:  # an attribute of a module
                part.value._followed = True
                yield _followed((target[0], part.attr))
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and not getattr(part, "_followed", False):
            if part.id in module.definitions:
                yield where, part.id
            elif part.id in bound and part.id not in whole:
                whole.add(part.id)
                yield _followed(bound[part.id])


def _followed(name: Name) -> Name:
    """A submodule is a module; a name that a package only passes on is followed to where it is defined."""
    module, definition = name
    if definition and _path(f"{module}.{definition}"):
        return f"{module}.{definition}", ""
    while definition and _path(module) and definition not in _module(module).definitions:
        if definition not in _module(module).imports:
            return module, ""  # made by a statement that is no definition: all of the module
        module, definition = _module(module).imports[definition]
    return module, definition


def _bound(tree: ast.AST, where: str) -> Iterator[tuple[str, Name]]:
    """local name -> (module, definition), of every import of proxylib in a piece of code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "proxylib":
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield alias.asname or alias.name, ((submodule, "") if _path(submodule) else (node.module, alias.name))
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ValueError(f"{where}: a relative import; modules of proxylib import each other by their whole names")


def _folders(package: str) -> list[str]:
    return sorted(path.parent.name for path in (PACKAGE.parent / Path(*package.split("."))).glob("*/__init__.py"))


@lru_cache(maxsize=512)
def _path(module: str) -> Path | None:
    place = PACKAGE.parent / Path(*module.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if module.startswith("proxylib") and path.exists():
            return path
    return None


@lru_cache(maxsize=512)
def _module(name: str) -> Module:
    path = _path(name)
    if path is None:
        raise ValueError(f"{name}: no module of proxylib")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    definitions: dict[str, list[ast.stmt]] = {}
    loose = []
    for node in tree.body:
        names = list(_defined(node))
        for defined in names:
            definitions.setdefault(defined, []).append(node)
        if not names and not isinstance(node, ast.Import | ast.ImportFrom):
            loose.append(node)
    top = ast.Module([node for node in tree.body if isinstance(node, ast.ImportFrom | ast.If | ast.Try)], [])
    return Module(definitions, dict(_bound(top, name)), loose)


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def spelt(node: Any) -> str:
    """A tree as text, alike under every Python: releases differ in empty lists, new fields, and empty ends of f-strings."""
    if isinstance(node, list):
        return f"[{', '.join(map(spelt, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.JoinedStr):
        node = ast.JoinedStr([part for part in node.values if getattr(part, "value", None) != ""])
    fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
    return f"{type(node).__name__}({', '.join(f'{name}={spelt(value)}' for name, value in fields)})"


def _without_docstrings(node: ast.stmt) -> ast.stmt:
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(part):
            part.body = part.body[1:] or [ast.Pass()]
    return node
