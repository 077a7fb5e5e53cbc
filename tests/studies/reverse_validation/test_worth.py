"""What judges are worth: against scikit-learn and scipy, and what must be zero."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, roc_auc_score
from studies.reverse_validation.made_up import bench

from proxylib.judging import agreement
from proxylib.judging.criteria import GRADED, LENIENT, LM_JUDGE, STRICT
from proxylib.studies.reverse_validation import worth

BENCH = bench()
SHEET = worth.sheet(BENCH).set_index("judge")
RNG = np.random.default_rng(1)


def verdicts(judge):
    number = list(BENCH.judges["judge"]).index(judge)
    return BENCH.codes[number] % 3


def test_kappas_and_balanced_accuracy_are_those_of_scikit_learn_and_of_the_house():
    groups = np.broadcast_to(np.arange(len(BENCH.cells))[:, None, None] * 5 + np.arange(5), BENCH.truth.shape).ravel()
    for judge in (LM_JUDGE, "20 % turned round", "template alone"):
        said, truth = verdicts(judge).ravel(), BENCH.truth.ravel().astype(int)
        assert SHEET.loc[judge, worth.NOTES] == pytest.approx(cohen_kappa_score(truth, said))
        within = agreement.kappa([str(v) for v in truth], [str(v) for v in said], groups=groups)
        assert SHEET.loc[judge, worth.WITHIN] == pytest.approx(within)
        if judge != LM_JUDGE:  # which left one note unscored, as scikit-learn cannot
            assert SHEET.loc[judge, worth.BALANCED] == pytest.approx(balanced_accuracy_score(truth, said))


def test_the_facts_agree_with_themselves_and_whoever_knows_the_cell_alone_with_none_of_its_notes():
    assert SHEET.loc[STRICT, [*worth.YARDSTICKS]].to_list() == pytest.approx([1, 1, 1, 1])
    other = SHEET.loc["of another note"]
    assert abs(other[worth.WITHIN]) < 0.05 and other[worth.NOTES] > 0.08
    assert other["falls"] == pytest.approx(SHEET.loc[STRICT, "falls"])


def test_an_unscored_note_is_disagreement_and_left_out_of_rates():
    scores = np.array([[[[1.0], [np.nan]]]])
    assert worth.rates(scores)[0, 0] == 100
    counts = worth.tables(np.array([3 * 1 + 1, 3 * 1 + 2, 0, 0]), 0)
    assert worth.kappa(counts) < 1 and counts[1, 2] == 1


def test_correlations_are_scipys_with_the_sign_turned():
    x, y = RNG.standard_normal((2, 12))
    assert worth.falls_with(x, y) == pytest.approx(-pearsonr(x, y)[0])
    y = np.round(y)
    assert worth.rank_correlation(x, y) == pytest.approx(spearmanr(x, y)[0])
    assert worth.falls_with(x, np.ones(12)) == 0 and worth.rank_correlation(np.ones(12), y) == 0
    assert worth.falls_with(x, np.full(12, np.nan)) == 0


def test_the_area_is_that_of_scikit_learn():
    signal, good = np.round(RNG.standard_normal((4, 20)), 1), RNG.random(20) < 0.4
    assert worth.area(signal, good) == pytest.approx([roc_auc_score(good, line) for line in signal])
    assert np.isnan(worth.area(signal, np.ones(20, bool))).all()


def test_a_configuration_is_the_mean_of_its_seeds():
    cells = BENCH.cells
    values = worth.by_configuration(cells, cells["final_loss"].to_numpy())
    wanted = cells.groupby(["base", "parameters", "examples"], sort=False)["final_loss"].mean()
    assert values == pytest.approx(wanted.to_numpy())


def test_another_judge_at_hand_is_never_the_judge_itself():
    said = worth.synthetic(BENCH)
    names = list(BENCH.judges["judge"])
    lm, noisy = names.index(LM_JUDGE), names.index("20 % turned round")
    assert np.array_equal(said[noisy] // 3, verdicts(LM_JUDGE).ravel())
    assert np.array_equal(said[lm] // 3, verdicts(LENIENT).ravel()) and np.array_equal(said[lm] % 3, verdicts(LM_JUDGE).ravel())


def test_where_no_model_judges_the_lenient_rubric_is_at_hand_and_for_it_the_graded_score():
    kept = ~BENCH.judges["judge"].str.startswith(LM_JUDGE).to_numpy()
    some = BENCH._replace(judges=BENCH.judges[kept].reset_index(drop=True), scores=BENCH.scores[kept], codes=BENCH.codes[kept])
    said, names = worth.synthetic(some), list(some.judges["judge"])
    assert np.array_equal(said[names.index(STRICT)] // 3, verdicts(LENIENT).ravel())
    assert np.array_equal(said[names.index(LENIENT)] // 3, verdicts(GRADED).ravel())
