"""The monitor over published runs: how often it raises an alarm where nobody reports a fault, and finds one that is put in.

Of the published data nothing enters a run but alarms and their places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from proxylib.alarms import table
from proxylib.data.histories.measured import LOSS, SCORE, VALIDATION
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Interval
from proxylib.studies.your_run.settings import Monitor
from proxylib.studies.your_run.sound import TUNING, Sound, runs
from proxylib.studies.your_run.watch import DETECTORS, TESTS, raised

ERROR = Monitor.model_fields["error"].default
PLACE = 0.6  # share of a run's checkpoints before the fault
#: fault -> sizes: points of a score, percent of a loss; nothing to be sized
FAULTS = {"fall": (2, 5, 10), "turn": (1, 3, 10), "jump": (3, 10, 30), "stop": (0,), "repeat": (0,)}
#: fault -> the detector that is to find it, and the kind of series it is put into
FOUND_BY = {"fall": ("fall", SCORE), "turn": ("rise", LOSS), "jump": ("spike", LOSS)}
FOUND_BY |= {"stop": ("missing", ""), "repeat": ("stale", "")}
REPORT = "report"  # name of all sets together that are for reporting
ANY = "any"  # runs with an alarm, each counted once: the promise is of a chance to raise any, not of a number


def alarms_of(sound: Sound) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Alarms of a run, and how many checkpoints raised them.

    Returns
    -------
    data, run, cluster, alarm, task, share (of the run, where it was raised), stands; and data, run, cluster, checkpoints,
    series, tests (alarms that are tests)
    """
    rows = sound.known.rows
    alarms = raised(rows, ERROR)
    about = {"data": sound.data, "run": sound.run, "cluster": sound.cluster}
    shares = alarms["at"] / rows["at"].max()
    kept = alarms[["alarm", "task", "stands"]].assign(share=shares, **about)
    facts = alarms["alarm"].isin(table.UNTOLD)
    counted = {"checkpoints": rows["at"].nunique(), "series": rows["task"].nunique()}
    return kept, about | counted | {"tests": int((~facts).sum())}


def planted(sound: Sound, seed: int) -> Iterator[dict[str, Any]]:
    """Every fault put into a run, and whether it was found.

    Yields
    ------
    data, run, cluster, fault, size, found, delay (checkpoints from the fault to its alarm; nan where it was not found)
    """
    rows, error = sound.known.rows, ERROR / TESTS
    places = np.sort(rows["at"].unique())
    begin = places[int(PLACE * len(places))]
    rng = np.random.default_rng([seed, *map(ord, f"{sound.data} {sound.run}")])
    for fault, sizes in FAULTS.items():
        detector, kind = FOUND_BY[fault]
        held = rows[(rows["split"] == VALIDATION) & (rows["kind"] == kind if kind else True)]
        there = held[held["at"] >= begin].drop_duplicates("task")
        if fault == "fall":  # one that has so far to fall before it is at chance
            there = there[there["value"] - there["chance"].fillna(0) >= max(sizes) / 100]
        names = sorted(there["task"])
        if not names:
            continue
        task = str(rng.choice(names))
        part = rows if fault in ("stop", "repeat") else rows[rows["kind"] == kind]
        before = _of(DETECTORS[detector](part, error), task, begin)
        for size in sizes:
            after = _of(DETECTORS[detector](with_fault(part, task, begin, fault, size), error), task, begin)
            new = after[~after.isin(before)]
            delay = float((places < new.min()).sum() - (places < begin).sum()) if len(new) else np.nan
            about = {"data": sound.data, "run": sound.run, "cluster": sound.cluster}
            yield about | {"fault": fault, "size": float(size), "found": bool(len(new)), "delay": delay}


def _of(alarms: pd.DataFrame, task: str, begin: float) -> pd.Series:
    """Places at or after the fault at which its series raised an alarm."""
    return alarms.loc[alarms["task"].isin([task, table.EVERY]) & (alarms["at"] >= begin), "at"]


def with_fault(rows: pd.DataFrame, task: str, begin: float, fault: str, size: float) -> pd.DataFrame:
    """A history with one fault in it.

    Parameters
    ----------
    rows : columns task, at, value
    task, begin : the series, and the place from which on it is at fault
    fault, size : of `FAULTS`
    """
    hit = (rows["task"] == task) & (rows["at"] >= begin)
    if fault == "stop":
        return rows[~hit]
    order = rows.loc[hit, "at"].rank().to_numpy()
    value = rows.loc[hit, "value"].to_numpy()
    moved = {
        "fall": lambda: np.maximum(value - size / 100, 0),
        "turn": lambda: value * (1 + size / 100 * order / order.max()),
        "jump": lambda: value * (1 + size / 100 * (order == 1)),
        "repeat": lambda: np.full(len(value), value[np.argmin(order)]),
    }[fault]()
    changed = rows.copy()
    changed.loc[hit, "value"] = moved
    return changed


