"""Models alike on benchmarks, and what people make of them."""

import numpy as np
import pandas as pd

from proxylib.stats import Bootstrap
from proxylib.studies.preferences import benchmarks
from proxylib.studies.preferences.benchmarks import BASES

BOOTSTRAP = Bootstrap(draws=300, level=0.95, seed=1)


def scores():
    """Eight benchmarks on which three bases scatter about the same mean and one is ten points better."""
    noise = np.random.default_rng(2).normal(0, 0.02, (4, 8))
    frame = pd.DataFrame(0.4 + noise - noise.mean(1, keepdims=True), index=list(BASES.values()))
    frame.loc[BASES["llama-7b"]] += 0.1
    return frame


def votes(share, seed=3, count=600):
    """People give a model so large a share of the points of each other one that comes after it."""
    rng = np.random.default_rng(seed)
    names = sorted(BASES)
    first = rng.integers(0, 3, count)
    second = first + 1 + (rng.random(count) * (3 - first)).astype(int)
    points = (rng.random(count) < share).astype(float)
    named = {"a": np.array(names)[first], "b": np.array(names)[second]}
    return pd.DataFrame(named | {"question": rng.integers(0, 80, count), "points": points})


def test_alike_are_those_whose_mean_is_near():
    rows = benchmarks.gaps(scores(), 0.95).set_index(["a", "b"])
    assert rows["alike"].sum() == 3 and not rows.xs("llama-7b", level="a")["alike"].any()


def test_people_who_choose_are_told_from_people_who_do_not():
    table = benchmarks.gaps(scores(), 0.95)
    for share, told in ((0.75, True), (0.5, False)):
        whole, wide, given = benchmarks.caught(votes(share), table, BOOTSTRAP)
        assert (given.low > 0.5) == told and len(whole) == 6
        assert wide.estimate == given.estimate and abs(given.estimate - share) < 0.12


def test_no_pair_alike_leaves_no_number():
    table = benchmarks.gaps(scores(), 0.95).assign(alike=False)
    assert np.isnan(benchmarks.caught(votes(0.6), table, BOOTSTRAP)[1].estimate)
