"""A judged grid: its cells with their losses, every verdict, and what can be counted on every note."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.data import domains
from proxylib.data.domains.base import CRITERIA, WORD, Example
from proxylib.judging import rubric
from proxylib.judging.criteria import STRICT
from proxylib.studies.reverse_validation.typical import Bigrams

CONFIGURATION = ["base", "parameters", "examples"]


class Grid(NamedTuple):
    """Cells that did not diverge, with what judges say of their notes and what notes are like.

    Parameters
    ----------
    cells : cell, `CONFIGURATION`, seed, final_loss, held_out_loss
    verdicts : judge -> [cells, notes, criteria] from 0 to 1, nan where unscored; the facts' own are those of `STRICT`
    grades : likewise, of the exact rubric
    words, false, typical : [cells, notes] words, false statements, mean log probability under expert notes
    """

    cells: pd.DataFrame
    verdicts: Mapping[str, np.ndarray]
    grades: np.ndarray
    words: np.ndarray
    false: np.ndarray
    typical: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """[cells, notes, criteria] 1 where the strict rubric passes, else 0."""
        return self.verdicts[STRICT]

    def within(self, members: np.ndarray) -> Grid:
        """The same of some cells, given as [cells] true or false."""
        notes = (values[members] for values in (self.grades, self.words, self.false, self.typical))
        verdicts = {judge: values[members] for judge, values in self.verdicts.items()}
        return Grid(self.cells[members].reset_index(drop=True), verdicts, *notes)


def read(step) -> Grid:
    """The grid of a declared step whose parents are cells, their `verdicts`, their `loss_fits` and the material."""
    cells = step.parent("loss_fits").table("cells")
    cells = cells[~cells["diverged"]].reset_index(drop=True)
    verdicts, grades = (step.parent("verdicts").table(name) for name in ("verdicts", "grades"))
    one = step.parents[cells["cell"].iloc[0]].settings
    domain = domains.domain(one.scribe.domain)
    examples = domain.examples(one.tests.count, one.tests.seed, one.tests.unseen)
    notes = {cell: step.parent(cell).table("notes").set_index("id")["note"] for cell in cells["cell"]}
    experts = Bigrams.fitted(step.parent("material").table("train")["note"], domain.rules.given)
    return Grid(
        cells[["cell", *CONFIGURATION, "seed", "schedule", "final_loss", "held_out_loss"]],
        {judge: _cube(part, "passed", cells["cell"], examples) for judge, part in verdicts.groupby("judge", sort=False)},
        _cube(grades, "grade", cells["cell"], examples),
        *_counted(cells["cell"], examples, notes, experts),
    )


def in_schedule(cells: pd.DataFrame, schedule: str) -> np.ndarray:
    """[cells] those of a schedule; with steps fixed, what was run with epochs fixed and takes as many steps stands in."""
    here = (cells["schedule"] == schedule).to_numpy()
    if schedule == "epochs":
        return here
    return here | ~cells["examples"].isin(cells.loc[here, "examples"]).to_numpy()


def _cube(table: pd.DataFrame, value: str, cells: Sequence[str], examples: Sequence[Example]) -> np.ndarray:
    columns = pd.MultiIndex.from_product([[example.id for example in examples], CRITERIA])
    values = table.astype({value: "Float64"}).pivot(index="cell", columns=["id", "criterion"], values=value)
    whole = values.reindex(index=list(cells), columns=columns).to_numpy(float, na_value=np.nan)
    return whole.reshape(len(cells), len(examples), len(CRITERIA))


def _counted(
    cells: Iterable[str], examples: Sequence[Example], notes: Mapping[str, pd.Series], experts: Bigrams
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words, false statements and likeness to expert notes, each [cells, notes]."""
    rows = [
        (len(WORD.findall(note)), rubric.false_statements(example.case, note), experts.score(note))
        for cell, example in product(cells, examples)
        for note in [notes[cell][example.id]]
    ]
    counts = np.array(rows, float).reshape(-1, len(examples), 3)
    return counts[..., 0], counts[..., 1], counts[..., 2]
