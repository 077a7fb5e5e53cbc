"""How wrong forecasts were, with intervals over what was sampled: by case and method, against baselines, and coverage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from proxylib.stats import Bootstrap, Drawn, Interval, Resampling, decide, mean_interval
from proxylib.studies.forecasting.cases import DATADECIDE, LATER, PROSE, TASK
from proxylib.studies.forecasting.methods import PERSISTENCE

COMPUTE, OF_PROSE, OF_TASK = "power in compute", f"{PROSE}, then sigmoid", f"{TASK}, then sigmoid"
BASELINES = (PERSISTENCE, COMPUTE, OF_PROSE, OF_TASK)
CASE = ["data", "kind", "known"]
_FORECAST = [*CASE, "cluster", "run", "task"]
LEAST_RUNS = 3  # to draw runs, not tasks
#: horizons that are counted together, by their lower ends
REACHES = (1, 3, 10, 30)


class Sample:
    """Forecasts of one case, side by side.

    Parameters
    ----------
    rows : of one case: run, cluster, kind, task, method, error
    bootstrap : draws, level and seed

    Notes
    -----
    Runs are drawn whole where there are three or more that were forecast later in themselves, or from small runs on their own
    corpus; else tasks are, with all the runs that they were asked of: larger runs of one case share what is known, and err
    together.
    """

    def __init__(self, rows: pd.DataFrame, bootstrap: Bootstrap):
        self.wide = rows.pivot(index=["cluster", "run", "task"], columns="method", values="error")
        runs = self.wide.index.get_level_values("cluster")
        apart = rows["kind"].iloc[0] == LATER or rows["data"].iloc[0] == DATADECIDE
        several = apart and runs.nunique() >= LEAST_RUNS
        self.unit = "runs" if several else "tasks"
        labels = runs if several else self.wide.index.get_level_values("task")
        self.sampled: Resampling = bootstrap.over(labels.to_numpy())

    def has(self, method: str) -> bool:
        """Whether a method was asked of every forecast."""
        return method in self.wide and bool(self.wide[method].notna().all())

    def mean(self, values: np.ndarray) -> Drawn:
        """Of one value a forecast."""
        return self.sampled.drawn(self.sampled.ratio(values, np.ones(len(values))))

    def absolute(self, method: str) -> Drawn:
        """Mean absolute error of a method, in points."""
        return self.mean(self.wide[method].abs().to_numpy())

    def root_mean_square(self, method: str) -> Drawn:
        """Root mean squared error of a method, in points."""
        values = self.wide[method].to_numpy() ** 2
        return self.sampled.drawn(np.sqrt(self.sampled.ratio(values, np.ones(len(values)))))

    @property
    def counted(self) -> dict[str, object]:
        """How much was sampled, and what was drawn."""
        index = self.wide.index
        counts = {"forecasts": len(index), "runs": index.get_level_values("run").nunique()}
        return counts | {"tasks": index.get_level_values("task").nunique(), "unit": self.unit, "drawn": self.sampled.clusters}


def samples(rows: pd.DataFrame, bootstrap: Bootstrap) -> Iterator[tuple[dict[str, object], Sample]]:
    """Cases in their order, each with what names it, and its median horizon."""
    for names, part in rows.groupby(CASE, sort=False):
        about = dict(zip(CASE, names, strict=True)) | {"horizon": float(part["horizon"].median())}
        yield about, Sample(part, bootstrap)


def summary(rows: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Errors by case and method.

    Parameters
    ----------
    rows : of `published.errors`

    Returns
    -------
    pd.DataFrame
        data, kind, known, horizon, method; estimate, low, high (mean absolute error, points), rmse, rmse_low, rmse_high;
        forecasts, runs, tasks, unit and drawn (what intervals draw, and how many of them); failed and fallback (forecasts)
    """
    lines = []
    counts = (
        rows.assign(fallback=rows["fallback"].ne("") & ~rows["failed"]).groupby([*CASE, "method"])[["failed", "fallback"]].sum()
    )
    for about, sample in samples(rows, bootstrap):
        for method in filter(sample.has, sample.wide.columns):
            error, square = sample.absolute(method).interval("widened"), sample.root_mean_square(method).interval("widened")
            ends = error._asdict() | {"rmse": square.estimate, "rmse_low": square.low, "rmse_high": square.high}
            missed = counts.loc[(*(about[name] for name in CASE), method)].astype(int).to_dict()
            lines.append(about | {"method": method} | ends | sample.counted | missed)
    return pd.DataFrame(lines)


