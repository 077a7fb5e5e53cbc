"""Frames of the page on forecasts: what its figures draw and its tables show."""

from __future__ import annotations

import pandas as pd

from proxylib.report import scoreboard, tables, words
from proxylib.stats import Decision
from proxylib.studies.forecasting.cases import LATER
from proxylib.studies.forecasting.choose import MEAN
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
LAST = (PERSISTENCE, CHOICE, MEAN)  # what is said where nothing can be fitted
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
    fitted = rows.groupby("known")["method"].transform("nunique") > len(LAST)  # else the last score is all there is
    return tables.labelled(rows[fitted], "method", LABELS)


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
    names = LABELS | {MEAN: "weighted mean"}
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


def unasked(differences: pd.DataFrame, coverage: pd.DataFrame) -> int:
    """Report cases in which our choice is shown to err more than a curve, and equals the last score throughout."""
    case = ["data", "kind", "known"]
    mine = differences[(differences["method"] == CHOICE) & ~differences["tuning"]]
    same = mine[(mine["baseline"] == PERSISTENCE) & (mine["low"] == 0) & (mine["high"] == 0)]
    behind = mine[(mine["baseline"] == COMPUTE) & (mine["decision"] == str(Decision.HIGHER))]
    empty = coverage[coverage["intervals"] == 0]
    return len(behind[case].merge(same[case]).merge(empty[case]))


def coverage_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Coverage by horizon, in percent, with the width of intervals."""
    return pd.DataFrame(
        {
            "times ahead": frame["reach"],
            "intervals": frame["intervals"],
            "held (%)": [words.whole_percent(ends) for ends in frame[tables.ENDS].to_numpy()],
            "median width (points)": frame["width"].map(lambda width: words.rounded(width, width / 10)),
            "without an interval": frame["without"],
        }
    )


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
