"""What the page on exactness and cost says: tables and sentences from the numerics run and the recorded benchmarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.runs.config import ROOT

FLOAT32, WORST = "float32", "bfloat16 model, bfloat16 logits"
IMPLEMENTATIONS = {
    "floor": "floor: trunk and product",
    "proxylib": "proxylib, one compiled pass a chunk",
    "proxylib_eager": "proxylib, without a compiler",
    "naive_compare": "all logits, compare",
    "naive_sort": "all logits, sort",
    "lm_eval": "lm_eval, one statistic",
}


def verdict(precision: pd.DataFrame, layouts: pd.DataFrame) -> str:
    """The page's first sentences; they turn with the numbers."""
    mean = precision.groupby("variant").mean(numeric_only=True)
    most = layouts["nll_most"].max()
    again = layouts[layouts["layout"] == "the same again"]["same_bits"].all()
    return (
        f"In float32 {_percent(mean.loc[FLOAT32, 'rank_changed'])} of the ranks differ from float64 and losses by "
        f"{_small(mean.loc[FLOAT32, 'nll_mean'])} nats in the mean; with a model and logits in bfloat16, "
        f"{_percent(mean.loc[WORST, 'rank_changed'])} of the ranks and {_small(mean.loc[WORST, 'nll_mean'])} nats. Another "
        f"layout of batches moves a loss by at most {_small(most)} nats; the same call twice gives "
        f"{'the same bits' if again else 'other bits'}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _small(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}g}".replace("e-0", "e-")


def _range(values: pd.Series, scale: float = 1.0) -> str:
    mean, low, high = (_small(scale * value, 2) for value in (values.mean(), values.min(), values.max()))
    return f"{mean} [{low}, {high}]"


def precision_table(precision: pd.DataFrame) -> pd.DataFrame:
    """A row per precision: errors of nll, and shares of tokens whose rank, tie or top-1 is another."""
    columns = {
        "nll_mean": ("nll, nats", 1),
        "nll_p99": ("nll, 99th percentile", 1),
        "rank_changed": ("rank differs, %", 100),
        "tied": ("tied, %", 100),
        "top1_changed": ("top-1 differs, %", 100),
    }
    rows = [
        {"precision": variant} | {name: _range(part[column], scale) for column, (name, scale) in columns.items()}
        for variant, part in precision.groupby("variant", sort=False)
    ]
    return pd.DataFrame(rows)


def proxy_table(precision: pd.DataFrame) -> pd.DataFrame:
    """A row per precision: the largest error of each proxy over models, signed."""
    names = [name for name in precision.columns if name.endswith(" error")]
    largest = lambda values: f"{values.loc[values.abs().idxmax()]:+.1g}".replace("e-0", "e-") if values.abs().max() > 0 else "0"
    rows = [
        {"precision": variant} | {name.removesuffix(" error"): largest(part[name].reset_index(drop=True)) for name in names}
        for variant, part in precision.groupby("variant", sort=False)
    ]
    return pd.DataFrame(rows)


def real_table(real: pd.DataFrame) -> pd.DataFrame:
    """Rounded for reading."""
    shown = {
        "tied": "targets tied, %",
        "tied_with": "other entries tied with a target",
        "rank_error": "rank error, median",
        "nll_mean": "nll error, nats",
    }
    table = real.assign(tied=100 * real["tied"])[["logits", *shown]]
    return table.rename(columns=shown).map(lambda value: value if isinstance(value, str) else _small(value, 2))


def layout_table(layouts: pd.DataFrame) -> pd.DataFrame:
    """A row per layout, over all models."""
    rows = [
        {
            "layout": name,
            "nll, largest difference": _small(part["nll_most"].max()),
            "rank differs, %": f"{100 * part['rank_changed'].max():.2g}",
            "same bits": "yes" if part["same_bits"].all() else "no",
        }
        for name, part in layouts.groupby("layout", sort=False)
    ]
    return pd.DataFrame(rows)


def timings(folder: Path = ROOT / "benchmarks") -> pd.DataFrame:
    """The recorded benchmarks of all machines; empty where there are none."""
    frames = [
        pd.read_csv(path).assign(machine=path.stem.removeprefix("tokenstats_"))
        for path in sorted(folder.glob("tokenstats_*.csv"))
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def timing_table(table: pd.DataFrame) -> pd.DataFrame:
    """A row per implementation and case: seconds and the ratio to the floor, medians of paired turns."""
    rows = []
    for (model, length, batch), part in table.groupby(["model", "T", "batch"], sort=False):
        for name, shown in IMPLEMENTATIONS.items():
            for row in part[part["impl"] == name].itertuples():
                rows.append(
                    {
                        "model": model,
                        "tokens": f"{batch} x {length}" if batch > 1 else f"{length}",
                        "implementation": shown,
                        "seconds": f"{row.median_s:.3g} [{row.p20:.3g}, {row.p80:.3g}]",
                        "of the floor": f"{row.ratio_to_floor:.2f}",
                        "head stage, MiB": "" if np.isnan(row.peak_mib) else f"{row.peak_mib:,.0f}",
                    }
                )
    return pd.DataFrame(rows)


def caption(table: pd.DataFrame) -> str:
    """What was timed, where."""
    first = table.iloc[0]
    return (
        f"{first['machine']}, {first['threads']} threads, {first['dtype']}; median and 20th to 80th percentile of "
        f"{table['repeats'].min()} to {table['repeats'].max()} repeats in turns; {first['versions']}."
    )


def memory(table: pd.DataFrame) -> pd.DataFrame:
    """Peak of the head stage by number of tokens, for the largest model: impl, tokens, peak_mib, bound_mib."""
    if table.empty:
        return table
    largest = table[(table["vocab"] * table["hidden"]) == (table["vocab"] * table["hidden"]).max()]
    kept = largest[largest["impl"].isin(["proxylib", "naive_compare", "naive_sort"]) & largest["peak_mib"].notna()]
    return kept.assign(tokens=kept["T"] * kept["batch"]).sort_values("tokens")[["impl", "tokens", "peak_mib", "bound_mib"]]


def finding_memory(table: pd.DataFrame) -> str:
    """The figure's title."""
    last = memory(table)
    own = last[last["impl"] == "proxylib"]
    sizes = " and ".join(
        f"{row.peak_mib:,.0f} MiB at {row.tokens:,} tokens" for row in own.iloc[[0, -1][: len(own)]].itertuples()
    )
    return f"The head stage holds {sizes}"
