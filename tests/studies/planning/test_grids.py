"""Grids whose true scores are known, and what is bought of them."""

import numpy as np
from studies.planning.made_up import follows_loss, recorded

from proxylib.judging.criteria import GRADED, LM_JUDGE, STRICT
from proxylib.studies.planning import grids


def test_all_notes_are_the_truth_and_a_few_are_near_it():
    grid = follows_loss(notes=40)
    scores, noise = grids.buy(grid, 40, np.random.default_rng(1))
    np.testing.assert_allclose(scores, grid.truth)
    np.testing.assert_allclose(noise, 0, atol=1e-12)
    draws = [grids.buy(grid, 10, np.random.default_rng(seed)) for seed in range(300)]
    scores, noise = (np.stack([draw[place] for draw in draws]) for place in (0, 1))
    np.testing.assert_allclose(scores.mean(0), grid.truth, atol=0.03)
    assert 0.7 < noise.mean() / scores.var(0).mean() < 1.4


def test_where_no_note_is_known_noise_is_drawn():
    grid = follows_loss(notes=0)
    draws = np.stack([grids.buy(grid, 100, np.random.default_rng(seed))[0] for seed in range(300)])
    np.testing.assert_allclose(draws.mean(0), grid.truth, atol=0.01)
    np.testing.assert_allclose(draws.var(0), grid.truth * (1 - grid.truth) / 100, rtol=0.4)


def test_a_grid_without_a_group_and_without_its_loss():
    grid = follows_loss()
    less = grid.without(0)
    assert len(less.truth) == 9 and len(less.outcomes) == 9 and set(less.cells["group"]) == {1, 2, 3}
    assert grid.signals().shape == (12, 3) and grid.signals(loss=False).shape == (12, 2)
    np.testing.assert_allclose(grid.signals()[:, 0], grid.cells["loss"])


def test_a_recorded_grid_is_read_seed_by_seed_and_judge_by_judge():
    cells, verdicts, grades = recorded()
    cells.loc[0, "final_loss"] = np.nan  # diverged
    read = list(grids.scribe(cells, verdicts, grades, "scribe"))
    assert [(grid.part, grid.score) for grid in read] == [(f"seed {s}", j) for s in (1, 2) for j in (LM_JUDGE, GRADED, STRICT)]
    assert len(read[0].truth) == 5 and len(read[3].truth) == 6
    rates = verdicts[verdicts["judge"] == LM_JUDGE].groupby("cell")["passed"].mean()
    np.testing.assert_allclose(read[3].truth, rates[cells["cell"][6:]].astype(float))
    rates = grades.groupby("cell")["grade"].mean()
    np.testing.assert_allclose(read[4].truth, rates[cells["cell"][6:]])
    fewer = list(grids.scribe(cells, verdicts[verdicts["judge"] == STRICT], grades, "claims"))
    assert [grid.score for grid in fewer] == [GRADED, STRICT] * 2
