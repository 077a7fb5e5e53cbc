"""The two layers that need people, simulated over what models really answered: voters, and users of a product."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib.judging.users import COLUMNS, HOLDOUT, Log, Models, Users, simulate
from proxylib.studies.layers.settings import Votes

RETRIES, DOWN = "retries", "thumbs down"


def votes(mine: pd.DataFrame, theirs: pd.DataFrame, mix: Mapping[str, float], config: Votes, seed: int) -> np.ndarray:
    """Simulated votes for a release (1), for the reference (-1), or a tie (0).

    Parameters
    ----------
    mine, theirs : answers of either (see `faulty.Layers.answers`) to the same items
    mix : form -> share of what annotators ask
    seed : of items and voters
    """
    rng = np.random.default_rng([seed, 11])
    both = mine.merge(theirs, on=["asked", "task", "item"], suffixes=("", "_theirs"), validate="one_to_one")
    places = {form: np.flatnonzero(both["asked"] == form) for form in mix}
    forms = rng.choice(len(mix), config.comparisons, p=list(mix.values()))
    shown = both.iloc[[rng.choice(places[form]) for form in np.array(list(mix))[forms]]]
    letters, others = shown["letters"].to_numpy(float), shown["letters_theirs"].to_numpy(float)
    seems = config.longer * (letters - others) / np.maximum(letters + others, 1)
    for name, weight in (("read", config.right), ("ended", config.format)):
        seems = seems + weight * (shown[name].to_numpy(float) - shown[f"{name}_theirs"].to_numpy(float))
    felt = seems + rng.logistic(size=len(shown))
    return np.where(felt > config.tie, 1, np.where(felt < -config.tie, -1, 0))


def shares(answers: pd.DataFrame, mix: Mapping[str, float]) -> np.ndarray:
    """[K] share of right answers, as a reader finds them, to requests of each form of a mix."""
    return answers.groupby("asked")["read"].mean().loc[list(mix)].to_numpy(float)


def used(mine: pd.DataFrame, theirs: pd.DataFrame, mix: Mapping[str, float], product: Users, seed: int) -> Log:
    """What a product logs when half of its simulated users get the release and half stay with the reference."""
    chances = np.array([shares(theirs, mix), shares(mine, mix)])
    lengths = np.array([answers.loc[answers["asked"].isin(list(mix)), "letters"].mean() for answers in (theirs, mine)])
    asked = np.array([list(mix.values())] * 2)
    return simulate(product, Models(chances, asked, lengths), HOLDOUT, seed, logs_users=False)


def complaints(log: Log, update: int, days: int) -> dict[str, float]:
    """Share of tasks asked again, and of thumbs down, so many days after the update: the release minus the reference."""
    sums = log.arms[update : update + days].sum(0)
    column = {name: sums[:, COLUMNS.index(name)] for name in COLUMNS}
    with np.errstate(invalid="ignore", divide="ignore"):
        again, down = column["retried"] / column["tasks"], 1 - column["up"] / column["rated"]
    return {RETRIES: float(again[1] - again[0]), DOWN: float(np.nan_to_num(down[1] - down[0]))}
