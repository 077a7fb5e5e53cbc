"""Judges that are worse in known ways, made from the verdicts of the facts: kinds and doses were fixed in advance.

Each is an array [cells, notes, criteria] from 0 (fails) to 1 (passes), nan where unscored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.data.domains.base import CRITERIA
from proxylib.judging.criteria import GRADED
from proxylib.studies.reverse_validation.grid import CONFIGURATION, Grid

OURS, NOISE, STRINGENCY, LENGTH, IGNORED, SINGLE, ADVERSARIAL, ANOTHER, LOSS_LIKE = KINDS = (
    "judges of ours",
    "noise",
    "too strict, too lenient",
    "length",
    "a criterion ignored",
    "one criterion for all",
    "adversarial",
    "another's verdicts",
    "what loss rewards",
)
EARNEST = (OURS, NOISE, STRINGENCY, LENGTH, IGNORED, SINGLE)  # that somebody might build in good faith
FLIPS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
SHARES = (0.25, 0.5, 0.75)
CUTS = (0.25, 0.75, 1.0)
LENGTHS = (0.25, 0.5, 1.0)
ORDERS = 3  # of the configurations, for a judge that scores another one's notes


class Judge(NamedTuple):
    """A judge: its name, its kind, what it says."""

    name: str
    kind: str
    scores: np.ndarray


def bank(grid: Grid, seed: int) -> list[Judge]:
    """Every judge of the declaration, in its order; each draws by itself, so that one more changes no other."""
    return [
        judge
        for kind in (_ours, _noisy, _strict, _long, _ignoring, _single, _adversarial, _others, _like_loss)
        for judge in kind(grid, seed)
    ]


def flipped(truth: np.ndarray, probability: float, *seed: int) -> np.ndarray:
    """Verdicts, each turned round with a probability."""
    turned = np.random.default_rng(seed).random(truth.shape) < probability
    return np.where(turned, 1 - truth, truth)


def _ours(grid: Grid, seed: int) -> Iterator[Judge]:
    for name, scores in (grid.verdicts | {GRADED: grid.grades}).items():
        yield Judge(name, OURS, scores)


def _noisy(grid: Grid, seed: int) -> Iterator[Judge]:
    for number, share in enumerate(FLIPS):
        yield Judge(f"{100 * share:g} % turned round", NOISE, flipped(grid.truth, share, seed, 1, number))


def _strict(grid: Grid, seed: int) -> Iterator[Judge]:
    for number, share in enumerate(SHARES):
        drawn = np.random.default_rng((seed, 2, number)).random(grid.truth.shape) < share
        yield Judge(f"{100 * share:g} % of fails pass", STRINGENCY, np.where(drawn, 1.0, grid.truth))
        yield Judge(f"{100 * share:g} % of passes fail", STRINGENCY, np.where(drawn, 0.0, grid.truth))
    for cut in CUTS:
        yield Judge(f"passes from grade {cut:g}", STRINGENCY, (grid.grades >= cut - 1e-9).astype(float))


def _long(grid: Grid, seed: int) -> Iterator[Judge]:
    longer = (grid.words > np.median(grid.words)).astype(float)[..., None]
    for number, share in enumerate(LENGTHS):
        drawn = np.random.default_rng((seed, 3, number)).random(grid.truth.shape) < share
        yield Judge(f"{100 * share:g} % by length", LENGTH, np.where(drawn, longer, grid.truth))


def _ignoring(grid: Grid, seed: int) -> Iterator[Judge]:
    for place, criterion in enumerate(CRITERIA):
        scores = grid.truth.copy()
        scores[..., place] = 1.0
        yield Judge(f"never minds {_said(criterion)}", IGNORED, scores)


def _single(grid: Grid, seed: int) -> Iterator[Judge]:
    for place, criterion in enumerate(CRITERIA):
        yield Judge(f"{_said(criterion)} alone", SINGLE, np.broadcast_to(grid.truth[..., [place]], grid.truth.shape))


def _adversarial(grid: Grid, seed: int) -> Iterator[Judge]:
    yield Judge("75 % turned round", ADVERSARIAL, flipped(grid.truth, 0.75, seed, 4))
    yield Judge("all turned round", ADVERSARIAL, 1 - grid.truth)
    scores, place = grid.truth.copy(), CRITERIA.index("no_hallucination")
    scores[..., place] = 1 - scores[..., place]
    yield Judge("wants made-up facts", ADVERSARIAL, scores)
    false = np.broadcast_to((grid.false > 0).astype(float)[..., None], grid.truth.shape)
    yield Judge("passes what has made-up facts", ADVERSARIAL, false)


def _others(grid: Grid, seed: int) -> Iterator[Judge]:
    rng = np.random.default_rng((seed, 5))
    cells, notes, _ = grid.truth.shape
    shuffled = np.stack([grid.truth[cell, rng.permutation(notes)] for cell in range(cells)])
    half = rng.random((cells, notes, 1)) < 0.5
    yield Judge("half of another note", ANOTHER, np.where(half, shuffled, grid.truth))
    yield Judge("of another note", ANOTHER, shuffled)
    yield Judge("of the base's next cell", ANOTHER, grid.truth[_next_cell(grid.cells)])
    for number in range(ORDERS):
        order = np.random.default_rng((seed, 6, number))
        yield Judge(f"of another configuration ({number + 1})", ANOTHER, grid.truth[_other_configuration(grid.cells, order)])


def _like_loss(grid: Grid, seed: int) -> Iterator[Judge]:
    for share in SHARES:
        typical = (grid.typical > np.quantile(grid.typical, 1 - share)).astype(float)[..., None]
        yield Judge(f"typical of experts, {100 * share:g} % pass", LOSS_LIKE, np.broadcast_to(typical, grid.truth.shape))
    for number, (name, signal) in enumerate(
        {"knows the loss": -grid.cells["final_loss"], "knows the size": grid.cells["parameters"]}.items()
    ):
        chance = ((signal.rank() - 0.5) / len(signal)).to_numpy()[:, None, None]
        drawn = np.random.default_rng((seed, 7, number)).random(grid.truth.shape) < chance
        yield Judge(name, LOSS_LIKE, drawn.astype(float))


def _next_cell(cells: pd.DataFrame) -> np.ndarray:
    """[cells] place of the next cell of the same base, the first after the last."""
    places = pd.Series(np.arange(len(cells)))
    return places.groupby(cells["base"].to_numpy()).transform(lambda part: np.roll(part, -1)).to_numpy()


def _other_configuration(cells: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """[cells] place of a cell with the same number among the seeds of another configuration; none keeps its own."""
    groups = [part.to_numpy() for _, part in pd.Series(np.arange(len(cells))).groupby(_configuration(cells), sort=False)]
    order = rng.permutation(len(groups))
    places = np.empty(len(cells), int)
    for here, there in zip(order, np.roll(order, 1), strict=True):
        places[groups[here]] = np.resize(groups[there], len(groups[here]))
    return places


def _configuration(cells: pd.DataFrame) -> np.ndarray:
    return cells.groupby(CONFIGURATION, sort=False).ngroup().to_numpy()


def _said(criterion: str) -> str:
    return criterion.replace("_", " ")
