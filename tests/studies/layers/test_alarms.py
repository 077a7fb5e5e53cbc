"""Alarms at one rate: healthy models raise so few, whatever the layer's series are; faults that show are caught."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.layers import alarms
from proxylib.studies.layers.text import HEALTHY


def models(healthy=12, faulty=3, shift=0.0, names=("a", "b", "c"), at=(1,), seed=1, families=("x", "y")):
    """Series of one layer: noise of another size in every family; of faulty models the first series is shifted."""
    rng = np.random.default_rng(seed)
    rows = []
    for scale, family in enumerate(families, 1):
        for number in range(healthy + faulty):
            fault = HEALTHY if number < healthy else "fault"
            for place in at:
                for name in names:
                    value = scale * (rng.normal() + shift * (fault != HEALTHY and name == names[0]))
                    one = {"model": family, "fault": fault, "dose": 1.0, "seed": number, "layer": "layer", "series": name}
                    rows.append(one | {"at": place, "value": value})
    return pd.DataFrame(rows)


def rate(frame, fault):
    return frame.loc[frame["fault"] == fault, "alarm"].mean()


def test_models_that_are_healthy_raise_as_few_alarms_as_promised():
    """Models called faulty that are healthy: over repeats no more than 5 % alarms, and not next to none."""
    rates = [rate(alarms.raised(alarms.scores(models(seed=seed, faulty=6))), "fault") for seed in range(30)]
    assert 0.015 < np.mean(rates) < 0.05 + 3 * np.std(rates) / np.sqrt(30)


def test_large_faults_are_caught_and_healthy_ones_raise_one_alarm_of_24():
    alarmed = alarms.raised(alarms.scores(models(shift=30.0)))
    assert rate(alarmed, "fault") == 1 and rate(alarmed, HEALTHY) == pytest.approx(1 / 24)


def test_better_is_strange_only_to_a_look_at_both_sides():
    better = models(shift=-30.0)
    assert rate(alarms.raised(alarms.scores(better)), "fault") < 0.5
    assert rate(alarms.raised(alarms.scores(better, both_sides=True)), "fault") == 1


def test_too_few_healthy_models_raise_no_alarm():
    alarmed = alarms.raised(alarms.scores(models(healthy=3, shift=30.0)))
    assert not alarmed["alarm"].any()


def test_an_item_more_where_healthy_models_agree_is_not_infinitely_strange():
    frame = models(shift=0.0)
    still = frame["series"] == "a"
    moved = frame.assign(value=np.where(still, 0.5 * (frame["fault"] == "fault"), frame["value"]))
    assert alarms.scores(moved)["score"].abs().max() < 10
    nothing = alarms.scores(frame.assign(value=1.0 * (frame["fault"] == "fault")))
    assert set(nothing["score"]) == {0.0, np.inf}  # where nothing else moves either, anything is


def test_a_layer_is_read_at_its_last_place_or_where_that_is_named():
    scored = alarms.scores(models(at=(1, 7, 28)))
    assert set(alarms.last(scored, {})["at"]) == {28} and set(alarms.last(scored, {"layer": 7})["at"]) == {7}


def test_the_first_alarm_is_where_the_fault_begins_and_looking_often_costs_nothing():
    frame = models(at=(1, 2, 3, 4), shift=0.0, faulty=4)
    late = (frame["fault"] == "fault") & (frame["at"] >= 3) & (frame["series"] == "a")
    found = alarms.first(alarms.scores(frame.assign(value=frame["value"] + 60 * late)))
    assert (
        set(found.loc[found["fault"] == "fault", "found"]) <= {1, 2, 3}
        and (found.query("fault == 'fault'")["found"] == 3).mean() > 0.7
    )
    quiet = [alarms.first(alarms.scores(models(at=(1, 2, 3, 4), seed=seed, faulty=6))) for seed in range(12)]
    assert np.mean([part.loc[part["fault"] == "fault", "found"].notna().mean() for part in quiet]) < 0.1
