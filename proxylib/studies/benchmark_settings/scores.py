"""Scores of models under settings, problem by problem: what every analysis of the study reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from proxylib.measure import scoring
from proxylib.studies.benchmark_settings import asking

SETTINGS = ["template", "shots", "ask", "decoding", "k", "scorer"]
SPLITS = 50  # random halves of the problems
PLAIN = {"shots": 0, "ask": asking.WORKED, "decoding": asking.GREEDY, "k": 1, "scorer": "final value"}


@dataclass(frozen=True, eq=False)
class Scores:
    """What models score.

    Parameters
    ----------
    values : [models, settings, problems] shares: right or not, or the chance that one of k samples is
    settings : a row per setting, columns `SETTINGS`
    tasks : [problems] of each
    """

    values: np.ndarray
    settings: pd.DataFrame
    tasks: np.ndarray

    def means(self, problems: np.ndarray | None = None) -> np.ndarray:
        """[models, settings] mean over tasks, of all problems or of those that a mask [problems] names."""
        chosen = np.ones(len(self.tasks), bool) if problems is None else problems
        parts = [self.values[:, :, chosen & (self.tasks == task)].mean(2) for task in np.unique(self.tasks)]
        return np.mean(parts, 0)

    def halves(self, seed: int, splits: int = SPLITS) -> list[tuple[np.ndarray, np.ndarray]]:
        """`means` on random halves of the problems, tasks halved one by one."""
        rng = np.random.default_rng(seed)
        pairs = []
        for _ in range(splits):
            first = np.zeros(len(self.tasks), bool)
            for task in np.unique(self.tasks):
                places = rng.permutation(np.flatnonzero(self.tasks == task))
                first[places[: len(places) // 2]] = True
            pairs.append((self.means(first), self.means(~first)))
        return pairs

    def place(self, **wanted: object) -> int:
        """Number of the one setting with these values; what is not named is as in the reference."""
        asked = {"template": self.settings["template"].iloc[0]} | PLAIN | wanted
        match = np.logical_and.reduce([(self.settings[name] == value).to_numpy() for name, value in asked.items()])
        (number,) = np.flatnonzero(match)
        return int(number)

    def of(self, models: Sequence[int]) -> Scores:
        """Some models alone."""
        return Scores(self.values[list(models)], self.settings, self.tasks)


def scores(outcomes: Mapping[str, pd.DataFrame]) -> Scores:
    """From the tables `outcomes` of several models, in their order; settings that one lacks are left out."""
    frames = [_by_setting(table) for table in outcomes.values()]
    shared = [key for key in frames[0].index if all(key in frame.index for frame in frames[1:])]
    problems = frames[0].columns
    values = np.stack([frame.loc[shared, problems].to_numpy() for frame in frames])
    settings = pd.DataFrame(shared, columns=SETTINGS)
    return Scores(values, settings, problems.get_level_values("task").to_numpy())


def _by_setting(table: pd.DataFrame) -> pd.DataFrame:
    """One row per setting, one column per problem (task, id)."""
    parts = []
    for samples, rows in table.groupby("samples", sort=False):
        for k in sorted({1, int(samples)}):
            for scorer in scoring.SCORERS:
                share = scoring.pass_at_k(rows["samples"], rows[scorer], k)
                parts.append(rows.assign(k=k, scorer=scorer, share=share))
    whole = pd.concat(parts)
    return whole.set_index([*SETTINGS, "task", "id"])["share"].unstack(["task", "id"], sort=False)
