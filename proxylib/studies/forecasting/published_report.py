"""Frames of the page on forecasts: what its figures draw and its tables show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.report import scoreboard, tables, words
from proxylib.stats import Decision
from proxylib.studies.forecasting.cases import LATER
from proxylib.studies.forecasting.choose import MEAN
from proxylib.studies.forecasting.defaults import DEFAULT
from proxylib.studies.forecasting.methods import PERSISTENCE
from proxylib.studies.forecasting.summaries import COMPUTE, OF_PROSE, OF_TASK

CHOICE = "our choice"
#: method -> what figures and tables call it
LABELS = {
    PERSISTENCE: "last score",
    COMPUTE: "its own curve",
    OF_PROSE: "loss on prose",
    OF_TASK: "loss of the answer",
    CHOICE: CHOICE,
}
SETS = {False: "looked at before", True: "fresh"}  # whether intervals and the default were settled before a set was forecast
OTHERS = {
    MEAN: "weighted mean",
    DEFAULT: "damped trend",
    "single step in compute": "single step",
    "single step in N and D": "single step in size and tokens",
}
LAST = (PERSISTENCE, CHOICE, MEAN, DEFAULT)  # what is said where nothing can be fitted
#: row of the stage's estimates -> claim on the board
LADDER, LADDER_OTHERS = "forecast-ladder-four", "forecast-ladder-others"


def lines(summary: pd.DataFrame, data: str, kind: str) -> pd.DataFrame:
    """Errors of one set by horizon, a line per method of `LABELS`.

    Returns
    -------
    pd.DataFrame
        method, horizon, estimate, low, high
    """
    rows = tables.rows(summary, data=data, kind=kind)
    fitted = rows["known"].isin(rows.loc[~rows["method"].isin(LAST), "known"])  # else the last score is all there is
    return tables.labelled(rows[fitted], "method", LABELS)


def panel_title(summary: pd.DataFrame, data: str, kind: str) -> str:
    """What a panel of `lines` is of: `Gemstones, later in the run (22 runs; runs drawn)`."""
    first = tables.rows(summary, data=data, kind=kind).iloc[0]
    return f"{data}, {kind} ({words.counted(int(first['runs']), 'run')}; {first['unit']} drawn)"


def misses(ladder: pd.DataFrame, gadre: pd.DataFrame) -> dict[str, float]:
    """How far known answers are off, in points: the ladder's two groups of tasks, and the mean of Gadre's."""
    groups = ladder["error"].abs().groupby(ladder["group"])
    said = {"most of four": float(groups.max()["within two points"]), "mean of others": float(groups.mean()["others"])}
    return said | {"mean of tasks": float(gadre["error"].abs().mean()), "by the last score": float(gadre["last"].abs().mean())}


def reported() -> dict[str, float]:
    """What sources report, by row of the stage's estimates."""
    return scoreboard.reported("published_forecasts")


def ladder_table(ladder: pd.DataFrame) -> pd.DataFrame:
    """How far the ladder's forecasts are off, in points, and how far its paper says they are."""
    said = reported()
    paper = {"within two points": f"below {said[LADDER]:g}", "others": f"{said[LADDER_OTHERS]:g} (mean of four)"}
    return pd.DataFrame(
        {
            "task": ladder["task"],
            "error (points)": ladder["error"].map("{:+.1f}".format),
            "error in the paper (points)": ladder["group"].map(paper),
        }
    )


def case_of(row: object) -> str:
    """A case in words: `Gemstones, from 1/4 of the run`."""
    return f"{row.data}, from {row.known} of the run" if row.kind == LATER else f"{row.data}, {row.known}"


def errors_table(summary: pd.DataFrame) -> pd.DataFrame:
    """A row per case, a column per method of `LABELS`: mean absolute error with its interval, in points."""
    rows = tables.labelled(summary, "method", LABELS)
    order = summary.drop_duplicates(["data", "kind", "known"])
    rows = rows.assign(case=[case_of(row) for row in rows.itertuples()])
    rows["case"] = pd.Categorical(rows["case"], [case_of(row) for row in order.itertuples()], ordered=True)
    rows = rows.sort_values("case", kind="stable").assign(case=lambda frame: frame["case"].astype(str))
    wide = tables.wide(rows, ["case"], {"method": {name: name for name in LABELS.values()}})
    return wide.rename(columns={name: f"{name} (points)" for name in LABELS.values()})


def best_table(summary: pd.DataFrame, most: int = 3) -> pd.DataFrame:
    """The methods that erred least in each case, chosen after looking, beside the last score; fits that failed."""
    rows = []
    for _, part in summary.groupby(["data", "kind", "known"], sort=False):
        case, ordered = next(part.itertuples()), part[part["method"].ne(CHOICE)].sort_values("estimate", kind="stable")
        least = [f"{row.method} {row.estimate:.1f}" for row in ordered.head(most).itertuples()]
        last = float(part.loc[part["method"] == PERSISTENCE, "estimate"].iloc[0])
        failed, asked = int(part["failed"].sum()), int(part["forecasts"].sum())
        rows.append(
            {
                "case": case_of(case),
                "times ahead": f"{case.horizon:.3g}",
                "least error (points)": "; ".join(least),
                "last score (points)": f"{last:.1f}",
                "fits that failed": f"{failed} of {asked}",
            }
        )
    return pd.DataFrame(rows)


