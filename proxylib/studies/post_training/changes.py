"""What rounds of post-training win and lose: skills that are taught, skills that are not, losses by domain, refusals.

Everything is said per base first, minus what rounds without a change do to the same base, and intervals are over bases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.stats import Interval
from proxylib.studies.post_training.requests import HARMLESS
from proxylib.studies.post_training.settings import Arm

WHERE = ["base", "arm", "round"]
ENDS = ["estimate", "low", "high"]
TEACHING = {"target", "turn", "code", "renamed"}  # sources that teach something but refusals


def joined(base: pd.DataFrame, arms: dict[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """One base's table over all arms, with columns base, arm, round in front; round 0 of every arm is the base itself."""
    parts = []
    for arm, frame in arms.items():
        both = pd.concat([base.assign(round=0), frame], ignore_index=True)
        both.insert(0, "base", name)
        both.insert(1, "arm", arm)
        parts.append(both)
    return pd.concat(parts, ignore_index=True)


def taught(arm: Arm, targets: Sequence[str]) -> tuple[str, ...]:
    """Tasks that some round of an arm teaches on its own."""
    return tuple(targets) if "turn" in arm.reads else tuple(targets[:1]) if "target" in arm.reads else ()


def accuracies(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Columns base, arm, round, task, accuracy (share of plain requests) and change (points since the base)."""
    plain = outcomes[outcomes["kind"] == "plain"]
    table = plain.groupby([*WHERE, "task"], sort=False)["correct"].mean().rename("accuracy").reset_index()
    return table.assign(change=100 * _since_base(table, "accuracy", ["task"]))


def sides(outcomes: pd.DataFrame, arms: Sequence[Arm], targets: Sequence[str]) -> pd.DataFrame:
    """Side losses and gains of every base, arm and round after the base.

    Returns
    -------
    Columns base, arm, round; side (points on tasks that no round of the arm teaches, mean over tasks, since the base, minus
    the same of the first arm, which changes nothing, at that round); alone (the same without that taken off); gain (points
    on the task that the round teaches, likewise; nan where none is taught): since the base, of a skill a round since the round
    before
    """
    table = accuracies(outcomes)
    rows = []
    for arm in arms:
        part = table[(table["arm"] == arm.name) & (table["round"] > 0)]
        own = part[~part["task"].isin(taught(arm, targets))].groupby(WHERE, sort=False)["change"].mean()
        drift = table[table["arm"] == arms[0].name]
        drift = drift[~drift["task"].isin(taught(arm, targets))].groupby(["base", "round"])["change"].mean()
        for (base, _, number), alone in own.items():
            one = table[table["base"] == base]
            gain, luck = (_gain(one[one["arm"] == name], arm, targets, number) for name in (arm.name, arms[0].name))
            rows.append((base, arm.name, number, alone - drift[base, number], alone, gain - luck))
    return pd.DataFrame(rows, columns=[*WHERE, "side", "alone", "gain"])


def _gain(table: pd.DataFrame, arm: Arm, targets: Sequence[str], number: int) -> float:
    names = taught(arm, targets)
    if not names:
        return np.nan
    task, before = (names[number - 1], number - 1) if "turn" in arm.reads else (names[0], 0)
    change = table[table["task"] == task].set_index("round")["change"]
    return float(change[number] - change[before])


def slopes(table: pd.DataFrame, column: str = "side") -> pd.DataFrame:
    """Points a round: the least-squares slope of every base and arm from the first round to the last.

    Returns
    -------
    Columns base, arm, slope (what every further round adds) and with_base (the same from the base on, whose side loss is 0)
    """
    import statsmodels.api as sm

    rows = []
    for (base, arm), part in table.groupby(["base", "arm"], sort=False):
        part = part.sort_values("round")
        given = {"slope": part[["round", column]], "with_base": pd.concat([pd.DataFrame({"round": [0], column: [0.0]}), part])}
        fits = [sm.OLS(rows_[column], sm.add_constant(rows_["round"].astype(float))).fit() for rows_ in given.values()]
        rows.append((base, arm, *(float(fit.params["round"]) for fit in fits)))
    return pd.DataFrame(rows, columns=["base", "arm", *("slope", "with_base")])


def refusals(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Columns base, arm, round, kind, refused (share), more (minus the base's); kind "harmless" is the mean of `HARMLESS`."""
    table = outcomes.groupby([*WHERE, "kind"], sort=False)["refused"].mean().reset_index()
    harmless = table[table["kind"].isin(HARMLESS)].groupby(WHERE, sort=False)["refused"].mean().reset_index()
    table = pd.concat([table, harmless.assign(kind="harmless")], ignore_index=True)
    return table.assign(more=_since_base(table, "refused", ["kind"]))


def domain_losses(domains: pd.DataFrame, control: str) -> pd.DataFrame:
    """Columns base, arm, round, domain, change: bits per byte since the base, minus the control arm's at that round."""
    table = domains.assign(change=_since_base(domains, "bits_per_byte", ["domain"]))
    table = table[table["round"] > 0]
    drift = table[table["arm"] == control].set_index(["base", "round", "domain"])["change"]
    keys = pd.MultiIndex.from_frame(table[["base", "round", "domain"]])
    return table.assign(change=table["change"].to_numpy() - drift.reindex(keys).to_numpy())[[*WHERE, "domain", "change"]]


def _since_base(table: pd.DataFrame, column: str, keys: Iterable[str]) -> pd.Series:
    """A column minus what it is at round 0."""
    first = table[table["round"] == 0].set_index(["base", "arm", *keys])[column]
    index = pd.MultiIndex.from_frame(table[["base", "arm", *keys]])
    return table[column] - first.reindex(index).to_numpy()


def over_bases(
    table: pd.DataFrame, keys: Sequence[str], column: str, level: float, interval=stats.mean_interval
) -> pd.DataFrame:
    """Mean of a column over bases with its interval: columns `keys`, estimate, low, high, n (bases that have it)."""
    rows = []
    for names, part in table.dropna(subset=[column]).groupby(list(keys), sort=False):
        means = part.groupby("base", sort=False)[column].mean()
        rows.append((*names, *interval(means, level), len(means)))
    return pd.DataFrame(rows, columns=[*keys, *ENDS, "n"]).astype(dict.fromkeys(ENDS, float))


def compounding(table: pd.DataFrame, arms: Sequence[Arm], level: float, column: str = "slope") -> Interval:
    """What further rounds add to the side loss, in points a round: mean over arms that teach something, interval over bases."""
    teaching = [arm.name for arm in arms if set(arm.reads) <= TEACHING]
    chosen = table[table["arm"].isin(teaching)].groupby("base", sort=False)[column].mean()
    return stats.mean_interval(chosen, level) if len(chosen) else Interval(np.nan, np.nan, np.nan)
