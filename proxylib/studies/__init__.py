"""One folder per chapter of the book; what they register is found here, and nowhere listed.

A folder with a `stages.py` that holds a `study` (see `runs.step.Study`) is a study. The grid of a profile is what its pages
need, whichever study declares it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from proxylib.errors import UserError
from proxylib.runs import config
from proxylib.runs.config import Profile
from proxylib.runs.files import sha256
from proxylib.runs.step import Declaration, Page, Request, Stage, Step, Study, with_parents
from proxylib.runs.store import Store

scoreboard = Study("scoreboard")


@scoreboard.page("scoreboard")
def _scoreboard(d: Declaration) -> Request:
    """The last page: verdicts of every study."""
    return Request(None, outside={"scoreboard": sha256(config.ROOT / "results" / "scoreboard.json")})


class Registry(NamedTuple):
    """What all studies registered, and the class of a profile that has their sections."""

    stages: Mapping[str, Stage]
    pages: Mapping[str, Page]
    profile: type[Profile]


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Every study's stages and pages; a name that two studies give stops here."""
    folders = sorted(path.parent.name for path in Path(__file__).parent.glob("*/stages.py"))
    discovered = [importlib.import_module(f"{__name__}.{folder}.stages").study for folder in folders]
    stages: dict[str, Stage] = {}
    pages: dict[str, Page] = {}
    for study in (*discovered, scoreboard):
        for mine, all_of_them in ((study.stages, stages), (study.pages, pages)):
            twice = set(mine) & set(all_of_them)
            assert not twice, f"{study.name}: {twice} is registered by another study too"
            all_of_them |= mine
    return Registry(stages, pages, config.compose(study.section for study in discovered if study.section))


def profile(name: str) -> Profile:
    """The validated settings of a profile, every study's section included."""
    return config.load(name, registry().profile)


def declaration(profile: str) -> Declaration:
    """A profile to declare steps from."""
    known = registry()
    return Declaration(config.load(profile, known.profile), Store(profile), known.stages, known.pages)


def declare(name: str, profile: str, **parameters: Any) -> Step:
    """The step of a stage or of a page, validated.

    Parameters
    ----------
    name : of the stage or page
    profile : one of `config.PROFILES`
    parameters : the notebook's own; None means "as in the profile"

    Raises
    ------
    UserError
        Unknown name, profile, parameter or model, or a value of the wrong type.
    """
    return _declared(registry().stages, "stage", name, profile, parameters)


def declare_page(name: str, profile: str, **parameters: Any) -> Step:
    """Likewise, of a page."""
    return _declared(registry().pages, "page", name, profile, parameters)


def _declared(known: Mapping[str, Any], kind: str, name: str, profile: str, parameters: Mapping[str, Any]) -> Step:
    if name not in known:
        raise UserError(f"{kind} {name} is unknown; there are {', '.join(known)}")
    unknown = [given for given in parameters if given not in known[name].parameters]
    if unknown:
        raise UserError(
            f"parameter {unknown[0]} is unknown in {name}; it has {', '.join(['profile', *known[name].parameters])}"
        )
    d = declaration(profile)
    return (d.step if kind == "stage" else d.page)(name, **parameters)


def steps(profile: str) -> tuple[Step, ...]:
    """Every step of a profile, parents before children."""
    d = declaration(profile)
    for page in d.profile.pages:
        if page not in registry().pages:
            raise UserError(f"configs/{profile}.yaml: page {page} is unknown; there are {', '.join(registry().pages)}")
        d.page(page)
    for stage in d.profile.stages:
        if stage not in registry().stages:
            raise UserError(f"configs/{profile}.yaml: stage {stage} is unknown; there are {', '.join(registry().stages)}")
        d.step(stage)
    return with_parents(d.made.values())


def pages(profile: str) -> dict[str, Step]:
    """The page steps that a profile runs itself, by name; `UserError` for one that runs none."""
    d = declaration(profile)
    if not d.profile.pages:
        raise UserError(f"parameter profile: {profile} runs no pages; there is no book of it")
    return {name: d.page(name) for name in d.profile.pages}


def step_of_notebook(notebook: Path, parameters: Mapping[str, Any]) -> Step | None:
    """The grid's step that a notebook with these parameters is; None for a notebook of the user's own."""
    from proxylib.runs.step import NOTEBOOKS, STAGE_NOTEBOOK

    given = dict(parameters)
    place = notebook.resolve()
    if place.parent == NOTEBOOKS / "pages":
        return declare_page(notebook.stem, **given)
    if place.parent == NOTEBOOKS / "stages":
        return declare(given.pop("stage") if notebook.stem == STAGE_NOTEBOOK else notebook.stem, **given)
    return None
