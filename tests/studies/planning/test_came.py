"""What the recorded run says of promises, for the terminal."""

import pandas as pd
import pytest

from proxylib.stats import Interval
from proxylib.studies.planning import came


def test_the_recorded_run_is_read_at_the_nearest_tolerance(tmp_path):
    assert came.recorded(0.01, tmp_path) is None
    whole = came.recorded(0.01)
    misses = recorded("misses")
    rows = misses[(misses["promise"] == "as it is") & (misses["tolerance"] == 1.0)].set_index("measure")
    assert whole.tolerance == 1 and whole.lost.estimate == pytest.approx(rows.loc["nothing", "estimate"])
    assert whole.promised.estimate == pytest.approx(rows.loc["promised", "estimate"]) and whole.studies == 5
    assert [came.recorded(tolerance).tolerance for tolerance in (0, 0.003, 0.012, 0.5)] == [0.25, 0.25, 1, 2]


@pytest.mark.parametrize(("tolerance", "without"), [(0.0025, {"DataDecide"}), (0.005, {"DataDecide"}), (0.02, set())])
def test_studies_whose_plans_hardly_ever_stop_are_left_out(tolerance, without):
    stops = recorded("stops")
    rows = stops[(stops["promise"] == "as it is") & (stops["tolerance"] == 100 * tolerance) & (stops["study"] != "the lab")]
    assert set(rows.loc[rows["stopped"] < 0.25, "study"]) == without
    told = came.recorded(tolerance)
    assert told.studies == len(rows) - len(without)
    assert told.lost.estimate == pytest.approx(rows.loc[~rows["study"].isin(without), "regret"].mean())
    assert told.lost.low >= 0


def recorded(table):
    return pd.read_parquet(next((came.ROOT / "results" / "reference" / "plan_stops").glob(f"*/{table}.parquet")))


def test_promises_are_said_beside_what_came():
    said = came.in_words(came.Came(1.0, Interval(0.72, 0.5, 0.9), Interval(0.53, -0.1, 1.1), 5, "run"))
    assert said == "in 5 published studies, plans that stopped at 1 point had promised 0.72 and lost 0.5 [-0.1, 1.1]"
