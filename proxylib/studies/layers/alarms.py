"""Alarms at one rate of false ones: a model is strange to a layer where it is worse than healthy models are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.studies.layers.series import ONE
from proxylib.studies.layers.text import HEALTHY

RATE = 0.05  # of false alarms, at most


def scores(series: pd.DataFrame, both_sides: bool = False) -> pd.DataFrame:
    """How far each layer sees a model from healthy ones of its family, in their standard deviations.

    Parameters
    ----------
    series : model (the family), fault, dose, seed, layer, series, at, value (higher is worse)
    both_sides : what is better than usual is strange too

    Returns
    -------
    model, fault, dose, seed, layer, at, score: that of the layer's worst series. A healthy model is compared with the other
    healthy ones, so that it and a model with a fault are measured alike

    Notes
    -----
    Where all healthy models agree on a series (the same items of a task right), the median spread of the layer's other series
    stands in: one item more or less is not infinitely strange.
    """
    usual = series[series["fault"] == HEALTHY].groupby(["model", "layer", "at", "series"])["value"].std()
    usual = usual[usual > 0].groupby(["model", "layer", "at"]).median()
    parts = []
    for (model, layer, _, at), part in series.groupby(["model", "layer", "series", "at"], sort=False):
        values, healthy = part["value"].to_numpy(float), (part["fault"] == HEALTHY).to_numpy()
        mean, spread = np.empty(len(part)), np.empty(len(part))
        for place in range(len(part)):
            others = values[healthy & (np.arange(len(part)) != place)]
            mean[place], spread[place] = others.mean(), others.std(ddof=1)
        spread[spread == 0] = usual.get((model, layer, at), 0.0)
        still = np.select([values > mean, values < mean], [np.inf, -np.inf], 0.0)
        distance = np.divide(values - mean, spread, out=still, where=spread > 0)
        parts.append(part.assign(score=np.abs(distance) if both_sides else distance))
    return pd.concat(parts).groupby([*ONE, "layer", "at"], sort=False)["score"].max().reset_index()


def raised(scored: pd.DataFrame, rate: float = RATE) -> pd.DataFrame:
    """Column alarm added: whether so few healthy models score as high that the rate of false alarms is `rate` at most.

    Notes
    -----
    The rank of a model among n healthy ones is even if it is healthy itself (a conformal p-value, (1 + those as high) /
    (n + 1)), whatever the scores' distribution. Healthy models are ranked among the others. Scores of healthy models of all
    families are pooled, as each is in units of its own family. Fewer than 19 healthy models raise no alarm at 5 %.
    """
    alarm = np.zeros(len(scored), bool)
    for _, part in scored.groupby("layer", sort=False):
        healthy = np.sort(part.loc[part["fault"] == HEALTHY, "score"].to_numpy())
        as_high = len(healthy) - np.searchsorted(healthy, part["score"].to_numpy(), side="left")
        mine = (part["fault"] == HEALTHY).to_numpy()
        p = np.where(mine, as_high / len(healthy), (1 + as_high) / (len(healthy) + 1))  # its own score is one of them
        alarm[scored.index.get_indexer(part.index)] = p <= rate
    return scored.assign(alarm=alarm)


def last(scored: pd.DataFrame, at: dict[str, int]) -> pd.DataFrame:
    """Scores where a layer is read: at its last place, or at the place that `at` names."""
    places = scored.groupby("layer")["at"].transform("max")
    named = scored["layer"].map(at)
    return scored[scored["at"] == named.fillna(places)].reset_index(drop=True)


def first(scored: pd.DataFrame, rate: float = RATE) -> pd.DataFrame:
    """model, fault, dose, seed, layer, found: the first place at which a layer raises an alarm, nan where it never does.

    The bar is what healthy models reach anywhere, so that looking often raises no more false alarms.
    """
    running = scored.sort_values("at").assign(score=lambda frame: frame.groupby([*ONE, "layer"])["score"].cummax())
    highest = running.groupby([*ONE, "layer"], sort=False)["score"].max().reset_index()
    bars = {}
    for layer, part in highest[highest["fault"] == HEALTHY].groupby("layer"):
        healthy = np.sort(part["score"])[::-1]
        allowed = int(np.floor(rate * (len(healthy) + 1))) - 1  # so many healthy models may score as high
        bars[layer] = healthy[allowed] if allowed >= 0 else np.inf
    beyond = running[running["score"] > running["layer"].map(bars)]
    found = beyond.groupby([*ONE, "layer"])["at"].min().rename("found").reset_index()
    return highest.drop(columns="score").merge(found, on=[*ONE, "layer"], how="left")
