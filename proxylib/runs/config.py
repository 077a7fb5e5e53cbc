"""Profiles: sections that the studies bring, composed into one frozen class and read from YAML.

A profile is `configs/base.yaml` with the differences of `configs/<profile>.yaml` laid over it. Every key is checked:
an unknown key, a wrong type or a value out of range stops with one line that names the file and the key.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, create_model

from proxylib.errors import UserError
from proxylib.settings import Frozen, overlay, read_yaml, validated
from proxylib.stats import Bootstrap

ROOT = Path(__file__).resolve().parents[2]
ProfileName = Literal["smoke", "lab", "reference", "tuning", "hub"]
PROFILES = get_args(ProfileName)


class Profile(Frozen):
    """What every profile has; the studies add their sections (see `compose`)."""

    name: ProfileName
    pages: tuple[str, ...] = Field(description="pages that this profile runs; others are taken as shipped")
    stages: tuple[str, ...] = Field(default=(), description="stages that it runs whether a page reads them or not")
    bootstrap: Bootstrap


def compose(sections: Iterable[type[Frozen]]) -> type[Profile]:
    """The class of a profile that has the fields and checks of every section."""
    return create_model("Profile", __base__=(*sections, Profile))


def load(profile: str, kind: type[Profile], folder: Path | None = None) -> Profile:
    """The profile of that name: the base with its differences, validated.

    Parameters
    ----------
    profile : one of `PROFILES`
    kind : see `compose`
    folder : of the YAML files; default as `config_folder`

    Raises
    ------
    UserError
        Unknown profile, unreadable file, unknown key, wrong type or value out of range.
    """
    check_name(profile)
    folder = folder or config_folder()
    path = folder / f"{profile}.yaml"
    values = overlay(read_yaml(folder / "base.yaml"), read_yaml(path))
    for name in ("threads", "device"):  # said once, used by every section that computes
        if name in values:
            value = values.pop(name)
            for section, field in kind.model_fields.items():
                if name in getattr(field.annotation, "model_fields", {}):
                    values.setdefault(section, {}).setdefault(name, value)
    return validated(kind, {"name": profile, **values}, str(path))


def in_repository() -> bool:
    """Whether this copy of the package lies in its repository, configs and notebooks beside it; a wheel holds neither."""
    return (ROOT / "configs" / "base.yaml").is_file() and (ROOT / "notebooks").is_dir()


def refuse_outside(what: str) -> None:
    """`UserError` where something needs the repository and this copy was installed without it."""
    if not in_repository():
        raise UserError(
            f"{what}: works in the repository of proxylib alone, with its configs, notebooks and records, and this is an "
            "installed copy; clone the repository and call it there"
        )


def check_name(profile: str) -> None:
    """`UserError` if there is no such profile."""
    if profile not in PROFILES:
        raise UserError(f"parameter profile: '{profile}' is unknown; choose one of {', '.join(PROFILES)}")


def config_folder() -> Path:
    """Where the YAML files are: the environment variable PROXYLIB_CONFIGS, else `configs/` of the repository."""
    if named := os.environ.get("PROXYLIB_CONFIGS"):
        return Path(named)
    if not in_repository():
        raise UserError(
            "the configs (base.yaml, hub.yaml) stand in the repository of proxylib, and this is an installed copy; clone the "
            "repository, or set PROXYLIB_CONFIGS to a folder that holds them"
        )
    return ROOT / "configs"
