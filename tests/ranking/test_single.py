"""Looking at features one by one: against scipy's correlations."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from ranking.panels import BOOTSTRAP, changed, panel
from scipy import stats as reference

from proxylib import stats
from proxylib.errors import UserError
from proxylib.ranking import nulls, rankers, single


def test_the_grid_holds_every_feature_in_its_orientation():
    panels = [panel(seed, rounded=True) for seed in (1, 2)]
    signs = (1, -1, 1, -1, 1, 1)
    frame = single.univariate_grid(panels, signs, BOOTSTRAP)
    assert len(frame) == 6 * 5
    rows = frame.set_index(["feature", "task"])
    expected = [reference.spearmanr(-p.features[:, 2, 1], p.accuracy[:, 2]).statistic for p in panels]
    cell = rows.loc["feature 1", "task 2"]
    assert cell["estimate"] == pytest.approx(np.mean(expected))
    assert (cell["seed_low"], cell["seed_high"]) == pytest.approx((min(expected), max(expected)))
    mean = rows.xs("mean", level="task")
    assert mean["estimate"].to_numpy() == pytest.approx(nulls.univariate_rho(panels) * signs)
    assert (mean["low"] < mean["estimate"]).all() and (mean["estimate"] < mean["high"]).all()
    draws = stats.cluster_weights(panels[0].families, BOOTSTRAP.draws, BOOTSTRAP.seed)
    cells = [stats.spearman_draws(p.features[:, t, 0], p.accuracy[:, t], draws) for p in panels for t in range(4)]
    again = np.mean(cells, axis=0)
    assert mean.loc["feature 0", ["low", "high"]].to_numpy(float) == pytest.approx(np.nanquantile(again, [0.05, 0.95]))
    with pytest.raises(UserError, match="1 signs for 6 features"):
        single.univariate_grid(panels, (1,), BOOTSTRAP)


def test_stability_names_the_choice_of_every_fold():
    made = panel(3)
    planted = changed(made, features=lambda a: a.__setitem__((slice(None), slice(None), 4), -made.accuracy))
    frame = single.stability(planted, rankers.Univariate())
    assert list(frame["chosen"]) == ["feature 4"] * 6 and set(frame["signs"]) == {"-"} and set(frame["folds"]) == {6}
    assert frame["held_out"][0] == "task 0, task 1"
    triples = single.stability(made, rankers.SparseLinear(3))
    assert (triples["chosen"].str.count(",") == 2).all()
    assert (triples["folds"] == triples["chosen"].map(triples["chosen"].value_counts())).all()
    with pytest.raises(UserError, match="not linear"):
        single.stability(made, rankers.KernelRankSVM((1.0,)))


def test_feature_correlation_is_the_mean_of_spearman_matrices():
    panels = [panel(seed, rounded=True) for seed in (1, 2)]
    found = single.feature_correlation(panels)
    matrices = [pd.DataFrame(p.features[:, t]).corr(method="spearman").to_numpy() for p in panels for t in range(4)]
    assert found.correlation.to_numpy() == pytest.approx(np.mean(matrices, axis=0))
    assert list(found.correlation.columns) == panels[0].names


def test_components_count_what_holds_the_variance():
    values = np.random.default_rng(0).standard_normal((12, 1, 10))
    repeated = dataclasses.replace(
        panel(), features=np.repeat(np.repeat(values[:, :, :2], 4, axis=1), [5, 5], axis=2), names=list("abcdefghij")
    )  # two features, five copies of each
    assert single.feature_correlation(repeated).components[0.99] == 2
    assert single.feature_correlation(repeated, [0.01]).components == {0.01: 1}
