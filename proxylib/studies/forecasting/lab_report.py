"""Frames of the page on forecasts in the lab."""

from __future__ import annotations

import pandas as pd

from proxylib.measure import proxies
from proxylib.report import tables, words
from proxylib.stats import Interval, decide
from proxylib.studies.forecasting.lab_claims import ALL, BEFORE, OFF, PROSE_METHOD, WINDOWS
from proxylib.studies.forecasting.lab_methods import ALONE, CHOICES, EIGHTY, LAST_SCORE
from proxylib.studies.forecasting.lab_runs import CLAIMED

HALF = 0.5  # of the error: the claim
#: series of `courses` -> how its lines are called
LINES = {"accuracy": "what came", EIGHTY: "from the chosen proxy", PROSE_METHOD: "from loss on prose"}


def of_phase(frame: pd.DataFrame, phase: str = BEFORE) -> pd.DataFrame:
    """The rows of one phase."""
    return tables.rows(frame, phase=phase)


def error(errors: pd.DataFrame, method: str, way: str, phase: str = BEFORE, times: int = CLAIMED, over: str = OFF) -> Interval:
    """One method's error, in points."""
    ends = tables.interval(errors, phase=phase, times=times, over=over, method=method, map=way)
    return Interval(*(100 * end for end in ends))


def shown_over(errors: pd.DataFrame, phase: str = BEFORE) -> str:
    """The pairs that a figure is over: those off the floor by the claim's window; all, where too few runs have any."""
    rows = tables.rows(errors, phase=phase, times=CLAIMED, over=OFF)
    return OFF if len(rows) and rows["low"].notna().all() else ALL


def error_rows(errors: pd.DataFrame, over: str, phase: str = BEFORE, times: int = CLAIMED) -> pd.DataFrame:
    """Rows of a figure: method, map ("own" or "borrowed"; what reads no signal counts as own), estimate, low, high in points.

    Maps are held in; the least error by a map of the run's own stands first.
    """
    rows = tables.rows(errors, phase=phase, times=times, over=over)
    rows = rows[rows["map"].isin(["none", "own", "borrowed"])].dropna(subset="estimate")
    rows = rows.assign(**{end: 100 * rows[end] for end in tables.ENDS}, map=rows["map"].replace("none", "own"))
    return rows.sort_values(["map", "estimate"], ascending=[False, True], kind="stable")


def contrast_table(contrasts: pd.DataFrame, phase: str = BEFORE) -> pd.DataFrame:
    """The chosen proxy beside others, a column a window; differences in points."""
    rows = of_phase(contrasts, phase)
    difference = rows["what"].str.startswith("minus")
    rows = rows.assign(**{end: rows[end].where(~difference, 100 * rows[end]) for end in tables.ENDS})
    rows = rows.rename(columns={"over": "pairs", "what": "error of the chosen proxy"})
    return tables.wide(rows, ["pairs", "map", "error of the chosen proxy"], _windows())


def answer(ratio: Interval, over: str) -> str:
    """What the figure says of half the error, in words.

    Parameters
    ----------
    ratio : error of the chosen proxy over the better one of loss and compute
    over : pairs that the figure is over: where too few are off the floor, nothing was forecast
    """
    if over == ALL:
        return "Not in these runs"
    return words.chosen(
        decide(ratio, HALF),
        "Not with half the error of loss or compute",
        "Yes, with less than half the error of loss or compute",
        "Whether with half the error of loss or compute is not decided",
    )


def pairs(errors: pd.DataFrame, phase: str = BEFORE) -> int:
    """Of run and task, whether off the floor or not."""
    row = tables.row(errors, phase=phase, times=CLAIMED, over=ALL, method=LAST_SCORE, map="none")
    return int(row["n"])


def pairs_off(errors: pd.DataFrame, phase: str = BEFORE) -> dict[int, tuple[int, int]]:
    """Window -> pairs off the floor by its end, and runs that have one."""
    rows = tables.rows(errors, phase=phase, over=OFF, method=EIGHTY, map="own").set_index("times")
    return {times: (int(rows.loc[times, "n"]), int(rows.loc[times, "runs"])) for times in WINDOWS}


