"""Settings of choosing a corpus in the lab, and what its parents are called."""

from __future__ import annotations

from pydantic import Field

from proxylib.settings import Frozen
from proxylib.stats import Bootstrap


class LabSettings(Frozen):
    """What a `lab_corpora` run is made from, beside its parents."""

    corpora: tuple[str, ...]
    styled: tuple[str, ...] = Field(description="those that hold the expert's style")
    widths: tuple[int, ...] = Field(description="the smallest first, the target's last")
    seeds: int = Field(description="of the target")
    bootstrap: Bootstrap

    @property
    def runs(self) -> list[tuple[str, int, int]]:
        """Corpus, width and seed of every run."""
        return [
            (corpus, width, seed)
            for corpus in self.corpora
            for width in self.widths
            for seed in range(self.seeds if width == self.widths[-1] else 1)
        ]


def role(corpus: str, width: int, seed: int) -> str:
    """What a run is to the step that reads it."""
    return f"{corpus} {width} {seed}"
