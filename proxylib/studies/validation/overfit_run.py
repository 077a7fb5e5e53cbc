"""One run in which validation may turn: few documents read many times, or many read once."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

from proxylib.data import corpora
from proxylib.runs.store import Workspace
from proxylib.studies.validation.settings import RunSettings
from proxylib.studies.validation.watched import watched

OWN_DOCUMENTS = 64  # of the run's own text, on which its loss is taken


def endless(kept: Sequence[str], seed: int) -> Iterator[str]:
    """Documents again and again, in another order each time."""
    rng, kept = random.Random(f"passes {seed}"), list(kept)
    while True:
        rng.shuffle(kept)
        yield from kept


def build(step, workspace: Workspace) -> None:
    """Train and look; see `watched.watched`.

    Parameters
    ----------
    step : a declared `overfit_run` step
    workspace : receives its tables
    """
    settings: RunSettings = step.settings
    material, seed = settings.training.material, settings.training.seed
    number = settings.corpus.documents
    drawn = lambda: corpora.documents(settings.corpus.recipe, material, seed)
    first = list(itertools.islice(drawn(), number or OWN_DOCUMENTS))
    watched(step, workspace, drawn if number is None else lambda: endless(first, seed), first[:OWN_DOCUMENTS])
