"""The analysis of runs that overfit, on runs that nobody trained."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from studies.validation.made_up import SEEDS, SHARES, Kept, overfit_run, watched

from proxylib.stats import Bootstrap
from proxylib.studies.validation import losses, report
from proxylib.studies.validation.settings import LossesSettings


@pytest.fixture(scope="module")
def kept():
    runs = {f"{corpus} {seed}": overfit_run(corpus, seed) for corpus in SHARES for seed in SEEDS} | {"lab": watched(0.0)}
    bootstrap = Bootstrap(draws=100, level=0.95, seed=1)
    settings = LossesSettings(corpora=tuple(SHARES), seeds=SEEDS, trajectories=("lab",), bootstrap=bootstrap)
    workspace = Kept()
    losses.build(SimpleNamespace(settings=settings, parent=runs.__getitem__), workspace)
    return workspace


def estimate(kept, claim):
    return kept.tables["estimates"].set_index("claim").loc[claim]


def test_accuracy_lost_since_the_minimum_and_against_reading_once(kept):
    row = estimate(kept, "accuracy since the minimum")
    gained = kept.tables["courses"].query("corpus == 'once'").groupby("seed")["accuracy"].agg(["min", "max"])
    beside = estimate(kept, "stack-overfitting")
    assert row["estimate"] - (gained["max"] - gained["min"]).max() <= beside["estimate"] <= row["estimate"]
    assert row["estimate"] < -20 and row["high"] < 0 and row["n"] == len(SEEDS)
    assert estimate(kept, "few minus once at the end")["high"] < 0


def test_the_alarm_speaks_where_validation_turned_and_nowhere_else(kept):
    turned = kept.tables["turns"].query("series == 'total'").set_index(["corpus", "seed"])["alarm"].notna()
    assert turned["few"].all() and not turned["once"].any() and not turned["slips"].any()
    assert estimate(kept, "false alarms")["estimate"] == 0


def test_slips_gain_less_though_the_style_is_learnt(kept):
    assert estimate(kept, "stack-style-overfitting")["high"] < 0
    assert estimate(kept, "style of slips")["high"] < 0
    assert estimate(kept, "stack-loss-falls")["high"] < 0.5


def test_a_pass_is_a_third_of_training_a_token(kept):
    passes = kept.tables["passes"].iloc[0]
    spent = passes["passes"] * 1000 / 3
    assert passes["share"] == pytest.approx(spent / (spent + 600_000))


def test_frames_of_the_page_have_a_row_for_everything(kept):
    tables = kept.tables
    rises = pd.DataFrame({"what": ["alarm", "rise"], "corpus": "few", "series": "total", "estimate": [0, 0.2], "low": [0, 0.1]})
    assert report.passed_over(rises.assign(high=0.3)) == [report.CORPORA["few"]]
    assert report.passed_over(rises.assign(high=0.3, low=-0.1)) == []
    assert report.passed_over(rises.assign(high=0.3, estimate=[0.5, 0.2])) == []
    assert list(report.turning_table(tables["summary"])["corpus"]) == list(report.CORPORA.values())
    assert set(report.losses_of(tables["courses"], "few", 0.95)["loss"]) == {"own text", "held out"}
    style, accuracy = report.style_rows(tables["courses"], 0.95)
    assert len(style) == len(accuracy) and set(style["corpus"]) == {report.CORPORA["once"], report.CORPORA["slips"]}
    costs = report.cost_table(tables["costs"])
    assert len(costs) == len(tables["costs"]) and "0.5 to 1 %" in set(costs["stated"])
    assert np.isfinite(report.estimate(tables["estimates"], "stack-overfitting").low)
