"""What the pages on loss as an evaluation say: tables and sentences from the fits over the scribe grid."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.judging.criteria import LENIENT, LM_JUDGE, STRICT
from proxylib.report import words
from proxylib.studies.loss.cell_draws import PROXY
from proxylib.studies.loss.loss_fits import in_schedule
from proxylib.studies.loss.size_control import CONTROLS, FORMS, GIVEN

JUDGES = (STRICT, LM_JUDGE)  # the lenient rubric is a calibration check
SCHEDULES = {"epochs": "epochs fixed", "steps": "steps fixed"}
#: what the post reports: (group, statistic) -> value
POST = {
    ("all", "R2"): 0.739,
    ("all", "r"): -0.86,
    ("all", "slope"): 18.5,
    ("fewest", "R2"): 0.904,
    ("middle", "R2"): 0.930,
    ("most", "R2"): 0.978,
}
POST_SECOND_R = -0.87
POST_CONFIGURATIONS = {"all": 15, "fewest": 5, "middle": 5, "most": 5}
#: the post's points along size and data: what, (place of the base, place of the number of examples) from and to, its value
POST_CURVES = (
    ("size, most examples", (0, -1), (-1, -1), "7.0 to 44.0 (second judge: to 15.5)"),
    ("data, middle base", (2, 0), (2, -1), "18.7 to 34.9"),
    ("data, second largest base", (-2, 1), (-2, -1), "39.8 to 39.1, loss .238 to .265"),
)
POST_RATIO = "26.7 and 9.5 %, 2.8"
COST_NAMES = ("fewest", "middle", "most")
HELD = {
    "size + data": "log size and log examples",
    "base + data": "a level per base, and log examples",
    "base + data + interaction": "the same, and log size × log examples",
}
SIGNAL_NAMES = {
    "final_loss": "final training loss",
    "first_pass_loss": "training loss of the first pass",
    "held_out_loss": "held-out loss",
    PROXY: "proxy over the experts' notes: top-1, inverse frequency",
}


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
    return "–" if not np.isfinite(values[0]) else words.with_interval(values, scale)


def verdict(fits: pd.DataFrame, control: pd.DataFrame, schedules: list[str]) -> str:
    """The page's first sentences: what loss adds comes first.

    Loss adds something where its partial correlation, given a level per base and log examples, has the right sign, an interval
    without zero, and a size that the luck of so few configurations seldom gives. The straight line was fixed beforehand.
    """
    bent = " and ".join(f"{_who_gains(control, name, 'log loss')} with {SCHEDULES[name]}" for name in schedules)
    own = {judge: shown(one(fits, schedule=schedules[0], judge=judge, group="all", statistic="R2")) for judge in JUDGES}
    return (
        "Given a level per base and log examples, a straight line in loss, as the post has it, adds "
        f"{_who_gains(control, schedules[0], 'loss')}. Its logarithm, tried only after a bend was seen, adds {bent}. Alone, a "
        f"straight line explains R2 {own[STRICT]} of the strict rubric's pass rate and {own[LM_JUDGE]} of the LM judge's."
    )


def _who_gains(control: pd.DataFrame, schedule: str, form: str) -> str:
    """For which judges a form of loss adds something to a level per base and log examples."""
    adds = [judge for judge in JUDGES if _adds(_partial(control, schedule, judge, "base + data", form))]
    if len(adds) == len(JUDGES):
        return "something for both judges"
    return f"something for the {adds[0]} alone" if adds else "nothing that could be shown"


def _adds(row: pd.Series | None) -> bool:
    return row is not None and row["high"] < 0 and -row["estimate"] > row["critical"]


def _partial(control: pd.DataFrame, schedule: str, judge: str, given: str, form: str) -> pd.Series | None:
    found = picked(control, schedule=schedule, judge=judge, design=given, form=form, statistic="partial r")
    return None if found.empty else found.iloc[0]


def _told(rows: dict[str, pd.Series | None]) -> dict[str, str]:
    """A cell per judge, and what luck alone stays within, nineteen times of twenty."""
    cells = {judge: "–" if row is None else shown((row["estimate"], row["low"], row["high"])) for judge, row in rows.items()}
    critical = [row["critical"] for row in rows.values() if row is not None]
    return cells | {"luck, ±": f"{critical[0]:.2f}" if critical else "–"}


def partial_table(control: pd.DataFrame, apart: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """Correlation of loss and pass rate with more and more held fixed."""
    rows = []
    for given in GIVEN:
        for form in FORMS:
            found = {judge: _partial(control, schedule, judge, given, form) for judge in JUDGES}
            rows.append({"held fixed": HELD[given], "form": form} | _told(found))
    own = picked(apart, schedule=schedule)
    if not own.empty:
        found = {judge: None if picked(own, judge=judge).empty else picked(own, judge=judge).iloc[0] for judge in JUDGES}
        rows.append({"held fixed": "the configuration: its seeds alone differ", "form": "loss"} | _told(found))
    return pd.DataFrame(rows)


def _post_groups(fits: pd.DataFrame, numbers: list[int]) -> dict[str, str]:
    """The post's names of groups -> ours, as far as we have them; `numbers` of examples, fewest first."""
    names = {"all": "all"} | dict(zip(COST_NAMES, map(str, sorted(numbers)), strict=False))
    return {post: own for post, own in names.items() if not picked(fits, group=own).empty}


