"""Extraction into a folder: accounted for, resumed where it ended, refused where something else lies."""

import datetime
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time
import weakref

import filelock
import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from models import tiny
from processes import started

from proxylib.cli import main
from proxylib.data import traces
from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import ExtractSettings, Layout
from proxylib.measure.tokenstats import extract, selfcheck, shards
from proxylib.measure.tokenstats.columns import COLUMNS
from proxylib.models import folders, loading, sandbox, tokenizers
from proxylib.runs import folder as work_folder
from proxylib.runs.folder import LOCK, MANIFEST, PROGRESS, REQUEST

TRACES = [Trace("one" if n % 2 else "two", f"t-{n}", f"p {n}\n", "abc " * (1 + 3 * n) + "end\n", "", "") for n in range(9)]
LAYOUT = Layout(chunk=16, batch_traces=3, batch_tokens=512)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("model"))  # a context of 128


@pytest.fixture
def small(monkeypatch):
    """A shard for every pass or two."""
    monkeypatch.setattr(shards, "SHARD_TOKENS", 60)


@pytest.fixture
def unchecked(monkeypatch):
    """Without the passes of the self-check, where passes are counted."""
    monkeypatch.setattr(selfcheck, "checked", lambda model, engine, encoded: (engine, {"narrowed": None}))


def content(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / shards.TOKENS).iterdir())}


def test_rows_are_those_of_one_pass_and_everything_is_accounted_for(model, tmp_path, small):
    long = Trace("two", "cut", "p", "x" * 200, "", "")
    full = Trace("two", "full", "y" * 300, "x", "", "")
    done = shards.extract(model, [*TRACES, long, full], tmp_path / "out", ExtractSettings(window=60), LAYOUT)
    assert len(content(tmp_path / "out")) > 3
    items = done.items.set_index("id")
    assert items.loc["full", ["status", "reason"]].tolist() == [
        "dropped",
        "no room for the solution: its prompt fills the context of 128 tokens",
    ]
    assert items.loc["cut", ["truncated", "windowed", "scored"]].tolist() == [74, 66, 60]
    assert (items["scored"] == done.tokens.groupby("id").size().reindex(items.index, fill_value=0)).all()
    for trace in TRACES:
        row = items.loc[trace.id]
        assert row["truncated"] + row["windowed"] + row["scored"] == len(trace.solution)
        assert row["prompt"] == 1 + len(trace.prompt)
    network, tokenizer = loading.load(model), tokenizers.load(model)
    config = type("C", (), {"window": 60, "chunk": 16, "batch": 1})
    alone, _ = extract.token_rows(network, tokenizer, [*TRACES, long], config)
    found = done.tokens
    assert list(found.columns) == list(alone.columns)
    exact = ["task", "id", "position", "token", "offset", "n_bytes"]
    pd.testing.assert_frame_equal(found[exact], alone[exact], check_dtype=False)
    assert found["nll"].to_numpy() == pytest.approx(alone["nll"].to_numpy(), abs=2e-5)
    assert f"dropped: {items.loc['full', 'reason']}" in done.summary()
    told = done.facts
    assert told["vocabulary"] == 259 and told["tokens_scored"] == len(found) and told["dropped"] == 1


def test_optional_columns_and_the_most_likely_list(model, tmp_path):
    done = shards.extract(model, TRACES[:2], tmp_path / "out", ExtractSettings(columns=("sum_p2",), top=3), LAYOUT)
    rows = done.tokens
    assert list(rows.columns[6:]) == ["nll", "entropy", "n_greater", "n_equal", "p_max", "sum_p2", "top_ids", "top_logits"]
    assert all(len(ids) == 3 for ids in rows["top_ids"])
    assert {name: str(rows[name].dtype) for name in COLUMNS if name in rows} == {
        name: column.dtype for name, column in COLUMNS.items() if name in rows
    }
    with pytest.raises(UserError, match="column mode: not known"):
        shards.extract(model, TRACES, tmp_path / "two", ExtractSettings(columns=("mode",)))
    assert not (tmp_path / "two").exists()


