"""Frames of the page on the eighty metrics."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.measure import proxies
from proxylib.studies.proxy_metrics.model_selection import BEST, BEST_WHOLE, CHOSEN, CHOSEN_WHOLE, WINNER, find
from proxylib.studies.proxy_metrics.report.model_selection import _shown


def verdict_eighty(heat: pd.DataFrame, null: pd.DataFrame, components: pd.DataFrame) -> str:
    """The heat map's sentence: the best of eighty, what chance makes of the best, and how many the eighty really are."""
    mean = heat[heat["task"] == "mean"].set_index("feature")
    best, winner = mean["estimate"].abs().idxmax(), mean.loc[WINNER]
    bar = max(bars(null).values())
    above, against = int((mean["estimate"] > bar).sum()), int((mean["estimate"] < -bar).sum())
    wrong = f" ({against} more do so against the sign fixed in advance)" if against else ""
    held = components.set_index("share")["components"]
    label = lambda name: name.replace("|", ", weighted by ").replace("_", " ")
    return (
        f"{above} of the eighty correlate with accuracy more than the best of eighty does by chance in all but one of twenty "
        f"shuffles ({bar:.2f}, the stricter of two ways to shuffle){wrong}. The largest is {label(best)} at "
        f"{_shown(mean.loc[best])}, chosen after the fact; the paper's named winner, top-1 weighted by inverse frequency, has "
        f"{_shown(winner)}, and plain cross-entropy per token {_shown(mean.loc['cross_entropy|uniform'])}. Eighty is a count "
        f"of formulas: {held[0.9]} components hold 90 % of what they say about the order of models, {held[0.99]} hold 99 %."
    )


def grid_of(heat: pd.DataFrame) -> pd.DataFrame:
    """[10 statistics, 8 weightings] of mean correlations."""
    mean = heat[heat["task"] == "mean"].set_index("feature")["estimate"]
    rows = {s: [mean[proxies.name(s, w)] for w in proxies.WEIGHTINGS] for s in proxies.STATISTICS}
    return pd.DataFrame(rows, index=list(proxies.WEIGHTINGS)).T


def _best(heat: pd.DataFrame) -> pd.Series:
    """Mean correlations, the strongest first, whatever its sign: the null chooses the sign too."""
    mean = heat[heat["task"] == "mean"].set_index("feature")["estimate"]
    return mean.sort_values(ascending=False, key=abs)


def observed_marks(heat: pd.DataFrame) -> dict[str, float]:
    """What is drawn into the null's histogram: the best of the eighty, the named winner, plain loss."""
    mean = _best(heat)
    label = mean.index[0].replace("|", " x ").replace("_", " ")
    return {
        f"best ({label})": mean.iloc[0],
        "named winner": mean[WINNER],
        "cross-entropy per token": mean["cross_entropy|uniform"],
    }


def finding_heat(heat: pd.DataFrame, null: pd.DataFrame) -> str:
    """The heat map's title."""
    mean, bar = _best(heat), max(bars(null).values())
    return f"{int((mean > bar).sum())} of eighty lie above what the best of eighty reaches by chance ({bar:.2f})"


def finding_null(heat: pd.DataFrame, null: pd.DataFrame) -> str:
    """The null's title."""
    best = _best(heat).abs().max()
    p = {name: chance(null[name], best) for name in (BEST, BEST_WHOLE)}
    return (
        f"The best of eighty, {best:.2f}: p = {p[BEST]:.2g} if models are shuffled, {p[BEST_WHOLE]:.2g} if whole families are"
    )


def chance(null: pd.Series, observed: float) -> float:
    """p value of one observed number: share of the shuffles that reach it, itself counted among them."""
    return float((1 + (null >= observed).sum()) / (1 + len(null)))


def bars(null: pd.DataFrame) -> dict[str, float]:
    """What the best of eighty reaches by chance in all but one of twenty shuffles, for each way to shuffle."""
    return {name: float(null[name].quantile(0.95)) for name in (BEST, BEST_WHOLE)}


def null_table(heat: pd.DataFrame, summary: pd.DataFrame, null: pd.DataFrame) -> pd.DataFrame:
    """What was found, what chance gives in 19 of 20 shuffles, and the p value, for each choice and way to shuffle."""
    found = dict.fromkeys((BEST, BEST_WHOLE), _best(heat).abs().max())
    found[CHOSEN] = found[CHOSEN_WHOLE] = find(summary, "univariate", "leave-tasks-out", "rho")["estimate"]
    rows = [
        {
            "choice": name,
            "found": f"{value:.2f}",
            "95 % of shuffles below": f"{null[name].quantile(0.95):.2f}",
            "p": f"{chance(null[name], value):.2g}",
        }
        for name, value in found.items()
    ]
    return pd.DataFrame(rows)


def finding_redundancy(components: pd.DataFrame) -> str:
    """The title of the matrix of correlations."""
    held = components.set_index("share")["components"]
    return f"{held[0.9]} components hold 90 % of what the eighty say about the order of models, {held[0.99]} hold 99 %"


def alike_together(correlation: pd.DataFrame) -> pd.DataFrame:
    """A square matrix of correlations, reordered by average linkage so that what is alike, of either sign, stands together."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    distances = 1 - np.abs(correlation.to_numpy(float))
    order = leaves_list(linkage(distances[np.triu_indices(len(correlation), 1)].clip(0), "average"))
    return correlation.iloc[order, order]


def heat_table(heat: pd.DataFrame, ends: int = 10) -> pd.DataFrame:
    """The largest and the smallest of the eighty with intervals."""
    mean = heat[heat["task"] == "mean"].sort_values("estimate", ascending=False)
    shown = pd.concat([mean.head(ends), mean.tail(ends)])
    return pd.DataFrame(
        {
            "proxy": shown["feature"].str.replace("|", " x ").str.replace("_", " "),
            "mean Spearman correlation": [_shown(row) for _, row in shown.iterrows()],
            "range over seeds": [f"{row.seed_low:.2f} to {row.seed_high:.2f}" for row in shown.itertuples()],
        }
    )
