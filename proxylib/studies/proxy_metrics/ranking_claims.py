"""What claims about ranking are held against: nulls of the oracle, of margins, of unseen architectures; tasks drawn as well.

`model_selection` ranks and has the nulls of fits. What came after a second hostile reading stands here, beside its tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from proxylib.measure import proxies
from proxylib.measure.features import BASELINES
from proxylib.ranking import nulls, protocols, rankers, summaries
from proxylib.ranking.panel import Panel, usable
from proxylib.report import tables
from proxylib.report.tables import ENDS
from proxylib.runs.store import Run, Workspace
from proxylib.stats import Bootstrap, mean_interval
from proxylib.studies.proxy_metrics import model_selection
from proxylib.studies.proxy_metrics.model_selection import FITTED, LINEAR, ORACLE, PROSE, architectures, few, methods, panels

#: the protocol that leaves both tokenizers of an architecture out
ARCHITECTURE_OUT = "leave-architecture-out"
#: what is asked beyond `model_selection.asked`: row -> method, protocol, compared with
ASKED = {
    f"{LINEAR}, {ARCHITECTURE_OUT}": (LINEAR, ARCHITECTURE_OUT, None),
    f"{LINEAR} minus {PROSE}, {protocols.FAMILY_OUT}": (LINEAR, protocols.FAMILY_OUT, PROSE),
}
Trios = Sequence[tuple[Panel, Panel, Panel]]


def build(step, workspace: Workspace) -> None:
    """The nulls that were lacking, every method task by task, and the scoreboard's rows.

    Parameters
    ----------
    step : a declared `ranking_claims` step; its parents are the pooled population and its ranking
    workspace : receives the tables nulls (the table of `nulls.FittedNulls`, of the oracle and of unseen architectures), by_task
        (see `summaries.by_task`), over_tasks and estimates
    """
    settings, ranking = step.settings, step.parent("ranking")
    bootstrap = few(settings.bootstrap)
    trios = _trios(step.parent("population"), settings.ranked)
    lacking = lacking_nulls(trios, bootstrap.seed, settings.null_repeats)
    tasks = by_task(trios, bootstrap)
    workspace.write_table("nulls", lacking)
    workspace.write_table("by_task", tasks)
    workspace.write_table("over_tasks", over_tasks(tasks, bootstrap.level))
    rows = rows_asked(ranking.table("estimates"), ranking.table("summary"), ranking.table("architectures"))
    rows = held_against(rows, pd.concat([ranking.table("fitted_nulls"), lacking]), ranking.table("summary"))
    workspace.write_table("estimates", tasks_drawn(rows, tasks))


def _trios(population: Run, ranked: tuple[str, ...]) -> Trios:
    """The panels that `model_selection.build` ranks."""
    features, accuracy = population.table("features"), population.table("accuracy")
    kept = usable(accuracy, ranked)
    columns = (list(BASELINES), list(proxies.NAMES), model_selection.names_by_byte())
    return list(zip(*[panels(features, accuracy, kept, names) for names in columns], strict=True))


def lacking_nulls(trios: Trios, seed: int, repeats: int) -> pd.DataFrame:
    """The nulls of the oracle and of the linear ranker on an unseen architecture."""
    eighty, wider = [trio[1] for trio in trios], [architectures(trio)[1] for trio in trios]
    asked = {
        (ORACLE, protocols.ORACLE): (eighty, model_selection.oracle),
        (LINEAR, ARCHITECTURE_OUT): (wider, lambda panel: protocols.leave_family_out(panel, rankers.LinearRankSVM())),
    }
    return nulls.nulls_of(asked, seed, repeats)


def by_task(trios: Trios, bootstrap: Bootstrap) -> pd.DataFrame:
    """Every method in every task under the protocols that are claimed of, and the linear ranker on an unseen architecture."""
    ways = (protocols.leave_tasks_out, protocols.leave_family_out)
    per_seed = [model_selection.predictions(*trio, ways) for trio in trios]
    by_method = {name: [scores[name] for scores in per_seed] for name in per_seed[0]}
    table = summaries.by_task([trio[1] for trio in trios], by_method, bootstrap)
    wider = [architectures(trio) for trio in trios]
    unseen = {LINEAR: [protocols.leave_family_out(*methods(*trio)[LINEAR]) for trio in wider]}
    of_architectures = summaries.by_task([trio[1] for trio in wider], unseen, bootstrap)
    return pd.concat([table, of_architectures.assign(protocol=ARCHITECTURE_OUT)], ignore_index=True)


def over_tasks(tasks: pd.DataFrame, level: float) -> pd.DataFrame:
    """Method, protocol and the mean over tasks with Student's interval, as if tasks were a sample: `ENDS`."""
    keys = ["method", "protocol"]
    rows = [(*key, *mean_interval(part["estimate"], level)) for key, part in tasks.groupby(keys, sort=False)]
    return pd.DataFrame(rows, columns=[*keys, *ENDS])


