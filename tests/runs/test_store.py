"""Runs on disk: identity, completeness, damage, one writer, records."""

import json
import multiprocessing
import os
import random
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxylib.errors import UserError
from proxylib.runs import config, files, store
from proxylib.runs.store import Key, Store

FRAME = pd.DataFrame({"name": ["a", "b"], "value": [1.5, np.nan], "count": [1, 2]})
KEY = Key("stage", 1, {"a": 1, "b": [1, 2]}, {"parent": "0123"})


def build(workspace):
    workspace.write_table("t", FRAME)
    workspace.note(rate=2.0)


@pytest.fixture
def runs(tmp_path):
    return Store("smoke", tmp_path / "runs", tmp_path / "results")


def test_run_id_depends_on_each_part_and_on_nothing_else():
    variants = [
        KEY,
        Key("other", 1, KEY.config, KEY.inputs),
        Key("stage", 2, KEY.config, KEY.inputs),
        Key("stage", 1, {"a": 2, "b": [1, 2]}, KEY.inputs),
        Key("stage", 1, {"a": 1, "b": [2, 1]}, KEY.inputs),
        Key("stage", 1, KEY.config, {"parent": "0124"}),
        Key("stage", 1, KEY.config, {"other": "0123"}),
    ]
    assert len({key.run_id for key in variants}) == len(variants)
    assert Key("stage", 1, {"b": [1, 2], "a": 1}, {"parent": "0123"}).run_id == KEY.run_id


@given(
    st.dictionaries(
        st.text(), st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.booleans())
    )
)
def test_canonical_json_survives_a_round_trip_with_the_same_spelling(value):
    text = files.canonical(value)
    assert files.canonical(json.loads(text)) == text


def test_nan_has_no_place_in_an_identity():
    with pytest.raises(ValueError, match="JSON"):
        _ = Key("stage", 1, {"a": float("nan")}).run_id


def test_a_run_is_made_once_and_read_back(runs):
    calls = []
    for _ in range(2):
        run = runs.produce(KEY, lambda workspace: (calls.append(1), build(workspace)))
    assert len(calls) == 1 and run.facts == {"rate": 2.0}
    pd.testing.assert_frame_equal(run.table("t"), FRAME)
    assert runs.get(KEY).run_id == KEY.run_id


def test_the_same_frame_gives_the_same_bytes_and_no_time_is_in_them(tmp_path):
    made = [
        Store("smoke", tmp_path / name, tmp_path / "none").produce(KEY, build).path("t.parquet").read_bytes() for name in "ab"
    ]
    assert made[0] == made[1]


def test_a_builder_that_fails_leaves_no_run(runs):
    def fail(workspace):
        build(workspace)
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        runs.produce(KEY, fail)
    assert runs.find(KEY) is None
    with pytest.raises(UserError, match="is missing; proxylib grid --profile smoke"):
        runs.get(KEY)
    assert runs.produce(KEY, build).table("t").shape == FRAME.shape


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove", "manifest", "empty manifest"])
def test_damage_is_named_and_the_run_made_anew(runs, damage, capsys):
    run = runs.produce(KEY, build)
    good = run.path("t.parquet").read_bytes()
    victim = run.folder / (store.MANIFEST if "manifest" in damage else "t.parquet")
    data = victim.read_bytes()
    if damage == "remove":
        victim.unlink()
    else:
        victim.write_bytes(
            {"truncate": data[:40], "flip": data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], "manifest": data[:50]}.get(
                damage, b""
            )
        )
    assert runs.find(KEY) is None
    assert str(victim) in capsys.readouterr().err
    again = runs.produce(KEY, build)
    assert again.path("t.parquet").read_bytes() == good and runs.find(KEY)


def _hold(runs, ready, release):
    def slow(workspace):
        ready.set()
        release.wait(20)
        build(workspace)

    runs.produce(KEY, slow)


