"""Pooling a population: accuracies, reliability, eligibility, and every member under its own name."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats as reference

from proxylib import studies
from proxylib.measure import features
from proxylib.models.settings import Model
from proxylib.stats import Bootstrap
from proxylib.studies.lab import population
from proxylib.studies.lab.settings import Member, PopulationSettings

BOOTSTRAP = Bootstrap(draws=300, level=0.9, seed=5)


def answered(shares, items=200, task="t", seed=1):
    """Independent answers of members that are right with given probabilities."""
    rng = np.random.default_rng(seed)
    grid = rng.random((len(shares), items)) < np.asarray(shares)[:, None]
    rows = [
        (f"m{member}-seed1", f"m{member}", f"f{member % 4}", 32, 1, task, f"{task}-{item}", bool(grid[member, item]))
        for member, item in itertools.product(range(len(shares)), range(items))
    ]
    return pd.DataFrame(rows, columns=["member", "model", "family", "width", "seed", "task", "id", "correct"])


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


def test_a_member_is_named_with_the_mix_that_it_read():
    model = Model(architecture="gpt2", tokenizer="spaced", width=48, depth=2, mix="blend-20-web", post="noisy", share=1.5)
    plain = population.identity(Member(model=model, seed=3, style="crossed"))
    assert plain == {
        "member": "gpt2-spaced-48-seed3",
        "model": "gpt2-spaced-48",
        "seed": 3,
        "family": "gpt2-spaced",
        "width": 48,
        "mix": "blend-20-web",
        "post": "noisy",
        "share": 1.5,
        "style_share": 0.2,  # to two decimals, lest rounding part models of one share
    }
    styled = population.identity(Member(model=model, seed=3, style="expert"))
    assert (styled["member"], styled["mix"]) == ("gpt2-spaced-48-expert-seed3", "blend-100-web")


# ---- the stage -------------------------------------------------------------------------------------------------------


def test_build_pools_every_member_under_its_own_name():
    base = studies.profile("lab").population
    specs = [base[place] for place in (0, 3, 7)]
    members = tuple(Member(model=model, seed=1, style="other") for model in specs)
    tables, facts, parents, read = {}, {}, {}, []
    for place, member in enumerate(members):
        answers = [(t, f"{t}-{i}", i % 2, "text", bool(i < place * 2 + 1)) for t in "xy" for i in range(8)]
        own = pd.DataFrame({"task": ["x", "y"], "top1|uniform": np.float32([place, place + 0.5])})
        read.append(own.assign(**{"top1|uniform": own["top1|uniform"] + 10}, member=member.name))
        answered = pd.DataFrame(answers, columns=["task", "id", "level", "text", "correct"])
        written = answered.groupby("task", sort=False).head(2)
        held = {"answers": answered.drop(columns="text"), "written": written, "features": features.to_long(own)}
        losses = pd.DataFrame({"phase": "pretraining", "split": ["train", "held-out"], "nll": [9.0, float(place)]})
        noted = {"parameters": {"all": 100 + place}, "tokens": 10, "flops": 6e12, **dict.fromkeys(population.SPEEDS, place)}
        noted |= {"samples": 40, "samples_kept": 7} if place == 0 else {}
        parents[f"train {member.name}"] = SimpleNamespace(facts=noted, table={"losses": losses}.__getitem__)
        measured = {"vocabulary": 50, "tokens_scored": 30 + place}
        parents[f"measure {member.name}"] = SimpleNamespace(facts=measured, table=held.__getitem__)
    material = {
        "traces": pd.DataFrame([(t, f"{t}-{i}", str(i)) for t in "xy" for i in range(8)], columns=["task", "id", "answer"])
    }
    parents["material"] = SimpleNamespace(table=material.__getitem__)
    parents["reading"] = SimpleNamespace(table={"features": pd.concat(read)}.__getitem__)
    theirs = {"answers": pd.DataFrame({"task": ["x", "x", "y"], "correct": [True, False, True]})}
    parents["expert"] = SimpleNamespace(table=theirs.__getitem__)
    settings = PopulationSettings(members=members, counted={}, bootstrap=BOOTSTRAP)
    step = SimpleNamespace(settings=settings, parent=parents.__getitem__)
    population.build(step, SimpleNamespace(write_table=tables.__setitem__, note=facts.update))
    assert set(tables) >= {"members", "losses", "features", "accuracy", "reliability", "levels", "eligibility", "examples"}
    names = [member.name for member in members]
    pooled, of_all, accuracy = (
        tables["features"],
        tables["features_of_all"],
        tables["accuracy"].set_index(["member", "task"])["estimate"],
    )
    assert [(row.member, row.task) for row in pooled.itertuples()] == [(name, task) for name in names for task in "xy"]
    for place, name in enumerate(names):
        assert accuracy[name, "x"] == accuracy[name, "y"] == (place * 2 + 1) / 8
        assert facts["speed"][name]["utilisation"] == place
        own = pooled[pooled["member"] == name]
        assert list(own["top1|uniform"]) == [place + 10, place + 10.5]  # of traces of problems that count
        assert list(of_all[of_all["member"] == name]["top1|uniform"]) == [place, place + 0.5]
        assert set(own["parameters"]) == {100 + place} and set(own["compute"]) == {np.float32(6e12)}
    assert list(tables["members"]["parameters"]) == [100, 101, 102] and set(tables["losses"]["split"]) == {"held-out"}
    assert list(tables["members"]["tokens_scored"]) == [30, 31, 32] and list(tables["losses"]["nll"]) == [0, 1, 2]
    kept = tables["members"]["samples_kept"].tolist()
    assert kept[0] == 7 and np.isnan(kept[1:]).all()
    assert list(tables["members"]["mix"]) == [model.in_style("other").mix for model in specs]
    assert len(tables["examples"]) == 6 and facts["expert_accuracy"] == {"x": 0.5, "y": 1.0}
    assert list(tables["answers"].columns) == ["member", "task", "id", "correct"] and len(tables["answers"]) == 48
    levels = tables["levels"].set_index(["member", "task", "level"])
    assert levels.loc[(names[1], "x", 0), ["mean", "size"]].tolist() == [0.5, 4]


def test_a_level_counts_while_fewer_than_half_of_the_models_guess_and_fewer_than_half_are_perfect():
    traces = pd.DataFrame([("t", f"t-{i}", "1" if i < 10 else str(i)) for i in range(100)], columns=["task", "id", "answer"])
    floor = 0.1  # of two standard errors .06
    for shares, counts in (([0.3, 0.5, 0.9, 1.0], True), ([0.0, 0.1, 0.5, 0.9], False), ([1.0, 0.99, 0.5, 0.9], False)):
        rows = [(f"m{m}", "t", f"t-{i}", 4, i < 100 * share) for m, share in enumerate(shares) for i in range(100)]
        table = population.graded(pd.DataFrame(rows, columns=["member", "task", "id", "level", "correct"]), traces).iloc[0]
        assert table["floor"] == floor and bool(table["counts"]) is counts and table["mean"] == pytest.approx(np.mean(shares))
