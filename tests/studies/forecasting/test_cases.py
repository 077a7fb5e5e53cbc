"""What is known lies before what is asked about."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.forecasting import cases
from proxylib.studies.forecasting.cases import GADRE, GEMSTONES, PYTHIA


def runs(sizes, tokens, names=None):
    """Runs of some sizes, checkpoints at some tokens, one task whose score tells the checkpoint."""
    names = names or [f"{size:g}" for size in sizes]
    rows = [
        {"run": name, "task": "t", "parameters": size, "tokens": x, "score": 0.3 + x / 1e13, "chance": 0.25, "stderr": 0.01}
        for name, size in zip(names, sizes, strict=True)
        for x in tokens
    ]
    return pd.DataFrame(rows).assign(**{cases.PROSE: 3.0})


def test_later_in_a_run_only_the_first_share_is_known():
    frame = runs([1e8, 2e8], np.arange(0, 11) * 1e10)
    made = list(cases.later(GEMSTONES, frame))
    assert [case.known for case in made] == ["1/2"] * 2 + ["1/4"] * 2 + ["1/8"] * 2
    for case in made:
        share = 1 / float(case.known.removeprefix("1/"))
        assert case.history["tokens"].between(1, share * 1e11).all() and set(case.history["run"]) == {case.run}
        assert case.came["t"] == pytest.approx(0.31) and case.target == "tokens=100000000000.0"
    assert made[0].history["tokens"].max() == 5e10


def test_a_larger_run_is_forecast_from_those_of_so_much_less_compute_alone():
    frame = runs([1e8, 2e8, 4e8, 8e8, 1.6e9], [1e10, 1e11])
    made = list(cases.larger(PYTHIA, frame))
    assert [(case.known, case.run) for case in made] == [
        (f"{times} times less", run) for times in (2, 8) for run in ("8e+08", "1.6e+09")
    ]
    for case in made:
        times, size = float(case.known.split()[0]), float(case.run)
        assert (case.history["parameters"] * times <= size).all() and case.run not in set(case.history["run"])
        assert len(case.history) == 2 * (frame["parameters"].unique() * times <= size).sum()
    assert made[0].target == "parameters=800000000.0,tokens=100000000000.0"


def test_variants_of_a_run_are_one_cluster():
    assert cases.cluster("pythia-1b-deduped") == cases.cluster("pythia-1b") != cases.cluster("pythia-1.4b")


def test_the_error_of_a_mean_is_that_of_independent_shares():
    assert cases._error_of_mean(pd.Series([0.3, 0.4])) == pytest.approx(0.25)


@pytest.mark.published
def test_gadre_keeps_the_tasks_of_its_paper_and_its_largest_models(published_set):
    published_set("gadre_scaling")
    histories = cases.of_gadre()
    assert set(histories) == {"C4", "RedPajama", "RefinedWeb"}
    made = [case for history in histories.values() for case in cases.larger(GADRE, history)]
    assert len(made) == 4 and all(case.history["task"].nunique() == 17 + 1 for case in made)
    assert sum("7b" in case.run for case in made) == 3 and sum("1b-32.0" in case.run for case in made) == 1


@pytest.mark.published
def test_the_ladder_is_asked_at_thirteen_and_at_eighty_three_times(published_set):
    for name in ("olmo_ladder", "gemstones", "gadre_scaling", "pythia_evals"):
        published_set(name)
    made = [case for case in cases.cases() if case.data == cases.OLMO_LADDER]
    assert ["3B" in "".join(case.history["run"].unique()) for case in made] == [True, False]
    assert [case.history["run"].nunique() for case in made] == [20, 16] and all(len(case.came) == 10 for case in made)