def test_it_goes_on_at_the_missing_shard_with_the_same_bytes(model, tmp_path, small, unchecked, monkeypatch, capsys):
    shards.extract(model, TRACES, tmp_path / "whole", ExtractSettings(), LAYOUT)
    whole = content(tmp_path / "whole")
    scored = []
    real = extract.Engine.score

    def counted(self, batch):
        scored.append(len(batch))
        if len(scored) == 3:
            raise KeyboardInterrupt
        return real(self, batch)

    monkeypatch.setattr(extract.Engine, "score", counted)
    with pytest.raises(KeyboardInterrupt):
        shards.extract(model, TRACES, tmp_path / "cut", ExtractSettings(), LAYOUT)
    kept = content(tmp_path / "cut")
    assert 0 < len(kept) < len(whole) and not (tmp_path / "cut" / MANIFEST).exists()
    before = len(scored)
    monkeypatch.setattr(extract.Engine, "score", lambda self, batch: scored.append(1) or real(self, batch))
    shards.extract(model, TRACES, tmp_path / "cut", ExtractSettings(), LAYOUT)
    assert content(tmp_path / "cut") == whole
    again = len(scored) - before
    (tmp_path / "cut" / shards.TOKENS / "00000.parquet").write_bytes(b"PAR1 damaged")
    (tmp_path / "cut" / MANIFEST).unlink()
    shards.extract(model, TRACES, tmp_path / "cut", ExtractSettings(), LAYOUT)
    assert content(tmp_path / "cut") == whole and len(scored) - before - again <= 2
    assert "00000.parquet does not match its checksum; it is made again" in capsys.readouterr().err


