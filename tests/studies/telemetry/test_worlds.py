"""Worlds: drawn from the ranges, and each finding appears where its cause is and not where it is not."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from studies.telemetry.worlds_of_few import small

from proxylib.studies.telemetry import worlds
from proxylib.studies.telemetry.settings import CENTRAL, DRAWN

SETTINGS = small(worlds=5)


def test_central_worlds_are_one_product_and_drawn_ones_fill_the_ranges():
    wide = small(worlds=20, ranges=SETTINGS.ranges | {"churn": (0.0, 0.1, 0.5)})
    assert len(set(map(str, worlds.products(wide, CENTRAL)))) == 1
    drawn = [product.churn for product, _ in worlds.products(wide, DRAWN)]
    assert sorted(int(value / 0.5 * 20) for value in drawn) == list(range(20))  # one a slice
    assert drawn == [product.churn for product, _ in worlds.products(wide, DRAWN)]


def test_rows_of_every_way_look_and_metric():
    product, effect = worlds.products(SETTINGS, CENTRAL)[0]
    rows = pd.DataFrame(worlds.read(product, SETTINGS, effect, 1))
    assert len(rows) == 2 * 4 * 2 * len(SETTINGS.looks) and not rows.duplicated(["way", "metric", "after", "changed"]).any()
    assert (rows.loc[rows["changed"], "truth"] < 0).all() and rows.loc[~rows["changed"], "truth"].abs().max() < 1e-9
    assert np.isfinite(rows[["estimate", "stderr"]]).all(axis=None)


def test_those_who_stayed_are_happier_only_where_failure_drives_users_away():
    product = SETTINGS.product(users=1500, churn=0.0, disappointed=0.15)
    gaps = {row["churn"]: row for row in worlds.survivors(product, SETTINGS, 1)}
    assert gaps[0.0]["gap"] == 0 and gaps[0.0]["left"] == 0
    assert gaps[4.0]["gap"] > gaps[1.0]["gap"] > 0.005 and gaps[4.0]["left"] > gaps[1.0]["left"]


def test_newcomers_raise_thumbs_down_and_weights_take_that_back():
    product = SETTINGS.product(users=1500, clumsy=1.5, wave=20.0, joining=0.03, novices=0.0, disappointed=0.0, churn=0.0)
    row = worlds.newcomers(product.model_copy(update={"novices": 0.1}), SETTINGS, 2)
    assert row["raw"] > 0.04 and abs(row["alike"]) < row["raw"] / 2


def test_longer_answers_lengthen_and_complete_nothing_more():
    row = worlds.verbosity(SETTINGS.product(users=1500), SETTINGS, 1)
    assert row["length"] > 25 and abs(row["completed"]) < 15


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ranges": {"users": (1.0, 2.0, 3.0)}}, "name each of"),
        ({"effect": (0.0, -0.2, -0.1)}, "not in order"),
        ({"looks": (7, 400)}, "looks"),
        ({"mixes": ((0.5, 0.4, 0.2), (0.5, 0.35, 0.15))}, "mixes"),
    ],
)
def test_bad_settings_are_named(changes, said):
    with pytest.raises(ValidationError, match=said):
        small(**changes)
