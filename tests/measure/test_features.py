"""From token rows to features: every proxy twice, the baselines by hand, and every ablation."""

import math

import numpy as np
import pandas as pd
import pytest

from proxylib.measure import features, proxies

TEXTS = {("x", "1"): "abcdefg\nanswer 1\n", ("x", "2"): "abcdefg\nanswer 2\n", ("y", "1"): "hijklmn\nanswer 3\n"}


def rows_of(keys, seed, size=9):
    """Token rows that cut each text into `size` tokens; the last takes what is left."""
    rng = np.random.default_rng(seed)
    parts = []
    for task, item in keys:
        starts = np.sort(rng.choice(np.arange(1, 15), size - 1, replace=False))
        starts = np.array([0, *starts])
        part = pd.DataFrame({"task": task, "id": item, "position": range(size), "token": rng.integers(0, 4, size)})
        part["offset"], part["n_bytes"] = starts, np.diff([*starts, 17])
        part["nll"], part["entropy"] = rng.random(size).astype("float32") * 3, rng.random(size).astype("float32")
        part["n_greater"], part["n_equal"], part["p_max"] = rng.integers(0, 9, size), 1, np.float32(0.5)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def given():
    keys = list(TEXTS)
    tokens = {"expert": rows_of(keys, 1), "prose": rows_of([("prose", "p1"), ("prose", "p2")], 2)}
    texts = pd.Series(TEXTS).rename_axis(["task", "id"])
    return tokens, rows_of(keys, 3, 7), texts, 50


def table_of(*given):
    return features.features(*given).set_index("task")


def test_features_have_every_proxy_twice_and_the_baselines(given):
    table = features.features(*given)
    by_byte = [features.BY_BYTE + name for name in proxies.NAMES]
    own = [name for name in features.BASELINES if name not in ("parameters", "compute")]
    assert list(table.columns) == ["task", *proxies.NAMES, *by_byte, *own] and len(own) == 5
    assert list(table["task"]) == ["x", "y"] and table.notna().all().all()
    assert {str(kind) for kind in table.drop(columns="task").dtypes} == {"float32"}
    whole = features.with_training(table, {"parameters": 12345, "flops": 6e12, "vocabulary": 9})
    assert list(whole.columns) == ["task", *proxies.NAMES, *by_byte, *features.BASELINES]
    assert set(whole["parameters"]) == {12345} and set(whole["compute"]) == {np.float32(6e12)}
    assert {str(whole[name].dtype) for name in ("parameters", "compute")} == {"float32"}


def test_features_by_hand(given):
    tokens, expert, texts, _ = given
    table, own, prose = table_of(*given).astype(float), tokens["expert"], tokens["prose"]
    mean = lambda values: {task: np.mean(list(part)) for task, part in values.groupby(level=0)}
    grouped = own.groupby(["task", "id"])
    for task in ("x", "y"):
        plain = mean(grouped["nll"].mean())[task]
        assert table.loc[task, "cross_entropy|uniform"] == pytest.approx(plain, rel=1e-5)
        shared = mean(grouped["nll"].sum() / grouped["n_bytes"].sum())[task]
        assert table.loc[task, "by byte: cross_entropy|uniform"] == pytest.approx(shared, rel=1e-5)
        hit = own.assign(hit=own["n_bytes"] * (own["n_greater"] < 3)).groupby(["task", "id"])["hit"].sum()
        assert table.loc[task, "by byte: top3|uniform"] == pytest.approx(mean(hit / grouped["n_bytes"].sum())[task], rel=1e-5)
        part = own[own["task"] == task]
        bits = part["nll"].astype(float).sum() / math.log(2) / part["n_bytes"].sum()
        assert table.loc[task, "bits_per_byte"] == pytest.approx(bits, rel=1e-5)
        assert table.loc[task, "rbridge"] == pytest.approx(proxies.rbridge(own, expert, texts)[task], rel=1e-5)
        ratio = proxies.rank_surprisal_ratio(own)[task]
        assert table.loc[task, "rank_surprisal_ratio"] == pytest.approx(ratio, rel=1e-5)
    bits = prose["nll"].astype(float).sum() / math.log(2) / prose["n_bytes"].sum()
    for name, value in {"prose_bits_per_byte": bits, "prose_nll": prose["nll"].astype(float).mean()}.items():
        assert table[name].to_numpy() == pytest.approx([value, value], rel=1e-5)


