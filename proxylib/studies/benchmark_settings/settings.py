"""Settings of the study of benchmark configurations."""

from __future__ import annotations

from pydantic import Field, field_validator

from proxylib.measure.suites.settings import Benchmark
from proxylib.models.settings import Evaluation
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap


class Sampling(Frozen):
    """Answers that are drawn and not the likeliest."""

    temperature: float = Field(gt=0)
    samples: int = Field(ge=1, description="of every problem")


class Asking(Frozen):
    """How models are asked: everything that a configuration varies while problems and weights stay."""

    templates: dict[str, str] = Field(min_length=2, description="name -> layout with {problem}; the first is the models' own")
    shots: tuple[int, ...] = Field(min_length=1, description="solved problems in front, each of the easiest trained level")
    sampled: tuple[Sampling, ...] = Field(description="beside the greedy answer")
    items: int = Field(ge=2, description="problems per task")
    answer_tokens: int = Field(ge=1, description="most tokens of an answer alone")

    @field_validator("templates")
    @classmethod
    def _hold_the_problem(cls, templates: dict[str, str]) -> dict[str, str]:
        if bad := next((name for name, text in templates.items() if text.count("{problem}") != 1), None):
            raise ValueError(f"'{bad}' does not hold {{problem}} once")
        return templates


class BenchmarkSettings(Asking):
    """What the study varies, and on how many models."""

    models: int = Field(ge=3, description="the first of each family, at most so many")


class Section(Frozen):
    """What the study adds to a profile."""

    benchmark_settings: BenchmarkSettings
    suite: tuple[Benchmark, ...] = Field(default=(), description="what `proxylib benchmark` runs, in a profile for GPUs")


class ConfigurationSettings(Frozen):
    """What a `configuration` run is made from, beside its parents."""

    asking: Asking
    evaluation: Evaluation
    tasks: tuple[str, ...]
    counted: dict[str, tuple[int, ...]]
    seed: int


class AnalysisSettings(Frozen):
    """What the analysis is made from, beside its parents."""

    members: tuple[str, ...] = Field(description="models in the order of their runs")
    families: tuple[str, ...]
    posts: tuple[str, ...] = Field(description="what each read after pretraining")
    bases: tuple[str, ...] = Field(description="models that ran before their post-training as well")
    bootstrap: Bootstrap
