"""What the proxy named in advance was worth where scores are known: read from the recorded reference run, never typed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from proxylib.report import tables, words
from proxylib.runs import store
from proxylib.runs.config import ROOT
from proxylib.stats import Decision, Interval, decide

PROXY, RANKER, PROSE = "top-1, inverse frequency (named)", "linear RankSVM", "prose loss, bits per byte"
#: method of the recorded table -> what it is called here
SIGNALS = {PROXY: "proxy named in advance", PROSE: "loss on prose", RANKER: "ranker fitted on other families"}
#: a stranger's models are of families that no ranker saw
PROTOCOL = "leave-family-out"
IN_STYLES = "top-1, inverse frequency"  # the same proxy in the table of styles


class Worth(NamedTuple):
    """Mean rank correlations with accuracy over tasks; intervals draw families.

    signals : columns signal, estimate, low, high, in the order of `SIGNALS`
    over_prose : the signals that are compared with loss on prose -> correlation minus that of loss on prose
    styles : share of the models that had read the style of the traces -> correlation of the proxy; empty if not recorded
    models, families : that were ranked
    runs : that this is read from, for a page's footer; that of the rankings first
    """

    signals: pd.DataFrame
    over_prose: Mapping[str, Interval]
    styles: Mapping[float, Interval]
    models: int
    families: int
    runs: tuple[store.Run, ...]

    @property
    def wrong_way(self) -> bool:
        """Whether the proxy orders models the wrong way where none has read the style."""
        return 0.0 in self.styles and decide(self.styles[0.0]) is Decision.LOWER


def recorded(results: Path = ROOT / "results") -> Worth | None:
    """From the reference run; None where none, or not this part of it, is at hand."""
    run, styles = (store.recorded_run(results, stage) for stage in ("ranking", "whose_style"))
    if run is None:
        return None
    summary = run.table("summary")
    summary = summary[summary["protocol"].eq(PROTOCOL)]
    rho = summary[summary["quantity"].eq("rho")].set_index("method").loc[list(SIGNALS)].reset_index()
    minus = summary[summary["quantity"].eq(f"rho minus that of {PROSE}")]
    return Worth(
        rho.assign(signal=rho["method"].map(SIGNALS))[["signal", *tables.ENDS]],
        {SIGNALS[method]: tables.interval(minus, method=method) for method in (PROXY, RANKER)},
        {} if styles is None else _by_share(styles.table("correlations")),
        int(rho["models"].iloc[0]),
        int(rho["families"].iloc[0]),
        (run,) if styles is None else (run, styles),
    )


def _by_share(table: pd.DataFrame) -> dict[float, Interval]:
    part = table[table["proxy"].eq(IN_STYLES) & table["quantity"].eq("rho")].sort_values("share")
    return {float(share): tables.interval(part, share=share) for share in part["share"]}


def in_words(worth: Worth) -> str:
    """The decisions without a number, for where numbers would grow old."""
    proxy, ranker = (
        words.chosen(decide(gap), "better", "worse", "neither clearly better nor clearly worse")
        for gap in worth.over_prose.values()
    )
    style = " Where no model has read the style of the traces, the proxy points the wrong way." * worth.wrong_way
    fitted = "so does" if proxy == ranker else f"{ranker}:"
    return f"Against loss on prose, the proxy orders models {proxy}; {fitted} a ranker fitted on models of known scores.{style}"


def in_numbers(worth: Worth) -> str:
    """The same for a terminal or a page: correlations, and differences with their intervals."""
    show = lambda row: f"{row.signal} {words.with_interval((row.estimate, row.low, row.high))}"
    gaps = [f"{signal} {words.with_interval(gap)}" for signal, gap in worth.over_prose.items()]
    shares = {0.0: "none had", 1.0: "all had"}
    style = [f"{words.with_interval(rho)} where {shares[share]}" for share, rho in worth.styles.items() if share in shares]
    lines = [
        f"In the reference run ({worth.models} models of {worth.families} families; run {worth.runs[0].run_id}) orders "
        "correlated with accuracy like this:",
        *(f"  {show(row)}" for row in worth.signals.itertuples()),
        f"  minus loss on prose: {'; '.join(gaps)}",
    ]
    lines += [f"  the proxy by whether models had read the style of the traces: {'; '.join(style)}"] if style else []
    return "\n".join(lines)
