"""Frames of the page and of the terminal on your own models: their order, its support, what known scores say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from proxylib.data import became
from proxylib.measure import proxies
from proxylib.report import tables, words
from proxylib.studies.your_models import apart, compare, prose, worth
from proxylib.studies.your_models.compare import Comparison, Fitted
from proxylib.studies.your_models.settings import BOOTSTRAP

if TYPE_CHECKING:
    from proxylib.studies.your_models.apart import Seeds
    from proxylib.studies.your_models.rank import Ranked

NAMES = {
    compare.WINNER: "top-1, inverse frequency",
    compare.PER_TOKEN: "nats per token",
    compare.PER_BYTE: "bits per byte",
    prose.LOSS: "bits per byte of prose",
}
#: of a manifest, for a row of the table `accounts`
ACCOUNT = ("traces", "dropped", "tokens_scored", "tokens_windowed", "tokens_truncated", "boundary_moves")
LISTED = 20  # pairs
BEYOND = 1e6  # problems that nobody will write
LEAST_PROBLEMS = 10  # see `stats.cluster_weights`
FEW = f"Fewer than {LEAST_PROBLEMS} problems: the true intervals are wider than these."
CAVEAT = (
    "Support is the share of resampled problems that keep the order by the proxy. It says nothing about how well the proxy "
    "follows a benchmark."
)


def order_table(comparison: Comparison) -> pd.DataFrame:
    """A row per model, best first."""
    table = comparison.table[["rank", "model"]].copy()
    for column, name in NAMES.items():
        if column not in comparison.table:  # prose, which is not asked for
            continue
        table[name] = tables.shown(comparison.table[[column, f"{column} low", f"{column} high"]].set_axis(tables.ENDS, axis=1))
    return table


def support_table(comparison: Comparison) -> pd.DataFrame:
    """Neighbours in the order, and how many resamples of the problems keep them so."""
    order = list(comparison.table["model"])
    pairs = comparison.support.set_index(["better", "worse"])["support"]
    rows = [(a, b, f"{100 * pairs[a, b]:.0f} %") for a, b in zip(order, order[1:], strict=False)]
    return pd.DataFrame(rows, columns=["better by the proxy", "than", "support"])


def undecided_table(comparison: Comparison, seeds: Seeds | None, level: float) -> pd.DataFrame:
    """Pairs that the problems do not tell apart, those that need least first, with what would tell them; at most `LISTED`."""
    rows = comparison.pairs[~comparison.pairs["told"]].sort_values("problems", kind="stable").head(LISTED)
    gaps = rows[["gap", "low", "high"]].set_axis(tables.ENDS, axis=1)
    table = rows[["better", "worse"]].set_axis(["by the proxy better", "than, perhaps"], axis=1)
    table = table.assign(
        **{"by points": tables.shown(gaps, 100), "problems that would tell": [_many(n) for n in rows["problems"]]}
    )
    if seeds is not None:
        counts = apart.trainings(rows["gap"], seeds.deviation.estimate, level)
        table["trainings of each (a guide)"] = [_many(count) for count in counts]
    return table.reset_index(drop=True)


def _many(count: float) -> str:
    """A number to two digits, as none of them is known better."""
    return f"{float(f'{count:.2g}'):,.0f}" if count <= BEYOND else f"over {BEYOND:,.0f}"


def told_apart(comparison: Comparison, seeds: Seeds | None, level: float) -> str:
    """How many pairs are told apart, and what that does not say: a corpus is more than one model."""
    told, everything = int(comparison.pairs["told"].sum()), len(comparison.pairs)
    chance = everything * (1 - level)
    said = (
        f"{told} of {words.counted(everything, 'pair')} told apart by the proxy ({level:.0%} intervals over problems; of as "
        f"many equal pairs, about {chance:.1f} would be)."
    )
    if told < everything:
        said += (
            f" The numbers below would tell the others in {apart.POWER:.0%} of the cases, if two differ by as much as they "
            "seem to; they may differ by anything in their interval, or by nothing."
        )
    said += " Where each model is the only one of its corpus, the luck of its seed is in none of these numbers; "
    if seeds is None:
        return said + "train some of them twice."
    least = 100 * apart.least_gap(seeds.deviation.estimate, level)
    return said + (
        f"as a guide, {seeds.models} models of the lab varied between two trainings with a standard deviation of "
        f"{words.with_interval(seeds.deviation, 100)} points (run {seeds.run}), so that two of one training each would have to "
        f"differ by {least:.1f}. Yours may vary otherwise: train some of them twice."
    )


def account_table(ranked: Ranked) -> pd.DataFrame:
    """What became of every model's text; a boundary moves where prompt and solution as one text would be cut elsewhere."""
    return became.table(_texts(ranked))


def _texts(ranked: Ranked) -> Mapping[str, Mapping[str, Any]]:
    if ranked.texts:
        return ranked.texts
    rows = ranked.accounts.set_index("model").to_dict("index")  # recorded with these counts alone
    return {
        model: row
        | {"scored": row["traces"] - row["dropped"], "dropped": {"see its items": row["dropped"]} if row["dropped"] else {}}
        for model, row in rows.items()
    }


def fitted_table(fitted: Fitted) -> pd.DataFrame:
    """The order of the fitted ranker; models without a known score are forecasts."""
    known = ["forecast" if pd.isna(value) else f"{value:.3g}" for value in fitted.order["score"]]
    return fitted.order[["rank", "model"]].assign(**{"known score": known})


def errors_table(fitted: Fitted) -> pd.DataFrame:
    """Pairs with a left-out model that each signal orders wrongly, in percent."""
    signals = fitted.errors["signal"].replace(NAMES)
    return pd.DataFrame({"signal": signals, "wrong pairs, %": tables.shown(fitted.errors, 100)})


def summary(ranked: Ranked) -> str:
    """The result as text for a terminal: the frames, how many traces count, what support does not say, and what the proxy was
    worth where that is known.
    """
    comparison, fitted = ranked.comparison, ranked.fitted
    problems = f", of {comparison.problems} problems" * (comparison.problems < comparison.used)
    some = f"; {comparison.left_out} left out, of which not every model scores {proxies.LEAST_TOKENS} tokens"
    left = some if comparison.left_out else ""
    few = f"\n{FEW}" * (comparison.problems < LEAST_PROBLEMS)
    parts = [] if ranked.counts is None else [ranked.counts.summary()]
    parts += [became.printed(_texts(ranked)), f"{comparison.used} traces under every model{problems}{left}{few}"]
    parts += [order_table(comparison), support_table(comparison), CAVEAT]
    if comparison.pairs is not None:
        guide = apart.seeds()
        rest = undecided_table(comparison, guide, BOOTSTRAP.level)
        parts += [told_apart(comparison, guide, BOOTSTRAP.level), *([rest] if len(rest) else [])]
    known = worth.recorded()
    parts += [] if known is None else [worth.in_numbers(known)]
    parts += [] if fitted is None else [fitted_table(fitted), errors_table(fitted)]
    shown = [part if isinstance(part, str) else part.to_string(index=False) for part in parts]
    return "\n\n".join([*shown, str(ranked.folder)])
