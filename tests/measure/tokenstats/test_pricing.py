"""What an extraction is said to take, against what it takes."""

from types import SimpleNamespace

import pandas as pd
import pytest
from models import strange

from proxylib import cli
from proxylib.data.trace import Trace
from proxylib.measure.settings import ExtractSettings, Layout
from proxylib.measure.tokenstats import pricing, shards

TRACES = [Trace("t", str(number), f"ask {number}", "answer " * (1 + number), "", "") for number in range(12)]
ASKED = (ExtractSettings(), Layout(batch_traces=2), 1)


def encoded(*lengths):
    return [SimpleNamespace(ids=[0] * length) for length in lengths]


@pytest.mark.parametrize("lengths", [(600,), (10, 20, 30), (100, 900, 100, 300), (512, 512)])
def test_the_trial_is_of_middling_traces_and_short(lengths):
    chosen = pricing.trial(encoded(*lengths))
    held = [lengths[index] for index in chosen]
    assert len(set(chosen)) == len(chosen) and sum(held[:-1]) < pricing.TRIAL
    assert sum(held) >= min(pricing.TRIAL, sum(lengths))


def test_tokens_are_those_that_are_scored_and_what_is_finished_costs_nothing(tmp_path):
    model, out = strange.saved(tmp_path / "model"), tmp_path / "rows"
    before = shards.price(model, TRACES, out, *ASKED)
    assert not out.exists() and before.seconds > 0 and before.memory < before.room
    told = []
    rows = shards.extract(model, TRACES, out, *ASKED, told=told.append)
    items = rows.items
    assert told[0].tokens == before.tokens == int(items["prompt"].sum() + items["scored"].sum())
    written = sum(path.stat().st_size for path in (out / "tokens").iterdir())
    assert written / 3 < before.disk < 3 * written
    assert shards.price(model, TRACES, out, *ASKED) is None


def test_of_a_run_that_was_cut_only_what_is_left_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD_TOKENS", 20)
    model, out = strange.saved(tmp_path / "model"), tmp_path / "rows"
    whole = shards.price(model, TRACES, out, *ASKED).tokens
    write = shards.frame
    seen = []

    def cut(*given):
        seen.append(1)
        if len(seen) > 2:
            raise KeyboardInterrupt
        return write(*given)

    monkeypatch.setattr(shards, "frame", cut)
    with pytest.raises(KeyboardInterrupt):
        shards.extract(model, TRACES, out, *ASKED)
    left = shards.price(model, TRACES, out, *ASKED).tokens
    assert 0 < left < whole


@pytest.mark.parametrize("processes", [1, 2, 3, 100])
def test_several_processes_take_a_shard_each_and_wait_for_the_longest(tmp_path, monkeypatch, processes):
    monkeypatch.setattr(shards, "SHARD_TOKENS", 20)
    monkeypatch.setattr(pricing.price, "timed", lambda work, device: 2.0)
    monkeypatch.setattr(pricing.price, "holds", lambda device: 0.0)
    model, out = strange.saved(tmp_path / "model"), tmp_path / "rows"
    alone = shards.price(model, TRACES, out, *ASKED)
    monkeypatch.setattr(shards.crew, "size", lambda: processes)
    shared = shards.price(model, TRACES, out, *ASKED)
    assert (shared.tokens, shared.memory, shared.disk) == (alone.tokens, alone.memory, alone.disk)
    monkeypatch.undo()
    monkeypatch.setattr(shards, "SHARD_TOKENS", 20)
    rows = shards.extract(model, TRACES, out, *ASKED)
    sizes = [_passes(rows, name) for name in sorted(rows.files) if name.startswith(shards.TOKENS)]
    assert len(sizes) > 3 and sum(sizes) == alone.tokens
    rounds = [max(sizes[first : first + processes]) for first in range(0, len(sizes), processes)]
    assert shared.seconds == pytest.approx(alone.seconds * sum(rounds) / sum(sizes))


def _passes(rows, name):
    """Tokens that the passes of a shard read: those that are scored, and their prompts."""
    scored = pd.read_parquet(rows.folder / name)
    items = rows.items.set_index(["task", "id"])
    return len(scored) + int(items.loc[list(scored.groupby(["task", "id"]).groups), "prompt"].sum())


@pytest.mark.parametrize("command", ["extract", "rank"])
def test_a_dry_run_prints_the_price_and_writes_nothing(tmp_path, capsys, command):
    lines = [f'{{"prompt": "ask {number}", "solution": "answer {number}"}}\n' for number in range(4)]
    (tmp_path / "t.jsonl").write_text("".join(lines))
    models = [str(strange.saved(tmp_path / name)) for name in ("one", "two")]
    named = ["--model", models[0]] if command == "extract" else ["--models", *models]
    words = [command, *named, "--traces", str(tmp_path / "t.jsonl"), "--out", str(tmp_path / "out"), "--dry-run"]
    assert cli.main(words) == 0
    assert capsys.readouterr().out.startswith("about ") and not (tmp_path / "out").exists()
