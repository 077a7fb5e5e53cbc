"""Errors beyond a range: a line over a line is as good there, over a bend it is not; its targets stay unseen."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.scale import published


def made(score, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    size = np.repeat(2.0 ** np.arange(8), 2)
    loss = 4 - 0.3 * np.log2(size) + 0.05 * rng.standard_normal(len(size))
    return published.Set(
        "made", pd.DataFrame({"parameters": size, "loss": loss, "score": score(loss) + noise * rng.standard_normal(len(size))})
    )


def test_a_line_holds_where_scores_are_a_line_and_not_where_they_bend():
    straight = published.errors(made(lambda loss: 90 - 15 * loss)).set_index(["form", "times"])
    assert straight.loc["line"][["beyond", "within"]].to_numpy() == pytest.approx(0, abs=1e-9)
    bent = published.errors(made(lambda loss: 20 + 60 * np.exp(-1.2 * (loss - 2)))).set_index(["form", "times"])
    gaps = bent["beyond"] - bent["within"]
    assert gaps["line", 8] > gaps["line", 2] > 1 and bent.loc[("exponential", 8), "beyond"] < 0.5
    assert (bent.loc["line", "bias"] < 0).all(), "a line falls short of what bends upwards"
    assert list(bent.loc["line", "models"]) == [14, 12, 10] and (bent["targets"] == 2).all()


def test_a_curve_does_not_see_its_targets():
    part = made(lambda loss: 90 - 15 * loss)
    spoiled = part.models.assign(score=part.models["score"].where(part.models["parameters"] < 128, 0.0))
    table = published.errors(published.Set("spoiled", spoiled))
    assert (table["within"][table["form"] == "line"] < 1e-9).all() and (table["beyond"] > 30).all()


def errors_of_three():
    """As from `errors`, of three sets."""
    keys = [(form, times, name) for name in "abc" for times in published.TIMES for form in published.FORMS]
    table = pd.DataFrame(keys, columns=["form", "times", "set"]).assign(models=9, targets=2, bias=0.0, nothing=9.0)
    return table.assign(beyond=np.arange(len(table)) + 2.0, within=1.0)


def test_estimates_are_of_sets():
    table = errors_of_three()
    row = published.estimates(table, 0.95).set_index("claim").loc["beyond-line-8"]
    part = table[(table["form"] == "line") & (table["times"] == 8)]
    assert row["estimate"] == pytest.approx((part["beyond"] - 1).mean()) and row["n"] == 3 and row["low"] < row["estimate"]


def test_the_last_checkpoint_counts_and_runs_without_a_task_do_not():
    rows = [("a", 1, "x", 0.2), ("a", 1, "y", 0.4), ("a", 2, "x", 0.4), ("a", 2, "y", 0.6), ("b", 2, "x", 0.1)]
    frame = pd.DataFrame(rows, columns=["run", "tokens", "task", "score"]).assign(parameters=7, loss=3.0)
    models = published.final("one", frame, "loss").models
    assert models["score"].tolist() == [50.0] and models["parameters"].tolist() == [7]