def differences(rows: pd.DataFrame, methods: Sequence[str], bootstrap: Bootstrap) -> pd.DataFrame:
    """Mean absolute error of some methods minus that of every baseline, on the same forecasts and draws.

    Returns
    -------
    pd.DataFrame
        data, kind, known, horizon, method, baseline; estimate, low, high (points); decision, and what was sampled. A method is
        not compared with itself
    """
    lines = []
    for about, sample in samples(rows, bootstrap):
        for method in methods:
            for baseline in (name for name in BASELINES if name != method and sample.has(name) and sample.has(method)):
                gap = (sample.wide[method].abs() - sample.wide[baseline].abs()).to_numpy()
                interval = sample.mean(gap).interval()
                said = {"method": method, "baseline": baseline} | interval._asdict()
                lines.append(about | said | {"decision": str(decide(interval))} | sample.counted)
    return pd.DataFrame(lines)


def chance(table: pd.DataFrame, level: float) -> dict[str, float]:
    """How many intervals leave out zero, on either side, and how many would by chance."""
    moved = table[(table["low"] != 0) | (table["high"] != 0)]  # a choice of the baseline itself cannot differ from it
    counts = {"of": len(moved), "below": int((moved["high"] < 0).sum()), "above": int((moved["low"] > 0).sum())}
    return counts | {"by_chance": (1 - level) * len(moved)}


def reach(rows: pd.DataFrame) -> pd.Series:
    """Which horizons a forecast is counted with, in words."""
    names = [f"{low} to {high} times" for low, high in zip(REACHES, REACHES[1:], strict=False)] + [
        f"beyond {REACHES[-1]} times"
    ]
    return pd.Series(np.array(names)[np.searchsorted(REACHES, rows["horizon"], side="right") - 1], rows.index)


