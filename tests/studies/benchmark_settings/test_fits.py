"""The analysis from runs to tables."""

from types import SimpleNamespace

import numpy as np
import pytest
from studies.benchmark_settings.made import population

from proxylib.stats import Bootstrap
from proxylib.studies.benchmark_settings import fits
from proxylib.studies.benchmark_settings.scores import scores
from proxylib.studies.benchmark_settings.settings import AnalysisSettings

COST = {"answers_seconds": 8.0, "loss_seconds": 2.0, "answers_flops": 3e9, "loss_flops": 3e9}


def test_a_gain_is_the_tuned_minus_the_base_under_the_same_setting():
    tuned = scores(population(lambda m, *_: 0.8, models=5))
    base = population(lambda m, template, *_: 0.3 if template == "as trained" else 0.8, models=5, seed=1)
    before = scores({name: table.query("decoding == 'greedy'") for name, table in base.items()})
    table = fits.tuning(tuned, before, 0.95)
    assert len(table) == len(before.settings) < len(tuned.settings)
    gained = table.groupby("template")["estimate"].mean()
    assert gained["as trained"] == pytest.approx(50, abs=5) and gained["labelled"] == pytest.approx(0, abs=5)


def test_a_ratio_is_a_geometric_mean_over_models():
    costs = [COST, COST | {"answers_seconds": 32.0}]
    table = fits.dearer(costs, 0.95).set_index("unit")
    assert table.loc["seconds", "estimate"] == pytest.approx(8) and table.loc["flops", "estimate"] == 1


def test_a_run_writes_what_the_page_and_the_scoreboard_read():
    tables = population(lambda m, *_: 0.2 + 0.1 * m, models=4, items=6)
    names = tuple(tables)
    runs = {name: SimpleNamespace(table=lambda _, t=table: t, facts={"cost": COST}) for name, table in tables.items()}
    greedy = {n: t.query("decoding == 'greedy'") for n, t in tables.items()}
    runs |= {f"{n} base": SimpleNamespace(table=lambda _, t=greedy[n]: t) for n in names[:2]}
    settings = AnalysisSettings(
        members=names, families=names, posts=("none",) * 4, bases=names[:2], bootstrap=Bootstrap(draws=50, level=0.95, seed=1)
    )
    written, facts = {}, {}
    workspace = SimpleNamespace(write_table=written.__setitem__, note=facts.update)
    fits.build(SimpleNamespace(settings=settings, parent=runs.__getitem__), workspace)
    claims = written["estimates"].set_index("claim")
    assert list(claims.index[:3]) == ["stack-configuration", "ours-configuration-ranks", "stack-benchmarks-dearer"]
    assert claims.loc["stack-configuration-tuned", ["estimate", "n"]].tolist() == [0, 2]
    suite = claims.loc["stack-benchmark-minutes"]
    assert 30 < suite["low"] < suite["estimate"] < suite["high"] < 240 and np.isnan(suite["level"])
    assert np.isfinite(claims[["estimate", "low", "high"]].to_numpy()).all()
    assert claims.loc["stack-benchmarks-dearer", "estimate"] == pytest.approx(4)
    assert (written["tuning"]["estimate"] == 0).all()  # a base that is its model gains nothing
    assert len(written["scores"]) == 4 * facts["settings"]
