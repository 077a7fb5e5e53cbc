"""What judges are worth by the facts, and what loss says of them: a row per judge, on all cells or on some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from proxylib.judging.agreement import kappas
from proxylib.judging.criteria import GRADED, LENIENT, LM_JUDGE
from proxylib.studies.reverse_validation.bank import Judge
from proxylib.studies.reverse_validation.grid import CONFIGURATION, Grid

FAILS, PASSES, UNSCORED = LABELS = (0, 1, 2)
HALF = 0.5  # a grade from which a note passes
GOOD, POOR = 0.4, 0.2  # kappa: "moderate" begins, "slight" ends (Landis and Koch 1977)
NOTES, WITHIN, BALANCED, CONFIGURATIONS = YARDSTICKS = ("kappa", "kappa within cells", "balanced accuracy", "configurations")


class Bench(NamedTuple):
    """Judges over some cells.

    Parameters
    ----------
    cells : as of `Grid`
    judges : judge, kind
    scores : [judges, cells, notes, criteria] 0 to 1, nan where unscored
    codes : likewise, the fact's verdict (0 or 1) times 3 plus the judge's of `LABELS`
    truth : [cells, notes, criteria]
    """

    cells: pd.DataFrame
    judges: pd.DataFrame
    scores: np.ndarray
    codes: np.ndarray
    truth: np.ndarray

    def within(self, members: np.ndarray) -> Bench:
        """The same judges over some of the cells, [cells] true or false."""
        cells = self.cells[members].reset_index(drop=True)
        return Bench(cells, self.judges, self.scores[:, members], self.codes[:, members], self.truth[members])


def bench(grid: Grid, judges: Sequence[Judge]) -> Bench:
    """Judges beside the facts."""
    scores = np.stack([judge.scores for judge in judges])
    said = np.where(np.isfinite(scores), scores >= HALF, UNSCORED).astype(int)
    names = pd.DataFrame([(judge.name, judge.kind) for judge in judges], columns=["judge", "kind"])
    return Bench(grid.cells, names, scores, 3 * grid.truth.astype(int) + said, grid.truth)


def tables(codes: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """[.., 3, 3] how often the facts (rows) and the judge (columns) say each of `LABELS`, counted over some axes."""
    counts = np.stack([(codes == code).sum(axis) for code in range(9)], -1)
    return counts.reshape(*counts.shape[:-1], 3, 3)


def kappa(counts: np.ndarray) -> np.ndarray:
    """Cohen's kappa of tables [.., 3, 3]; 0 where both sides always say the same one thing, as that shows nothing."""
    return np.nan_to_num(kappas(np.asarray(counts, float)))


def rates(scores: np.ndarray) -> np.ndarray:
    """[judges, cells] mean over criteria of the share of scored notes that pass, in percent."""
    scored = np.isfinite(scores)
    with np.errstate(invalid="ignore"):
        return 100 * (np.where(scored, scores, 0.0).sum(2) / scored.sum(2)).mean(-1)


def by_configuration(cells: pd.DataFrame, values: np.ndarray) -> np.ndarray:
    """[.., configurations] mean over the seeds of [.., cells]."""
    place = cells.groupby(CONFIGURATION, sort=False).ngroup().to_numpy()
    shares = (place[:, None] == np.arange(place.max() + 1)).astype(float)
    return values @ (shares / shares.sum(0))


def falls_with(loss: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """[..] Pearson's correlation along the last axis, its sign turned: 1 where scores fall in a line as loss rises.

    0 where one of them does not vary: such a judge says nothing of loss.
    """
    x, y = (values - values.mean(-1, keepdims=True) for values in (loss, scores))
    scale = np.sqrt((x * x).sum(-1) * (y * y).sum(-1))
    return np.where(scale > 1e-12, -(x * y).sum(-1) / np.where(scale > 1e-12, scale, 1.0), 0.0)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """[..] Spearman's along the last axis, equal ones at their mean rank; 0 where a side does not vary."""
    near = (rankdata(np.round(values, 9), axis=-1) for values in (first, second))
    return -falls_with(*near)


def area(signal: np.ndarray, good: np.ndarray) -> np.ndarray:
    """[..] area under the ROC curve of a signal [.., judges] for good judges [judges]; nan where all are good, or none.

    How often the good one of two is higher.
    """
    good = np.asarray(good, bool)
    ranks, count = rankdata(np.round(signal, 9), axis=-1), good.sum()
    if count in (0, len(good)):
        return np.full(signal.shape[:-1], np.nan)
    return (ranks[..., good].sum(-1) - count * (count + 1) / 2) / (count * (len(good) - count))


def sheet(bench: Bench, loss: str = "final_loss") -> pd.DataFrame:
    """A row per judge: judge, kind, what it is worth by each of `YARDSTICKS`, rate (percent), falls (see `falls_with`), R2.

    Notes
    -----
    Pooled over cells, a judge that only knows which model is better has a kappa above zero; within cells it has none.
    """
    by_cell = tables(bench.codes, 2)  # [judges, cells, criteria, 3, 3]
    whole = by_cell.sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        balanced = np.nanmean([whole[:, truth, truth] / whole[:, truth].sum(-1) for truth in (FAILS, PASSES)], 0)
    by_configurations = by_configuration(bench.cells, rates(bench.scores))
    facts = by_configuration(bench.cells, rates(bench.truth[None])[0])
    losses = by_configuration(bench.cells, bench.cells[loss].to_numpy(float))
    falls = falls_with(losses, by_configurations)
    return bench.judges.assign(
        **{
            NOTES: kappa(whole),
            WITHIN: _within(by_cell),
            BALANCED: balanced,
            CONFIGURATIONS: rank_correlation(by_configurations, facts),
            "rate": by_configurations.mean(-1),
            "falls": falls,
            "R2": falls**2,
        }
    )


def synthetic(bench: Bench, other: str = LM_JUDGE) -> np.ndarray:
    """[judges, verdicts] as of `Bench.codes`, but with another judge at hand in the place of the facts.

    The LM judge, under whatever prompts, is no other judge to itself; for it, and where no LM judge is at hand, the lenient
    rubric stands in, and for that one the graded score.
    """
    said = bench.codes.reshape(len(bench.codes), -1) % 3
    names = bench.judges["judge"].tolist()
    same = lambda a, b: a == b or (a.startswith(LM_JUDGE) and b.startswith(LM_JUDGE))
    others = [
        next(names.index(one) for one in (other, LENIENT, GRADED) if one in names and not same(one, name)) for name in names
    ]
    return 3 * said[others] + said


def _within(counts: np.ndarray) -> np.ndarray:
    """[judges] agreement beyond what the rates of each cell and criterion give by chance."""
    total = counts.sum((-2, -1))
    observed = np.trace(counts, axis1=-2, axis2=-1)
    chance = (counts.sum(-1) * counts.sum(-2)).sum(-1) / total
    observed, chance, total = (values.sum((1, 2)) for values in (observed, chance, total))
    return np.where(chance < total - 1e-9, (observed - chance) / np.where(chance < total, total - chance, 1.0), 0.0)