def coverage(rows: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
    """How often intervals held what came, how wide they were, and that in runs.

    Parameters
    ----------
    rows : of one method
    by : columns of groups
    level : of the interval of the share

    Returns
    -------
    pd.DataFrame
        `by`, horizon (median); estimate, low, high (share of intervals that held, Clopper and Pearson's interval, as if pairs
        of run and task were independent); of_runs, runs_low, runs_high (mean share of a cluster of runs, Student's interval
        over clusters; nan for one), clusters; width (median, points); intervals, and forecasts without one
    """
    from statsmodels.stats.proportion import proportion_confint

    lines = []
    for names, part in rows.groupby(list(by), sort=False):
        held, count = int(part["covered"].sum()), int(part["covered"].notna().sum())
        low, high = proportion_confint(held, count, alpha=1 - level, method="beta") if count else (np.nan, np.nan)
        line = dict(zip(by, names, strict=True)) | {"horizon": float(part["horizon"].median())}
        line |= {"estimate": held / count if count else np.nan, "low": float(low), "high": float(high)}
        shares = part.dropna(subset="covered").groupby(["data", "cluster"], sort=False)["covered"].mean()
        runs = mean_interval(shares.to_numpy(), level) if len(shares) > 1 else Interval(np.nan, np.nan, np.nan)
        line |= {"of_runs": runs.estimate, "runs_low": runs.low, "runs_high": runs.high, "clusters": len(shares)}
        lines.append(line | {"width": float(part["width"].median()), "intervals": count, "without": len(part) - count})
    return pd.DataFrame(lines)


def widths(rows: pd.DataFrame, beside: pd.DataFrame, by: Sequence[str], level: float, bootstrap: Bootstrap) -> pd.DataFrame:
    """Intervals of one kind minus those of another, on the same forecasts: their width, and their score.

    Parameters
    ----------
    rows, beside : forecasts with the one kind and with the other
    by : columns of groups
    level : of the intervals
    bootstrap : runs are drawn whole

    Returns
    -------
    pd.DataFrame
        `by`, measure; estimate, low, high (points, mean over forecasts), mean and mean_beside, decision, forecasts, drawn. The
        interval score (Gneiting and Raftery 2007) is width plus 2 / (1 - level) times what lies beyond: least, on average, for
        quantiles that are right
    """
    both = rows.merge(beside, on=[*_FORECAST, *by], suffixes=("", "_beside"), validate="1:1").dropna(
        subset=["width", "width_beside"]
    )
    for end in ("", "_beside"):
        both[f"score{end}"] = both[f"width{end}"] + 2 / (1 - level) * both[f"beyond{end}"]
    lines = []
    for names, part in both.groupby(list(by), sort=False):
        clusters = (part["data"] + "\0" + part["cluster"]).to_numpy()
        for measure in ("width", "score"):
            values = [part[f"{measure}{end}"].to_numpy() for end in ("", "_beside")]
            interval = _mean(values[0] - values[1], clusters, bootstrap)
            line = dict(zip(by, names, strict=True)) | {"measure": measure} | interval._asdict()
            means = {"mean": values[0].mean(), "mean_beside": values[1].mean(), "decision": str(decide(interval))}
            lines.append(line | means | {"forecasts": len(part), "drawn": len(np.unique(clusters))})
    return pd.DataFrame(lines)


def _mean(values: np.ndarray, clusters: np.ndarray, bootstrap: Bootstrap) -> Interval:
    """Mean with its interval over clusters; one cluster has no ends, and so decides nothing."""
    if len(np.unique(clusters)) < 2:
        return Interval(float(values.mean()), np.nan, np.nan)
    sampled = bootstrap.over(clusters)
    return sampled.drawn(sampled.ratio(values, np.ones(len(values)))).interval()


def defaults(rows: pd.DataFrame, choice: str, unasked: str, bootstrap: Bootstrap) -> pd.DataFrame:
    """The choice where no past can be asked but a curve can be fitted, minus the last score and minus that curve.

    Parameters
    ----------
    rows : of `published.errors`, and fresh
    choice, unasked : the method, and what its fallback says where no past can be asked
    bootstrap : runs are drawn whole

    Returns
    -------
    pd.DataFrame
        fresh, baseline, estimate, low, high (absolute errors, points), mean (of the choice), mean_beside, decision, forecasts,
        drawn
    """
    mine = rows[(rows["method"] == choice) & (rows["fallback"] == unasked)].set_index(_FORECAST)
    beside = {name: rows[rows["method"] == name].set_index(_FORECAST)["error"] for name in (PERSISTENCE, COMPUTE)}
    mine = mine[mine.index.isin(beside[COMPUTE].index)]
    lines = []
    for fresh, part in mine.groupby("fresh"):
        clusters = (part.index.get_level_values("data") + "\0" + part.index.get_level_values("cluster")).to_numpy()
        for name, values in beside.items():
            errors = [part["error"].abs().to_numpy(), values.loc[part.index].abs().to_numpy()]
            interval = _mean(errors[0] - errors[1], clusters, bootstrap)
            line = {"fresh": fresh, "baseline": name} | interval._asdict() | {"decision": str(decide(interval))}
            means = {"mean": errors[0].mean(), "mean_beside": errors[1].mean()}
            lines.append(line | means | {"forecasts": len(part), "drawn": len(np.unique(clusters))})
    return pd.DataFrame(lines)
