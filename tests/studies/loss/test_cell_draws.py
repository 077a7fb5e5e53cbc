"""Cells beside their verdicts: what is refused by name, rates by hand, and what seeds do to draws."""

import re

import numpy as np
import pandas as pd
import pytest
from studies.loss.grids import BOOTSTRAP, drawn, made

from proxylib.errors import UserError
from proxylib.judging.criteria import CRITERIA
from proxylib.studies.loss import cell_draws


def test_pass_rates_leave_out_the_unscored_and_never_count_them_as_failed():
    passed = np.array([[[1, np.nan], [0, 1]], [[np.nan, np.nan], [1, 1]]], float)
    rates = cell_draws.pass_rates(passed, np.ones((1, 2)))
    assert rates[0] == pytest.approx([75, 100])  # the mean over criteria of 100 and 50, and of 100 and 100
    assert cell_draws.pass_rates(passed, np.array([[2, 1]]))[0] == pytest.approx([100 * 5 / 6, 100])


def test_seeds_of_a_configuration_are_averaged_and_widen_its_interval():
    rate = lambda size, data, noise: np.clip(0.5 + 0.1 * noise, 0, 1)
    loss = lambda size, data, noise: 2 - 0.1 * size
    one, three = (drawn(rate, loss, seeds=seeds, notes=200) for seeds in ((1,), (1, 2, 3)))
    assert three.rates["rubric, strict"].shape == one.rates["rubric, strict"].shape == (201, 15)
    spread = lambda found: found.rates["rubric, strict"][1:].std(0).mean()
    assert spread(three) > 1.5 * spread(one)


@pytest.fixture(scope="module")
def three_seeds():
    """A grid of three seeds a configuration, and its draws."""
    rate = lambda size, data, noise: np.clip(0.5 + 0.1 * noise, 0, 1)
    found = cell_draws.judged(*made(rate, lambda size, data, noise: noise, seeds=(1, 2, 3), notes=30))
    return found, cell_draws.draws(found, BOOTSTRAP)


def test_the_sample_is_the_mean_over_seeds(three_seeds):
    found, draws = three_seeds
    keys = found.cells["base"] + "-" + found.cells["examples"].astype(str)
    for judge, passed in found.passed.items():
        rates = 100 * pd.Series(passed.mean((1, 2))).groupby(keys, sort=False).mean()
        assert BOOTSTRAP.drawn(draws.rates[judge]).estimate == pytest.approx(rates.to_numpy())
    losses = found.cells["final_loss"].groupby(keys, sort=False).mean()
    assert BOOTSTRAP.drawn(draws.signals["final_loss"]).estimate == pytest.approx(losses.to_numpy())


def test_drawn_seeds_vary_as_a_mean_of_so_many_does(three_seeds):
    found, draws = three_seeds
    keys = found.cells["base"] + "-" + found.cells["examples"].astype(str)
    variance = found.cells["final_loss"].groupby(keys, sort=False).var(ddof=1) / 3
    drawn_variance = BOOTSTRAP.drawn(draws.signals["final_loss"]).draws.var(0)
    assert np.mean(drawn_variance / variance.to_numpy()) == pytest.approx(1, abs=0.1)  # 15 configurations, 200 draws


def test_rates_outside_of_a_draw_are_those_of_the_notes_that_it_left_out(three_seeds):
    found, draws = three_seeds
    weights = BOOTSTRAP.over(np.arange(30)).weights
    keys = found.cells["base"] + "-" + found.cells["examples"].astype(str)
    for number in (0, 7):
        absent = BOOTSTRAP.drawn(weights).draws[number] == 0
        rates = 100 * pd.Series(found.passed["LM judge"][:, absent].mean((1, 2))).groupby(keys, sort=False).mean()
        assert draws.outside["LM judge"][number] == pytest.approx(rates.to_numpy())


def test_gaps_and_doubles_are_refused_by_name():
    cells, verdicts = made(lambda *_: 0.5, lambda size, data, noise: noise, notes=4)
    name, own = cells.loc[5, "cell"], (verdicts["cell"] == cells.loc[5, "cell"]) & (verdicts["judge"] == "LM judge")
    half = verdicts[~own | (verdicts["id"] < 2)]
    for given, said in (
        ((cells, half), f"judge LM judge has 10 verdicts on cell {name}, and on all cells together 20 pairs"),
        ((cells, verdicts[~own | (verdicts["criterion"] != CRITERIA[0])]), f"LM judge has 16 verdicts on cell {name}"),
        ((cells, pd.concat([verdicts, verdicts[own].head(1)])), f"two verdicts on {CRITERIA[0]} of note 0 of cell {name}"),
        ((pd.concat([cells, cells.tail(1)], ignore_index=True), verdicts), f"cell {cells['cell'].iloc[-1]} occurs twice"),
        ((cells, verdicts.head(0)), "no cell has verdicts"),
        ((cells, verdicts[(verdicts["judge"] != "LM judge") | (verdicts["id"] < 2)]), "have judged other notes"),
    ):
        with pytest.raises(UserError, match=re.escape(said)):
            cell_draws.judged(*given)
    unscored = verdicts.assign(passed=verdicts["passed"].mask(own & (verdicts["id"] < 2)))
    assert np.isnan(cell_draws.judged(cells, unscored).passed["LM judge"][5]).sum() == 10  # unscored is a verdict


def test_a_diverged_cell_enters_no_fit_and_too_few_cells_are_named():
    cells, verdicts = made(lambda *_: 0.5, lambda size, data, noise: noise)
    cells.loc[0, "diverged"] = True
    found = cell_draws.judged(cells, verdicts)
    assert len(found.cells) == 14 and cells.loc[0, "cell"] not in set(found.cells["cell"])
    with pytest.raises(UserError, match="3 cells did not diverge, at least 4"):
        cell_draws.judged(cells.head(4), verdicts)
    with pytest.raises(UserError, match="judge LM judge has no verdict on cell"):
        cell_draws.judged(cells, verdicts[(verdicts["judge"] != "LM judge") | (verdicts["cell"] != cells.loc[5, "cell"])])
