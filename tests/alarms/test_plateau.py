"""A domain that stalls: found when it does, at the rate of false alarms that is said, judged by the aggregate's pace."""

import numpy as np
import pandas as pd

from proxylib.alarms.plateau import PlateauSettings, plateau
from proxylib.alarms.table import COLUMNS

AT = np.arange(1, 25) * 100.0


def losses(rng, noise=0.003, **powers):
    """Domains that fall as powers of the axis."""
    values = {name: 3 * AT**-power * (1 + noise * rng.normal(size=24)) for name, power in powers.items()}
    return pd.DataFrame(values, AT).rename_axis("at").reset_index().melt("at", var_name="task")


def test_a_domain_that_stalls_is_named_and_others_are_not():
    rng = np.random.default_rng(0)
    rows = pd.concat([plateau(losses(rng, code=0.0, web=0.3, books=0.25)) for _ in range(20)])
    assert set(rows["task"]) == {"code"} and len(rows) == 20 and list(rows.columns) == list(COLUMNS)
    assert ((rows["low"] < rows["change"]) & (rows["change"] < rows["high"]) & (rows["change"] > 0)).all()
    assert (rows["at"] >= 800).all() and (rows["since"] < rows["at"]).all()


def test_domains_at_the_limit_set_off_few_alarms():
    rng, share = np.random.default_rng(1), PlateauSettings().share
    alarms = [len(plateau(losses(rng, code=share * 0.2, web=0.2, books=0.2), pd.Series(AT**-0.2, AT))) > 0 for _ in range(60)]
    assert np.mean(alarms) <= 0.1


def test_where_the_aggregate_stalls_no_domain_has_fallen_behind():
    rng = np.random.default_rng(2)
    assert plateau(losses(rng, code=0.0, web=0.0), pd.Series(1 + AT / 1e6, AT)).empty


def test_a_single_loss_is_held_against_a_pace_of_its_own():
    rng = np.random.default_rng(3)
    assert len(plateau(losses(rng, noise=1e-4, web=0.0))) == 1
    assert plateau(losses(rng, noise=1e-4, web=0.2)).empty
    assert plateau(losses(rng, web=0.0).query("at <= 700")).empty  # shorter than the window
