"""Frames of the page on styles."""

from __future__ import annotations

import pandas as pd

from proxylib.report import words
from proxylib.studies.proxy_metrics import ablations
from proxylib.studies.proxy_metrics.whose_style import ALL_MINUS_NONE, HALF_MINUS_ALL, LOSS, NAMES, SHARES


def _shown(found: pd.DataFrame, proxy: str, quantity: str, style: str = "") -> tuple[pd.Series, str]:
    keep = (found["proxy"] == proxy) & (found["quantity"] == quantity) & (found["style"] == style)
    row = found[keep].iloc[0]
    return row, words.with_interval(row[["estimate", "low", "high"]])


def verdict(found: pd.DataFrame) -> str:
    """The page's first sentences; they turn with the numbers."""
    parts = []
    for proxy in (LOSS, ablations.WINNER):
        gap, shown = _shown(found, proxy, ALL_MINUS_NONE)
        word = "higher than" if gap["low"] > 0 else "lower than" if gap["high"] < 0 else "not distinguishably different from"
        ends = {style: _shown(found, proxy, "rho", style)[1] for style in SHARES}
        parts.append(
            f"{proxy[0].upper() + proxy[1:]}: {ends['expert']} where all models read the expert's style, {ends['crossed']} "
            f"where half did, {ends['other']} where none did; with all it is {word} with none (difference {shown})."
        )
    return " ".join(parts)


def finding(found: pd.DataFrame) -> str:
    """The figure's title."""
    told = [f"{_shown(found, LOSS, 'rho', style)[0]['estimate']:.2f}" for style in SHARES]
    return f"Cross-entropy per token follows accuracy at {told[0]}, {told[1]}, {told[2]} as none, half, all share the style"


def table(found: pd.DataFrame) -> pd.DataFrame:
    """A row per proxy: the three populations, then the differences."""
    rows = []
    for proxy in found["proxy"].drop_duplicates():
        row = {"proxy": proxy} | {name: _shown(found, proxy, "rho", style)[1] for style, name in NAMES.items()}
        row |= {quantity: _shown(found, proxy, quantity)[1] for quantity in (ALL_MINUS_NONE, HALF_MINUS_ALL)}
        rows.append(row)
    return pd.DataFrame(rows)
