"""The stage: judges spoilt in known ways, what loss says of them, and what labels say instead."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.data import domains
from proxylib.runs.store import Workspace
from proxylib.studies.reverse_validation import grid, labels, orders, worth
from proxylib.studies.reverse_validation.bank import NOISE, Judge, bank, flipped
from proxylib.studies.reverse_validation.orders import AREA, RANKS, Look
from proxylib.studies.reverse_validation.settings import ReverseSettings
from proxylib.studies.reverse_validation.worth import CONFIGURATIONS, GOOD, NOTES, POOR, WITHIN, Bench

LOSSES = ("final_loss", "held_out_loss")
EQUAL, NEAR = 0.2, 0.05  # share turned round by judges of equal quality; difference in kappa of two that are as good
CLAIMED, OURS = "loss-reverse-validation", "ours-labels-or-loss"
LABELLED = 50  # that the claim of ours is about; without it, the nearest number
FRIEND, OUTCAST, AS_IT_IS = "false friend", "thrown away", ""


def build(step, workspace: Workspace) -> None:
    """All tables of the study.

    Parameters
    ----------
    step : a declared `reverse_validation` step
    workspace : receives `judges` (a row per judge: `worth.sheet` and `fooled`), `orders`, `shuffles`, `equal`, `pairs`,
        `sizes` (source, size, yardstick, statistic, mean, what 95 % of the draws lie between), `differences` (labels, or
        another judge, minus loss), `errors` of kappa by labels, `followers`, and `estimates`
    """
    settings: ReverseSettings = step.settings
    whole, level = grid.read(step), settings.bootstrap.level
    plan = settings.reverse_validation
    found: dict[str, list[pd.DataFrame]] = {"judges": [], "orders": []}
    for schedule in settings.schedules:
        part = whole.within(grid.in_schedule(whole.cells, schedule))
        bench = worth.bench(part, bank(part, plan.seed))
        for loss in LOSSES:
            primary = schedule == settings.schedules[0] and loss == LOSSES[0]
            seen = orders.looks(bench, loss, (lambda some: labels.spent(some, plan)) if primary else lambda some: {})
            keys = {"schedule": schedule, "loss": loss}
            found["judges"].append(fooled(seen[0], level).assign(**keys))
            found["orders"].append(orders.orders(seen, level).assign(**keys))
            if primary:
                rest = _of_primary(bench, part, seen, settings, found["orders"][0])
                rest["estimates"] = domains.named(rest["estimates"], step.parents["verdicts"].settings.domain)
                workspace.note(judges=len(bench.judges), configurations=seen[0].configurations, cells=len(bench.cells))
    for name, frames in found.items():
        workspace.write_table(name, pd.concat(frames, ignore_index=True))
    for name, frame in rest.items():
        workspace.write_table(name, frame)


def _of_primary(
    bench: Bench, part: grid.Grid, seen: list[Look], settings: ReverseSettings, ordered: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """The tables that are made of one schedule and one loss alone."""
    plan, level, loss = settings.reverse_validation, settings.bootstrap.level, LOSSES[0]
    shuffles = orders.shuffled(bench, loss, plan.shuffles, plan.seed)
    differences = _differences(seen, level)
    return {
        "shuffles": shuffles,
        "equal": equal(part, plan.equal, plan.seed),
        "pairs": pairs(seen[0].sheet),
        "sizes": pd.concat(
            [orders.fewer(bench, loss, plan.fewest, plan.repeats, plan.seed).assign(source="loss"), _by_labels(seen[0])],
            ignore_index=True,
        ),
        "differences": differences,
        "errors": _errors(seen[0]),
        "followers": followers(seen, level),
        "estimates": _estimates(ordered, orders.given(bench, loss, settings.bootstrap)["R2"], shuffles, differences, level),
    }


def fooled(look: Look, level: float) -> pd.DataFrame:
    """The sheet with a column fooled: judges that loss takes for good and that are not, and good ones that it throws away.

    A false friend has a kappa below `POOR` and falls with loss at least as the median good judge does; an outcast has one of
    `GOOD` or more and a correlation that unrelated pairs reach one time in twenty.
    """
    sheet = look.sheet
    good = sheet[NOTES] >= GOOD
    bar = sheet.loc[good, "falls"].median()  # nan where no judge is good: none is then a friend
    friends = (sheet[NOTES] < POOR) & (sheet["falls"] >= bar)
    outcasts = good & ~_follows(look, level)
    return sheet.assign(fooled=np.select([friends, outcasts], [FRIEND, OUTCAST], AS_IT_IS))


def equal(part: grid.Grid, count: int, seed: int) -> pd.DataFrame:
    """Judges that differ in nothing but the draw of their noise.

    Returns
    -------
    one row: n, kappa and falls (means) with kappa_sd, falls_sd, falls_low and falls_high (least, greatest), ranks (rank
    correlation of R2 with kappa)
    """
    judges = [Judge(str(number), NOISE, flipped(part.truth, EQUAL, seed, 8, number)) for number in range(count)]
    sheet = worth.sheet(worth.bench(part, judges), LOSSES[0])
    falls, kappas = sheet["falls"], sheet[NOTES]
    row = (count, kappas.mean(), kappas.std(), falls.mean(), falls.std(), falls.min(), falls.max())
    ranks = float(worth.rank_correlation(sheet["R2"].to_numpy(), kappas.to_numpy()))
    columns = ["n", "kappa", "kappa_sd", "falls", "falls_sd", "falls_low", "falls_high", "ranks"]
    return pd.DataFrame([(*row, ranks)], columns=columns)


def pairs(sheet: pd.DataFrame) -> pd.DataFrame:
    """Two judges as good as each other (kappas less than `NEAR` apart), widest gap in r first: judge, other, kappas, falls."""
    rows = [
        (a["judge"], b["judge"], a[NOTES], b[NOTES], a["falls"], b["falls"])
        for a, b in combinations(sheet.to_dict("records"), 2)
        if abs(a[NOTES] - b[NOTES]) < NEAR
    ]
    table = pd.DataFrame(rows, columns=["judge", "other", "kappa", "other_kappa", "falls", "other_falls"])
    gaps = (table["falls"] - table["other_falls"]).abs()
    return table.loc[gaps.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def followers(seen: list[Look], level: float) -> pd.DataFrame:
    """Are judges that follow loss good, and those that do not bad?

    Returns
    -------
    which ("follow", "do not", "difference"), good, n (judges), and `Reach` of the share that is good. A judge follows loss if
    its scores fall with it by more than unrelated pairs do one time in twenty
    """
    whole = seen[0]
    everyone, follow = np.ones(len(whole.sheet), bool), _follows(whole, level)
    good = whole.sheet[NOTES].to_numpy() >= GOOD
    rows = [
        (which, int((good & members).sum()), int(members.sum()), *orders.reach(_share(wanted, level), seen, level, everyone))
        for which, wanted, members in (("follow", True, follow), ("do not", False, ~follow))
    ]

    def gap(look: Look, members: np.ndarray) -> float:
        return _share(True, level)(look, members) - _share(False, level)(look, members)

    rows.append(("difference", int(good.sum()), len(good), *orders.reach(gap, seen, level, everyone)))
    return pd.DataFrame(rows, columns=["which", "good", "n", *orders.Reach._fields])


def _follows(look: Look, level: float) -> np.ndarray:
    return look.sheet["falls"].to_numpy() > stats.critical_r(look.configurations - 2, level)


def _share(wanted: bool, level: float) -> orders.Statistic:
    def value(look: Look, members: np.ndarray) -> float:
        members = members & (_follows(look, level) == wanted)
        return float((look.sheet[NOTES][members] >= GOOD).mean())

    return value


def _by_labels(look: Look) -> pd.DataFrame:
    rows = [
        (f"labels, {way}", size, *row)
        for (way, size), kappas in look.labels.items()
        for row in orders.summaries(kappas, look.sheet)
    ]
    return pd.DataFrame(rows, columns=["source", "size", "yardstick", "statistic", "estimate", "low", "high"])


def _differences(seen: list[Look], level: float) -> pd.DataFrame:
    """How much better labels, or another judge (size 0), order judges than loss on the whole grid does.

    Returns
    -------
    way (of `labels.WAYS` or `orders.PEERS`), size (labels), yardstick, statistic, and `Reach`
    """
    everyone = np.ones(len(seen[0].sheet), bool)
    rows = []
    for way, size in seen[0].labels:
        for yardstick in (NOTES, WITHIN, CONFIGURATIONS):
            rows.append((way, size, yardstick, RANKS, *orders.reach(_gain(way, size, yardstick), seen, level, everyone)))
        rows.append((way, size, NOTES, AREA, *orders.reach(_area_gain(way, size), seen, level, everyone)))
    for peer in orders.PEERS:
        for yardstick in (NOTES, WITHIN, CONFIGURATIONS):
            rows.append((peer, 0, yardstick, RANKS, *orders.reach(_peer_gain(peer, yardstick), seen, level, everyone)))
    return pd.DataFrame(rows, columns=["way", "size", "yardstick", "statistic", *orders.Reach._fields])


def _gain(way: str, size: int, yardstick: str) -> orders.Statistic:
    by_loss = orders.ranked("falls", yardstick)

    def value(look: Look, members: np.ndarray) -> float:
        by_labels = orders.ranks(look.labels[way, size][:, members], look.sheet[yardstick].to_numpy()[members]).mean()
        return float(by_labels - by_loss(look, members))

    return value


def _peer_gain(peer: str, yardstick: str) -> orders.Statistic:
    by_peer, by_loss = (orders.ranked(signal, yardstick) for signal in (peer, "falls"))
    return lambda look, members: by_peer(look, members) - by_loss(look, members)


def _area_gain(way: str, size: int) -> orders.Statistic:
    by_loss = orders.told("falls")

    def value(look: Look, members: np.ndarray) -> float:
        good = look.sheet[NOTES].to_numpy()[members] >= GOOD
        return float(worth.area(look.labels[way, size][:, members], good).mean() - by_loss(look, members))

    return value


def _errors(look: Look) -> pd.DataFrame:
    """way, size, error (mean size of what kappa by so many labels is off by), most (what 95 % of all draws stay within)."""
    rows = []
    for (way, size), kappas in look.labels.items():
        off = np.abs(kappas - look.sheet[NOTES].to_numpy())
        rows.append((way, size, off.mean(), np.quantile(off, 0.95)))
    return pd.DataFrame(rows, columns=["way", "size", "error", "most"])


def _estimates(
    ordered: pd.DataFrame, given: stats.Interval, shuffles: pd.DataFrame, differences: pd.DataFrame, level: float
) -> pd.DataFrame:
    keys = {"signal": "R2", "yardstick": NOTES, "group": orders.ALL, "statistic": RANKS}
    claimed = _row(ordered, **keys)
    size = min(differences["size"], key=lambda size: abs(size - LABELLED))
    gain = _row(differences, way=labels.RANDOM, size=size, yardstick=NOTES, statistic=RANKS)
    null = float(_row(shuffles, scheme="configurations")["mean"])
    rows = [
        {"claim": CLAIMED, **_ends(claimed), "low_given": given.low, "high_given": given.high, "null": null},
        {"claim": OURS, **_ends(gain), "low_given": np.nan, "high_given": np.nan, "null": 0.0},
    ]
    return pd.DataFrame(rows).assign(level=level, n=int(claimed["n"]), n_unit="judges")


def _row(frame: pd.DataFrame, **keys: object) -> pd.Series:
    """The one row with these values."""
    for column, value in keys.items():
        frame = frame[frame[column] == value]
    (row,) = frame.to_dict("records")
    return pd.Series(row)


def _ends(row: pd.Series) -> dict[str, float]:
    return {name: float(row[name]) for name in ("estimate", "low", "high")}
