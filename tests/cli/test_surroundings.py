"""What a machine refuses is one line and exit code 2, whoever raises it."""

import errno
import os
import resource
import subprocess
import sys

import pytest

from proxylib import cli
from proxylib.cli import main, surroundings
from proxylib.errors import UserError


def wrapped(error):
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("while saving") from cause
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/out/x"), "/out/x: no space left to write"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "no space left"),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG), "/out/x"), "/out/x: no space left"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), "/out/x"), "/out/x: read-only file system; give a folder that can"),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/out/x"), "/out/x: permission denied; give a folder"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), "/x"), "/x: too many open files; raise the limit (ulimit -n)"),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/x"), "/x: no such file or directory"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "not enough memory"),
        (ImportError("libx.so: failed to map segment from shared object"), "not enough memory"),
        (RuntimeError("can't start new thread"), "no more threads or processes"),
        (BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)), "no more threads or processes"),
        (RuntimeError("[enforce fail at inline_container.cc:672] . PytorchStreamWriter failed writing file"), "no space left"),
        (ValueError("I/O error: No space left on device (os error 28)"), "no space left"),
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
    ],
)
def test_a_refusal_of_the_machine_is_one_line_that_names_the_mend(monkeypatch, capsys, error, said):
    for raised in (error, wrapped(error)):

        def fail(words, raised=raised):
            raise raised

        monkeypatch.setattr(cli.Parser, "parse_args", lambda self, words, fail=fail: fail(words))
        assert main(["grid"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("proxylib: error: ") and said in line


def test_a_failure_of_ours_keeps_its_traceback_without_keys(monkeypatch, capsys):
    monkeypatch.setenv("MINE_API_KEY", "hunter2hunter")
    assert surroundings.line(KeyError("x")) is None
    monkeypatch.setattr(cli.Parser, "parse_args", lambda self, words: {}["hunter2hunter"])
    monkeypatch.setattr("sys.excepthook", None)
    with pytest.raises(KeyError) as raised:
        main(["grid"])
    assert cli.sys.excepthook is surroundings.show
    surroundings.show(raised.type, raised.value, raised.tb)
    told = capsys.readouterr().err
    assert "Traceback" in told and "<MINE_API_KEY>" in told and "hunter2" not in told


@pytest.mark.parametrize("command", ["extract", "rank"])
def test_memory_in_which_torch_cannot_be_loaded_is_refused_before_it_is(command, tmp_path):
    """It would abort in C++, print a hundred lines or hang; where it can be loaded, its errors have lines of their own."""
    given = {
        "extract": ["--model", "m", "--traces", "t.jsonl", "--out", "out"],
        "rank": ["--models", "a", "b", "--traces", "t.jsonl", "--out", "out"],
    }
    few = lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    words = [sys.executable, "-m", "proxylib", command, *given[command]]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, preexec_fn=few)
    assert done.returncode == 2 and done.stderr.startswith("proxylib: error: not enough memory: 1024 MiB are allowed"), done
    assert len(done.stderr.splitlines()) == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("model", "bytes_"), [("openai-api/mine/m", 400 << 20), ("hf/model", 1 << 30)])
def test_memory_in_which_a_judge_cannot_be_asked_is_refused_before_it_is(model, bytes_, tmp_path):
    (tmp_path / "notes.jsonl").write_text('{"id": "a", "dialogue": "d", "note": "n"}')
    words = [sys.executable, "-m", "proxylib", "judge", "--model", model, "--notes", "notes.jsonl", "--out", "out"]
    few = lambda: resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, preexec_fn=few)
    assert done.returncode == 2 and done.stderr.startswith("proxylib: error: not enough memory: "), done
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_a_name_that_is_no_folder_is_asked_for_aloud_and_offline_not_at_all(monkeypatch, tmp_path, capsys):
    from proxylib.models import folders

    asked = []

    def download(repository, **_):
        asked.append(repository)
        raise OSError(f"{repository} is unknown")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with pytest.raises(UserError, match="modles/one: neither a folder nor a model on the hub"):
        folders.locate("modles/one")
    assert asked == ["modles/one"]
    assert "modles/one: no such folder; asking the hub for it (proxylib --offline COMMAND" in capsys.readouterr().err
    main(["--offline", "fetch"])
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    capsys.readouterr()
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        folders.locate("modles/one")
    assert not capsys.readouterr().err
