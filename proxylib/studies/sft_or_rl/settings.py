"""Settings of the study: its section of a profile, and what its runs are made from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from proxylib.errors import UserError
from proxylib.models.settings import Grpo, Lora, Rejection
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap

Judge = Literal["rubric", "imperfect judge"]
Method = Literal["expert notes", "iterated SFT", "GRPO"]


class Arm(Frozen):
    """One way to teach a policy further."""

    method: Method
    judge: Judge | None = Field(default=None, description="whose scores are the reward; none for expert notes")
    beta: float = Field(default=0.0, ge=0, description="of GRPO: weight of the divergence from the beginning")

    @model_validator(mode="after")
    def _whole(self) -> Arm:
        if (self.judge is None) != (self.method == "expert notes"):
            raise ValueError(f"judge: '{self.method}' {'has none' if self.judge else 'needs one'}")
        if self.beta and self.method != "GRPO":
            raise ValueError(f"beta: '{self.method}' has no bound")
        return self

    @property
    def name(self) -> str:
        """Method, bound and judge."""
        bound = f", bound {self.beta:g}" if self.beta else ""
        return self.method + bound + (f", {self.judge}" if self.judge else "")


class Longer(Frozen):
    """Some of the arms once more, from the same beginnings, with more to spend and rates chosen for that."""

    arms: tuple[str, ...] = Field(min_length=2, description="names of arms of the study")
    grpo: Grpo
    rejection: Rejection
    points: int = Field(ge=2, description="of a curve")


class SftOrRl(Frozen):
    """Fine-tunes that are taught further by a judge, each in every way."""

    width: int = Field(ge=8, description="of the bases, which differ by their seed alone")
    seeds: tuple[int, ...] = Field(min_length=1, description="a base, a fine-tune and dialogues of its own each")
    examples: int = Field(ge=1, description="expert notes that a policy begins with")
    arms: tuple[Arm, ...] = Field(min_length=2)
    grpo: Grpo = Field(description="its beta is the arm's")
    rejection: Rejection = Field(description="of iterated SFT; expert notes are as many and taken in the same steps")
    tests: int = Field(ge=2, description="fresh dialogues, with drug names that no training text has")
    points: int = Field(ge=2, description="of a curve, beside its beginning, evenly spaced in log rounds")
    gains: tuple[float, ...] = Field(min_length=1, description="points of pass rate above the beginning; the first decides")
    longer: Longer

    @model_validator(mode="after")
    def _plain(self) -> SftOrRl:
        for what, values in (("seeds", self.seeds), ("arms", [arm.name for arm in self.arms])):
            if len(set(values)) < len(values):
                raise ValueError(f"{what}: one stands there twice")
        for name in self.longer.arms:
            self.arm(name)
        return self

    def arm(self, name: str) -> Arm:
        """The arm of that name; `UserError` names those that exist."""
        known = {arm.name: arm for arm in self.arms}
        if name not in known:
            raise UserError(f"parameter arm: '{name}' is not in this profile; it has {'; '.join(known)}")
        return known[name]


class Section(Frozen):
    """What the study adds to a profile."""

    sft_or_rl: SftOrRl


class StartSettings(Frozen):
    """What a `policy_start` run is made from, beside its base."""

    examples: int
    notes_seed: int = Field(description="of the expert notes")
    epochs: int
    lora: Lora
    seed: int
    threads: int


class TaughtSettings(Frozen):
    """What a `taught` run is made from, beside its beginning."""

    arm: Arm
    method: Grpo | Rejection
    tests: int
    tests_seed: int
    dialogues_seed: int
    points: int
    seed: int
    threads: int


class AnalysisSettings(Frozen):
    """What the analysis is made from, beside its parents."""

    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    gains: tuple[float, ...]
    bootstrap: Bootstrap
