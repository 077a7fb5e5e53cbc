"""Where plans stop, and whether a correction that others taught mends what they promise."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from studies.planning.made_up import recorded

from proxylib.stats import Bootstrap
from proxylib.studies.planning import stops
from proxylib.studies.planning.policies import NOTHING, PLAN, RANDOM
from proxylib.studies.planning.settings import Planning, SurgicalSettings

TRUTH = stops.Correction(float(np.log(0.5)), 0.5)


def made_up(names=("a", "b", "c", stops.LAB), decisions=40):
    """States of studies whose regret comes as a known power of the promise, with luck."""
    rng = np.random.default_rng(5)
    rows = []
    for study in names:
        for part in range(decisions):
            for policy in (PLAN, RANDOM):
                for cells in range(2, 11):
                    promised = 0.08 * np.exp(-0.6 * cells) * rng.lognormal(0, 0.3)
                    regret = 2 * TRUTH(np.array([promised]))[0] * (rng.random() < 0.5)
                    rows.append((study, study, part, "s", policy, 0, cells, regret, promised))
            rows.append((study, study, part, "s", NOTHING, 0, 0, 0.03, np.nan))
    return pd.DataFrame(rows, columns=[*stops.DECISION, "policy", "repeat", "cells", "regret", "promised"])


def test_a_correction_is_the_power_that_is_there_and_right_on_average():
    rows = stops.summaries.states(made_up())
    learnt = stops.correction(rows)
    assert learnt.power == pytest.approx(0.5, abs=0.06)
    assert learnt(rows["promised"].to_numpy()).mean() == pytest.approx(rows["regret"].mean(), rel=1e-6)
    assert learnt(np.array([0.0]))[0] == learnt(np.array([stops.LEAST]))[0]


def test_where_nothing_was_ever_lost_nothing_is_expected():
    rows = stops.summaries.states(made_up()).assign(regret=0.0)
    assert (stops.correction(rows)(rows["promised"].to_numpy()) == 0).all()


def test_each_study_weighs_alike_however_many_states_it_has():
    rows = stops.summaries.states(made_up(names=("a", "b")))
    once = stops.correction(rows)
    more = stops.correction(pd.concat([rows, *[rows[rows["study"] == "b"]] * 9], ignore_index=True))
    assert tuple(more) == pytest.approx(tuple(once), rel=1e-6)


def test_a_plan_stops_at_its_first_small_promise_of_three_evaluations_or_more():
    trace = pd.DataFrame({"cells": [2, 3, 4, 5], "promised": [0.001, 0.02, 0.008, 0.001], "regret": [0.5, 0.4, 0.03, 0.2]})
    about = {"study": "a", "data": "a", "part": "p", "score": "s", "repeat": 0, "policy": PLAN}
    free = about | {"policy": NOTHING, "cells": 0, "promised": np.nan, "regret": 0.07}
    never = trace.assign(**about | {"repeat": 1}).assign(promised=0.5)
    states = pd.concat([trace.assign(**about), never, pd.DataFrame([free])], ignore_index=True)
    same = stops.Correction(0.0, 1.0)
    by = {f"{stops.OTHERS} than a": stops.Correction(np.log(2), 1.0), stops.BY_LAB: same}
    rows = stops.stopped(states, by).set_index(["promise", "tolerance"])
    row = rows.loc[stops.AS_IT_IS, 1.0]
    assert row["stopped"] == 0.5 and row["cells"] == 4 and row["nothing"] == pytest.approx(7)
    assert tuple(row[["promised", "regret", "miss"]]) == pytest.approx((0.8, 3, 2.2))
    later = rows.loc[stops.OTHERS, 1.0]  # twice the promise is small enough one evaluation later
    assert later["cells"] == 5 and later["promised"] == pytest.approx(0.2)
    assert rows.loc[stops.AS_IT_IS, 2.0]["cells"] == 3


def test_nobody_is_corrected_by_what_it_taught_itself():
    states = made_up()
    odd = states["study"].eq("a")
    changed = states.assign(regret=states["regret"].where(~odd, 0.9))
    key = f"{stops.OTHERS} than a"
    assert stops.corrections(states)[key] == stops.corrections(changed)[key]
    assert stops.corrections(states)["by all"] != stops.corrections(changed)["by all"]
    assert stops.corrections(states)[stops.BY_LAB] == stops.corrections(changed)[stops.BY_LAB]


def test_misses_are_over_published_studies_and_a_right_correction_lessens_them():
    states = made_up()
    table = stops.misses(stops.stopped(states, stops.corrections(states)), 0.95)
    assert (table["n"] <= 3).all()
    at = table[table["tolerance"] == 1.0].set_index(["promise", "measure"])["estimate"]
    assert at[stops.OTHERS, "size"] < at[stops.AS_IT_IS, "size"]
    less = at[stops.OTHERS, "size, minus that as it is"]
    assert less == pytest.approx(at[stops.OTHERS, "size"] - at[stops.AS_IT_IS, "size"])
    assert at[stops.AS_IT_IS, "nothing"] == pytest.approx(at[stops.AS_IT_IS, "miss"] + at[stops.AS_IT_IS, "promised"])
    always = stops.summaries.states(states).query("study != @stops.LAB")["regret"].mean()
    assert at[stops.AS_IT_IS, "nothing, always"] == pytest.approx(100 * always)


def test_the_plan_is_compared_with_nothing_bought():
    states = made_up()
    plan = states[(states["policy"] == PLAN) & (states["cells"] == 5)].groupby("study")["regret"].mean()
    pd.testing.assert_series_equal(
        stops.against_nothing(states).sort_index(), 100 * (plan - 0.03).sort_index(), check_names=False
    )


def test_the_stage_stops_plans_of_every_domain_and_of_published_states(few_guesses):
    cells, verdicts, grades = recorded(notes=4)
    runs = {"published": {"states": made_up(names=("a", "b"), decisions=3)}}
    for domain in ("scribe", "claims"):
        runs[f"loss_fits/{domain}"] = {"cells": cells}
        runs[f"verdicts/{domain}"] = {"verdicts": verdicts, "grades": grades}
    settings = SurgicalSettings(
        planning=Planning(repeats=1, cells=4, decided=3, notes=(2,), notes_decided=2),
        bootstrap=Bootstrap(draws=50, level=0.95, seed=1),
    )
    tables, facts = {}, {}
    step = SimpleNamespace(settings=settings, parents=runs, parent=lambda role: SimpleNamespace(table=runs[role].__getitem__))
    stops.build(step, SimpleNamespace(write_table=tables.__setitem__, note=facts.update))
    assert set(tables) == {"stops", "misses", "corrections", "estimates"} and facts["studies"] == ["a", "b"]
    assert set(tables["stops"]["study"]) == {"a", "b", stops.LAB}
    row = tables["estimates"].set_index("claim").loc["ours-plan-stop"]
    assert row["n"] == 2 and row["low"] <= row["estimate"] <= row["high"]
