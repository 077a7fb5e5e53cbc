"""The work folder: begun by a request, gone on with, refused to others, never trusted beyond its digests."""

import json
import os
import random
import subprocess
import sys

import filelock
import pytest

from proxylib.errors import UserError
from proxylib.runs import files, folder
from proxylib.runs.folder import LOCK, MANIFEST, PROGRESS, REQUEST, Folder

ASKED = {"command": "count", "model": "0" * 32, "settings": {"window": 1000, "chat": False}}
PARTS = ("parts", "total.txt")


def build(workspace, made=None, stop=None):
    """Three parts and their total."""
    for number in range(3):
        name = f"parts/{number}.txt"
        if workspace.holds(name):
            continue
        if number == stop:
            raise KeyboardInterrupt
        workspace.write(name, b"x" * 100 * (number + 1))
        if made is not None:
            made.append(number)
    workspace.note(parts=3)
    workspace.write("total.txt", b"600")


@pytest.fixture
def work(tmp_path):
    return Folder(tmp_path / "out", ASKED, PARTS)


def another(work, **changes):
    return Folder(work.path, {**work.request, **changes}, work.parts)


def test_finished_work_is_returned_and_not_made_again(work):
    assert work.finished() is None and not work.path.exists()
    done = work.make(build)
    again = work.make(lambda workspace: pytest.fail("made again"))
    assert again.manifest == done.manifest and again.facts == {"parts": 3} and again.request == ASKED
    assert sorted(again.files) == ["parts/0.txt", "parts/1.txt", "parts/2.txt", "total.txt"]
    assert json.loads((work.path / REQUEST).read_text())["settings"]["window"] == 1000


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": {"window": 500, "chat": False}}, "was begun with window 1000, now 500; give another folder"),
        ({"settings": {"window": 1000, "chat": True}}, "was begun with chat False, now True"),
        ({"model": "1" * 32}, "was begun with another model"),
        ({"command": "sum"}, "was begun with command count, now sum"),
        ({"settings": {"window": 1000}}, "was begun with chat False, now None"),
    ],
)
def test_another_request_is_refused_with_the_first_difference(work, changes, said):
    work.make(build)
    before = (work.path / MANIFEST).read_bytes()
    for finished in (True, False):
        with pytest.raises(UserError, match=said):
            another(work, **changes).make(lambda workspace: pytest.fail("made"))
        assert not finished or (work.path / MANIFEST).read_bytes() == before
        (work.path / MANIFEST).unlink(missing_ok=True)


def test_it_goes_on_where_a_kill_ended_it(work):
    with pytest.raises(KeyboardInterrupt):
        work.make(lambda workspace: build(workspace, stop=2))
    assert not (work.path / MANIFEST).exists()
    (work.path / ".2.txt.77.tmp").write_bytes(b"half")
    made = []
    done = work.make(lambda workspace: build(workspace, made))
    assert made == [2] and not list(work.path.rglob("*.tmp"))
    assert {name: (work.path / name).stat().st_size for name in done.files}["parts/2.txt"] == 300


def test_a_file_that_was_not_finished_with_its_digest_is_made_again(work, capsys):
    with pytest.raises(KeyboardInterrupt):
        work.make(lambda workspace: build(workspace, stop=2))
    (work.path / "parts" / "0.txt").write_bytes(b"x" * 99 + b"y")
    made = []
    work.make(lambda workspace: build(workspace, made))
    assert made == [0, 2] and "0.txt does not match its checksum; it is made again" in capsys.readouterr().err


def test_after_an_upgrade_the_unfinished_is_begun_anew_and_the_finished_stays(work, monkeypatch, capsys):
    with pytest.raises(KeyboardInterrupt):
        work.make(lambda workspace: build(workspace, stop=2))
    newer = {**folder.deciding_versions(), "trl": "9.9"}
    monkeypatch.setattr(folder, "deciding_versions", lambda: newer)
    made = []
    work.make(lambda workspace: build(workspace, made))
    assert made == [0, 1, 2] and "now 9.9: begun anew" in capsys.readouterr().err
    monkeypatch.setattr(folder, "deciding_versions", lambda: newer | {"trl": "10.0"})
    assert work.make(lambda workspace: pytest.fail("made again")).facts == {"parts": 3}


def test_one_damaged_file_of_a_finished_folder_costs_that_file(work, capsys):
    work.make(build)
    victim = work.path / "parts" / "1.txt"
    victim.write_bytes(victim.read_bytes()[:-1])
    made = []
    work.make(lambda workspace: build(workspace, made))
    assert made == [1] and capsys.readouterr().err.count("1.txt does not match its checksum") == 1


