"""How well predictions order models: rank correlation and pair agreement, with intervals over families."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.errors import UserError
from proxylib.ranking.panel import Panel
from proxylib.stats import Bootstrap, Resampling

RHO, AGREEMENT, DIFFERENCE = "rho", "pair agreement", "rho minus that of {}"


def drawn_rho(scores: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[draws] correlations; constant scores give 0, where accuracies leave it defined."""
    if not np.isfinite(scores).all():
        return np.full(len(weights), np.nan)
    rho = stats.spearman_draws(scores, y, weights)
    if np.isnan(rho).any():  # dropping the draws in which a ranker tells nothing apart would flatter it
        rho = np.where(np.isnan(rho) & np.isfinite(stats.spearman_draws(y, y, weights)), 0.0, rho)
    return rho


def rho(
    predictions: pd.DataFrame,
    panel: Panel,
    weights: np.ndarray,
    correlation: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] = drawn_rho,
) -> np.ndarray:
    """Spearman correlation of scores with accuracy over models, mean over folds and held-out tasks, once per draw.

    Parameters
    ----------
    predictions : of one protocol; only rows with held_out are used, so under leave-family-out a task's ranking is pooled
        from the families' folds
    panel : the accuracies
    weights : [draws, n] multiplicities of the models, from `families_drawn`
    correlation : of scores [n] with accuracies [n] under the weights; another than Spearman's for `strata`

    Returns
    -------
    [draws] mean correlations; nan where a draw leaves some task without a correlation or where a score is nan. Scores that
    do not tell the drawn models apart count as 0.

    Notes
    -----
    Draws are conditional on the fitted rankers: the interval omits what refitting on other families would add, so it is
    too short, the more so the more a ranker has to choose. A pooled ranking compares scores of different fits.
    """
    table = _table(predictions[predictions["held_out"]], panel, ["fold", "task"], "score")
    total = np.zeros(len(weights))
    for (_, task), scores in table.items():
        total += correlation(scores.to_numpy(), panel.accuracy[:, panel.tasks.index(task)], weights)
    return total / table.shape[1]


def _table(predictions: pd.DataFrame, panel: Panel, groups: list[str], values: str) -> pd.DataFrame:
    """A row per model of the panel and a column per ranking."""
    if len(set(predictions["protocol"])) != 1:
        raise UserError("scoring: give the predictions of one protocol at a time")
    return predictions.pivot(index="model", columns=groups, values=values).reindex(panel.models)


def pair_agreement(predictions: pd.DataFrame, panel: Panel, weights: np.ndarray) -> np.ndarray:
    """Share of pairs of held-out models that a fold's scores put in the order of accuracy, once per draw.

    Parameters
    ----------
    predictions, panel, weights : as for `rho`

    Returns
    -------
    [draws] shares over all folds and tasks; under leave-family-out, of pairs inside the family left out. A pair counts as
    often as the product of its models' multiplicities. Pairs tied in accuracy are skipped, tied scores count one half. nan
    where no pair is left or a score is nan.

    Notes
    -----
    Half is chance. A pair of a held-out model with one that the ranker was fitted on is not counted: the fit knows where the
    latter stands. Not comparable between protocols: they count different pairs. As for `rho`, refitting is omitted.
    """
    groups = ["fold", "family", "task"]
    scores = _table(predictions, panel, groups, "score")
    held_out = _table(predictions, panel, groups, "held_out").to_numpy(bool)
    y = panel.accuracy[:, [panel.tasks.index(task) for task in scores.columns.get_level_values("task")]]
    s = scores.to_numpy()
    order = np.sign(y[:, None] - y[None])  # [n, n, groups]
    counted = (order != 0) & held_out[:, None] & held_out[None]
    agreeing = (counted * (1 + order * np.sign(s[:, None] - s[None])) / 2).sum(2)  # [n, n]
    # every pair stands in both matrices twice, which cancels
    right, all_pairs = (((weights @ pairs) * weights).sum(1) for pairs in (agreeing, counted.sum(2)))
    return np.where(all_pairs > 0, right / np.where(all_pairs > 0, all_pairs, 1), np.nan)


