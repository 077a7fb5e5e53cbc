"""What the pages on loss as an evaluation say: tables and sentences from the fits over the scribe grid."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import stats
from .judging.criteria import LENIENT, LM_JUDGE, STRICT
from .lossfit import PROXY

JUDGES = (STRICT, LM_JUDGE)  # whose errors are independent; the lenient rubric is a calibration check
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


def verdict(fits: pd.DataFrame, control: pd.DataFrame, schedule: str) -> str:
    """The page's first sentence: what loss adds comes first."""
    told = {judge: one(_without(control), schedule=schedule, judge=judge, statistic="partial r") for judge in JUDGES}
    adds = [judge for judge, (_, low, high) in told.items() if np.isfinite(low) and high < 0]
    r2 = {judge: shown(one(fits, schedule=schedule, judge=judge, group="all", statistic="R2")) for judge in JUDGES}
    if len(adds) == len(JUDGES):
        first = "Given size and number of examples, loss still says something about both judges' pass rates"
    elif adds:
        first = (
            f"Given size and number of examples, loss says something more about the {adds[0]}, and not about the other judge"
        )
    else:
        first = "Once size and number of examples are known, loss adds nothing that these configurations could show"
    partial = "; ".join(f"{judge}: partial r {shown(values)}" for judge, values in told.items())
    return (
        f"{first} ({partial}). Alone it explains R2 {r2[STRICT]} of the strict rubric's pass rate and {r2[LM_JUDGE]} of the LM "
        "judge's."
    )


def _without(control: pd.DataFrame) -> pd.DataFrame:
    """Rows that belong to no design."""
    return control[control["design"].isna()]


def post_table(fits: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """The post's numbers beside ours, for both judges."""
    groups = [group for group in fits["group"].unique() if group != "all"]
    names = dict(zip(COST_NAMES, sorted(groups, key=int), strict=False)) | {"all": "all"}
    rows = []
    for (where, statistic), reported in POST.items():
        if where not in names:
            continue
        label = "all configurations" if where == "all" else f"{names[where]} examples"
        unit = {"slope": "slope, points per 0.1 nats lower", "R2": "R2", "r": "r"}[statistic]
        row = {"group": label, "statistic": unit, "post": f"{reported:g}"}
        for judge in JUDGES:
            low, high = 1, 2
            values = one(fits, schedule=schedule, judge=judge, group=names[where], statistic=statistic)
            if statistic == "slope":
                values = (-values[0], -values[high], -values[low])
            row[judge] = shown(values)
        rows.append(row)
    return pd.DataFrame(rows)


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
        for design in ("size + data", "loss", "size + data + loss"):
            row = {"left out": f"one {validation}", "known": design}
            for judge in JUDGES:
                keys = {"schedule": schedule, "judge": judge, "design": design, "validation": validation}
                row[f"error, points: {judge}"] = shown(one(control, **keys, statistic="error"))
                row[f"minus size + data: {judge}"] = shown(one(control, **keys, statistic="error difference"))
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
        f"Mean pass rates: {means}; ratio {get('ratio')} (the post's judges: 26.7 and 9.5 %, 2.8). The judges order the "
        f"configurations alike with Spearman {get('rank agreement')}."
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
        f"Over {len(cells)} cells the mean final training loss falls from {by.iloc[0]:.2f} nats per token for the smallest "
        f"base to {by.iloc[-1]:.2f} for the largest, {by.index[-1] / by.index[0]:.0f} times its size.{lost} "
        f"{copy_sentence(copies)}"
    )


def finding_curves(cells: pd.DataFrame) -> str:
    """Title of the loss curves."""
    order = cells.sort_values("parameters")["final_loss"]
    if order.is_monotonic_decreasing:
        return "Larger bases end lower, each of them"
    return "Larger bases end lower, not each of them"


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
    """Title of the control's figure."""
    rows = picked(control, schedule=schedule, validation="size", design="loss", statistic="error difference")
    better = [judge for judge in JUDGES if one(rows, judge=judge)[2] < 0]
    worse = [judge for judge in JUDGES if one(rows, judge=judge)[1] > 0]
    if len(better) == len(JUDGES):
        return "For a size not seen before, loss alone forecasts better than size and data"
    if len(worse) == len(JUDGES):
        return "Even for a size not seen before, size and data forecast better than loss"
    return "For a size not seen before, loss and size with data are not clearly apart for both judges"


def finding_fit(fits: pd.DataFrame, schedule: str, judge: str) -> str:
    """Title of a scatter over all configurations."""
    r2 = shown(one(fits, schedule=schedule, judge=judge, group="all", statistic="R2"))
    return f"{judge}: loss explains R2 {r2} of the pass rate"


def finding_regimes(fits: pd.DataFrame, schedule: str) -> str:
    """Title of the scatters per number of examples."""
    own = picked(fits, schedule=schedule, judge=STRICT, statistic="R2")
    whole, parts = one(own, group="all")[0], own[own["group"] != "all"]["estimate"]
    above = int((parts > whole).sum())
    return f"Within {above} of {len(parts)} numbers of examples the line fits better than over all"


def finding_judges(judges: pd.DataFrame, schedule: str) -> str:
    """Title of the figure of two judges."""
    return (
        f"The judges order configurations alike: Spearman {shown(one(judges, schedule=schedule, statistic='rank agreement'))}"
    )


def finding_scaling(scaling: pd.DataFrame, schedule: str) -> str:
    """Title of the scaling curves."""
    own = picked(scaling, schedule=schedule, judge=STRICT, shape="log-linear", statistic="gain")
    size = own[own["along"] == "parameters"]["estimate"].mean()
    data = own[own["along"] == "examples"]["estimate"].mean()
    return f"A doubling of parameters gives {size:+.1f} points, one of examples {data:+.1f}, in the mean"
