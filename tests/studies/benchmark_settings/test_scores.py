"""Scores by model, setting and problem."""

import numpy as np
import pytest
from studies.benchmark_settings.made import outcomes, population

from proxylib.measure import scoring
from proxylib.studies.benchmark_settings.scores import scores


@pytest.fixture(scope="module")
def made():
    tables = population(lambda *_: 0.5, models=3, items=8)
    return tables, scores(tables)


def test_every_setting_has_a_score_and_it_is_the_share_of_right_answers(made):
    tables, got = made
    assert got.values.shape == (3, 2 * 2 * 2 * (1 + 2) * 3, 16)  # decodings: greedy; sampled with k of 1 and 4
    asked = tables["model-1"].query("template == 'labelled' and shots == 1 and ask == 'answer alone' and decoding == 'greedy'")
    place = got.place(template="labelled", shots=1, ask="answer alone", scorer="lenient")
    assert got.means()[1, place] == pytest.approx(asked.groupby("task")["lenient"].mean().mean())


def test_of_samples_k_is_the_unbiased_chance(made):
    tables, got = made
    asked = tables["model-0"].query("template == 'as trained' and shots == 0 and ask == 'worked steps' and samples == 4")
    for k in (1, 4):
        share = scoring.pass_at_k(asked["samples"], asked["final value"], k)
        assert got.values[0, got.place(decoding="temperature 1", k=k)] == pytest.approx(share)


def test_halves_share_no_problem_and_make_the_whole(made):
    _, got = made
    for first, second in got.halves(seed=1, splits=3):
        assert np.allclose((first + second) / 2, got.means())
    assert not np.allclose(first, second)


def test_settings_that_one_model_lacks_are_left_out(made):
    tables, _ = made
    short = tables["model-0"].query("decoding == 'greedy'")
    assert len(scores({"a": tables["model-0"], "b": short}).settings) == 2 * 2 * 2 * 3


def test_problems_of_models_stand_side_by_side_whatever_their_order():
    table = outcomes(np.random.default_rng(3), lambda *_: 0.5, items=4)
    got = scores({"a": table, "b": table.sample(frac=1, random_state=1)})
    assert got.values[0].std() > 0 and np.array_equal(got.values[0], got.values[1])
