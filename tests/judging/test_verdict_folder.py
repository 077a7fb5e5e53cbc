"""`proxylib judge` as a visitor meets it: a file, a server, a folder; and one line for what is wrong."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import filelock
import pandas as pd
import pytest
from judging.faulty_server import serving
from processes import started

from proxylib.cli import main
from proxylib.data import became
from proxylib.judging import client, spending, verdict_folder
from proxylib.judging.criteria import CRITERIA
from proxylib.judging.questions import Ask
from proxylib.runs.folder import LOCK, MANIFEST, PROGRESS, REQUEST

NOTES = [{"id": f"n{n}", "dialogue": "d: hello", "note": f"S: {n} {'good' if n % 2 else 'bad'}"} for n in range(6)]


@pytest.fixture
def place(tmp_path, monkeypatch, hasty):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINE_API_KEY", "canary-key-77aa")
    write(tmp_path / "notes.jsonl", NOTES)
    return tmp_path


def write(path, rows):
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))


GIVEN = ["judge", "--model", "openai-api/mine/m", "--notes", "notes.jsonl", "--out", "judged"]


def test_notes_are_judged_and_a_second_call_asks_nobody(place, monkeypatch, capsys):
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        assert main(GIVEN) == 0
        said = capsys.readouterr().out
        assert "30 calls" in said and "completeness" in said and server.calls == 30
        assert re.search(r"^traces scored +6$", said, re.M) and re.search(r"^questions scored +30$", said, re.M)
        assert all(label in said for label in (became.ROWS[name] for name in became.ALWAYS))  # those of every command
        facts = json.loads((place / "judged" / MANIFEST).read_text())["facts"]["text"]
        assert (facts["traces"], facts["questions"], facts["dropped"]) == (6, 30, {})
        found = pd.read_parquet("judged/verdicts.parquet")
        assert len(found) == 30 and set(found["status"]) == {"pass", "fail"}
        assert main(GIVEN) == 0 and server.calls == 30
        assert main([*GIVEN[:-1], "again", "--repeats", "2"]) == 0 and server.calls == 90
        judge = json.loads((place / "judged" / REQUEST).read_text())["judge"]
        assert judge["model"] == "openai-api/mine/m" and len(judge["criteria"]) == 64 and judge["server"] == server.url
        capsys.readouterr()
        assert main(["judge", "--model", "openai-api/mine/other", *GIVEN[3:]]) == 2
        assert "was begun with another judge or other prompts: model openai-api/mine/m, now" in capsys.readouterr().err
    assert not any(b"canary-key-77aa" in path.read_bytes() for path in place.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no notes"),
        (["{"], "line 1: not JSON"),
        (["[]"], "line 1: list, expected an object"),
        (['{"id": "a", "dialogue": "d", "note": "n", "note": "m"}'], "line 1: note occurs twice in one object"),
        (['{"id": "a", "dialogue": "d", "note": NaN}'], "line 1: NaN is not JSON"),
        (["[" * 100_000], "line 1: "),
        ([NOTES[0], {"id": "x", "note": "y"}], "line 2: dialogue is missing or no text"),
        ([NOTES[0], NOTES[0]], "line 2: id n0 occurs twice"),
        ([{"id": 3, "dialogue": "", "note": ""}], "line 1: id is missing or no text"),
    ],
)
def test_a_bad_file_is_one_line_and_nothing_is_written(place, rows, said, capsys):
    write(place / "notes.jsonl", rows)
    assert main(GIVEN) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and said in lines[0] and not (place / "judged").exists()


def test_a_missing_key_is_one_line(place, monkeypatch, capsys):
    monkeypatch.delenv("MINE_API_KEY")
    monkeypatch.setenv("MINE_BASE_URL", "http://127.0.0.1:9/v1")
    assert main(GIVEN) == 2
    error = capsys.readouterr().err
    assert (
        "MINE_API_KEY" in error
        and len(error.strip().splitlines()) == 1
        and not (place / "judged" / "verdicts.parquet").exists()
    )


def test_a_cost_limit_without_prices_is_refused(place, capsys):
    assert main([*GIVEN, "--limit-cost", "1"]) == 2
    assert "needs price_in or price_out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--limit-cost", "nan", "--price-in", "1"], "--limit-cost: "),
        (["--limit-cost", "-1", "--price-in", "1"], "--limit-cost: "),
        (["--temperature", "nan"], "--temperature: "),
    ],
)
def test_a_number_that_is_none_is_refused(place, given, said, capsys):
    assert main([*GIVEN, *given]) == 2
    assert said in capsys.readouterr().err and not (place / "judged").exists()


def test_text_that_utf8_or_line_ends_trip_over_is_judged(place, monkeypatch, capsys):
    odd = [{"id": f"a\ud83d{n}", "dialogue": "d: \ud83d", "note": f"S: {n}\u2028two\u0085three\x0b good"} for n in range(2)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in odd)
    (place / "notes.jsonl").write_text(lines.replace("\ud83d", "\\ud83d"), encoding="utf-8")
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        for _ in range(2):
            assert main(GIVEN) == 0
            assert set(pd.read_parquet("judged/verdicts.parquet")["id"]) == {"a?0", "a?1"}
        assert server.calls == 10


def test_other_notes_never_replace_verdicts(place, monkeypatch, capsys):
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        write(place / "notes.jsonl", NOTES[:4])
        assert main([*GIVEN, "--repeats", "2"]) == 0 and server.calls == 40
        kept = (place / "judged" / "verdicts.parquet").read_bytes()
        changed = [NOTES[0] | {"note": "S: other"}, *NOTES[1:4]]
        for rows, said in ((NOTES[1:], "1 notes that the file lacks"), (changed, "such as n0")):
            write(place / "notes.jsonl", rows)
            capsys.readouterr()
            assert main([*GIVEN, "--repeats", "2"]) == 2
            told = capsys.readouterr().err.strip().splitlines()
            assert len(told) == 1 and said in told[0]
        write(place / "notes.jsonl", NOTES)
        assert main(GIVEN) == 2 and "holds 2" in capsys.readouterr().err
        assert server.calls == 40 and (place / "judged" / "verdicts.parquet").read_bytes() == kept
        assert main([*GIVEN, "--repeats", "2"]) == 0 and server.calls == 60


def test_what_changes_answers_is_part_of_the_identity(place, monkeypatch, capsys):
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        assert main([*GIVEN, "--max-new-tokens", "50", "--no-schema", "--temperature", "0.5", "--attempts", "1"]) == 0
        about = json.loads((place / "judged" / REQUEST).read_text())["judge"]
        assert [about[name] for name in ("max_new_tokens", "schema", "temperature", "attempts")] == [50, False, 0.5, 1]
        assert main(GIVEN) == 2 and "attempts 1, now 2" in capsys.readouterr().err
        assert main([*GIVEN[:-1], "other", "--timeout", "50"]) == 0
        assert main([*GIVEN[:-1], "other", "--again", "--timeout", "60"]) == 0  # changes no answer


def test_a_larger_limit_of_tokens_goes_on_and_a_smaller_one_does_not(place, monkeypatch, capsys):
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        assert main([*GIVEN, "--max-new-tokens", "200"]) == 0 and server.calls == 30
        assert main([*GIVEN, "--max-new-tokens", "400"]) == 0 and server.calls == 30
        assert main([*GIVEN, "--max-new-tokens", "300"]) == 2
        assert "max_new_tokens 400, now 300" in capsys.readouterr().err


def test_a_folder_of_an_older_version_is_refused_by_name(place, monkeypatch, capsys):
    (place / "judged").mkdir()
    (place / "judged" / "about.json").write_text("{}")
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        assert main(GIVEN) == 2 and server.calls == 0
    assert "was begun by an older version; give another folder" in capsys.readouterr().err


def test_two_judges_never_write_one_folder(place, monkeypatch, capsys):
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        (place / "judged").mkdir()
        with filelock.FileLock(place / "judged" / LOCK):
            assert main(GIVEN) == 2 and server.calls == 0
        assert "is being made by another process" in capsys.readouterr().err
        assert main(GIVEN) == 0 and server.calls == 30


def test_another_server_is_another_judge(place, monkeypatch, capsys):
    with serving() as first, serving() as second:
        monkeypatch.setenv("MINE_BASE_URL", first.url)
        assert main(GIVEN) == 0
        kept = (place / "judged" / "verdicts.parquet").read_bytes()
        monkeypatch.setenv(
            "MINE_BASE_URL", second.url.replace("http://", "http://me:canary-key-77aa@") + "?key=canary-key-77aa"
        )
        assert main(GIVEN) == 2 and second.calls == 0
        (line,) = capsys.readouterr().err.splitlines()
        assert f"server {first.url}, now {second.url}" in line and "canary" not in line
    assert (place / "judged" / "verdicts.parquet").read_bytes() == kept
    assert not any(b"canary-key-77aa" in path.read_bytes() for path in place.rglob("*") if path.is_file())


def test_a_rerun_keeps_what_was_spent_and_writes_the_same_bytes(place, monkeypatch, capsys):
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        assert main(GIVEN) == 0
        first = {path.name: path.read_bytes() for path in (place / "judged").iterdir() if path.is_file()}
        for more in ([], ["--again"]):
            assert main([*GIVEN, *more]) == 0 and server.calls == 30
            assert {path.name: path.read_bytes() for path in (place / "judged").iterdir() if path.is_file()} == first
        assert pd.read_parquet("judged/verdicts.parquet")["tokens_in"].sum() == 30 * 50
        write(place / "notes.jsonl", [*NOTES, NOTES[0] | {"id": "more", "note": "S: more good"}])
        assert main(GIVEN) == 0 and server.calls == 35
        assert pd.read_parquet("judged/verdicts.parquet")["tokens_in"].sum() == 35 * 50
        assert main([*GIVEN[:-1], "at-once"]) == 0
        assert (place / "at-once" / "verdicts.parquet").read_bytes() == (place / "judged" / "verdicts.parquet").read_bytes()


def test_bits_flipped_in_every_file_are_named_or_harmless(place, monkeypatch, capsys):
    out = place / "judged"
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        write(place / "notes.jsonl", NOTES[:2])
        assert main(GIVEN) == 0
        content = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
        places = [path for path, data in content.items() if data and path.parent == out]
        places += [path for path, data in content.items() if data and path.parent != out][:2]
        rng, refused = random.Random(5), 0
        for path in places * 3:
            flipped = bytearray(content[path])
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
            path.write_bytes(flipped)
            capsys.readouterr()
            code = main(GIVEN)
            said = capsys.readouterr().err
            refused += code == 2
            assert code in (0, 2) and (code == 0 or path.name in said)
            assert code == 2 or (out / "verdicts.parquet").read_bytes() == content[out / "verdicts.parquet"]
            assert path.name in said or path.parent != out or path.name in (PROGRESS, MANIFEST)
            for other, data in content.items():
                other.write_bytes(data)
        assert 0 < refused < 2 * len(places) and len(places) > 4


@pytest.mark.parametrize("put", ["a file", "a cache that is a file"])
def test_a_folder_that_cannot_be_written_is_said_before_the_first_call(place, monkeypatch, put, capsys):
    if put == "a file":
        (place / "judged").touch()
    else:
        (place / "other").mkdir()
        (place / "judged").mkdir()
        (place / "judged" / "cache").touch()
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        assert main(GIVEN) == 2 and server.calls == 0
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_server_that_refuses_everything_is_one_line(place, monkeypatch, capsys):
    with serving({"404": 1.0}, words="the model m does not exist") as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        assert main([*GIVEN, "--connections", "2"]) == 2 and server.calls < 15
    told = capsys.readouterr().err.strip().splitlines()
    assert "the model m does not exist" in told[-1] and not (place / "judged" / "verdicts.parquet").exists()


def test_too_many_unscored_are_an_exit_code_of_their_own_with_the_option_that_mends(place, monkeypatch, capsys):
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        server.fault = lambda prompt: "prose" if "S: 0 " in prompt else None
        assert main(GIVEN) == 4  # 5 of 30
        (line,) = [line for line in capsys.readouterr().err.splitlines() if "unscored" in line]
        assert "5 of 30 questions are unscored (16.7 %, limit 5 %)" in line
        assert "5 x malformed: no JSON object; add --again" in line
        assert (pd.read_parquet("judged/verdicts.parquet")["status"] == "unscored").sum() == 5
        assert main([*GIVEN, "--limit-unscored", "0.17"]) == 0 and "questions are unscored" not in capsys.readouterr().err
        assert main(GIVEN) == 4 and server.calls == 35  # said again at no cost
        server.fault = lambda prompt: None
        assert main([*GIVEN, "--again"]) == 0 and server.calls == 40


@pytest.mark.parametrize(
    ("more", "server", "said"),
    [
        (["--limit-tokens", "1"], {}, "30 x limit; raise --limit-tokens"),
        ([], {"finish": "length"}, "30 x cut at 300 tokens, raise --max-new-tokens"),
        ([], {"finish": "content_filter"}, "withheld by the server's filter; take another judge"),
        ([], {"content": " "}, "30 x malformed: empty answer; add --again"),
    ],
)
def test_a_folder_where_nothing_was_scored_never_ends_with_0(place, monkeypatch, more, server, said, capsys):
    with serving(**server) as running:
        monkeypatch.setenv("MINE_BASE_URL", running.url)
        assert main([*GIVEN, *more, "--limit-unscored", "1"]) == 4
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "30 of 30 questions are unscored" in error and said in error
    assert all(json.loads(path.read_text())["answers"] for path in (place / "judged" / "cache").iterdir())


def test_reasons_are_one_whatever_the_requests_id_is():
    rows = [("pass", ""), *(("unscored", f"APIError (503): busy (request {n}a)") for n in range(3)), ("unscored", "limit")]
    verdicts = pd.DataFrame(rows, columns=["status", "reason"])
    assert verdict_folder.reasons(verdicts) == [(3, "APIError (503): busy (request 0a)"), (1, "limit")]
    judged = verdict_folder.Judged(None, verdicts, None, {})
    assert judged.shortfall(0.8) is None and judged.shortfall(0.79).endswith(
        "0a); run the same command once the server answers"
    )


def test_a_dry_run_asks_nobody_and_writes_nothing(place, monkeypatch, capsys):
    monkeypatch.delenv("MINE_API_KEY")
    monkeypatch.setattr(client, "asked", lambda *_: pytest.fail("a judge was made"))
    priced = [*GIVEN, "--price-out", "10", "--dry-run"]
    assert main(priced) == 0 and not (place / "judged").exists()
    asks = [Ask(row["id"], name, row["dialogue"], row["note"]) for row in NOTES for name in CRITERIA]
    read = sum(spending.tokens(ask.prompt) for ask in asks)
    said = capsys.readouterr().out
    assert f"30 calls, about {read} tokens in and at most 9000 out, 0.09 US dollars" in said


def test_a_dry_run_counts_what_is_left_and_refuses_what_a_run_would(place, monkeypatch, capsys):
    with serving() as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        assert main(GIVEN) == 0
        before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
        capsys.readouterr()
        assert main([*GIVEN, "--dry-run"]) == 0 and capsys.readouterr().out.startswith("0 calls")
        assert main([*GIVEN, "--dry-run", "--repeats", "3"]) == 0 and capsys.readouterr().out.startswith("60 calls")
        assert main(["judge", "--model", "openai-api/mine/other", *GIVEN[3:], "--dry-run"]) == 2
        assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before and server.calls == 30


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="process groups are looked up in /proc")
def test_a_run_killed_again_and_again_ends_with_the_same_bytes(place, monkeypatch):
    """Killed whenever so many calls have come; after the last rerun all is as it is undisturbed."""
    moments, wait = sorted(random.sample(range(1, 30), 2)), random.random() / 5
    with serving({"prose": 0.2}, lasting=True, delay=0.02) as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        whole = main(["judge", *GIVEN[1:-1], "whole"])
        undisturbed, server.calls = server.calls, 0
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        for calls in moments:
            with started([sys.executable, "-m", "proxylib", *GIVEN, "--connections", "2"], env=environment) as process:
                while server.calls < calls and process.poll() is None:
                    time.sleep(0.005)
                time.sleep(wait)
        assert main(GIVEN) == whole, (moments, wait)
        assert undisturbed <= server.calls <= undisturbed + 2 * len(moments), moments  # what was in flight is asked again
    kept = [{path.name: path.read_bytes() for path in (place / name).rglob("*.[jp][sa]*")} for name in ("whole", "judged")]
    for files in kept:
        assert {"verdicts.parquet", MANIFEST, PROGRESS} <= files.keys() and not any(name.endswith(".tmp") for name in files)
        del files[MANIFEST]  # holds times
    assert kept[0] == kept[1] and len(kept[0]) > 30, moments


def test_an_interrupt_stops_soon_and_keeps_what_came(place, monkeypatch, capsys):
    write(place / "notes.jsonl", [NOTES[0] | {"id": str(n), "note": f"S: {n} good"} for n in range(60)])
    with serving(delay=0.2) as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        given = [sys.executable, "-m", "proxylib", *GIVEN, "--connections", "2"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with started(given, stderr=subprocess.PIPE, env=environment) as stopped:
            while server.calls < 6:
                assert stopped.poll() is None
                time.sleep(0.05)
            stopped.send_signal(signal.SIGINT)
            _, error = stopped.communicate(timeout=60)
        assert stopped.returncode == 130 and b"the next call goes on from here" in error and b"Traceback" not in error
        calls = server.calls
        assert calls < 30
        server.delay = 0
        assert main(GIVEN) == 0
        assert 300 <= server.calls <= 304  # the two in flight were asked again