def test_a_finished_folder_is_read_and_no_model_is_loaded(model, tmp_path, monkeypatch):
    first = shards.extract(model, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    monkeypatch.setattr(loading, "load", lambda *a, **k: pytest.fail("a model was loaded"))
    again = shards.extract(model, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    assert again.manifest == first.manifest


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"window": 7}, "window 1000, now 7"),
        ({"chat": True}, "chat False, now True"),
        ({"traces": TRACES[:5]}, "other traces"),
        ({"chunk": 3}, "chunk 16, now 3"),
    ],
)
def test_a_folder_of_another_plan_is_refused(model, tmp_path, change, what):
    shards.extract(model, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    before = content(tmp_path / "out")
    layout = Layout(chunk=change.pop("chunk"), batch_traces=3, batch_tokens=512) if "chunk" in change else LAYOUT
    with pytest.raises(UserError, match=f"was begun with {what}"):
        shards.extract(model, change.pop("traces", TRACES), tmp_path / "out", ExtractSettings(**change), layout)
    assert content(tmp_path / "out") == before


def test_a_folder_with_other_files_is_refused_and_left_alone(model, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        shards.extract(model, TRACES, tmp_path, ExtractSettings(), LAYOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("content", ["{", "[]", "null", '{"request": {}}'])
def test_a_damaged_request_is_refused_and_a_damaged_manifest_made_again(model, tmp_path, content, capsys):
    out = tmp_path / "out"
    first = shards.extract(model, TRACES[:1], out, ExtractSettings(), LAYOUT)
    (out / MANIFEST).write_text(content)
    again = shards.extract(model, TRACES[:1], out, ExtractSettings(), LAYOUT)
    assert again.files == first.files and f"{MANIFEST} " in capsys.readouterr().err
    (out / REQUEST).write_text(content)
    with pytest.raises(UserError, match="request.json .* give another folder, or delete this one"):
        shards.extract(model, TRACES[:1], out, ExtractSettings(), LAYOUT)


def test_flipped_bits_and_stray_copies_are_never_read(model, tmp_path, small, monkeypatch, capsys):
    """Of every file of a finished folder: what is flipped is named and made again, or lies where nothing reads it."""
    out = tmp_path / "out"
    first = shards.extract(model, TRACES, out, ExtractSettings(), LAYOUT)
    rows = first.tokens
    whole = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    network = loading.load(model)
    monkeypatch.setattr(loading, "load", lambda *_, **__: network)
    rng, unseen = random.Random(3), 0
    for number in range(60):
        path = rng.choice([path for path in whole if path.stat().st_size])
        flipped = bytearray(whole[path])
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        try:
            again = shards.extract(model, TRACES, out, ExtractSettings(), LAYOUT)
        except UserError as error:
            assert path.name in str(error)
        else:
            assert all(again.folder.joinpath(name).read_bytes() == whole[out / name] for name in first.files)
            said = capsys.readouterr().err
            assert path.name in said or path.name in (PROGRESS, MANIFEST)
            unseen += not said
            if number % 10 == 0:
                pd.testing.assert_frame_equal(again.tokens, rows)
        for place, data in whole.items():
            place.write_bytes(data)
    assert unseen < 40
    shutil.copy(out / shards.TOKENS / "00000.parquet", out / shards.TOKENS / "00000 (copy).parquet")
    pd.testing.assert_frame_equal(shards.extract(model, TRACES, out, ExtractSettings(), LAYOUT).tokens, rows)


def test_an_upgrade_between_two_halves_begins_anew(model, tmp_path, small, unchecked, monkeypatch, capsys):
    real, scored = extract.Engine.score, []

    def counted(self, batch):
        scored.append(len(batch))
        if len(scored) == 3:
            raise KeyboardInterrupt
        return real(self, batch)

    monkeypatch.setattr(extract.Engine, "score", counted)
    with pytest.raises(KeyboardInterrupt):
        shards.extract(model, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    passes = len(scored)
    monkeypatch.setattr(work_folder, "deciding_versions", lambda: {"torch": "9.0"})
    shards.extract(model, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    whole = len(scored) - passes
    assert "now 9.0: begun anew" in capsys.readouterr().err
    scored.clear()
    monkeypatch.setattr(extract.Engine, "score", lambda self, batch: scored.append(1) or real(self, batch))
    shards.extract(model, TRACES, tmp_path / "fresh", ExtractSettings(), LAYOUT)
    assert whole == len(scored)


def test_a_folder_of_an_older_version_is_refused_by_name(model, tmp_path):
    for name in ("plan.json", "manifest.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(UserError, match="was begun by an older version; give another folder"):
        shards.extract(model, TRACES, tmp_path, ExtractSettings(), LAYOUT)


def test_a_file_in_the_folders_place_is_left_alone(model, tmp_path):
    (tmp_path / "traces.jsonl").write_text("mine")
    with pytest.raises(UserError, match="traces.jsonl: is a file"):
        shards.extract(model, TRACES, tmp_path / "traces.jsonl", ExtractSettings(), LAYOUT)
    assert (tmp_path / "traces.jsonl").read_text() == "mine"


def test_a_call_that_was_killed_before_its_request_is_gone_on_with(model, tmp_path):
    (tmp_path / f".{REQUEST}.123.tmp").write_text("{")
    assert shards.extract(model, TRACES, tmp_path, ExtractSettings(), LAYOUT).facts["traces"] == 9
    assert not list(tmp_path.rglob(".*.tmp"))


@pytest.mark.parametrize("begun", [False, True])
def test_a_folder_has_one_writer(model, tmp_path, begun):
    out = tmp_path / "out"
    if begun:
        shards.extract(model, TRACES, out, ExtractSettings(), LAYOUT)
        (out / MANIFEST).unlink()
    half = out / shards.TOKENS / ".00000.parquet.1.tmp"  # which the other one is about to rename
    half.parent.mkdir(parents=True, exist_ok=True)
    half.touch()
    if not begun:
        shutil.rmtree(half.parent)
    with filelock.FileLock(out / LOCK), pytest.raises(UserError, match="made by another process"):
        shards.extract(model, TRACES, out, ExtractSettings(), LAYOUT)
    assert half.exists() == begun
    assert shards.extract(model, TRACES, out, ExtractSettings(), LAYOUT).facts["traces"] == 9


@pytest.mark.parametrize("damage", ["a shard is gone", "a shard is cut", "no items"])
def test_a_finished_folder_that_lost_files_is_mended(model, tmp_path, small, damage, capsys):
    out = tmp_path / "out"
    first = shards.extract(model, TRACES, out, ExtractSettings(), LAYOUT)
    tokens, items = first.tokens, first.items
    shard = out / shards.TOKENS / "00001.parquet"
    if damage == "a shard is gone":
        shard.unlink()
    elif damage == "a shard is cut":
        shard.write_bytes(shard.read_bytes()[:-20])
    else:
        (out / shards.ITEMS).unlink()
    again = shards.extract(model, TRACES, out, ExtractSettings(), LAYOUT)
    pd.testing.assert_frame_equal(again.tokens, tokens)
    pd.testing.assert_frame_equal(again.items, items)
    assert "it is made again" in capsys.readouterr().err


def test_special_tokens_behind_the_head_are_no_other_tokenizer(model, tmp_path):
    """Gemma 3 1B: 262,144 rows, and a token for images with the id 262144."""
    plain = shards.extract(model, TRACES, tmp_path / "plain", ExtractSettings(), LAYOUT)
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    tokenizer = tokenizers.load(copy)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tokenizer.save_pretrained(copy)
    done = shards.extract(copy, TRACES, tmp_path / "image", ExtractSettings(), LAYOUT)
    assert done.vocabulary == 259
    pd.testing.assert_frame_equal(done.tokens, plain.tokens)
    tokenizer.add_tokens(["word"])
    tokenizer.save_pretrained(copy)
    with pytest.raises(UserError, match=f"^{copy}: .*do not belong together"):  # which of several models is meant
        shards.extract(copy, TRACES, tmp_path / "word", ExtractSettings(), LAYOUT)


def test_a_context_too_short_to_share_anything(tmp_path):
    folder = tiny.save(tmp_path / "model", architecture="gpt2", context=8)  # a context of 16
    items = shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT).items
    assert (items["scored"] + items["truncated"] == [len(trace.solution) for trace in TRACES]).all()


def test_nan_is_refused_with_the_trace_that_gave_it(model, tmp_path, monkeypatch):
    """NaN is exceeded by nothing: its rows would all count as said first."""
    score = extract.Engine.score

    def broken(self, batch):
        rows = score(self, batch)
        rows.loc[rows.index[-1:], "nll"] = np.nan
        return rows

    monkeypatch.setattr(extract.Engine, "score", broken)
    with pytest.raises(UserError, match=r"trace two/t-8: the model's logits there are NaN"):
        shards.extract(model, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    assert not (tmp_path / "out" / shards.TOKENS).exists()


def test_the_positions_of_mpt_are_found_under_their_own_name(tmp_path):
    config = transformers.MptConfig(d_model=32, n_heads=2, n_layers=1, vocab_size=259, max_seq_len=40)
    torch.manual_seed(5)
    transformers.MptForCausalLM(config).save_pretrained(tmp_path / "model")
    tokenizers.train("byte", [], 300).save_pretrained(tmp_path / "model")
    items = shards.extract(tmp_path / "model", TRACES, tmp_path / "out", ExtractSettings(), LAYOUT).items
    assert (items["truncated"] > 0).any() and (items["prompt"] + items["scored"]).max() == 40


CHAT = "{{ strftime_now('%d %B %Y') }}{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}</s>{% endfor %}<s>model\n"


def chatty(model, folder, template=CHAT, special=()):
    """A copy of the model with a chat template."""
    shutil.copytree(model, folder)
    tokenizer = tokenizers.load(folder)
    tokenizer.chat_template = template
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    tokenizer.save_pretrained(folder)
    return folder


def test_a_template_that_writes_the_date_gives_the_same_rows_on_every_day(model, tmp_path, monkeypatch):
    asked = ExtractSettings(chat=True)
    one = shards.extract(chatty(model, tmp_path / "chatty"), TRACES, tmp_path / "one", asked, LAYOUT)
    assert one.request["date"] == f"{sandbox.DATE:%Y-%m-%d}"

    class Tomorrow(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2031, 5, 6, 7, 8, 9, tzinfo=tz)

    monkeypatch.setattr(sandbox, "datetime", Tomorrow)
    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", Tomorrow)
    two = shards.extract(tmp_path / "chatty", TRACES, tmp_path / "two", asked, LAYOUT)
    pd.testing.assert_frame_equal(one.tokens, two.tokens)
    monkeypatch.setattr(sandbox, "DATE", datetime.datetime(2027, 1, 1))
    with pytest.raises(UserError, match="date"):  # days never mix in a folder
        shards.extract(tmp_path / "chatty", TRACES, tmp_path / "one", asked, LAYOUT)


def test_a_template_without_the_prompt_writes_nothing(model, tmp_path):
    parts = "{% for p in messages[0]['content'] %}{% if p['type'] == 'text' %}{{ p['text'] }}{% endif %}{% endfor %}"
    folder = chatty(model, tmp_path / "parts", parts)
    with pytest.raises(UserError, match=r"the template of .*parts leaves the prompt's text out"):
        shards.extract(folder, TRACES, tmp_path / "out", ExtractSettings(chat=True), LAYOUT)
    assert not (tmp_path / "out").exists()


def test_a_typed_control_word_changes_no_row_of_another_trace_and_is_text_itself(model, tmp_path):
    folder = chatty(model, tmp_path / "chatty")
    typed = Trace("two", "typed", "x</s><s>model\n4", "abc </s> end\n", "", "")
    asked = ExtractSettings(chat=True)
    alone = shards.extract(folder, TRACES, tmp_path / "alone", asked, LAYOUT)
    both = shards.extract(folder, [*TRACES, typed], tmp_path / "both", asked, LAYOUT)
    rest = both.tokens[both.tokens["id"] != "typed"].reset_index(drop=True)
    assert rest["nll"].to_numpy() == pytest.approx(alone.tokens["nll"].to_numpy(), abs=2e-5)
    assert (both.items.set_index("id").loc["typed", ["status", "scored"]] == ["scored", len(typed.solution)]).all()


def test_where_nothing_can_be_scored_nothing_is_written(model, tmp_path):
    with pytest.raises(UserError, match="no trace can be scored; of 1, 1: no room"):
        shards.extract(model, [Trace("t", "1", "y" * 300, "x", "", "")], tmp_path / "out", ExtractSettings(), LAYOUT)
    assert not (tmp_path / "out").exists()


def test_another_weight_is_another_model(model, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    assert folders.fingerprint(copy) == folders.fingerprint(model)
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-3] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert folders.fingerprint(copy) != folders.fingerprint(model)


def test_a_matrix_inside_a_long_file_counts(tmp_path):
    """Frozen embeddings stand at both ends of many fine-tuned models."""
    weights = np.zeros(folders.WHOLE + (8 << 20), "uint8")
    (tmp_path / "model.safetensors").write_bytes(weights.tobytes())
    before = folders.fingerprint(tmp_path)
    weights[20 << 20 : 22 << 20] = 1
    (tmp_path / "model.safetensors").write_bytes(weights.tobytes())
    assert folders.fingerprint(tmp_path) != before


def test_a_killed_command_goes_on_and_loses_at_most_a_shard(model, tmp_path, capsys):
    file = tmp_path / "traces.parquet"
    many = [Trace("t", str(n), "p\n", "abcd " * 20, "", "") for n in range(1500)]  # five shards
    traces.to_frame(many).to_parquet(file)
    command = ["extract", "--model", str(model), "--traces", str(file), "--threads", "1", "--out", str(tmp_path / "out")]
    apart = [sys.executable, "-m", "proxylib", *command]
    place = tmp_path / "out" / shards.TOKENS
    began = time.monotonic()
    with started(apart, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:  # killed where the block ends
        while len(list(place.glob("0*.parquet")) if place.exists() else []) < 1:
            assert process.poll() is None and time.monotonic() - began < 120, process.stderr.read()
            time.sleep(0.02)
    left = {path.name: path.stat().st_mtime_ns for path in place.glob("0*.parquet")}
    assert not (tmp_path / "out" / MANIFEST).exists()
    assert main(command) == 0 and re.search(r"scored +1500\n", capsys.readouterr().out)
    now = {path.name: path.stat().st_mtime_ns for path in place.iterdir() if not path.name.startswith(".")}
    assert left.items() <= now.items() and len(now) > len(left)
    rows = sum(len(pd.read_parquet(path)) for path in sorted(place.glob("0*.parquet")))
    assert rows == json.loads((tmp_path / "out" / MANIFEST).read_text())["facts"]["tokens_scored"] == 150_000


def test_a_handful_of_open_files_is_enough(model, tmp_path, small):
    """Ten more than are open: a shard that kept its file open would show."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        with (tmp_path / "first").open("w") as file:
            resource.setrlimit(resource.RLIMIT_NOFILE, (file.fileno() + 10, most))
        done = shards.extract(model, TRACES, tmp_path / "out", ExtractSettings(), LAYOUT)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
    assert len(done.files) > 3 and done.facts["dropped"] == 0


@pytest.mark.slow
def test_two_processes_go_on_where_one_was_killed_with_the_bytes_of_one(model, tmp_path, small):
    file, script = tmp_path / "traces.parquet", tmp_path / "launched.py"
    traces.to_frame(TRACES).to_parquet(file)
    script.write_text(
        "from proxylib.cli import main\nfrom proxylib.measure.tokenstats import shards\n"
        "shards.SHARD_TOKENS = 60\nraise SystemExit(main())\n"
    )
    given = ["extract", "--model", str(model), "--traces", str(file), "--threads", "1", "--batch-traces", "1", "--out"]
    alone, together = tmp_path / "alone", tmp_path / "together"
    assert main([*given, str(alone)]) == 0
    expected = content(alone)
    shutil.copytree(alone, together)
    (together / MANIFEST).unlink()
    kept, _, *lost = sorted((together / shards.TOKENS).iterdir())
    for path in lost:
        path.unlink()
    before = kept.stat().st_mtime_ns
    launch = [sys.executable, "-P", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    here = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*launch, *given, str(together)], capture_output=True, text=True, timeout=120, env=here)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(re.findall(r"scored +9\n", done.stdout)) == 1  # said once
    assert len(lost) % 2 == 1 and content(together) == expected  # in the last round one has none
    assert kept.stat().st_mtime_ns == before
    one, two = (json.loads((folder / MANIFEST).read_text()) for folder in (alone, together))
    assert one["files"] == two["files"] and one["request"] == two["request"]
    assert two["facts"]["processes"] == 2 and "processes" not in one["facts"]


def test_a_helper_lets_one_model_go_before_it_loads_the_next(model, monkeypatch):
    work = shards._Work(model, model, TRACES, ExtractSettings(), LAYOUT.on("cpu"), 1)
    helper, real, loaded, held = shards.Helper(), loading.load, [], []

    def load(*given):
        held.append(sum(network() is not None for network in loaded))
        network = real(*given)
        loaded.append(weakref.ref(network))
        return network

    monkeypatch.setattr(shards.loading, "load", load)
    for narrowed in (False, True, False):
        helper(shards._Begin(work, narrowed))
        assert helper([0])
    assert held == [0, 0, 0]


def test_auto_takes_the_processor_where_there_is_no_gpu_and_one_process(model, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    one = shards.extract(model, TRACES, tmp_path / "cpu", ExtractSettings(), LAYOUT)
    auto = shards.extract(model, TRACES, tmp_path / "auto", ExtractSettings(device="auto"), LAYOUT)
    assert content(one.folder) == content(auto.folder)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="'auto' takes all GPUs for one process"):
        shards.extract(model, TRACES, tmp_path / "two", ExtractSettings(device="auto"), LAYOUT)
    assert not (tmp_path / "two").exists()
