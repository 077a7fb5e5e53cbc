"""Restriction of range and configurations needed, against simulation and known values."""

import numpy as np
import pytest

from proxylib.studies.scale import power


def test_a_correlation_over_part_of_the_range_is_that_of_data():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(400_000)
    y = -2 * x + 1.2 * rng.standard_normal(len(x))
    whole = np.corrcoef(x, y)[0, 1]
    for share in (0.5, 0.1):
        part = np.corrcoef(share * x, -2 * share * x + (y + 2 * x))[0, 1]
        assert power.restricted(whole, share) == pytest.approx(part, abs=0.005)
    assert power.restricted(whole, 1.0) == pytest.approx(whole)


def test_configurations_are_those_of_tables_and_grow_as_the_range_shrinks():
    assert power.needed(0.5, 0.0) == 30 and power.needed(0.3, 0.0) == 85  # Cohen's tables: 29 to 30, 84 to 85
    table = power.table(-0.86, 0.95)
    assert (np.diff(table["configurations"]) > 0).all() and (table["half"] > table["configurations"]).all()
    assert table["r"].iloc[0] == -0.86