def rates(counted: pd.DataFrame, alarms: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Alarms per hundred checkpoints, with intervals over clusters.

    Returns
    -------
    data (`REPORT` for all that are for reporting), alarm ("tests" for all but missing, `ANY` for runs that raise one of them),
    checkpoints, runs, clusters, alarms, silent (runs without a test's alarm), estimate, low, high
    """
    kinds = alarms.groupby(["data", "run", "alarm"]).size().unstack(fill_value=0)
    kinds = kinds.reindex(columns=list(table.KINDS), fill_value=0)
    whole = counted.join(kinds, on=["data", "run"]).fillna(dict.fromkeys(table.KINDS, 0))
    whole[ANY] = (whole["tests"] > 0).astype(int)
    rows = []
    for data in (REPORT, *dict.fromkeys(counted["data"])):
        part = whole[~whole["data"].isin(TUNING)] if data == REPORT else whole[whole["data"] == data]
        for alarm in (ANY, "tests", *table.KINDS) if len(part) else ():
            interval = _rate(part[alarm], part, bootstrap)
            rows.append(
                {
                    **{"data": data, "alarm": alarm, "checkpoints": int(part["checkpoints"].sum()), "runs": len(part)},
                    **{"clusters": part["cluster"].nunique(), "alarms": int(part[alarm].sum())},
                    **{"silent": int((part["tests"] == 0).sum()), **interval._asdict()},
                }
            )
    return pd.DataFrame(rows)


def _rate(alarms: pd.Series, part: pd.DataFrame, bootstrap: Bootstrap) -> Interval:
    """Sum of alarms over sum of checkpoints, in hundreds; where none was raised, as many as so many clusters could hide."""
    if len(set(part["cluster"])) < 2:
        return Interval(100 * alarms.sum() / part["checkpoints"].sum(), np.nan, np.nan)
    sampled = bootstrap.over(part["cluster"].tolist())
    drawn = sampled.drawn(100 * sampled.ratio(alarms.to_numpy(float), part["checkpoints"].to_numpy(float)))
    interval = drawn.interval("widened")
    if interval.high > 0:
        return interval
    return Interval(0.0, 0.0, 100 * 3 / part["checkpoints"].sum())  # the rule of three, checkpoints taken for independent


def power(found: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Share of planted faults that were found, with intervals over clusters, and the median delay.

    Returns
    -------
    data, fault, size, runs, clusters, estimate, low, high, delay (checkpoints; of those found)
    """
    rows = []
    for data in (REPORT, *dict.fromkeys(found["data"])):
        part = found[~found["data"].isin(TUNING)] if data == REPORT else found[found["data"] == data]
        for (fault, size), cell in part.groupby(["fault", "size"], sort=False):
            sampled = bootstrap.over(cell["cluster"].tolist()) if len(set(cell["cluster"])) > 1 else None
            hits = cell["found"].to_numpy(float)
            share = Interval(hits.mean(), np.nan, np.nan)
            if sampled:
                share = sampled.drawn(sampled.ratio(hits, np.ones(len(hits)))).share()
            rows.append(
                {"data": data, "fault": fault, "size": size, "runs": len(cell), "clusters": cell["cluster"].nunique()}
                | share._asdict()
                | {"delay": cell["delay"].median()}
            )
    return pd.DataFrame(rows)


def tables(given: Iterable[Sound], bootstrap: Bootstrap) -> dict[str, pd.DataFrame]:
    """All that the run keeps: `alarms`, `runs`, `planted`, `rates`, `power`, `estimates`."""
    alarms, counted, found = [], [], []
    for sound in given:
        raised, about = alarms_of(sound)
        alarms.append(raised)
        counted.append(about)
        found += planted(sound, bootstrap.seed)
    whole, about = pd.concat(alarms, ignore_index=True), pd.DataFrame(counted)
    by_kind = rates(about, whole, bootstrap)
    silent = by_kind[(by_kind["data"] == REPORT) & (by_kind["alarm"] == ANY)].iloc[0]
    estimates = {"claim": "ours-monitor-silent", **{name: silent[name] for name in ("estimate", "low", "high")}}
    estimates |= {"level": bootstrap.level, "n": int(silent["clusters"]), "n_unit": "sizes and shapes"}
    put_in = pd.DataFrame(found)
    return {
        "alarms": whole,
        "runs": about,
        "planted": put_in,
        "rates": by_kind,
        "power": power(put_in, bootstrap),
        "estimates": pd.DataFrame([estimates]),
    }


def build(step: Any, workspace: Workspace) -> None:
    """Builder of the run.

    Parameters
    ----------
    step : its settings are a `Bootstrap`
    workspace : receives the tables, see `tables`

    Raises
    ------
    UserError
        If a published set is not at hand.
    """
    made = tables(runs(), step.settings)
    for name, frame in made.items():
        workspace.write_table(name, frame)
    workspace.note(level=step.settings.level, draws=step.settings.draws, error=ERROR, tests=TESTS, place=PLACE)
