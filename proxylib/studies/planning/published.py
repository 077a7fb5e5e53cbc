"""Which published runs to evaluate next, their losses being known: the stage `published_surgical`.

Of the published data nothing enters a run but regrets, errors and promises. Two more studies, which have no loss but what
stands for one, say whether promises are kept where nothing was ever tuned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from proxylib.data.published import datadecide, gadre, gemstones, olmo_ladder, pythia
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, mean_interval
from proxylib.studies.planning import summaries
from proxylib.studies.planning.grids import Grid
from proxylib.studies.planning.policies import NOTHING, PLAN, RANDOM, UNSURE

MEAN = "mean of tasks"
ITEMS, CELLS, DECIDED, REPEATS = 1000, 10, 5, 8
TASKS = 8  # of Gadre's, those of most items
STILL = ("lambada_openai", "mmlu", "wsc")  # of Pythia's tasks: the signal itself, at chance, one label in the majority
STATE = ["study", "data", "part", "score", "policy", "repeat", "cells", "regret", "promised"]


def build(step: Any, workspace: Workspace) -> None:
    """Try every policy on every grid and task.

    Parameters
    ----------
    step : its settings are a `Bootstrap`
    workspace : receives `curves`, `promises`, `estimates`, and `states` (what was promised and what came, a row per state of
        plan and random, and of buying nothing)

    Raises
    ------
    UserError
        If a published set is not at hand.
    """
    bootstrap: Bootstrap = step.settings
    known = list(grids())
    how = (ITEMS, CELLS, REPEATS, bootstrap.seed)
    rows = summaries.traces(known, *how)
    more = summaries.traces(fresh(), *how, known=(PLAN, RANDOM), unknown=())
    states = pd.concat([rows, more], ignore_index=True)
    states = states[states["policy"].isin((PLAN, RANDOM, NOTHING))]
    workspace.write_table("curves", summaries.curves(averaged(rows), bootstrap.level))
    workspace.write_table("promises", summaries.promises(rows))
    workspace.write_table("states", states[STATE].reset_index(drop=True))
    workspace.write_table("estimates", estimates(rows, bootstrap.level))
    facts = {"grids": rows["data"].nunique(), "studies": rows["study"].nunique(), "decisions": len(known)}
    workspace.note(level=bootstrap.level, items=ITEMS, decided=DECIDED, **facts)


def grids() -> Iterator[Grid]:
    """The five grids of three studies, each on its tasks and on their mean."""
    ladder = olmo_ladder.ladder()
    yield from _tasks("OLMo ladder", ladder[ladder["task"].isin(olmo_ladder.PAPER_TASKS)], "loss_c4")
    frame = gadre.gadre()
    most = frame.groupby("task")["items"].first().nlargest(TASKS).index
    frame = frame[frame["task"].isin(most)]
    for corpus, part in frame.groupby(frame["run"].map(gadre.corpus_of)):
        yield from _tasks(f"Gadre, {corpus}", part, "loss_c4")
    yield from _tasks("Gemstones", gemstones.gemstones(), "loss_dclm")


def fresh() -> Iterator[Grid]:
    """Two studies on which nothing of the plan was looked at before its promises were tested there."""
    loss = datadecide.nll().query("size == @datadecide.TARGET").groupby("corpus")["nll_per_char"].mean()
    rows = datadecide.target().rename(columns={"corpus": "run", "accuracy": "score"})
    rows = rows[rows["task"] != datadecide.MACRO].assign(loss=rows["run"].map(loss), parameters=1, tokens=1)
    yield from _tasks("DataDecide", rows, "loss")
    rows = pythia.pythia()
    yield from _tasks("Pythia", rows[~rows["task"].isin(STILL)], "lambada_nll")


def _tasks(data: str, frame: pd.DataFrame, loss: str) -> Iterator[Grid]:
    last = frame[frame["tokens"] == frame.groupby("run")["tokens"].transform("max")].dropna(subset=[loss])
    scores = last.pivot(index="run", columns="task", values="score").dropna()
    about = last.drop_duplicates("run").set_index("run").loc[scores.index]
    columns = {"loss": loss, "size": "parameters", "examples": "tokens"}
    cells = about[list(columns.values())].set_axis(list(columns), axis=1).assign(group=scores.index).reset_index(drop=True)
    for task in scores:
        yield Grid(data, str(task), str(task), cells, scores[task].to_numpy(float))
    yield Grid(data, MEAN, MEAN, cells, scores.mean(axis=1).to_numpy(float))


def averaged(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the mean of tasks as they are, and those of single tasks under one name, a part a grid."""
    single = rows["score"] != MEAN
    return pd.concat(
        [
            rows[~single].assign(part=rows["data"][~single], data="published", score=MEAN),
            rows[single].assign(part=rows["data"][single], data="published", score="a task"),
        ]
    )


def estimates(rows: pd.DataFrame, level: float) -> pd.DataFrame:
    """The claims, in points, over studies; tasks of a grid are averaged first, then grids of a study."""
    shown = {
        "loss-surgical": summaries.differences(rows, UNSURE, UNSURE + summaries.WITHOUT, "error", DECIDED, "study"),
        "loss-surgical-regret": summaries.differences(rows, PLAN, PLAN + summaries.WITHOUT, "regret", DECIDED, "study"),
        "ours-surgical-where": summaries.differences(rows, UNSURE, RANDOM, "error", DECIDED, "study"),
        "ours-plan": summaries.differences(rows, PLAN, RANDOM, "regret", DECIDED, "study"),
        "ours-plan-nothing": summaries.differences(rows, PLAN, NOTHING, "regret", DECIDED, "study"),
        "ours-plan-promise": summaries.kept(rows, "study"),
    }
    return pd.DataFrame(
        [
            summaries.estimate(claim, mean_interval(values, level), level, len(values), "studies")
            for claim, values in shown.items()
        ]
    )
