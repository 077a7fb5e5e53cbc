"""Damage to what commands have finished: named, or without any effect on what is read; never used.

Every kind of folder is read as its readers do: made again by its command, or read by the step behind it.
"""

import contextlib
import errno
import json
import os
import random
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from judging.faulty_server import serving
from models import tiny
from safetensors.torch import save_file

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.judging import verdict_folder
from proxylib.judging.criteria import CRITERIA
from proxylib.judging.settings import LLMJudge
from proxylib.measure.settings import ExtractSettings, Layout
from proxylib.measure.tokenstats import shards
from proxylib.runs.files import parquet_bytes
from proxylib.runs.folder import Folder
from proxylib.runs.store import Key, Store
from proxylib.studies.loss import collected, hub_cell

FLIPS = 41  # of every folder
KEY = Key("stage", 1, {"a": 1}, {"parent": "0" * 16})
FRAME = pd.DataFrame({"x": np.arange(50.0), "text": [f"t{n}" for n in range(50)]})


def build(workspace):
    """A run of the grid with every kind of file that runs have."""
    workspace.write_table("t", FRAME)
    model = workspace.path("model")
    model.mkdir(exist_ok=True)
    save_file({"w": torch.arange(40.0)}, model / "model.safetensors")
    (model / "config.json").write_text('{"architectures": ["X"]}')
    workspace.path("page.ipynb").write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    workspace.note(rate=2.0, name="x")


def content(finished):
    """All that a reader can have of a finished folder."""
    return finished.request, finished.facts, {name: (finished.folder / name).read_bytes() for name in finished.files}


@pytest.fixture
def grid(tmp_path):
    store = Store("smoke", tmp_path / "runs", tmp_path / "results")
    run = store.produce(KEY, build)
    return SimpleNamespace(folder=run.folder, read=lambda: content(store.produce(KEY, build)))


@pytest.fixture
def record(tmp_path):
    store = Store("smoke", tmp_path / "runs", tmp_path / "results")
    record = store.record(store.produce(KEY, build))
    clone = Store("smoke", tmp_path / "empty", tmp_path / "results")

    def read():
        run = clone.get(KEY)
        return run.request, run.facts, run.withheld, {name: run.table(name).to_json() for name in run.tables}

    return SimpleNamespace(folder=record.folder, read=read)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("model"))


@pytest.fixture
def extract(model, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD_TOKENS", 60)
    traces = [Trace("t", f"t-{n}", f"p {n}\n", "abc " * (1 + 3 * n) + "end\n", "", "") for n in range(6)]
    layout = Layout(chunk=16, batch_traces=3, batch_tokens=512, impl="chunked")

    def read():
        done = shards.extract(model, traces, tmp_path / "out", ExtractSettings(window=60), layout)
        kept = {name: fact for name, fact in done.facts.items() if name in ("dropped", "traces", "vocabulary")}
        return kept, done.tokens.to_json(), done.items.to_json(), content(done)[2]

    read()
    return SimpleNamespace(folder=tmp_path / "out", read=read)


@pytest.fixture
def judge(tmp_path, monkeypatch):
    monkeypatch.setenv("MINE_API_KEY", "canary-key-77aa")
    notes = tmp_path / "notes.jsonl"
    rows = [{"id": f"n{n}", "dialogue": "d: hello", "note": f"S: {n} {'good' if n % 2 else 'bad'}"} for n in range(3)]
    notes.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = LLMJudge(model="openai-api/mine/m")
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)

        def read():
            return verdict_folder.run(notes, settings, tmp_path / "judged", 1, lambda _: None).verdicts.to_json()

        read()
        yield SimpleNamespace(folder=tmp_path / "judged", read=read)


@pytest.fixture
def cell(tmp_path):
    """A cell as `finetune` leaves it, with its verdicts, as the fits read them."""

    def make(workspace):
        adapter = workspace.path(hub_cell.ADAPTER)
        adapter.mkdir(parents=True)
        save_file({"w": torch.arange(40.0)}, adapter / "adapter_model.safetensors")
        (adapter / "adapter_config.json").write_text('{"r": 4}')
        workspace.keep(hub_cell.ADAPTER)
        for name in (hub_cell.LOSSES, hub_cell.LENGTHS, f"{hub_cell.HELD_OUT}/tokens/00000.parquet"):
            workspace.write(name, parquet_bytes(FRAME))
        rows = [{"id": f"n{n}", "dialogue": "d", "note": f"note {n}", "finished": True} for n in range(3)]
        workspace.write(hub_cell.NOTES, "".join(json.dumps(row) + "\n" for row in rows).encode())
        workspace.note(diverged=False, base="b", examples=10, seed=1, held_out_set="0" * 64, final_loss=1.25)

    def verdicts(workspace):
        rows = [(f"n{n}", name, 0, ("pass", "fail")[n % 2]) for n in range(3) for name in CRITERIA]
        frame = pd.DataFrame(rows, columns=["id", "criterion", "repeat", "status"])
        workspace.write(verdict_folder.VERDICTS, parquet_bytes(frame))

    place = tmp_path / "cell"
    Folder(place, {"command": "finetune"}, ()).make(make)
    Folder(place / "judged", {"command": "judge", "judge": {"model": "m"}}, ()).make(verdicts)

    def read():
        return [frame.to_json() for frame in collected.collect([place])]

    return SimpleNamespace(folder=place, read=read)


