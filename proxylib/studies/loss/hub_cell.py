"""`proxylib finetune`: one cell of the post's own grid, on any base and any examples, by one process or by many.

A cell's folder holds `adapter/`; `losses.parquet` (step, epoch, loss); `lengths.parquet` (of each example: tokens of its
prompt and completion, tokens cut); `held_out/` (token rows of the held-out solutions, see `tokenstats.shards`);
`notes.jsonl` (id, dialogue, note: what `proxylib judge` reads; finished: whether the model ended the note itself, else it was
cut at `max_new_tokens`) and `facts.json`, a row of the table that `lossgrid.grid` takes, complete once it holds the held-out
loss or says that the cell diverged.

Training loss counts a completion and the end token after it; held-out loss counts the tokens of the held-out solutions and
leaves their end token out. Their difference is therefore not only what was remembered.
"""

from __future__ import annotations

import gc
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import pandas as pd
import torch

from proxylib.data import traces
from proxylib.data.traces import Trace
from proxylib.errors import UserError
from proxylib.measure.tokenstats import shards
from proxylib.models import devices, generate, loading, tokenizers
from proxylib.models.lora import ADAPTER, DTYPES, Row, Schedule, Tuned, averages, main_process, rows_of, tune
from proxylib.runs.provenance import provenance
from proxylib.runs.store import canonical, parquet_bytes, sha256, write_atomic
from proxylib.studies.loss.settings import Hub

PLAN, LOSSES, LENGTHS, FACTS = "plan.json", "losses.parquet", "lengths.parquet", "facts.json"
NOTES, HELD_OUT, LOCK = "notes.jsonl", "held_out", "lock"
ALL = 10**9  # tokens of a window that no solution fills
GRID = {"bases", "examples"}  # keys of the config that say which cells there are, and nothing about a cell


class Cell(NamedTuple):
    """A base, what it is fine-tuned on, and what its loss and its notes are measured on."""

    base: str
    examples: list[Trace]
    held_out: list[Trace]
    settings: Hub


class Finished(NamedTuple):
    """A folder and what its `facts.json` says."""

    folder: Path
    facts: Mapping[str, Any]

    def summary(self) -> str:
        """For a terminal."""
        kept = {name: value for name, value in self.facts.items() if name != "provenance"}
        told = f"\n{kept['cut']} of {kept['held_out']} notes were cut at the most tokens allowed" if kept.get("cut") else ""
        return f"{pd.Series(kept).to_string()}{told}\n{self.folder}"


def read(source: str, fields: Mapping[str, str], count: int | None = None) -> list[Trace]:
    """The first `count` traces of a source (see `traces.read`), or all.

    Raises
    ------
    UserError
        If the source is malformed, or holds fewer.
    """
    found = traces.read(source, fields)
    if count and len(found) < count:
        raise UserError(f"{source}: holds {len(found)} examples, {count} are asked for; give more, or a smaller --examples")
    return found[:count]


def refuse_the_same(data: str, held_out: str) -> None:
    """`UserError` where examples and held-out set are one source: its loss would tell what is remembered."""
    same = data == held_out or (Path(data).exists() and Path(held_out).exists() and Path(data).samefile(held_out))
    if same:
        raise UserError(f"parameter held-out: {held_out} is what --data names; give dialogues that the cell is not trained on")


def seen(cell: Cell) -> int:
    """Held-out dialogues that are among the examples, whatever their white space."""
    plain = lambda trace: " ".join(trace.prompt.split())
    known = {plain(example) for example in cell.examples}
    return sum(plain(trace) in known for trace in cell.held_out)


def lengths(examples: Sequence[Trace], rows: Sequence[Row]) -> pd.DataFrame:
    """task, id, and in tokens: prompt, completion (with its end token, before anything is cut), truncated."""
    counts = [(len(row.ids) - sum(row.counted), sum(row.counted) + row.truncated, row.truncated) for row in rows]
    keys = [(example.task, example.id) for example in examples]
    columns = ["task", "id", "prompt", "completion", "truncated"]
    return pd.DataFrame([(*key, *count) for key, count in zip(keys, counts, strict=True)], columns=columns)


def measured_lengths(cell: Cell) -> str:
    """Lengths of examples and held-out solutions in the base's tokens, and how many examples the context cuts."""
    told = []
    for part, context in ((cell.examples, cell.settings.context), (cell.held_out, ALL)):
        found = lengths(part, _rows(part, cell, context))
        shown = found[["prompt", "completion"]].quantile([0.5, 0.95, 1]).astype(int).set_axis(["median", "95 %", "most"])
        cut = "held out" if context == ALL else f"{(found['truncated'] > 0).sum()} cut at {context} tokens"
        told.append(f"{part[0].task}: {len(found)}, {cut}\n{shown.to_string()}")
    return "\n".join(told)


def _rows(part: Sequence[Trace], cell: Cell, context: int) -> list[Row]:
    return rows_of(part, tokenizers.load(loading.locate(cell.base)), context, cell.settings.chat)


