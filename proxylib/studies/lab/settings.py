"""Settings of the lab: its section of a profile, and what its runs are made from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from proxylib.data import corpora
from proxylib.data.settings import Material
from proxylib.errors import UserError
from proxylib.measure.settings import Extraction
from proxylib.models.settings import Evaluation, Model, Training
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap


class CorporaSettings(Frozen):
    """What a `corpora` run is made from."""

    material: Material
    tokens: int = Field(ge=1000, description="length to which every recipe is written out and described")


class Replication(Frozen):
    """One population per seed, every mix in one style or in both, crossed."""

    style: Literal["crossed", "expert", "other"]
    seeds: tuple[int, ...] = Field(min_length=1)


class Member(Frozen):
    """One trained model of a population."""

    model: Model
    seed: int
    style: Literal["crossed", "expert", "other"]

    @property
    def name(self) -> str:
        """Model, style of a population that is not the crossed one, and training seed."""
        return f"{self.model.name}{'' if self.style == 'crossed' else '-' + self.style}-seed{self.seed}"


class PopulationSettings(Frozen):
    """What a `population` run pools."""

    members: tuple[Member, ...]
    bootstrap: Bootstrap


class Section(Frozen):
    """What the lab adds to a profile: the material, the population and how it is trained and measured."""

    seeds: tuple[int, ...] = Field(min_length=1, description="training seeds of the whole population")
    material: Material
    population: tuple[Model, ...] = Field(min_length=1)
    corpus_tokens: int = Field(ge=1000, description="length to which every corpus recipe is written out and described")
    expert: Model = Field(description="larger than any candidate and of another family: its log-probabilities weigh rBridge")
    styles: tuple[Replication, ...] = Field(description="populations beside the crossed one, for the dial of styles")
    training: Training
    extraction: Extraction
    evaluation: Evaluation

    @model_validator(mode="after")
    def _lab_is_consistent(self) -> Section:
        names = [model.name for model in self.population]
        if len(set(names)) < len(names):
            raise ValueError(f"population: two models share a name ({', '.join(names)})")
        for model in (*self.population, self.expert):
            corpora.recipe(model.mix)  # an unknown recipe stops here
        if self.expert.family in {model.family for model in self.population}:
            raise ValueError(f"expert: its family {self.expert.family} is that of a candidate")
        if self.training.batch_tokens < self.training.context:
            raise ValueError("training.batch_tokens: smaller than training.context, so a step holds no row")
        return self

    def model(self, name: str) -> Model:
        """The model of that name; `UserError` names those that exist."""
        models = (*self.population, self.expert)
        for model in models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in models)
        raise UserError(f"parameter model: '{name}' is not in this profile; it has {known}")