KINDS = ("grid", "record", "extract", "judge", "cell")


def files_of(folder):
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]


def named_or_harmless(kind, before, paths, capsys):
    """What the reader did about damage to a file; an assertion where it used what was not there before."""
    capsys.readouterr()
    try:
        after, said = kind.read(), capsys.readouterr().err
    except UserError as error:
        said = f"{error} {capsys.readouterr().err}"
        assert any(path.name in said or path.parent.name in said for path in paths), said
        return "refused"
    assert after == before
    if said:
        assert any(path.name in said or path.parent.name in said for path in paths), said
    return "named" if said else "harmless"


def restore(folder, whole):
    shutil.rmtree(folder)
    shutil.copytree(whole, folder)


def damaged(kind, folder, capsys, damages):
    """Outcomes of (kind of file, what was done to it) pairs, each on a whole folder."""
    before, whole, outcomes = kind.read(), folder.with_name(folder.name + "-whole"), []
    shutil.copytree(folder, whole)
    for paths, damage in damages:
        damage()
        outcomes.append((paths[0].suffix, named_or_harmless(kind, before, paths, capsys)))
        restore(folder, whole)
    return outcomes


def flip(path, rng):
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


@pytest.mark.parametrize("name", KINDS)
def test_a_flipped_bit_in_any_file_is_named_or_harmless(name, request, capsys):
    kind, rng = request.getfixturevalue(name), random.Random(f"flips {name}")
    files = files_of(kind.folder)
    chosen = [rng.choice(files) for _ in range(FLIPS)]
    outcomes = damaged(kind, kind.folder, capsys, [((path,), lambda path=path: flip(path, rng)) for path in chosen])
    assert len(outcomes) == FLIPS and {outcome for _, outcome in outcomes} & {"named", "refused"}
    assert {path.suffix for path in files} == {suffix for suffix, _ in outcomes}
    tables = [outcome for suffix, outcome in outcomes if suffix in (".parquet", ".safetensors")]
    assert tables and "harmless" not in tables


@pytest.mark.parametrize("name", KINDS)
def test_files_cut_emptied_swapped_or_replaced_are_named_or_harmless(name, request, capsys):
    kind = request.getfixturevalue(name)
    files, damages = files_of(kind.folder), []
    for path in random.Random(name).sample(files, min(8, len(files))):
        other = next(file for file in files if file != path)
        damages += [
            ((path,), lambda path=path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])),
            ((path,), lambda path=path: path.write_bytes(b"")),
            ((path,), lambda path=path: path.write_bytes(b"null")),
            ((path,), lambda path=path: path.write_bytes(b"[]")),
            ((path,), path.unlink),
            ((path, other), lambda path=path, other=other: swap(path, other)),
        ]
    for path in files:
        damages.append(((path,), lambda path=path: shutil.copy(path, path.with_name(f"{path.stem}2{path.suffix}"))))
    outcomes = damaged(kind, kind.folder, capsys, damages)
    assert {"harmless"} < {outcome for _, outcome in outcomes}


def swap(one, other):
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


class FullDisk:
    """`os.fsync` that fails from its `last`-th call on, as a disk that filled up meanwhile."""

    def __init__(self, last, code):
        self.calls, self.last, self.code = 0, last, code

    def __call__(self, handle):
        self.calls += 1
        if self.calls > self.last:
            raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize("name", ["grid", "extract", "judge"])
def test_a_disk_that_fills_up_at_any_write_is_one_line_and_what_is_finished_stays(name, request, monkeypatch):
    kind = request.getfixturevalue(name)
    before, whole = kind.read(), kind.folder.with_name("whole")
    kind.folder.rename(whole)
    free = FullDisk(10**9, errno.ENOSPC)
    monkeypatch.setattr(os, "fsync", free)
    assert kind.read() == before
    rng = random.Random(name)
    for last in sorted({0, 1, *rng.sample(range(free.calls), 2), free.calls - 1}):
        shutil.rmtree(kind.folder)
        monkeypatch.setattr(os, "fsync", FullDisk(last, rng.choice([errno.ENOSPC, errno.EDQUOT, errno.EROFS])))
        with contextlib.suppress(UserError):  # of the folder's own entry alone it does not matter
            kind.read()
        assert not [path for path in kind.folder.rglob("*") if path.name.endswith(".tmp")]
        for path in files_of(kind.folder):
            assert path.suffix != ".json" or json.loads(path.read_bytes())
        monkeypatch.setattr(os, "fsync", lambda handle: None)
        assert kind.read() == before