def _fisher(where: str, value: float) -> tuple[float, float, float]:
    return tuple(stats.fisher_interval(value, POST_CONFIGURATIONS[where])[:3])


def post_table(fits: pd.DataFrame, schedule: str, numbers: list[int]) -> pd.DataFrame:
    """The post's numbers beside ours, for both judges; `numbers` of examples, fewest first."""
    own = picked(fits, schedule=schedule)
    names = _post_groups(own, numbers)
    rows = []
    for (where, statistic), reported in POST.items():
        if where not in names:
            continue
        label = "all configurations" if where == "all" else f"{names[where]} examples"
        unit = {"slope": "slope, points per 0.1 nats lower", "R2": "R2", "r": "r"}[statistic]
        sample = ""
        if statistic == "R2":
            low, high = _fisher(where, np.sqrt(reported))[1:]
            sample = f"[{max(low, 0) ** 2:.2f}, {high**2:.2f}]"
        elif statistic == "r":
            sample = "[{:.2f}, {:.2f}]".format(*_fisher(where, reported)[1:])
        post = f"{reported:g}" + (f"; second judge {POST_SECOND_R:g}" if statistic == "r" else "")
        row = {"group": label, "statistic": unit, "post": post, "as a sample": sample}
        for judge in JUDGES:
            values = one(own, judge=judge, group=names[where], statistic=statistic)
            if statistic == "slope":
                values = (-values[0], -values[2], -values[1])
            row[judge] = shown(values)
        rows.append(row)
    return pd.DataFrame(rows)


def reported_frame(fits: pd.DataFrame, schedule: str, numbers: list[int]) -> pd.DataFrame:
    """R2 as the figure beside the post shows it: columns group, judge, estimate, low, high, reported, from, to."""
    own = picked(fits, schedule=schedule)
    rows = []
    for post, name in _post_groups(own, numbers).items():
        reported = POST[post, "R2"]
        low, high = _fisher(post, np.sqrt(reported))[1:]
        label = "all" if name == "all" else f"{name} examples"
        for judge in JUDGES:
            values = one(own, judge=judge, group=name, statistic="R2")
            rows.append((label, judge, *values, reported, max(low, 0) ** 2, high**2))
    return pd.DataFrame(rows, columns=["group", "judge", "estimate", "low", "high", "reported", "from", "to"])


def finding_reported(frame: pd.DataFrame) -> str:
    """Title of the figure beside the post."""
    below = int((frame["high"] < frame["reported"]).sum())
    return f"R2 lies below the post's in {below} of {len(frame)} comparisons"


