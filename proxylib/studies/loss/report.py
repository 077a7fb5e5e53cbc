"""Frames that the pages on loss show, and what their fits decide; the sentences stand in the notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.judging.criteria import GRADED, LENIENT, LM_JUDGE, STRICT
from proxylib.report import words
from proxylib.report.tables import ENDS, interval, labelled, rows, wide
from proxylib.stats import Decision, Interval, decide
from proxylib.studies.loss.cell_draws import PROXY
from proxylib.studies.loss.loss_fits import in_schedule
from proxylib.studies.loss.size_control import RICHEST
from proxylib.studies.loss.stages import REPORTED

#: judge -> what a sentence calls it; the lenient rubric is a calibration check
JUDGES = {STRICT: "the strict rubric", LM_JUDGE: "the LM judge"}
#: what loss is compared with: the graded score before the judges that only pass or fail
SCORES = {GRADED: "the graded score"} | JUDGES
BY_SCORE = {"judge": {score: score for score in SCORES}}
#: score -> what its axis says
UNITS = {GRADED: "graded score, 0 to 100"} | dict.fromkeys(JUDGES, "pass rate, %")
SCHEDULES = {"epochs": "epochs fixed", "steps": "steps fixed"}
#: how the post's sizes and numbers of examples are named, smallest first: its grid is five by three, and so is ours
SIZES = ("smallest", "second smallest", "middle", "second largest", "largest")
EXAMPLES = ("fewest", "middle", "most")
HELD = {
    "size + data": "log size and log examples",
    "base + data": "a level per base, and log examples",
    "base + data + interaction": "the same, and log size × log examples (decides)",
}
SEEDS_ALONE = "the configuration: its seeds alone differ"
SIGNALS = {
    "final_loss": "final training loss",
    "first_pass_loss": "training loss of the first pass",
    "held_out_loss": "held-out loss",
    PROXY: "proxy (top-1, inverse frequency) over the experts' notes",
}


def reported(*quantities: str) -> pd.DataFrame:
    """What sources report: quantity, base, examples, voters, value, n, unit, source; texts, with the digits given."""
    table = pd.read_csv(REPORTED, dtype=str, keep_default_na=False)
    return table[table["quantity"].isin(quantities)]


def of_judges(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the two judges."""
    return frame[frame["judge"].isin(list(JUDGES))]


