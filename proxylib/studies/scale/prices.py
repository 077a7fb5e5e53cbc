"""Operations, memory, hours and dollars of the post's grid, by arithmetic; and the same arithmetic on published runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from proxylib.errors import UserError
from proxylib.models import arithmetic
from proxylib.models.arithmetic import Shape
from proxylib.studies.scale.settings import Grid, Scale

SHAPES, THROUGHPUTS = (Path(__file__).with_name(name) for name in ("shapes.csv", "throughputs.csv"))
CORNERS = {"cheapest": ("low", "high", "low"), "central": ("central",) * 3, "dearest": ("high", "low", "high")}
YES = "yes"


def shapes() -> dict[str, Shape]:
    """Model -> shape, as released configs have it."""
    table = pd.read_csv(SHAPES)
    return {row.model: _shape(row, tied=row.tied == YES, experts=row.experts, active=row.active) for row in table.itertuples()}


def _shape(row, **more: object) -> Shape:
    return Shape(row.layers, row.hidden, row.intermediate, row.heads, row.groups, row.head, row.vocabulary, **more)


def cells(grid: Grid, scale: Scale) -> pd.DataFrame:
    """A row per cell of the grid, its whole, and the claim's own run, under each corner of the stated inputs.

    Returns
    -------
    cell, base, examples, corner, parameters, tokens (of all epochs), operations, hours (of GPUs), dollars, bytes (of one GPU
    in a pass of `device_batch` texts, each as long as the corner's example), fits (whether one GPU holds that)

    Notes
    -----
    Corners are no interval: all inputs at their cheap or at their dear end at once. Text shorter than its batch's longest is
    padded, which costs and is not counted.
    """
    known = shapes()
    rows = []
    for corner, (tokens, utilisation, dollars) in CORNERS.items():
        length = getattr(scale.tokens, tokens)
        pairs = [(base, count) for base in grid.bases for count in grid.examples] + [(scale.largest, scale.most)]
        for base, count in pairs:
            if base not in known:
                raise UserError(f"{SHAPES}: no shape of {base}; add a line of its config")
            shape = known[base]
            total = count * grid.epochs * length
            work = arithmetic.operations(shape, total, int(length), grid.rank, grid.recompute)
            hours = scale.start + arithmetic.hours(work, scale.peak, getattr(scale.utilisation, utilisation))
            need = arithmetic.fixed_bytes(shape, grid.rank)
            need += grid.device_batch * arithmetic.text_bytes(shape, int(length), grid.recompute)
            values = {"parameters": shape.parameters, "tokens": total, "operations": work, "hours": hours}
            values |= {"dollars": hours * getattr(scale.dollars, dollars), "bytes": need, "fits": need <= scale.memory}
            rows.append(
                {"cell": f"{base.split('/')[-1]}, {count:,}", "base": base, "examples": count, "corner": corner} | values
            )
    return pd.DataFrame(rows)


def totals(frame: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """corner, hours, dollars, operations: of the whole grid."""
    return (
        frame[frame["base"].isin(grid.bases)]
        .groupby("corner", sort=False)[["hours", "dollars", "operations"]]
        .sum()
        .reset_index()
    )


def checks() -> pd.DataFrame:
    """Published LoRA runs beside the arithmetic.

    Returns
    -------
    model, gpu, length, source, parameters, reached (operations a second of one GPU), utilisation (share of its peak), bytes
    (by arithmetic) and reported (bytes, nan where none are)

    Notes
    -----
    A utilisation within what GPUs reach, and alike from size to size, says that the operations are counted about right; one
    above one would say that they are not.
    """
    table = pd.read_csv(THROUGHPUTS)
    rows = []
    for row in table.itertuples():
        shape, again = _shape(row), row.recompute == YES
        reached = arithmetic.operations(shape, row.tokens, row.length, row.rank, again) / row.seconds
        need = arithmetic.fixed_bytes(shape, row.rank) + arithmetic.text_bytes(shape, row.length, again)
        values = {"parameters": shape.parameters, "reached": reached, "utilisation": reached / (1e12 * row.peak)}
        values |= {"bytes": need, "reported": 1e9 * row.gigabytes}
        rows.append({"model": row.model, "gpu": row.gpu, "length": row.length, "source": row.source} | values)
    return pd.DataFrame(rows)
