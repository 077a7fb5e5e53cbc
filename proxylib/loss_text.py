"""What the pages on loss as an evaluation say: tables and sentences from the fits over the scribe grid."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import stats
from .judging.criteria import LENIENT, LM_JUDGE, STRICT
from .lossfit import CONTROLS, PROXY, in_schedule

JUDGES = (STRICT, LM_JUDGE)  # the lenient rubric is a calibration check
SCHEDULES = {"epochs": "epochs fixed", "steps": "steps fixed"}
#: what the post reports: statistic -> (value, where)
POST = {
    ("all", "R2"): 0.739,
    ("all", "r"): -0.86,
    ("all", "slope"): 18.5,
    ("fewest", "R2"): 0.904,
    ("middle", "R2"): 0.930,
    ("most", "R2"): 0.978,
}
COST_NAMES = ("fewest", "middle", "most")


def picked(frame: pd.DataFrame, **keys: object) -> pd.DataFrame:
    """The rows with these values."""
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    return frame


def one(frame: pd.DataFrame, **keys: object) -> tuple[float, float, float]:
    """Estimate and interval of the one row with these values; nan where there is none."""
    found = picked(frame, **keys)
    if found.empty:
        return (np.nan, np.nan, np.nan)
    return tuple(found[["estimate", "low", "high"]].iloc[0])


def shown(values: tuple[float, float, float], scale: float = 1.0) -> str:
    """Estimate with interval, or a dash where it is not defined."""
    return "–" if not np.isfinite(values[0]) else stats.with_interval(values, scale)


def verdict(fits: pd.DataFrame, control: pd.DataFrame, apart: pd.DataFrame, schedule: str) -> str:
    """The page's first sentences: what loss adds comes first.

    Loss adds something where its partial correlation, given a level per base and log examples, has the right sign, an interval
    without zero, and a size that the luck of so few configurations seldom gives.
    """
    told = {judge: _partial(control, schedule, judge, "base + data") for judge in JUDGES}
    adds = [judge for judge, row in told.items() if row is not None and row["high"] < 0 and -row["estimate"] > row["critical"]]
    r2 = {judge: shown(one(fits, schedule=schedule, judge=judge, group="all", statistic="R2")) for judge in JUDGES}
    given = "Given a level per base and a line in log examples,"
    if len(adds) == len(JUDGES):
        first = f"{given} loss still says something about both judges' pass rates"
    elif adds:
        first = f"{given} loss still says something about the {adds[0]}, and nothing that could be shown about the other judge"
    else:
        first = f"{given} loss adds nothing that these configurations could show"
    partial = "; ".join(f"{judge} {_partial_shown(row)}" for judge, row in told.items())
    seeds = [(judge, picked(apart, schedule=schedule, judge=judge)) for judge in JUDGES]
    between = "; ".join(f"{judge} {_partial_shown(rows.iloc[0])}" for judge, rows in seeds if len(rows))
    told_seeds = f" Between seeds of one configuration, which alone conditions on all of both: r {between}." if between else ""
    return (
        f"{first} (partial r: {partial}).{told_seeds} Alone it explains R2 {r2[STRICT]} of the strict rubric's pass rate and "
        f"{r2[LM_JUDGE]} of the LM judge's."
    )


def _partial(control: pd.DataFrame, schedule: str, judge: str, given: str) -> pd.Series | None:
    found = picked(control, schedule=schedule, judge=judge, design=given, statistic="partial r")
    return None if found.empty else found.iloc[0]


def _partial_shown(row: pd.Series | None) -> str:
    if row is None:
        return "–"
    return f"{shown((row['estimate'], row['low'], row['high']))}, by luck within ±{row['critical']:.2f}"


def partial_table(control: pd.DataFrame, apart: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """Correlation of loss and pass rate with more and more held fixed."""
    rows = []
    for given, name in (("size + data", "log size and log examples"), ("base + data", "a level per base, and log examples")):
        row = {"held fixed": name}
        rows.append(row | {judge: _partial_shown(_partial(control, schedule, judge, given)) for judge in JUDGES})
    own = picked(apart, schedule=schedule)
    if not own.empty:
        row = {"held fixed": "the configuration: its seeds alone differ"}
        for judge in JUDGES:
            found = picked(own, judge=judge)
            row[judge] = _partial_shown(None if found.empty else found.iloc[0])
        rows.append(row)
    return pd.DataFrame(rows)


def post_table(fits: pd.DataFrame, schedule: str, numbers: list[int]) -> pd.DataFrame:
    """The post's numbers beside ours, for both judges; `numbers` of examples, fewest first."""
    names = dict(zip(COST_NAMES, map(str, sorted(numbers)), strict=False)) | {"all": "all"}
    rows = []
    for (where, statistic), reported in POST.items():
        if where not in names or picked(fits, schedule=schedule, group=names[where]).empty:
            continue
        label = "all configurations" if where == "all" else f"{names[where]} examples"
        unit = {"slope": "slope, points per 0.1 nats lower", "R2": "R2", "r": "r"}[statistic]
        row = {"group": label, "statistic": unit, "post": f"{reported:g}"}
        for judge in JUDGES:
            values = one(fits, schedule=schedule, judge=judge, group=names[where], statistic=statistic)
            if statistic == "slope":
                values = (-values[0], -values[2], -values[1])
            row[judge] = shown(values)
        rows.append(row)
    return pd.DataFrame(rows)


