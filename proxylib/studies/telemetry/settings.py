"""Settings of simulated telemetry: a product, how far each of its numbers may lie elsewhere, and who is told what."""

from __future__ import annotations

from pydantic import Field, model_validator

from proxylib.judging.users import Users
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap

WHOLE = ("users", "days", "update")  # numbers of people or days
CENTRAL, DRAWN = "central", "drawn"  # worlds of one product, and worlds of as many products
Range = tuple[float, float, float]


class Telemetry(Frozen):
    """Simulated users. Every number is assumed; each range says how far it may lie elsewhere."""

    worlds: int = Field(ge=2, description="of each kind, central and drawn")
    days: int = Field(ge=14, description="that are watched")
    update: int = Field(ge=7, description="day on which another model may come")
    looks: tuple[int, ...] = Field(min_length=1, description="days after the update at which somebody looks")
    looked: int = Field(description="the look at which errors are taken")
    effect: Range = Field(description="logits by which the new model completes a task: lowest, central, highest")
    longer: float = Field(gt=1, description="length of a verbose model's answers as a multiple")
    churns: tuple[float, ...] = Field(min_length=2, description="multiples of what disappointment adds to leaving")
    chances: tuple[float, ...] = Field(description="of completing an easy, a middling and a hard task at the first try")
    mixes: tuple[tuple[float, ...], tuple[float, ...]] = Field(description="shares of these tasks: experienced, novices")
    ranges: dict[str, Range] = Field(description="number of a product -> lowest, central, highest")
    seed: int = Field(ge=0)

    @model_validator(mode="after")
    def _ranges_are_of_users(self) -> Telemetry:
        known = [name for name in Users.model_fields if name not in ("days", "update")]
        if sorted(self.ranges) != sorted(known):
            raise ValueError(f"ranges: name each of {', '.join(known)} once, and nothing else")
        for name, (low, centre, high) in {**self.ranges, "effect": self.effect}.items():
            if not low <= centre <= high:
                raise ValueError(f"ranges.{name}: {low}, {centre}, {high} are not in order")
        if self.looked not in self.looks or max(self.looks) > self.days - self.update:
            raise ValueError(f"looks: name days up to {self.days - self.update}, and looked one of them")
        if any(abs(sum(mix) - 1) > 1e-9 or len(mix) != len(self.chances) for mix in self.mixes):
            raise ValueError("mixes: shares of each group sum to 1, one for each chance")
        return self

    def product(self, **numbers: float) -> Users:
        """A product of these numbers, the others central."""
        values = {name: centre for name, (_, centre, _) in self.ranges.items()} | numbers
        whole = {name: round(values[name]) for name in values if name in WHOLE}
        return Users(days=self.days, update=self.update, **values | whole)


class WorldsSettings(Frozen):
    """What a `telemetry_worlds` run is made from."""

    telemetry: Telemetry
    kind: str


class TelemetrySettings(Frozen):
    """What a `telemetry` run is made from, beside its parents."""

    looks: tuple[int, ...]
    looked: int
    bootstrap: Bootstrap


class Section(Frozen):
    """What the study adds to a profile."""

    telemetry: Telemetry
