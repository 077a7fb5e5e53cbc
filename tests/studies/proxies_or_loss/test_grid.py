"""The grid: means over seeds, signs, the middle number of examples."""

import numpy as np
import pandas as pd
import pytest
from studies.proxies_or_loss.made import DATA, SIZES, cells, made

from proxylib.measure import proxies
from proxylib.studies.proxies_or_loss import grid


def test_more_is_better_for_every_signal_and_seeds_are_averaged():
    table = cells(lambda s, d, z: 10 * s, lambda s, d, z: 3 - s / 5, lambda s, d, z: s)
    again = table.assign(seed=2, **{score: table[score] + 4 for score in grid.SCORES})
    whole = grid.of(pd.concat([table, again]))
    assert len(whole.place) == len(SIZES) * len(DATA)
    sizes = np.log2(whole.place["parameters"])
    for name in grid.SIGNS:
        assert np.corrcoef(sizes, whole.signals[name])[0, 1] == pytest.approx(1), name
    assert whole.scores["LM judge"].to_numpy() == pytest.approx(table["LM judge"].to_numpy() + 2)
    assert set(grid.NAMED_PROXIES) < set(proxies.NAMES) and len(grid.SIGNS) == len(grid.LOSSES) + 80


def test_each_base_is_left_out_with_all_of_its_configurations():
    whole = made(lambda s, d, z: s, lambda s, d, z: -s)
    for base, rest in zip(whole.place["base"].unique(), whole.without_bases(), strict=True):
        left = whole.only(rest)
        assert base not in set(left.place["base"]) and len(left.place) == len(whole.place) - len(DATA)


def test_the_middle_number_of_examples_belongs_to_both_schedules():
    table = pd.DataFrame({"schedule": ["epochs"] * 3 + ["steps"] * 2, "examples": [1, 2, 3, 1, 3], "cell": list("abcde")})
    assert list(grid.in_schedule(table, "epochs")["cell"]) == ["a", "b", "c"]
    assert list(grid.in_schedule(table, "steps")["cell"]) == ["d", "e", "b"]