def single_sentence(single: pd.DataFrame, schedule: str) -> str:
    """R2 of the lines through single runs, as the post has them."""
    own = picked(single, schedule=schedule, statistic="R2")
    if own["seed"].nunique() < 2:
        return ""
    parts = [f"{judge} {', '.join(f'{value:.2f}' for value in picked(own, judge=judge)['estimate'])}" for judge in JUDGES]
    return (
        f"Every point is a mean over {own['seed'].nunique()} seeds; the post has one run a point. With one seed everywhere R2 "
        f"is, seed by seed: {'; '.join(parts)}."
    )


def layer_of(cells: pd.DataFrame, points: pd.DataFrame, schedule: str, profile: str) -> str:
    """What a figure's numbers come from: profile, configurations, schedule, seeds, and what an interval draws."""
    seeds = in_schedule(cells, schedule).groupby(["base", "examples"])["seed"].nunique()
    several = f"{seeds.min()} to {seeds.max()} seeds" if seeds.min() < seeds.max() else f"{seeds.max()} seeds"
    drawn = "notes and seeds" if seeds.max() > 1 else "notes"
    count = len(picked(points, schedule=schedule)[["base", "examples"]].drop_duplicates())
    return (
        f"Lab, profile {profile}; {count} configurations, {SCHEDULES[schedule]}, {'one seed' if seeds.max() == 1 else several} "
        f"each. 95 % intervals over {drawn}, configurations fixed"
    )


