"""A domain that pays: an alarm while the aggregate falls, and none where everything rises or falls."""

import numpy as np
import pandas as pd

from proxylib.alarms.domains import aggregate, cannibalised
from proxylib.alarms.rises import RiseSettings
from proxylib.alarms.table import COLUMNS

AT = np.arange(1, 25) * 100.0
SETTINGS = RiseSettings(draws=500)


def losses(seed=0, **slopes):
    """Domains that fall, and from the middle on change by so much a checkpoint."""
    rng = np.random.default_rng(seed)
    bend = np.maximum(0, np.arange(24) - 12)
    values = {name: 2 + 5 * AT**-0.5 + slope * bend + 0.01 * rng.normal(size=24) for name, slope in slopes.items()}
    return pd.DataFrame(values, AT).rename_axis("at").reset_index().melt("at", var_name="task")


def test_the_domain_that_rises_is_named_where_the_aggregate_falls():
    rows = cannibalised(losses(code=0.03, web=-0.05, books=-0.05), settings=SETTINGS)
    assert list(rows["task"]) == ["code"] and list(rows["alarm"]) == ["cannibalised"] and list(rows.columns) == list(COLUMNS)


def test_nothing_is_said_where_the_aggregate_rises_too_or_no_domain_does():
    assert cannibalised(losses(code=0.06, web=-0.01, books=-0.01), settings=SETTINGS).empty
    assert cannibalised(losses(code=0, web=0, books=0), settings=SETTINGS).empty


def test_an_aggregate_of_ones_own_decides():
    rising = pd.Series(AT, index=AT)
    assert cannibalised(losses(code=0.03, web=-0.05, books=-0.05), total=rising, settings=SETTINGS).empty
    assert aggregate(pd.DataFrame({"at": [1, 1], "task": ["a", "b"], "value": [1.0, 3.0]})).to_dict() == {1: 2.0}
