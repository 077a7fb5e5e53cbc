"""Losses of published runs: how often alarms speak, how often an aggregate hides a domain, what upsampling does to the others.

Of the published data nothing enters a run but shares, counts and fitted effects.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from proxylib.data.published import gadre, olmo_ladder, regmix
from proxylib.data.published.regmix import DOMAINS, VALIDATED, Mixtures
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Interval, mean_interval, proportion_interval
from proxylib.studies.validation.hidden import looked_at, over_pairs

MOVED = 0.1  # share of the mix that a domain gains, the others paying in proportion
LADDER, SEVEN_B = "ladder", "7B"


def build(step: Any, workspace: Workspace) -> None:
    """Builder of the run.

    Parameters
    ----------
    step : its settings are a `Bootstrap`
    workspace : receives `runs` (see `hidden.looked_at`, with data), `pairs` (of models and of mixtures), `effects` (of
        upsampling), `summary` and `estimates`

    Raises
    ------
    UserError
        If a published set is not at hand.
    """
    bootstrap: Bootstrap = step.settings
    rows = [{"data": data} | looked_at(name, wide, bootstrap.seed) for data, name, wide in histories()]
    runs, told, moved = pd.DataFrame(rows), pairs(bootstrap.level), effects(bootstrap.level)
    tables = {
        "runs": runs,
        "pairs": told,
        "effects": moved,
        "summary": summary(runs, bootstrap.level),
        "estimates": estimates(runs, told, moved, bootstrap.level),
    }
    for name, table in tables.items():
        workspace.write_table(name, table)
    workspace.note(level=bootstrap.level, checkpoints=int(runs["checkpoints"].sum()))


def histories() -> list[tuple[str, str, pd.DataFrame]]:
    """Data, run, and its losses on eleven sets: a row a checkpoint, in tokens; checkpoints that lack one are left out."""
    parts = []
    for data, frame in ((LADDER, olmo_ladder.ladder(reruns=True)), (SEVEN_B, olmo_ladder.seven_b())):
        names = [f"loss_{short}" for short in olmo_ladder.DOMAINS.values()]
        once = frame[frame["task"] == frame["task"].iloc[0]]
        for run, part in once.groupby("run", sort=False):
            wide = part.set_index("tokens")[names].dropna()
            parts.append((data, str(run), wide[wide.index > 0].rename(columns=lambda name: name.removeprefix("loss_"))))
    return parts


def pairs(level: float) -> pd.DataFrame:
    """Pairs of models, or of mixtures at one size, in which the better one on average is worse on some set.

    Returns
    -------
    data, kind, sets, which (see `hidden.over_pairs`), estimate, low, high (over models), n (models)
    """
    rows = []
    models = gadre.gadre().drop_duplicates("run").dropna(subset=list(gadre.LOSSES.values()))
    given = {("gadre", "104 models"): models[list(gadre.LOSSES.values())].to_numpy(float)}
    given |= {("regmix", part): regmix.mixtures(part).losses.to_numpy(float) for part in ("1M", "60M", "1B")}
    for (data, kind), losses in given.items():
        for which in ("any", "mean"):
            rows.append((data, kind, losses.shape[1], which, *over_pairs(losses, level, which), len(losses)))
    return pd.DataFrame(rows, columns=["data", "kind", "sets", "which", "estimate", "low", "high", "n"])


def effects(level: float) -> pd.DataFrame:
    """What moving `MOVED` of the mix to one domain does to every loss, at the mean mixture.

    Returns
    -------
    size, gains (the domain), loss (the set), estimate, low, high (percent of the loss), p (Benjamini and Hochberg over all of
    one size), own (whether the set is the domain's)

    Notes
    -----
    Logarithms of losses, fitted by least squares on the shares (a mixture model without intercept), standard errors robust to
    unequal spread. Losses bend in shares; the effect is that of the line through all mixtures, most of which are far from even.
    """
    from statsmodels.stats.multitest import multipletests

    parts = []
    for size, given in (("1M", _joined("fitted", "1M")), ("60M", regmix.mixtures("60M")), ("1B", regmix.mixtures("1B"))):
        rows = pd.DataFrame([row for row in _moved(given, level)], columns=["gains", "loss", "estimate", "low", "high", "p"])
        rows.insert(0, "size", size)
        parts.append(rows.assign(p=multipletests(rows["p"], method="fdr_bh")[1], own=rows["gains"] == rows["loss"]))
    return pd.concat(parts, ignore_index=True)


def _joined(*names: str) -> Mixtures:
    several = [regmix.mixtures(name) for name in names]
    return Mixtures(*(pd.concat(frames, ignore_index=True) for frames in zip(*several, strict=True)))


def _moved(given: Mixtures, level: float):
    """(gains, loss, estimate, low, high in percent, p) of every pair of domains with a loss."""
    import statsmodels.api as sm

    shares, mean = given.shares.to_numpy(float), given.shares.to_numpy(float).mean(axis=0)
    contrasts = np.array([_contrast(mean, DOMAINS.index(name)) for name in VALIDATED])
    for loss in VALIDATED:
        fit = sm.OLS(np.log(given.losses[loss].to_numpy(float)), shares).fit(cov_type="HC3")
        test = fit.t_test(contrasts)
        for gains, effect, (low, high), p in zip(
            VALIDATED, test.effect, test.conf_int(alpha=1 - level), test.pvalue, strict=True
        ):
            yield gains, loss, *(100 * np.expm1(value) for value in (effect, low, high)), float(p)


def _contrast(mean: np.ndarray, place: int) -> np.ndarray:
    """Change of the shares when one domain gains `MOVED` and the others pay in proportion to their mean shares."""
    change = -MOVED * mean / (1 - mean[place])
    change[place] = MOVED
    return change


def summary(runs: pd.DataFrame, level: float) -> pd.DataFrame:
    """By data, shares of runs that set off each alarm, and means: what, data, estimate, low, high, n."""
    rows = []
    for data, part in runs.groupby("data", sort=False):
        counts = {
            "turned": int(part["turned"].sum()),
            "naive": int(part["naive"].sum()),
            "paying": int((part["paying"] != "").sum()),
            "stalled": int((part["stalled"] != "").sum()),
        }
        rows += [(what, data, *proportion_interval(number, len(part), level), len(part)) for what, number in counts.items()]
        rows += [(what, data, *_mean(part[what], level), len(part)) for what in ("share", "null", "up")]
        rows.append(("excess", data, *_mean(part["share"] - part["null"], level), len(part)))
        per_hundred = 100 * counts["turned"] / part["checkpoints"].sum()
        rows.append(("turned a hundred checkpoints", data, per_hundred, np.nan, np.nan, len(part)))
    return pd.DataFrame(rows, columns=["what", "data", "estimate", "low", "high", "n"])


def _mean(values: pd.Series, level: float) -> Interval:
    return mean_interval(values, level)


def estimates(runs: pd.DataFrame, told: pd.DataFrame, moved: pd.DataFrame, level: float) -> pd.DataFrame:
    """Rows of the scoreboard; intervals over runs, sizes of which share their data order, or over domains that gain."""
    ladder = runs[runs["data"] == LADDER]
    size = ladder["run"].str.split("-").str[0]
    by_size = (ladder["share"] - ladder["null"]).groupby(size).mean()
    crossed = moved[(moved["size"] == "1M") & ~moved["own"]].groupby("gains")["estimate"].mean()
    own = moved[(moved["size"] == "1M") & moved["own"]]["estimate"]
    rows = [
        ("ours-aggregate-hides-published", *mean_interval(by_size, level), len(by_size), "sizes"),
        ("ours-upsampling-costs", *mean_interval(crossed, level), len(crossed), "domains that gain"),
        ("upsampling gains", *mean_interval(own, level), len(own), "domains that gain"),
    ]
    mixtures = told[(told["data"] == "regmix") & (told["kind"] == "60M") & (told["which"] == "any")].iloc[0]
    rows.append(("ours-better-mixture-worse-domain", *mixtures[["estimate", "low", "high"]], int(mixtures["n"]), "mixtures"))
    return pd.DataFrame(rows, columns=["claim", "estimate", "low", "high", "n", "n_unit"]).assign(level=level)
