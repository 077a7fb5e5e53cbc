"""Whether people tell models apart that benchmarks do not: PandaLM's models, whose base models' scores are published."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.stats import Bootstrap, Drawn, Interval

#: PandaLM's name -> hub id of the base model, where its scores are published
BASES = {
    "bloom-7b": "bigscience/bloom-7b1",
    "cerebras-gpt-6.7B": "cerebras/Cerebras-GPT-6.7B",
    "llama-7b": "huggyllama/llama-7b",
    "opt-7b": "facebook/opt-6.7b",
}
MARGIN = 2.0  # points of the mean over benchmarks below which two models may count as alike


def gaps(scores: pd.DataFrame, level: float) -> pd.DataFrame:
    """Differences of the mean over benchmarks, Student's t over benchmarks, in points.

    Returns
    -------
    pd.DataFrame
        a, b (PandaLM's names, in alphabetical order), estimate, low, high, alike (within two points, the interval holds zero)
    """
    rows = []
    for a, b in itertools.combinations(sorted(BASES), 2):
        gap = stats.mean_interval(100 * (scores.loc[BASES[a]] - scores.loc[BASES[b]]), level)
        rows.append((a, b, *gap, abs(gap.estimate) < MARGIN and gap.low < 0 < gap.high))
    return pd.DataFrame(rows, columns=["a", "b", "estimate", "low", "high", "alike"])


def preferred(votes: pd.DataFrame, bootstrap: Bootstrap) -> Drawn:
    """Share of the points of the model that the other half of the questions prefers, of one pair.

    Parameters
    ----------
    votes : columns question, points (of the same model throughout)
    bootstrap : draws questions; the choice is made again in every draw

    Notes
    -----
    Two models between which people do not choose have half: the winner of one half wins the other by chance.
    """
    halves = votes["question"].to_numpy() % 2
    drawn = bootstrap.over(votes["question"])
    first, second = (
        drawn.ratio(votes["points"].to_numpy() * (halves == half), (halves == half).astype(float)) for half in (0, 1)
    )
    scored = [
        np.where(choosing > 0.5, other, np.where(choosing < 0.5, 1 - other, 0.5))
        for choosing, other in ((first, second), (second, first))
    ]
    return drawn.drawn(np.mean(scored, axis=0))


def caught(votes: pd.DataFrame, table: pd.DataFrame, bootstrap: Bootstrap) -> tuple[pd.DataFrame, Interval, Interval]:
    """What people make of every pair, and of those that benchmarks find alike.

    Parameters
    ----------
    votes : people's: a, b, question, points
    table : of `gaps`

    Returns
    -------
    pd.DataFrame
        `table` with share, share_low, share_high
    Interval, Interval
        the mean over pairs that are alike: from three of them on with the jackknife over their models; and questions drawn
    """
    drawn = [preferred(votes[(votes["a"] == row.a) & (votes["b"] == row.b)], bootstrap) for row in table.itertuples()]
    ends = pd.DataFrame([each.interval() for each in drawn], columns=["share", "share_low", "share_high"])
    chosen = [each for each, same in zip(drawn, table["alike"], strict=True) if same]
    nothing = Interval(np.nan, np.nan, np.nan)
    if not chosen:
        return pd.concat([table, ends], axis=1), nothing, nothing
    mean = Drawn(
        float(np.mean([each.estimate for each in chosen])), np.mean([each.draws for each in chosen], axis=0), bootstrap.level
    )
    given = mean.interval()
    whole = pd.concat([table, ends], axis=1)
    return whole, _over_models(whole[whole["alike"]], bootstrap.level) if len(chosen) > 2 else given, given


def _over_models(rows: pd.DataFrame, level: float) -> Interval:
    models = sorted({*rows["a"], *rows["b"]})
    left = [rows.loc[(rows["a"] != model) & (rows["b"] != model), "share"].mean() for model in models]
    return stats.jackknife_interval(rows["share"].mean(), np.array(left), level)
