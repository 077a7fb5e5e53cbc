"""Frames of the page on ablations: what one changed choice does to the fixed proxies."""

from __future__ import annotations

import pandas as pd

from proxylib.measure.features import FIXED
from proxylib.report import tables
from proxylib.stats import Interval
from proxylib.studies.proxy_metrics.ablations import WINNER

GAP = "rho minus the default's"
#: ten traces are a handful that is enough if they lose less than this against all of them (experiment log)
FEW_LOSE = -0.1


def difference(correlations: pd.DataFrame, ablation: str, setting: str, proxy: str = WINNER) -> Interval:
    """A proxy's correlation in one setting minus that in the default; nan where the setting was not tried."""
    return tables.interval(correlations, ablation=ablation, setting=setting, proxy=proxy, quantity=GAP)


def changes(correlations: pd.DataFrame) -> pd.DataFrame:
    """What each changed choice does: to the named winner, and of definitions to every proxy that holds their term.

    Returns
    -------
    rows of differences, with the columns label and decision; a change that moves no number (ties, where nothing is tied) is
    none
    """
    gaps = tables.rows(correlations, quantity=GAP)
    defined = gaps["ablation"] == "definition"
    gaps = gaps[(gaps["proxy"] == WINNER) | (defined & ~gaps["proxy"].isin(list(FIXED)))]
    gaps = gaps[(gaps["low"] != 0) | (gaps["high"] != 0)]
    of = ("; " + gaps["proxy"]).where(gaps["proxy"] != WINNER, "")
    return gaps.assign(label=gaps["ablation"] + ": " + gaps["setting"] + of, decision=tables.decided(gaps))


def definitions(correlations: pd.DataFrame) -> pd.DataFrame:
    """The changes of definitions alone, one row for each proxy that holds the term, labelled without the word."""
    rows = tables.rows(changes(correlations), ablation="definition")
    return rows.assign(label=rows["label"].str.removeprefix("definition: "))


def definition_table(correlations: pd.DataFrame) -> pd.DataFrame:
    """Every definition and proxy that holds it: the correlation as we define it, and the difference."""
    base = tables.rows(correlations, ablation="default", quantity="rho").set_index("proxy")
    gaps = tables.rows(correlations, ablation="definition", quantity=GAP)
    ours = pd.Series(tables.shown(base), base.index)
    columns = {"definition": gaps["setting"], "proxy": gaps["proxy"], "as we define it": gaps["proxy"].map(ours)}
    return pd.DataFrame(columns).assign(difference=tables.shown(gaps))


def table(correlations: pd.DataFrame, ablation: str) -> pd.DataFrame:
    """One ablation: the default first, then every setting's difference from it, a column per proxy that it judges."""
    gaps = tables.rows(correlations, ablation=ablation, quantity=GAP)
    base = tables.rows(correlations, ablation="default", quantity="rho").assign(setting="default (correlation itself)")
    base = base[base["proxy"].isin(gaps["proxy"])]
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
