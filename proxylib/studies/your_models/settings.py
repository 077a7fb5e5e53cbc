"""Settings of the study of your own models: its section of a profile, and what its runs are made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from proxylib.measure.settings import Extraction, ExtractSettings, OverTraces
from proxylib.settings import Frozen, validated
from proxylib.stats import Bootstrap

BOOTSTRAP = Bootstrap(draws=2000, level=0.95, seed=7)  # of the command, over problems


class Example(Frozen):
    """The page on models of your own, shown on models of the lab."""

    models: int = Field(ge=2, description="the first so many of the population")
    items: int = Field(ge=4, description="traces per task")


class YourModelsSettings(Frozen):
    """What an `your_models` run is made from, beside its parents."""

    models: tuple[str, ...]
    items: int
    extraction: Extraction
    bootstrap: Bootstrap


class Rank(OverTraces):
    """Rank your models by the proxy named in advance."""

    models: tuple[str, ...] = Field(
        description="folders of transformers or peft, or NAME or NAME@REVISION on the hub; at least two"
    )
    scores: Path | None = Field(
        default=None, description="CSV file of known scores (columns model, score): a ranker is fitted too"
    )
    prose: Path | None = Field(
        default=None, description="plain text of the kind that your models are for: loss on it stands beside the proxy"
    )


class Section(Frozen):
    """What the study adds to a profile."""

    your_models: Example


def from_parameters(given: Mapping[str, Any]) -> Rank:
    """What `rank` is asked for by the parameters of the page's notebook; `UserError` names the one that is wrong."""
    known = {name: given[name] for name in Rank.model_fields if name in given}
    settings = {name: given[name] for name in ExtractSettings.model_fields if name in given}
    return validated(Rank, known | {"settings": settings}, lambda key: f"parameter {key.split('.')[-1]}")
