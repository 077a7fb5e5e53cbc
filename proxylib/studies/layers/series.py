"""What each layer reads of a model, as series that are higher where they are worse."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib.studies.layers import people, text
from proxylib.studies.layers.settings import LayersSettings

TRAINING, VALIDATION, DOMAINS, BENCHMARKS = "training loss", "validation loss", "loss by domain", "benchmarks"
PEOPLE, TELEMETRY = "human preference", "telemetry"
LAYERS = (TRAINING, VALIDATION, DOMAINS, BENCHMARKS, PEOPLE, TELEMETRY)  # in the article's order, cheapest first
SIMULATED = (PEOPLE, TELEMETRY)
REQUESTS = (text.PLEASE, text.URGENT, text.LIKE)
WITH_REQUESTS = {DOMAINS: f"{DOMAINS}, with requests", BENCHMARKS: f"{BENCHMARKS}, with requests"}  # the second look
LAST = 0.25  # of the stage: its training loss is the mean over so much
LOOKED = 28  # days after the release at which telemetry is read for the table, or the last look before
ONE = ["model", "fault", "dose", "seed"]


def losses(trained: pd.DataFrame, domains: pd.DataFrame) -> pd.DataFrame:
    """layer, series, at (step), value: layers 1 to 3 of one model, and domains of requests for the second look."""
    late = trained[trained["step"] > (1 - LAST) * trained["step"].max()]
    rows = [(TRAINING, "mean", int(domains["step"].max()), float(late["nll"].mean()))]
    weights = _weights(domains["domain"].unique())
    for step, part in domains.groupby("step"):
        by = part.set_index("domain")["nll"]
        rows.append((VALIDATION, "mean", int(step), float(sum(weight * by[name] for name, weight in weights.items()))))
        rows += [(DOMAINS, name, int(step), float(by[name])) for name in weights]
        rows += [(WITH_REQUESTS[DOMAINS], name, int(step), float(by[name])) for name in (*weights, *REQUESTS)]
    return pd.DataFrame(rows, columns=["layer", "series", "at", "value"])


def _weights(domains: np.ndarray) -> dict[str, float]:
    """Domain that bases read -> its share of what they read."""
    asked = [name for name in domains if name not in text.FORMS and name not in ("prose", "code")]
    shares = dict.fromkeys(asked, text.BASE[text.PLAIN] / len(asked))
    return shares | {name: text.BASE[name] for name in ("prose", "code")}


def benchmark(answers: pd.DataFrame) -> pd.DataFrame:
    """layer, series, value: the share of wrong answers by task and in all; with requests for the second look."""
    wrong = lambda rows: float(1 - rows["right"].mean())
    items = answers[answers["asked"] == "benchmark"]
    cells = {"mean": wrong(items)} | {str(task): wrong(rows) for task, rows in items.groupby("task")}
    more = {form: wrong(answers[answers["asked"] == form]) for form in REQUESTS}
    rows = [(BENCHMARKS, name, value) for name, value in cells.items()]
    rows += [(WITH_REQUESTS[BENCHMARKS], name, value) for name, value in (cells | more).items()]
    return pd.DataFrame(rows, columns=["layer", "series", "value"]).assign(at=1)


def of_people(mine: pd.DataFrame, theirs: pd.DataFrame, settings: LayersSettings, seed: int) -> pd.DataFrame:
    """layer, series, at (days of telemetry), value: the two simulated layers of one model beside the reference."""
    cast = people.votes(mine, theirs, settings.people, settings.votes, seed)
    rows = [(PEOPLE, "net share of votes", 1, -float(cast.mean()))]
    log = people.used(mine, theirs, settings.users, settings.product, seed)
    for days in settings.days:
        read = people.complaints(log, settings.product.update, days)
        rows += [(TELEMETRY, name, days, value) for name, value in read.items()]
    return pd.DataFrame(rows, columns=["layer", "series", "at", "value"])


def truth(answers: pd.DataFrame, mix: Mapping[str, float]) -> dict[str, float]:
    """Quality, the share of users' requests that are answered rightly, and letters of an answer."""
    weights = np.array(list(mix.values()))
    letters = answers.groupby("asked")["letters"].mean().loc[list(mix)].to_numpy(float)
    return {"quality": float(people.shares(answers, mix) @ weights), "letters": float(letters @ weights)}
