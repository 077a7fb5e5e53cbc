"""Which signal chooses corpora best, on cases solved by hand; the run, made and recorded."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from studies.data_selection.signals import GROUP, SETTINGS, SIZES, column, row, tidy, world

from proxylib import studies
from proxylib.data.published import datadecide
from proxylib.ranking.decision import decision_accuracy
from proxylib.report import scoreboard
from proxylib.runs.store import Store, Workspace
from proxylib.stats import cluster_weights
from proxylib.studies.data_selection import fits, panel


def test_single_sizes_against_direct_computation():
    frame, target = tidy()
    table = fits.single_sizes(frame, target, SETTINGS)
    assert len(table) == 2 * len(SIZES)
    assert table[table["by_construction"]][["signal", "size"]].to_numpy().tolist() == [["accuracy", "1B"]]
    got, values, wanted = row(table, signal="nll", size="20M"), column(frame, "nll", "20M"), target["accuracy"].to_numpy()
    assert got["estimate"] == decision_accuracy(values, wanted)
    for prefix, labels in (("", target["group"]), ("_corpora", target["corpus"])):
        draws = decision_accuracy(values, wanted, cluster_weights(labels, SETTINGS.draws, SETTINGS.seed))
        ends = np.quantile(draws[np.isfinite(draws)], [0.05, 0.95])
        assert [got[f"low{prefix}"], got[f"high{prefix}"]] == pytest.approx(list(ends))
    without = []
    for group in set(GROUP.values()):
        keep = (target["group"] != group).to_numpy()
        without.append(decision_accuracy(values[keep], wanted[keep]))
    assert [got["low_without_group"], got["high_without_group"]] == pytest.approx([min(without), max(without)])
    assert min(without) < max(without)


def test_paired_differences_share_their_draws():
    frame, target = tidy()
    same = frame.copy()
    same.loc[same["signal"] == "nll", "score"] = 2 * same.loc[same["signal"] == "accuracy", "score"].to_numpy()
    table = fits.paired(same, target, SETTINGS)
    assert list(table["size"]) == list(SIZES[:-1])  # at 1B accuracy is the target
    assert (table[["estimate", "low", "high", "low_corpora", "high_corpora"]] == 0).all(axis=None)
    assert not table["excludes_zero"].any()

    worst = frame.copy()
    wanted = target.set_index("corpus")["accuracy"]
    worst["score"] = worst["corpus"].map(wanted) * worst["signal"].map({"accuracy": -1, "nll": 1})
    table = fits.paired(worst, target, SETTINGS)
    assert (table[["estimate", "low", "high"]] == 1).all(axis=None) and table["excludes_zero"].all()


def test_compute_needed_by_hand():
    frame, target = tidy()
    order = target.set_index("corpus")["accuracy"]
    frame["score"] = -frame["corpus"].map(order)  # wrong everywhere ...
    right = ((frame["signal"] == "nll") & frame["size"].isin(["20M", "90M"])) | (frame["size"] == "150M")
    frame.loc[right, "score"] *= -1  # ... but here
    table = fits.compute_needed(frame, target, SETTINGS)
    for threshold in panel.THRESHOLDS:
        nll = row(table, signal="nll", threshold=threshold)
        assert (nll["size"], nll["compute_fraction"], nll["ratio"]) == ("20M", 0.02, pytest.approx(10))
        assert not nll["stays"]
        assert [nll["low"], nll["high"]] == pytest.approx([10, 10])
        accuracy = row(table, signal="accuracy", threshold=threshold)
        assert (accuracy["size"], accuracy["ratio"], accuracy["stays"]) == ("150M", 1, True)


def test_compute_never_reached_below_the_target_is_the_targets():
    frame, target = tidy()
    frame["score"] = -frame["corpus"].map(target.set_index("corpus")["accuracy"])
    table = fits.compute_needed(frame, target, SETTINGS)
    assert set(table["size"]) == {"1B"} and (table["compute_fraction"] == 1).all() and (table["ratio"] == 1).all()


def test_estimates_pick_the_claims():
    frame, target = tidy()
    single, differences = fits.single_sizes(frame, target, SETTINGS), fits.paired(frame, target, SETTINGS)
    small = fits.small_sizes(frame, target, SETTINGS)
    table = fits.estimates(single, small, 0.9, target).set_index("claim")
    assert list(table) == ["estimate", "low", "high", "level", "n", "n_unit"]
    assert table.loc["datadecide-150m", "estimate"] == row(single, signal="accuracy", size="150M")["estimate"]
    below = differences[differences["size"].isin(["4M", "20M", "60M", "90M"])]  # not 150M, and not 750M, off the trajectory
    assert len(below) == 4 and small.estimate == pytest.approx(below["estimate"].mean())
    assert table.loc["ours-likelihood-small", ["low", "high"]].tolist() == [small.low, small.high]
    assert below["low"].min() <= small.low <= small.estimate <= small.high <= below["high"].max()
    known = scoreboard.claims().query("stage == 'datadecide'")
    assert set(table.index) == set(known["row"].fillna(known["id"]))


def build(tmp_path, monkeypatch):
    accuracy, nll, target = world()
    monkeypatch.setattr(datadecide, "accuracy", lambda: accuracy)
    monkeypatch.setattr(datadecide, "nll", lambda: nll)
    monkeypatch.setattr(datadecide, "target", lambda: target.drop(columns="group"))
    monkeypatch.setattr(datadecide, "GROUP_OF", GROUP)
    workspace = Workspace(tmp_path)
    fits.build(SimpleNamespace(settings=SETTINGS), workspace)
    return workspace, {path.stem: pd.read_parquet(path) for path in tmp_path.glob("*.parquet")}


def test_builder_writes_every_table_and_the_same_again(tmp_path, monkeypatch):
    workspace, found = build(tmp_path / "one", monkeypatch)
    expected = "decision_accuracy paired seeds ceiling noise misranked combinations compute_needed pairs estimates"
    assert set(found) == set(expected.split())
    assert workspace.facts["corpora"] == 7 and workspace.facts["pairs"] == 21 and workspace.facts["groups"] == 3
    assert workspace.facts["primary"]["of"] == 4
    total = workspace.facts["primary"]["of"] + workspace.facts["exploratory"]["of"]
    assert total == len(found["combinations"])
    build(tmp_path / "two", monkeypatch)
    for path in (tmp_path / "one").glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_builder_hands_on_no_source_value(tmp_path, monkeypatch):
    _, found = build(tmp_path, monkeypatch)
    accuracy, nll, target = world()
    raw = {round(v, 7) for v in (*accuracy["accuracy"], *nll["nll_per_char"], *target["accuracy_default_seed"])}
    raw -= {round(k / 10, 7) for k in range(11)}  # the world's target values are round numbers that shares may equal
    numbers = {round(float(v), 7) for table in found.values() for v in table.select_dtypes("number").to_numpy().ravel()}
    assert raw and not raw & numbers


@pytest.mark.published
def test_published_run(published_set, tmp_path):
    published_set("datadecide")
    workspace = Workspace(tmp_path)
    fits.build(SimpleNamespace(settings=SETTINGS), workspace)
    table = pd.read_parquet(tmp_path / "estimates.parquet").set_index("claim")
    assert table.loc["datadecide-150m", "estimate"] == pytest.approx(0.83, abs=1e-9)
    paired = pd.read_parquet(tmp_path / "paired.parquet").query("on_trajectory and compute_fraction < 0.019")
    assert table.loc["ours-likelihood-small", "estimate"] == pytest.approx(paired["estimate"].mean()) and len(paired) == 9
    assert workspace.facts["corpora"] == 25 and workspace.facts["groups"] == 5 and workspace.facts["pairs"] == 300
    assert pd.read_parquet(tmp_path / "combinations.parquet")["primary"].sum() == 4


@pytest.mark.published
def test_the_recorded_run_is_what_the_code_computes(published_set, tmp_path):
    published_set("datadecide")
    step = studies.declare("datadecide", "reference")
    recorded = Store("reference", tmp_path / "runs").find(step.key)
    assert recorded, "no recorded run: proxylib grid --profile reference --only datadecide --record"
    made = Store("reference", tmp_path / "runs", tmp_path / "none").produce(step.key, lambda w: fits.build(step, w))
    for name in sorted(made.manifest["files"]):
        table = name.removesuffix(".parquet")
        # another processor may sum in another order
        pd.testing.assert_frame_equal(made.table(table), recorded.table(table), rtol=1e-9, atol=1e-12)
