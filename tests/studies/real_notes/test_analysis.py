"""Cells whose losses and notes are known."""

import numpy as np
import pandas as pd
import pytest

from proxylib.errors import UserError
from proxylib.stats import Bootstrap
from proxylib.studies.real_notes import analysis
from proxylib.studies.real_notes.candidates import BREVITY, CANDIDATES, EXAMPLES, FINAL, HELD_OUT

BOOTSTRAP = Bootstrap(draws=100, level=0.95, seed=0)


class Cell:
    """A finished cell, as the analysis reads it."""

    def __init__(self, loss, score, rng):
        ids = [f"d{number}" for number in range(30)]
        table = pd.DataFrame({"id": ids, "tokens": 10, "nll": 10 * (loss + rng.normal(0, 0.02, 30)), "finished": True})
        for name in (*CANDIDATES, BREVITY):
            table[name] = score + rng.normal(0, 0.02, 30)
        self.tables = {"notes": table, "losses": pd.DataFrame({"step": [1, 2], "epoch": [0.5, 1], "loss": [loss + 1, loss]})}
        self.facts = {"final_loss": loss, "held_out_loss": float(table["nll"].sum() / 300), "cut": 0}

    def table(self, name):
        return self.tables[name]


def runs(within=-1.0, seed=0):
    """Three numbers of examples and three seeds; `within` numbers a lower loss comes with better notes (-1) or worse (1)."""
    rng, cells = np.random.default_rng(seed), {}
    for step, examples in enumerate((10, 20, 40)):
        for number in (2, 3, 4):
            own = rng.normal(0, 0.1)
            cells[f"{examples} {number}"] = Cell(3 - 0.5 * step + own, 0.2 + 0.1 * step + within * own / 5, rng)
    return cells


def test_loss_follows_notes_and_the_number_of_examples_says_it_too():
    grid = analysis.Grid(runs(), BOOTSTRAP)
    table = grid.correlations().set_index(["signal", "metric", "way"])
    assert table.loc[(FINAL, "ROUGE-1", "all cells"), "estimate"] < -0.95
    assert table.loc[(EXAMPLES, "ROUGE-1", "all cells"), "estimate"] > 0.9
    assert (EXAMPLES, "ROUGE-1", "same examples") not in table.index
    assert grid.beyond("ROUGE-1")["estimate"].gt(-0.01).all()
    assert table["low"].le(table["estimate"]).all() and table["high"].ge(table["estimate"]).all()
    wide = table["high"] - table["low"] >= table["high_given"] - table["low_given"] - 1e-12
    assert wide.all()


def test_within_numbers_of_examples_the_sign_may_turn():
    table = analysis.Grid(runs(within=1.0), BOOTSTRAP).correlations().set_index(["signal", "metric", "way"])
    assert table.loc[(HELD_OUT, "good", "all cells"), "estimate"] < -0.8
    assert table.loc[(HELD_OUT, "good", "same examples"), "estimate"] > 0.5


def test_three_correlations_fit_together_only_so_far():
    assert analysis.bounds(1.0, 0.4) == pytest.approx((0.4, 0.4, 0.4))
    assert analysis.bounds(0.0, 0.0) == pytest.approx((0, -1, 1))
    rng = np.random.default_rng(3)
    for x in rng.normal(size=(50, 3, 5)):
        r = np.corrcoef(x)
        _, low, high = analysis.bounds(r[0, 1], r[1, 2])
        assert low - 1e-9 <= r[0, 2] <= high + 1e-9


def test_the_untrained_model_is_shown_and_in_no_correlation():
    cells = runs()
    base = {"0 2": Cell(9.0, 0.0, np.random.default_rng(5)), **cells}
    base["0 2"].facts.pop("final_loss")
    table = analysis.cells(base)
    assert len(table) == 10 and np.isnan(table.loc[0, FINAL])
    related = analysis.Grid(cells, BOOTSTRAP).correlations()
    choice = pd.Series({"estimate": 0.5, "low": 0.3, "high": 0.7, "slope": 2.0, "slope_low": 1.0, "slope_high": 3.0})
    facts = analysis.facts_of(table, related, choice, "ROUGE-1").set_index("quantity")
    reach = np.ptp(table["ROUGE-1"][1:])
    assert facts.loc["range"].tolist() == pytest.approx([2 * reach, reach, 3 * reach])
    assert facts.loc[FINAL, "low"] < facts.loc[FINAL, "estimate"] < 0
    beyond = analysis.Grid(cells, BOOTSTRAP).beyond("ROUGE-1")
    claims = analysis.estimates(related, beyond, "ROUGE-1", 9, 0.95)["claim"]
    assert set(claims) == {"real-notes-loss", "real-notes-held-out", "real-notes-loss-beyond", "real-notes-beyond"}
    assert len(analysis.curves(base)) == 18


def test_what_seeds_do_not_define_is_not_said():
    two = {role: run for role, run in runs().items() if role.endswith((" 2", " 3"))}
    table = analysis.Grid(two, BOOTSTRAP).correlations()
    within = table[table["way"] == "same examples"]
    assert within["low"].isna().all() and within["low_given"].notna().all()


def test_a_cell_that_diverged_is_left_out_by_name(capsys):
    cells = runs()
    assert analysis.converged(cells) == (cells, []) and capsys.readouterr().err == ""
    cells["20 3"].facts = {"diverged": True}
    cells["20 3"].tables = {}
    kept, lost = analysis.converged(cells)
    assert lost == ["20 3"] and "left out, as EXAMPLES SEED: 20 3" in capsys.readouterr().err
    assert len(analysis.cells(kept)) == 8 and len(analysis.curves(kept)) == 16
    assert analysis.Grid(kept, BOOTSTRAP).correlations()["estimate"].notna().all()


@pytest.mark.parametrize("left", [["10 2", "20 3"], ["10 2", "10 3", "10 4"], ["10 2", "20 2", "40 2"]])
def test_too_few_cells_that_did_not_diverge_are_refused(left):
    cells = runs()
    for role in set(cells) - set(left):
        cells[role].facts = {"diverged": True}
    with pytest.raises(UserError, match="too few cells are left to compare, lower real_notes.lora.learning_rate"):
        analysis.converged(cells)
