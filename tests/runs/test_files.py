"""Files of runs: whole or not there, together or not at all."""

import errno
import os

import pytest

from proxylib.errors import UserError
from proxylib.runs import files

OLD, NEW = ({name: f"{age} {name}".encode() for name in ("a.csv", "b.csv", "manifest.json")} for age in ("old", "new"))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("last", range(3))
def test_files_that_belong_together_are_all_old_where_not_all_can_be_written(tmp_path, monkeypatch, last):
    files.write_together(tmp_path, OLD)
    calls = []

    def full(handle):
        calls.append(handle)
        if len(calls) > last:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=f"{list(NEW)[last]}: cannot be written .No space left on device.; free space"):
        files.write_together(tmp_path, NEW)
    assert content(tmp_path) == OLD
    monkeypatch.undo()
    files.write_together(tmp_path, NEW)
    assert content(tmp_path) == NEW


def test_where_nothing_was_nothing_is_left(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="cannot be written"):
        files.write_together(tmp_path, NEW)
    assert not content(tmp_path)


def test_a_file_changed_at_once_and_to_the_same_length_is_noticed(tmp_path):
    path = tmp_path / "a"
    for number in range(200):
        path.write_bytes(bytes([number % 7]) * 10)
        files.refuse_damage(path, files.sha256(bytes([number % 7]) * 10))
        path.write_bytes(bytes([number % 7 + 1]) * 10)
        with pytest.raises(files.Damaged):
            files.refuse_damage(path, files.sha256(bytes([number % 7]) * 10))
