"""Ways to read an effect: right where nothing disturbs them, and wrong where their assumption fails."""

import numpy as np
import pytest
from studies.telemetry.worlds_of_few import small

from proxylib.judging.users import EVERYONE, HOLDOUT, STAGGERED, simulate
from proxylib.studies.telemetry import attribution
from proxylib.studies.telemetry.attribution import BEFORE_AFTER, EXPERIMENT, ROLLOUTS, WAYS, Window
from proxylib.studies.telemetry.worlds import models

SETTINGS = small(days=56, update=28, looks=(28,), looked=28)
QUIET = {"season": 0.0, "shock": 0.0, "product": 0.0, "wave": 0.0, "joining": 0.0, "churn": 0.0, "disappointed": 0.0}
WINDOW = Window(28, 28)
METRIC = "tasks completed"


@pytest.fixture(scope="module")
def quiet():
    pair, product = models(SETTINGS, -1.0), SETTINGS.product(users=600, **QUIET)
    return {rollout: simulate(product, pair, rollout, 1) for rollout in (EVERYONE, HOLDOUT, STAGGERED)}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_right_in_a_quiet_world(quiet, way):
    log = quiet[ROLLOUTS[way]]
    effect, truth = WAYS[way](log, WINDOW, METRIC), attribution.truth(log, WINDOW, METRIC)
    assert -0.3 < truth < -0.1 and effect.stderr < 0.08 and effect.df > 5
    assert abs(effect.estimate - truth) < 4.5 * effect.stderr + 0.01


def test_the_truth_of_no_change_is_none(quiet):
    log = simulate(SETTINGS.product(users=100, **QUIET), models(SETTINGS), EVERYONE, 1)
    assert attribution.truth(log, WINDOW, METRIC) == pytest.approx(0, abs=1e-12)
    assert attribution.truth(log, WINDOW, "thumbs up") == pytest.approx(0, abs=1e-12)


def test_a_change_of_the_product_fools_days_and_not_arms():
    """Nothing but the product changes, by much, on a day near the update."""
    product = SETTINGS.product(users=600, **QUIET | {"product": 3.0})
    pair = models(SETTINGS)
    read = {way: WAYS[way](simulate(product, pair, ROLLOUTS[way], 7), WINDOW, METRIC) for way in (BEFORE_AFTER, EXPERIMENT)}
    assert abs(read[BEFORE_AFTER].estimate) > 5 * read[BEFORE_AFTER].stderr
    assert abs(read[EXPERIMENT].estimate) < 4 * read[EXPERIMENT].stderr


def test_a_window_ends_where_nothing_is_known(quiet):
    """Later days change nothing: a look is what it would have been."""
    early = Window(28, 14)
    for way in WAYS:
        log = quiet[ROLLOUTS[way]]
        cells, weeks = log.cells.copy(), log.weeks.copy()
        cells[early.stop :], weeks[early.stop // 7 :] = 99, 99
        later = log._replace(cells=cells, weeks=weeks)
        assert WAYS[way](log, early, METRIC) == WAYS[way](later, early, METRIC)
        assert np.isfinite(attribution.truth(later, early, METRIC))
