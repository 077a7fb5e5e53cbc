"""Frames of the page on the eighty metrics: their correlations, what chance gives, how alike they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage

from proxylib.measure import proxies
from proxylib.report import tables
from proxylib.report.words import span
from proxylib.studies.proxy_metrics.model_selection import BEST, BEST_WHOLE, CHOSEN, CHOSEN_WHOLE, WINNER

PLAIN = "cross_entropy|uniform"


def label(feature: str) -> str:
    """A proxy's name for reading."""
    return feature.replace("|", " x ").replace("_", " ")


def means(heat: pd.DataFrame) -> pd.DataFrame:
    """Mean correlation of each of the eighty, the strongest first, whatever its sign: the null chooses the sign too."""
    return tables.rows(heat, task="mean").sort_values("estimate", ascending=False, key=abs)


def grid_of(heat: pd.DataFrame) -> pd.DataFrame:
    """[10 statistics, 8 weightings] of mean correlations."""
    mean = means(heat).set_index("feature")["estimate"]
    cells = {s: [mean[proxies.name(s, w)] for w in proxies.WEIGHTINGS] for s in proxies.STATISTICS}
    return pd.DataFrame(cells, index=list(proxies.WEIGHTINGS)).T


def observed_marks(heat: pd.DataFrame) -> dict[str, float]:
    """What is drawn into the null's histogram: the best of the eighty, the named winner, plain loss."""
    mean = means(heat).set_index("feature")["estimate"]
    return {
        f"best ({label(mean.index[0])})": mean.iloc[0],
        "named winner": mean[WINNER],
        "cross-entropy per token": mean[PLAIN],
    }


def chance(null: pd.Series, observed: float) -> float:
    """p value of one observed number: share of the shuffles that reach it, itself counted among them."""
    return float((1 + (null >= observed).sum()) / (1 + len(null)))


def bar(null: pd.DataFrame) -> float:
    """What the best of eighty reaches by chance in all but one of twenty shuffles, by the stricter way to shuffle."""
    return float(null[[BEST, BEST_WHOLE]].quantile(0.95).max())


def null_table(heat: pd.DataFrame, summary: pd.DataFrame, null: pd.DataFrame) -> pd.DataFrame:
    """What was found, what chance gives in 19 of 20 shuffles, and the p value, for each choice and way to shuffle."""
    largest = dict.fromkeys((BEST, BEST_WHOLE), means(heat)["estimate"].abs().max())
    univariate = tables.interval(summary, method="univariate", protocol="leave-tasks-out", quantity="rho").estimate
    largest |= dict.fromkeys((CHOSEN, CHOSEN_WHOLE), univariate)
    rows = [
        {
            "choice": name,
            "found": f"{value:.2f}",
            "95 % of shuffles below": f"{null[name].quantile(0.95):.2f}",
            "p": f"{chance(null[name], value):.2g}",
        }
        for name, value in largest.items()
    ]
    return pd.DataFrame(rows)


def alike_together(correlation: pd.DataFrame) -> pd.DataFrame:
    """A square matrix of correlations, reordered by average linkage so that what is alike, of either sign, stands together."""
    distances = 1 - np.abs(correlation.to_numpy(float))
    order = leaves_list(linkage(distances[np.triu_indices(len(correlation), 1)].clip(0), "average"))
    return correlation.iloc[order, order]


def heat_table(heat: pd.DataFrame, ends: int = 10) -> pd.DataFrame:
    """The largest and the smallest of the eighty with intervals."""
    mean = tables.rows(heat, task="mean").sort_values("estimate", ascending=False)
    both = pd.concat([mean.head(ends), mean.tail(ends)])
    return pd.DataFrame(
        {
            "proxy": both["feature"].map(label),
            "mean Spearman correlation": tables.shown(both),
            "range over seeds": [span(ends, 2) for ends in both[["seed_low", "seed_high"]].to_numpy()],
        }
    )
