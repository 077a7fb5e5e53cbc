"""Judges spoilt in known ways: what each must keep and lose, and that doses were fixed."""

import numpy as np
import pytest
from studies.reverse_validation.made_up import grid

from proxylib.data.domains.base import CRITERIA
from proxylib.studies.reverse_validation import bank

GRID = grid()
JUDGES = {judge.name: judge for judge in bank.bank(GRID, 3)}
TRUTH = GRID.truth


def test_there_are_so_many_judges_of_every_kind_as_was_declared():
    kinds = [judge.kind for judge in JUDGES.values()]
    assert [kinds.count(kind) for kind in bank.KINDS] == [6, 6, 9, 3, 5, 5, 4, 6, 5] and len(JUDGES) == 49
    assert all(judge.scores.shape == TRUTH.shape for judge in JUDGES.values())


def test_the_same_seed_gives_the_same_judges():
    again = {judge.name: judge.scores for judge in bank.bank(GRID, 3)}
    assert all(np.array_equal(again[name], judge.scores, equal_nan=True) for name, judge in JUDGES.items())
    other = {judge.name: judge.scores for judge in bank.bank(GRID, 4)}
    assert not np.array_equal(other["20 % turned round"], again["20 % turned round"])


@pytest.mark.parametrize("share", bank.FLIPS)
def test_noise_turns_round_as_much_as_it_says(share):
    wrong = JUDGES[f"{100 * share:g} % turned round"].scores != TRUTH
    assert wrong.mean() == pytest.approx(share, abs=0.03)
    assert wrong[TRUTH == 1].mean() == pytest.approx(wrong[TRUTH == 0].mean(), abs=0.05)


@pytest.mark.parametrize("share", bank.SHARES)
def test_leniency_leaves_passes_and_strictness_leaves_fails(share):
    lenient, strict = (JUDGES[f"{100 * share:g} % of {side}"].scores for side in ("fails pass", "passes fail"))
    assert (lenient[TRUTH == 1] == 1).all() and lenient[TRUTH == 0].mean() == pytest.approx(share, abs=0.05)
    assert (strict[TRUTH == 0] == 0).all() and strict[TRUTH == 1].mean() == pytest.approx(1 - share, abs=0.05)


def test_a_cut_passes_what_is_graded_so_high():
    for cut in bank.CUTS:
        assert np.array_equal(JUDGES[f"passes from grade {cut:g}"].scores == 1, GRID.grades >= cut)


def test_length_alone_decides_at_full_dose_and_half_of_it_at_half():
    longer = np.broadcast_to((GRID.words > np.median(GRID.words))[..., None], TRUTH.shape)
    assert np.array_equal(JUDGES["100 % by length"].scores == 1, longer)
    half = JUDGES["50 % by length"].scores
    apart = longer != (TRUTH == 1)
    assert (half[apart] == longer[apart]).mean() == pytest.approx(0.5, abs=0.06)


def test_an_ignored_criterion_passes_and_a_single_one_stands_for_all():
    for place, criterion in enumerate(CRITERIA):
        name = criterion.replace("_", " ")
        ignoring, single = JUDGES[f"never minds {name}"].scores, JUDGES[f"{name} alone"].scores
        assert (ignoring[..., place] == 1).all()
        assert np.array_equal(np.delete(ignoring, place, 2), np.delete(TRUTH, place, 2))
        assert (single == TRUTH[..., [place]]).all()


def test_adversaries_reward_the_opposite():
    assert np.array_equal(JUDGES["all turned round"].scores, 1 - TRUTH)
    place = CRITERIA.index("no_hallucination")
    wants = JUDGES["wants made-up facts"].scores
    assert (wants[..., place] == 1 - TRUTH[..., place]).all() and (wants != TRUTH).any((0, 1)).sum() == 1
    assert np.array_equal(JUDGES["passes what has made-up facts"].scores[..., 0] == 1, GRID.false > 0)


def test_verdicts_of_another_note_keep_every_rate_of_a_cell():
    other = JUDGES["of another note"].scores
    np.testing.assert_allclose(other.mean(1), TRUTH.mean(1))
    assert (other != TRUTH).any()


def test_verdicts_of_another_cell_are_those_of_its_base_and_of_another_configuration_of_none_of_its_own():
    cells = GRID.cells
    place = bank._next_cell(cells)
    assert (cells["base"].to_numpy()[place] == cells["base"].to_numpy()).all() and (place != np.arange(len(cells))).all()
    assert sorted(place) == list(range(len(cells)))
    for number in range(20):
        place = bank._other_configuration(cells, np.random.default_rng(number))
        assert sorted(place) == list(range(len(cells)))
        assert (bank._configuration(cells)[place] != bank._configuration(cells)).all()


def test_what_loss_rewards_passes_more_where_loss_is_low_whatever_the_notes_are():
    scores = JUDGES["knows the loss"].scores.mean((1, 2))
    assert np.corrcoef(scores, GRID.cells["final_loss"].rank())[0, 1] < -0.95
    assert JUDGES["typical of experts, 25 % pass"].scores.mean() == pytest.approx(0.25, abs=0.04)
    assert np.corrcoef(JUDGES["knows the size"].scores.mean((1, 2)), GRID.cells["parameters"])[0, 1] > 0.95
