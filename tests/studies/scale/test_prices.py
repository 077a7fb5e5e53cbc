"""Prices: shapes of released models, published throughputs, corners in order."""

import pandas as pd
import pytest

from proxylib import studies
from proxylib.errors import UserError
from proxylib.studies.scale import prices
from proxylib.studies.scale.settings import Grid, Range

SCALE = studies.profile("reference").scale
GRID = Grid(bases=("Qwen/Qwen3-1.7B", "Qwen/Qwen3-32B"), examples=(100, 200), rank=64, epochs=3, device_batch=1, recompute=True)


def test_shapes_have_the_parameters_that_their_models_were_released_with():
    billions = pd.read_csv(prices.SHAPES).set_index("model")["billions"]
    for name, shape in prices.shapes().items():
        assert shape.parameters / 1e9 == pytest.approx(billions[name], rel=0.013), name
    assert prices.shapes()["Qwen/Qwen3-235B-A22B"].passed / 1e9 == pytest.approx(21, abs=1)  # with both tables 22


def test_published_runs_reach_shares_of_the_peak_that_are_possible_and_need_the_memory_that_was_reported():
    table = prices.checks()
    assert table["utilisation"].between(0.25, 0.6).all()
    known = table.dropna(subset="reported")
    assert len(known) == 6 and (known["bytes"] / known["reported"]).between(0.7, 1.1).all()


def test_corners_are_in_order_and_double_examples_double_what_is_not_fixed():
    table = prices.cells(GRID, SCALE)
    wide = table.pivot(index="cell", columns="corner", values="dollars")
    assert (wide["cheapest"] < wide["central"]).all() and (wide["central"] < wide["dearest"]).all()
    part = table[(table["corner"] == "central") & (table["base"] == GRID.bases[0])].set_index("examples")
    assert part.loc[200, "hours"] - SCALE.start == pytest.approx(2 * (part.loc[100, "hours"] - SCALE.start))
    assert part.loc[100, "tokens"] == 100 * 3 * SCALE.tokens.central
    whole = prices.totals(table, GRID).set_index("corner")
    assert whole.loc["central", "dollars"] < wide["central"].sum(), "the claim's own run is no part of the grid"
    claim = table[table["base"] == SCALE.largest]
    assert len(claim) == 3 and not claim["fits"].any()


def test_a_model_without_a_shape_and_a_range_out_of_order_are_named():
    with pytest.raises(UserError, match="no shape of made/up"):
        prices.cells(GRID.model_copy(update={"bases": ("made/up",)}), SCALE)
    with pytest.raises(ValueError, match="not in order"):
        Range(low=2, central=1, high=3)
