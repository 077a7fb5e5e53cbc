"""Whether the choice of tasks or of traces carries a result: methods that fit nothing, over several sets of problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from proxylib.measure import proxies
from proxylib.measure.features import BASELINES
from proxylib.ranking import single
from proxylib.ranking.panel import usable
from proxylib.report import tables
from proxylib.stats import Bootstrap
from proxylib.studies.proxy_metrics.model_selection import NAMED, PER_BYTE, PROSE, UNWEIGHTED, WINNER, panels


def over_problems(
    sets: Mapping[str, tuple[pd.DataFrame, Sequence[str]]], accuracy: pd.DataFrame, bootstrap: Bootstrap
) -> pd.DataFrame:
    """Mean correlations of methods that fit nothing, over each of several sets.

    Parameters
    ----------
    sets : label -> features of a population, read from some traces, and tasks; those on which all models score alike are
        left out
    accuracy : the population's
    bootstrap : over families

    Returns
    -------
    columns set (the label), method, and those of `single.univariate_grid` for the mean
    """
    columns = {NAMED: WINNER, UNWEIGHTED: "top1|uniform", PER_BYTE: "bits_per_byte", PROSE: "prose_bits_per_byte"}
    signs = [BASELINES.get(column) or proxies.STATISTICS[column.split("|")[0]] for column in columns.values()]
    names = {column: method for method, column in columns.items()}
    grids = []
    for label, (features, tasks) in sets.items():
        by_seed = panels(features, accuracy, usable(accuracy, tuple(tasks)), list(columns.values()))
        means = tables.rows(single.univariate_grid(by_seed, signs, bootstrap), task="mean")
        grids.append(means.assign(set=label, method=means["feature"].map(names)))
    return pd.concat(grids, ignore_index=True)