def test_sixty_flipped_bits_are_named_or_harmless(work, capsys):
    content = {name: (work.make(build).folder / name).read_bytes() for name in work.make(build).files}
    places = [path for path in sorted(work.path.rglob("*")) if path.is_file() and path.stat().st_size]
    rng, outcomes = random.Random(2), []
    for _ in range(90):
        whole = {path: path.read_bytes() for path in places}
        path = rng.choice(places)
        flipped = bytearray(whole[path])
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        try:
            done = another(work).make(build)
        except UserError as error:
            outcomes.append("refused")
            assert REQUEST in str(error) and path.name == REQUEST
        else:
            said = capsys.readouterr().err
            outcomes.append("named" if said else "harmless")
            assert path.name in said or path.name == PROGRESS
            assert done.facts == {"parts": 3} and {name: (work.path / name).read_bytes() for name in done.files} == content
        for path, data in whole.items():
            path.write_bytes(data)
    assert set(outcomes) == {"refused", "named", "harmless"}


def test_a_stray_copy_is_no_part_of_it(work):
    done = work.make(build)
    (work.path / "parts" / "0 (copy).txt").write_bytes(b"x")
    assert work.finished().files == done.files


@pytest.mark.parametrize("name", [REQUEST, PROGRESS, MANIFEST])
@pytest.mark.parametrize("content", ["[]", "null", "", "{", '{"files": 3, "facts": [], "versions": 1}', "[" * 9000])
def test_json_of_another_kind_is_one_line(work, name, content, capsys):
    work.make(build)
    (work.path / name).write_text(content)
    if name != MANIFEST:
        (work.path / MANIFEST).unlink()
    try:
        assert work.make(build).facts == {"parts": 3} and name != REQUEST
        (line,) = capsys.readouterr().err.splitlines()
    except UserError as error:
        line = str(error)
    assert name in line


def test_names_in_a_manifest_never_lead_out_of_the_folder(work, capsys):
    work.make(build)
    manifest = files.read_sealed(work.path / MANIFEST)
    for name in ("../secret", "/etc/passwd"):
        files.write_sealed(work.path / MANIFEST, manifest | {"files": {name: "0" * 64}})
        assert work.last() is None and "leads out of the folder" in capsys.readouterr().err


def test_a_folder_of_something_else_is_refused_and_left_alone(work, tmp_path):
    work.path.mkdir()
    for name, said in (("thesis.tex", "holds other files"), ("plan.json", "older version"), ("about.json", "older version")):
        (work.path / name).write_text("{}")
        with pytest.raises(UserError, match=said):
            work.make(build)
        assert [path.name for path in work.path.iterdir()] == [name]
        (work.path / name).unlink()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file"):
        Folder(tmp_path / "file", ASKED, PARTS).make(build)
    with pytest.raises(UserError, match="cannot be written"):
        Folder(tmp_path / "file" / "below", ASKED, PARTS).make(build)


def test_a_folder_that_cannot_be_written_is_one_line_before_any_work():
    with pytest.raises(UserError, match="cannot be written"):
        Folder(folder.Path("/proc/out"), ASKED, PARTS).make(lambda workspace: pytest.fail("worked"))


def test_what_is_refused_before_the_first_write_leaves_nothing(work):
    def refuse(workspace):
        assert (work.path / LOCK).exists()
        raise UserError("the model is none")

    for _ in range(2):
        with pytest.raises(UserError, match="the model is none"):
            work.make(refuse)
        assert not work.path.exists()
    work.path.mkdir()
    with pytest.raises(UserError, match="the model is none"):
        work.make(refuse)
    assert not list(work.path.iterdir())


def test_what_is_refused_before_anything_was_made_leaves_nothing_to_a_mended_request(work):
    def refused(workspace):
        workspace.begin()
        (work.path / "checkpoints").mkdir()
        workspace.note(parts=0)
        raise UserError("too long")

    with pytest.raises(UserError, match="too long"):
        work.make(refused)
    assert not work.path.exists()
    another(work, settings={"window": 5}).make(build)  # as nothing was lost, the folder is free

    def refused_later(workspace):
        (work.path / MANIFEST).unlink()
        raise UserError("no more")

    with pytest.raises(UserError, match="no more"):
        another(work, settings={"window": 5}).make(refused_later, enough=lambda finished: False)
    assert (work.path / "total.txt").exists() and (work.path / REQUEST).exists()


def test_a_folder_has_one_writer_and_a_finished_one_needs_none(work):
    work.path.mkdir()
    with filelock.FileLock(work.path / LOCK), pytest.raises(UserError, match="is being made by another process"):
        work.make(lambda workspace: pytest.fail("worked"))
    work.make(build)
    with filelock.FileLock(work.path / LOCK):
        assert work.make(build).facts == {"parts": 3}


def test_the_lock_of_a_killed_writer_is_free(work):
    code = f"""
import os, signal
from pathlib import Path
from proxylib.runs.folder import Folder
def build(workspace):
    workspace.write("parts/0.txt", b"x" * 100)
    os.kill(os.getpid(), signal.SIGKILL)
Folder(Path({str(work.path)!r}), {ASKED!r}, {PARTS!r}).make(build)
"""
    assert (
        subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}).returncode < 0
    )
    made = []
    work.make(lambda workspace: build(workspace, made))
    assert made == [1, 2]
