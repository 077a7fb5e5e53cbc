"""Ablations: the default is in every comparison, a harmless change changes nothing, a harmful one is seen."""

import numpy as np
import pandas as pd
import pytest

from proxylib.measure import features, proxies
from proxylib.report import scoreboard
from proxylib.stats import Bootstrap
from proxylib.studies.proxy_metrics import ablations
from proxylib.studies.proxy_metrics.report import ablations as report

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)
TASKS = ("a", "b", "c")
SIGNS = np.array([proxies.STATISTICS[name.split("|")[0]] for name in proxies.NAMES])


def population(seeds=(1, 2), spread=1.0, seed=0):
    """Eighty proxies that follow accuracy, over six families of three models."""
    rng = np.random.default_rng(seed)
    accuracy, values = [], []
    for training in seeds:
        for family in range(6):
            for size in range(3):
                keys = {"member": f"f{family}-{size}-seed{training}", "model": f"f{family}-{size}", "family": f"f{family}"}
                for task in TASKS:
                    skill = size + 0.3 * rng.normal()
                    accuracy.append(keys | {"seed": training, "task": task, "estimate": skill})
                    eighty = SIGNS * (skill + spread * 0.1 * rng.normal(size=80))
                    row = {"member": keys["member"], "task": task, "bits_per_byte": -skill}
                    values.append(row | dict(zip(proxies.NAMES, eighty, strict=True)))
    return pd.DataFrame(accuracy), pd.DataFrame(values)


def with_numbers(values):
    """The default's values also under every number of traces, which `correlations` expects."""
    parts = [values.assign(ablation="default", setting="default")]
    for number in features.NUMBERS:
        for subset in range(features.SUBSETS):
            parts.append(values.assign(ablation="number of traces", setting=f"{number}#{subset}"))
    return pd.concat(parts, ignore_index=True)


def test_a_setting_with_the_same_values_differs_by_exactly_nothing():
    accuracy, values = population()
    found = ablations.correlations(with_numbers(values), accuracy, TASKS, BOOTSTRAP)
    gaps = found[found["quantity"] == "rho minus the default's"]
    assert len(gaps) == len(features.NUMBERS) * len(features.JUDGED)
    assert np.allclose(gaps[["estimate", "low", "high"]], 0)
    assert (found.loc[found["quantity"] == "rho", "estimate"] > 0.8).all()


def test_noise_in_place_of_the_proxies_is_seen_as_a_loss():
    accuracy, values = population()
    rng = np.random.default_rng(5)
    noise = values.copy()
    noise[list(proxies.NAMES)] = rng.normal(size=(len(values), 80))
    tables = pd.concat([with_numbers(values), noise.assign(ablation="traces", setting="shuffled")])
    found = ablations.correlations(tables, accuracy, TASKS, BOOTSTRAP)
    row = report.changes(found).set_index("label").loc["traces: shuffled"]
    assert row["decision"] == "lower" and row["high"] < 0 and row["models"] == 18 and row["families"] == 6 and row["seeds"] == 2


def test_a_proxy_that_a_setting_does_not_have_is_left_out_there_and_nowhere_else():
    accuracy, values = population()
    tables = pd.concat([with_numbers(values), values.assign(ablation="definition", setting="x", bits_per_byte=np.nan)])
    found = ablations.correlations(tables, accuracy, TASKS, BOOTSTRAP)
    there = found[found["ablation"] == "definition"]
    assert "bits per byte" not in set(there["proxy"]) and ablations.WINNER in set(there["proxy"])


def test_the_order_of_models_and_rows_does_not_matter():
    accuracy, values = population()
    tables = with_numbers(values)
    one = ablations.correlations(tables, accuracy, TASKS, BOOTSTRAP)
    other = ablations.correlations(tables.sample(frac=1, random_state=1), accuracy, TASKS, BOOTSTRAP)
    keys = ["ablation", "setting", "proxy", "quantity"]
    one, other = (frame.set_index(keys).sort_index()["estimate"] for frame in (one, other))
    pd.testing.assert_series_equal(one, other)


def test_fixed_scores_are_oriented():
    _, values = population(seeds=(1,))
    own = values[values["task"] == "a"].set_index("member")
    scores = ablations.fixed_scores(own)
    assert (scores["bits per byte"] == -own["bits_per_byte"]).all()
    assert (scores["cross-entropy per token"] == -own["cross_entropy|uniform"]).all()


def test_domains_are_highest_on_the_diagonal_where_skills_differ_by_task():
    rng = np.random.default_rng(2)
    accuracy, values = population(seeds=(1,))
    accuracy["estimate"] = rng.normal(size=len(accuracy))  # skills of different tasks have nothing to do with each other
    values = values.drop(columns="bits_per_byte").merge(accuracy[["member", "task", "estimate"]])
    values["bits_per_byte"] = -values["estimate"]
    for label, column in features.FIXED.items():
        values[column] = values["estimate"] * proxies.STATISTICS.get(column.split("|")[0], -1)
        assert label
    found, contrasts = ablations.domains(values, accuracy, TASKS, BOOTSTRAP)
    matrix = report.domain_matrix(found, ablations.WINNER)
    assert np.allclose(np.diag(matrix), 1) and (matrix.to_numpy()[~np.eye(3, dtype=bool)] < 0.9).all()
    assert ((found["low"] <= found["estimate"] + 1e-9) & (found["estimate"] <= found["high"] + 1e-9)).mean() > 0.9
    own = contrasts[contrasts["proxy"] == ablations.WINNER].set_index("quantity")
    assert own.loc[ablations.OWN, "estimate"] == pytest.approx(1)
    others = matrix.to_numpy()[~np.eye(3, dtype=bool)].mean()
    assert own.loc[ablations.OTHERS, "estimate"] == pytest.approx(others)
    assert own.loc[ablations.OWN_MINUS_OTHERS, "estimate"] == pytest.approx(1 - others)
    assert own.loc[ablations.OWN_MINUS_OTHERS, "low"] > 0


