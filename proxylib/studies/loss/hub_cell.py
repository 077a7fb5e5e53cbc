"""`proxylib finetune`: one cell of the post's own grid, on any base and any examples, by one process or by many.

A cell is a work folder (see `runs.folder`). Beside the folder's own files it holds `adapter/`; `losses.parquet` (step, epoch,
loss); `lengths.parquet` (of each example: tokens of its prompt and completion, tokens cut); `held_out/` (token rows of the
held-out solutions, see `tokenstats.shards`); `notes.jsonl` (id, dialogue, note: what `proxylib judge` reads; finished:
whether the model ended the note itself, else it was cut at `max_new_tokens`). The facts of its manifest are a row of the
table that `cell_draws.judged` takes: with the held-out loss, or saying that the cell diverged.

Training loss counts a completion and the end token after it; held-out loss counts the tokens of the held-out solutions and
leaves their end token out. Their difference is therefore not only what was remembered.
"""

from __future__ import annotations

import gc
import json
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data import became, traces
from proxylib.data.reading import Counts, Reading
from proxylib.data.repeats import problems_of
from proxylib.data.thinking import Think
from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import ExtractSettings
from proxylib.measure.tokenstats import heads, shards
from proxylib.models import devices, folders, generate, loading, sandbox, tokenizers
from proxylib.models.chat import PromptError
from proxylib.models.loading import DTYPES
from proxylib.models.lora import ADAPTER, CHECKPOINTS, Row, Schedule, Tuned, averages, main_process, rows_of, tune
from proxylib.runs import folder as work_folder
from proxylib.runs.files import canonical, parquet_bytes, sha256
from proxylib.runs.folder import Folder, Workspace
from proxylib.studies.loss import hub_price, hub_text
from proxylib.studies.loss.hub_price import CellPrice
from proxylib.studies.loss.settings import Hub, HubCellSettings, HubTuning

LOSSES, LENGTHS, NOTES, HELD_OUT = "losses.parquet", "lengths.parquet", "notes.jsonl", "held_out"
TRAINED, MEASURED = (ADAPTER, LOSSES, LENGTHS), (HELD_OUT, NOTES)
TEXT = "text"  # of the facts: what became of the examples
ALL = 10**9  # tokens of a window that no solution fills


class Cell(NamedTuple):
    """A base, what it is fine-tuned on, and what its loss and its notes are measured on."""

    base: str
    examples: list[Trace]
    held_out: list[Trace]
    settings: HubTuning


class Finished(work_folder.Finished):
    """A finished cell."""

    def summary(self, examples: Counts | None = None, held_out: Counts | None = None) -> str:
        """For a terminal; with the counts of a source that was taken whole, the rows that it repeats are among the copies."""
        facts = {name: fact for name, fact in self.facts.items() if name != TEXT}
        rows = lambda counts: {} if counts is None else counts.of_rows()
        parts = {"examples": self.facts[TEXT] | rows(examples)} if TEXT in self.facts else {}
        if parts and not facts["diverged"]:
            scored = work_folder.read_manifest(self.folder / HELD_OUT)["facts"][shards.TEXT]
            parts["held out"] = scored | rows(held_out) | {"seen": facts["held_out_seen"], "notes_cut": facts["cut"]}
        return "\n\n".join([pd.Series(facts).to_string(), *([became.printed(parts)] if parts else []), str(self.folder)])


def read(source: str, fields: Mapping[str, str], count: int | None = None, think: Think = "keep") -> Reading:
    """A source (see `traces.reading`), of its traces the first `count`, or all; its own counts are of all rows.

    Raises
    ------
    UserError
        If the source is malformed, or holds fewer.
    """
    reading = traces.reading(source, fields, think)
    holds = len(reading.traces)
    if count and holds < count:
        raise UserError(f"{source}: holds {holds} examples, {count} are asked for; give more, or a smaller --examples")
    return replace(reading, traces=reading.traces[:count])


def refuse_the_same(data: str, held_out: str) -> None:
    """`UserError` where examples and held-out set are one source: its loss would tell what is remembered."""
    same = data == held_out or (Path(data).exists() and Path(held_out).exists() and Path(data).samefile(held_out))
    if same:
        raise UserError(f"parameter held-out: {held_out} is what --data names; give dialogues that the cell is not trained on")


def seen(cell: Cell) -> set[tuple[str, str]]:
    """(task, id) of held-out dialogues that are among the examples, whatever their white space and case.

    Problems are compared, as `rank` does: two traces without a prompt are the same only if their solutions are.
    """
    known = set(problems_of(cell.examples).values())
    return {key for key, problem in problems_of(cell.held_out).items() if problem in known}


def lengths(examples: Sequence[Trace], rows: Sequence[Row]) -> pd.DataFrame:
    """task, id, and in tokens: prompt, completion (with its end token, before anything is cut), truncated."""
    counts = [(len(row.ids) - sum(row.counted), sum(row.counted) + row.truncated, row.truncated) for row in rows]
    keys = [(example.task, example.id) for example in examples]
    columns = ["task", "id", "prompt", "completion", "truncated"]
    return pd.DataFrame([(*key, *count) for key, count in zip(keys, counts, strict=True)], columns=columns)


