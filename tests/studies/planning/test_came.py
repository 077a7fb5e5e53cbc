"""What the recorded run says of promises, for the terminal."""

import pandas as pd

from proxylib.stats import Interval
from proxylib.studies.planning import came


def test_the_recorded_run_is_read_at_the_nearest_tolerance(tmp_path):
    assert came.recorded(0.01, tmp_path) is None
    whole = came.recorded(0.01)
    misses = pd.read_parquet(next((came.ROOT / "results" / "reference" / "plan_stops").glob("*/misses.parquet")))
    rows = misses[(misses["promise"] == "as it is") & (misses["tolerance"] == 1.0)].set_index("measure")
    assert whole.tolerance == 1 and whole.lost.estimate == rows.loc["nothing", "estimate"]
    assert whole.promised.estimate == rows.loc["promised", "estimate"]
    assert [came.recorded(tolerance).tolerance for tolerance in (0, 0.003, 0.012, 0.5)] == [0.25, 0.25, 1, 2]


def test_promises_are_said_beside_what_came():
    said = came.in_words(came.Came(1.0, Interval(0.72, 0.5, 0.9), Interval(0.53, -0.1, 1.1), 5, "run"))
    assert said == "in 5 published studies, plans that stopped at 1 point had promised 0.72 and lost 0.5 [-0.1, 1.1]"
