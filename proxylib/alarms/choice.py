"""Which of a run's last checkpoints to take, and how sure the scores are of it.

The composite is a weighted mean of tasks. Its noise is that of the items: of the same ones at every checkpoint, where outcomes
are given item by item, so that what checkpoints share cancels; otherwise of so many items, or of the published errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import Field

from proxylib.errors import UserError
from proxylib.settings import Frozen

FEWEST = 3  # checkpoints between which can be chosen
#: where the noise of a task comes from
ITEMS, ERRORS, SERIES = "items", "standard errors", "scatter about a line"


class ChoiceSettings(Frozen):
    """How a checkpoint is chosen."""

    last: int = Field(20, ge=FEWEST, description="checkpoints at the end of the run between which is chosen")
    level: float = Field(0.95, gt=0.5, lt=1, description="with which the set holds the checkpoint that is truly best")
    draws: int = Field(4000, ge=200, description="simulated evaluations behind the set and the winner's curse")
    seed: int = Field(0, ge=0)
    correlation: float = Field(
        0.0, ge=0, lt=1, description="of two checkpoints' scores over draws of items, where outcomes are not given by item"
    )


@dataclass(frozen=True)
class Choice:
    """What was chosen, and with how much doubt.

    Parameters
    ----------
    table : a row per candidate, oldest first: at, score (the composite), stderr (of it alone), shrunk (its score without luck,
        as far as the others tell), behind, low, high (how far it lies behind the best of the others, below 0 where it leads;
        each end holds with probability `level`, over all others together), apart (whether low is above 0), chosen, last
    at : of the checkpoint with the highest composite
    advice : the checkpoint to take: the last one, unless it is told from the best
    curse : how much better the chosen one looks than it will score on other items, expected
    gain : of the chosen one over the last, expected on other items
    noise : task -> `ITEMS`, `ERRORS` or `SERIES`
    """

    table: pd.DataFrame
    at: float
    advice: float
    curse: float
    gain: float
    noise: dict[str, str]

    @property
    def tied(self) -> list[float]:
        """Candidates that cannot be told from the best; the chosen one is among them."""
        return self.table.loc[~self.table["apart"], "at"].tolist()

    @property
    def take_last(self) -> bool:
        """Whether the last checkpoint is not told from the best."""
        return bool(self.advice == self.table["at"].iloc[-1])


def choose(scores: pd.DataFrame, settings: ChoiceSettings, weights: Mapping[str, float] | None = None) -> Choice:
    """Choose by a composite of scores per task.

    Parameters
    ----------
    scores : columns at, task, score; one of items and stderr, or none (nan where unknown). A score of items is a share of them
    settings : window, level, draws
    weights : task -> weight in the composite, below 0 where less is better; default every task alike

    Returns
    -------
    Choice

    Raises
    ------
    UserError
        If fewer than three checkpoints have all of the tasks, a weight names a task that is not there, or all weights are 0.

    Notes
    -----
    The set holds the truly best checkpoint with probability `level`, over draws of items: a candidate leaves it only where
    some other beats it by more than the best of so many would by luck (Hsu 1984, by simulated draws). That two are in
    it does not say that they are equal. With neither items nor errors a task's scatter about a straight line stands in, which
    takes for noise what checkpoints truly differ by, and so tells less apart. Items that are the same at every checkpoint are
    worth more than their number says: give outcomes (`choose_by_items`), or the correlation.
    """
    shares = _shares(scores, weights)
    table = _complete(scores, list(shares), settings.last)
    places = table.index.to_numpy()
    covariance = np.zeros((len(places), len(places)))
    noise = {}
    for task, share in shares.items():
        variances, noise[task] = _variances(scores, task, table[task])
        together = settings.correlation * (noise[task] != SERIES)
        errors = np.sqrt(variances)
        part = together * np.outer(errors, errors) + (1 - together) * np.diag(variances)
        covariance += share**2 * part
    return chosen(places, table.to_numpy() @ np.array(list(shares.values())), covariance, settings, noise)


def choose_by_items(outcomes: pd.DataFrame, settings: ChoiceSettings, weights: Mapping[str, float] | None = None) -> Choice:
    """Choose by outcomes of the same items at every checkpoint, which are compared item by item.

    Parameters
    ----------
    outcomes : columns at, task, item, score (0 and 1, or a share of points); optionally cluster, of items that share a passage.
        Items that some candidate lacks are left out
    settings, weights : see `choose`

    Raises
    ------
    UserError
        As `choose`; and where fewer than two items, or clusters, of a task are common to the candidates.
    """
    shares = _shares(outcomes, weights)
    means = outcomes.groupby(["at", "task"], as_index=False)["score"].mean()
    places = _complete(means, list(shares), settings.last).index.to_numpy()
    estimates, covariance = np.zeros(len(places)), np.zeros((len(places), len(places)))
    for task, share in shares.items():
        rows = outcomes[(outcomes["task"] == task) & outcomes["at"].isin(places)]
        if (twice := rows.duplicated(["at", "item"])).any():
            first = rows[twice].iloc[0]
            raise UserError(f"choice: item {first['item']} of {task} is there twice at {first['at']:g}")
        wide = rows.pivot_table(index="item", columns="at", values="score", observed=True).dropna()[list(places)]
        clusters = rows.drop_duplicates("item").set_index("item")["cluster"] if "cluster" in rows else None
        estimates += share * wide.mean().to_numpy()
        covariance += share**2 * _covariance(wide, clusters, task)
    return chosen(places, estimates, covariance, settings, dict.fromkeys(shares, ITEMS))


def chosen(
    places: np.ndarray, estimates: np.ndarray, covariance: np.ndarray, settings: ChoiceSettings, noise: dict[str, str]
) -> Choice:
    """Choose between composites whose noise has a known covariance.

    Parameters
    ----------
    places, estimates : [n] where candidates stand, oldest first, and what they score
    covariance : [n, n] of the noise of the estimates
    settings : level, draws and seed
    noise : see `Choice`
    """
    luck = _luck(covariance, settings)
    best, last = int(np.argmax(estimates)), len(places) - 1
    low, high = _behind(estimates, covariance, luck, settings.level)
    others = np.where(np.eye(len(places), dtype=bool), -np.inf, estimates[None, :]).max(1)
    shrunk = shrink(estimates, covariance)
    winners = np.argmax(shrunk[None, :] + luck, 1)
    drawn = luck[np.arange(len(luck)), winners]
    table = pd.DataFrame(
        {
            "at": places,
            "score": estimates,
            "stderr": np.sqrt(np.diag(covariance)),
            "shrunk": shrunk,
            "behind": others - estimates,
            "low": low,
            "high": high,
            "apart": low > 0,
            "chosen": np.arange(len(places)) == best,
            "last": np.arange(len(places)) == last,
        }
    )
    advice = places[best] if low[last] > 0 else places[last]
    return Choice(table, places[best], advice, float(drawn.mean()), float(shrunk[best] - shrunk[last]), noise)


def shrink(estimates: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Composites without their luck: drawn to the straight line through them by the share of their scatter that is noise.

    Parameters
    ----------
    estimates : [n] in order
    covariance : [n, n] of their noise; what all share moves no difference and is left in

    Notes
    -----
    As of Morris (1983), the scatter that noise does not explain counted as true and even over the window. Where noise explains
    all of it, candidates differ by the line alone.
    """
    places = np.arange(len(estimates), dtype=float)
    design = np.column_stack([np.ones_like(places), places - places.mean()])
    off = np.eye(len(places)) - design @ np.linalg.pinv(design)  # takes the line out
    freedom = len(places) - 2
    scatter = float(np.sum((off @ estimates) ** 2)) / freedom
    noise = float(np.trace(off @ covariance)) / freedom
    kept = max(0.0, 1 - noise / scatter) if scatter > 0 else 0.0
    return estimates - (1 - kept) * (off @ estimates)