def curves_table(points: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """The post's points along size and data beside ours, pass rates in percent."""
    own = picked(points, schedule=schedule)
    bases = own.drop_duplicates("base").sort_values("parameters")["base"].tolist()
    numbers = sorted(own["examples"].unique())
    rows = []
    for what, *ends, post in POST_CURVES:
        if len(bases) < 5 or len(numbers) < 3:
            continue
        row = {"along": what, "post, %": post}
        for judge in JUDGES:
            told = []
            for base, examples in ends:
                found = picked(own, judge=judge, base=bases[base], examples=numbers[examples]).iloc[0]
                told.append(shown(tuple(found[["rate", "low", "high"]])))
            row[f"{judge}, %"] = " to ".join(told)
        loss = [
            picked(own, judge=STRICT, base=bases[base], examples=numbers[examples])["final_loss"].iloc[0]
            for base, examples in ends
        ]
        rows.append(row | {"our loss, nats": f"{loss[0]:.3f} to {loss[1]:.3f}"})
    return pd.DataFrame(rows)


def line_sentence(fits: pd.DataFrame, schedule: str) -> str:
    """Is the relation cleanly linear, as the post has it?"""
    told, bent = [], 0
    for judge in JUDGES:
        values = one(fits, schedule=schedule, judge=judge, group="all", statistic="curvature")
        bent += values[1] > 0 or values[2] < 0
        told.append(f"{judge} {shown(values)}")
    how = {0: "no bend can be shown here", 1: "for one judge it is bent here", 2: "for both judges it is bent here"}[bent]
    return f"The post calls the relation cleanly linear; {how} (points per (0.1 nats)² of a parabola: {'; '.join(told)})."


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
        f"each. 95 % bootstrap intervals over {drawn}, configurations fixed; of correlations and R2 reflected, else percentile"
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
                    "curvature, points per (0.1 nats)²": shown(one(fits, **keys, statistic="curvature")),
                }
            )
    return pd.DataFrame(rows)


def slopes_sentence(slopes: pd.DataFrame, schedule: str) -> str:
    """Do the numbers of examples have different slopes?"""
    parts = []
    for judge in JUDGES:
        own = picked(slopes, schedule=schedule, judge=judge)
        if own.empty:
            continue
        told = ", ".join(f"{row.pair} {shown((row.estimate, row.low, row.high))}" for row in own.itertuples())
        p = own["p"].iloc[0]
        parts.append(f"{judge}: {told}; all one slope: p {'< .001' if p < 0.001 else f'= {p:.3f}'}")
    return (
        f"Differences of slopes, points per 0.1 nats, paired. {'. '.join(parts)} (Wald test over notes and seeds)."
        if parts
        else ""
    )


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
    """Correlation of loss and pass rate within each size, and its square."""
    own = picked(control, schedule=schedule, statistic="r within a size")
    rows = []
    for base in own["base"].unique():
        row = {"base": base}
        for judge in JUDGES:
            values = one(own, base=base, judge=judge)
            row |= {f"r: {judge}": shown(values), f"R2: {judge}": "–" if np.isnan(values[0]) else f"{values[0] ** 2:.2f}"}
        rows.append(row)
    return pd.DataFrame(rows)


def judges_sentence(judges: pd.DataFrame, schedule: str) -> str:
    """Calibration and rank agreement of the two judges."""
    own = picked(judges, schedule=schedule)
    get = lambda statistic: shown(one(own, statistic=statistic))
    means = ", ".join(f"{judge} {get(f'mean of {judge}')} %" for judge in JUDGES)
    return (
        f"Mean pass rates: {means}; ratio {get('ratio')} (the post's judges: {POST_RATIO}). Rank agreement of the "
        f"judges over configurations: Spearman {get('rank agreement')}, whose interval is too short, as ranks jump. R2 of the "
        f"exact rubric minus R2 of the LM judge, paired: {get('R2 difference')}."
    )


def stringency_sentence(stringencies: pd.DataFrame, schedule: str) -> str:
    """The calibration check: one rubric at two stringencies."""
    get = lambda statistic: shown(one(picked(stringencies, schedule=schedule), statistic=statistic))
    return (
        f"A calibration check and no second judge: the lenient rubric passes {get(f'mean of {LENIENT}')} %, {get('ratio')} "
        f"times as many as the strict one (the post's two judges: {POST_RATIO}), and orders the configurations with Spearman "
        f"{get('rank agreement')}. Another stringency moves every rate and says nothing about who is right."
    )


