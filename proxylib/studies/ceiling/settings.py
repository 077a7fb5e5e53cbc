"""Settings of the study: its section of a profile, and what its runs are made from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from proxylib.models.settings import Model, Training
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap

TRAINED, EXPERT, TEACHER = "training", "expert's notes", "teacher's notes"  # what a loss is taken on
GREEDY, SAMPLED = "greedy", "sampled"  # how a note is written
#: what is wrong in a teacher's notes. "none"; "facts": one fact, whichever, in notes at random; "conclusions": the diagnosis,
#: in notes at random; "habit": the diagnosis, always where the patient complains in the same few ways
Errors = Literal["none", "facts", "conclusions", "habit"]


class Teacher(Frozen):
    """Who writes the notes that a student learns from."""

    errors: Errors
    passes: float = Field(gt=0, le=1, description="share of the notes in which nothing is wrong")

    @model_validator(mode="after")
    def _errs(self) -> Teacher:
        if (self.errors == "none") != (self.passes == 1):
            raise ValueError("errors: none goes with passes 1, and every other kind with less")
        return self

    @property
    def name(self) -> str:
        """How steps and tables call the teacher: `expert`, `habit-60`."""
        return "expert" if self.errors == "none" else f"{self.errors}-{100 * self.passes:.0f}"


class Few(Frozen):
    """Students that read few notes again and again, until they have read as many as those that read each once."""

    notes: tuple[int, ...] = Field(min_length=1, description="different ones, fewest first")
    teachers: tuple[str, ...] = Field(min_length=1, description="names of teachers of the study, the expert among them")


class Ceiling(Frozen):
    """Students of teachers of known quality."""

    widths: tuple[int, ...] = Field(min_length=1, description="bases of the scribe grid that students begin as")
    teachers: tuple[Teacher, ...] = Field(min_length=1)
    examples: tuple[int, ...] = Field(min_length=2, description="read, each once, when notes are graded; fewest first")
    batch_tokens: int = Field(ge=32, description="tokens of one step")
    peak: float = Field(gt=0, description="rates, which stay, as a share of pretraining's peak")
    tests: int = Field(ge=4, description="dialogues with unseen drug names")
    seeds: tuple[int, ...] = Field(min_length=1, description="of examples, errors, order")
    few: Few

    @model_validator(mode="after")
    def _controlled(self) -> Ceiling:
        names = [teacher.name for teacher in self.teachers]
        if names.count("expert") != 1 or len(set(names)) < len(names):
            raise ValueError("teachers: exactly one is the expert, the control, and none is there twice")
        if list(self.examples) != sorted(set(self.examples)):
            raise ValueError("examples: fewest first, none twice")
        return self

    @model_validator(mode="after")
    def _few(self) -> Ceiling:
        names, few = {teacher.name for teacher in self.teachers}, self.few
        if unknown := set(few.teachers) - names:
            raise ValueError(f"few.teachers: no teacher {min(unknown)}; there are {', '.join(sorted(names))}")
        if "expert" not in few.teachers:
            raise ValueError("few.teachers: the expert, the control, is missing")
        if list(few.notes) != sorted(set(few.notes)) or few.notes[-1] >= self.examples[-1]:
            raise ValueError("few.notes: fewest first, none twice, all below the most examples, which are read once")
        return self


class Section(Frozen):
    """What the study adds to a profile."""

    ceiling: Ceiling


class StudentSettings(Frozen):
    """What a `student` run is made from, beside its base."""

    model: Model
    training: Training
    teacher: Teacher
    examples: tuple[int, ...]
    peak: float
    tests: int
    test_seed: int
    max_new_tokens: int
    seed: int = Field(ge=0)

    @property
    def different(self) -> int:
        """Notes that are read at all."""
        return self.examples[-1]


class FewSettings(StudentSettings):
    """What a `student_of_few` run is made from, beside its base; `examples` count what is read, repeats included."""

    notes: int = Field(ge=1, description="different ones, each pass in an order of its own")

    @property
    def different(self) -> int:
        """Notes that are read at all."""
        return self.notes


class CeilingsSettings(Frozen):
    """What `ceilings` is made from, beside its parents."""

    widths: tuple[int, ...]
    teachers: tuple[Teacher, ...]
    seeds: tuple[int, ...]
    bootstrap: Bootstrap


class FewNotesSettings(Frozen):
    """What `few_notes` is made from, beside its parents."""

    widths: tuple[int, ...]
    teachers: tuple[Teacher, ...]
    notes: tuple[int, ...]
    seeds: tuple[int, ...]
    bootstrap: Bootstrap