def _windows() -> dict[str, dict[int, str]]:
    return {"times": {times: f"from 1/{times}" for times in WINDOWS}}


def error_table(errors: pd.DataFrame, over: str, phase: str = BEFORE) -> pd.DataFrame:
    """Error in points by method and map, one column a window."""
    rows = tables.rows(errors, phase=phase, over=over)
    rows = rows[rows["map"].isin(["none", "own", "borrowed"])]
    rows = rows.assign(**{end: 100 * rows[end] for end in tables.ENDS})
    order = [*CHOICES, *ALONE]
    rows = rows.sort_values("method", key=lambda names: names.map(order.index), kind="stable")
    return tables.wide(rows, ["method", "map"], _windows())


def clean_grid(clean: pd.DataFrame, phase: str = BEFORE) -> pd.DataFrame:
    """[10 statistics, 8 weightings] share of each proxy's series that follow a power law; empty where nothing was tested."""
    share = of_phase(clean, phase).set_index("proxy")["clean"]
    if share.empty:
        return pd.DataFrame()
    cells = {s: [share[proxies.name(s, w)] for w in proxies.WEIGHTINGS] for s in proxies.STATISTICS}
    return pd.DataFrame(cells, index=list(proxies.WEIGHTINGS)).T


def mostly_clean(clean: pd.DataFrame, phase: str = BEFORE) -> int:
    """Of how many of the eighty more than half of the series follow a power law."""
    return int((of_phase(clean, phase)["clean"] > 0.5).sum())


def course_lines(courses: pd.DataFrame, which: str, phase: str = BEFORE) -> pd.DataFrame:
    """One pair's lines: share, series (of `LINES`' names), value in percent, window, run, task."""
    rows = tables.rows(courses, phase=phase, which=which)
    return rows.assign(series=rows["series"].map(LINES), value=100 * rows["value"])


def level_table(levels: pd.DataFrame, phase: str = BEFORE) -> pd.DataFrame:
    """Per task: how many runs are off the floor at each difficulty that counts, early and at the end."""
    rows = of_phase(levels, phase)
    rows = rows[rows["counts"]]
    counts = rows.groupby(["task", "level"], sort=False)[["off_early", "off_late"]].sum().reset_index()
    result = []
    for task, part in counts.groupby("task", sort=False):
        shown = {
            name: ", ".join(f"{level}: {n}" for level, n in zip(part["level"], part[name], strict=True))
            for name in part.columns[2:]
        }
        result.append({"task": task, "by an eighteenth": shown["off_early"], "at the end": shown["off_late"]})
    return pd.DataFrame(result)


def levels_off(levels: pd.DataFrame, phase: str = BEFORE) -> tuple[int, int]:
    """Difficulties that count and are off the floor by the end of the window in half of the runs or more; of how many."""
    rows = of_phase(levels, phase)
    share = rows[rows["counts"]].groupby(["task", "level"])["off_early"].mean()
    return int((share >= 0.5).sum()), len(share)


def first_table(moved: pd.DataFrame, phase: str = BEFORE) -> pd.DataFrame:
    """When signals have moved, in percent of the run: accuracy, losses, named proxies, and the first five of the eighty."""
    rows = of_phase(moved, phase).sort_values("estimate", kind="stable")
    named = [
        "accuracy",
        "prose_nll",
        "bits_per_byte",
        *(name for signals in CHOICES.values() if len(signals) == 1 for name in signals),
    ]
    first = rows[rows["signal"].isin(proxies.NAMES)].head(5)["signal"]
    shown = rows[rows["signal"].isin({*named, *first})]
    labels = [name.replace("|", ", ").replace("_", " ") for name in shown["signal"]]
    return pd.DataFrame(
        {"signal": labels, "% of the run": [words.with_interval(ends, 100) for ends in shown[tables.ENDS].to_numpy()]}
    )
