"""Frames of the page on styles: correlations in three populations."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from proxylib.report import tables
from proxylib.stats import Decision, Interval, decide
from proxylib.studies.proxy_metrics.ablations import WINNER
from proxylib.studies.proxy_metrics.whose_style import ALL_MINUS_NONE, SOME_MINUS_ALL, STYLE_MINUS_SKILL, WITH_SKILL, WITH_STYLE

#: population -> how much of the expert's style its models read
NAMES = {"other": "none", "crossed": "some", "expert": "all"}


class Message(NamedTuple):
    """What the dial says of one proxy, on its page and on the front page.

    where_all, where_none : correlation with accuracy where all models, or none, have read the style of the traces
    matters : HIGHER if it is higher where all have
    wrong_way : where none has, LOWER if the proxy puts worse models first
    """

    where_all: Interval
    where_none: Interval
    matters: Decision
    wrong_way: Decision


def message(correlations: pd.DataFrame, proxy: str = WINNER) -> Message:
    """The dial's message on a proxy, from the stage's table."""
    rows = tables.rows(correlations, proxy=proxy)
    where_all, where_none = (tables.interval(rows, style=style) for style in ("expert", "other"))
    gap = tables.interval(rows, quantity=ALL_MINUS_NONE)
    return Message(where_all, where_none, decide(gap), decide(where_none))


def table(correlations: pd.DataFrame) -> pd.DataFrame:
    """A row per proxy: the three populations, then the differences."""
    named = correlations.assign(quantity=correlations["style"].map(NAMES).fillna(correlations["quantity"]))
    columns = [*NAMES.values(), ALL_MINUS_NONE, SOME_MINUS_ALL]
    return tables.wide(named, ["proxy"], {"quantity": dict(zip(columns, columns, strict=True))})


def follows_table(follows: pd.DataFrame) -> pd.DataFrame:
    """A row per proxy, and one of accuracy: correlation with the share of the style, with accuracy, and the difference."""
    columns = {WITH_STYLE: "with the share of the style", WITH_SKILL: "with accuracy", STYLE_MINUS_SKILL: "difference"}
    return tables.wide(follows, ["proxy"], {"quantity": columns})
