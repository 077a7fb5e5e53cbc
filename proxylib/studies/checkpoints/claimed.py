"""What the claims on checkpoints come to: means over sizes, shapes or runs, with Student's intervals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib.stats import Interval, mean_interval, proportion_interval
from proxylib.studies.checkpoints import fresh, steps
from proxylib.studies.checkpoints.equal_loss import COMPOSITE, SHARED

CHOICES = ("seen", "gain", "over_mean", "curse", "last_best")
ENDS = ("estimate", "low", "high")
AVERAGES = ("minus_last", "minus_mean", "minus_best", "same_minus_best")
WINS = ("wins", "same_wins")
NAMED = 10  # last weights, whose average the claims are about
SHARES = ("last_best", "changed")  # of repeats, shown as they are; the others are shares of items, shown as points
CLAIMED = 20  # last checkpoints: the shorter end of the claimed window
WIDE, SHORT = 50, 5  # the longer end, and a window that nobody claims


def over_clusters(frame: pd.DataFrame, column: str, level: float) -> Interval:
    """Mean over clusters of the mean of their runs, with Student's interval over clusters; nan where there is none."""
    means = frame.groupby("cluster", sort=False)[column].mean().dropna()
    return mean_interval(means, level) if len(means) else Interval(np.nan, np.nan, np.nan)


def summary(frames: Mapping[str, pd.DataFrame], level: float) -> pd.DataFrame:
    """Every quantity of choices, rules and weights over clusters.

    Returns
    -------
    set, fresh, window, quantity, estimate, low, high (points; shares as they are), runs, clusters
    """
    rows = []
    parts = [(key, part, CHOICES) for key, part in frames["choices"].groupby(["set", "fresh", "window"], sort=False)]
    for (name, window), part in frames["weights"].groupby(["set", "window"], sort=False):
        parts.append(((name, fresh.ITEMS, window), part, ("changed", "lost")))
    for (name, window, rule), part in frames["rules"].groupby(["set", "window", "rule"], sort=False):
        parts.append(((name, fresh.ITEMS, window), part.rename(columns={"gain": rule}), (rule,)))
    for (name, against, window), part, quantities in parts:
        for quantity in quantities:
            ends = over_clusters(part, quantity, level)
            scale = 1 if quantity in SHARES else 100
            about = {"set": name, "fresh": against, "window": window, "quantity": quantity}
            sizes = {"runs": part["run"].nunique(), "clusters": part["cluster"].nunique()}
            rows.append(about | dict(zip(ENDS, (scale * end for end in ends), strict=True)) | sizes)
    return pd.DataFrame(rows)


def trend_ratio(trends: pd.DataFrame, against: str, level: float) -> dict[str, object]:
    """Loss's steadiness over another's: geometric mean over clusters, and of how many runs and clusters."""
    kept = trends.assign(log=steps.ratio(trends, against)).dropna(subset="log")
    ends = np.exp(over_clusters(kept, "log", level))
    sizes = {"runs": len(kept), "clusters": kept["cluster"].nunique()}
    return {"against": against} | dict(zip(ENDS, map(float, ends), strict=True)) | sizes


def trend_ratios(trends: pd.DataFrame, level: float) -> pd.DataFrame:
    """`trend_ratio` against the composite and the median task, for every set and all together."""
    parts = [("all", trends), *trends.groupby("set", sort=False)]
    rows = [{"set": name} | trend_ratio(part, against, level) for name, part in parts for against in ("composite", "task")]
    return pd.DataFrame(rows)


def moved(moves: pd.DataFrame, level: float) -> pd.DataFrame:
    """Per set: share of runs in which some task rises, or falls, beyond the items' noise at a small step of the loss.

    Returns
    -------
    set, way (rise, fall), estimate, low, high (Wilson's interval over runs), runs, steps, tests, times (how often), largest
    (points), left (mean over runs of the share of rises that is left three checkpoints on)
    """
    rows = []
    for name, part in moves.groupby("set", sort=False):
        for way in ("rise", "fall"):
            times = part[f"{way}s"]
            ends = proportion_interval(int((times > 0).sum()), len(part), level)._asdict()
            sizes = {"runs": len(part), "steps": int(part["steps"].sum()), "tests": int(part["tests"].sum())}
            of_rises = {"largest": part["largest"].max(), "left": part["left"].mean()} if way == "rise" else {}
            rows.append({"set": name, "way": way} | ends | sizes | {"times": int(times.sum())} | of_rises)
    return pd.DataFrame(rows)


