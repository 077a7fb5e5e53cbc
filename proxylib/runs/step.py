"""Steps and stages: what a study registers beside its fits, and the steps that a profile makes of it.

A stage is a function that says from a profile what a run is made of (settings, parents, hashes of what comes from outside),
registered with the number of its version, the builder that makes the run and what that needs of a machine. A step is one
such run with the notebook that shows it. Declaring steps imports no torch and asks no network.
"""

from __future__ import annotations

import importlib
import inspect
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxylib.errors import UserError
from proxylib.runs import closure
from proxylib.runs.config import ROOT, Profile
from proxylib.runs.files import sha256
from proxylib.runs.store import Key, Run, Store, Workspace
from proxylib.settings import Frozen

NOTEBOOKS = ROOT / "notebooks"
STAGE_NOTEBOOK = "stage"  # shows every stage that has no parameter but the profile
PAGE_VERSION = NOTEBOOK_VERSION = 1


@dataclass(frozen=True)
class Resources:
    """What a step needs of a machine; schedulers read it, and the longest chain of minutes begins first.

    Parameters
    ----------
    cores, memory, gpus : processor cores, GiB of main memory, GPUs
    minutes : about how long it takes on one slow core, or on the GPUs that it asks for; an order of magnitude is enough
    """

    cores: int = 1
    memory: float = 2.0
    gpus: int = 0
    minutes: float = 0.3


@dataclass(frozen=True)
class Request:
    """What a stage's function asks for.

    Parameters
    ----------
    settings : the validated config of the run; every value of it enters the run's id
    parents : role -> step whose run the builder reads
    outside : name -> hash of an input that no step makes
    name : how lists and commands call the step, unique in a profile; default the stage's name
    parameters : what its notebook is given beside the profile
    """

    settings: Frozen | None
    parents: Mapping[str, Step] = field(default_factory=dict)
    outside: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """A computation that a study registers.

    Parameters
    ----------
    name : of the stage, a folder of the store
    version : raised whenever a change of the code changes what a run holds
    builder : "module:function", imported when a run is made: `function(step, workspace)` writes the run
    declare : from a declaration, and the parameters of its notebook, to a `Request`
    resources : from settings to what a step needs
    shared : whether a run depends on published data alone, so that its record serves every profile
    whole : whether the builder reads files of its parents that a record leaves out (weights, token rows)
    """

    name: str
    version: int
    builder: str
    declare: Callable[..., Request]
    resources: Callable[[Any], Resources]
    shared: bool = False
    whole: bool = True

    @property
    def parameters(self) -> list[str]:
        """Of its notebook, beside the profile."""
        return list(inspect.signature(self.declare).parameters)[1:]

    @property
    def question(self) -> str:
        """What the stage finds out, as its declaration says first."""
        return (inspect.getdoc(self.declare) or self.name).split("\n\n")[0]

    def build(self, step: Step, workspace: Workspace) -> None:
        """Make the run."""
        module, _, function = self.builder.partition(":")
        getattr(importlib.import_module(module), function)(step, workspace)

    def source(self) -> str:
        """Digest of the code that decides what a run holds; see `closure.digest`."""
        return closure.digest([self.builder])


@dataclass(frozen=True)
class Page:
    """A notebook that reads runs and becomes a page of the book; `declare` gives a `Request` without settings."""

    name: str
    declare: Callable[..., Request]

    @property
    def parameters(self) -> list[str]:
        """Of its notebook, beside the profile."""
        return list(inspect.signature(self.declare).parameters)[1:]


class Study:
    """One chapter's stages and pages, and its section of every profile.

    Parameters
    ----------
    name : of the study's folder
    section : class of frozen settings whose fields a profile has because of this study; None if it adds none
    """

    def __init__(self, name: str, section: type[Frozen] | None = None):
        self.name, self.section = name, section
        self.stages: dict[str, Stage] = {}
        self.pages: dict[str, Page] = {}

    def stage(
        self,
        version: int,
        builder: str,
        resources: Resources | Callable[[Any], Resources] = Resources(),  # noqa: B008  (frozen)
        shared: bool = False,
        whole: bool = True,
        name: str | None = None,
    ) -> Callable[[Callable[..., Request]], Callable[..., Request]]:
        """Register the decorated function as a stage, of its own name unless another is given; see `Stage`."""
        needs = resources if callable(resources) else lambda settings: resources

        def register(function: Callable[..., Request]) -> Callable[..., Request]:
            called = name or function.__name__
            self.stages[called] = Stage(called, version, builder, function, needs, shared, whole)
            return function

        return register

    def page(self, name: str) -> Callable[[Callable[..., Request]], Callable[..., Request]]:
        """Register the decorated function as a page; its notebook has the same name."""

        def register(function: Callable[..., Request]) -> Callable[..., Request]:
            self.pages[name] = Page(name, function)
            return function

        return register


