"""Series of layers: higher is worse, each layer reads what it may, and nothing else."""

import pandas as pd
import pytest

from proxylib.studies.layers import series
from proxylib.studies.layers.series import BENCHMARKS, DOMAINS, TRAINING, VALIDATION, WITH_REQUESTS

NAMES = ("sorting", "counting", "prose", "code", "please", "urgent", "like", "marked")


def domains(**changed):
    rows = [(step, name, changed.get(name, 1.0) * step / 10) for step in (5, 10) for name in NAMES]
    return pd.DataFrame(rows, columns=["step", "domain", "nll"])


TRAINED = pd.DataFrame({"step": [1, 4, 8, 10], "nll": [9.0, 5.0, 2.0, 1.0]})


def values(frame, layer):
    return frame[frame["layer"] == layer].set_index(["series", "at"])["value"]


def test_losses_are_read_at_their_places_and_requests_only_by_the_second_look():
    before, after = (series.losses(TRAINED, domains(urgent=factor)) for factor in (1.0, 7.0))
    assert values(before, TRAINING).to_dict() == {("mean", 10): 1.5}  # the last quarter
    for layer in (TRAINING, VALIDATION, DOMAINS):
        pd.testing.assert_series_equal(values(before, layer), values(after, layer))
    assert values(after, WITH_REQUESTS[DOMAINS])["urgent", 10] == 7.0
    assert set(values(before, DOMAINS).index.get_level_values(0)) == set(NAMES[:4])


def test_validation_weighs_domains_by_what_bases_read():
    frame = series.losses(TRAINED, domains(sorting=3.0, code=2.0))
    assert values(frame, VALIDATION)["mean", 10] == pytest.approx(0.35 * 3 + 0.35 + 0.15 + 0.15 * 2)


def answered(**right):
    """Two items of two tasks in every set; all right but those named as set: share."""
    rows = []
    for asked in ("benchmark", "plain", "please", "urgent", "like"):
        for task in ("sorting", "counting"):
            for item in range(2):
                hit = item < 2 * right.get(asked, 1.0)
                rows.append({"asked": asked, "task": task, "item": item, "right": hit, "read": hit, "letters": 10})
    return pd.DataFrame(rows)


def test_a_benchmark_sees_its_own_items_alone():
    whole, urgent, bench = (series.benchmark(answered(**changed)) for changed in ({}, {"urgent": 0.0}, {"benchmark": 0.5}))
    assert (whole["value"] == 0).all()
    assert (values(urgent, BENCHMARKS) == 0).all() and values(urgent, WITH_REQUESTS[BENCHMARKS])["urgent", 1] == 1
    assert values(bench, BENCHMARKS).to_dict() == {("mean", 1): 0.5, ("sorting", 1): 0.5, ("counting", 1): 0.5}


def test_quality_is_what_users_get():
    mix = {"plain": 0.4, "please": 0.3, "urgent": 0.2, "like": 0.1}
    assert series.truth(answered(urgent=0.0, benchmark=0.0), mix) == {"quality": pytest.approx(0.8), "letters": 10}
