"""The stage's tables: every window and method, pairs drawn out, and a profile too small for anything."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from studies.forecasting.lab_trainings import BOOTSTRAP, GOOD, several, tables

from proxylib.runs.store import Workspace
from proxylib.studies.forecasting import lab_forecasts, lab_methods
from proxylib.studies.forecasting.lab_runs import SIGNALS
from proxylib.studies.forecasting.settings import LabSettings


@pytest.fixture(scope="module")
def made():
    return lab_forecasts.phase(several(4, tasks=2), BOOTSTRAP)


def test_every_method_stands_in_every_window_over_both_sets_of_pairs(made):
    errors = made["errors"]
    assert set(errors["times"]) == {18, 6, 3, 2} and set(errors["over"]) == {"off the floor", "all"}
    assert (
        set(errors.groupby(["times", "over"]).size()) == {len(errors) / 8}
        and not errors.duplicated(["times", "over", "method", "map"]).any()
    )
    assert {*lab_methods.ALONE, *lab_methods.CHOICES} == set(errors["method"])
    inside = errors.dropna()
    assert (
        len(inside) == len(errors)
        and (inside["low"] <= inside["estimate"]).all()
        and (inside["estimate"] <= inside["high"]).all()
    )


def test_the_proxy_that_knows_is_the_best_of_eighty_and_held_in(made):
    eighty = made["eighty"].query("times == 18")
    best = eighty.loc[eighty["error"].idxmin()]
    assert best["proxy"] == SIGNALS[GOOD] and best["held_in"] == eighty["held_in"].sum() == 8
    null = made["null"].set_index("times").loc[18]
    assert null["oracle"] == pytest.approx(best["error"]) and null["oracle"] < null["low"] < null["mean"] < null["high"]


def test_pairs_are_drawn_out_from_the_first_checkpoint_to_the_last(made):
    courses = made["courses"]
    assert set(courses["which"]) == {"typical", "worst"} and courses["share"].max() == 1
    last = courses[courses["share"] == 1].pivot(index="which", columns="series", values="value")
    known = np.abs(last[lab_methods.EIGHTY] - last["accuracy"])
    assert known["typical"] <= known["worst"] + 0.01 and known["worst"] < 0.03
    assert (courses["share"] <= 1 / 18).equals(courses["window"])


def test_a_profile_too_small_for_anything_has_every_table_and_no_verdict(tmp_path):
    small = tables(steps=(0, 1, 2, 40))
    answers = small["problems"].assign(answer="same")[["task", "id", "answer"]]
    run = SimpleNamespace(table=small.__getitem__)
    parents = {"material": SimpleNamespace(table=lambda name: answers), "a": run, "b": run, "c": run}
    settings = LabSettings(runs=("a", "b"), post=("c",), counted={}, bootstrap=BOOTSTRAP)
    lab_forecasts.build(SimpleNamespace(settings=settings, parent=parents.__getitem__), Workspace(tmp_path))
    written = {path.stem: pd.read_parquet(path) for path in tmp_path.glob("*.parquet")}
    assert set(written) == {
        "errors",
        "eighty",
        "null",
        "contrasts",
        "clean",
        "moved",
        "ranks",
        "extension",
        "courses",
        "levels",
        "estimates",
    }
    assert set(written["errors"]["phase"]) == {"pretraining", "post-training"} and written["null"].empty
    assert written["estimates"][["low", "high"]].isna().all(axis=None)
