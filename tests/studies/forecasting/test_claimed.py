"""What published runs say of claims, from errors that are known."""

import numpy as np
import pandas as pd
import pytest

from proxylib.errors import UserError
from proxylib.laws.replications import OTHERS, WITHIN_TWO_POINTS
from proxylib.stats import Bootstrap
from proxylib.studies.forecasting import claimed, summaries
from proxylib.studies.forecasting.cases import GEMSTONES, LARGER, LATER, OLMO_LADDER
from proxylib.studies.forecasting.methods import PERSISTENCE

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)


def rows():
    """Every task of the ladder at both horizons, and six shapes; errors in points by method."""
    errors = {PERSISTENCE: -8.0, summaries.COMPUTE: 3.0, claimed.FLP: -6.0, claimed.DIRECT: 2.0, claimed.CHOICE: 1.0}
    frame = [
        {"data": OLMO_LADDER, "kind": LARGER, "known": known, "run": "7B", "cluster": "7B", "task": task}
        | {"method": method, "error": error + 0.1 * place, "score": 0.5, "horizon": 13.0}
        for known in ("13 times less", "83 times less")
        for method, error in errors.items()
        for place, task in enumerate(claimed.PAPER)
    ] + [
        {
            "data": GEMSTONES,
            "kind": LATER,
            "known": "1/4",
            "run": f"r{run}",
            "cluster": f"r{run}",
            "task": "t",
            "method": method,
        }
        | {"error": errors[method] + 0.1 * run, "score": 0.5, "horizon": 4.0}
        for run in range(6)
        for method in (PERSISTENCE, claimed.CHOICE)
    ]
    return pd.DataFrame(frame).assign(failed=False, fallback="")


def answers(**missed):
    errors = {task: 1.0 for task in WITHIN_TWO_POINTS} | {task: 7.0 for task in OTHERS} | missed
    ladder = pd.DataFrame({"task": errors.keys(), "error": errors.values()})
    return {"ladder": ladder, "gadre": pd.DataFrame({"error": [1.0, -0.5, 1.5], "last": [-8.0, -9.0, -7.0]})}


def test_claims_are_judged_by_absolute_errors_over_what_was_sampled():
    table = claimed.estimates(rows(), answers(), BOOTSTRAP).set_index("claim")
    four = table.loc["forecast-ladder-four"]
    assert four["estimate"] == 1 and four["null"] == pytest.approx(7.85) and four["n"] == 4
    assert table.loc["forecast-ladder-others", "estimate"] == 7
    assert table.loc["forecast-gadre-mean", "estimate"] == pytest.approx(-7)
    relative = table.loc["forecast-flp-five-percent"]
    assert relative["estimate"] == pytest.approx((6 - 0.35) / 50) and relative["null"] == pytest.approx((8 - 0.35) / 50)
    assert table.loc["forecast-flp-over-compute", "estimate"] == pytest.approx(3 - 0.7) and relative["n"] == 8
    assert table.loc["forecast-direct", "estimate"] == pytest.approx(-4 + 0.7)
    mine = table.loc["ours-forecast-over-last"]
    assert mine["estimate"] == pytest.approx(-7 + 0.5) and (mine["n"], mine["n_unit"]) == (6, "runs") and mine["high"] < 0


def test_nothing_is_forecast_where_the_ladder_does_not_come_out(monkeypatch):
    made = lambda error: pd.DataFrame({"task": ["piqa_val"], "score": 0.8, "estimate": 0.8 + error, "error": error})
    monkeypatch.setattr(claimed.olmo_ladder, "ladder", lambda: pd.DataFrame({"run": []}))
    monkeypatch.setattr(claimed.olmo_ladder, "annealed", lambda: None)
    monkeypatch.setattr(claimed.replications, "ladder", lambda *_: made(np.nan))
    with pytest.raises(UserError, match="ladder: piqa_val is missed by more than 2 points"):
        claimed.known_answers()
    monkeypatch.setattr(claimed.replications, "ladder", lambda *_: made(-0.021))
    with pytest.raises(UserError, match="piqa_val"):
        claimed.known_answers()


@pytest.mark.published
def test_the_mean_of_gadres_tasks_is_met_from_twenty_times_less_compute(published_set):
    published_set("gadre_scaling")
    table = claimed.gadre()
    assert len(table) == 4 and table["converged"].all()
    assert (table["error"].abs() < 3).all() and (table["last"] < -5).all() and (table["loss_error"].abs() < 0.1).all()
