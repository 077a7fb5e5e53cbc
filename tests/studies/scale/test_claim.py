"""The post's line and how far its claim goes, worked out by hand from what it reports."""

import pytest
from studies.scale.test_prices import SCALE

from proxylib.studies.scale import claim
from proxylib.studies.scale.settings import Grid


def test_the_line_ends_where_its_slope_says():
    slope, r = claim.line()
    assert (slope, r) == (-185.0, -0.86)
    ends = claim.ends().set_index("examples")
    assert ends.loc["middle", "at_zero"] == pytest.approx(39.8 + 185 * 0.238)
    assert ends.loc["middle", "for_all"] == pytest.approx(0.238 - 60.2 / 185) and (ends["for_all"] < 0).all()


def test_factors_and_what_is_left():
    grid = Grid(
        bases=("Qwen/Qwen3-1.7B", "Qwen/Qwen3-32B"), examples=(1293, 4673), rank=64, epochs=3, device_batch=1, recompute=True
    )
    times = claim.factors(grid, SCALE)
    assert times["size"] == pytest.approx(7.2, abs=0.1) and times["data"] == pytest.approx(214, abs=1) and times["passed"] < 1
    left = claim.left(4, 16).set_index("law")
    assert left.loc["Hoffmann et al.", "size_left"] == pytest.approx(4**-0.34)
    assert left.loc["Hoffmann et al.", "data_left"] == pytest.approx(16**-0.28)
