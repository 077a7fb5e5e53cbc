"""Whose the variance is, on scores without luck."""

import numpy as np
import pytest
from studies.benchmark_settings.made import population

from proxylib.studies.benchmark_settings import variance
from proxylib.studies.benchmark_settings.scores import Scores, scores


@pytest.fixture(scope="module")
def plain():
    return scores(population(lambda *_: 0.5, models=4, items=2))


def exact(plain, model, template, both):
    """Scores that are sums: of the model, of the template, and of both where they meet."""
    labelled = (plain.settings["template"] == "labelled").to_numpy()
    number = np.arange(4)[:, None] - 1.5
    values = model * number + template * np.where(labelled, 0.5, -0.5) + both * number * np.where(labelled, 1, -1)
    return Scores(np.repeat(values[:, :, None], len(plain.tasks), 2), plain.settings, plain.tasks)


def test_shares_are_those_of_the_sums(plain):
    table = variance.parts(exact(plain, 1.0, 2.0, 0.5), 0.95).set_index("source")["estimate"]
    squares = {"model": 1.25, "template": 1.0, "template by model": 0.3125}
    for source, square in squares.items():
        assert table[source] == pytest.approx(square / sum(squares.values()), abs=1e-9)
    assert table.drop(list(squares)).abs().max() < 1e-9 and table.sum() == pytest.approx(1)


def test_what_moves_all_alike_is_no_interaction(plain):
    table = variance.parts(exact(plain, 1.0, 2.0, 0.0), 0.95).set_index("source")["estimate"]
    assert table["template"] > 0.4 and table["template by model"] < 1e-9
