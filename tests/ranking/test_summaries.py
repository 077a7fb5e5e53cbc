"""Scores of protocols: against scipy's, samples written out, pairs counted one by one."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from ranking.panels import BOOTSTRAP, SVM, mean_rho, ones, panel
from scipy import stats as reference

from proxylib import stats
from proxylib.errors import UserError
from proxylib.ranking import protocols, rankers, summaries


def test_rho_is_the_mean_over_folds_and_tasks_of_scipys():
    made = panel(3, rounded=True)
    frame = protocols.leave_tasks_out(made, rankers.Univariate())
    found = []
    for (_, task), part in frame.groupby(["fold", "task"]):
        y = made.accuracy[[made.models.index(m) for m in part["model"]], made.tasks.index(task)]
        found.append(reference.spearmanr(part["score"], y).statistic)
    assert summaries.rho(frame, made, ones(made)) == pytest.approx(np.mean(found))


def test_rho_under_weights_is_that_of_the_sample_written_out():
    made = panel(3)
    frame = protocols.leave_family_out(made, rankers.Univariate())
    pooled = frame[frame["held_out"]].pivot(index="model", columns="task", values="score").loc[made.models, made.tasks]
    weights = stats.cluster_weights(made.families, 5, 1)
    for found, times in zip(summaries.rho(frame, made, weights), weights, strict=True):
        copies = np.repeat(np.arange(12), times)
        assert found == pytest.approx(mean_rho(pooled.to_numpy()[copies], made.accuracy[copies]))


@pytest.mark.parametrize("protocol", [protocols.leave_tasks_out, protocols.leave_family_out, protocols.leave_both_out])
def test_pair_agreement_is_the_share_counted_pair_by_pair(protocol):
    made = panel(3, rounded=True)
    frame = protocol(made, rankers.Univariate())  # rounded features: scores tie too
    weights = np.vstack([ones(made), stats.cluster_weights(made.families, 3, 1)])
    right, total, tied = np.zeros(4), np.zeros(4), 0
    for (_, _, task), part in frame.groupby(["fold", "family", "task"]):
        for a, b in itertools.combinations(part.itertuples(), 2):
            i, j = made.models.index(a.model), made.models.index(b.model)
            gap = made.accuracy[i, made.tasks.index(task)] - made.accuracy[j, made.tasks.index(task)]
            if gap == 0 or not (a.held_out and b.held_out):
                continue
            w = weights[:, i] * weights[:, j]
            tied += a.score == b.score
            right += w * (0.5 if a.score == b.score else (a.score > b.score) == (gap > 0))
            total += w
    assert tied > 0
    assert summaries.pair_agreement(frame, made, weights) == pytest.approx(right / total)


def test_a_ranker_that_tells_nothing_apart_scores_zero_and_half():
    made = panel()
    frame = protocols.leave_tasks_out(made, rankers.Fixed(0, 0.0))
    assert summaries.rho(frame, made, ones(made)) == 0
    assert summaries.pair_agreement(frame, made, ones(made)) == 0.5


def test_scores_that_know_the_answer_are_perfect_under_every_protocol():
    made = panel(3)
    known = dataclasses.replace(made, features=np.repeat(made.accuracy[:, :, None], 6, axis=2))
    for protocol in (protocols.leave_tasks_out, protocols.leave_both_out):
        frame = protocol(known, rankers.Univariate())
        assert summaries.pair_agreement(frame, made, ones(made)) == 1
    assert summaries.rho(protocols.leave_tasks_out(known, rankers.Univariate()), made, ones(made)) == pytest.approx(1)


def test_one_protocol_at_a_time():
    made = panel()
    both = pd.concat(protocol(made, SVM) for protocol in (protocols.leave_tasks_out, protocols.leave_family_out))
    with pytest.raises(UserError, match="one protocol at a time"):
        summaries.rho(both, made, ones(made))


def test_the_summary_averages_seeds_on_common_draws():
    panels = [panel(seed) for seed in (3, 4)]
    good = [protocols.leave_tasks_out(p, rankers.Univariate()) for p in panels]
    poor = [protocols.leave_tasks_out(p, rankers.Fixed(0, -1.0)) for p in panels]
    also = [pd.concat([a, protocols.leave_family_out(p, rankers.Univariate())]) for a, p in zip(good, panels, strict=True)]
    frame = summaries.summary(panels, {"good": also, "poor": poor, "twin": good}, BOOTSTRAP, ["good"])
    rows = frame.set_index(["method", "protocol", "quantity"])
    weights = stats.cluster_weights(panels[0].families, BOOTSTRAP.draws, BOOTSTRAP.seed)
    draws = {
        name: np.mean([summaries.rho(f, p, weights) for f, p in zip(frames, panels, strict=True)], axis=0)
        for name, frames in {"good": good, "poor": poor}.items()
    }
    own = {
        name: [summaries.rho(f, p, ones(p))[0] for f, p in zip(frames, panels, strict=True)]
        for name, frames in {"good": good, "poor": poor}.items()
    }
    row = rows.loc["good", protocols.TASKS_OUT, "rho"]
    assert row["estimate"] == pytest.approx(np.mean(own["good"]))
    assert (row["seed_low"], row["seed_high"]) == pytest.approx((min(own["good"]), max(own["good"])))
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.nanquantile(draws["good"], [0.05, 0.95])))
    assert (row["models"], row["families"], row["seeds"]) == (12, 4, 2)
    gap = rows.loc["poor", protocols.TASKS_OUT, "rho minus that of good"]
    assert gap["estimate"] == pytest.approx(np.mean(own["poor"]) - np.mean(own["good"]))
    assert (gap["low"], gap["high"]) == pytest.approx(tuple(np.nanquantile(draws["poor"] - draws["good"], [0.05, 0.95])))
    twin = rows.loc["twin", protocols.TASKS_OUT, "rho minus that of good"]
    assert (twin[["estimate", "low", "high", "seed_low", "seed_high"]] == 0).all()
    assert ("good", protocols.FAMILY_OUT, "pair agreement") in rows.index
    assert not any(method == "good" and "minus" in quantity for method, _, quantity in rows.index)
    assert len(frame) == 2 * 2 + 3 + 3


def test_the_summary_names_what_does_not_fit():
    made = panel()
    frame = protocols.leave_tasks_out(made, rankers.Fixed(0, 1.0))
    with pytest.raises(UserError, match="1 frames for 2 panels"):
        summaries.summary([made, panel(1)], {"a": [frame]}, BOOTSTRAP)
    with pytest.raises(UserError, match="baseline b has no predictions"):
        summaries.summary([made], {"a": [frame]}, BOOTSTRAP, ["b"])
    with pytest.raises(UserError, match="tasks differ between seeds"):
        summaries.summary([made, dataclasses.replace(made, tasks=list("abcd"))], {"a": [frame] * 2}, BOOTSTRAP)
    with pytest.raises(UserError, match="none given"):
        summaries.summary([], {}, BOOTSTRAP)


def test_pairs_with_models_of_the_fit_are_not_counted():
    made = panel(5, families=3, sizes=2)

    @dataclasses.dataclass(frozen=True)
    class Memory:
        """Knows the order of the models that it was fitted on and nothing else."""

        def fit(self, X, y):
            known = {row.tobytes(): value for row, value in zip(X[:, 0], y[:, 0], strict=True)}
            return lambda points: np.array([[known.get(row.tobytes(), 0.0)] * points.shape[1] for row in points[:, 0]])

    frame = protocols.leave_family_out(made, Memory())
    assert summaries.pair_agreement(frame, made, ones(made))[0] == 0.5