def of_scores(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the graded score and of the two judges, in this order."""
    return labelled(frame, "judge", BY_SCORE["judge"])


def two_intervals(fits: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """The fits over all configurations with the interval that decides, and with the one that holds the bases fixed."""
    whole = of_scores(rows(fits, schedule=schedule, group="all"))
    fixed = whole.assign(low=whole["low_given"], high=whole["high_given"], over="notes and seeds")
    names = {"spearman": "rank correlation", "R2": "R2", "slope": "slope, points per 0.1 nats"}
    both = labelled(pd.concat([whole.assign(over="bases too"), fixed]), "statistic", names)
    return wide(both, ["statistic", "over"], BY_SCORE)


def steps_up(points: pd.DataFrame) -> np.ndarray:
    """Of every step to the next larger number of examples, whether the rate of its base rises."""
    ordered = points.sort_values("examples").groupby("base", sort=False)["rate"]
    return np.concatenate([np.diff(rates) > 0 for _, rates in ordered])


def beside_post(fits: pd.DataFrame, schedule: str, numbers: Sequence[int]) -> pd.DataFrame:
    """Our fits where the post reports one; `numbers` of examples, fewest first, have the post's places where they are as many.

    Returns
    -------
    group, statistic, voters (the post's judge), value (the post's, a text), judge, estimate, low, high (ours), reported, from
    and to (Fisher's interval, as if the post's configurations were a sample; nan for a slope), decision (ours against the
    reported value)
    """
    post = reported("R2", "r", "slope").rename(columns={"quantity": "statistic"})
    ends = [_as_sample(row.statistic, float(row.value), int(row.n)) for row in post.itertuples()]
    post = post.assign(reported=post["value"].astype(float), **dict(zip(("from", "to"), zip(*ends, strict=True), strict=True)))
    post["group"] = post["examples"].map({"all": "all"} | _places(EXAMPLES, map(str, numbers)))
    ours = of_scores(rows(fits, schedule=schedule))[["group", "statistic", "judge", *ENDS]]
    table = post.merge(ours, on=["group", "statistic"])
    return table.assign(decision=[decide(row[ENDS], row["reported"]) for _, row in table.iterrows()])


def _places(names: Sequence[str], values: Iterable) -> dict[str, object]:
    """The post's names of places along an axis of its grid, where ours has as many."""
    values = list(values)
    return dict(zip(names, values, strict=True)) if len(values) == len(names) else {}


def _as_sample(statistic: str, value: float, n: int) -> tuple[float, float]:
    if statistic == "slope":
        return np.nan, np.nan
    _, low, high = stats.fisher_interval(value if statistic == "r" else np.sqrt(value), n)
    return (low, high) if statistic == "r" else (max(low, 0) ** 2, high**2)


def post_table(beside: pd.DataFrame) -> pd.DataFrame:
    """The post's numbers beside ours, from `beside_post`."""
    sample = ["" if np.isnan(row["from"]) else f"[{row['from']:.2f}, {row['to']:.2f}]" for _, row in beside.iterrows()]
    named = labelled(beside.assign(sample=sample), "statistic", {"R2": "R2", "r": "r", "slope": "slope, points per 0.1 nats"})
    heads = {"group": "examples", "voters": "the post's judge", "value": "the post", "sample": "as a sample"}
    return wide(named, ["group", "statistic", "voters", "value", "sample"], BY_SCORE).rename(columns=heads)


def curves_table(points: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """The post's points along size and data beside ours at the same places of the grid: rates in percent, losses in nats."""
    table = rows(points, schedule=schedule).rename(columns={"rate": "estimate"})
    for column, names, order in (("base", SIZES, "parameters"), ("examples", EXAMPLES, "examples")):
        places = {value: name for name, value in _places(names, table.sort_values(order)[column].unique()).items()}
        table[column] = table[column].map(places).astype(object)
    place = ["base", "examples"]
    losses = reported("final training loss")[[*place, "value"]].rename(columns={"value": "the post's loss"})
    post = reported("pass rate").merge(losses, on=place, how="left").fillna("")
    beside = post.merge(table, on=place).assign(loss=lambda both: both["final_loss"].map("{:.3f}".format))
    heads = {"voters": "the post's judge", "value": "the post, %", "loss": "our loss"}
    return wide(beside, [*place, "voters", "value", "the post's loss", "loss"], BY_SCORE).rename(columns=heads)


def beyond(partials: pd.DataFrame, schedule: str, form: str) -> dict[str, Decision]:
    """Score -> how it stands at higher loss, with size and data known in the richest design that was fitted.

    Lower where lower loss goes with a higher score. Decided where the partial correlation has an interval without zero and a
    size that the luck of so few configurations seldom gives; undecided else, and where nothing was fitted.
    """
    table = rows(partials, schedule=schedule, statistic="partial r", design=RICHEST, form=form)
    fitted = {row["judge"]: row for _, row in table.iterrows()}
    decisions = {}
    for score, name in SCORES.items():
        row = fitted.get(score)
        lucky = row is None or not abs(row["estimate"]) > row["critical"]
        decisions[name] = Decision.UNDECIDED if lucky else decide(row[[*ENDS]])
    return decisions


def by_decision(decisions: Mapping[str, Decision]) -> dict[Decision, list[str]]:
    """Decision -> the scores that it was taken of; only those that were taken."""
    return {kind: names for kind in Decision if (names := [name for name, taken in decisions.items() if taken is kind])}


def partial_table(control: pd.DataFrame, apart: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """Correlation of loss and each score with more and more held fixed, at last the configuration itself."""
    held = labelled(rows(control, schedule=schedule, statistic="partial r"), "design", HELD)
    seeds = rows(apart, schedule=schedule).assign(design=SEEDS_ALONE, form="loss")
    return _beside_luck(pd.concat([held, seeds]), ["design", "form"]).rename(columns={"design": "held fixed"})


def _beside_luck(partials: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    """A column per score, after the size that unrelated variables reach one time in twenty."""
    luck = [f"{value:.2f}" for value in partials["critical"]]
    return wide(partials.assign(**{"luck, ±": luck}), [*index, "luck, ±"], BY_SCORE)


def for_all(comparisons: pd.DataFrame) -> Decision:
    """What a row per score decides where graded score and judges agree, else undecided."""
    decisions = {decide(interval(comparisons, judge=score)) for score in SCORES}
    return decisions.pop() if len(decisions) == 1 else Decision.UNDECIDED


def control_table(control: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """Left-out errors of the designs, and what loss adds to size and data."""
    left_out = {name: f"one {name}" for name in ("configuration", "size")}
    rows_of_schedule = labelled(rows(control, schedule=schedule), "validation", left_out)
    errors = {"error": "error, points", "error difference": "minus size + data"}
    table = wide(rows_of_schedule, ["validation", "design"], BY_SCORE | {"statistic": errors})
    return table.rename(columns={"validation": "left out", "design": "known"})


def bent(fits: pd.DataFrame, schedule: str) -> list[str]:
    """Scores for which a parabola over all configurations is no line."""
    curvature = rows(fits, schedule=schedule, group="all", statistic="curvature")
    return [name for judge, name in SCORES.items() if decide(interval(curvature, judge=judge)) is not Decision.UNDECIDED]


def signals_table(signals: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """Which signal predicts best, and what it adds to size and data in the richest design."""
    table = labelled(rows(signals, schedule=schedule), "signal", SIGNALS)
    table = table[table["design"].isna() | (table["design"] == RICHEST)]
    columns = {"strength": "correlation", "minus final loss": "minus final loss", "partial r": "given size and data"}
    return wide(table, ["signal"], BY_SCORE | {"statistic": columns})


def signals_apart(signals: pd.DataFrame, schedule: str, decision: Decision) -> list[str]:
    """Signals that predict every score better (`HIGHER`) or worse (`LOWER`) than the final training loss."""
    gaps = rows(signals, schedule=schedule, statistic="minus final loss")
    return [label for signal, label in SIGNALS.items() if for_all(rows(gaps, signal=signal)) is decision]


def inversion_table(inversions: pd.DataFrame, luck: pd.DataFrame, noise: pd.DataFrame) -> pd.DataFrame:
    """How often more data looks worse, what luck alone gives, and how noisy a cell is."""
    table = []
    for (schedule, judge), pairs in of_scores(inversions).groupby(["schedule", "judge"], sort=False):
        chance, spread = (rows(frame, schedule=schedule, judge=judge) for frame in (luck, noise))
        row = {"schedule": SCHEDULES[schedule], "judge": judge}
        row["inverted"] = f"{int(pairs['inverted'].sum())} of {len(pairs)} pairs"
        row["lower by score alone"] = int((pairs["score_drop"] > 0).sum())
        for share in chance.itertuples():  # one row, none without several seeds
            row["share, %"] = words.with_interval((share.observed, share.low, share.high), 100)
            row["by luck, means as found, %"] = words.percent(share.as_found)
            row["by luck, no effect of data, %"] = words.percent(share.no_effect)
        if len(spread):
            row["SD over seeds, points"] = _spread(spread["rate"], 1)
            row["SD over seeds, nats"] = _spread(spread["final_loss"], 3)
        table.append(row)
    return pd.DataFrame(table).fillna(words.MISSING)


def _spread(values: pd.Series, digits: int) -> str:
    """Root mean square of standard deviations, and their range."""
    return f"{np.sqrt((values**2).mean()):.{digits}f} ({words.span(values, digits)})"


def frontier_table(frontier: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """The configuration of lowest loss under each budget beside the best one, judge by judge."""
    table = labelled(rows(frontier, schedule=schedule), "judge", BY_SCORE["judge"])
    rate = "{:.1f}".format
    regrets = table[["regret", "low", "high"]].to_numpy(float).round(1) + 0.0  # no minus zero
    return pd.DataFrame(
        {
            "judge": table["judge"],
            "budget, 10⁶ parameters × examples": (table["budget"] / 1e6).map(rate),
            "lowest loss": table["chosen"],
            "its rate, %": table["chosen_rate"].map(rate),
            "best": table["best"] + " (" + table["best_rate"].map(rate) + ")",
            "regret, points": list(map(words.with_interval, regrets)),
        }
    )


def dearest(frontier: pd.DataFrame) -> Interval:
    """The largest regret of all budgets, points; nothing where there are none.

    Notes
    -----
    The largest of several is large by luck in part; whether its interval holds zero says whether any of them counts.
    """
    if frontier.empty:
        return Interval(0.0, 0.0, 0.0)
    return Interval(*frontier.loc[frontier["regret"].idxmax(), ["regret", "low", "high"]])


def seen(curves: pd.DataFrame, cells: pd.DataFrame, batch: int, smooth: int = 10) -> pd.DataFrame:
    """Loss curves of the given cells against examples seen, each a running mean over `smooth` steps."""
    parts = []
    for row in cells.sort_values("parameters").itertuples():
        curve = rows(curves, cell=row.cell).sort_values("step")
        running = curve["loss"].rolling(smooth, min_periods=1).mean()
        parts.append(pd.DataFrame({"base": row.base, "seen": curve["step"] * batch, "loss": running}))
    return pd.concat(parts, ignore_index=True)


def line_of(fits: pd.DataFrame, **keys: object) -> tuple[float, float]:
    """Intercept and slope (per nat) of a fitted line."""
    return interval(fits, **keys, statistic="intercept").estimate, 10 * interval(fits, **keys, statistic="slope").estimate


def seeds(cells: pd.DataFrame, schedule: str) -> pd.Series:
    """Number of seeds of each configuration of a schedule."""
    return in_schedule(cells, schedule).groupby(["base", "examples"])["seed"].nunique()


def cell_table(cells: pd.DataFrame) -> pd.DataFrame:
    """A row per cell."""
    order = cells.sort_values(["parameters", "examples", "schedule", "seed"])
    table = order[["base", "examples", "schedule", "seed", "steps", "truncated", "cut"]].copy()
    for column, name in (("final_loss", "final loss"), ("first_pass_loss", "first pass"), ("held_out_loss", "held out")):
        table[name] = ["diverged" if pd.isna(value) else f"{value:.3f}" for value in order[column]]
    for judge in (GRADED, STRICT, LENIENT, LM_JUDGE, "unscored"):
        table[judge] = ["" if pd.isna(value) else f"{value:.1f}" for value in order[judge]]
    return table


def samples(written: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The first note of the smallest and of the largest base with most examples: base, examples, dialogue, note."""
    table = rows(cells[~cells["diverged"]], schedule="epochs")
    table = table[table["examples"] == table["examples"].max()].sort_values(["parameters", "seed"]).iloc[[0, -1]]
    first = written.drop_duplicates("cell")[["cell", "dialogue", "note"]]
    return table[["cell", "base", "examples"]].merge(first, on="cell")
