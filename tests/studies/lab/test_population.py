"""Pooling a population: accuracies, reliability, eligibility, spread, and sentences that follow their numbers."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats as reference

from proxylib import studies
from proxylib.data import corpora
from proxylib.measure import features
from proxylib.models.settings import Model
from proxylib.stats import Bootstrap
from proxylib.studies.lab import population, report
from proxylib.studies.lab.settings import Member, PopulationSettings

BOOTSTRAP = Bootstrap(draws=300, level=0.9, seed=5)
FAMILIES = ("a", "b", "c", "d")
MEMBERS = [(f"{family}-{width}", family, width) for family in FAMILIES for width in (32, 64)]
TASKS = ("sums", "words")


def answered(shares, items=200, task="t", seed=1):
    """Independent answers of members that are right with given probabilities."""
    rng = np.random.default_rng(seed)
    grid = rng.random((len(shares), items)) < np.asarray(shares)[:, None]
    rows = [
        (f"m{member}-seed1", f"m{member}", f"f{member % 4}", 32, 1, task, f"{task}-{item}", bool(grid[member, item]))
        for member, item in itertools.product(range(len(shares)), range(items))
    ]
    return pd.DataFrame(rows, columns=["member", "model", "family", "width", "seed", "task", "id", "correct"])


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


def test_accuracies_are_shares_with_wilson_intervals():
    frame = population.accuracies(answered([0.0, 0.3, 1.0], items=50), 0.95)
    assert frame["estimate"].iloc[0] == 0 and frame["estimate"].iloc[2] == 1 and (frame["n"] == 50).all()
    z2 = reference.norm.ppf(0.975) ** 2
    assert frame["high"].iloc[0] == pytest.approx(z2 / (50 + z2))  # Wilson's closed form at no success
    assert frame["low"].iloc[2] == pytest.approx(1 - z2 / (50 + z2))
    assert frame["low"].iloc[1] < frame["estimate"].iloc[1] < frame["high"].iloc[1]
    assert list(frame["model"]) == ["m0", "m1", "m2"] and set(frame["seed"]) == {1}


def test_accuracies_keep_seeds_apart():
    frame = pd.concat([answered([0.0]), answered([1.0]).assign(member="m0-seed2", seed=2)])
    assert population.accuracies(frame, 0.95).set_index("member")["estimate"].to_dict() == {"m0-seed1": 0, "m0-seed2": 1}


def test_reliability_is_that_of_the_simulated_items():
    rng = np.random.default_rng(3)
    shares = rng.beta(4, 4, 80)
    for items in (20, 100):
        noise = np.mean(shares * (1 - shares)) / items
        expected = shares.var() / (shares.var() + noise)
        found = population.split_half_reliability(answered(shares, items), 1).iloc[0]
        assert found["reliability"] == pytest.approx(expected, abs=0.08)
        assert found["ceiling"] == pytest.approx(math.sqrt(found["reliability"]))
        assert found["models"] == 80


def test_models_alike_leave_reliability_undefined():
    found = population.split_half_reliability(answered([1.0] * 5, 20), 1).iloc[0]
    assert math.isnan(found["reliability"]) and math.isnan(found["ceiling"])


def test_reliability_is_fixed_by_the_seed_and_given_per_task():
    frame = pd.concat([answered([0.2, 0.5, 0.8], task="x"), answered([0.5, 0.4, 0.45], task="y")])
    first, second = (population.split_half_reliability(frame, 4) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    by_task = first.set_index("task")["reliability"]
    assert list(first["task"]) == ["x", "y"] and by_task["x"] > 0.95 > by_task["y"]


# ---- which tasks tell models apart -----------------------------------------------------------------------------------


def scored(task, *values, n=200):
    return pd.DataFrame({"task": task, "member": [f"m{i}" for i in range(len(values))], "estimate": values, "n": n})


def test_a_task_is_eligible_when_two_thirds_of_the_models_are_off_floor_and_ceiling():
    traces = pd.DataFrame({"task": "x", "answer": ["1"] * 20 + [str(i) for i in range(2, 182)]})  # floor 0.1, s.e. 0.021
    table = population.eligibility(scored("x", 0.30, 0.50, 0.16, 0.02, 0.13, 1.00), traces)
    # 0.13 is within two standard errors of the floor, 1.00 is the ceiling; 0.02 is below the floor and no guess
    assert table[["floor", "differing", "models", "eligible"]].iloc[0].tolist() == [0.1, 4, 6, True]
    table = population.eligibility(scored("x", 0.30, 0.50, 0.16, 0.11, 0.13, 0.999), traces)
    assert table[["differing", "eligible"]].iloc[0].tolist() == [3, False]


def test_the_spread_of_a_task_by_hand():
    accuracy = pd.concat([scored("x", 0.1, 0.2, 0.3, 0.4, 0.9), scored("y", 0.5, 0.5, 0.5, 0.5, 0.5)])
    eligible = pd.DataFrame({"task": ["y", "x"], "differing": [5, 2], "models": [5, 5]})
    table = report.spread(accuracy, eligible)
    assert list(table.columns) == ["task", "low", "median", "high", "range", "at_floor_or_ceiling", "models"]
    assert table.iloc[0, 1:].tolist() == pytest.approx([0.2, 0.3, 0.4, 0.2, 3, 5]) and list(table["task"]) == ["x", "y"]
    assert table.iloc[1, 1:].tolist() == pytest.approx([0.5, 0.5, 0.5, 0.0, 0, 5])


@pytest.mark.parametrize(("shares", "wide"), [((0.0, 0.6, 0.2, 0.3), 1), ((0.3, 0.4, 0.3, 0.4), 0)])
def test_the_verdict_counts_wide_tasks_models_and_seeds(shares, wide):
    score = drawn(1) | {(name, "words"): shares[place % 4] for place, (name, _, _) in enumerate(MEMBERS)}
    score |= {(name, "sums"): 0.5 for name, _, _ in MEMBERS}
    once = report.verdict(accuracy_of(score), eligible_frame())
    assert once.startswith("8 models of 4 families, trained 1 time each, answer 2 kinds of problems. ")
    assert f"On {wide} of them" in once and "and 1 tell at least two thirds" in once
    assert "8 models of 4 families, trained 3 times each" in report.verdict(accuracy_of(score, (2, 3, 4)), eligible_frame())


# ---- tables for reading ----------------------------------------------------------------------------------------------


def test_a_member_is_named_with_the_mix_that_it_read():
    model = Model(architecture="gpt2", tokenizer="spaced", width=48, depth=2, mix="other-web", post="noisy", share=1.5)
    plain = population.identity(Member(model=model, seed=3, style="crossed"))
    assert plain == {
        "member": "gpt2-spaced-48-seed3",
        "model": "gpt2-spaced-48",
        "seed": 3,
        "family": "gpt2-spaced",
        "width": 48,
        "mix": "other-web",
        "post": "noisy",
        "share": 1.5,
    }
    styled = population.identity(Member(model=model, seed=3, style="expert"))
    assert (styled["member"], styled["mix"]) == ("gpt2-spaced-48-expert-seed3", "expert-web")


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


def test_the_title_of_the_curves_gives_the_range_of_their_ends():
    rows = [("a", 8, 1.5), ("a", 1, 9.0), ("b", 1, 8.0), ("b", 8, 2.25), ("c", 8, 2.0)]
    frame = pd.DataFrame(rows, columns=["member", "step", "bits_per_byte"])
    assert report.finding_curves(frame) == "Final held-out loss runs from 1.50 to 2.25 bits per byte"


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
    assert table.loc["brackets"].tolist() == ["number of brackets", "8, 9", "10"]
    assert table.loc["walk"].tolist() == ["number of steps", "4, 5", "6"]


def test_the_table_of_speeds_takes_medians_over_seeds():
    members = pd.DataFrame({"member": ["a-32-seed1", "a-32-seed2", "a-32-seed3", "b-64-seed1"], "parameters": [5, 5, 5, 9]})
    speed = {
        name: dict.fromkeys(population.SPEEDS, value)
        for name, value in zip(members["member"], (1e9, 3e9, 2e9, None), strict=True)
    }
    table = report.speed_table(members, speed)
    assert list(table["design"]) == ["a-32"] and table["runs"].item() == 3
    assert table["model GFLOP/s"].item() == "2"


# ---- the stage -------------------------------------------------------------------------------------------------------


def test_build_pools_every_member_under_its_own_name():
    base = studies.profile("lab").population
    specs = [base[place] for place in (0, 3, 7)]
    members = tuple(Member(model=model, seed=1, style="other") for model in specs)
    tables, facts, parents = {}, {}, {}
    for place, member in enumerate(members):
        answers = [(t, f"{t}-{i}", i % 2, "text", bool(i < place * 2 + 1)) for t in "xy" for i in range(8)]
        own = pd.DataFrame({"task": ["x", "y"], "top1|uniform": np.float32([place, place + 0.5])})
        answered = pd.DataFrame(answers, columns=["task", "id", "level", "text", "correct"])
        written = answered.groupby("task", sort=False).head(2)
        held = {"answers": answered.drop(columns="text"), "written": written, "features": features.to_long(own)}
        losses = pd.DataFrame({"phase": "pretraining", "split": ["train", "held-out"], "nll": [9.0, float(place)]})
        noted = {"parameters": {"all": 100 + place}, "tokens": 10, "flops": 6e12, **dict.fromkeys(population.SPEEDS, place)}
        noted |= {"samples": 40, "samples_kept": 7} if place == 0 else {}
        parents[f"train {member.name}"] = SimpleNamespace(facts=noted, table={"losses": losses}.__getitem__)
        measured = {"vocabulary": 50, "tokens_scored": 30 + place}
        parents[f"measure {member.name}"] = SimpleNamespace(facts=measured, table=held.__getitem__)
    material = {"traces": pd.DataFrame({"task": ["x", "x", "y"], "answer": ["1", "2", "1"]})}
    parents["material"] = SimpleNamespace(table=material.__getitem__)
    theirs = {"answers": pd.DataFrame({"task": ["x", "x", "y"], "correct": [True, False, True]})}
    parents["expert"] = SimpleNamespace(table=theirs.__getitem__)
    settings = PopulationSettings(members=members, bootstrap=BOOTSTRAP)
    step = SimpleNamespace(settings=settings, parent=parents.__getitem__)
    population.build(step, SimpleNamespace(write_table=tables.__setitem__, note=facts.update))
    assert set(tables) >= {"members", "losses", "features", "accuracy", "reliability", "levels", "eligibility", "examples"}
    names = [member.name for member in members]
    pooled, accuracy = tables["features"], tables["accuracy"].set_index(["member", "task"])["estimate"]
    assert [(row.member, row.task) for row in pooled.itertuples()] == [(name, task) for name in names for task in "xy"]
    for place, name in enumerate(names):
        assert accuracy[name, "x"] == accuracy[name, "y"] == (place * 2 + 1) / 8
        assert facts["speed"][name]["utilisation"] == place
        own = pooled[pooled["member"] == name]
        assert list(own["top1|uniform"]) == [place, place + 0.5]
        assert set(own["parameters"]) == {100 + place} and set(own["compute"]) == {np.float32(6e12)}
    assert list(tables["members"]["parameters"]) == [100, 101, 102] and set(tables["losses"]["split"]) == {"held-out"}
    assert list(tables["members"]["tokens_scored"]) == [30, 31, 32] and list(tables["losses"]["nll"]) == [0, 1, 2]
    kept = tables["members"]["samples_kept"].tolist()
    assert kept[0] == 7 and np.isnan(kept[1:]).all()
    assert list(tables["members"]["mix"]) == [model.mix.replace("expert", "other") for model in specs]
    assert len(tables["examples"]) == 6 and facts["expert_accuracy"] == {"x": 0.5, "y": 1.0}
    assert list(tables["answers"].columns) == ["member", "task", "id", "correct"] and len(tables["answers"]) == 48
    levels = tables["levels"].set_index(["member", "task", "level"])
    assert levels.loc[(names[1], "x", 0), ["mean", "size"]].tolist() == [0.5, 4]
