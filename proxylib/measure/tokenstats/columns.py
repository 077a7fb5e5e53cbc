"""What is computed per scored token: the one list that every implementation, table and page reads."""

from __future__ import annotations

from typing import NamedTuple

from proxylib.errors import UserError


class Column(NamedTuple):
    """One statistic of the next-token distribution p with logits z, at the expert's token t."""

    dtype: str  # as stored
    unit: str
    meaning: str


#: name -> column, in the order of the tables. What stands after `p_max` is optional and free: the chunk is in cache already.
COLUMNS = {
    "nll": Column("float32", "nats", "-log p(t)"),
    "entropy": Column("float32", "nats", "-sum p log p, in [0, log V]"),
    "n_greater": Column("int32", "entries", "entries whose logit exceeds that of t"),
    "n_equal": Column("int32", "entries", "entries whose logit equals that of t, t included"),
    "p_max": Column("float32", "probability", "largest p"),
    "varentropy": Column("float32", "nats^2", "variance of -log p under p"),
    "sum_p2": Column("float32", "probability", "sum p^2: the chance that two draws agree"),
    "mass_above": Column("float32", "probability", "sum of p over the entries that exceed t"),
}
#: Everything the eighty proxies need.
STATISTICS = ("nll", "entropy", "n_greater", "n_equal", "p_max")
#: Columns of a most-likely list of k entries: ids and logits, most likely first.
TOP_IDS, TOP_LOGITS = "top_ids", "top_logits"
MOST_TOP = 64  # a longer list costs more than the statistics and belongs into a file of logits


def chosen(names: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """The named columns in the order of `COLUMNS`, the five that proxies need always among them."""
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise UserError(f"column {unknown[0]}: not known; columns are {', '.join(COLUMNS)}")
    return tuple(name for name in COLUMNS if name in STATISTICS or name in names)
