"""Protocols against garbage where they must not look."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from ranking.panels import SVM, changed, mean_rho, ones, panel, scramble
from scipy import stats as reference

from proxylib.errors import UserError
from proxylib.ranking import panel as panel_
from proxylib.ranking import protocols, rankers, single, summaries

TUNED = rankers.LinearRankSVM((0.01, 1.0))
RANKERS = [
    rankers.Univariate(),
    rankers.SparseLinear(3),
    SVM,
    TUNED,
    rankers.KernelRankSVM((1.0,)),
    rankers.RankAverage((1.0,) * 6),
    rankers.LowRank(2, (1.0,)),
    rankers.Fixed(1, -1.0),
]
FITTED = [ranker for ranker in RANKERS if not isinstance(ranker, rankers.RankAverage | rankers.Fixed)]


def test_every_protocol_ranks_every_model_on_every_held_out_task():
    made = panel()
    by_task = protocols.leave_tasks_out(made, rankers.Univariate())
    by_family = protocols.leave_family_out(made, rankers.Univariate())
    by_both = protocols.leave_both_out(made, rankers.Univariate())
    for frame in (by_task, by_family, by_both):
        assert list(frame.columns) == protocols.COLUMNS
        ranked = frame[frame["held_out"]].groupby(["fold", "task"])["model"]
        assert (ranked.nunique() == 12).all() and (ranked.size() == 12).all()
    assert by_task.groupby("fold")["task"].unique().map(tuple).tolist() == list(itertools.combinations(made.tasks, 2))
    assert len(by_task) == 6 * 2 * 12 and len(by_family) == 4 * 4 * 12 and len(by_both) == 4 * 2 * 2 * 12
    family = dict(zip(made.models, made.families, strict=True))
    for frame in (by_family, by_both):
        assert (frame["held_out"] == (frame["model"].map(family) == frame["family"])).all()
    assert by_task["held_out"].all() and set(by_task["family"]) == {""}


def test_scores_of_a_fold_are_scaled_on_its_training_models():
    frame = protocols.leave_family_out(panel(), SVM)
    training = frame[~frame["held_out"]].groupby(["family", "task"])["score"]
    assert training.mean().to_numpy() == pytest.approx(np.zeros(16), abs=1e-9)
    assert training.std(ddof=0).to_numpy() == pytest.approx(np.ones(16))


@pytest.mark.parametrize("ranker", RANKERS, ids=repr)
def test_leave_tasks_out_never_sees_a_held_out_accuracy(ranker):
    made = panel()
    garbage = changed(made, accuracy=lambda a: scramble(a, slice(None), [0, 1]))
    before, after = (protocols.leave_tasks_out(p, ranker) for p in (made, garbage))
    fold = before["fold"] == 0  # tasks 0 and 1 are out
    pd.testing.assert_frame_equal(before[fold], after[fold])
    if ranker in FITTED:  # and where they are in, they are seen
        assert not np.allclose(before.loc[~fold, "score"], after.loc[~fold, "score"])


def test_the_oracle_sees_the_held_out_tasks_alone():
    made = panel()
    seen = changed(made, accuracy=lambda a: scramble(a, slice(None), [0, 1]))
    unseen = changed(made, accuracy=lambda a: scramble(a, slice(None), [2, 3]))
    before, other, same = (protocols.leave_tasks_out(p, rankers.SparseLinear(), oracle=True) for p in (made, seen, unseen))
    fold = before["fold"] == 0
    assert set(before["protocol"]) == {protocols.ORACLE}
    assert not np.allclose(before.loc[fold, "score"], other.loc[fold, "score"])
    pd.testing.assert_frame_equal(before[fold], same[fold])
    honest = protocols.leave_tasks_out(made, rankers.SparseLinear())
    assert summaries.rho(before, made, ones(made)) > summaries.rho(honest, made, ones(made)) + 0.05


@pytest.mark.parametrize("ranker", RANKERS, ids=repr)
def test_leave_family_out_never_sees_the_held_out_family(ranker):
    made = panel(signal=0.2)  # so weak that every model's label can turn the choice
    labels = changed(made, accuracy=lambda a: scramble(a, slice(3)))
    scales = changed(made, features=lambda a: scramble(a, slice(3)))
    before, relabelled, rescaled = (protocols.leave_family_out(p, ranker) for p in (made, labels, scales))
    fold = before["family"] == "family 0"
    pd.testing.assert_frame_equal(before[fold], relabelled[fold])
    # with other features the family's own scores change, but those of the training models do not
    training = fold & ~before["held_out"]
    pd.testing.assert_frame_equal(before[training], rescaled[training])
    assert not np.allclose(before.loc[fold, "score"], rescaled.loc[fold, "score"])
    if ranker in FITTED:
        assert not np.allclose(before.loc[~fold, "score"], relabelled.loc[~fold, "score"])


def test_a_held_out_model_is_scored_by_itself():
    # what another member of its family is like must not move it
    made = panel()
    garbage = changed(made, features=lambda a: scramble(a, 1))
    before, after = (protocols.leave_family_out(p, SVM) for p in (made, garbage))
    own = (before["family"] == "family 0") & (before["model"] == "model 0")
    pd.testing.assert_frame_equal(before[own], after[own])


@pytest.mark.parametrize("ranker", [rankers.SparseLinear(3), TUNED, rankers.KernelRankSVM((1.0,))], ids=repr)
def test_leave_both_out_sees_neither(ranker):
    made = panel()

    def garble(accuracy):
        scramble(accuracy, slice(3))
        scramble(accuracy, slice(None), [0, 1])

    labels = changed(made, accuracy=garble)
    scales = changed(made, features=lambda a: scramble(a, slice(3)))
    before, relabelled, rescaled = (protocols.leave_both_out(p, ranker) for p in (made, labels, scales))
    fold = (before["family"] == "family 0") & (before["fold"] == 0)
    pd.testing.assert_frame_equal(before[fold], relabelled[fold])
    training = fold & ~before["held_out"]
    pd.testing.assert_frame_equal(before[training], rescaled[training])
    for part in (before["family"] != "family 0", before["fold"] != 0):
        assert not np.allclose(before.loc[part, "score"], relabelled.loc[part, "score"])


@pytest.mark.parametrize("protocol", [protocols.leave_tasks_out, protocols.leave_family_out, protocols.leave_both_out])
@pytest.mark.parametrize("ranker", [rankers.Univariate(), rankers.SparseLinear(3), SVM], ids=repr)
def test_the_order_of_models_and_of_tasks_does_not_matter(protocol, ranker):
    made = panel(12)
    rng = np.random.default_rng(0)
    i, t = rng.permutation(12), rng.permutation(4)
    turned = panel_.Panel(
        models=[made.models[m] for m in i],
        families=made.families[i],
        tasks=[made.tasks[task] for task in t],
        features=made.features[i][:, t],
        names=made.names,
        accuracy=made.accuracy[i][:, t],
    )
    for measure in (summaries.rho, summaries.pair_agreement):
        first, second = (measure(protocol(p, ranker), p, ones(p)) for p in (made, turned))
        assert first == pytest.approx(second, abs=2e-3 if ranker is SVM else 1e-9)  # the solver stops at a tolerance


def test_impossible_hold_outs_are_named():
    with pytest.raises(UserError, match="k = 4 tasks of 4"):
        protocols.leave_tasks_out(panel(), SVM, k=4)
    with pytest.raises(UserError, match="at least 2 families"):
        protocols.leave_family_out(panel(families=1), SVM)


def test_fits_are_not_repeated():
    calls = []

    @dataclasses.dataclass(frozen=True)
    class Counting:
        def fit(self, X, y):
            calls.append(X.shape)
            return rankers.Univariate().fit(X, y)

    made = panel()
    protocols.leave_tasks_out(made, Counting())
    single.stability(made, Counting())
    assert calls == [(12, 2, 6)] * 6
    protocols.leave_both_out(made, Counting())
    assert calls[6:] == [(9, 2, 6)] * 8


@pytest.mark.parametrize(("tasks", "k", "times"), [(7, 2, 2), (8, 2, 1), (5, 3, 3), (6, 3, 1), (4, 1, 1), (3, 2, 2)])
def test_every_task_is_held_out_as_often_as_every_other_whatever_their_order(tasks, k, times):
    made = panel(tasks=tasks)
    folds = protocols.balanced_folds(made, k)
    assert len(folds) == len(set(folds)) and set(folds) <= set(protocols.task_folds(made, k))
    assert np.bincount(np.ravel(folds)).tolist() == [times] * tasks
    names = dataclasses.replace(made, tasks=made.tasks[::-1])
    sets = lambda p: {frozenset(p.tasks[t] for t in fold) for fold in protocols.balanced_folds(p, k)}
    assert sets(made) == sets(names)


def test_without_signal_fits_as_the_protocols_do_and_remembers_nothing():
    made = panel(5)
    protocols.fitted_without.cache_clear()
    for repeat in (0, 1, 6):
        frames = protocols.without_signal(made, SVM, repeat)
        assert protocols.fitted_without.cache_info().currsize == 0
        ring = [tuple(made.tasks[t] for t in fold) for fold in protocols.balanced_folds(made, 2)]
        sets = lambda frame: frame.groupby(["family", "fold"], sort=False)["task"].unique().map(tuple)
        assert list(sets(frames["leave-tasks-out"])) == ring
        assert set(sets(frames["leave-both-out"])) == {ring[repeat % 2]}
        pd.testing.assert_frame_equal(frames["leave-family-out"], protocols.leave_family_out(made, SVM))
        keys = ["family", "task", "model"]
        of_ring = frames["leave-both-out"].set_index(keys)["score"]
        every = protocols.leave_both_out(made, SVM).query(f"fold == {repeat % 2}").set_index(keys)["score"]
        pd.testing.assert_series_equal(of_ring, every)
        protocols.fitted_without.cache_clear()


def test_what_fits_nothing_ranks_an_unseen_family_by_its_raw_values():
    made = panel(4)
    frame = protocols.leave_family_out(made, rankers.Fixed(2, -1))
    pooled = frame[frame["held_out"]].pivot(index="model", columns="task", values="score").loc[made.models, made.tasks]
    assert (reference.rankdata(pooled, axis=0) == reference.rankdata(-made.features[:, :, 2], axis=0)).all()
    assert summaries.rho(frame, made, ones(made))[0] == pytest.approx(mean_rho(-made.features[:, :, 2], made.accuracy))
