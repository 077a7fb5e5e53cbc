"""Does a line of score on loss hold for models several times larger than those it was fitted to? The stage of published runs.

Of the published data nothing enters a run but errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.data.published import gadre, gemstones, olmo_ladder
from proxylib.laws.curves import Exponential, Linear
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, mean_interval

TIMES = (2, 4, 8)
LEAST = 5  # models that a curve is fitted to
FORMS = {"line": Linear(), "exponential": Exponential(rising=False)}
TASKS = 8  # of Gadre's, those of most items


class Set(NamedTuple):
    """Final models of one data set: parameters, loss (nats) and mean accuracy in percent."""

    name: str
    models: pd.DataFrame


def build(step, workspace: Workspace) -> None:
    """Errors beyond the fitted range beside those within it.

    Parameters
    ----------
    step : its settings are a `Bootstrap`
    workspace : receives `errors` (set, form, times, models, targets, beyond, within, spread: points; slope) and `estimates`
    """
    bootstrap: Bootstrap = step.settings
    table = pd.concat([errors(part) for part in sets()], ignore_index=True)
    workspace.write_table("errors", table)
    workspace.write_table("estimates", estimates(table, bootstrap.level))
    workspace.note(level=bootstrap.level, sets=table["set"].nunique())


def sets() -> Iterator[Set]:
    """Gadre's models by corpus, OLMo's ladder, Gemstones: at the end of each run."""
    ladder = olmo_ladder.ladder()
    yield final("OLMo ladder", ladder[ladder["task"].isin(olmo_ladder.PAPER_TASKS)], "loss_c4")
    frame = gadre.gadre()
    most = frame.groupby("task")["items"].first().nlargest(TASKS).index
    for corpus, part in frame[frame["task"].isin(most)].groupby(frame["run"].map(gadre.corpus_of)):
        yield final(f"Gadre, {corpus}", part, "loss_c4")
    yield final("Gemstones", gemstones.gemstones(), "loss_dclm")


def final(name: str, frame: pd.DataFrame, loss: str) -> Set:
    """The last checkpoint of each run of a history that has all tasks."""
    last = frame[frame["tokens"] == frame.groupby("run")["tokens"].transform("max")].dropna(subset=[loss])
    scores = last.pivot(index="run", columns="task", values="score").dropna()
    about = last.drop_duplicates("run").set_index("run").loc[scores.index]
    return Set(name, pd.DataFrame({"parameters": about["parameters"], "loss": about[loss], "score": 100 * scores.mean(axis=1)}))


def errors(part: Set) -> pd.DataFrame:
    """Mean absolute error on the largest models, from all that are at most 1/2, 1/4, 1/8 as large, their loss being known.

    Returns
    -------
    set, form, times, models (fitted), targets, beyond (points; targets are the models of the largest size), within (of each
    fitted model, left out), nothing (of the fitted models' mean), bias (mean of what was forecast minus what came)
    """
    models = part.models
    targets = models[models["parameters"] > 0.9 * models["parameters"].max()]
    rows = []
    for times in TIMES:
        known = models[models["parameters"] <= targets["parameters"].min() / times]
        if len(known) < LEAST:
            continue
        for form, law in FORMS.items():
            missed = law.fit(known["loss"], known["score"]).curve(targets["loss"].to_numpy()) - targets["score"].to_numpy()
            within = [_left_out(known, place, law) for place in range(len(known))]
            row = {"set": part.name, "form": form, "times": times, "models": len(known), "targets": len(targets)}
            values = {"beyond": np.abs(missed).mean(), "within": np.mean(np.abs(within)), "bias": missed.mean()}
            rows.append(row | values | {"nothing": np.abs(targets["score"] - known["score"].mean()).mean()})
    return pd.DataFrame(rows)


def _left_out(known: pd.DataFrame, place: int, law: Linear | Exponential) -> float:
    rest = known.drop(known.index[place])
    one = known.iloc[[place]]
    return float((law.fit(rest["loss"], rest["score"]).curve(one["loss"].to_numpy()) - one["score"].to_numpy())[0])


def estimates(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """claim ("beyond-FORM-TIMES"), estimate, low, high: error beyond minus error within, mean over sets, Student's t."""
    rows = []
    for (form, times), part in table.groupby(["form", "times"], sort=False):
        interval = mean_interval(part["beyond"] - part["within"], level)
        about = {"claim": f"beyond-{form}-{times}", "level": level, "n": len(part), "n_unit": "sets of published models"}
        rows.append(about | interval._asdict())
    return pd.DataFrame(rows)
