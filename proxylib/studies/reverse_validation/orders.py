"""Does a signal order judges as the facts do? Rank correlations and areas, with two jackknives: over bases and over kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.judging.criteria import LM_JUDGE, PROMPTED
from proxylib.stats import Bootstrap, Interval
from proxylib.studies.reverse_validation.bank import EARNEST
from proxylib.studies.reverse_validation.grid import CONFIGURATION
from proxylib.studies.reverse_validation.worth import (
    CONFIGURATIONS,
    GOOD,
    NOTES,
    WITHIN,
    YARDSTICKS,
    Bench,
    area,
    by_configuration,
    falls_with,
    kappa,
    rank_correlation,
    rates,
    sheet,
    synthetic,
    tables,
)

#: kappa with another judge on all notes, for which no expert is asked -> that judge
PEERS = {"peer": LM_JUDGE, "weak peer": PROMPTED["naive"]}
SIGNALS = ("R2", "falls", *PEERS)
RANKS, AREA = "rank correlation", "area"
ALL, IN_EARNEST, ALIKE = "all judges", "in earnest", "kinds weigh alike"


class Look(NamedTuple):
    """Judges seen on some cells: a row each (`worth.sheet`, and `PEERS`), on so many configurations, and what
    labels say of them, (way, number) -> [repeats, judges].
    """

    sheet: pd.DataFrame
    configurations: int
    labels: Mapping[tuple[str, int], np.ndarray]


#: from what is seen on some cells, and [judges] which of them count, to one number
Statistic = Callable[[Look, np.ndarray], float]


class Reach(NamedTuple):
    """An estimate; the wider of two intervals, and either: over bases, over kinds of judges."""

    estimate: float
    low: float
    high: float
    low_bases: float
    high_bases: float
    low_kinds: float
    high_kinds: float


def looks(bench: Bench, loss: str, labels: Callable[[Bench], Mapping] = lambda bench: {}) -> list[Look]:
    """All cells, and those without each base in turn."""
    bases = bench.cells["base"].to_numpy()
    parts = [bench, *(bench.within(bases != base) for base in dict.fromkeys(bases))]
    with_peer = lambda part, other: kappa(np.stack([tables(codes, 0) for codes in synthetic(part, other)]))
    seen = lambda part: sheet(part, loss).assign(**{name: with_peer(part, other) for name, other in PEERS.items()})
    return [Look(seen(part), part.cells.groupby(CONFIGURATION).ngroups, labels(part)) for part in parts]


def reach(statistic: Statistic, seen: Sequence[Look], level: float, members: np.ndarray, correlation: bool = False) -> Reach:
    """A statistic with its intervals, over some of the judges."""
    kinds = seen[0].sheet["kind"].to_numpy()
    estimate = statistic(seen[0], members)
    over_bases = [statistic(look, members) for look in seen[1:]]
    over_kinds = [statistic(seen[0], members & (kinds != kind)) for kind in dict.fromkeys(kinds[members])]
    bases, by_kind = (
        stats.jackknife_interval(estimate, np.array(left), level, correlation) for left in (over_bases, over_kinds)
    )
    ends = np.array([bases[1:], by_kind[1:]])
    return Reach(float(estimate), *(float(end) for end in (ends[:, 0].min(), ends[:, 1].max())), *bases[1:], *by_kind[1:])


def ranked(signal: str, yardstick: str, alike: bool = False) -> Statistic:
    """Rank correlation over judges of a signal and a yardstick; `alike`: every kind weighs the same."""

    def value(look: Look, members: np.ndarray) -> float:
        first, second = (np.round(look.sheet[name].to_numpy(float)[members], 9) for name in (signal, yardstick))
        if not alike:
            return float(rank_correlation(first, second))
        _, place, counts = np.unique(look.sheet["kind"].to_numpy(str)[members], return_inverse=True, return_counts=True)
        return float(stats.spearman_draws(first, second, 1 / counts[place][None], undefined=0.0)[0])

    return value


def told(signal: str) -> Statistic:
    """Area under the curve of a signal for good judges."""
    return lambda look, members: float(area(look.sheet[signal].to_numpy()[members], look.sheet[NOTES][members] >= GOOD))


def orders(seen: Sequence[Look], level: float) -> pd.DataFrame:
    """How well what loss says orders judges.

    Returns
    -------
    signal (`SIGNALS`), yardstick, group, statistic (`RANKS`; `AREA` for good judges by notes alone), n (judges), and `Reach`
    """
    kinds = seen[0].sheet["kind"]
    everyone = np.ones(len(kinds), bool)
    groups = {ALL: everyone, IN_EARNEST: kinds.isin(EARNEST).to_numpy(), ALIKE: everyone}
    rows = []
    for signal in SIGNALS:
        for group, members in groups.items():
            for yardstick in YARDSTICKS:
                between = reach(ranked(signal, yardstick, group == ALIKE), seen, level, members, correlation=True)
                rows.append((signal, yardstick, group, RANKS, members.sum(), *between))
            if group != ALIKE:
                rows.append((signal, NOTES, group, AREA, members.sum(), *reach(told(signal), seen, level, members)))
    return pd.DataFrame(rows, columns=["signal", "yardstick", "group", "statistic", "n", *Reach._fields])


def given(bench: Bench, loss: str, bootstrap: Bootstrap) -> dict[str, Interval]:
    """Intervals of `ranked(signal, NOTES)` with judges and configurations fixed: what is drawn anew are the notes."""
    notes = bootstrap.over(np.arange(bench.truth.shape[1]))
    losses = by_configuration(bench.cells, bench.cells[loss].to_numpy(float))
    falls, agreed = [], []
    for scores, codes in zip(bench.scores, bench.codes, strict=True):
        scored = np.isfinite(scores)
        right, whole = (
            np.einsum("dn,cnk->dck", notes.weights, values, optimize=True)
            for values in (np.where(scored, scores, 0.0), scored.astype(float))
        )
        with np.errstate(invalid="ignore"):
            falls.append(falls_with(losses, by_configuration(bench.cells, (right / whole).mean(-1))))
        by_note = np.stack([(codes == code).sum((0, 2)) for code in range(9)], -1)
        agreed.append(kappa((notes.weights @ by_note).reshape(-1, 3, 3)))
    falls, agreed = np.stack(falls, -1), np.stack(agreed, -1)
    return {
        signal: notes.drawn(rank_correlation(values, agreed)).interval("widened")
        for signal, values in (("R2", falls**2), ("falls", falls))
    }


def shuffled(bench: Bench, loss: str, repeats: int, seed: int) -> pd.DataFrame:
    """What `ranked("R2", NOTES)` is where losses have nothing to do with the configurations.

    Returns
    -------
    scheme ("configurations", or "bases": each base takes another's losses, whole), mean, bar (upper 5 %), share as high as
    what was seen, n (shuffles)
    """
    look = sheet(bench, loss)
    seen = float(rank_correlation(look["R2"].to_numpy(), look[NOTES].to_numpy()))
    scores = by_configuration(bench.cells, rates(bench.scores))
    losses = by_configuration(bench.cells, bench.cells[loss].to_numpy(float))
    bases = bench.cells.drop_duplicates(CONFIGURATION)["base"].to_numpy()
    rng = np.random.default_rng(seed)
    schemes = {"configurations": lambda: rng.permutation(len(losses)), "bases": lambda: _by_base(bases, rng)}
    rows = []
    for scheme, order in schemes.items():
        drawn = np.stack([losses[order()] for _ in range(repeats)])
        signal = falls_with(drawn[:, None], scores[None]) ** 2
        values = rank_correlation(signal, np.broadcast_to(look[NOTES].to_numpy(), signal.shape))
        rows.append((scheme, values.mean(), np.quantile(values, 0.95), (values >= seen - 1e-9).mean(), repeats))
    return pd.DataFrame(rows, columns=["scheme", "mean", "bar", "share", "n"])


def _by_base(bases: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[configurations] places, each base's taken from one base, in their order."""
    places = [np.flatnonzero(bases == base) for base in dict.fromkeys(bases)]
    order = np.empty(len(bases), int)
    for here, there in zip(places, rng.permutation(len(places)), strict=True):
        order[here] = np.resize(places[there], len(here))
    return order


def fewer(bench: Bench, loss: str, fewest: int, repeats: int, seed: int) -> pd.DataFrame:
    """How well -r orders judges when only so many configurations were trained, one seed each.

    Returns
    -------
    size (configurations), yardstick, statistic, estimate (mean over draws), low and high (what 95 % of the draws lie between)
    """
    worth, scores = sheet(bench, loss), rates(bench.scores)
    losses = bench.cells[loss].to_numpy(float)
    groups = [part.to_numpy() for _, part in pd.Series(np.arange(len(losses))).groupby(_places(bench), sort=False)]
    rows = []
    for size in range(min(fewest, len(groups)), len(groups) + 1):
        rng = np.random.default_rng((seed, size))
        picks = np.array(
            [[rng.choice(groups[place]) for place in rng.choice(len(groups), size, replace=False)] for _ in range(repeats)]
        )
        signal = falls_with(losses[picks][:, None], np.moveaxis(scores[:, picks], 0, 1))
        rows += [(size, *row) for row in summaries(signal, worth)]
    return pd.DataFrame(rows, columns=["size", "yardstick", "statistic", "estimate", "low", "high"])


def _places(bench: Bench) -> np.ndarray:
    return bench.cells.groupby(CONFIGURATION, sort=False).ngroup().to_numpy()


def summaries(signal: np.ndarray, worth: pd.DataFrame) -> list[tuple[str, str, float, float, float]]:
    """yardstick, statistic, mean and middle 95 % over draws of how a signal [draws, judges] orders judges."""
    values = {(yardstick, RANKS): ranks(signal, worth[yardstick].to_numpy()) for yardstick in (NOTES, WITHIN, CONFIGURATIONS)}
    values[NOTES, AREA] = area(signal, worth[NOTES] >= GOOD)
    return [(*names, drawn.mean(), *np.quantile(drawn, [0.025, 0.975])) for names, drawn in values.items()]


def ranks(signal: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """[draws] rank correlation of a signal [draws, judges] with what judges are worth."""
    return rank_correlation(signal, np.broadcast_to(worth, signal.shape))