def summary(
    panels: Sequence[Panel],
    predictions: dict[str, Sequence[pd.DataFrame]],
    bootstrap: Bootstrap,
    baselines: Sequence[str] = (),
) -> pd.DataFrame:
    """Every method's correlation and pair agreement, averaged over seeds, and paired differences from baselines.

    Parameters
    ----------
    panels : one per seed, of the same models
    predictions : method -> one frame per panel; a frame may hold several protocols
    bootstrap : draws, level and seed of the bootstrap
    baselines : methods; every other method of the same protocol gets its difference from each

    Returns
    -------
    columns method, protocol, quantity ("rho", "pair agreement", "rho minus that of <baseline>"), estimate, low, high,
    seed_low, seed_high (range of the seeds' own estimates), models, families, seeds

    Notes
    -----
    All seeds and methods see the same draws of families, so differences are paired. Seeds are averaged before the
    quantiles are taken: the interval is about families, the range about training. It is conditional on the fitted rankers
    (see `rho`), nan where fewer than half of the draws are defined, and too short with fewer than about ten families.
    """
    panels = aligned_panels(panels)
    for name, frames in predictions.items():
        if len(frames) != len(panels):
            raise UserError(f"summary: {name} has {len(frames)} frames for {len(panels)} panels")
    if unknown := set(baselines) - set(predictions):
        raise UserError(f"summary: baseline {sorted(unknown)[0]} has no predictions")
    families = families_drawn(panels[0], bootstrap)
    quantities = {}  # (method, protocol, quantity) -> [seeds, 1 + draws]
    for method, frames in predictions.items():
        for protocol in frames[0]["protocol"].unique():
            parts = [frame[frame["protocol"] == protocol] for frame in frames]
            for quantity, measure in ((RHO, rho), (AGREEMENT, pair_agreement)):
                quantities[method, protocol, quantity] = np.stack(
                    [measure(part, panel, families.weights) for part, panel in zip(parts, panels, strict=True)]
                )
    for method, protocol, quantity in list(quantities):
        for other in baselines:
            if quantity == RHO and method != other and (other, protocol, RHO) in quantities:
                difference = quantities[method, protocol, RHO] - quantities[other, protocol, RHO]
                quantities[method, protocol, DIFFERENCE.format(other)] = difference
    rows = [(*keys, *over_seeds(families, values), *panel_sizes(panels)) for keys, values in quantities.items()]
    keys, numbers = ["method", "protocol", "quantity"], ["estimate", "low", "high", "seed_low", "seed_high"]
    return pd.DataFrame(rows, columns=keys + numbers + ["models", "families", "seeds"])


def by_task(panels: Sequence[Panel], predictions: dict[str, Sequence[pd.DataFrame]], bootstrap: Bootstrap) -> pd.DataFrame:
    """Every method's correlation in each task, whose mean is that of `summary`.

    Parameters
    ----------
    panels, predictions, bootstrap : as for `summary`

    Returns
    -------
    columns method, protocol, task, estimate, low, high (families drawn whole)
    """
    panels = aligned_panels(panels)
    families, rows = families_drawn(panels[0], bootstrap), []
    for method, frames in predictions.items():
        for protocol, task in frames[0][["protocol", "task"]].drop_duplicates().itertuples(index=False):
            parts = [frame[(frame["protocol"] == protocol) & (frame["task"] == task)] for frame in frames]
            values = np.stack([rho(part, panel, families.weights) for part, panel in zip(parts, panels, strict=True)])
            rows.append((method, protocol, task, *over_seeds(families, values)[:3]))
    return pd.DataFrame(rows, columns=["method", "protocol", "task", "estimate", "low", "high"])


def over_seeds(families: Resampling, values: np.ndarray) -> tuple[float, ...]:
    """estimate, low, high of the mean over training seeds, and the range of the seeds' own estimates.

    Parameters
    ----------
    families : what was drawn
    values : [seeds, 1 + draws] of each seed under its weights
    """
    seeds = [families.drawn(seed_values).estimate for seed_values in values]
    return (*families.drawn(values.mean(0)).interval(undefined="nan"), float(np.min(seeds)), float(np.max(seeds)))


def families_drawn(panel: Panel, bootstrap: Bootstrap) -> Resampling:
    """The models with their families drawn whole."""
    return bootstrap.over(panel.families)


def panel_sizes(panels: list[Panel]) -> tuple[int, int, int]:
    """Numbers of models, families and seeds."""
    return len(panels[0].models), len(set(panels[0].families)), len(panels)


def aligned_panels(panels: Panel | Sequence[Panel]) -> list[Panel]:
    """The panels as a list, checked to hold the same models, families, tasks and features in the same order."""
    panels = [panels] if isinstance(panels, Panel) else list(panels)
    if not panels:
        raise UserError("panels: none given")
    for field in ("models", "families", "tasks", "names"):
        if any(list(getattr(panel, field)) != list(getattr(panels[0], field)) for panel in panels):
            raise UserError(f"panels: {field} differ between seeds")
    return panels