@dataclass(frozen=True)
class Step:
    """One cell of the grid: a run that may exist or not, and the notebook that shows it.

    Parameters
    ----------
    name : how lists and commands call it, unique in a profile
    notebook : its source
    parameters : what papermill injects
    settings : the validated config of the run
    key : of the run that the notebook makes
    parents : role -> step whose run the notebook reads
    store : where the runs are
    stage : what makes the run; None for a page, whose run is the executed notebook
    resources : what it needs of a machine
    """

    name: str
    notebook: Path
    parameters: Mapping[str, Any]
    settings: Frozen | None
    key: Key
    parents: Mapping[str, Step]
    store: Store
    stage: Stage | None = None
    resources: Resources = field(default_factory=Resources)

    @property
    def page(self) -> bool:
        """Whether the executed notebook is a page of the book."""
        return self.stage is None

    @property
    def whole(self) -> bool:
        """Whether it reads files of its parents that a record leaves out."""
        return self.stage is not None and self.stage.whole

    @property
    def shared(self) -> bool:
        """Whether its record serves every profile."""
        return self.stage is not None and self.stage.shared

    def parent(self, role: str) -> Run:
        """The finished run of a parent; `UserError` if it is missing."""
        return self.store.get(self.parents[role].key)

    def produce(self) -> Run:
        """The step's run, made by its stage's builder unless it exists."""
        return self.store.produce(self.key, lambda workspace: self.stage.build(self, workspace))

    @property
    def arguments(self) -> list[str]:
        """The parameters as `proxylib run` takes them."""
        return [part for name, value in self.parameters.items() for part in ("-p", name, str(value))]

    @property
    def command(self) -> str:
        """What a person types in the project's folder to run this step again."""
        notebook = self.notebook.relative_to(ROOT) if self.notebook.is_relative_to(ROOT) else self.notebook
        return f"proxylib run {notebook} {shlex.join(self.arguments)}"


class Declaration:
    """A profile being declared: stages ask it for the steps that they stand on, whichever study makes them.

    Parameters
    ----------
    profile : validated settings
    store : where the runs are
    stages, pages : what the studies registered, by name
    """

    def __init__(self, profile: Profile, store: Store, stages: Mapping[str, Stage], pages: Mapping[str, Page]):
        self.profile, self.store = profile, store
        self._stages, self._pages = stages, pages
        self.made: dict[str, Step] = {}

    def step(self, name: str, **parameters: Any) -> Step:
        """The step of a stage with these parameters; those that are None are as in the profile."""
        stage = self._stages[name]
        request = stage.declare(self, **{key: value for key, value in parameters.items() if value is not None})
        inputs = {role: parent.key.run_id for role, parent in request.parents.items()} | dict(request.outside)
        config = {} if request.settings is None else request.settings.model_dump(mode="json")
        key = Key(stage.name, stage.version, config, inputs)
        parametrised = bool(stage.parameters)
        given = {"profile": self.profile.name, **({} if parametrised else {"stage": name}), **request.parameters}
        path = NOTEBOOKS / "stages" / f"{name if parametrised else STAGE_NOTEBOOK}.ipynb"
        needs = stage.resources(request.settings)
        return self._once(
            Step(request.name or name, path, given, request.settings, key, request.parents, self.store, stage, needs)
        )

    def page(self, name: str, **parameters: Any) -> Step:
        """A page's step: its run depends on the notebook's cells, on what it reads and on the code that they call."""
        request = self._pages[name].declare(self, **{key: value for key, value in parameters.items() if value is not None})
        path = NOTEBOOKS / "pages" / f"{name}.ipynb"
        inputs = {role: parent.key.run_id for role, parent in request.parents.items()} | dict(request.outside)
        inputs |= {"cells": cells_digest(path), "code": closure.digest_of_notebook(path)}
        given = {"profile": self.profile.name, **request.parameters}
        key = Key("page", PAGE_VERSION, {"notebook": name, "parameters": given}, inputs)
        return self._once(Step(f"page/{name}", path, given, None, key, request.parents, self.store))

    def _once(self, step: Step) -> Step:
        return self.made.setdefault(step.key.run_id, step)


def with_parents(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps and all that they stand on, parents before children."""
    ordered: dict[str, Step] = {}

    def visit(step: Step) -> None:
        if step.key.run_id not in ordered:
            for parent in step.parents.values():
                visit(parent)
            ordered[step.key.run_id] = step

    for step in steps:
        visit(step)
    return tuple(ordered.values())


def named(steps: Iterable[Step], names: Iterable[str]) -> tuple[Step, ...]:
    """The steps of these names with all that they stand on; `UserError` if there is none of a name."""
    known = {step.name: step for step in steps}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"parameter only: no step is called {unknown[0]}; proxylib grid --list shows them")
    return with_parents(known[name] for name in names)


def chains(steps: Iterable[Step]) -> dict[str, float]:
    """Run id -> minutes of the longest chain that begins with the step: what has to wait for it, one after the other.

    Parameters
    ----------
    steps : parents before children
    """
    longest: dict[str, float] = {}
    for step in reversed(list(steps)):
        minutes = longest.get(step.key.run_id, 0.0) + (0.0 if step.page else step.resources.minutes)
        longest[step.key.run_id] = minutes
        for parent in step.parents.values():
            longest[parent.key.run_id] = max(longest.get(parent.key.run_id, 0.0), minutes)
    return longest


def cells_digest(notebook: Path) -> str:
    """SHA-256 of a notebook's cell sources and tags: what decides its output, and nothing that an editor adds."""
    parts = [
        f"{cell['cell_type']}\n{cell['metadata'].get('tags', [])}\n{cell['source']}" for cell in closure.cells_of(notebook)
    ]
    return sha256("\n\x00".join(parts).encode())
