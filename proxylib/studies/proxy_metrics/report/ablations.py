"""Frames of the page on ablations."""

from __future__ import annotations

import pandas as pd

from proxylib.measure.features import FIXED
from proxylib.report import words
from proxylib.studies.proxy_metrics.ablations import DOMAIN_PROXIES, OTHERS, OWN, OWN_MINUS_OTHERS, WINNER


def _row(found: pd.DataFrame, ablation: str, setting: str, proxy: str = WINNER) -> pd.Series | None:
    keep = (found["ablation"] == ablation) & (found["setting"] == setting) & (found["proxy"] == proxy)
    rows = found[keep & (found["quantity"] == "rho minus the default's")]
    return rows.iloc[0] if len(rows) else None


def verdict(found: pd.DataFrame) -> str:
    """The page's first sentence: what changes the fixed winner's correlation, of all that was tried."""
    gaps = found[(found["quantity"] == "rho minus the default's") & (found["proxy"] == WINNER)]
    gaps = gaps[(gaps["low"] != 0) | (gaps["high"] != 0)]  # a choice that does not enter the winner's formula is no change
    worse, better = gaps[gaps["high"] < 0], gaps[gaps["low"] > 0]
    name = lambda rows: ", ".join(f"{row.ablation}: {row.setting.removeprefix('definition: ')}" for row in rows.itertuples())
    shuffled = _row(found, "traces", "shuffled")
    show = lambda row: words.with_interval(row[["estimate", "low", "high"]])
    parts = [
        f"Of {len(gaps)} changes of one choice, {len(worse)} lower the correlation of the fixed winner with an interval below "
        f"zero{' (' + name(worse) + ')' if len(worse) else ''}, and {len(better)} raise it"
        f"{' (' + name(better) + ')' if len(better) else ''}."
    ]
    if shuffled is not None:
        parts.append(f"Traces of another problem instead of the right one change it by {show(shuffled)}.")
    return " ".join(parts)


def table(found: pd.DataFrame, ablation: str) -> pd.DataFrame:
    """One ablation for reading: the default first, then every setting's difference from it, a column per proxy."""
    base = found[(found["ablation"] == "default") & (found["quantity"] == "rho")]
    gaps = found[(found["ablation"] == ablation) & (found["quantity"] == "rho minus the default's")]
    show = lambda rows: [words.with_interval(row) for row in rows[["estimate", "low", "high"]].to_numpy()]
    columns = list(FIXED)
    first = base.assign(shown=show(base)).set_index("proxy")["shown"].reindex(columns)
    rest = gaps.assign(shown=show(gaps)).pivot(index="setting", columns="proxy", values="shown")
    rest = rest.reindex(index=gaps["setting"].drop_duplicates(), columns=columns)
    whole = pd.concat([first.to_frame("default (correlation itself)").T, rest])
    return whole.rename_axis(index="setting", columns=None).reset_index().fillna("")


def finding_traces(found: pd.DataFrame) -> str:
    """The title of the figure on kinds of traces."""
    told = {kind: _row(found, "traces", kind) for kind in ("shuffled", "wrong", "other")}
    parts = [f"{kind} {row['estimate']:+.2f}" for kind, row in told.items() if row is not None]
    return f"The named winner's correlation, minus that on the right traces: {', '.join(parts)}"


def finding_numbers(found: pd.DataFrame) -> str:
    """The title of the figure on the number of traces."""
    keep = (found["ablation"] == "number of traces") & (found["quantity"] == "rho") & (found["proxy"] == WINNER)
    rows = found[keep].assign(number=found["setting"][keep].astype(int)).sort_values("number")
    first, last = rows.iloc[0], rows.iloc[-1]
    return (
        f"The named winner reaches {first['estimate']:.2f} with {first['number']} traces per task and {last['estimate']:.2f} "
        f"with {last['number']}"
    )


def domain_matrix(found: pd.DataFrame, proxy: str) -> pd.DataFrame:
    """[traces, task] correlations of one proxy."""
    part = found[found["proxy"] == proxy]
    names = list(part["traces"].drop_duplicates())
    return part.pivot(index="traces", columns="task", values="estimate").loc[names, names]


def contrast_table(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Means over the diagonal and beside it, a row per proxy."""
    shown = contrasts.assign(shown=[words.with_interval(row) for row in contrasts[["estimate", "low", "high"]].to_numpy()])
    table = shown.pivot(index="proxy", columns="quantity", values="shown")
    return table.loc[list(DOMAIN_PROXIES), [OWN, OTHERS, OWN_MINUS_OTHERS]].rename_axis(columns=None).reset_index()


def finding_domains(contrasts: pd.DataFrame) -> str:
    """The title of the matrices: own traces against those of other tasks."""
    mean = contrasts[contrasts["proxy"] == WINNER].set_index("quantity")["estimate"]
    return (
        f"The named winner: {mean[OWN]:.2f} on the task's own traces, {mean[OTHERS]:.2f} on those of another task, in the mean"
    )
