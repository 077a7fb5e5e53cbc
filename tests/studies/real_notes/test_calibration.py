"""Which metric is chosen, against notes whose truth is known."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import pearsonr
from sklearn.metrics import roc_auc_score

from proxylib.report import tables
from proxylib.stats import Bootstrap
from proxylib.studies.real_notes import calibration
from proxylib.studies.real_notes.candidates import BREVITY, CANDIDATES, DEFAULT, PACKAGE

BOOTSTRAP = Bootstrap(draws=100, level=0.95, seed=0)


def notes(follows=None, dialogues=60, seed=0):
    """Notes whose metrics are luck but for one, which follows the facts; dialogues differ in how hard they are."""
    rng = np.random.default_rng(seed)
    items, systems = np.repeat(np.arange(dialogues), 4), np.tile(np.arange(4), dialogues)
    hard, own = np.repeat(rng.normal(size=dialogues), 4), rng.normal(size=4 * dialogues)
    frame = pd.DataFrame({"item": items, "system": systems, "f1": hard + own})
    for name in (*CANDIDATES, BREVITY, PACKAGE):
        frame[name] = hard + rng.normal(size=len(frame))  # follows what is hard for everybody, and so nothing within
    if follows:
        frame[follows] = own + rng.normal(size=len(frame))
    return frame.assign(invented=-frame["f1"], omitted=-frame["f1"])


def test_the_metric_that_follows_within_dialogues_is_chosen_not_one_that_knows_what_is_hard():
    table = calibration.correlations(notes("ROUGE-2"), BOOTSTRAP)
    assert calibration.chosen(table) == "ROUGE-2"
    over_all = table[(table["way"] == calibration.ALL) & (table["score"] == "f1")].set_index("metric")["estimate"]
    assert over_all["faithful"] > 0.3  # as many look good without dialogues taken off
    row = table[(table["metric"] == "ROUGE-2") & (table["way"] == calibration.WITHIN) & (table["score"] == "f1")].iloc[0]
    assert row["low"] < row["estimate"] < row["high"] and row["p_holm"] >= row["p"]


def test_where_none_follows_the_default_is_taken():
    assert calibration.chosen(calibration.correlations(notes(), BOOTSTRAP)) == DEFAULT
    wrong = notes("ROUGE-2")
    wrong["ROUGE-2"] *= -1  # certain, but the wrong way round
    assert calibration.chosen(calibration.correlations(wrong, BOOTSTRAP)) == DEFAULT


def test_a_choice_on_the_other_half_is_not_flattered():
    luck = [calibration.choice_elsewhere(notes(seed=seed), BOOTSTRAP).estimate for seed in range(8)]
    assert abs(np.mean(luck)) < 0.08
    assert calibration.choice_elsewhere(notes("ROUGE-2"), BOOTSTRAP).estimate > 0.5


def test_correlation_and_area_are_those_of_the_libraries_and_weights_are_copies():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 12)).round(1)
    copies = rng.integers(0, 3, 12)
    weights = np.stack([np.ones(12), copies])
    assert calibration.pearson(x, y, weights) == pytest.approx(
        [pearsonr(x, y)[0], pearsonr(np.repeat(x, copies), np.repeat(y, copies))[0]]
    )
    positive = y > 0
    expected = [roc_auc_score(positive, x), roc_auc_score(np.repeat(positive, copies), np.repeat(x, copies))]
    assert calibration.area(x, positive, weights) == pytest.approx(expected)
    assert calibration.pearson(np.ones(12), y, weights).tolist() == [0, 0]


def test_the_slope_is_that_of_dummies_for_dialogues():
    frame = notes("ROUGE-1", dialogues=20)
    dummies = pd.get_dummies(frame["item"]).astype(float)
    line = sm.OLS(frame["f1"], pd.concat([frame["ROUGE-1"], dummies], axis=1)).fit()
    result = calibration.slope(frame, "ROUGE-1", 0.95)
    assert result["slope"] == pytest.approx(line.params["ROUGE-1"]) and result["slope_low"] < result["slope"]


def test_claims_have_their_rows():
    table = calibration.estimates(notes("good"), BOOTSTRAP).set_index("claim")
    assert set(table.index) == {"real-notes-metric", "real-judge", f"real-judge, {calibration.WITHIN}"}
    assert (table["n"] == 60).all()
    assert table["low"].lt(table["estimate"]).all()


def test_within_dialogues_the_judge_meets_brevity_without_what_is_hard_for_everybody():
    frame = notes("good", dialogues=200)
    table = calibration.correlations(frame, BOOTSTRAP)
    row = calibration.estimates(frame, BOOTSTRAP).set_index("claim").loc[f"real-judge, {calibration.WITHIN}"]
    of = lambda name: tables.interval(table, metric=name, score="f1", way=calibration.WITHIN).estimate
    assert row["estimate"] == pytest.approx(of("good") - of(BREVITY)) and row["low"] > 0