def advice_table(differences: pd.DataFrame) -> pd.DataFrame:
    """A row per case: which ways are shown to err less than the last score, which more."""
    rows = differences[differences["baseline"] == PERSISTENCE]
    names = LABELS | OTHERS
    lines = []
    for _, part in rows.groupby(["data", "kind", "known"], sort=False):
        said = {
            decision: words.listed(names[row.method] for row in part.itertuples() if row.decision == str(decision))
            for decision in Decision
        }
        lines.append(
            {
                "case": case_of(next(part.itertuples())) + " (tuning)" * bool(part["tuning"].iloc[0]),
                "times ahead": f"{part['horizon'].iloc[0]:.3g}",
                "better than the last score": said[Decision.LOWER],
                "worse": said[Decision.HIGHER],
                "drawn": f"{part['drawn'].iloc[0]} {part['unit'].iloc[0]}",
            }
        )
    return pd.DataFrame(lines)


def coverage_table(frame: pd.DataFrame, beside: pd.DataFrame) -> pd.DataFrame:
    """Coverage by horizon, in percent, with the width of intervals; beside it split conformal's of the same forecasts."""
    both = frame.merge(beside, on=["fresh", "reach"], how="left", suffixes=("", "_beside"), validate="1:1")
    width = lambda values: ["" if np.isnan(value) else words.rounded(value, value / 10) for value in values]
    runs = both[["of_runs", "runs_low", "runs_high"]].to_numpy()
    return pd.DataFrame(
        {
            "sets": both["fresh"].map(SETS),
            "times ahead": both["reach"],
            "intervals": both["intervals"],
            "held (%)": _shares(both[tables.ENDS].to_numpy()),
            "by runs (%)": _shares(runs),
            "median width (points)": width(both["width"]),
            "split conformal held (%)": _shares(both[[f"{name}_beside" for name in tables.ENDS]].to_numpy()),
            "its width (points)": width(both["width_beside"]),
            "without an interval": both["without"],
        }
    )


def widths_table(widths: pd.DataFrame) -> pd.DataFrame:
    """Ours minus split conformal's, by horizon: width, and interval score, in points."""
    said = widths.assign(difference=[words.with_interval(ends) for ends in widths[tables.ENDS].to_numpy()])
    wide = said.pivot(index=["fresh", "reach"], columns="measure", values="difference")
    order = said.drop_duplicates(["fresh", "reach"])
    wide = wide.loc[list(zip(order["fresh"], order["reach"], strict=True))].reset_index()
    return pd.DataFrame(
        {
            "sets": wide["fresh"].map(SETS),
            "times ahead": wide["reach"],
            "width (points)": wide["width"],
            "interval score (points)": wide["score"],
            "forecasts": order["forecasts"].to_numpy(),
            "runs drawn": order["drawn"].to_numpy(),
        }
    )


def _shares(ends: np.ndarray) -> list[str]:
    """In percent; nothing where there is no interval."""
    return ["" if np.isnan(row).any() else words.whole_percent(np.clip(row, 0, 1)) for row in ends]


def held(frame: pd.DataFrame, level: float) -> str:
    """In words, whether intervals of a level hold too often or too rarely, by horizon."""
    frame = frame[frame["intervals"] > 0]
    said = {Decision.HIGHER: "are too wide", Decision.LOWER: "are too narrow", Decision.UNDECIDED: "are not shown to be off"}
    groups = {
        word: frame.loc[[one is decision for one in tables.decided(frame, level)], "reach"] for decision, word in said.items()
    }
    return words.listed(f"{word} at {words.listed(reach)}" for word, reach in groups.items() if len(reach))


def methods_table(methods: pd.DataFrame, most: int = 8) -> pd.DataFrame:
    """How wrong methods were when a history's own past was asked, the least wrong first."""
    rows = methods.head(most)
    ends = rows[["error", "low", "high"]].to_numpy(float)
    return pd.DataFrame({"method": rows["method"], "error in the past (points)": [words.with_interval(end) for end in ends]})


def forecasts_table(shown) -> pd.DataFrame:
    """The recommended forecasts of a history, in percent; what came beside them, where it did."""
    rows = shown.forecasts[shown.forecasts["chosen"]]
    table = pd.DataFrame(
        {
            "task": rows["task"],
            "now (%)": rows["last"].map(words.percent),
            "forecast (%)": [words.with_interval(ends, 100) for ends in rows[tables.ENDS].to_numpy()],
        }
    )
    return table.assign(**{"came (%)": rows["task"].map(shown.came).map(words.percent)}) if shown.came else table