def _luck(covariance: np.ndarray, settings: ChoiceSettings) -> np.ndarray:
    """[draws, n] of the estimates' noise."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    return np.random.default_rng(settings.seed).standard_normal((settings.draws, len(values))) @ root.T


def _behind(estimates: np.ndarray, covariance: np.ndarray, luck: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of how far each candidate lies behind the best of the others (below 0: ahead).

    One-sided bounds of all others' lead over a candidate, together: the lower one of the truly best candidate lies above 0 with
    probability 1 - level at most, whichever that is, so that no more has to be paid for their number.
    """
    low, high = np.empty(len(estimates)), np.empty(len(estimates))
    variances = np.diag(covariance)
    for place in range(len(estimates)):
        others = np.delete(np.arange(len(estimates)), place)
        spread = np.sqrt(np.clip(variances[others] + variances[place] - 2 * covariance[place, others], 0, None))
        lead, moved = estimates[others] - estimates[place], luck[:, others] - luck[:, [place]]
        known = spread > 1e-12  # checkpoints with the same outcomes lie as far apart as they seem
        most = (moved[:, known] / spread[known]).max(1) if known.any() else np.zeros(1)
        reach = float(np.quantile(most, level)) * spread
        low[place], high[place] = float((lead - reach).max()), float((lead + reach).max())
    return low, high


