"""Settings of the study of your own models: its section of a profile, and what its runs are made from."""

from __future__ import annotations

from pydantic import Field

from proxylib.measure.settings import Extraction
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap


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


class Section(Frozen):
    """What the study adds to a profile."""

    your_models: Example
