"""Shapes of scaling told apart, and regret where there is none."""

import numpy as np
import pytest
from studies.loss.grids import drawn, get

from proxylib.studies.loss import scaling


def test_the_frontier_has_no_regret_where_loss_orders_the_configurations():
    found = drawn(
        lambda size, data, _: 0.1 + 0.15 * size + 0.04 * data, lambda size, data, _: 3 - 0.15 * size - 0.04 * data, notes=500
    )
    table = scaling.frontier(found, "rubric, strict")
    assert (table["regret"] < 3).all() and (table["best_rate"].diff().dropna() >= 0).all()
    assert table["budget"].is_monotonic_increasing and (table["high"] >= 0).all()


def test_shapes_are_told_apart():
    found = drawn(lambda size, data, _: 0.1 + 0.12 * size, lambda size, data, _: -size, notes=600)
    own = scaling.scaling(found)
    keys = {"judge": "rubric, strict", "along": "parameters", "group": "360", "statistic": "error"}
    assert get(own, shape="log-linear", **keys)["estimate"] < get(own, shape="saturating", **keys)["estimate"]
    gain = get(own, shape="log-linear", **keys | {"statistic": "gain"})
    assert gain["estimate"] == pytest.approx(12, abs=1)


def test_equal_configurations_have_no_regret():
    means = []
    for seed in range(8):
        found = drawn(lambda s, d, z: 0.4, lambda s, d, z: 2 - 0.1 * s - 0.05 * d, notes=60, seed=seed)
        table = scaling.frontier(found, "rubric, strict")
        means.append(table["regret"].mean())
        assert (table["low"] <= 0).all()
    assert abs(np.mean(means)) < 1.5
