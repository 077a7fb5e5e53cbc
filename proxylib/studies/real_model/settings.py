"""Settings of the study: which copies there are, and how each is measured."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from proxylib.errors import UserError
from proxylib.models.settings import Lora
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap

Kind = Literal[
    "sound", "layers dropped", "bits of a weight", "noise", "good solutions", "wrong solutions", "shuffled solutions"
]
TAUGHT = ("good solutions", "wrong solutions", "shuffled solutions")
SOUND = "sound"


class Copy(Frozen):
    """One copy of the model: how it was damaged, and how much."""

    kind: Kind
    dose: float = Field(
        default=0, ge=0, description="layers; bits; spread of the noise, of each matrix's own; examples of a fine-tune"
    )

    @property
    def name(self) -> str:
        """Kind and dose."""
        return self.kind if self.kind == SOUND else f"{self.kind} {self.dose:g}"

    @model_validator(mode="after")
    def _whole(self) -> Copy:
        if self.kind == "bits of a weight" and self.dose < 2:
            raise ValueError("dose: a rounded weight needs two bits at least")
        if self.kind not in (SOUND, "noise") and self.dose != int(self.dose):
            raise ValueError(f"dose: {self.kind} come whole")
        return self


class Asked(Frozen):
    """What every copy is asked."""

    published: bool = Field(description="whether texts are the published sets'; else the lab's stand in their place")
    traces: int = Field(ge=2, description="problems of each set whose worked solution is read")
    passages: int = Field(ge=2, description="of prose, whose loss is taken")
    questions: dict[str, int] = Field(description="task of four answers -> its questions")
    longest: int = Field(ge=100, description="characters of a problem with its solution: what is longer is left out")
    seed: int = Field(ge=0, description="of all that is drawn")


class RealModel(Frozen):
    """A ladder of damaged copies of one pretrained model."""

    copies: tuple[Copy, ...] = Field(min_length=2)
    asked: Asked
    lora: Lora = Field(description="of the copies that are taught")
    shown: int = Field(ge=1, description="solutions of a source that are shown in colours")

    @model_validator(mode="after")
    def _plain(self) -> RealModel:
        names = [copy.name for copy in self.copies]
        if len(set(names)) < len(names) or SOUND not in names:
            raise ValueError("copies: each once, and the sound one among them")
        return self

    def copy_of(self, name: str) -> Copy:
        """The copy of that name; `UserError` names those that exist."""
        known = {copy.name: copy for copy in self.copies}
        if name not in known:
            raise UserError(f"parameter copy: '{name}' is not in this profile; it has {'; '.join(known)}")
        return known[name]


class Section(Frozen):
    """What the study adds to a profile."""

    real_model: RealModel


class DamagedSettings(Frozen):
    """What a `damaged` run is made from, beside the model."""

    damage: Copy
    asked: Asked
    lora: Lora | None = Field(description="none for copies that are not taught")
    threads: int


class ColouredSettings(Frozen):
    """What a `coloured` run is made from, beside the model."""

    traces: str = Field(description="where the text comes from; ours: texts of our own")
    shown: int
    threads: int


class LadderSettings(Frozen):
    """What the analysis is made from, beside its parents."""

    copies: tuple[Copy, ...]
    bootstrap: Bootstrap