def wider(choices: pd.DataFrame, level: float) -> dict[str, object]:
    """Fresh gain of choosing among the last 50 minus that among the last 5, of runs that have both; points."""
    wide = choices.pivot(index=["run", "cluster"], columns="window", values="gain").dropna(subset=[SHORT, WIDE]).reset_index()
    ends = over_clusters(wide.assign(more=wide[WIDE] - wide[SHORT]), "more", level)
    return _row("stack-window", [100 * end for end in ends], wide["cluster"].nunique(), "sizes")


def published(frames: Mapping[str, pd.DataFrame], level: float) -> pd.DataFrame:
    """The scoreboard's rows of published runs."""
    spreads = frames["spreads"]
    equal = spreads[(spreads["set"] == "Gemstones") & (spreads["task"] == SHARED)].iloc[0]
    trend = frames["trend_ratios"].query("set == 'all' and against == 'composite'").iloc[0]
    items = frames["choices"][frames["choices"]["fresh"] == fresh.ITEMS]
    window = items[items["window"] == CLAIMED]
    gain = [100 * end for end in over_clusters(window, "gain", level)]
    rows = [
        _row(
            "stack-loss-disagrees",
            equal[list(ENDS)],
            frames["trends"].query("set == 'Gemstones'").shape[0],
            "shapes",
        )
        | {"null": equal["bar"]},
        _row("stack-loss-trend", trend[list(ENDS)], trend["clusters"], "sizes and shapes"),
        _row("stack-last-not-best", gain, window["cluster"].nunique(), "sizes"),
        wider(items, level),
    ]
    return pd.DataFrame(rows).assign(level=level)


def averages(frame: pd.DataFrame, level: float) -> pd.DataFrame:
    """kind, averaged, quantity, estimate, low, high (points; wins are shares of tasks): means over runs of the lab."""
    rows = []
    for (kind, number), part in frame.groupby(["kind", "averaged"], sort=False):
        for quantity in (*AVERAGES, *WINS):
            scale = 100 if quantity in AVERAGES else 1
            ends = [scale * end for end in mean_interval(part[quantity], level)]
            rows.append({"kind": kind, "averaged": number, "quantity": quantity} | dict(zip(ENDS, ends, strict=True)))
    return pd.DataFrame(rows)


def named(frame: pd.DataFrame) -> int:
    """The number of weights whose average the claims are about: ten, or the most that every kind of a small profile has."""
    numbers = set.intersection(*(set(part) for _, part in frame.groupby("kind")["averaged"]))
    return NAMED if NAMED in numbers else int(max(numbers))


def both_rates(frame: pd.DataFrame, number: int, level: float) -> dict[str, Interval]:
    """Of averages of so many weights, points: `gain`, over the last checkpoint at the constant rate minus that at the falling
    one; `reach`, the average at the constant rate minus the last checkpoint at the falling one.
    """
    wide = frame[frame["averaged"] == number].pivot(index="run", columns="kind", values=["minus_last", "score", "last"])
    quantities = {
        "gain": wide["minus_last"]["constant"] - wide["minus_last"]["falling"],
        "reach": wide["score"]["constant"] - wide["last"]["falling"],
    }
    return {name: mean_interval(100 * values, level) for name, values in quantities.items()}


def lab(frames: Mapping[str, pd.DataFrame], level: float) -> pd.DataFrame:
    """The scoreboard's rows of the lab."""
    number = named(frames["averages"])
    means = frames["averages_summary"].query("kind == 'watched runs' and averaged == @number").set_index("quantity")[list(ENDS)]
    runs = frames["averages"]["run"].nunique()
    rises = frames["moved"].query("way == 'rise'").iloc[0]
    rates = both_rates(frames["averages"], number, level)
    rows = [
        _row("stack-small-step", rises[list(ENDS)], rises["runs"], "runs"),
        _row("stack-averaging", means.loc["minus_best"], runs, "runs"),
        _row("stack-averaging-single", means.loc["wins"], runs, "runs"),
        _row("ours-averaging-rate", rates["gain"], runs, "runs"),
        _row("ours-averaging-reach", rates["reach"], runs, "runs"),
    ]
    equal = frames["spreads"][frames["spreads"]["task"] == COMPOSITE]
    if len(equal):  # as declared: it takes too much off for the luck of items, so that what is left is left for sure
        row = equal.iloc[0]
        rows.append(_row("stack-loss-disagrees-lab", row[list(ENDS)], row["families"], "families") | {"null": row["bar"]})
    return pd.DataFrame(rows).assign(level=level)


def _row(claim: str, ends: object, number: int, unit: str) -> dict[str, object]:
    """A row of the scoreboard."""
    estimate, low, high = map(float, ends)
    return {"claim": claim, "estimate": estimate, "low": low, "high": high, "n": int(number), "n_unit": unit}
