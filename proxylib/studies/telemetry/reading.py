"""How wrong simulated telemetry is about an update whose effect is known, and what else it shows that is not so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.stats import t
from statsmodels.stats.multitest import multipletests

from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Interval, mean_interval, proportion_interval
from proxylib.studies.telemetry.attribution import BEFORE_AFTER, EXPERIMENT, WAYS
from proxylib.studies.telemetry.settings import CENTRAL, DRAWN

COMPLETED = "tasks completed"
LEVELS = (0.9, 0.95)  # of the intervals whose coverage is counted
ALPHA = 0.05  # of a test
GROUP = ["way", "metric"]


def with_tests(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns error, p (two-sided), covers <level> and rightly (whether the estimate has the sign of the truth) added."""
    error = rows["estimate"] - rows["truth"]
    ratio = rows["estimate"].abs() / rows["stderr"]
    added = {"error": error, "p": 2 * t.sf(ratio, rows["df"]), "rightly": rows["estimate"] * rows["truth"] > 0}
    covers = {f"covers {level}": error.abs() <= t.ppf((1 + level) / 2, rows["df"]) * rows["stderr"] for level in LEVELS}
    return rows.assign(**added, **covers)


def errors(rows: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """How good each way is, from rows of `with_tests` at one look.

    Returns
    -------
    way, metric, measure, estimate, low, high. Measures: bias and RMSE in points, coverages, power (found with the right sign)
    where there is an effect, false alarms where there is none; intervals over worlds
    """
    cells = []
    for (way, metric), part in rows.groupby(GROUP, sort=False):
        changed, null = part[part["changed"]], part[~part["changed"]]
        measures: dict[str, Interval] = {"bias": mean_interval(100 * changed["error"], bootstrap.level)}
        resampling = bootstrap.over(changed["world"])
        squares = resampling.ratio((100 * changed["error"].to_numpy()) ** 2, np.ones(len(changed)))
        measures["RMSE"] = resampling.drawn(np.sqrt(squares)).interval()
        shares = {f"coverage of {level:.0%}": changed[f"covers {level}"] for level in LEVELS}
        shares["power"] = (changed["p"] < ALPHA) & changed["rightly"]
        shares["false alarms"] = null["p"] < ALPHA
        measures |= {name: proportion_interval(int(hit.sum()), len(hit), bootstrap.level) for name, hit in shares.items()}
        cells += [{"way": way, "metric": metric, "measure": name, **ends._asdict()} for name, ends in measures.items()]
    return pd.DataFrame(cells)


def found(rows: pd.DataFrame, looks: tuple[int, ...], level: float) -> pd.DataFrame:
    """way, metric, after (days), estimate, low, high: share of worlds in which the harm has been found by then.

    A look finds it where p is below its share of 5 % (Bonferroni over looks) and the sign is right.
    """
    hit = rows[rows["changed"]].assign(hit=lambda frame: (frame["p"] < ALPHA / len(looks)) & frame["rightly"])
    hit = hit.sort_values("after").assign(hit=lambda frame: frame.groupby([*GROUP, "world"])["hit"].cummax())
    cells = []
    for (way, metric, after), part in hit.groupby([*GROUP, "after"], sort=False):
        ends = proportion_interval(int(part["hit"].sum()), len(part), level)
        cells.append({"way": way, "metric": metric, "after": after, **ends._asdict()})
    order = {way: place for place, way in enumerate(WAYS)}
    return pd.DataFrame(cells).sort_values(["metric", "way", "after"], key=lambda c: c.map(order) if c.name == "way" else c)


def means(rows: pd.DataFrame, columns: Mapping[str, float], by: str, level: float) -> pd.DataFrame:
    """`by`, quantity, estimate, low, high: mean over worlds of columns, each times its scale."""
    cells = []
    for value, part in rows.groupby(by, sort=False):
        for name, scale in columns.items():
            ends = mean_interval(scale * part[name].dropna(), level)
            cells.append({by: value, "quantity": name, **ends._asdict()})
    return pd.DataFrame(cells)


def quantities(worlds: Mapping[str, pd.DataFrame], looked: int) -> pd.DataFrame:
    """A row a world: what each claim is about, in points or percent."""
    rows = with_tests(worlds["attribution"])
    rows = rows[rows["changed"] & (rows["after"] == looked) & (rows["metric"] == COMPLETED)]
    sizes = 100 * rows.assign(error=rows["error"].abs()).pivot(index="world", columns="way", values="error")
    usual = worlds["survivors"].query("churn == 1").set_index("world")["gap"]
    longer, new = (worlds[name].set_index("world") for name in ("verbosity", "newcomers"))
    return pd.DataFrame(
        {
            "stack-telemetry-noisy": sizes[BEFORE_AFTER] - sizes[EXPERIMENT],
            "stack-survivors": 100 * usual,
            "stack-verbose-telemetry": longer["length"] - longer["completed"],
            "stack-newcomers": 100 * new["raw"],
        }
    )


def sensitivity(values: pd.DataFrame, products: pd.DataFrame, level: float) -> pd.DataFrame:
    """What each number of a product does to each quantity.

    Parameters
    ----------
    values : [worlds, claims] from `quantities`, of products that were drawn
    products : world, and every number

    Returns
    -------
    claim, parameter, below, above (means over worlds in which the number lies below or above its middle), estimate, low, high
    (above minus below, Welch), p (Holm's over parameters of a claim), turns: whether the sign of the mean differs between the
    halves
    """
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    numbers = products.set_index("world").drop(columns=["days", "update"])
    numbers = numbers.loc[:, numbers.min() < numbers.max()]
    cells = []
    for claim in values:
        rows = []
        for name in numbers:
            known = values[claim].dropna()
            high = numbers[name].loc[known.index] > numbers[name].loc[known.index].median()
            above, below = DescrStatsW(known[high]), DescrStatsW(known[~high])
            both = CompareMeans(above, below)
            low_end, high_end = both.tconfint_diff(alpha=1 - level, usevar="unequal")
            p = both.ttest_ind(usevar="unequal")[1]
            ends = Interval(above.mean - below.mean, low_end, high_end)
            rows.append({"claim": claim, "parameter": name, "below": below.mean, "above": above.mean, **ends._asdict(), "p": p})
        corrected = multipletests([row["p"] for row in rows], method="holm")[1] if rows else []
        for row, p in zip(rows, corrected, strict=True):
            cells.append(row | {"p": p, "turns": row["below"] * row["above"] < 0})
    return pd.DataFrame(cells)


def estimates(values: pd.DataFrame, level: float) -> pd.DataFrame:
    """A row a claim: mean over worlds, whose products are drawn, and Student's interval."""
    rows = []
    for claim in values:
        known = values[claim].dropna()
        rows.append({"claim": claim, **mean_interval(known, level)._asdict(), "level": level, "n": len(known)})
    return pd.DataFrame(rows).assign(n_unit="simulated products")


def _both(step, build: Callable[[dict[str, pd.DataFrame]], pd.DataFrame]) -> pd.DataFrame:
    """A table of central and of drawn worlds, one below the other."""
    parts = []
    for kind in (CENTRAL, DRAWN):
        run = step.parent(kind)
        parts.append(build({name: run.table(name) for name in run.tables}).assign(worlds=kind))
    return pd.concat(parts, ignore_index=True)


def build(step, workspace: Workspace) -> None:
    """Read what was simulated.

    Parameters
    ----------
    step : a declared `telemetry` step; its parents are worlds of both kinds
    workspace : receives the tables errors, found, survivors, others (see the functions above; each with a column worlds),
        sensitivity and estimates
    """
    settings = step.settings
    bootstrap, level, looked = settings.bootstrap, settings.bootstrap.level, settings.looked

    def at_look(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
        rows = with_tests(tables["attribution"])
        return errors(rows[rows["after"] == looked], bootstrap)

    def others(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
        longer = means(tables["verbosity"].assign(what="longer answers"), {"length": 1, "completed": 1}, "what", level)
        new = means(tables["newcomers"].assign(what="newcomers"), {"raw": 100, "alike": 100}, "what", level)
        return pd.concat([longer, new], ignore_index=True)

    workspace.write_table("errors", _both(step, at_look))
    workspace.write_table("found", _both(step, lambda tables: found(with_tests(tables["attribution"]), settings.looks, level)))
    scales = {"gap": 100, "left": 100}
    workspace.write_table("survivors", _both(step, lambda tables: means(tables["survivors"], scales, "churn", level)))
    workspace.write_table("others", _both(step, others))
    drawn = step.parent(DRAWN)
    values = quantities({name: drawn.table(name) for name in drawn.tables}, looked)
    workspace.write_table("sensitivity", sensitivity(values, drawn.table("products"), level))
    workspace.write_table("estimates", estimates(values, level))
    workspace.note(worlds=drawn.facts["worlds"], looked=looked, looks=list(settings.looks), level=level)