def _shares(frame: pd.DataFrame, weights: Mapping[str, float] | None) -> dict[str, float]:
    """Task -> its weight, of which the sizes add up to 1."""
    known = [str(task) for task in pd.unique(frame["task"])]
    given = dict(weights) if weights is not None else dict.fromkeys(known, 1.0)
    if unknown := [task for task in given if task not in known]:
        raise UserError(f"choice: a weight is given for {unknown[0]}, which is not among the tasks {', '.join(known)}")
    total = sum(abs(value) for value in given.values())
    if not np.isfinite(total) or total <= 0:
        raise UserError("choice: the weights of the composite are all 0, or one is no number; give one task a weight")
    return {task: value / total for task, value in given.items() if value}


def _complete(scores: pd.DataFrame, tasks: list[str], last: int) -> pd.DataFrame:
    """[checkpoints, tasks] of the last checkpoints at which every task has a score."""
    rows = scores[scores["task"].isin(tasks)]
    if (twice := rows.duplicated(["at", "task"])).any():
        first = rows[twice].iloc[0]
        raise UserError(f"choice: {first['task']} is there twice at {first['at']:g}; give one score a checkpoint")
    table = rows.pivot_table(index="at", columns="task", values="score", observed=True).reindex(columns=tasks)
    table = table[np.isfinite(table).all(axis=1)].sort_index().tail(last)
    if len(table) < FEWEST:
        raise UserError(f"choice: {len(table)} checkpoints have a score of every task, at least {FEWEST} are needed")
    return table


def _variances(scores: pd.DataFrame, task: str, values: pd.Series) -> tuple[np.ndarray, str]:
    """[checkpoints] variances of a task's scores, and where they come from."""
    rows = scores[scores["task"] == task].set_index("at").reindex(values.index)
    errors = rows["stderr"].to_numpy(float) if "stderr" in rows else np.full(len(rows), np.nan)
    if np.isfinite(errors).all():
        return errors**2, ERRORS
    items = rows["items"].to_numpy(float) if "items" in rows else np.full(len(rows), np.nan)
    if np.isfinite(items).all() and (items > 0).all() and values.between(0, 1).all():
        share = (values.to_numpy() * items + 1) / (items + 2)  # none right of twenty is not sure to be none
        return share * (1 - share) / items, ITEMS
    places = np.arange(len(values))
    off = values.to_numpy() - np.polyval(np.polyfit(places, values.to_numpy(), 1), places)
    return np.full(len(values), float(np.sum(off**2)) / (len(values) - 2)), SERIES


def _covariance(wide: pd.DataFrame, clusters: pd.Series | None, task: str) -> np.ndarray:
    """[checkpoints, checkpoints] covariance of the means of a task's outcomes, over items or clusters of them."""
    off = wide - wide.mean()
    groups = off if clusters is None else off.groupby(clusters.reindex(wide.index)).sum()
    if len(groups) < 2:
        raise UserError(f"choice: {task} has {len(groups)} items that all checkpoints answered, at least 2 are needed")
    values = groups.to_numpy(float)
    return len(groups) / (len(groups) - 1) * (values.T @ values) / len(wide) ** 2
