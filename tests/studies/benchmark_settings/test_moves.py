"""Scores and ranks that move, and those that luck alone moves."""

import numpy as np
import pytest
from studies.benchmark_settings.made import population

from proxylib.studies.benchmark_settings import moves
from proxylib.studies.benchmark_settings.scores import scores

SKILL = np.linspace(0.2, 0.8, 6)


@pytest.fixture(scope="module")
def still():
    """Six models of different skill whom no setting moves."""
    return scores(population(lambda m, *_: SKILL[m]))


@pytest.fixture(scope="module")
def moved():
    """The labelled template turns the order round; an answer alone takes a quarter from everybody."""

    def chance(m, template, shots, ask, decoding, scorer):
        skill = SKILL[::-1][m] if template == "labelled" else SKILL[m]
        return skill * (0.75 if ask == "answer alone" else 1.0)

    return scores(population(chance))


def test_without_an_effect_best_minus_worst_is_nothing_though_the_extremes_lie_apart(still):
    single = still.settings["k"] == 1
    part = type(still)(still.values[:, single.to_numpy()], still.settings[single], still.tasks)
    apart = moves.best_minus_worst(part.halves(seed=2))
    means = part.means()
    assert (means.max(1) - means.min(1)).mean() > 0.2
    assert abs(apart.mean()) < 0.04


def test_an_effect_is_measured_at_its_size(moved):
    table = moves.effects(moved, 0.95).set_index("change")
    assert table.loc["answer alone", "low"] < -12.5 < table.loc["answer alone", "high"] < 0
    assert table.loc["lenient", "low"] < 0 < table.loc["lenient", "high"]
    assert (table["after"] - table["before"]).to_numpy() == pytest.approx(table["estimate"].to_numpy())
    assert table.loc["pass@4 for pass@1, temperature 1", "low"] > 0


def test_ranks_move_where_the_order_turns_and_only_there(moved):
    table = moves.ranks(moved, seed=1, level=0.95).set_index("change")
    assert table.loc["labelled", "spearman"] < -0.8 and table.loc["labelled", "low"] > 0.5
    for change in ("answer alone", "1 solved before", "temperature 1", "lenient"):
        assert table.loc[change, "spearman"] > 0.7 and abs(table.loc[change, "estimate"]) < 0.15


def test_over_all_pairs_luck_is_no_move_of_ranks(still, moved):
    difference, facts = moves.all_pairs(still, 1, 0.95)
    assert abs(difference.estimate) < 0.05 and facts["within"] < 1
    assert facts["halves turned"] == pytest.approx(facts["luck turned"], abs=0.03) and facts["luck turned"] > 0.03
    turned, facts = moves.all_pairs(moved, 1, 0.95)
    assert turned.low > 0.2 and facts["halves turned"] > facts["luck turned"] + 0.2
    assert 0.2 < facts["turned"] < facts["halves turned"] + 0.1


def test_pairs_that_a_setting_ties_are_neither_kept_nor_turned():
    first = np.array([[1.0], [2.0], [3.0]])
    second = np.array([[0.1 + 0.2, 3.0, 1.0], [0.3, 2.0, 2.0], [0.4, 1.0, 3.0]])
    turned, tied = moves.pairs(first, second)
    assert turned[0].tolist() == [0, 1, 0] and tied[0] == pytest.approx([1 / 3, 0, 0])
