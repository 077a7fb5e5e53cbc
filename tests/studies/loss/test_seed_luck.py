"""Luck of seeds: inversions by hand and by chance."""

import numpy as np
from studies.loss.grids import BOOTSTRAP, made

from proxylib.studies.loss import cell_draws, seed_luck


def test_inversions_need_a_lower_score_and_a_higher_loss():
    cells, verdicts = made(lambda size, data, _: 0.9 - 0.3 * data, lambda size, data, _: 1 + data, notes=300)
    found = seed_luck.inversions(cell_draws.judged(cells, verdicts), "rubric, strict")
    assert len(found) == 10 and found["inverted"].all()
    cells["final_loss"] = -cells["final_loss"]
    found = seed_luck.inversions(cell_draws.judged(cells, verdicts), "rubric, strict")
    assert (found["score_drop"] > 0).all() and not found["inverted"].any()


def test_two_runs_that_differ_by_luck_alone_look_inverted_one_time_in_four():
    noise = iter(np.random.default_rng(7).standard_normal(1000))
    same = cell_draws.judged(
        *made(lambda s, d, z: np.clip(0.5 + 0.1 * z, 0, 1), lambda s, d, z: 2 + 0.1 * next(noise), (1, 2, 3))
    )
    row = seed_luck.inversions_by_luck(same, "rubric, strict", BOOTSTRAP).iloc[0]
    assert abs(row["no_effect"] - 0.25) < 0.08 and row["pairs"] == 10
    assert row["low"] <= row["observed"] <= row["high"] and row["high"] - row["low"] > 0.3  # ten pairs, not ninety
    apart = cell_draws.judged(*made(lambda s, d, z: 0.2 + 0.3 * d, lambda s, d, z: 2 - d + 0.01 * z, (1, 2, 3)))
    row = seed_luck.inversions_by_luck(apart, "rubric, strict", BOOTSTRAP).iloc[0]
    assert row["observed"] == 0 and row["as_found"] < 0.001
    assert seed_luck.inversions_by_luck(
        cell_draws.judged(*made(lambda s, d, z: 0.5, lambda s, d, z: 2 - d)), "rubric, strict", BOOTSTRAP
    ).empty
