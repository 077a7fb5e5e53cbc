"""Tables of the lab: best first, facts on tasks last, medians over seeds, counts as they were made."""

import numpy as np
import pandas as pd
import pytest

from proxylib.data import corpora
from proxylib.stats import Bootstrap
from proxylib.studies.lab import population, report, training_noise

FAMILIES = ("a", "b", "c", "d")
MEMBERS = [(f"{family}-{width}", family, width) for family in FAMILIES for width in (32, 64)]
TASKS = ("sums", "words")


def accuracy_of(score, seeds=(1,)):
    """Accuracy frame from {(model, task): share} or, of several seeds, {(model, task, seed): share}."""
    rows = [
        (f"{name}-seed{seed}", name, family, width, seed, task, score.get((name, task, seed), score.get((name, task))), 10)
        for seed in seeds
        for task in TASKS
        for name, family, width in MEMBERS
    ]
    frame = pd.DataFrame(rows, columns=["member", "model", "family", "width", "seed", "task", "estimate", "n"])
    return frame.assign(low=0.0, high=1.0)


def drawn(seed):
    rng = np.random.default_rng(seed)
    return {(model, task): float(rng.random()) for task in TASKS for model, _, _ in MEMBERS}


def eligible_frame(differing=(8, 3)):
    facts = {"task": list(TASKS), "floor": [0.1, 0.02], "differing": list(differing), "models": 8, "eligible": [True, False]}
    return pd.DataFrame(facts)


def scored(task, *values, n=200):
    return pd.DataFrame({"task": task, "member": [f"m{i}" for i in range(len(values))], "estimate": values, "n": n})


def test_the_spread_of_a_task_by_hand():
    accuracy = pd.concat([scored("x", 0.1, 0.2, 0.3, 0.4, 0.9), scored("y", 0.5, 0.5, 0.5, 0.5, 0.5)])
    eligible = pd.DataFrame({"task": ["y", "x"], "differing": [5, 2], "models": [5, 5]})
    table = report.spread(accuracy, eligible)
    assert list(table.columns) == ["task", "low", "median", "high", "range", "at_floor_or_ceiling", "models"]
    assert table.iloc[0, 1:].tolist() == pytest.approx([0.2, 0.3, 0.4, 0.2, 3, 5]) and list(table["task"]) == ["x", "y"]
    assert table.iloc[1, 1:].tolist() == pytest.approx([0.5, 0.5, 0.5, 0.0, 0, 5])


def test_the_accuracy_table_is_sorted_best_first_and_ends_with_facts_on_the_tasks():
    score = drawn(4)
    reliability = pd.DataFrame({"task": list(TASKS), "reliability": [0.91, 0.5], "ceiling": 0.9, "models": 8})
    table = report.accuracy_table(accuracy_of(score), reliability, eligible_frame())
    mean = pd.Series({name: np.mean([score[name, task] for task in TASKS]) for name, _, _ in MEMBERS})
    facts = ["best constant answer", "inter-quartile range", "split-half reliability", "at floor or ceiling"]
    assert list(table["model"]) == [*mean.sort_values(ascending=False).index, *facts]
    assert list(table.columns) == ["model", "mean", *TASKS]
    assert table["mean"].iloc[:-4].tolist() == [f"{100 * value:.0f}" for value in mean.sort_values(ascending=False)]
    assert table.iloc[0]["sums"] == f"{100 * score[mean.idxmax(), 'sums']:.0f}"
    assert table.iloc[-4][list(TASKS)].tolist() == ["10", "2"]
    ranges = [np.subtract(*np.quantile([score[name, task] for name, _, _ in MEMBERS], [0.75, 0.25])) for task in TASKS]
    assert table.iloc[-3][list(TASKS)].tolist() == [f"{100 * value:.0f}" for value in ranges]
    assert table.iloc[-2][list(TASKS)].tolist() == ["0.91", "0.50"]
    assert table.iloc[-1][list(TASKS)].tolist() == ["0 of 8", "5 of 8"]


def test_several_seeds_are_shown_as_their_mean_and_half_their_range():
    score = {(name, task, seed): 0.4 + 0.05 * seed for name, _, _ in MEMBERS for task in TASKS for seed in (1, 3)}
    reliability = pd.DataFrame({"task": list(TASKS), "reliability": 0.9, "ceiling": 0.9, "models": 8})
    table = report.accuracy_table(accuracy_of(score, (1, 3)), reliability, eligible_frame())
    assert set(table.iloc[:8]["sums"]) == {"50 ±5"} and set(table.iloc[:8]["mean"]) == {"50"}


def test_answers_shown_are_those_of_the_best_and_the_worst_model():
    accuracy = accuracy_of({(model, task): place / 8 for task in TASKS for place, (model, _, _) in enumerate(MEMBERS)})
    rows = [(f"{model}-seed1", task, f"{task}-{n}", "text") for model, _, _ in MEMBERS for task in TASKS for n in range(2)]
    shown = report.shown_answers(pd.DataFrame(rows, columns=["member", "task", "id", "text"]), accuracy)
    assert {row["member"] for row in shown} == {f"{MEMBERS[0][0]}-seed1", f"{MEMBERS[-1][0]}-seed1"} and len(shown) == 4


