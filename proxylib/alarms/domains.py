"""A domain that pays for the others: its loss has risen while the aggregate fell."""

from __future__ import annotations

import pandas as pd

from proxylib.alarms.rises import RiseSettings, risen

NAME = "cannibalised"


def aggregate(losses: pd.DataFrame) -> pd.Series:
    """Mean over domains at every place, each domain counted once."""
    return losses.groupby("at")["value"].mean()


def cannibalised(losses: pd.DataFrame, total: pd.Series | None = None, settings: RiseSettings | None = None) -> pd.DataFrame:
    """Alarms where a domain has risen and the aggregate has not.

    Parameters
    ----------
    losses : columns task (the domain), at, value; every domain at the same places
    total : place -> aggregate loss; default the mean over domains
    settings : the rate of false alarms, over all domains and checkpoints together

    Returns
    -------
    See `table.COLUMNS`; a row for every domain that has risen since a place where the aggregate was higher than it is now

    Notes
    -----
    False alarms: see `rises.risen`; that the aggregate must have fallen can only take alarms back. Where the aggregate rises as
    well, the run overfits or has come apart, which is another alarm.
    """
    alarms = risen(NAME, losses, settings or RiseSettings())
    if len(alarms):
        total = aggregate(losses) if total is None else total
        alarms = alarms[total.reindex(alarms["at"]).to_numpy() < total.reindex(alarms["since"]).to_numpy()]
    return alarms.reset_index(drop=True)
