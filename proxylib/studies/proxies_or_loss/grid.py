"""A fine-tuning grid as this study reads it: per configuration what was measured without a judge, and what judges say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.judging.criteria import GRADED, LENIENT, LM_JUDGE, STRICT
from proxylib.measure import proxies

FINAL, HELD_OUT, BPB = "final_loss", "held_out_loss", "bits_per_byte"
LOSSES = (FINAL, "first_pass_loss", HELD_OUT, BPB)
#: of the eighty those that were named before anything was computed (experiment log)
NAMED_PROXIES = (
    proxies.name(*proxies.NAMED_WINNERS["model selection"]),
    proxies.name(*proxies.NAMED_WINNERS["data selection"]),
    *(proxies.name(statistic, "uniform") for statistic in ("cross_entropy", "top1", "rank", "reciprocal_rank", "entropy")),
)
NAMED = (*LOSSES, *NAMED_PROXIES)
SCORES = (LM_JUDGE, STRICT, LENIENT, GRADED)
PLACE = ["base", "parameters", "examples"]
#: signal -> +1 where more is better, fixed before anything was computed
SIGNS = dict.fromkeys(LOSSES, -1) | {name: proxies.STATISTICS[name.split("|")[0]] for name in proxies.NAMES}


class Grid(NamedTuple):
    """The configurations of one schedule; three frames with a row for each.

    place : base, parameters, examples
    signals : the losses, bits per byte and the eighty, each turned so that more is better
    scores : those of `SCORES` that there are, in percent
    """

    place: pd.DataFrame
    signals: pd.DataFrame
    scores: pd.DataFrame

    def only(self, rows: np.ndarray) -> Grid:
        """Some configurations, by number, as often as they are named."""
        return Grid(*(frame.iloc[rows].reset_index(drop=True) for frame in self))

    def without_bases(self) -> list[np.ndarray]:
        """Of each base in turn, which configurations are not its."""
        bases = self.place["base"].to_numpy()
        return [np.flatnonzero(bases != base) for base in dict.fromkeys(bases)]


def read(step, domain: str, schedule: str) -> Grid:
    """The grid of a domain from the runs that a step reads: configurations are means over the seeds that did not diverge.

    Parameters
    ----------
    step : whose parents are, under the domain's name, the fits of its grid and the cells
    schedule : "epochs" or "steps"; the middle number of examples belongs to both
    """
    cells = step.parent(f"{domain} loss_fits").table("cells")
    kept = in_schedule(cells, schedule)
    kept = kept[~kept["diverged"].astype(bool)]
    measured = [
        step.parent(f"{domain} {cell}").table("proxies")[[BPB, *proxies.NAMES]].assign(cell=cell) for cell in kept["cell"]
    ]
    return of(kept.merge(pd.concat(measured, ignore_index=True), on="cell", suffixes=("", " again")))


def in_schedule(cells: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """The cells of a schedule, with those of the middle number of examples, which runs once for both."""
    part = cells[cells["schedule"] == schedule]
    missing = set(cells["examples"]) - set(part["examples"])
    return pd.concat([part, cells[(cells["schedule"] != schedule) & cells["examples"].isin(missing)]], ignore_index=True)


def of(cells: pd.DataFrame) -> Grid:
    """The grid of a table of cells with the columns of `PLACE`, every signal, and the scores that there are: the LM judge knows
    one domain alone.
    """
    scores = [name for name in SCORES if name in cells.columns]
    means = cells.groupby(PLACE, as_index=False)[[*SIGNS, *scores]].mean().sort_values(["parameters", "examples"])
    means = means.reset_index(drop=True)
    return Grid(means[PLACE], means[list(SIGNS)] * pd.Series(SIGNS), means[scores])
