"""Published grids: their shapes, and what the stage makes of made-up ones."""

from types import SimpleNamespace

import pytest
from studies.planning.made_up import follows_loss

from proxylib.stats import Bootstrap
from proxylib.studies.planning import published
from proxylib.studies.planning.policies import NOTHING, PLAN, RANDOM
from proxylib.studies.planning.stages import SETS


def test_estimates_average_tasks_before_grids(monkeypatch, few_guesses):
    made = [
        follows_loss(seed, number=6, notes=0)._replace(data=data, part=score, score=score)
        for seed, data in ((1, "first"), (2, "second, web"), (3, "second, books"))
        for score in ("a", published.MEAN)
    ]
    monkeypatch.setattr(published, "grids", lambda: iter(made))
    monkeypatch.setattr(published, "fresh", lambda: iter([made[0]._replace(data="fresh")]))
    monkeypatch.setattr(published, "CELLS", 3)
    monkeypatch.setattr(published, "REPEATS", 1)
    tables, facts = {}, {}
    step = SimpleNamespace(settings=Bootstrap(draws=50, level=0.95, seed=1))
    published.build(step, SimpleNamespace(write_table=tables.__setitem__, note=facts.update))
    rows = tables["estimates"].set_index("claim")
    assert (rows["n"] == 2).all() and (rows["n_unit"] == "studies").all()  # corpora of one study are one draw
    assert facts["decisions"] == 6 and facts["grids"] == 3 and facts["studies"] == 2
    assert {"loss-surgical", "ours-plan", "ours-plan-nothing", "ours-plan-promise"} <= set(rows.index)
    states = tables["states"]
    assert set(states["study"]) == {"first", "second", "fresh"} and set(states["policy"]) == {PLAN, RANDOM, NOTHING}
    assert "fresh" not in set(tables["promises"]["data"]) and set(states.columns) == set(published.STATE)
    assert set(tables["curves"]["score"]) == {published.MEAN, "a task"}


@pytest.mark.published
def test_grids_hold_what_their_sources_say(published_set):
    for name in SETS:
        published_set(name)
    several = list(published.fresh())
    assert {grid.data: len(grid.truth) for grid in several} == {"DataDecide": 25, "Pythia": 11}
    assert [sum(grid.data == data for grid in several) for data in ("DataDecide", "Pythia")] == [11, 7]
    grids = list(published.grids())
    counts = {data: len({grid.score for grid in grids if grid.data == data}) for data in {grid.data for grid in grids}}
    assert counts["OLMo ladder"] == 9 and counts["Gemstones"] == 10 and counts["Gadre, C4"] == published.TASKS + 1
    sizes = {grid.data: len(grid.truth) for grid in grids}
    assert sizes["OLMo ladder"] == 25 and sizes["Gemstones"] == 22 and sizes["Gadre, C4"] == 34
    assert all(((grid.truth >= 0) & (grid.truth <= 1)).all() for grid in grids)