def test_a_second_writer_is_refused_and_the_first_goes_on(runs):
    context = multiprocessing.get_context("fork")
    ready, release = context.Event(), context.Event()
    first = context.Process(target=_hold, args=(runs, ready, release))
    first.start()
    assert ready.wait(20)
    with pytest.raises(UserError, match="another process"):
        runs.produce(KEY, build)
    release.set()
    first.join(20)
    assert runs.find(KEY)


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(runs, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        runs.produce(KEY, build)
    monkeypatch.undo()
    assert runs.find(KEY) is None and not list(runs.root.rglob("*.parquet")) and not list(runs.root.rglob("*.tmp"))


def test_recording_keeps_small_tables_and_names_what_it_left_out(runs):
    def heavy(workspace):
        build(workspace)
        workspace.path("model.safetensors").write_bytes(b"x" * 100)

    run = runs.produce(KEY, heavy)
    recorded = runs.record(run)
    assert recorded.withheld == ("model.safetensors",)
    found = Store("smoke", runs.root / "empty", runs.recorded).find(KEY)
    pd.testing.assert_frame_equal(found.table("t"), FRAME)
    with pytest.raises(UserError, match="recorded without it"):
        found.path("model.safetensors")


def test_a_damaged_record_is_not_used(runs, capsys):
    recorded = runs.record(runs.produce(KEY, build))
    (recorded.folder / "t.parquet").write_bytes(b"no")
    assert Store("smoke", runs.root / "empty", runs.recorded).find(KEY) is None
    assert "t.parquet" in capsys.readouterr().err


def test_the_manifest_tells_how_a_run_came_about_but_no_host_name(runs):
    run = runs.produce(KEY, build)
    manifest = run.manifest
    for name in ("request", "git", "versions", "machine", "seconds", "peak_memory_mib", "files"):
        assert name in manifest
    assert (run.stage, run.config, run.request["inputs"]) == (KEY.stage, KEY.config, KEY.inputs)
    assert {"torch", "peft", "trl", "accelerate", "datasets"} <= set(manifest["versions"])
    assert os.uname().nodename not in json.dumps(manifest["machine"])


def test_leftovers_of_a_killed_writer_are_removed(runs):
    folder = runs.folder(KEY)
    folder.mkdir(parents=True)
    (folder / ".t.parquet.123.tmp").write_bytes(b"half")
    run = runs.produce(KEY, build)
    assert set(run.manifest["files"]) == {"t.parquet"} and not list(folder.glob(".*"))


def test_pruning_removes_recorded_runs_that_nobody_asks_for_and_no_others(runs):
    other = Key("stage", 1, {"a": 2})
    for key in (KEY, other):
        runs.record(runs.produce(key, build))
    kept = Store("lab", runs.root.parent, runs.recorded)
    kept.record(kept.produce(other, build))
    runs.prune([KEY])
    assert sorted(path.parent.name for path in runs.recorded.rglob(store.MANIFEST)) == sorted([KEY.run_id, other.run_id])
    assert (runs.recorded / "lab" / "stage" / other.run_id).exists(), "another profile's record is not ours to remove"


def test_a_profile_sees_its_own_records_and_the_shared_ones_only(runs):
    other = Key("stage", 1, {"a": 2})
    runs.record(runs.produce(KEY, build))
    runs.record(runs.produce(other, build), shared=True)
    lab = Store("lab", runs.root / "empty", runs.recorded)
    assert lab.find(KEY) is None and lab.find(other)


def test_a_record_without_its_weights_is_read_but_made_whole_when_it_is_produced(runs):
    calls = []

    def heavy(workspace):
        calls.append(1)
        build(workspace)
        workspace.path("model.safetensors").write_bytes(b"x")

    runs.record(runs.produce(KEY, heavy))
    clone = Store("smoke", runs.root / "clone", runs.recorded)
    assert clone.get(KEY).withheld == ("model.safetensors",)
    made = clone.produce(KEY, heavy)
    assert len(calls) == 2 and made.path("model.safetensors").exists() and not clone.get(KEY).withheld


def edited(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


EDITS = {
    "id": lambda values: values["request"].update(version=2),
    "config": lambda values: values["request"]["config"].update(a=2),
    "no files": lambda values: values.update(files={}),
    "a file less": lambda values: values["files"].popitem(),
    "no facts": lambda values: values.pop("facts"),
    "a fact": lambda values: values["facts"].update(rate=3.0),
    "no digest": lambda values: values.pop("digest"),
    "no request": lambda values: values.pop("request"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_manifest_is_named_and_not_used(runs, edit, capsys):
    run = runs.produce(KEY, build)
    edited(run.folder / store.MANIFEST, EDITS[edit])
    assert runs.find(KEY) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert store.MANIFEST in line
    assert runs.produce(KEY, build).facts == {"rate": 2.0} and runs.find(KEY)


@pytest.mark.parametrize("content", ["[]", "null", "1", "{}", "[" * 9000, '{"files": [1]}', b"\xff\xfe"])
def test_a_manifest_that_is_something_else_is_one_line(runs, content, capsys):
    run = runs.produce(KEY, build)
    (run.folder / store.MANIFEST).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert runs.find(KEY) is None and len(capsys.readouterr().err.splitlines()) == 1


def test_a_manifest_of_another_run_is_not_this_one(runs, capsys):
    run, other = runs.produce(KEY, build), runs.folder(Key("stage", 1, {"a": 2}))
    shutil.copytree(run.folder, other)
    assert runs.find(Key("stage", 1, {"a": 2})) is None and "of another run" in capsys.readouterr().err


def test_every_record_of_the_repository_is_whole():
    manifests = sorted((config.ROOT / "results").glob(f"*/*/*/{store.MANIFEST}"))
    for path in manifests:
        run = store.read(path.parent)
        assert run.recorded and run.stage == path.parts[-3]
    assert len(manifests) > 100


def test_sixty_flipped_bits_are_named_or_harmless(runs, capsys):
    """A flipped bit is found before anything is read, or it lies where nobody reads."""

    def heavy(workspace):
        build(workspace)
        workspace.path("model").mkdir(exist_ok=True)
        workspace.path("model/weights.safetensors").write_bytes(bytes(range(256)))

    run = runs.produce(KEY, heavy)
    files = [path for path in sorted(run.folder.rglob("*")) if path.is_file() and path.stat().st_size]
    rng, named = random.Random(1), 0
    for _ in range(80):
        path = rng.choice(files)
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        found = runs.find(KEY)
        said = capsys.readouterr().err
        if found is None:
            named += path.name in said
        else:
            assert found.facts == run.facts and found.path("t.parquet").read_bytes() == run.path("t.parquet").read_bytes()
            assert path.name not in run.files
        path.write_bytes(whole)
    assert named > 40 and runs.find(KEY)


def test_what_lies_beside_the_named_files_is_no_table(runs):
    run = runs.produce(KEY, build)
    shutil.copy(run.path("t.parquet"), run.folder / "t2.parquet")
    assert runs.get(KEY).tables == ["t"]
