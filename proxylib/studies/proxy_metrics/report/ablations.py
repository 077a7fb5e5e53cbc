"""Frames of the page on ablations: what one changed choice does to the fixed proxies."""

from __future__ import annotations

import pandas as pd

from proxylib.report import tables
from proxylib.stats import Interval
from proxylib.studies.proxy_metrics.ablations import WINNER

GAP = "rho minus the default's"


def difference(correlations: pd.DataFrame, ablation: str, setting: str, proxy: str = WINNER) -> Interval:
    """A proxy's correlation in one setting minus that in the default; nan where the setting was not tried."""
    return tables.interval(correlations, ablation=ablation, setting=setting, proxy=proxy, quantity=GAP)


def changes(correlations: pd.DataFrame) -> pd.DataFrame:
    """What each changed choice does to the fixed winner; a choice that does not enter its formula is no change.

    Returns
    -------
    the rows of `found`, with the columns label and decision
    """
    gaps = tables.rows(correlations, quantity=GAP, proxy=WINNER)
    gaps = gaps[(gaps["low"] != 0) | (gaps["high"] != 0)]
    labels = gaps["ablation"] + ": " + gaps["setting"].str.removeprefix("definition: ")
    return gaps.assign(label=labels, decision=tables.decided(gaps))


def table(correlations: pd.DataFrame, ablation: str) -> pd.DataFrame:
    """One ablation: the default first, then every setting's difference from it, a column per proxy."""
    base = tables.rows(correlations, ablation="default", quantity="rho").assign(setting="default (correlation itself)")
    gaps = tables.rows(correlations, ablation=ablation, quantity=GAP)
    return tables.crossed(pd.concat([base, gaps]), "setting", "proxy")


def by_number(correlations: pd.DataFrame) -> pd.DataFrame:
    """Correlations by number of traces, fewest first: the rows of `found` with the column traces."""
    numbers = tables.rows(correlations, ablation="number of traces", quantity="rho")
    return numbers.assign(traces=numbers["setting"].astype(int)).sort_values("traces", kind="stable")


def domain_matrix(cells: pd.DataFrame, proxy: str) -> pd.DataFrame:
    """[traces, task] correlations of one proxy."""
    part = tables.rows(cells, proxy=proxy)
    names = list(part["traces"].unique())
    return part.pivot(index="traces", columns="task", values="estimate").loc[names, names]
