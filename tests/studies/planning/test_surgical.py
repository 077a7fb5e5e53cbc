"""The stage over a recorded grid, from its parents' tables to estimates."""

from types import SimpleNamespace

import pandas as pd
from studies.planning.made_up import recorded

from proxylib.stats import Bootstrap
from proxylib.studies.planning import policies, surgical
from proxylib.studies.planning.settings import Planning, SurgicalSettings

CLAIMS = ["loss-surgical", "loss-surgical-regret", "ours-surgical-where", "ours-plan", "ours-plan-promise"]


def built(domain):
    """Tables and facts of a domain's run."""
    cells, verdicts, grades = recorded(notes=4)
    runs = {"loss_fits": {"cells": cells}, "verdicts": {"verdicts": verdicts, "grades": grades}}
    settings = SurgicalSettings(
        planning=Planning(repeats=1, cells=3, decided=3, notes=(2, 4), notes_decided=2),
        bootstrap=Bootstrap(draws=50, level=0.95, seed=1),
    )
    parent = lambda role: SimpleNamespace(table=runs[role].__getitem__)
    tables, facts = {}, {}
    workspace = SimpleNamespace(write_table=tables.__setitem__, note=facts.update)
    parents = {"verdicts": SimpleNamespace(settings=SimpleNamespace(domain=domain))}
    surgical.build(SimpleNamespace(settings=settings, parent=parent, parents=parents), workspace)
    return tables, facts


def test_tables_and_claims_come_of_cells_and_verdicts(few_guesses):
    tables, facts = built("scribe")
    assert set(tables) == {"curves", "promises", "estimates"} and facts["cells"] == 6 and facts["seeds"] == 2
    rows = tables["estimates"].set_index("claim")
    assert list(rows.index) == CLAIMS
    assert (rows["low"] <= rows["estimate"]).all() and rows.loc["loss-surgical", "n"] == 3
    curves = tables["curves"]
    assert set(curves["items"]) == {2, 4} and policies.NOTHING in set(curves["policy"])
    assert isinstance(curves, pd.DataFrame) and curves[curves["cells"] == 0]["estimate"].notna().any()


def test_another_domain_s_rows_carry_its_name(few_guesses):
    """So that the scoreboard tells them from the scribe's, which recorded runs call by the claim alone."""
    (scribe, _), (claims, _) = built("scribe"), built("claims")
    assert list(claims["estimates"]["claim"]) == [f"{claim}/claims" for claim in CLAIMS]
    assert set(claims["curves"]["data"]) == {"claims"} and set(scribe["curves"]["data"]) == {"scribe"}
    numbers = lambda tables: tables["estimates"].drop(columns="claim")
    pd.testing.assert_frame_equal(numbers(claims), numbers(scribe))
