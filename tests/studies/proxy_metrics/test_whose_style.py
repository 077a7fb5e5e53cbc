"""The dial of styles: three populations, paired differences, one seed."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from proxylib.measure import proxies
from proxylib.report import scoreboard
from proxylib.stats import Bootstrap
from proxylib.studies.proxy_metrics import ablations, whose_style
from proxylib.studies.proxy_metrics.settings import AnalysisSettings

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)
TASKS = ("a", "b")
SIGNS = np.array([proxies.STATISTICS[name.split("|")[0]] for name in proxies.NAMES])


class Pooled:
    """Stands in for a pooled run."""

    def __init__(self, follows, seeds=(2,), seed=0, sign=1):
        rng = np.random.default_rng(seed)
        accuracy, features = [], []
        for training in seeds:
            for family in range(6):
                for size in range(3):
                    keys = {
                        "member": f"f{family}-{size}-{training}",
                        "model": f"f{family}-{size}",
                        "family": f"f{family}",
                        "seed": training,
                    }
                    for task in TASKS:
                        skill = size + 0.2 * rng.normal()
                        accuracy.append(keys | {"task": task, "estimate": skill})
                        value = sign * skill if follows else rng.normal()
                        eighty = dict(zip(proxies.NAMES, SIGNS * value, strict=True))
                        features.append({"member": keys["member"], "task": task, "bits_per_byte": -value} | eighty)
        members = pd.DataFrame(accuracy).drop_duplicates("member")[["member"]]
        members["post"] = "none"
        members["style_share"] = np.tile([0.4, 0.2, 0.8], len(members) // 3)  # by size; skill goes by size itself
        self.tables = {"accuracy": pd.DataFrame(accuracy), "features": pd.DataFrame(features), "members": members}

    def table(self, name):
        return self.tables[name]


def test_a_dial_that_matters_shows():
    runs = {"expert": Pooled(True), "crossed": Pooled(False, seeds=(2, 3)), "other": Pooled(True, seed=1)}
    found = whose_style.correlations(runs, TASKS, BOOTSTRAP)
    gap = found[(found["quantity"] == whose_style.SOME_MINUS_ALL) & (found["proxy"] == whose_style.LOSS)].iloc[0]
    assert gap["high"] < 0 and found["models"].iloc[0] == 18
    none = found[(found["quantity"] == whose_style.ALL_MINUS_NONE) & (found["proxy"] == whose_style.LOSS)].iloc[0]
    assert none["low"] <= 0 <= none["high"]
    runs["other"] = Pooled(False, seed=1)
    found = whose_style.correlations(runs, TASKS, BOOTSTRAP)
    assert (found[found["quantity"] == whose_style.ALL_MINUS_NONE]["low"] > 0).all()


def test_equal_populations_differ_by_nothing():
    found = whose_style.correlations(dict.fromkeys(whose_style.SHARES, Pooled(True)), TASKS, BOOTSTRAP)
    gaps = found[found["quantity"] != "rho"]
    assert np.allclose(gaps[["estimate", "low", "high"]], 0)
    assert found.loc[found["quantity"] == "rho", "estimate"].min() == pytest.approx(1.0)


def test_a_task_that_one_population_cannot_do_leaves_the_mean_of_all():
    flat = Pooled(True)
    flat.tables["accuracy"].loc[flat.tables["accuracy"]["task"] == "b", "estimate"] = 0.0
    noisy = Pooled(True)
    rows = noisy.tables["features"]["task"] == "b"
    noisy.tables["features"].loc[rows, list(proxies.NAMES)] = np.random.default_rng(1).normal(size=(rows.sum(), 80))
    found = whose_style.correlations({"expert": noisy, "crossed": flat, "other": flat}, TASKS, BOOTSTRAP)
    keep = (found["quantity"] == "rho") & (found["proxy"] == ablations.WINNER) & (found["style"] == "expert")
    assert found[keep]["estimate"].iloc[0] == pytest.approx(1.0)


def test_the_stage_writes_what_the_page_shows():
    runs = {style: Pooled(style == "expert", seed=place) for place, style in enumerate(whose_style.SHARES)}
    settings = AnalysisSettings(ranked=TASKS, bootstrap=BOOTSTRAP)
    written = {}
    step = SimpleNamespace(settings=settings, parent=runs.__getitem__)
    whose_style.build(step, SimpleNamespace(write_table=written.__setitem__))
    table = written.pop("correlations")
    pd.testing.assert_frame_equal(written.pop("follows"), whose_style.follows(runs["crossed"], TASKS, BOOTSTRAP))
    pd.testing.assert_frame_equal(table, whose_style.correlations(runs, TASKS, BOOTSTRAP))
    pd.testing.assert_frame_equal(written.pop("estimates"), whose_style.estimates(table, BOOTSTRAP.level))
    assert not written


@pytest.mark.parametrize("reads", ["style", "skill"])
def test_what_a_proxy_follows_is_told_apart(reads):
    run = Pooled(True, seeds=(2, 3))
    if reads == "style":
        share = run.tables["members"].set_index("member")["style_share"]
        value = run.tables["features"]["member"].map(share).to_numpy()
        run.tables["features"] = run.tables["features"].assign(
            bits_per_byte=-value, **{name: sign * value for name, sign in zip(proxies.NAMES, SIGNS, strict=True)}
        )
    table = whose_style.follows(run, TASKS, BOOTSTRAP).set_index(["proxy", "quantity"])
    row = table.loc[(ablations.WINNER, whose_style.STYLE_MINUS_SKILL)]
    assert row["low"] > 0 if reads == "style" else row["high"] < 0
    follows = whose_style.WITH_STYLE if reads == "style" else whose_style.WITH_SKILL
    assert table.loc[(ablations.WINNER, follows), "estimate"] == pytest.approx(1) and row["models"] == 18
    assert 0.3 < table.loc[(whose_style.ACCURACY, whose_style.WITH_STYLE), "estimate"] < 0.7


def test_two_models_that_read_worked_solutions_follow_nothing():
    run = Pooled(True)
    run.tables["members"].loc[run.tables["members"].index[2:], "style_share"] = np.nan
    assert whose_style.follows(run, TASKS, BOOTSTRAP).empty


def test_every_row_of_the_scoreboard_gets_the_interval_that_it_is_about():
    runs = {"expert": Pooled(True), "crossed": Pooled(False), "other": Pooled(True, sign=-1)}
    table = whose_style.correlations(runs, TASKS, BOOTSTRAP)
    rows = whose_style.estimates(table, 0.95).set_index("claim")
    known = scoreboard.claims().query("stage == 'whose_style'")
    assert set(rows.index) == set(known["row"].fillna(known["id"]))
    assert rows.loc["ours-style-dial", "estimate"] == pytest.approx(2) and rows.loc["ours-style-dial-wrong", "high"] < -0.9
    assert (rows["n"] == 18).all() and set(rows["n_unit"]) == {"models of 6 families"}


def test_only_models_that_every_population_holds_are_compared():
    large, small = Pooled(True), Pooled(True)
    small.tables = {name: table[table["member"].str[:2] < "f4"] for name, table in small.tables.items()}
    table = whose_style.correlations({"expert": small, "crossed": large, "other": small}, TASKS, BOOTSTRAP)
    assert set(table["models"]) == {12} and set(table["families"]) == {4}


def test_models_that_post_training_taught_the_style_enter_no_population():
    runs = {style: Pooled(follows=1.0, seed=place) for place, style in enumerate(whose_style.SHARES)}
    whole = whose_style.correlations(runs, TASKS, BOOTSTRAP)
    for run in runs.values():
        run.tables["members"].loc[run.tables["members"].index[:2], "post"] = whose_style.TAUGHT
    assert set(whose_style.correlations(runs, TASKS, BOOTSTRAP)["models"]) == {whole["models"].iloc[0] - 2}