def measured_lengths(cell: Cell) -> str:
    """Lengths of examples and held-out solutions in the base's tokens, and how many examples the context cuts."""
    rows = []
    for part, context in ((cell.examples, cell.settings.context), (cell.held_out, ALL)):
        counts = lengths(part, _rows(part, cell, context))
        shown = counts[["prompt", "completion"]].quantile([0.5, 0.95, 1]).astype(int).set_axis(["median", "95 %", "most"])
        cut = "held out" if context == ALL else f"{(counts['truncated'] > 0).sum()} cut at {context} tokens"
        rows.append(f"{part[0].task}: {len(counts)}, {cut}\n{shown.to_string()}")
    return "\n".join(rows)


def _rows(part: Sequence[Trace], cell: Cell, context: int) -> list[Row]:
    return rows_of(part, tokenizers.load(folders.whole(cell.base), cell.settings.bos), context, cell.settings.chat)


def refuse_unaskable(cell: Cell, tokenizer: PreTrainedTokenizerFast) -> None:
    """`UserError` where a held-out prompt cannot be put: notes are written on each, after hours of training."""
    for trace in cell.held_out:
        try:
            tokenizers.prompt_ids(tokenizer, trace.prompt, cell.settings.chat)
        except PromptError as error:
            raise UserError(f"held-out {trace.task}/{trace.id}: {error.reason}; leave it out") from None


def run(cell: Cell, out: Path, told: Callable[[CellPrice], object] | None = None) -> Finished | None:
    """Fine-tune, then measure; goes on where an earlier call ended.

    Parameters
    ----------
    told : is given what the cell will take, before it is trained

    Returns
    -------
    The finished cell; None in a process that only helps to train.

    Raises
    ------
    UserError
        If the folder belongs to another cell or another process makes it, or see `finetune.tune` and `shards.extract`.
    """
    place = Folder(out, request(cell), (*TRAINED, *MEASURED, CHECKPOINTS))
    if not main_process():
        if not Workspace(out, place.progress()).holds(*TRAINED):
            _tuned(cell, out)
        return None
    done = place.make(lambda workspace: make(cell, workspace, told))
    return Finished(done.folder, done.manifest)


def price(cell: Cell, out: Path) -> CellPrice:
    """What a cell that begins would take, and refuse; nothing is written."""
    devices.prepare(cell.settings.device, cell.settings.threads)
    refuse_unaskable(cell, tokenizers.load(folders.whole(cell.base), cell.settings.bos))
    model = loading.load(folders.whole(cell.base), cell.settings.device, DTYPES[cell.settings.dtype], trained=True)
    _refuse_unmeasurable(cell, model)
    return _price(cell, out, model)


def _price(cell: Cell, out: Path, base: PreTrainedModel) -> CellPrice:
    tokenizer = tokenizers.load(folders.whole(cell.base), cell.settings.bos)
    rows = (_rows(cell.examples, cell, cell.settings.context), _rows(cell.held_out, cell, ALL))
    return hub_price.priced(base, tokenizer, rows, cell.settings, devices.launched("WORLD_SIZE", 1), out)


def request(cell: Cell) -> dict[str, object]:
    """All that decides what a cell leaves."""
    date = {"date": f"{sandbox.DATE:%Y-%m-%d}"} if cell.settings.chat else {}  # on which templates are rendered
    return date | {
        "command": "finetune",
        "base": folders.fingerprint(folders.whole(cell.base)),
        "examples": _digest(cell.examples),
        "held-out set": _digest(cell.held_out),
        "config": cell.settings.model_dump(mode="json", include=set(HubTuning.model_fields)),
    }


def build(step, workspace: Workspace) -> None:
    """A cell as a step of the grid.

    Parameters
    ----------
    step : a declared `hub_cell` step
    workspace : receives what a cell's folder holds, and its facts (see the head of this module)
    """
    settings: HubCellSettings = step.settings
    names, held_out_names = settings.fields
    examples, held_out = read(settings.data, names, settings.examples), read(settings.held_out, held_out_names)
    make(Cell(settings.base, examples.traces, held_out.traces, settings), workspace)


def _digest(part: Sequence[Trace]) -> str:
    return sha256(canonical([asdict(trace) for trace in part]).encode())


def make(cell: Cell, workspace: Workspace, told: Callable[[CellPrice], object] | None = None) -> None:
    """Train, then measure, in the folder of a command or of a step of the grid; what an earlier call finished stays."""
    if not workspace.holds(*TRAINED):
        _train(cell, workspace, told)
    if not workspace.facts["diverged"] and not workspace.holds(*MEASURED):
        _measure(cell, workspace)