def test_only_rbridge_reads_the_expert_and_only_the_prose_loss_reads_prose(given):
    tokens, expert, texts, vocabulary = given
    table = table_of(*given)
    other = table_of(tokens, expert.assign(nll=expert["nll"].to_numpy()[::-1]), texts, vocabulary)
    assert list(table.columns[(table != other).any()]) == ["rbridge"]
    other = table_of(tokens | {"prose": rows_of([("prose", "p1")], 9)}, expert, texts, vocabulary)
    assert set(table.columns[(table != other).any()]) == {"prose_bits_per_byte", "prose_nll"}


def test_features_are_kept_long_and_come_back_as_they_were(given):
    table = features.features(*given)
    table = pd.concat([table[table["task"] == "y"], table[table["task"] == "x"]], ignore_index=True)  # an order of its own
    long = features.to_long(table)
    assert list(long.columns) == ["task", "feature", "value"] and len(long) == 2 * (len(table.columns) - 1)
    pd.testing.assert_frame_equal(features.to_wide(long), table)


def test_every_ablation_is_a_setting_of_its_own(given):
    tokens, expert, texts, vocabulary = given
    tokens = tokens | {kind: rows_of(list(TEXTS), seed) for seed, kind in enumerate(("other", "wrong", "shuffled"), 5)}
    table = features.settings(tokens, expert, texts, vocabulary)
    keys = table[["ablation", "setting"]].drop_duplicates()
    of = keys.groupby("ablation", sort=False)["setting"].agg(list).to_dict()
    assert of["default"] == ["default"] and of["traces"] == ["other", "wrong", "shuffled"]
    assert set(of["definition"]) == set(proxies.DEFINITIONS) - {"default"}
    assert set(of["window"]) == set(proxies.WINDOWS) - {"all"}
    assert len(of["number of traces"]) == len(features.NUMBERS) * features.SUBSETS
    assert not table.duplicated(["ablation", "setting", "task"]).any()
    columns = list(features.FIXED.values())
    judged = list(features.JUDGED.values())
    assert {str(table[name].dtype) for name in judged} == {"float32"}
    # a definition is judged by the proxies that hold its term, and there are some; whatever else is changed, by the fixed ones
    measured = table.groupby(["ablation", "setting"])[judged].agg(lambda values: values.notna().all())
    assert measured.loc[features.DEFAULT].all()
    for (ablation, setting), has in measured.drop(index=features.DEFAULT).iterrows():
        definition = proxies.DEFINITIONS.get(setting)
        held = {name for name in judged if definition and name in proxies.NAMES and proxies.holds(name, definition)}
        assert held or ablation != "definition"
        assert set(has.index[has]) == (held if ablation == "definition" else set(columns)), setting
    # the default is that of the features; another kind of trace is scored as if it were the expert's
    plain = table_of(*given)
    pick = lambda ablation, setting: table[(table["ablation"] == ablation) & (table["setting"] == setting)].set_index("task")
    pd.testing.assert_frame_equal(pick("default", "default")[columns], plain[columns])
    other = table_of(tokens | {"expert": tokens["other"]}, expert, texts, vocabulary)
    pd.testing.assert_frame_equal(pick("traces", "other")[columns], other[columns])
    everything = pick("number of traces", "100#0")[columns]  # more than there are
    pd.testing.assert_frame_equal(everything, plain[columns])


def test_the_choice_of_traces_is_the_same_for_every_model_and_has_the_number_it_says(monkeypatch):
    keys = [(task, f"{n}") for task in ("x", "y") for n in range(12)]
    texts = pd.Series({key: "abcdefg\nanswer 1\n" for key in keys})
    chosen = []
    monkeypatch.setattr(features, "_columns", lambda rows, *_: chosen.append(rows) or pd.DataFrame())
    for seed in (1, 2):
        list(features.settings_of({"expert": rows_of(keys, seed)}, 50, texts, proxies.difficulty([rows_of(keys, 3)])))
    half = len(chosen) // 2
    ids = [set(zip(rows["task"], rows["id"], strict=True)) for rows in chosen]
    assert ids[:half] == ids[half:]
    last = ids[half - len(features.NUMBERS) * features.SUBSETS : half]
    assert [len(found) for found in last[:: features.SUBSETS]] == [2 * min(number, 12) for number in features.NUMBERS]
    assert len({frozenset(found) for found in last[: features.SUBSETS]}) == features.SUBSETS
    assert all(sum(task == "x" for task, _ in found) == 5 for found in last[: features.SUBSETS])


def test_every_baseline_has_a_sign():
    assert set(features.BASELINES.values()) == {-1, 1}
    assert {name for name, sign in features.BASELINES.items() if sign > 0} == {"parameters", "compute"}
