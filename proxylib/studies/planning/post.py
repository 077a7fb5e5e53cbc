"""The post's own grid as candidates, as far as its numbers are published."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from proxylib.studies.planning import candidates as reading
from proxylib.studies.planning import decide, relation, report
from proxylib.studies.planning.settings import Plan

SIZES = ("smallest", "second smallest", "middle", "second largest", "largest")
EXAMPLES = ("fewest", "middle", "most")
RATE, LOSS = "pass rate", "final training loss"


def candidates(reported: Path, sizes: Sequence[float], examples: Sequence[int], judge: str) -> pd.DataFrame:
    """A row per configuration, with what is published of it.

    Parameters
    ----------
    reported : the table of reported values: quantity, base, examples, voters, value
    sizes, examples : of the grid, smallest first
    judge : whose pass rates

    Returns
    -------
    name, size (parameters), data (examples), loss (nats), score (percent), judge; nan where nothing is published
    """
    said = pd.read_csv(reported, dtype={"base": str, "examples": str})
    rows = []
    for base, size in zip(SIZES, sizes, strict=True):
        for amount, count in zip(EXAMPLES, examples, strict=True):
            at = said[(said["base"] == base) & (said["examples"] == amount)]
            value = lambda quantity, rows: next(iter(rows.loc[rows["quantity"] == quantity, "value"]), float("nan"))
            score = value(RATE, at[at["voters"] == judge])
            about = {"name": f"{size / 1e9:g}B, {count:,} examples", "size": size, "data": count}
            rows.append(about | {"loss": value(LOSS, at), "score": score, "judge": judge})
    return pd.DataFrame(rows)


def said(frame: pd.DataFrame) -> list[str]:
    """What `proxylib plan` says of such a table, notes first."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "post.csv"
        frame.to_csv(table, index=False)
        given = Plan(table=table, out=table.with_name("out"), percent=True)
        known = reading.load(given)
    return [*known.notes, *relation.warnings(known), *report.sentences(known, decide.reckon(known, given), given)]
