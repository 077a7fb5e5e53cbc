"""Frames that the page on judges by loss shows, and what they decide; the sentences stand in the notebook."""

from __future__ import annotations

import pandas as pd

from proxylib.judging.criteria import LM_JUDGE
from proxylib.report.tables import interval, row, rows, wide
from proxylib.report.words import MISSING, with_interval
from proxylib.stats import Interval
from proxylib.studies.reverse_validation.fits import FRIEND, OUTCAST
from proxylib.studies.reverse_validation.labels import WAYS
from proxylib.studies.reverse_validation.orders import ALL, RANKS
from proxylib.studies.reverse_validation.worth import CONFIGURATIONS, NOTES, WITHIN

PRIMARY = {"schedule": "epochs", "loss": "final_loss"}
LITTLE = 0.1  # between two rank correlations: no more than this is little
PEERS = {"peer": "by another judge", "weak peer": "by a weaker one"}
WORTH = {NOTES: "notes (kappa)", WITHIN: "notes of one model (kappa)", CONFIGURATIONS: "order of configurations"}


def judges(table: pd.DataFrame) -> pd.DataFrame:
    """The judges on the grid that decides, without the facts themselves, whose kappa is one by definition."""
    part = rows(table, **PRIMARY)
    return part[part["judge"] != "rubric, strict"]


def fooled(table: pd.DataFrame, how: str) -> list[str]:
    """Names of the judges that loss is wrong about in one way, the worst first."""
    part = rows(table, **PRIMARY, fooled=how)
    return list(part.sort_values(NOTES, ascending=how == FRIEND, kind="stable")["judge"])


def fooled_table(table: pd.DataFrame) -> pd.DataFrame:
    """A row per judge that loss is wrong about: kind, correlation with loss, kappas, order of configurations."""
    part = rows(table, **PRIMARY)
    part = part[part["fooled"].isin([FRIEND, OUTCAST])].sort_values(["fooled", "falls"], ascending=[True, False])
    shown = part[["fooled", "judge", "kind"]].assign(**{"correlation with loss": -part["falls"].round(2) + 0.0})
    return shown.assign(**{label: part[name].round(2) for name, label in WORTH.items()})


def judges_table(table: pd.DataFrame) -> pd.DataFrame:
    """A row per judge in the order of their kappas."""
    part = rows(table, **PRIMARY).sort_values(NOTES, ascending=False, kind="stable")
    shown = part[["judge", "kind"]].assign(
        **{"passes, %": part["rate"].round(0), "correlation with loss": -part["falls"].round(2) + 0.0}
    )
    return shown.assign(**{label: part[name].round(2) for name, label in WORTH.items()})


def other_judge(table: pd.DataFrame) -> bool:
    """Whether another judge was at hand; the rubric at another stringency is none, as it knows the facts."""
    return LM_JUDGE in set(table["judge"])


def peers(ordered: pd.DataFrame, differences: pd.DataFrame) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """By each of `PEERS` the order of judges by their agreement with it, and what that is above the order by loss."""
    keys = PRIMARY | {"yardstick": NOTES, "group": ALL, "statistic": RANKS}
    order = {name: interval(ordered, signal=name, **keys) for name in PEERS}
    return order, {name: interval(differences, way=name, yardstick=NOTES, statistic=RANKS) for name in PEERS}


def orders_table(table: pd.DataFrame, with_peers: bool = True) -> pd.DataFrame:
    """How well loss orders judges: a row per group and yardstick, the size of the correlation beside its sign."""
    part = rows(table, **PRIMARY, statistic=RANKS)
    part = part[part["yardstick"].isin(list(WORTH))].assign(yardstick=lambda frame: frame["yardstick"].map(WORTH))
    return wide(
        part,
        ["group", "yardstick"],
        {"signal": {"R2": "by R2", "falls": "by -r"} | (PEERS if with_peers else {})},
    )


def grids_table(table: pd.DataFrame) -> pd.DataFrame:
    """The same question on every grid and with every loss: rank correlation of R2, and of -r, with kappa; area of -r."""
    part = rows(table, yardstick=NOTES, group=ALL)
    part = part[part["signal"].isin(["R2", "falls"])]
    kept = part[(part["statistic"] == RANKS) | (part["signal"] == "falls")]
    what = {"R2": "rank correlation by R2", "falls": "rank correlation by -r"}
    named = kept.assign(what=[what[r.signal] if r.statistic == RANKS else "area by -r" for r in kept.itertuples()])
    named["loss"] = named["loss"].str.replace("_", " ")
    return wide(named, ["schedule", "loss"], {"what": {name: name for name in (*what.values(), "area by -r")}})


def sizes(table: pd.DataFrame, yardstick: str = NOTES) -> pd.DataFrame:
    """Rank correlation with what judges are worth, by number of configurations or labels, for the figure."""
    return rows(table, yardstick=yardstick, statistic=RANKS)


def differences_table(table: pd.DataFrame, with_peers: bool = True) -> pd.DataFrame:
    """Labels or another judge minus loss: a row per way and number, a column per yardstick."""
    part = rows(table, statistic=RANKS)
    part = part[with_peers | ~part["way"].isin(list(PEERS))].replace(
        {"way": {"peer": "another judge", "weak peer": "a weaker judge"}}
    )
    part = part.assign(yardstick=part["yardstick"].map(WORTH))
    return wide(part, ["way", "size"], {"yardstick": {label: label for label in WORTH.values()}})


def fewest_labels(table: pd.DataFrame, way: str = WAYS[0], yardstick: str = NOTES) -> int | None:
    """The fewest labels that on average order judges at least as loss on all configurations does; None where none did."""
    part = sizes(table, yardstick)
    loss = part[part["source"] == "loss"]
    whole = loss.loc[loss["size"].idxmax(), "estimate"]
    enough = part[(part["source"] == f"labels, {way}") & (part["estimate"] >= whole)]
    return int(enough["size"].min()) if len(enough) else None


def of(table: pd.DataFrame, source: str, size: int, yardstick: str = NOTES, statistic: str = RANKS) -> float:
    """The mean of one source at one size."""
    return float(row(table, source=source, size=size, yardstick=yardstick, statistic=statistic)["estimate"])


def yours_table(said: pd.DataFrame) -> pd.DataFrame:
    """What `yours.said` says, for reading."""
    span = lambda r: f"{r.least:.2f} to {r.most:.2f}" if r.alike else MISSING
    return pd.DataFrame(
        {
            "judge": said["judge"],
            "configurations": said["n"],
            "correlation with loss": [with_interval((r.r, r.low, r.high)) for r in said.itertuples()],
            "luck stays within": [f"±{r.luck:.2f}" for r in said.itertuples()],
            "recorded judges like it": said["alike"],
            "their kappas": [span(r) for r in said.itertuples()],
            "labels that say more": [MISSING if pd.isna(r.enough) else f"{r.enough:.0f}" for r in said.itertuples()],
            "kappa by your labels": [with_interval((r.kappa, r.kappa_low, r.kappa_high)) for r in said.itertuples()],
        }
    )