def test_domains_tell_nothing_apart_where_one_skill_rules_all_tasks():
    accuracy, values = population(seeds=(1, 2))
    skill = accuracy.drop_duplicates("member").set_index("member")["estimate"]
    accuracy["estimate"] = accuracy["member"].map(skill)
    for column in features.FIXED.values():
        values[column] = values["member"].map(skill) * proxies.STATISTICS.get(column.split("|")[0], -1)
    _, contrasts = ablations.domains(values, accuracy, TASKS, BOOTSTRAP)
    gap = contrasts[contrasts["quantity"] == ablations.OWN_MINUS_OTHERS]
    assert len(gap) == 2 and np.allclose(gap[["estimate", "low", "high"]], 0)


def test_estimates_turn_a_loss_by_wrong_traces_into_a_gain_of_right_ones_and_leave_out_what_was_not_varied():
    columns = ["ablation", "setting", "proxy", "quantity", "estimate", "low", "high", "models", "families", "seeds"]
    rows = [
        ("traces", "wrong", ablations.WINNER, ablations.RHO_MINUS_DEFAULT, -0.3, -0.5, -0.1, 18, 6, 2),
        ("traces", "wrong", ablations.WINNER, ablations.RHO, 0.4, 0.2, 0.6, 18, 6, 2),
        ("number of traces", "10", ablations.WINNER, ablations.RHO, 0.3, 0.2, 0.4, 18, 6, 2),
        ("number of traces", "10", ablations.WINNER, ablations.RHO_MINUS_DEFAULT, -0.1, -0.2, 0.0, 18, 6, 2),
        ("number of traces", "10", "bits per byte", ablations.RHO_MINUS_DEFAULT, 0.9, 0.8, 1.0, 18, 6, 2),
    ]
    contrasts = pd.DataFrame(
        [(ablations.WINNER, ablations.OWN, 0.7, 0.6, 0.8), (ablations.WINNER, ablations.OWN_MINUS_OTHERS, 0.1, 0.0, 0.2)],
        columns=["proxy", "quantity", "estimate", "low", "high"],
    )
    claims = ablations.estimates(pd.DataFrame(rows, columns=columns), contrasts, BOOTSTRAP).set_index("claim")
    expected = {
        "own-traces-beat-others": (0.1, 0.0, 0.2),
        "right-traces-beat-wrong": (0.3, 0.1, 0.5),
        "ten-traces": (-0.1, -0.2, 0.0),
    }
    assert {name: tuple(row) for name, row in claims[["estimate", "low", "high"]].iterrows()} == expected
    assert set(claims["n_unit"]) == {"models of 6 families, 2 seeds"} and set(claims["n"]) == {18}
    known = set(scoreboard.claims().query("stage == 'ablations'")["row"])
    assert known == {*ablations.ASKED, "own-traces-beat-others"}


def small_tokens(seed=0):
    rng = np.random.default_rng(seed)
    rows, texts = [], {}
    for task in TASKS:
        for name in range(120):
            size = 12
            texts[task, str(name)] = "".join(rng.choice(list("ab 12"), size))
            rows.append(
                pd.DataFrame(
                    {
                        "task": task,
                        "id": str(name),
                        "position": range(size),
                        "token": rng.integers(0, 9, size),
                        "offset": range(size),
                        "n_bytes": 1,
                        "nll": rng.exponential(1.0, size).astype("float32"),
                        "entropy": rng.uniform(0.1, 2, size).astype("float32"),
                        "n_greater": rng.integers(0, 4, size),
                        "n_equal": 1,
                        "p_max": rng.uniform(0.4, 1, size).astype("float32"),
                    }
                )
            )
    return pd.concat(rows, ignore_index=True), pd.Series(texts).rename_axis(["task", "id"])


def test_settings_change_what_they_say_and_choose_the_same_traces_for_every_model():
    tokens, texts = small_tokens()
    kinds = {"expert": tokens, "wrong": tokens.assign(n_greater=9), "prose": tokens.head(0)}
    shared = proxies.difficulty([tokens])
    made = {(a, s): frame for a, s, frame in features.settings_of(kinds, 9, texts, shared)}
    default = made[features.DEFAULT]
    kept = list(features.FIXED_PROXIES)
    pd.testing.assert_frame_equal(default[kept], proxies.by_task(tokens, 9)[kept])
    assert (made["traces", "wrong"]["top5|frequency"] == 0).all() and ("traces", "prose") not in made
    assert len([key for key in made if key[0] == "definition"]) == len(proxies.DEFINITIONS) - 1
    assert len([key for key in made if key[0] == "number of traces"]) == len(features.NUMBERS) * features.SUBSETS
    again = dict(((a, s), frame) for a, s, frame in features.settings_of(kinds, 9, texts, shared))
    pd.testing.assert_frame_equal(made["number of traces", "5#0"], again["number of traces", "5#0"])
    assert not made["number of traces", "5#0"].equals(made["number of traces", "5#1"])


def test_five_traces_are_five_per_task():
    tokens, texts = small_tokens()
    counted = {}
    original = features._columns
    try:
        features._columns = lambda rows, *given: counted.setdefault(len(counted), rows) is None or original(rows, *given)
        list(features.settings_of({"expert": tokens}, 9, texts, proxies.difficulty([tokens])))
    finally:
        features._columns = original
    sizes = [rows.groupby("task")["id"].nunique().tolist() for rows in counted.values()]
    assert [5, 5, 5] in sizes and [100, 100, 100] in sizes
