"""The registry against a server on the loopback: what is downloaded, refused, named."""

import functools
import hashlib
import http.server
import io
import logging
import subprocess
import sys
import threading

import pytest
from pydantic import ValidationError

from proxylib.data.published import registry
from proxylib.errors import UserError

CONTENT = {"tables/a b.csv": b"x,y\n1,2\n", "LICENSE": b"free\n"}


def digest(data):
    return hashlib.sha256(data).hexdigest()


def toy(address, **changes):
    values = {
        "name": "toy",
        "title": "Toy",
        "upstream": "https://example.org/toy",
        "licence": "MIT",
        "address": address,
        "paths": {"tables/": "data/"},
        "note": "none",
        "files": {path: digest(data) for path, data in CONTENT.items()},
    }
    return registry.Dataset(**(values | changes))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        self.server.seen.append(self.path)


@pytest.fixture
def server(tmp_path):
    """Upstream's files, laid out as upstream has them; `seen` lists what was asked for."""
    root = tmp_path / "upstream"
    (root / "data").mkdir(parents=True)
    (root / "data" / "a b.csv").write_bytes(CONTENT["tables/a b.csv"])
    (root / "LICENSE").write_bytes(CONTENT["LICENSE"])
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=root))
    running.seen, running.root = [], root
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def place(monkeypatch, tmp_path, server):
    """Registers the toy set, with an empty cache and no mirror; returns the cache folder."""
    monkeypatch.delenv("PROXYLIB_MIRROR", raising=False)
    monkeypatch.setenv("PROXYLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    address = f"http://127.0.0.1:{server.server_address[1]}/{{path}}"
    register(monkeypatch, toy(address))
    return tmp_path / "cache"


def register(monkeypatch, dataset):
    monkeypatch.setattr(registry, "_datasets", lambda: {dataset.name: dataset})


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def fails(call, *parts):
    with pytest.raises(UserError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert str(part) in message
    return message


def test_download_then_no_second_request(place, server):
    assert registry.locate("toy") is None
    folder = registry.fetch("toy")
    assert {path: (folder / path).read_bytes() for path in files_in(folder)} == CONTENT
    assert folder == place / "toy" == registry.locate("toy")
    asked = list(server.seen)
    assert asked == ["/LICENSE", "/data/a%20b.csv"]
    assert registry.fetch("toy") == folder and server.seen == asked


@pytest.mark.parametrize("terminal", [True, False])  # last without: what it said once, it must not go on saying
def test_pooch_speaks_only_in_a_terminal(place, monkeypatch, capsys, terminal):
    import pooch

    said = io.StringIO()
    handler = logging.StreamHandler(said)
    pooch.get_logger().addHandler(handler)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    try:
        registry.fetch("toy")
    finally:
        pooch.get_logger().removeHandler(handler)
    assert ("toy/tables/a b.csv" in said.getvalue()) == bool(said.getvalue()) == terminal
    assert ("100%" in capsys.readouterr().err) == terminal


def test_only_missing_files_are_downloaded(place, server):
    (place / "toy").mkdir(parents=True)
    (place / "toy" / "LICENSE").write_bytes(CONTENT["LICENSE"])
    registry.fetch("toy")
    assert server.seen == ["/data/a%20b.csv"]


def test_damaged_file_of_the_cache_is_replaced(place):
    folder = registry.fetch("toy")
    (folder / "LICENSE").write_bytes(b"not free\n")
    assert registry.locate("toy") is None
    assert (registry.fetch("toy") / "LICENSE").read_bytes() == CONTENT["LICENSE"]


def test_wrong_checksum_is_refused_and_nothing_of_it_kept(place, server):
    (server.root / "data" / "a b.csv").write_bytes(b"x,y\n1,3\n")
    fails(lambda: registry.fetch("toy"), "toy/tables/a b.csv", "/data/a%20b.csv", "checksum", "PROXYLIB_MIRROR")
    assert files_in(place) == ["toy/LICENSE"]
    assert registry.locate("toy") is None


def test_server_that_lacks_the_file(place, server):
    (server.root / "LICENSE").unlink()
    fails(lambda: registry.fetch("toy"), "toy/LICENSE", "404", "PROXYLIB_MIRROR")
    assert not place.exists() or files_in(place) == []


def test_server_down_is_one_line(place, server, capsys):
    server.shutdown()
    server.server_close()
    port = server.server_address[1]
    fails(lambda: registry.fetch("toy"), "toy/LICENSE", f"127.0.0.1:{port}", "PROXYLIB_MIRROR", "ConnectionError")
    output = capsys.readouterr()
    assert output.out == output.err == ""  # neither pooch nor progress speaks where nobody watches


def test_unwritable_cache_names_the_file(place, monkeypatch):
    place.write_text("a file where the folder should be")
    fails(lambda: registry.fetch("toy"), place / "toy" / "LICENSE", "PROXYLIB_CACHE")


def test_mirror_goes_before_cache_and_network(place, server, monkeypatch, tmp_path):
    cached = registry.fetch("toy")
    asked = list(server.seen)
    mirror = tmp_path / "mirror"
    for path, data in CONTENT.items():
        (mirror / "toy" / path).parent.mkdir(parents=True, exist_ok=True)
        (mirror / "toy" / path).write_bytes(data)
    monkeypatch.setenv("PROXYLIB_MIRROR", str(mirror))
    assert registry.fetch("toy") == registry.locate("toy") == mirror / "toy" != cached
    (mirror / "toy" / "LICENSE").write_bytes(b"damaged")
    for call in (registry.fetch, registry.locate):
        fails(lambda call=call: call("toy"), mirror / "toy" / "LICENSE", "checksum", "replace")
    (mirror / "toy" / "LICENSE").unlink()
    fails(lambda: registry.fetch("toy"), mirror / "toy" / "LICENSE", "not in the mirror", "PROXYLIB_MIRROR")
    assert registry.locate("toy") is None
    assert server.seen == asked


def test_mirror_that_is_no_folder(place, monkeypatch, tmp_path):
    monkeypatch.setenv("PROXYLIB_MIRROR", str(tmp_path / "nowhere"))
    fails(lambda: registry.fetch("toy"), tmp_path / "nowhere", "PROXYLIB_MIRROR")


def test_set_without_public_address(place, server, monkeypatch):
    register(monkeypatch, toy(None))
    fails(lambda: registry.fetch("toy"), place / "toy" / "LICENSE", "no public address", "example.org", "PROXYLIB_MIRROR")
    assert server.seen == []


def test_unlisted_file_is_optional_but_never_wrong(place, server, monkeypatch):
    address = f"http://127.0.0.1:{server.server_address[1]}/{{path}}"
    register(monkeypatch, toy(address, unlisted=("LICENSE",)))
    folder = registry.fetch("toy")
    assert files_in(folder) == ["tables/a b.csv"] and registry.locate("toy") == folder
    (folder / "LICENSE").write_bytes(b"other")
    fails(lambda: registry.fetch("toy"), folder / "LICENSE", "differs", "no public address")


def test_unknown_name_lists_the_known_ones():
    fails(lambda: registry.describe("datadecid"), "datadecid", "datadecide", "gsm8k", "tinyshakespeare")
    for call in (registry.fetch, registry.locate, registry.fingerprint):
        fails(lambda call=call: call("nothing"), "nothing", "datadecide")


def test_fingerprint_follows_every_byte_and_name(monkeypatch):
    prints = set()
    for files in (
        {"a": "0" * 64, "b": "1" * 64},
        {"a": "1" * 64, "b": "0" * 64},
        {"a": "0" * 64, "c": "1" * 64},
        {"a": "0" * 64},
    ):
        register(monkeypatch, toy(None, files=files))
        prints.add(registry.fingerprint("toy"))
    assert len(prints) == 4
    register(monkeypatch, toy(None, files={"b": "1" * 64, "a": "0" * 64}))
    expected = digest(f"{'0' * 64}  toy/a\n{'1' * 64}  toy/b\n".encode())
    assert registry.fingerprint("toy") == expected


def test_longest_start_decides_the_address():
    dataset = toy("https://h/{path}", paths={"": "deep/", "CodeT/": "CodeT/", "CodeT/x": "y"})
    assert [dataset.address_of(p) for p in ("a+b.txt", "CodeT/L", "CodeT/xL")] == [
        "https://h/deep/a%2Bb.txt",
        "https://h/CodeT/L",
        "https://h/yL",
    ]


def test_shipped_registry_is_complete():
    described = {name: registry.describe(name) for name in registry.names()}
    pinned = {line.split("  ", 1)[1].split("/")[0] for line in registry.CHECKSUMS.read_text().splitlines()}
    assert set(described) == pinned and len(described) == 17
    for dataset in described.values():
        assert dataset.title and dataset.licence and dataset.note and dataset.upstream.startswith("https://")
        assert all(len(value) == 64 and set(value) <= set("0123456789abcdef") for value in dataset.files.values())
        assert not any(path.startswith(("/", "..")) or "/../" in path for path in dataset.files)
        assert set(dataset.unlisted) <= set(dataset.files)
        if dataset.address and dataset.commit:
            assert dataset.commit in dataset.address  # a moving branch would break the checksum one day
    assert {name for name, d in described.items() if d.address is None} == {"datadecide", "obs_scaling"}
    gsm8k = described["gsm8k"]
    assert gsm8k.address_of("data/test.jsonl") == (
        f"https://raw.githubusercontent.com/openai/grade-school-math/{gsm8k.commit}/grade_school_math/data/test.jsonl"
    )


def test_description_is_frozen():
    with pytest.raises(ValidationError):
        registry.describe("gsm8k").title = "other"


def test_importing_the_registry_loads_neither_pooch_nor_torch():
    heavy = "('pooch', 'torch', 'requests')"
    code = f"import sys; import proxylib.data.published.registry; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