def test_the_table_of_corpora_shows_what_was_counted():
    chosen = corpora.Recipe(name="mine", shares={"prose": 0.6, "code": 0.4})
    described = corpora.manifest(chosen, ["ab", "cd", "ab", "e"]) | {"tokens": 1_234_567}
    row = report.corpus_table(pd.DataFrame([described])).iloc[0]
    assert row.iloc[:5].tolist() == ["mine", "prose 60%, code 40%", "1.23", "4", "25.0"]
    assert row["SHA-256"] == described["sha256"][:10]


def test_the_table_of_members_shows_the_first_seed_alone():
    base = {"family": "f", "mix": "expert", "post": "none", "share": 1.0, "parameters": 12345, "tokens": 1_300_000}
    members = pd.DataFrame([base | {"seed": seed, "width": width} for seed in (2, 3) for width in (32, 48)])
    table = report.member_table(members)
    assert list(table["width"]) == [32, 48] and set(table["post-training"]) == {"none"}
    assert set(table["parameters"]) == {"12,345"} and set(table["million tokens"]) == {"1.30"}


def test_the_table_of_tasks_tells_trained_levels_from_untrained():
    table = report.task_table(["brackets", "walk"]).set_index("task")
    assert table.loc["brackets"].tolist() == ["number of brackets", "5, 6, 8, 9", "7, 10"]
    assert table.loc["walk"].tolist() == ["number of steps", "3, 4, 6, 7", "5, 8"]


def test_the_table_of_speeds_takes_medians_over_seeds():
    members = pd.DataFrame({"member": ["a-32-seed1", "a-32-seed2", "a-32-seed3", "b-64-seed1"], "parameters": [5, 5, 5, 9]})
    speed = {
        name: dict.fromkeys(population.SPEEDS, value)
        for name, value in zip(members["member"], (1e9, 3e9, 2e9, None), strict=True)
    }
    table = report.speed_table(members, speed)
    assert list(table["design"]) == ["a-32"] and table["runs"].item() == 3
    assert table["model GFLOP/s"].item() == "2"


def graded_frame(counts):
    facts = {"floor": 0.25, "mean": [0.3, 0.5, 0.9], "at_floor": [5, 1, 0], "at_ceiling": [0, 1, 4], "models": 8}
    return pd.DataFrame({"task": ["walk", "brackets", "walk"], "level": [8, 5, 3], **facts, "counts": counts})


def test_levels_show_what_was_decided_and_where_the_models_at_hand_would_decide_otherwise():
    levels = pd.DataFrame(
        [(member, task, level) for member in "ab" for task, level in (("walk", 3), ("walk", 8), ("brackets", 5))]
    )
    levels = levels.set_axis(["member", "task", "level"], axis="columns")
    levels["counted"] = levels["level"].isin([3, 8])
    shown = report.levels_shown(graded_frame([False, True, True]), levels)
    assert list(zip(shown["task"], shown["level"], strict=True)) == [("walk", 3), ("walk", 8), ("brackets", 5)]
    assert shown["counted"].tolist() == [True, True, False] and shown["otherwise"].tolist() == [False, True, True]
    table = report.level_table(shown).set_index(["task", "level"])
    assert table["trained"].tolist() == ["yes", "no", "yes"] and table["mean accuracy (%)"].tolist() == ["90", "30", "50"]
    assert table.loc[("walk", 8)].tolist() == ["no", "25", "30", 5, 0, "yes", "no"]


def both_trainings():
    values = {"first": [0.2, 0.6, 0.3], "second": [0.4, 0.5, 0.1]}
    who = {"model": ["x", "y", "z"], "family": ["f", "g", "h"]}
    proxy = {side: [0.9 - value for value in side_values] for side, side_values in values.items()}
    measures = {training_noise.ACCURACY: values, training_noise.NAMED: proxy}
    return pd.concat([pd.DataFrame(who | part | {"measure": name}) for name, part in measures.items()], ignore_index=True)


def test_models_trained_twice_stand_by_accuracy_whatever_is_shown_of_them():
    pairs = both_trainings()
    shown = report.twice(pairs, training_noise.ACCURACY)
    assert list(shown["model"]) == ["y", "x", "z"] and shown["first"].tolist() == pytest.approx([60, 20, 30])
    proxy = report.twice(pairs, training_noise.NAMED)
    assert list(proxy["model"]) == ["y", "x", "z"] and proxy["second"].tolist() == pytest.approx([40, 50, 80])


def test_the_table_of_noise_says_shares_in_points_and_ranks_in_places():
    moves = training_noise.moves(both_trainings(), Bootstrap(draws=100, level=0.95, seed=1))
    table = report.noise_table(moves).set_index("quantity")
    assert list(table.columns) == [training_noise.ACCURACY, training_noise.NAMED]
    assert table.loc["SD between seeds (points)", "accuracy"].startswith("12 [")  # the root of (4 + 1 + 4) / 6 hundredths
    assert table.loc["change of rank (places)", "accuracy"].startswith("0.7") and len(table) == len(report.MOVES)
    assert table.loc["the same minus accuracy's", "accuracy"] == "–"
