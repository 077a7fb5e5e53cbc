"""Choosing a mixture from models of 1M parameters: do their losses, or a regression on the shares, rank what is larger?

Published runs of RegMix; fixed in the experiment log before any correlation was computed. A mixture of 1B was never trained
smaller, so a small model's own loss can be tried at 60M alone. Selection never sees the mixtures that it is tried on, but for
the oracle, which is labelled. No row of the set is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from proxylib.data.published import regmix as runs
from proxylib.data.published.regmix import TARGET, Mixtures
from proxylib.report import tables
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, spearman_draws
from proxylib.studies.data_selection.mixture_losses import (
    ACCURACY,
    RHO,
    Ranked,
    direct,
    which_domain,
    widened,
)
from proxylib.studies.data_selection.regressions import BOOSTING, LINEAR, METHODS, SHARE, forecast

OWN, ANY = "its own loss at 1M", "any"
LARGER = ("60M", "1B")
REFITS, SUBSETS = 20, 10
COUNTS = (32, 64, 128, 256)  # of the models that are fitted on, beside all
THRESHOLDS = (0.90, 0.95)

# ---- analyses --------------------------------------------------------------------------------------------------------


class Forecasts:
    """Losses on Pile-CC of mixtures that no fit has seen, forecast from their shares.

    Parameters
    ----------
    fitted : models that are fitted on
    tried : size -> models of other mixtures

    Attributes
    ----------
    whole : method -> size -> [n] forecasts of a fit on all models
    """

    def __init__(self, fitted: Mixtures, tried: Mapping[str, Mixtures]):
        self.fitted, self.tried = fitted, tried
        self.losses = fitted.losses[TARGET].to_numpy()
        self._others = pd.concat([part.shares for part in tried.values()], keys=tried)
        self.whole = {method: self.of(method, np.arange(len(self.losses))) for method in METHODS}

    def of(self, method: str, places: np.ndarray, domain: str = TARGET) -> dict[str, np.ndarray]:
        """Size -> [n] forecasts of a fit on the models at some places, for the loss on a domain."""
        losses = self.fitted.losses[domain].to_numpy()[places]
        values = forecast(method, domain, self.fitted.shares.iloc[places], losses, self._others)
        sizes = self._others.index.get_level_values(0)
        return {size: values[sizes == size] for size in self.tried}


def regressions(forecasts: Forecasts, bootstrap: Bootstrap) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How forecasts of the loss on Pile-CC from the shares rank mixtures that no fit has seen.

    Parameters
    ----------
    forecasts : for the sizes "1M" and "60M" of the same mixtures, whose own loss at 1M stands beside, and for "1B"

    Returns
    -------
    size, method, measure, estimate, low, high, low_given, high_given; and paired differences of rank correlations: size,
    method, minus, planned, and the same ends. Those given hold fixed which models were fitted on; the others do not
    """
    count, rng = len(forecasts.losses), np.random.default_rng(bootstrap.seed)
    again = [rng.integers(0, count, count) for _ in range(REFITS)]
    refitted = {method: [forecasts.of(method, places) for places in again] for method in (BOOSTING, LINEAR)}
    rows, gaps = [], []
    for size, part in forecasts.tried.items():
        ranked = Ranked(part.losses[TARGET].to_numpy(), bootstrap)
        predicted = {method: values[size] for method, values in forecasts.whole.items()}
        if size == "60M":
            predicted[OWN] = forecasts.tried["1M"].losses[TARGET].to_numpy()
        luck = {method: [ranked.once(values[size]) for values in refitted.get(method, [])] for method in predicted}
        for method, values in predicted.items():
            for measure, interval in ranked.measures(values).items():
                spread = _spread([one[measure] for one in luck[method]])
                rows.append((size, method, measure, *widened(interval, spread, bootstrap.level), *interval[1:]))
        for other in [name for name in predicted if name != BOOSTING]:
            gap = ranked.rho(predicted[BOOSTING]).minus(ranked.rho(predicted[other])).interval()
            moved = np.array([one[RHO] for one in luck[BOOSTING]])
            moved = moved - [one[RHO] for one in luck[other]] if luck[other] else moved
            gaps.append((size, BOOSTING, other, other != OWN, *widened(gap, _spread(moved), bootstrap.level), *gap[1:]))
    ends = [*tables.ENDS, "low_given", "high_given"]
    return (
        pd.DataFrame(rows, columns=["size", "method", "measure", *ends]),
        pd.DataFrame(gaps, columns=["size", "method", "minus", "planned", *ends]),
    )


def _spread(values: Sequence[float]) -> float:
    """Standard deviation; 0 of nothing."""
    return float(np.std(values, ddof=1)) if len(values) else 0.0


def by_domain(forecasts: Forecasts, bootstrap: Bootstrap) -> pd.DataFrame:
    """How boosting on the shares ranks other mixtures of larger models by the loss on each domain.

    Returns
    -------
    size, domain (of the forecast), against (the domain itself, and Pile-CC), estimate, low, high: rank correlations,
    intervals over mixtures with the fit held
    """
    rows, everything = [], np.arange(len(forecasts.losses))
    for domain in runs.VALIDATED:
        predicted = forecasts.whole[BOOSTING] if domain == TARGET else forecasts.of(BOOSTING, everything, domain)
        for size in LARGER:
            for against in dict.fromkeys([domain, TARGET]):
                ranked = Ranked(forecasts.tried[size].losses[against].to_numpy(), bootstrap)
                rows.append((size, domain, against, *ranked.rho(predicted[size]).interval("reflected")))
    return pd.DataFrame(rows, columns=["size", "domain", "against", *tables.ENDS])