def rows_asked(estimates: pd.DataFrame, summary: pd.DataFrame, on_architectures: pd.DataFrame) -> pd.DataFrame:
    """The rows of `model_selection`'s table, and those of `ASKED` in the same columns."""
    tables_of = {ARCHITECTURE_OUT: on_architectures.assign(protocol=ARCHITECTURE_OUT)}
    rows = []
    for claim, (method, protocol, baseline) in ASKED.items():
        quantity = summaries.RHO if baseline is None else summaries.DIFFERENCE.format(baseline)
        row = tables.row(tables_of.get(protocol, summary), method=method, protocol=protocol, quantity=quantity)
        unit = f"models of {row['families']} {'architectures' if protocol == ARCHITECTURE_OUT else 'families'}"
        ends = {"low": row["low"], "high": row["high"], "low_given": row["low"], "high_given": row["high"]}
        rows.append({"claim": claim, "estimate": row["estimate"], **ends, "n": row["models"], "n_unit": unit})
    more = pd.DataFrame(rows).assign(level=estimates["level"].iloc[0], null=np.nan)
    return pd.concat([estimates[more.columns], more], ignore_index=True)


def held_against(rows: pd.DataFrame, fitted: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """The rows with the nulls that they lacked, and the interval that decides.

    Parameters
    ----------
    rows : as from `rows_asked`
    fitted : the table of `nulls.FittedNulls`, of all fits
    summary : as from `summaries.summary`, with the quantities `nulls.MINUS_NULL`

    Notes
    -----
    A margin's null is what random numbers through the same fit have above what it is compared with, at least 0. Above that
    the margin is the ranker minus its null, so that the interval of that difference decides where it is wider.
    """
    bars = nulls.bars(fitted).set_index(["method", "protocol"])
    return pd.DataFrame([_against(row, bars, summary) for row in rows.to_dict("records")])


def _against(row: dict, bars: pd.DataFrame, summary: pd.DataFrame) -> dict:
    method, protocol, baseline = (model_selection.asked() | ASKED)[row["claim"]]
    if (method, protocol) not in bars.index or np.isfinite(row["null"]):
        return row
    mean, high = bars.loc[(method, protocol), ["null_mean", "null_high"]]
    if baseline is None:
        low, top = (np.hypot(row["estimate"] - row[end], high - mean) for end in ("low", "high"))
        return row | _wider(row, row["estimate"] - low, row["estimate"] + top) | {"null": mean}
    other = tables.row(summary, method=baseline, protocol=protocol, quantity=summaries.RHO)["estimate"]
    null = mean - other
    if method not in FITTED or not null > 0:
        return row | {"null": 0.0}
    gap = tables.interval(summary, method=method, protocol=protocol, quantity=nulls.MINUS_NULL)
    low, top = (np.hypot(gap.estimate - end, high - mean) for end in gap[1:])
    return row | _wider(row, null + gap.estimate - low, null + gap.estimate + top) | {"null": null}


def _wider(row: Mapping[str, float], low: float, high: float) -> dict[str, float]:
    """The ends of a row that reaches at least from `low` to `high`; a correlation ends at 1."""
    bound = 1.0 if " minus " not in row["claim"] else 2.0
    return {"low": max(-bound, min(row["low"], low)), "high": min(bound, max(row["high"], high))}


def tasks_drawn(rows: pd.DataFrame, tasks: pd.DataFrame) -> pd.DataFrame:
    """The rows with an interval at least as wide as Student's over tasks, which stands beside as tasks_low and tasks_high.

    Parameters
    ----------
    tasks : as from `by_task`
    """
    values = lambda method, protocol: tables.rows(tasks, method=method, protocol=protocol).set_index("task")["estimate"]
    wider = []
    for row in rows.to_dict("records"):
        method, protocol, baseline = (model_selection.asked() | ASKED)[row["claim"]]
        each = values(method, protocol) - (0 if baseline is None else values(baseline, protocol))
        half = float(np.ptp(mean_interval(each, row["level"])[1:])) / 2
        low, high = row["estimate"] - half, row["estimate"] + half
        wider.append(row | _wider(row, low, high) | {"tasks_low": low, "tasks_high": high})
    return pd.DataFrame(wider)
