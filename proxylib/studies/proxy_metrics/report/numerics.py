"""Frames of the page on numerics: errors by precision and layout, and the recorded benchmarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.report.words import significant
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


def means(precision: pd.DataFrame) -> pd.DataFrame:
    """Errors of each precision, mean over models: the index is the precision."""
    return precision.groupby("variant").mean(numeric_only=True)


def ranks(precision: pd.DataFrame) -> pd.DataFrame:
    """Percent of the tokens whose rank differs, by precision: mean over models with the smallest and the largest."""
    shares = (100 * precision["rank_changed"]).groupby(precision["variant"], sort=False).agg(["mean", "min", "max"])
    table = shares.rename(columns={"mean": "estimate", "min": "low", "max": "high"}).reset_index()
    return table.assign(kind="model")


def _range(values: pd.Series) -> str:
    mean, low, high = (significant(value, 2) for value in (values.mean(), values.min(), values.max()))
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
        {"precision": variant} | {name: _range(scale * part[column]) for column, (name, scale) in columns.items()}
        for variant, part in precision.groupby("variant", sort=False)
    ]
    return pd.DataFrame(rows)


def proxy_table(precision: pd.DataFrame) -> pd.DataFrame:
    """A row per precision: the largest error of each proxy over models, signed."""
    names = [name for name in precision.columns if name.endswith(" error")]
    largest = lambda values: f"{values.loc[values.abs().idxmax()]:+.1g}".replace("e-0", "e-") if values.any() else "0"
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
    return table.rename(columns=shown).map(lambda value: value if isinstance(value, str) else significant(value, 2))


def layout_table(layouts: pd.DataFrame) -> pd.DataFrame:
    """A row per layout, over all models."""
    rows = [
        {
            "layout": name,
            "nll, largest difference": significant(part["nll_most"].max()),
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


def memory(table: pd.DataFrame) -> pd.DataFrame:
    """Peak of the head stage by number of tokens, for the largest model: impl, tokens, peak_mib, bound_mib."""
    if table.empty:
        return table
    largest = table[(table["vocab"] * table["hidden"]) == (table["vocab"] * table["hidden"]).max()]
    kept = largest[largest["impl"].isin(["proxylib", "naive_compare", "naive_sort"]) & largest["peak_mib"].notna()]
    return kept.assign(tokens=kept["T"] * kept["batch"]).sort_values("tokens")[["impl", "tokens", "peak_mib", "bound_mib"]]
