"""Protocols: what is held out, and what a ranker that never saw it says of it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.ranking.panel import Panel, standardise
from proxylib.ranking.rankers import Fixed, Ranker, Scorer

TASKS_OUT, FAMILY_OUT, BOTH_OUT = "leave-tasks-out", "leave-family-out", "leave-both-out"
ORACLE = "leave-tasks-out, oracle"
COLUMNS = ["protocol", "fold", "family", "task", "model", "score", "held_out"]
Folds = Sequence[tuple[int, ...]]  # each a set of tasks that is held out


def leave_tasks_out(panel: Panel, ranker: Ranker, k: int = 2, oracle: bool = False) -> pd.DataFrame:
    """Train on all models and all but k tasks, rank all models on those k: the source's protocol.

    Parameters
    ----------
    panel, ranker : what is ranked, and by what
    k : tasks held out at a time, in every combination
    oracle : fit and choose on the held-out tasks instead: an upper bound for the ranker's form, not a prediction

    Returns
    -------
    columns protocol, fold (number of the combination of held-out tasks), family (held out; "" here), task (held out),
    model, score, held_out (whether the row is part of the ranking to be judged; always here)

    Notes
    -----
    Models are not held out, so a good result need not come from the proxies' meaning: compare `held_in_score`.
    """
    return _predictions(panel, ranker, ORACLE if oracle else TASKS_OUT, task_folds(panel, k), [""])


def leave_family_out(panel: Panel, ranker: Ranker) -> pd.DataFrame:
    """Train on all families but one and all tasks, score the family left out; features are scaled without it.

    Returns
    -------
    columns as from `leave_tasks_out`; fold is 0, held_out is True for the models of `family` and False for those that the
    scorer was fitted on

    Notes
    -----
    Within a fold and task all scores are shifted and scaled, without labels, to mean 0 and standard deviation 1 over the
    training models. Only so can scores of different folds be pooled into one ranking, and it remains a ranking across
    different scorers: `pair_agreement` compares only inside the family left out. A `Fixed` score is the same in all folds
    and is pooled as it is.
    """
    return _predictions(panel, ranker, FAMILY_OUT, [()], family_labels(panel))


def leave_both_out(panel: Panel, ranker: Ranker, k: int = 2) -> pd.DataFrame:
    """Train without a family and without k tasks, score that family on those tasks: nothing about either has been seen.

    Returns
    -------
    columns as from `leave_family_out`; fold is the number of the set of held-out tasks, see `balanced_folds`
    """
    return _predictions(panel, ranker, BOTH_OUT, balanced_folds(panel, k), family_labels(panel))


def without_signal(panel: Panel, ranker: Ranker, repeat: int, k: int = 2) -> dict[str, pd.DataFrame]:
    """The three protocols on a panel that is one repeat of a null, with fewer sets of tasks and nothing remembered.

    Parameters
    ----------
    panel, ranker : what is ranked, and by what
    repeat : its number decides which tasks are held out together with a family
    k : tasks held out at a time

    Returns
    -------
    protocol -> columns as from `leave_tasks_out`

    Notes
    -----
    Tasks are held out in the sets of `balanced_folds`; with a family in one of them, another one in every repeat. Their mean
    is that of all sets; the spread over repeats is a little wider, so what it bounds is bounded from above.
    """
    folds, families = balanced_folds(panel, k), family_labels(panel)
    one = [folds[repeat % len(folds)]]
    asked = {TASKS_OUT: (folds, [""]), FAMILY_OUT: ([()], families), BOTH_OUT: (one, families)}
    return {protocol: _predictions(panel, ranker, protocol, *sets, fit=_fit) for protocol, sets in asked.items()}


def task_folds(panel: Panel, k: int) -> list[tuple[int, ...]]:
    """Every set of k tasks to leave out; `UserError` if that leaves none, or leaves out none."""
    if not 1 <= k < len(panel.tasks):
        raise UserError(f"hold-out: k = {k} tasks of {len(panel.tasks)} cannot be left out")
    return list(itertools.combinations(range(len(panel.tasks)), k))


def balanced_folds(panel: Panel, k: int) -> list[tuple[int, ...]]:
    """A few sets of k tasks, each task in as many of them as every other: neighbours, in the order of the tasks' names.

    Notes
    -----
    Each task once where k divides their number (four pairs of eight, of 28), else k times, in a ring (seven pairs of seven,
    of 21). Where fits are dear, what is lost by leaving out the others is little: sets that share tasks say nearly the same.
    """
    task_folds(panel, k)  # refuses what cannot be held out
    ring = sorted(range(len(panel.tasks)), key=panel.tasks.__getitem__)
    step = 1 if len(ring) % k else k
    return [tuple(sorted((ring[first:] + ring)[:k])) for first in range(0, len(ring), step)]


def family_labels(panel: Panel) -> list[str]:
    """Families in order of appearance; `UserError` if there is but one."""
    labels = list(dict.fromkeys(panel.families.tolist()))
    if len(labels) < 2:
        raise UserError("hold-out: at least 2 families are needed")
    return labels


def _fit(panel: Panel, ranker: Ranker, tasks: tuple[int, ...], family: str) -> Scorer:
    """The ranker fitted on some tasks and on the models outside a family."""
    kept = panel.families != family
    X = standardise(panel.features, kept)[kept][:, tasks]
    return ranker.fit(X, panel.accuracy[kept][:, tasks])


#: the same, once for each of all fits of a population: the stability of a choice asks for the very fits that the predictions
#: came from
fitted_without = functools.lru_cache(maxsize=8192)(_fit)


def _predictions(
    panel: Panel,
    ranker: Ranker,
    protocol: str,
    folds: Folds,
    families: Sequence[str],
    fit: Callable[[Panel, Ranker, tuple[int, ...], str], Scorer] = fitted_without,
) -> pd.DataFrame:
    """Every fold: without tasks in it, all are both trained on and ranked; with family "", no model is held out."""
    everything = tuple(range(len(panel.tasks)))
    frames = []
    for family in families:
        kept = panel.families != family
        # what fits nothing has one scale in all folds, its own; scaling it fold by fold would change the pooled ranking
        scale = (lambda values: values) if isinstance(ranker, Fixed) else (lambda values, kept=kept: standardise(values, kept))
        X = scale(panel.features)
        for fold, out in enumerate(folds):
            asked = out or everything
            seen = asked if protocol == ORACLE else tuple(t for t in everything if t not in out)
            scores = fit(panel, ranker, seen, family)(X[:, asked])
            frames.append(fold_frame(panel, protocol, fold, family, asked, scale(scores)))
    return pd.concat(frames, ignore_index=True)


def fold_frame(panel: Panel, protocol: str, fold: int, family: str, tasks: Sequence[int], scores: np.ndarray) -> pd.DataFrame:
    """One fold's rows from scores [n, tasks]."""
    n = len(panel.models)
    held_out = (panel.families == family) | (family == "")
    columns = {
        "protocol": protocol,
        "fold": fold,
        "family": family,
        "task": np.repeat([panel.tasks[t] for t in tasks], n),
        "model": np.tile(panel.models, len(tasks)),
        "score": np.asarray(scores, float).T.ravel(),
        "held_out": np.tile(held_out, len(tasks)),
    }
    return pd.DataFrame(columns)
