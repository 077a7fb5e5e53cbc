"""Pooling a population: accuracies, reliability, fixed proxies, and sentences that follow their numbers."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats as reference

from proxylib import population, proxies
from proxylib.config import Inference, Member, Model, PopulationSettings
from proxylib.errors import UserError

INFERENCE = Inference(draws=300, level=0.9, seed=5)
FAMILIES = ("a", "b", "c", "d")
MEMBERS = [(f"{family}-{width}", family, width) for family in FAMILIES for width in (32, 64)]
TASKS = ("sums", "words")


def answered(shares, items=200, task="t", seed=1):
    """Independent answers of members that are right with given probabilities."""
    rng = np.random.default_rng(seed)
    grid = rng.random((len(shares), items)) < np.asarray(shares)[:, None]
    rows = [
        (f"m{member}", f"f{member % 4}", 32, task, f"{task}-{item}", bool(grid[member, item]))
        for member, item in itertools.product(range(len(shares)), range(items))
    ]
    return pd.DataFrame(rows, columns=["member", "family", "width", "task", "id", "correct"])


def accuracy_of(score):
    """Accuracy frame from {(member, task): share}."""
    rows = [(*keys, task, score[keys[0], task], 0.0, 1.0, 10) for task in TASKS for keys in MEMBERS]
    return pd.DataFrame(rows, columns=["member", "family", "width", "task", "estimate", "low", "high", "n"])


def values_of(quality):
    """Raw proxy values from {(member, task): q}: every fixed proxy orders members by q, cross-entropy and bytes inverted."""
    rows = []
    for (member, task), q in quality.items():
        rows += [
            (member, task, "cross_entropy", "uniform", 3 - q),
            (member, task, "bits_per_byte", "uniform", 5 - 2 * q),
            (member, task, "top1", "inverse_frequency", q),
            (member, task, "top5", "frequency", q**3),
            (member, task, "cross_entropy", "frequency", 100 + q),  # never to be picked up
        ]
    return pd.DataFrame(rows, columns=["member", "task", "statistic", "weighting", "value"])


def drawn(seed):
    rng = np.random.default_rng(seed)
    return {(member, task): float(rng.random()) for task in TASKS for member, _, _ in MEMBERS}


def correlation_frame(low, high, estimate=None, rho=0.6):
    """The rows that sentences and tables read, with a chosen interval of the difference."""
    estimate = (low + high) / 2 if estimate is None else estimate
    rows = []
    for task, shift in (("sums", 0.1), ("words", -0.1), ("mean", 0.0)):
        for place, name in enumerate(population.FIXED):
            value = rho + shift + 0.05 * place
            rows.append((task, name, population.RHO, value, value - 0.22, value + 0.22, 8, 8, 4))
            if place:
                rows.append((task, name, population.DIFFERENCE, estimate, low, high, 8, 8, 4))
            if name == population.WINNER:
                rows.append((task, name, population.FAIR_DIFFERENCE, estimate, low, high, 8, 8, 4))
    columns = ["task", "proxy", "quantity", "estimate", "low", "high", "models", "designs", "families"]
    return pd.DataFrame(rows, columns=columns)


def test_accuracies_are_shares_with_wilson_intervals():
    frame = population.accuracies(answered([0.0, 0.3, 1.0], items=50), 0.95)
    assert frame["estimate"].iloc[0] == 0 and frame["estimate"].iloc[2] == 1 and (frame["n"] == 50).all()
    z2 = reference.norm.ppf(0.975) ** 2
    assert frame["high"].iloc[0] == pytest.approx(z2 / (50 + z2))  # Wilson's closed form at no success
    assert frame["low"].iloc[2] == pytest.approx(1 - z2 / (50 + z2))
    assert frame["low"].iloc[1] < frame["estimate"].iloc[1] < frame["high"].iloc[1]


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


def test_every_fixed_proxy_is_turned_so_that_more_is_better():
    quality = drawn(1)
    table = population.oriented(values_of(quality))
    assert list(table.columns) == list(population.FIXED) and len(table) == 16
    q = pd.Series(quality).reindex(table.index)
    for name in table:
        assert reference.spearmanr(q, table[name]).statistic == pytest.approx(1), name


def test_the_four_proxies_are_those_fixed_in_advance():
    named = [population.FIXED[name] for name in (population.WINNER, "top-5, frequency")]
    assert named == list(proxies.NAMED_WINNERS.values())
    assert population.FIXED[population.BASELINE] == ("cross_entropy", "uniform")


def test_correlations_agree_with_scipy_and_average_over_tasks():
    quality, score = drawn(2), drawn(3)
    values = values_of(quality)
    ce = (values["statistic"] == "cross_entropy") & (values["weighting"] == "uniform")
    values.loc[ce, "value"] = np.random.default_rng(7).random(ce.sum())
    accuracy = accuracy_of(score)
    found = population.correlations(values, accuracy, INFERENCE).set_index(["task", "proxy", "quantity"])["estimate"]
    table = population.oriented(values)
    rho = {}
    for task, proxy in itertools.product(TASKS, population.FIXED):
        pairs = [(table.loc[(member, task), proxy], score[member, task]) for member, _, _ in MEMBERS]
        rho[task, proxy] = reference.spearmanr(*zip(*pairs, strict=True)).statistic
        assert found[task, proxy, population.RHO] == pytest.approx(rho[task, proxy]), (task, proxy)
    for proxy in population.FIXED:
        mean = np.mean([rho[task, proxy] for task in TASKS])
        assert found["mean", proxy, population.RHO] == pytest.approx(mean)
        if proxy != population.BASELINE:
            gap = mean - np.mean([rho[task, population.BASELINE] for task in TASKS])
            assert found["mean", proxy, population.DIFFERENCE] == pytest.approx(gap)


def test_the_order_of_rows_does_not_pair_models_wrongly():
    values, accuracy = values_of(drawn(2)), accuracy_of(drawn(3))
    first = population.correlations(values, accuracy, INFERENCE)
    shuffled = population.correlations(values.sample(frac=1, random_state=1), accuracy, INFERENCE)
    pd.testing.assert_frame_equal(first, shuffled)


def test_identical_proxies_differ_by_nothing_in_every_draw():
    # a difference is taken on the same draws: for proxies with one order it is exactly zero, not merely near it
    found = population.correlations(values_of(drawn(2)), accuracy_of(drawn(3)), INFERENCE)
    gaps = found[found["quantity"] == population.DIFFERENCE]
    assert gaps[["estimate", "low", "high"]].to_numpy() == pytest.approx(0, abs=1e-12)


def test_intervals_come_from_drawing_families_whole():
    # within a family both models are equal, so a draw of families never sees more than four different points
    score = {(member, task): float(FAMILIES.index(family)) for task in TASKS for member, family, _ in MEMBERS}
    quality = {key: {0.0: 0.0, 1.0: 2.0, 2.0: 1.0, 3.0: 3.0}[value] for key, value in score.items()}
    found = population.correlations(values_of(quality), accuracy_of(score), INFERENCE)
    row = found[(found["task"] == "sums") & (found["proxy"] == population.WINNER)].iloc[0]
    possible = set()
    for draw in itertools.product(range(4), repeat=4):
        x, y = [[0, 2, 1, 3][f] for f in draw for _ in range(2)], [f for f in draw for _ in range(2)]
        if len(set(draw)) >= 2:
            possible.add(round(float(reference.spearmanr(x, y).statistic), 9))
    assert round(row["low"], 9) in possible and round(row["high"], 9) in possible and row["low"] < row["estimate"] < row["high"]
    assert (row["models"], row["families"]) == (8, 4)


def test_a_task_on_which_all_score_alike_is_left_out_of_the_mean():
    score = drawn(3)
    score |= {(member, "words"): 0.0 for member, _, _ in MEMBERS}
    found = population.correlations(values_of(drawn(2)), accuracy_of(score), INFERENCE)
    rho = found[found["quantity"] == population.RHO].set_index(["task", "proxy"])
    assert math.isnan(rho.loc[("words", population.WINNER), "estimate"])
    assert math.isnan(rho.loc[("words", population.WINNER), "low"])
    assert rho.loc[("mean", population.WINNER), "estimate"] == rho.loc[("sums", population.WINNER), "estimate"]


def test_without_any_task_that_tells_models_apart_there_is_no_mean_and_no_verdict():
    found = population.correlations(values_of(drawn(2)), accuracy_of(dict.fromkeys(drawn(3), 0.0)), INFERENCE)
    assert "mean" not in set(found["task"])
    assert population.verdict(found).startswith("No verdict")
    assert population.estimates(found, 0.9).empty
    table = population.correlation_table(found)
    assert set(table["proxy"]) == set(population.FIXED) and "mean" not in table
    assert set(table[list(TASKS)].to_numpy().ravel()) == {"undefined"}
    assert set(table["mean minus cross-entropy's"]) == {""}


def test_two_models_are_too_few():
    with pytest.raises(UserError, match="at least 3 models are needed, found 2"):
        few = accuracy_of(drawn(3))
        population.correlations(values_of(drawn(2)), few[few["family"] == "a"], INFERENCE)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.4, "accuracies better than cross-entropy"),
        (-0.4, -0.1, "accuracies worse than cross-entropy"),
        (-0.1, 0.3, "accuracies not distinguishably better or worse than"),
        (0.0, 0.3, "accuracies not distinguishably better or worse than"),
        (float("nan"), float("nan"), "No verdict"),
    ],
)
def test_the_verdict_turns_with_the_interval(low, high, words):
    assert words in population.verdict(correlation_frame(low, high, estimate=0.2))


def test_the_verdict_shows_the_numbers_of_the_frame():
    sentence = population.verdict(correlation_frame(-0.13, 0.33))
    assert "8 models (8 designs) of 4 families" in sentence and "difference 0.1 [-0.1, 0.3]" in sentence
    assert "0.7 [0.5, 0.9] against 0.6 [0.4, 0.8]" in sentence


def test_the_scoreboards_row_is_the_winners_difference():
    row = population.estimates(correlation_frame(-0.1, 0.3), 0.9).iloc[0]
    assert (row["claim"], row["n"], row["n_unit"]) == ("winner-beats-loss", 8, "models (8 designs) in 4 families")
    assert tuple(row[["estimate", "low", "high", "level"]]) == pytest.approx((0.1, -0.1, 0.3, 0.9))


def test_tables_are_sorted_best_first():
    accuracy = accuracy_of(drawn(4))
    reliability = pd.DataFrame({"task": list(TASKS), "reliability": [0.91, 0.5], "ceiling": 0.9, "models": 8})
    eligible = pd.DataFrame(
        {"task": list(TASKS), "floor": [0.1, 0.02], "differing": [8, 3], "models": 8, "eligible": [True, False]}
    )
    table = population.accuracy_table(accuracy, reliability, eligible)
    mean = accuracy.groupby("member")["estimate"].mean().sort_values(ascending=False)
    assert list(table["model"]) == [
        *mean.index,
        "best constant answer",
        "split-half reliability",
        "models off floor and ceiling",
    ]
    assert list(table.columns) == ["model", "mean", *TASKS]
    assert table["mean"].iloc[:-3].tolist() == [f"{100 * value:.0f}" for value in mean]
    assert table.iloc[-3][list(TASKS)].tolist() == ["10", "2"]
    assert table.iloc[-2][list(TASKS)].tolist() == ["0.91", "0.50"]
    assert table.iloc[-1][list(TASKS)].tolist() == ["8 of 8", "3 of 8"]

    shown = population.correlation_table(correlation_frame(-0.1, 0.3))
    assert list(shown["proxy"]) == list(population.FIXED)[::-1]  # the frame's correlations rise in that order
    assert shown.loc[shown["proxy"] == population.BASELINE, "mean minus cross-entropy's"].item() == ""


def test_answers_shown_are_those_of_the_best_and_the_worst_model():
    accuracy = accuracy_of({(member, task): place / 8 for task in TASKS for place, (member, _, _) in enumerate(MEMBERS)})
    rows = [(member, task, f"{task}-{n}", "text") for member, _, _ in MEMBERS for task in TASKS for n in range(2)]
    shown = population.shown_answers(pd.DataFrame(rows, columns=["member", "task", "id", "text"]), accuracy)
    assert {row["member"] for row in shown} == {MEMBERS[0][0], MEMBERS[-1][0]} and len(shown) == 4


def test_a_scatter_pairs_each_models_proxy_with_its_own_accuracy():
    quality = drawn(5)
    frame = population.scatter(values_of(quality), accuracy_of(drawn(6)), population.BASELINE)
    assert len(frame) == 16
    for row in frame.itertuples():
        assert row.x == pytest.approx(quality[row.member, row.task] - 3)


def test_build_pools_every_member_under_its_own_name(tmp_path):
    models = [Model(architecture=a, tokenizer="byte", width=w, depth=1) for a in ("llama", "gpt_neox") for w in (8, 16)]
    members = tuple(Member(model=model, seed=1) for model in models)
    tables, facts, parents = {}, {}, {}
    rng = np.random.default_rng(1)
    for place, member in enumerate(members):
        nll = 0.1 * (place + 1) + rng.random(12)
        tokens = pd.DataFrame({"task": ["x"] * 6 + ["y"] * 6, "id": ["1", "2"] * 6, "token": rng.integers(0, 3, 12)})
        tokens = tokens.assign(n_bytes=2, nll=nll, entropy=1.0, n_greater=rng.integers(0, 3, 12), n_equal=1, p_max=0.5)
        answers = [(t, f"{t}-{i}", i % 2, bool(i < place * 2 + 1)) for t in "xy" for i in range(8)]
        answers = pd.DataFrame(answers, columns=["task", "id", "level", "correct"])
        losses = pd.DataFrame({"split": ["train"], "nll": [float(place)]})
        speed = dict.fromkeys(("tokens_per_second", "flops_per_second", "matmul_flops_per_second", "utilisation"), place)
        train_facts = {"parameters": {"all": 100 + place}, "tokens": 10, "flops": 1.0, **speed}
        named = {"train": (train_facts, losses), "extract": ({"vocabulary": 259}, tokens), "evaluate": ({}, answers)}
        for stage, (noted, table) in named.items():
            parents[f"{stage} {member.name}"] = SimpleNamespace(facts=noted, table=lambda name, table=table: table)
    traces = pd.DataFrame({"task": ["x", "x", "y", "y"], "answer": ["1", "2", "1", "1"]})
    parents["material"] = SimpleNamespace(table=lambda name: traces)
    step = SimpleNamespace(settings=PopulationSettings(members=members, inference=INFERENCE), parent=parents.__getitem__)
    population.build(step, SimpleNamespace(write_table=tables.__setitem__, note=facts.update))
    assert len(tables["proxies"]) == 4 * 2 * 81
    accuracy = tables["accuracy"].set_index(["member", "task"])["estimate"]
    for place, member in enumerate(members):
        assert accuracy[member.name, "x"] == (place * 2 + 1) / 8
        assert facts["speed"][member.name]["utilisation"] == place
        own = tables["proxies"]
        own = own[(own["member"] == member.name) & (own["statistic"] == "bits_per_byte")]
        source = parents[f"extract {member.name}"].table("tokens")
        expected = source.groupby("task")["nll"].sum() / math.log(2) / 12
        assert own.set_index("task")["value"].to_dict() == pytest.approx(expected.to_dict())
    assert list(tables["members"]["parameters"]) == [100, 101, 102, 103]


def scored(task, *values, n=200):
    return pd.DataFrame({"task": task, "member": [f"m{i}" for i in range(len(values))], "estimate": values, "n": n})


def test_a_task_is_eligible_when_two_thirds_of_the_models_are_off_floor_and_ceiling():
    traces = pd.DataFrame({"task": "x", "answer": ["1"] * 20 + [str(i) for i in range(2, 182)]})  # floor 0.1, s.e. 0.021
    table = population.eligibility(scored("x", 0.30, 0.50, 0.16, 0.02, 0.13, 1.00), traces)
    # 0.13 is within two standard errors of the floor, 1.00 is the ceiling; 0.02 is below the floor and no guess
    assert table[["floor", "differing", "models", "eligible"]].iloc[0].tolist() == [0.1, 4, 6, True]
    table = population.eligibility(scored("x", 0.30, 0.50, 0.16, 0.11, 0.13, 0.999), traces)
    assert table[["differing", "eligible"]].iloc[0].tolist() == [3, False]


def test_the_mean_is_over_eligible_tasks_and_the_mean_of_all_stands_beside_it():
    values, accuracy = values_of(drawn(3)), accuracy_of(drawn(4))
    table = population.correlations(values, accuracy, INFERENCE, eligible=[TASKS[0]])
    rho = table[table["quantity"] == population.RHO].set_index(["proxy", "task"])["estimate"]
    for name in population.FIXED:
        assert rho[name, "mean"] == rho[name, TASKS[0]]
        assert rho[name, "mean of all"] == pytest.approx((rho[name, TASKS[0]] + rho[name, TASKS[1]]) / 2)


def test_the_fair_difference_is_the_winners_from_bits_per_byte():
    values, accuracy = values_of(drawn(3)), accuracy_of(drawn(4))
    table = population.correlations(values, accuracy, INFERENCE).set_index(["proxy", "quantity", "task"])["estimate"]
    expected = table[population.WINNER, population.RHO, "mean"] - table[population.FAIR, population.RHO, "mean"]
    assert table[population.WINNER, population.FAIR_DIFFERENCE, "mean"] == pytest.approx(expected)