def signals_table(signals: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """Which signal predicts best, and what it adds to a level per base and log examples."""
    rows = []
    for signal, name in SIGNAL_NAMES.items():
        row = {"signal": name}
        for judge in JUDGES:
            own = picked(signals, schedule=schedule, judge=judge, signal=signal)
            row[f"correlation: {judge}"] = shown(one(own, statistic="strength"))
            row[f"minus final loss: {judge}"] = shown(one(own, statistic="minus final loss"))
            row[f"given base + data: {judge}"] = shown(one(own, statistic="partial r", design="base + data"))
        rows.append(row)
    return pd.DataFrame(rows)


def signals_sentence(signals: pd.DataFrame, schedules: list[str]) -> str:
    """Which signal predicts best, schedule by schedule: is any better than the final training loss for both judges?"""
    parts = []
    for schedule in schedules:
        own = picked(signals, schedule=schedule, statistic="minus final loss")
        ends = {name: [one(own, signal=name, judge=judge) for judge in JUDGES] for name in SIGNAL_NAMES if name != "final_loss"}
        better = [SIGNAL_NAMES[name] for name, both in ends.items() if all(low > 0 for _, low, _ in both)]
        worse = [SIGNAL_NAMES[name] for name, both in ends.items() if all(high < 0 for _, _, high in both)]
        told = [
            f"{how} than the final training loss: {', '.join(names)}"
            for how, names in (("better", better), ("worse", worse))
            if names
        ]
        parts.append(
            f"{SCHEDULES[schedule]}, {' and '.join(told) or 'none is clearly better or worse than the final training loss'}"
        )
    critical = signals["critical"].dropna()
    luck = (
        f" Given base and data, luck alone stays within ±{picked(signals, design='base + data')['critical'].iloc[0]:.2f}."
        if len(critical)
        else ""
    )
    return f"For both judges alike: {'; '.join(parts)}.{luck}"


def inversion_table(inversions: pd.DataFrame, luck: pd.DataFrame, noise: pd.DataFrame) -> pd.DataFrame:
    """How often more data looks worse, what luck alone gives, and how noisy a cell is."""
    rows = []
    for schedule in inversions["schedule"].unique():
        for judge in JUDGES:
            keys = {"schedule": schedule, "judge": judge}
            own, by_luck, spread = (picked(frame, **keys) for frame in (inversions, luck, noise))
            row = {"schedule": SCHEDULES[schedule], "judge": judge}
            row["inverted"] = f"{int(own['inverted'].sum())} of {len(own)} pairs"
            row["lower by score alone"] = int((own["score_drop"] > 0).sum())
            if len(by_luck):
                told = by_luck.iloc[0]
                row["share, %"] = words.with_interval((told["observed"], told["low"], told["high"]), 100)
                row["by luck, means as found, %"] = f"{100 * told['as_found']:.0f}"
                row["by luck, no effect of data, %"] = f"{100 * told['no_effect']:.0f}"
            if len(spread):
                row["SD over seeds, points"] = _spread(spread["rate"], 1)
                row["SD over seeds, nats"] = _spread(spread["final_loss"], 3)
            rows.append(row)
    return pd.DataFrame(rows).fillna("–")


def _spread(values: pd.Series, digits: int) -> str:
    """Root mean square of standard deviations, and their range."""
    mean = np.sqrt((values**2).mean())
    return f"{mean:.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})"


def silence_table(silence: pd.DataFrame, schedules: list[str]) -> pd.DataFrame:
    """What changes when notes that say nothing fail every criterion."""
    rows = []
    for schedule in schedules:
        for judge in JUDGES:
            own = picked(silence, schedule=schedule, judge=judge)
            for group in own["group"].dropna().unique():
                keys = {"group": group}
                row = {"schedule": SCHEDULES[schedule], "judge": judge, "examples": group}
                row["R2, silent notes fail"] = shown(one(own, **keys, statistic="R2"))
                row["minus as judged"] = shown(one(own, **keys, statistic="R2 minus as judged"))
                rows.append(row)
    return pd.DataFrame(rows)


def silence_sentence(cells: pd.DataFrame) -> str:
    """Who writes nothing."""
    share = cells.groupby(["parameters", "base"])["silent"].mean().reset_index()
    told = ", ".join(f"{row.base} {row.silent:.0f} %" for row in share.itertuples())
    return (
        "A note that says nothing makes nothing up and passes the criterion of no hallucination. Notes without a single digit, "
        f"by base, over all cells: {told}."
    )


def silent_partial_table(silence: pd.DataFrame, schedules: list[str]) -> pd.DataFrame:
    """What loss adds to a level per base and log examples where notes that say nothing fail."""
    rows = []
    for schedule in schedules:
        for form in FORMS:
            found = {judge: _partial(silence, schedule, judge, "base + data", form) for judge in JUDGES}
            rows.append({"schedule": SCHEDULES[schedule], "form": form} | _told(found))
    return pd.DataFrame(rows)


def frontier_table(frontier: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """The best configuration under each budget, and the one that loss picks, for both judges."""
    every = {judge: picked(frontier, schedule=schedule, judge=judge).reset_index(drop=True) for judge in JUDGES}
    own = {judge: part for judge, part in every.items() if len(part)}  # none where a judge scored nothing
    first = own[STRICT]
    table = pd.DataFrame(
        {
            "budget, 10⁶ parameters × examples": [f"{value / 1e6:.1f}" for value in first["budget"]],
            "lowest loss": first["chosen"],
        }
    )
    for judge, part in own.items():
        table[f"its rate, %: {judge}"] = [f"{value:.1f}" for value in part["chosen_rate"]]
        table[f"best: {judge}"] = [f"{row.best} ({row.best_rate:.1f})" for row in part.itertuples()]
        table[f"regret, points: {judge}"] = [
            words.with_interval(row) for row in part[["regret", "low", "high"]].to_numpy().round(1) + 0.0
        ]
    return table


def scaling_table(scaling: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """Log-linear against saturating: errors of both shapes, and the gain per doubling, for both judges."""
    rows = []
    own = picked(scaling, schedule=schedule)
    for (along, group), part in own[own["judge"].isin(JUDGES)].groupby(["along", "group"], sort=False):
        row = {"along": along, "at": group}
        for judge in JUDGES:
            get = lambda shape, statistic, part=part, judge=judge: shown(
                one(part, judge=judge, shape=shape, statistic=statistic)
            )
            row[f"points per doubling: {judge}"] = get("log-linear", "gain")
            row[f"error log-linear: {judge}"] = get("log-linear", "error")
            row[f"error saturating: {judge}"] = get("saturating", "error")
        rows.append(row)
    return pd.DataFrame(rows)


def scaling_sentence(scaling: pd.DataFrame, schedule: str) -> str:
    """How well either shape holds along size."""
    own = picked(scaling, schedule=schedule, judge=STRICT, along="parameters", statistic="error")
    if own.empty:
        return ""
    by = {shape: picked(own, shape=shape)["estimate"] for shape in ("log-linear", "saturating")}
    told = ", ".join(f"{shape} {values.min():.1f} to {values.max():.1f}" for shape, values in by.items())
    return (
        "The post's curves are log-linear and of diminishing returns at once. Along size, over the numbers of examples, the "
        f"strict rubric's points lie off the shapes by (root mean square, points): {told}; a shape that fitted would be off by "
        "no more than its points' intervals are wide."
    )


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
        f"Over {len(own)} cells with epochs fixed the mean final training loss is {by.iloc[0]:.2f} nats per token for the "
        f"smallest base and {by.iloc[-1]:.2f} for the largest, {by.index[-1] / by.index[0]:.0f} times its size.{lost} "
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
    return wide.rename_axis(columns=None).reset_index()


def cell_table(cells: pd.DataFrame) -> pd.DataFrame:
    """A row per cell."""
    order = cells.sort_values(["parameters", "examples", "schedule", "seed"])
    table = order[["base", "examples", "schedule", "seed", "steps", "truncated", "cut"]].copy()
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
    told = []
    for form in FORMS:
        rows = picked(control, schedule=schedule, validation="size", design=form, statistic="error difference")
        better = sum(one(rows, judge=judge)[2] < 0 for judge in JUDGES)
        worse = sum(one(rows, judge=judge)[1] > 0 for judge in JUDGES)
        how = "better than" if better == len(JUDGES) else "worse than" if worse == len(JUDGES) else "not clearly apart from"
        told.append(f"{form} {how if not (better and worse) else 'better or worse, by judge, than'}")
    return f"For bases left out: {', '.join(told)} log size with log examples"


def finding_fit(fits: pd.DataFrame, schedule: str, judge: str) -> str:
    """Title of a scatter over all configurations."""
    r2 = shown(one(fits, schedule=schedule, judge=judge, group="all", statistic="R2"))
    return f"{judge}: loss explains R2 {r2} of the pass rate"


def finding_regimes(fits: pd.DataFrame, schedule: str) -> str:
    """Title of the scatters per number of examples."""
    own = picked(fits, schedule=schedule, judge=STRICT, statistic="R2")
    parts = own[own["group"] != "all"]["estimate"]
    span = f"{parts.min():.2f} to {parts.max():.2f}"
    return f"Within a number of examples R2 is {span}; five unrelated points have .77 one time in twenty"


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
