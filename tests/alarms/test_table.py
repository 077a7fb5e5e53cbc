"""One set of columns for all detectors."""

import numpy as np
import pytest

from proxylib.alarms import table


def test_alarms_of_several_detectors_are_joined_in_the_order_in_which_they_could_be_raised():
    late = table.frame([("spike", "a", 7, 7, 1, 0.5, 1.5, 0.01)])
    early = table.frame([("missing", "<b>", 3, 2, *[np.nan] * 4)])
    whole = table.joined([late, table.frame([]), early])
    assert tuple(whole.columns) == table.COLUMNS and whole["task"].tolist() == ["<b>", "a"]
    assert table.joined([]).empty and table.frame([])["at"].dtype == float


def test_looks_spend_an_error_rate_once():
    looks = np.arange(1, 100_001)
    assert table.spent(looks).sum() == pytest.approx(1, abs=1e-4) and (np.diff(table.spent(looks)) < 0).all()