def _tuned(cell: Cell, out: Path, told: Callable[[CellPrice], object] | None = None) -> Tuned:
    settings = cell.settings
    devices.prepare(settings.device, settings.threads)
    schedule = Schedule(settings.epochs, None)

    def tried(base: PreTrainedModel) -> None:
        _refuse_unmeasurable(cell, base)
        if told:
            told(_price(cell, out, base))

    return tune(cell.base, cell.examples, settings, schedule, settings.seed, out, settings.bos, tried)


def _refuse_unmeasurable(cell: Cell, base: PreTrainedModel) -> None:
    """`UserError` for a base whose held-out loss could not be measured, or means nothing, when hours of training are over."""
    try:
        heads.split(base)
    except UserError as error:
        raise UserError(f"{cell.base}: {error}") from None


def _train(cell: Cell, workspace: Workspace, told: Callable[[CellPrice], object] | None) -> None:
    """Train and write what training leaves."""
    settings = cell.settings
    devices.prepare(settings.device, settings.threads)
    if known := len(seen(cell)):
        said = f"{known} of {len(cell.held_out)} held-out dialogues are among the examples"
        if known == len(cell.held_out):
            raise UserError(f"parameter held-out: {said}; give dialogues that the cell is not trained on")
        print(f"proxylib: {said}; held_out_loss_unseen is the loss without them", file=sys.stderr)
    tokenizer = tokenizers.load(folders.whole(cell.base), settings.bos)
    # what cannot be trained on, or asked, is refused before anything is written
    text = hub_text.account(cell.examples, _rows(cell.examples, cell, settings.context), tokenizer, settings.chat)
    refuse_unaskable(cell, tokenizer)
    workspace.begin()
    workspace.forget()
    shutil.rmtree(workspace.path(HELD_OUT), ignore_errors=True)  # of another adapter
    tuned = _tuned(cell, workspace.folder, told)
    gc.collect()  # the trainer is a cycle, and holds the weights that are about to be loaded again
    torch.cuda.empty_cache()
    workspace.note(cell=workspace.folder.name, base=cell.base, revision=folders.commit_of(folders.whole(cell.base)))
    workspace.note(examples=len(cell.examples), seed=settings.seed, examples_a_pass=tuned.together, **tuned.facts())
    workspace.note(held_out_set=_digest(cell.held_out), held_out_seen=len(seen(cell)))
    workspace.note(**{TEXT: text})
    if not tuned.diverged:
        workspace.note(**averages(tuned.losses, settings.last))
    workspace.write(LOSSES, parquet_bytes(tuned.losses))
    workspace.write(LENGTHS, parquet_bytes(lengths(cell.examples, tuned.rows)))
    workspace.keep(ADAPTER)


def _measure(cell: Cell, workspace: Workspace) -> None:
    """Loss on held-out solutions, and notes on their prompts."""
    settings, adapter = cell.settings, workspace.path(ADAPTER)
    asked = ExtractSettings(window=ALL, chat=settings.chat, device=settings.device, dtype=settings.dtype)
    scored = shards.extract(adapter, cell.held_out, workspace.path(HELD_OUT), asked, threads=settings.threads)
    model, tokenizer = loading.load(adapter, settings.device, DTYPES[settings.dtype]), tokenizers.load(adapter)
    prompts = [trace.prompt for trace in cell.held_out]
    notes = generate.completions(model, tokenizer, prompts, settings.max_new_tokens, settings.note_batch, chat=settings.chat)
    losses, known = scored.tokens[["task", "id", "nll"]], seen(cell)
    unseen = [key not in known for key in zip(losses["task"], losses["id"], strict=True)]
    if known and any(unseen):
        workspace.note(held_out_loss_unseen=float(losses["nll"][unseen].mean()))
    workspace.note(
        held_out_loss=float(losses["nll"].mean()),
        held_out=len(cell.held_out),
        held_out_dropped=scored.facts["dropped"],
        opening=tokenizers.opening_text(tokenizer, settings.chat),
        written=generate.described(model, tokenizer, settings.max_new_tokens),
        cut=sum(not note.finished for note in notes),
    )
    workspace.keep(HELD_OUT)
    workspace.write(NOTES, "".join(_line(*pair) for pair in zip(cell.held_out, notes, strict=True)).encode())


def _line(trace: Trace, note: generate.Completion) -> str:
    row = {"id": f"{trace.task}/{trace.id}", "dialogue": trace.prompt, "note": note.text, "finished": note.finished}
    return json.dumps(row, ensure_ascii=False) + "\n"


def commands(settings: Hub, out: Path, given: Sequence[str]) -> list[str]:
    """A line of shell for every cell of the grid; `given` are the arguments that all share."""
    launch = "proxylib" if settings.device == "auto" else "accelerate launch -m proxylib"  # one process, or one for each GPU
    lines = []
    for base in settings.bases:
        for count in settings.examples:
            folder = out / f"{Path(base).name}-{count}"
            options = ["--base", base, "--examples", str(count), "--out", str(folder)]
            lines.append(f"{launch} finetune {shlex.join([*options, *given])}")
    return lines
