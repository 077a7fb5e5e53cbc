"""What to buy: the doubtful and promising, within the budget, until little is left to lose."""

from pathlib import Path

import numpy as np
import pytest
from studies.planning.tables import grid

from proxylib.studies.planning import decide
from proxylib.studies.planning.candidates import Candidates
from proxylib.studies.planning.settings import Layer, Plan

GIVEN = Plan(table=Path("t.csv"), out=Path("out"))
LAYERS = {"judge": Layer(items=(25, 400))}


def known(frame):
    noise = frame["score"] * (1 - frame["score"]) / frame["items"]
    return Candidates(frame.assign(noise=noise), ("loss", "size", "data"), ())


def test_a_plan_buys_where_the_best_may_be_and_loses_less_than_chance():
    planned = decide.plan(known(grid()), LAYERS, GIVEN)
    assert planned.why == "tolerance" and planned.steps["name"].str.startswith("32B").all()
    regret = planned.compared.set_index("what")["regret"]
    assert regret["everything"] < regret["this plan"] < regret["as much at random"] < regret["nothing"]
    assert planned.candidates["best"].sum() == pytest.approx(1)


def test_worth_is_told_in_other_worlds_than_those_in_which_it_was_chosen(monkeypatch):
    drawn = []
    draw = decide.purchases.worlds
    monkeypatch.setattr(decide.purchases, "worlds", lambda *args: drawn.append(draw(*args)) or drawn[-1])
    planned = decide.plan(known(grid()), LAYERS, GIVEN)
    trying, others = drawn
    assert not np.allclose(trying.truth, others.truth)
    assert planned.compared["regret"].iloc[0] == others.regret().mean() != trying.regret().mean()


def test_the_budget_is_kept_and_nothing_is_bought_where_all_is_known():
    planned = decide.plan(known(grid()), LAYERS, GIVEN.model_copy(update={"budget": 60.0, "tolerance": 0.0}))
    assert planned.why == "budget" and planned.steps["spent"].iloc[-1] <= 60 and (planned.steps["items"] == 25).all()
    frame = grid(range(15)).assign(items=10**8)
    sure = decide.plan(known(frame), LAYERS, GIVEN.model_copy(update={"tolerance": 0.0}))
    assert sure.why in ("nothing", "tolerance") and sure.steps.empty and sure.compared["regret"].max() < 1e-3


def test_a_layer_that_errs_with_endless_items_is_worth_less():
    off = {"judge": Layer(items=(400,), off=0.3), "people": Layer(items=(400,))}
    assert (decide.plan(known(grid()), off, GIVEN).steps["layer"] == "people").all()
    offered = decide.offers(decide.fitted(known(grid())), off)
    np.testing.assert_allclose(offered.variances[:, 0] - offered.variances[:, 1], 0.09)


def test_without_a_slope_there_is_no_plan_unless_all_have_scores():
    assert decide.reckon(known(grid((1, 5))), GIVEN).planned is None
    frame, rough = grid(), np.resize([0.5, 0.4, 0.45], 15)
    flat = decide.reckon(known(frame.assign(score=np.where(frame["score"].notna(), rough, np.nan))), GIVEN)
    assert flat.fit is not None and flat.planned is None
    every = decide.reckon(known(grid(range(15)).assign(score=rough)), GIVEN)
    assert every.planned is not None and len(every.planned.compared)
    assert decide.reckon(known(frame), GIVEN).planned is not None


def test_with_no_score_at_all_a_plan_can_be_reckoned():
    planned = decide.plan(known(grid(())), LAYERS, GIVEN)
    assert len(planned.steps) and planned.compared["regret"].iloc[0] > 0.02