def shape_table(fits: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """Linearity and slopes of the regimes."""
    rows = []
    for group in fits["group"].unique():
        for judge in JUDGES:
            keys = {"schedule": schedule, "judge": judge, "group": group}
            rows.append(
                {
                    "examples": group,
                    "judge": judge,
                    "slope, points per 0.1 nats": shown(one(fits, **keys, statistic="slope")),
                    "minus slope of all": shown(one(fits, **keys, statistic="slope minus all")),
                    "curvature, points per (0.1 nats)²": shown(one(fits, **keys, statistic="curvature")),
                }
            )
    return pd.DataFrame(rows)


def control_table(control: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """Left-out errors of the designs, and what loss adds to size and data."""
    rows = []
    for validation in ("configuration", "size"):
        for design in CONTROLS:
            row = {"left out": f"one {validation}", "known": design}
            for judge in JUDGES:
                keys = {"schedule": schedule, "judge": judge, "design": design, "validation": validation}
                row[f"error, points: {judge}"] = shown(one(control, **keys, statistic="error"))
                row[f"minus size + data: {judge}"] = shown(one(control, **keys, statistic="error difference"))
            if any(value != "–" for name, value in row.items() if name.startswith("error")):
                rows.append(row)
    return pd.DataFrame(rows)


def within_table(control: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """R2 of loss within each size."""
    own = picked(control, schedule=schedule, statistic="R2 within a size")
    rows = [
        {"base": base} | {judge: shown(one(own, base=base, judge=judge)) for judge in JUDGES} for base in own["base"].unique()
    ]
    return pd.DataFrame(rows)


def judges_sentence(judges: pd.DataFrame, schedule: str) -> str:
    """Calibration and rank agreement of the two judges."""
    own = picked(judges, schedule=schedule)
    get = lambda statistic: shown(one(own, statistic=statistic))
    means = ", ".join(f"{judge} {get(f'mean of {judge}')} %" for judge in JUDGES)
    return (
        f"Mean pass rates: {means}; ratio {get('ratio')} (the post's judges: 26.7 and 9.5 %, 2.8). Rank agreement of the "
        f"judges over configurations: Spearman {get('rank agreement')}."
    )


def stringency_sentence(stringencies: pd.DataFrame, schedule: str) -> str:
    """The calibration check: one rubric at two stringencies."""
    get = lambda statistic: shown(one(picked(stringencies, schedule=schedule), statistic=statistic))
    return (
        f"A calibration check and no second judge: the lenient rubric passes {get(f'mean of {LENIENT}')} %, {get('ratio')} "
        f"times as many as the strict one, and orders the configurations with Spearman {get('rank agreement')}. Another "
        "stringency moves every rate and says nothing about who is right."
    )


def signals_table(signals: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """Which signal predicts best."""
    names = {
        "final_loss": "final training loss",
        "first_pass_loss": "training loss of the first pass",
        "held_out_loss": "held-out loss",
        PROXY: "proxy over the experts' notes: top-1, inverse frequency",
    }
    rows = []
    for signal, name in names.items():
        row = {"signal": name}
        for judge in JUDGES:
            keys = {"schedule": schedule, "judge": judge, "signal": signal}
            row[f"correlation: {judge}"] = shown(one(signals, **keys, statistic="strength"))
            row[f"minus final loss: {judge}"] = shown(one(signals, **keys, statistic="minus final loss"))
        rows.append(row)
    return pd.DataFrame(rows)


def inversion_sentence(inversions: pd.DataFrame, noise: pd.DataFrame, schedule: str) -> str:
    """How often more data looks worse, and how noisy a cell is."""
    parts = []
    for judge in JUDGES:
        own = picked(inversions, schedule=schedule, judge=judge)
        own_noise = picked(noise, schedule=schedule, judge=judge)
        text = f"{judge}: {int(own['inverted'].sum())} of {len(own)} pairs, {int((own['score_drop'] > 0).sum())} by score alone"
        if len(own_noise):
            text += f"; over seeds a cell's pass rate has a standard deviation of {own_noise['rate'].mean():.1f} points"
        parts.append(text)
    loss = picked(noise, schedule=schedule, judge=STRICT)["final_loss"]
    of_loss = f" and its final loss one of {loss.mean():.3f} nats" if len(loss) else ""
    return (
        f"Pairs of cells of one base in which more examples give a lower pass rate at a higher loss, as the post's 14B: "
        f"{'; '.join(parts)}{of_loss}."
    )


def frontier_table(frontier: pd.DataFrame, schedule: str, judge: str) -> pd.DataFrame:
    """The best configuration under each budget, and the one that loss picks."""
    own = picked(frontier, schedule=schedule, judge=judge)
    return pd.DataFrame(
        {
            "budget, 10⁶ parameters × examples": [f"{value / 1e6:.1f}" for value in own["budget"]],
            "best": own["best"].to_numpy(),
            "its pass rate, %": [f"{value:.1f}" for value in own["best_rate"]],
            "lowest loss": own["chosen"].to_numpy(),
            "regret, points": [stats.with_interval(row) for row in own[["regret", "low", "high"]].to_numpy()],
        }
    )


def scaling_table(scaling: pd.DataFrame, schedule: str, judge: str) -> pd.DataFrame:
    """Log-linear against saturating: errors of both shapes, and the gain per doubling."""
    rows = []
    own = picked(scaling, schedule=schedule, judge=judge)
    for (along, group), part in own.groupby(["along", "group"], sort=False):
        get = lambda shape, statistic, part=part: shown(one(part, shape=shape, statistic=statistic))
        rows.append(
            {
                "along": along,
                "at": group,
                "points per doubling": get("log-linear", "gain"),
                "error log-linear": get("log-linear", "error"),
                "error saturating": get("saturating", "error"),
            }
        )
    return pd.DataFrame(rows)


def copy_sentence(copies: pd.DataFrame) -> str:
    """Copy rates before fine-tuning, smallest base first."""
    by = copies.sort_values("parameters").groupby("parameters", sort=False)["rate"].mean()
    told = ", ".join(f"{parameters / 1000:.0f} k {100 * rate:.0f} %" for parameters, rate in by.items())
    return f"Copied exactly before fine-tuning, of unseen drug names and of doses, by size: {told}."


def seen(curves: pd.DataFrame, cells: pd.DataFrame, batch: int, smooth: int = 10) -> pd.DataFrame:
    """Loss curves of the given cells against examples seen, each a running mean over `smooth` steps."""
    made = []
    for row in cells.sort_values("parameters").itertuples():
        own = curves[curves["cell"] == row.cell].sort_values("step")
        running = own["loss"].rolling(smooth, min_periods=1).mean()
        made.append(pd.DataFrame({"base": row.base, "seen": own["step"] * batch, "loss": running}))
    return pd.concat(made, ignore_index=True)


def line_of(fits: pd.DataFrame, **keys: object) -> tuple[float, float]:
    """Intercept and slope (per nat) of a fitted line."""
    return one(fits, **keys, statistic="intercept")[0], 10 * one(fits, **keys, statistic="slope")[0]


def grid_sentence(cells: pd.DataFrame, copies: pd.DataFrame) -> str:
    """The grid page's first sentence."""
    own = picked(cells, schedule="epochs")
    by = own.groupby("parameters")["final_loss"].mean()
    diverged = int(cells["diverged"].sum())
    lost = f" {diverged} of {len(cells)} cells diverged." if diverged else " No cell diverged."
    return (
        f"Over {len(cells)} cells the mean final training loss is {by.iloc[0]:.2f} nats per token for the smallest base and "
        f"{by.iloc[-1]:.2f} for the largest, {by.index[-1] / by.index[0]:.0f} times its size.{lost} "
        f"{copy_sentence(copies)}"
    )


def finding_curves(cells: pd.DataFrame) -> str:
    """Title of the loss curves."""
    order = cells.dropna(subset=["final_loss"]).sort_values("parameters")["final_loss"]
    if order.is_monotonic_decreasing:
        return "Larger bases end lower, each of them"
    if order.iloc[-1] < order.iloc[0]:
        return "The largest base ends lower than the smallest; not each step in size lowers the loss"
    return "Larger bases do not end lower here"


def copy_table(copies: pd.DataFrame) -> pd.DataFrame:
    """A row per base: what it copies before fine-tuning, in percent."""
    wide = (100 * copies.pivot(index="parameters", columns="field", values="rate")).round(0).astype(int)
    return wide.reset_index()


def cell_table(cells: pd.DataFrame) -> pd.DataFrame:
    """A row per cell."""
    order = cells.sort_values(["parameters", "examples", "schedule", "seed"])
    table = order[["base", "examples", "schedule", "seed", "steps", "truncated"]].copy()
    for column, name in (("final_loss", "final loss"), ("first_pass_loss", "first pass"), ("held_out_loss", "held out")):
        table[name] = ["diverged" if pd.isna(value) else f"{value:.3f}" for value in order[column]]
    for judge in (STRICT, LENIENT, LM_JUDGE, "unscored"):
        table[judge] = ["" if pd.isna(value) else f"{value:.1f}" for value in order[judge]]
    return table


def samples(written: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The first note of the smallest and of the largest base, both with most examples."""
    own = picked(cells[~cells["diverged"]], schedule="epochs")
    own = own[own["examples"] == own["examples"].max()].sort_values(["parameters", "seed"])
    rows = []
    for name in (own["cell"].iloc[0], own["cell"].iloc[-1]):
        base = own[own["cell"] == name].iloc[0]
        row = written[written["cell"] == name].iloc[0].to_dict()
        who = f"{base['base']} parameters, {base['examples']} examples"
        rows.append(row | {"told": f"{who}\n\n{row['dialogue']}note\n"})
    return pd.DataFrame(rows)


def finding_control(control: pd.DataFrame, schedule: str) -> str:
    """Title of the control's figure: errors for a base that the forecast has not seen."""
    rows = picked(control, schedule=schedule, validation="size", design="loss", statistic="error difference")
    better = [judge for judge in JUDGES if one(rows, judge=judge)[2] < 0]
    worse = [judge for judge in JUDGES if one(rows, judge=judge)[1] > 0]
    if len(better) == len(JUDGES):
        return "For the bases left out here, loss forecasts better than a line in log size and log examples"
    if len(worse) == len(JUDGES):
        return "For the bases left out here, a line in log size and log examples forecasts better than loss"
    if better or worse:
        return "For the bases left out here, which forecast is better depends on the judge"
    return "For the bases left out here, loss and log size with log examples are not clearly apart"


def finding_fit(fits: pd.DataFrame, schedule: str, judge: str) -> str:
    """Title of a scatter over all configurations."""
    r2 = shown(one(fits, schedule=schedule, judge=judge, group="all", statistic="R2"))
    return f"{judge}: loss explains R2 {r2} of the pass rate"


def finding_regimes(fits: pd.DataFrame, schedule: str) -> str:
    """Title of the scatters per number of examples."""
    own = picked(fits, schedule=schedule, judge=STRICT, statistic="R2")
    parts = own[own["group"] != "all"]["estimate"]
    return f"Within a number of examples R2 is {parts.min():.2f} to {parts.max():.2f}; five points give .77 by luck"


def finding_judges(judges: pd.DataFrame, schedule: str) -> str:
    """Title of the figure of two judges."""
    values = one(judges, schedule=schedule, statistic="rank agreement")
    how = "alike" if values[1] > 0.5 else "somewhat alike" if values[1] > 0 else "not clearly alike"
    return f"Rubric and LM judge order the configurations {how}: Spearman {shown(values)}"


def finding_scaling(scaling: pd.DataFrame, schedule: str) -> str:
    """Title of the scaling curves."""
    own = picked(scaling, schedule=schedule, judge=STRICT, shape="log-linear", statistic="gain")
    size = own[own["along"] == "parameters"]["estimate"].mean()
    data = own[own["along"] == "examples"]["estimate"].mean()
    return f"A doubling of parameters gives {size:+.1f} points, one of examples {data:+.1f}, in the mean"
