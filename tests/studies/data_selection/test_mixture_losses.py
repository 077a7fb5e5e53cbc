"""How forecasts of mixtures are judged, against other ways; a choice that does not see what it is tried on."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, norm, spearmanr
from studies.data_selection.mixed import SETTINGS, mixtures

from proxylib import studies
from proxylib.data.published import regmix
from proxylib.data.published.regmix import TARGET, VALIDATED
from proxylib.runs.store import Store
from proxylib.stats import Interval
from proxylib.studies.data_selection import mixture_losses
from proxylib.studies.data_selection.mixture_losses import ACCURACY, CHOSEN, MEAN, NAMED, ORACLE, RHO


def test_a_forecast_is_judged_by_order_alone():
    rng = np.random.default_rng(0)
    target = rng.normal(size=30)
    predicted = target + rng.normal(size=30)
    ranked = mixture_losses.Ranked(target, SETTINGS)
    measures, once = ranked.measures(predicted), ranked.once(predicted)
    assert measures[RHO].estimate == once[RHO] == pytest.approx(spearmanr(predicted, target).statistic)
    assert measures[ACCURACY].estimate == once[ACCURACY] == pytest.approx((1 + kendalltau(predicted, target).statistic) / 2)
    assert all(interval.low < interval.estimate < interval.high for interval in measures.values())
    constant = ranked.once(np.ones(30))
    assert constant == {RHO: 0.0, ACCURACY: 0.5}
    assert ranked.rho(predicted).minus(ranked.rho(np.exp(predicted))).interval() == (0, 0, 0)  # paired


def test_the_luck_of_the_fits_widens_an_interval_as_variances_add():
    interval = Interval(0.5, 0.5 - 0.3, 0.5 + 0.1)
    assert mixture_losses.widened(interval, 0.0, 0.95) == pytest.approx(interval)
    spread = 0.4 / norm.ppf(0.975)
    assert mixture_losses.widened(interval, spread, 0.95) == pytest.approx((0.5, 0.0, 0.5 + np.hypot(0.1, 0.4)))
    assert mixture_losses.widened(interval, 9.0, 0.95)[1:] == (-1, 1)


def test_every_loss_stands_beside_the_target_and_beside_its_own_domain():
    small, large = mixtures("1M"), mixtures("60M")
    table = mixture_losses.direct(small, large, SETTINGS)
    against, own = table[~table["itself"]], table[table["itself"]]
    assert set(against["domain"]) == {*VALIDATED, MEAN} and set(own["domain"]) == set(VALIDATED)
    assert (own["domain"] == own["against"]).all() and set(against["against"]) == {TARGET}
    row = own[(own["domain"] == "github") & (own["measure"] == RHO)].iloc[0]
    assert row["estimate"] == pytest.approx(spearmanr(small.losses["github"], large.losses["github"]).statistic)


def test_a_choice_is_made_on_the_half_that_it_is_not_tried_on():
    """Against a plain loop; the domain that decides here is no domain's own."""
    small, large = mixtures("1M"), mixtures("60M")
    losses = small.losses.copy()
    losses["github"] = -large.losses[TARGET] + np.random.default_rng(1).normal(0, 0.01, len(losses))  # the wrong way round
    changed = small._replace(losses=losses)
    table, facts = mixture_losses.which_domain(changed, large, SETTINGS)
    values = table.set_index("signal")["estimate"]
    assert facts["chosen"] == ["github", "github"]
    order = np.random.default_rng(SETTINGS.seed).permutation(len(losses))
    halves = order[:20], order[20:]
    rho = lambda column, half: spearmanr(losses[column].iloc[half], large.losses[TARGET].iloc[half]).statistic
    assert values[CHOSEN] == pytest.approx(-np.mean([rho("github", half) for half in halves]))  # with its sign
    assert values[NAMED] == pytest.approx(np.mean([rho(TARGET, half) for half in halves]))
    assert values[f"{CHOSEN} minus {NAMED}"] == pytest.approx(values[CHOSEN] - values[NAMED])


def test_an_oracle_finds_something_where_there_is_nothing_and_a_choice_does_not():
    rng = np.random.default_rng(4)
    found = []
    for seed in range(6):
        small, large = mixtures("1M", seed=seed), mixtures("60M", seed=seed)
        noise = pd.DataFrame(rng.normal(size=large.losses.shape), columns=large.losses.columns)
        table, facts = mixture_losses.which_domain(
            small, large._replace(losses=noise), SETTINGS.model_copy(update={"draws": 50})
        )
        values = table.set_index("signal")["estimate"]
        assert values[ORACLE] >= abs(values[CHOSEN])
        found.append((values[ORACLE], values[CHOSEN], facts["null"]))
    oracle, chosen, null = np.mean(found, axis=0)
    assert oracle == pytest.approx(null, abs=0.08) and null > 0.3 and abs(chosen) < 0.2


@pytest.mark.published
def test_recorded_numbers_are_those_of_the_published_set(published_set, tmp_path):
    published_set("regmix")
    recorded = Store("smoke", tmp_path).get(studies.declare("regmix", "smoke").key)
    parts = {part: regmix.mixtures(part) for part in ("1M", "60M", "1B")}
    ranks = recorded.table("ranks").query("measure == 'rank correlation'").set_index(["size", "method"])["estimate"]
    losses = {size: part.losses[TARGET] for size, part in parts.items()}
    assert ranks["60M", "its own loss at 1M"] == pytest.approx(spearmanr(losses["1M"], losses["60M"]).statistic)
    for size in ("60M", "1B"):
        assert ranks[size, "share alone"] == pytest.approx(-spearmanr(parts[size].shares[TARGET], losses[size]).statistic)
        assert recorded.facts["without"][size] == pytest.approx((parts[size].shares[TARGET] == 0).mean())
