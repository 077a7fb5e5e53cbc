"""What choosing and fitting find by chance: the best of many on shuffled accuracies, and every fit where there is no signal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.ranking.panel import SAME, Panel, mean_rho, unit_ranks
from proxylib.ranking.protocols import task_folds, without_signal
from proxylib.ranking.rankers import Ranker
from proxylib.ranking.summaries import aligned_panels, families_drawn, over_seeds, panel_sizes, rho
from proxylib.stats import Bootstrap

SHUFFLED, OF_MODEL, OF_TASK = "scores shuffled", "random numbers of a model", "random numbers of a model and task"
#: ways to take the signal out of a panel and leave everything else
KINDS = (SHUFFLED, OF_MODEL, OF_TASK)
MINUS_NULL = "rho minus its null"


def univariate_rho(panels: Panel | Sequence[Panel]) -> np.ndarray:
    """[F] Spearman correlation of each feature, as measured, with accuracy: mean over tasks and seeds."""
    return np.mean([mean_rho(panel.features, panel.accuracy) for panel in aligned_panels(panels)], axis=0)


def best_of_null(panels: Panel | Sequence[Panel], draws: int, seed: int, families_whole: bool = False) -> np.ndarray:
    """What the best single feature scores when no feature knows anything: the whole choice, repeated under permutation.

    Parameters
    ----------
    panels : one per seed; the choice is made once, on the mean over tasks and seeds
    draws : permutations
    seed : of the generator
    families_whole : exchange families of one size as wholes, and models inside them, instead of models freely

    Returns
    -------
    [draws] highest correlation over features and signs; the observed one is `np.abs(univariate_rho(panels)).max()`

    Notes
    -----
    Models' accuracies are permuted as whole rows and alike for all seeds, so tasks and seeds stay as dependent as they
    are. Freely, models of one family are treated as exchangeable with others: where features and accuracies both go by
    family, that null is too narrow; `families_whole` keeps what a family shares. A share of draws above the observed value
    must count the observed one: (1 + above) / (1 + draws).
    """
    panels = aligned_panels(panels)
    orders = _permutations(_blocks(panels[0], families_whole), draws, seed)
    return np.abs(np.mean([_permuted_rho(panel, orders).mean(0) for panel in panels], axis=0)).max(1)


def choice_null(panels: Panel | Sequence[Panel], draws: int, seed: int, families_whole: bool = False, k: int = 2) -> np.ndarray:
    """What `Univariate` scores under leave-tasks-out when no feature knows anything: every fold's choice, repeated.

    Parameters
    ----------
    panels : one per seed; each chooses for itself
    draws, seed, families_whole : as for `best_of_null`
    k : tasks held out at a time

    Returns
    -------
    [draws] mean correlation over folds, held-out tasks and seeds

    Notes
    -----
    Permuted as in `best_of_null`. The tasks' dependence is kept and with it the part of a held-out correlation that comes
    from the same models being in training and test: where tasks agree, this null is much wider than chance on new models.
    """
    panels = aligned_panels(panels)
    orders = _permutations(_blocks(panels[0], families_whole), draws, seed)
    return np.mean([_choices(_permuted_rho(panel, orders), task_folds(panel, k)) for panel in panels], axis=0)


def emptied(panel: Panel, kind: str, rng: np.random.Generator) -> Panel:
    """The panel without a signal.

    Parameters
    ----------
    panel : the real one
    kind : `SHUFFLED`: the accuracies of whole models are exchanged, all tasks alike, while features and families stay;
        `OF_MODEL`: as many standard normal features as there are, of each model the same in all tasks; `OF_TASK`: others in
        every task
    """
    models, tasks, features = panel.features.shape
    if kind == SHUFFLED:
        return dataclasses.replace(panel, accuracy=panel.accuracy[rng.permutation(models)])
    numbers = rng.standard_normal((models, tasks if kind == OF_TASK else 1, features))
    return dataclasses.replace(panel, features=np.broadcast_to(numbers, panel.features.shape))


class FittedNulls(NamedTuple):
    """What fits find without a signal.

    `table` has the columns method, protocol, kind, repeats, mean (of the mean correlation over repeats), high (what 95 % of
    further repeats stay below) and decides (whether the kind has the highest mean of the three); `drawn` has by method and
    protocol the mean over repeats of the kind that decides [seeds, 1 + draws], under the draws of families.
    """

    table: pd.DataFrame
    drawn: dict[tuple[str, str], np.ndarray]


def fitted_nulls(
    methods: Mapping[str, tuple[Sequence[Panel], Ranker]], bootstrap: Bootstrap, repeats: int, level: float = 0.95
) -> FittedNulls:
    """Every fitted ranker under every protocol on panels without a signal: zero is not what they find there.

    Parameters
    ----------
    methods : method -> its panels, one per seed, and its ranker; all panels of the same models, and as many features in each
    bootstrap : draws of families, and the seed of all that is random
    repeats : of the whole fit, choices of features and costs included
    level : of the bar `high`

    Raises
    ------
    UserError
        For fewer than two repeats.

    Notes
    -----
    Under leave-tasks-out the models that are ranked are those that were fitted to: enough random numbers tell them apart and
    carry over to other tasks how good each is. Under leave-family-out nothing carries over, and the mean is about zero.
    The bar is that of a further repeat if repeats are normal: mean + t sd sqrt(1 + 1 / repeats). Methods of one ranker
    get the same random numbers, and so the same fits. See `protocols.without_signal` for the sets of tasks.
    """
    if repeats < 2:
        raise UserError(f"null: {repeats} repeat, at least 2 are needed")
    rows, drawn = [], {}
    for kind, repeat in ((kind, repeat) for kind in KINDS for repeat in range(repeats)):
        fits = {}
        for method, (panels, ranker) in methods.items():
            key = method if kind == SHUFFLED else ranker
            if key not in fits:
                fits[key] = _repeat(panels, ranker, bootstrap, kind, repeat)
            for protocol, values in fits[key].items():
                rows.append((method, protocol, kind, values[:, 0].mean()))
                drawn[method, protocol, kind] = drawn.get((method, protocol, kind), 0) + values / repeats
    table = _over_repeats(pd.DataFrame(rows, columns=["method", "protocol", "kind", "rho"]), level)
    deciding = table[table["decides"]]
    keys = zip(deciding["method"], deciding["protocol"], deciding["kind"], strict=True)
    return FittedNulls(table, {(method, protocol): drawn[method, protocol, kind] for method, protocol, kind in keys})


def _repeat(panels: Sequence[Panel], ranker: Ranker, bootstrap: Bootstrap, kind: str, repeat: int) -> dict[str, np.ndarray]:
    """Protocol -> [seeds, 1 + draws] mean correlations; accuracies are exchanged alike in all seeds, numbers are not."""
    by_protocol: dict[str, list[np.ndarray]] = {}
    for number, panel in enumerate(aligned_panels(panels)):
        empty, weights = _without(panel, kind, bootstrap.seed, repeat, number), families_drawn(panel, bootstrap).weights
        for protocol, predictions in without_signal(empty, ranker, repeat).items():
            by_protocol.setdefault(protocol, []).append(rho(predictions, empty, weights))
    return {protocol: np.array(values) for protocol, values in by_protocol.items()}


def _without(panel: Panel, kind: str, seed: int, repeat: int, number: int) -> Panel:
    """The panel of the numbered training seed in one repeat of a null."""
    rng = np.random.default_rng([seed, KINDS.index(kind), repeat, 0 if kind == SHUFFLED else number])
    return emptied(panel, kind, rng)


def nulls_of(
    asked: Mapping[tuple[str, str], tuple[Sequence[Panel], Callable[[Panel], pd.DataFrame]]],
    seed: int,
    repeats: int,
    level: float = 0.95,
) -> pd.DataFrame:
    """What any ways to predict find on panels without a signal; a choice made with the scores it is judged by finds much.

    Parameters
    ----------
    asked : (method, protocol) -> its panels, one per training seed, and what predicts from one, choices included
    seed, repeats, level : as for `fitted_nulls`

    Returns
    -------
    the table of `FittedNulls`
    """
    rows = []
    for (method, protocol), (panels, predict) in asked.items():
        for kind, repeat in ((kind, repeat) for kind in KINDS for repeat in range(repeats)):
            empty = [_without(panel, kind, seed, repeat, number) for number, panel in enumerate(aligned_panels(panels))]
            values = [rho(predict(panel), panel, np.ones((1, len(panel.models))))[0] for panel in empty]
            rows.append((method, protocol, kind, np.mean(values)))
    return _over_repeats(pd.DataFrame(rows, columns=["method", "protocol", "kind", "rho"]), level)


def _over_repeats(repeats: pd.DataFrame, level: float) -> pd.DataFrame:
    """The table of `FittedNulls` from a row per repeat."""
    from scipy.stats import t

    keys = ["method", "protocol", "kind"]
    table = repeats.groupby(keys, sort=False)["rho"].agg(repeats="size", mean="mean", sd="std").reset_index()
    reach = t.ppf(level, table["repeats"] - 1) * np.sqrt(1 + 1 / table["repeats"])
    highest = table.groupby(keys[:2])["mean"].transform("idxmax")
    high = (table["mean"] + reach * table["sd"]).clip(upper=1)
    return table.assign(high=high, decides=table.index == highest).drop(columns="sd")


def bars(table: pd.DataFrame) -> pd.DataFrame:
    """What a fit is held against: columns method, protocol, repeats, null_mean and null_high, from the table of `FittedNulls`.

    The highest mean and the highest bar of the three kinds, so that no way to take the signal out explains a result.
    """
    groups = table.groupby(["method", "protocol"], sort=False)
    return groups.agg(repeats=("repeats", "first"), null_mean=("mean", "max"), null_high=("high", "max")).reset_index()


def minus_null(
    panels: Sequence[Panel], predictions: Mapping[str, Sequence[pd.DataFrame]], nulls: FittedNulls, bootstrap: Bootstrap
) -> pd.DataFrame:
    """Every fitted method's correlation minus the mean of its null, on the same draws of families.

    Parameters
    ----------
    panels, predictions : as for `summaries.summary`
    nulls : of these methods
    bootstrap : the one that the nulls were given

    Returns
    -------
    columns as from `summaries.summary`, quantity `MINUS_NULL`
    """
    panels = aligned_panels(panels)
    families, rows = families_drawn(panels[0], bootstrap), []
    for (method, protocol), null in nulls.drawn.items():
        parts = [frame[frame["protocol"] == protocol] for frame in predictions[method]]
        real = np.stack([rho(part, panel, families.weights) for part, panel in zip(parts, panels, strict=True)])
        rows.append((method, protocol, MINUS_NULL, *over_seeds(families, real - null), *panel_sizes(panels)))
    numbers = ["estimate", "low", "high", "seed_low", "seed_high", "models", "families", "seeds"]
    return pd.DataFrame(rows, columns=["method", "protocol", "quantity", *numbers])


def _blocks(panel: Panel, families_whole: bool) -> np.ndarray:
    return panel.families if families_whole else np.zeros(len(panel.models))


def _permutations(blocks: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """[draws, n]: the model whose accuracies each model is given; blocks [n] of one size are exchanged whole."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(blocks == label) for label in dict.fromkeys(blocks.tolist())]
    orders = np.empty((draws, len(blocks)), int)
    for order in orders:
        for size in {len(block) for block in members}:
            alike = [block for block in members if len(block) == size]
            for block, other in zip(alike, rng.permutation(len(alike)), strict=True):
                order[block] = rng.permutation(alike[other])
    return orders


def _permuted_rho(panel: Panel, orders: np.ndarray) -> np.ndarray:
    """[T, draws, F] Spearman correlations with permuted accuracies: one product of unit ranks per task."""
    y = unit_ranks(panel.accuracy)[orders]  # [draws, n, T]
    return np.moveaxis(y, 2, 0) @ np.moveaxis(unit_ranks(panel.features), 1, 0)


def _choices(rhos: np.ndarray, folds: list[tuple[int, ...]]) -> np.ndarray:
    """[draws] mean held-out correlation of the feature and sign chosen in each fold, from [T, draws, F]."""
    total = 0.0
    for out in folds:
        held_in = np.round(np.delete(rhos, out, axis=0).mean(0), SAME)
        best = np.abs(held_in).argmax(1)[:, None]
        sign = np.where(np.take_along_axis(held_in, best, 1) < 0, -1, 1)
        total = total + (sign * np.take_along_axis(rhos[list(out)].mean(0), best, 1))[:, 0]
    return total / len(folds)
