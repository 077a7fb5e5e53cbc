"""Known answers, and what published runs say of what others claim of forecasts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib.data.published import olmo_ladder
from proxylib.errors import UserError
from proxylib.laws import replications
from proxylib.laws.curves import Exponential
from proxylib.laws.ladder import Chinchilla
from proxylib.laws.replications import LADDER, OTHERS, WITHIN_TWO_POINTS
from proxylib.laws.two_step import TwoStep
from proxylib.stats import Bootstrap, Interval, mean_interval
from proxylib.studies.forecasting import cases, summaries
from proxylib.studies.forecasting.cases import GADRE, GEMSTONES, MEAN, OLMO_LADDER, PROSE
from proxylib.studies.forecasting.methods import PERSISTENCE

MARGIN = 2.0  # points within which the ladder's paper lands on four tasks
FLP, DIRECT, CHOICE = f"{PROSE}, then linear (FLP)", "log power in compute", "our choice"
PAPER = (*WITHIN_TWO_POINTS, *OTHERS)


def known_answers() -> dict[str, pd.DataFrame]:
    """The ladder of 7B on eight tasks, a quick fit within the 7B run, and Gadre's mean of tasks, each made again.

    Returns
    -------
    dict
        ladder: task, group, error (points), converged; the scores themselves stay where they come from. quick: method,
        error (mean absolute, points), tasks, points, failed. gadre: run, error, last (error of the last score), loss_error
        (nats), converged

    Raises
    ------
    UserError
        If the ladder misses one of its four tasks by more than its paper says.
    """
    history = olmo_ladder.ladder()
    rows = replications.ladder(history[history["run"].isin(LADDER)], olmo_ladder.annealed())
    missed = rows[rows["task"].isin(WITHIN_TWO_POINTS) & ~(100 * rows["error"].abs() < MARGIN)]
    if len(missed):
        raise UserError(f"ladder: {missed['task'].iloc[0]} is missed by more than {MARGIN:g} points; nothing else is forecast")
    group = np.where(rows["task"].isin(WITHIN_TWO_POINTS), "within two points", "others")
    ladder = rows.assign(group=group, error=100 * rows["error"])
    quick = replications.within_run(olmo_ladder.seven_b())
    quick = quick.assign(error=100 * quick["error"].abs(), failed=~quick["converged"]).groupby("method", sort=False)
    quick = quick.agg(error=("error", "mean"), tasks=("task", "size"), points=("points", "first"), failed=("failed", "sum"))
    return {"ladder": ladder[["task", "group", "error", "converged"]], "quick": quick.reset_index(), "gadre": gadre()}


def gadre() -> pd.DataFrame:
    """The mean of Gadre's tasks for each of its largest models: loss in parameters and tokens, then an exponential."""
    rows = []
    for history in cases.of_gadre().values():
        mean = history[history["task"] == MEAN].set_index("run")
        for case in cases.larger(GADRE, history):
            small, target = mean.loc[mean.index.isin(case.history["run"])], mean.loc[case.run]
            law = TwoStep(first=Chinchilla(), second=Exponential(rising=False))
            fitted = law.fit(small[["parameters", "tokens"]], small[PROSE], small["score"])
            place = np.array([[target["parameters"], target["tokens"]]], float)
            last = small["score"].loc[(small["parameters"] * small["tokens"]).idxmax()]
            rows.append(
                {
                    "run": case.run,
                    "error": 100 * (float(fitted.predict(place)[0]) - target["score"]),
                    "last": 100 * (last - target["score"]),
                    "loss_error": float(fitted.signal(place)[0]) - target[PROSE],
                    "converged": fitted.converged,
                }
            )
    return pd.DataFrame(rows)


def estimates(rows: pd.DataFrame, answers: Mapping[str, pd.DataFrame], bootstrap: Bootstrap) -> pd.DataFrame:
    """What the scoreboard reads: claim, estimate, low, high, level, n, n_unit, null.

    Parameters
    ----------
    rows : of `published.errors`, with the scores that came
    answers : of `known_answers`
    bootstrap : its level is that of all intervals; it draws runs where there are many, Student's t serves elsewhere
    """
    level = bootstrap.level
    ladder = answers["ladder"].set_index("task")["error"].abs()
    larger = rows[(rows["data"] == OLMO_LADDER) & rows["task"].isin(PAPER)]
    near, far = (
        larger[larger["known"].str.startswith(times)].pivot(index="task", columns="method", values="error").abs()
        for times in ("13 ", "83 ")
    )
    score = larger.groupby("task")["score"].first()
    relative = near.div(100 * score, axis=0)
    average = answers["gadre"]
    claims = {
        "forecast-ladder-four": (
            ladder[list(WITHIN_TWO_POINTS)],
            far.loc[list(WITHIN_TWO_POINTS), PERSISTENCE].mean(),
            "tasks",
        ),
        "forecast-ladder-others": (ladder[list(OTHERS)], np.nan, "tasks"),
        "forecast-gadre-mean": (average["error"].abs() - average["last"].abs(), np.nan, "models"),
        "forecast-flp-five-percent": (relative[FLP], relative[PERSISTENCE].mean(), "tasks"),
        "forecast-flp-over-compute": (near[FLP] - near[summaries.COMPUTE], np.nan, "tasks"),
        "forecast-direct": (near[DIRECT] - near[FLP], np.nan, "tasks"),
    }
    lines = [
        _line(name, mean_interval(values.to_numpy(), level), len(values), unit) | {"null": null}
        for name, (values, null, unit) in claims.items()
    ]
    mine = summaries.differences(rows[(rows["data"] == GEMSTONES) & (rows["known"] == "1/4")], (CHOICE,), bootstrap)
    over_last = mine[mine["baseline"] == PERSISTENCE].iloc[0]
    interval = Interval(*(float(over_last[name]) for name in Interval._fields))
    lines.append(_line("ours-forecast-over-last", interval, int(over_last["runs"]), "runs") | {"null": np.nan})
    return pd.DataFrame(lines).assign(level=level)


def _line(claim: str, interval: Interval, count: int, unit: str) -> dict[str, object]:
    return {"claim": claim} | interval._asdict() | {"n": count, "n_unit": unit}
