"""Frames of the page on styles: correlations in three populations."""

from __future__ import annotations

import pandas as pd

from proxylib.report import tables
from proxylib.studies.proxy_metrics.whose_style import ALL_MINUS_NONE, HALF_MINUS_ALL

#: population -> how many of its models read the expert's style
NAMES = {"other": "none", "crossed": "half", "expert": "all"}


def table(correlations: pd.DataFrame) -> pd.DataFrame:
    """A row per proxy: the three populations, then the differences."""
    named = correlations.assign(quantity=correlations["style"].map(NAMES).fillna(correlations["quantity"]))
    columns = [*NAMES.values(), ALL_MINUS_NONE, HALF_MINUS_ALL]
    return tables.wide(named, ["proxy"], {"quantity": dict(zip(columns, columns, strict=True))})