def run(cell: Cell, out: Path) -> Finished | None:
    """Fine-tune, then measure; goes on where an earlier call ended.

    Returns
    -------
    The finished cell; None in a process that only helps to train.

    Raises
    ------
    UserError
        If the folder belongs to another cell or another process makes it, or see `finetune.tune` and `shards.extract`.
    """
    if not main_process():
        if not (out / FACTS).exists():
            _tuned(cell, out)
        return None
    facts = _begun(cell, out)
    try:
        with filelock.FileLock(out / LOCK, timeout=0):  # workers may outlive a launcher that was killed
            facts = facts or _trained(cell, out)
            if not facts["diverged"] and "held_out_loss" not in facts:
                facts |= _measured(cell, out)
                write_atomic(out / FACTS, json.dumps(facts, indent=1).encode())
    except filelock.Timeout:
        raise UserError(f"{out}: is being made by another process; wait for it or stop it") from None
    return Finished(out, facts)


def _begun(cell: Cell, out: Path) -> dict[str, Any] | None:
    """Facts of a cell that is trained; None where there is training to do. The folder is this cell's from now on."""
    digest = lambda part: sha256(canonical([asdict(trace) for trace in part]).encode())
    plan = {
        "base": shards.fingerprint(loading.locate(cell.base)),
        "examples": digest(cell.examples),
        "held-out set": digest(cell.held_out),
        "config": cell.settings.model_dump(mode="json", exclude=GRID),
    }
    try:
        begun = json.loads((out / PLAN).read_text()) if (out / PLAN).exists() else None
        facts = json.loads((out / FACTS).read_text()) if (out / FACTS).exists() else None
    except ValueError:
        raise UserError(f"{out}: {PLAN} or {FACTS} is damaged; delete the folder") from None
    if out.exists() and {path.name for path in out.iterdir()} - {PLAN, LOCK}:
        if begun is None:
            raise UserError(f"{out}: holds other files; give a folder that does not exist yet")
        changed = [name for name, value in plan.items() if begun.get(name) != value]
        if changed:
            raise UserError(f"{out}: was begun with another {changed[0]}; give another folder, or delete this one")
        return facts
    devices.prepare(cell.settings.device, cell.settings.threads)
    if known := seen(cell):
        print(f"proxylib: {known} of {len(cell.held_out)} held-out dialogues are among the examples", file=sys.stderr)
    _rows(cell.examples, cell, cell.settings.context)  # what cannot be trained on is refused before anything is written
    write_atomic(out / PLAN, json.dumps(plan, indent=1).encode())
    return None


def _tuned(cell: Cell, out: Path) -> Tuned:
    settings = cell.settings
    devices.prepare(settings.device, settings.threads)
    return tune(cell.base, cell.examples, settings, Schedule(settings.epochs, None), settings.seed, out)


def _trained(cell: Cell, out: Path) -> dict[str, Any]:
    """Train and write what training leaves."""
    settings, tuned = cell.settings, _tuned(cell, out)
    gc.collect()  # the trainer is a cycle, and holds the weights that are about to be loaded again
    torch.cuda.empty_cache()
    write_atomic(out / LOSSES, parquet_bytes(tuned.losses))
    write_atomic(out / LENGTHS, parquet_bytes(lengths(cell.examples, tuned.rows)))
    facts = {"cell": out.name, "base": cell.base, "examples": len(cell.examples), "seed": settings.seed} | tuned.facts()
    facts["held_out_seen"] = seen(cell)
    if not tuned.diverged:
        facts |= averages(tuned.losses, settings.last)
    facts["provenance"] = provenance()
    write_atomic(out / FACTS, json.dumps(facts, indent=1).encode())
    return facts


def _measured(cell: Cell, out: Path) -> dict[str, Any]:
    """Loss on held-out solutions, and notes on their prompts."""
    settings = cell.settings
    asked = shards.Settings(window=ALL, chat=settings.chat, device=settings.device, dtype=settings.dtype)
    scored = shards.extract(out / ADAPTER, cell.held_out, out / HELD_OUT, asked, threads=settings.threads)
    model = loading.load(out / ADAPTER, settings.device, DTYPES[settings.dtype])
    prompts = [trace.prompt for trace in cell.held_out]
    tokenizer = tokenizers.load(out / ADAPTER)
    notes = generate.written(model, tokenizer, prompts, settings.max_new_tokens, settings.note_batch, chat=settings.chat)
    lines = [
        json.dumps(
            {"id": f"{trace.task}/{trace.id}", "dialogue": trace.prompt, "note": note.text, "finished": note.finished},
            ensure_ascii=False,
        )
        + "\n"
        for trace, note in zip(cell.held_out, notes, strict=True)
    ]
    write_atomic(out / NOTES, "".join(lines).encode())
    return {
        "held_out_loss": float(scored.tokens["nll"].mean()),
        "held_out": len(cell.held_out),
        "held_out_dropped": scored.manifest["dropped"],
        "cut": sum(not note.finished for note in notes),
    }


def commands(settings: Hub, out: Path, given: Sequence[str]) -> list[str]:
    """A line of shell for every cell of the grid; `given` are the arguments that all share."""
    made = []
    for base in settings.bases:
        for count in settings.examples:
            folder = out / f"{Path(base).name}-{count}"
            own = ["--base", base, "--examples", str(count), "--out", str(folder)]
            made.append(f"accelerate launch -m proxylib finetune {shlex.join([*own, *given])}")
    return made
