"""A proxy that follows what models read is told from one that follows their scores."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxylib import stats
from proxylib.studies.your_models import compare, style
from proxylib.studies.your_models.compare import Comparison, Fitted
from proxylib.studies.your_models.rank import Ranked

BOOTSTRAP = stats.Bootstrap(draws=200, level=0.95, seed=1)


@pytest.fixture
def ranked():
    empty = pd.DataFrame()
    return Ranked(Path("there"), Comparison(empty, empty, empty, empty, 20, 3, 12), Fitted(empty, empty), empty)


def test_a_proxy_that_follows_the_style_and_not_the_scores_is_told_from_one_that_does(ranked):
    values = pd.DataFrame({compare.WINNER: [0.1, 0.5, 0.9, 0.95, 0.99]}, index=list("abcde"))
    scored = pd.DataFrame({"model": list("abcde"), "score": [0.9, 0.5, 0.1, 0.2, 0.7]})
    read = pd.Series({"c": 0.8, "a": 0.2, "b": 0.4, "d": 0.9, "e": 0.95})
    shown = dataclasses.replace(
        ranked, read=read, comparison=ranked.comparison._replace(values=values), fitted=Fitted(scored, ranked.fitted.errors)
    )
    of_proxy, of_scores, together = style.follows_style(shown, BOOTSTRAP)
    assert of_proxy.estimate == pytest.approx(1.0) and of_scores.estimate == together.estimate == pytest.approx(-0.3)
    assert stats.decide(of_scores) is stats.decide(together) is stats.Decision.UNDECIDED  # of five
    fisher = stats.fisher_interval(-0.3, 5, BOOTSTRAP.level)
    assert of_scores.low <= fisher.low and of_scores.high >= fisher.high  # drawing five models again is no sample of others
    unknown = [None, read.replace(0.2, np.nan), read * 0]  # four are too few
    assert [style.follows_style(dataclasses.replace(shown, read=part), BOOTSTRAP) for part in unknown] == [None] * 3


def test_whether_a_proxy_follows_the_style_is_decided_over_models(ranked):
    """Twelve of them: by the proxy as by the share, scores without any tie to it."""
    models = [f"m{number}" for number in range(12)]
    values = pd.DataFrame({compare.WINNER: np.arange(12.0)}, index=models)
    scored = pd.DataFrame({"model": models, "score": [5.0, 9, 2, 7, 0, 11, 3, 8, 6, 1, 10, 4]})
    shown = dataclasses.replace(
        ranked,
        read=pd.Series(np.linspace(0.2, 0.8, 12), index=models),
        comparison=ranked.comparison._replace(values=values),
        fitted=Fitted(scored, ranked.fitted.errors),
    )
    of_proxy, of_scores, together = style.follows_style(shown, BOOTSTRAP)
    assert together.low < together.estimate < together.high
    assert stats.decide(of_proxy) is stats.Decision.HIGHER and stats.decide(of_scores) is stats.Decision.UNDECIDED
    against = dataclasses.replace(shown, comparison=ranked.comparison._replace(values=-values))
    assert stats.decide(style.follows_style(against, BOOTSTRAP)[0]) is stats.Decision.LOWER