def first_choice(forecasts: Forecasts, bootstrap: Bootstrap) -> pd.DataFrame:
    """Loss on Pile-CC at 1B of the mixture that each method puts first, above that of the best one, in nats a token.

    Returns
    -------
    method (and `ANY`, the mean over mixtures), estimate, low, high; in a draw, first and best are among those drawn
    """
    loss = forecasts.tried["1B"].losses[TARGET].to_numpy()
    drawn = bootstrap.over(np.arange(len(loss)))
    first = lambda values: np.where(drawn.weights > 0, values, np.inf).argmin(axis=1)
    best = loss[first(loss)]
    values = {method: loss[first(predicted["1B"])] - best for method, predicted in forecasts.whole.items()}
    values[ANY] = drawn.ratio(loss, np.ones(len(loss))) - best
    rows = [(name, *drawn.drawn(part).interval("widened")) for name, part in values.items()]
    return pd.DataFrame(rows, columns=["method", *tables.ENDS])


def curve(forecasts: Forecasts, seed: int) -> pd.DataFrame:
    """Rank correlation on Pile-CC against the number of models that are fitted on.

    Returns
    -------
    size, method, runs, estimate, low, high (mean, lowest and highest of random subsets; of all models one fit), subsets
    """
    count, rng = len(forecasts.losses), np.random.default_rng(seed)
    subsets = {some: [rng.permutation(count)[:some] for _ in range(SUBSETS)] for some in COUNTS}
    rows = []
    for method in (BOOSTING, LINEAR):
        fits = {some: [forecasts.of(method, places) for places in parts] for some, parts in subsets.items()}
        for some, parts in (fits | {count: [forecasts.whole[method]]}).items():
            for size in LARGER:
                wanted = forecasts.tried[size].losses[TARGET].to_numpy()
                ones = np.ones((1, len(wanted)))
                rho = [float(spearman_draws(values[size], wanted, ones, undefined=0.0)[0]) for values in parts]
                rows.append((size, method, some, float(np.mean(rho)), min(rho), max(rho), len(rho)))
    return pd.DataFrame(rows, columns=["size", "method", "runs", *tables.ENDS, "subsets"])


def needed(rises: pd.DataFrame) -> pd.DataFrame:
    """The smallest number of models at which a mean correlation reaches a threshold, nan where none does: size, method,
    threshold, runs.
    """
    rows = []
    for (size, method), part in rises.groupby(["size", "method"], sort=False):
        for threshold in THRESHOLDS:
            enough = part.loc[part["estimate"] >= threshold, "runs"]
            rows.append((size, method, threshold, float(enough.min()) if len(enough) else np.nan))
    return pd.DataFrame(rows, columns=["size", "method", "threshold", "runs"])


def estimates(
    own: pd.DataFrame, ranks: pd.DataFrame, gaps: pd.DataFrame, level: float, counts: Mapping[str, int]
) -> pd.DataFrame:
    """What the scoreboard reads: claim, estimate, low, high, low_given, high_given, level, n, n_unit."""
    ends = [*tables.ENDS, "low_given", "high_given"]
    gap = lambda other: dict(tables.row(gaps, size="1B", minus=other)[ends])
    direct_row = tables.row(own, domain=TARGET, measure=ACCURACY, itself=True)
    claims = {
        "regmix-rank": (dict(tables.row(ranks, size="1B", method=BOOSTING, measure=RHO)[ends]), "1B"),
        "ours-regmix-over-lines": (gap(LINEAR), "1B"),
        "ours-regmix-over-share": (gap(SHARE), "1B"),
        "ours-regmix-own-loss": (dict(direct_row[tables.ENDS]), "60M"),
    }
    rows = [{"claim": claim} | values | {"n": counts[size]} for claim, (values, size) in claims.items()]
    return pd.DataFrame(rows, columns=["claim", *ends, "n"]).assign(level=level, n_unit="mixtures")


# ---- the run ---------------------------------------------------------------------------------------------------------


def build(step: Any, workspace: Workspace) -> None:
    """Builder of the run: derived quantities only.

    Parameters
    ----------
    step : its settings are a `Bootstrap`
    workspace : receives the tables direct, domains, ranks, paired, by_domain, first_choice, curve, needed, estimates

    Raises
    ------
    UserError
        If the published set is not at hand.
    """
    bootstrap: Bootstrap = step.settings
    parts = {name: runs.mixtures(name) for name in runs.PARTS}
    fitted = parts.pop("fitted")
    forecasts = Forecasts(fitted, parts)
    own = direct(parts["1M"], parts["60M"], bootstrap)
    domains, facts = which_domain(parts["1M"], parts["60M"], bootstrap)
    ranks, gaps = regressions(forecasts, bootstrap)
    rises = curve(forecasts, bootstrap.seed)
    counts = {size: len(part.losses) for size, part in parts.items()}
    written = {
        "direct": own,
        "domains": domains,
        "ranks": ranks,
        "paired": gaps,
        "by_domain": by_domain(forecasts, bootstrap),
        "first_choice": first_choice(forecasts, bootstrap),
        "curve": rises,
        "needed": needed(rises),
        "estimates": estimates(own, ranks, gaps, bootstrap.level, counts),
    }
    for name, table in written.items():
        workspace.write_table(name, table)
    workspace.note(
        fitted=len(fitted.losses),
        **{f"mixtures_{size}": count for size, count in counts.items()},
        without={size: float((part.shares[TARGET] == 0).mean()) for size, part in parts.items()},
        domains=len(runs.VALIDATED),
        shares=len(runs.DOMAINS),
        level=bootstrap.level,
        draws=bootstrap.draws,
        refits=REFITS,
        subsets=SUBSETS,
        **facts,
    )
