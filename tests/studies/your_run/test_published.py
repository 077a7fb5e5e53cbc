"""Alarms on runs believed sound, and on faults put into them; simulated runs stand in for published ones."""

import numpy as np
import pandas as pd
import pytest

from proxylib.alarms import table
from proxylib.data.histories.measured import Measured, frame
from proxylib.stats import Bootstrap
from proxylib.studies.your_run import published, published_report
from proxylib.studies.your_run.sound import Sound, measured

BOOTSTRAP = Bootstrap(draws=100, level=0.95, seed=3)


def run(name, data="Gemstones", seed=0, number=45):
    rng, k = np.random.default_rng(seed), np.arange(number)
    share = 0.3 + 0.3 * (1 - np.exp(-k / 15))
    scores = pd.DataFrame({"task": "arc", "kind": "score", "value": rng.binomial(4000, share) / 4000, "items": 4000.0})
    losses = [
        pd.DataFrame({"task": task, "kind": "loss", "value": 2 + 3 / np.sqrt(k + 1) + rng.normal(0, 0.003, number)})
        for task in ("web", "code")
    ]
    rows = pd.concat([part.assign(at=1e9 * (k + 1)) for part in (scores, *losses)], ignore_index=True)
    return Sound(data, name, f"{data} {name[0]}", Measured(frame(rows), "tokens", ()))


@pytest.fixture(scope="module")
def made():
    given = [run(name, seed=seed) for seed, name in enumerate("ab")]
    return published.tables([*given, run("p", data="Pythia", seed=9)], BOOTSTRAP)


def test_runs_without_a_fault_raise_few_alarms_and_large_faults_are_found_where_they_are(made):
    rates = made["rates"].set_index(["data", "alarm"])
    assert rates.loc[("report", "tests"), "estimate"] < 1 and rates.loc[("report", "tests"), "checkpoints"] == 90
    assert rates.loc[("report", "tests"), "runs"] == 2, "what tuned the detectors is not reported"
    power = made["power"].set_index(["data", "fault", "size"])["estimate"]
    for fault, size in (("fall", 10), ("turn", 10), ("jump", 30), ("stop", 0), ("repeat", 0)):
        assert power["report", fault, size] == 1, fault
    assert (made["planted"].dropna()["delay"] >= 0).all()
    assert power["report", "fall", 2] <= power["report", "fall", 5] <= power["report", "fall", 10]


def test_the_claim_is_the_rate_of_the_sets_for_reporting(made):
    (row,) = made["estimates"].to_dict("records")
    rate = made["rates"].query("data == 'report' and alarm == 'any'").iloc[0]
    assert row["claim"] == "ours-monitor-silent" and row["estimate"] == rate["estimate"] and row["n"] == 2
    assert row["low"] <= row["estimate"] <= row["high"] and row["high"] > 0


def test_a_run_with_many_alarms_counts_once_where_the_promise_is_of_any():
    about = {"data": "OLMo ladder", "checkpoints": 100, "series": 2}
    counted = pd.DataFrame([about | {"run": name, "cluster": name, "tests": tests} for name, tests in (("a", 4), ("b", 0))])
    alarms = pd.DataFrame({"data": "OLMo ladder", "run": "a", "alarm": ["spike"] * 4})
    rates = published.rates(counted, alarms, BOOTSTRAP).set_index(["data", "alarm"])["estimate"]
    assert (rates["report", "tests"], rates["report", "any"]) == (2.0, 0.5)


def test_nothing_of_a_run_is_kept_but_alarms_and_counts(made):
    kept = {name: set(table.columns) for name, table in made.items()}
    assert not {"value", "score", "change"} & set.union(*kept.values())


def test_a_fault_changes_its_series_from_its_place_on_and_nothing_else():
    rows = run("a").known.rows
    for fault, sizes in published.FAULTS.items():
        task = "arc" if fault == "fall" else "code"
        after = published.with_fault(rows, task, 30e9, fault, sizes[-1])
        kept = (rows["task"] != task) | (rows["at"] < 30e9)
        pd.testing.assert_frame_equal(after[kept.reindex(after.index)], rows[kept])
        moved = after[~kept.reindex(after.index)]["value"].to_numpy()
        assert fault == "stop" or not np.allclose(moved, rows[~kept]["value"])
    end = published.with_fault(rows, "code", 30e9, "turn", 10)["value"] / rows["value"]
    assert end[rows["at"] == 45e9].max() == pytest.approx(1.1)


def test_an_alarm_that_was_there_without_the_fault_is_no_find(monkeypatch):
    sound = run("a")
    places, fell = np.sort(sound.known.rows["at"].unique()), 36e9
    monkeypatch.setitem(
        published.DETECTORS, "fall", lambda rows, error: table.frame([("regression", "arc", fell, fell, -0.1, -0.2, 0.0, 0.01)])
    )
    assert fell > places[27] and not any(row["found"] for row in published.planted(sound, 3) if row["fault"] == "fall")


def test_a_published_history_becomes_what_a_user_would_hold():
    history = pd.DataFrame(
        {
            "tokens": [1e9, 1e9, 2e9, 2e9],
            "task": ["wsc", "arc"] * 2,
            "score": 0.5,
            "chance": 0.5,
            "items": 100.0,
            "stderr": 0.05,
        }
    ).assign(loss_c4=[3.0, 3.0, 2.9, 2.9], loss_train=[2.0, 2.0, 1.9, 1.9])
    rows = measured(history, "loss_").rows
    assert rows.groupby("task").size().to_dict() == {"arc": 2, "loss_c4": 2, "loss_train": 2, "wsc": 2}
    assert rows.set_index("task")["split"].to_dict()["loss_train"] == "train"
    assert rows[rows["task"] == "wsc"]["chance"].iloc[0] == pytest.approx(66 / 104)


def test_tables_of_the_page_name_sets_faults_and_kinds(made):
    shown = published_report.kinds_table(made["rates"])
    assert shown["runs"].tolist() == ["all for reporting: 2", "Gemstones: 2", "Pythia (tuning): 1"]
    found = published_report.found(made["power"])
    assert found["row"].iloc[0] == "a score falls by 2 points" and found["estimate"].between(0, 100).all()
    assert len(published_report.found_table(made["power"])) == 33 and len(published_report.rates(made["rates"])) == 3
    assert set(made["rates"]["alarm"]) == {"any", "tests", *table.KINDS}
