"""One cell: the real model fine-tuned on so many examples, its losses, its notes and what every metric says of them."""

from __future__ import annotations

import gc
import json

import numpy as np
import pandas as pd

from proxylib.models import devices, generate, loading, tokenizers
from proxylib.models.lora import ADAPTER, Schedule, averages, tune
from proxylib.models.settings import Tuning
from proxylib.runs.files import parquet_bytes
from proxylib.runs.store import Workspace
from proxylib.studies.real_notes import overlap, pairs, scorer
from proxylib.studies.real_notes.settings import CellSettings

LOSSES, TEXTS = "losses.parquet", "texts.jsonl"


def build(step, workspace: Workspace) -> None:
    """Fine-tune, then measure.

    Parameters
    ----------
    step : a declared `note_cell` step; its parent is the model
    workspace : receives `adapter/` and the table `losses` (step, epoch, loss), unless there are no examples; the table `notes`
        (id; tokens and nll of the expert's note; finished; every metric of the note that was written); `texts.jsonl` (id,
        note), which records leave out; its facts are losses and sizes. Of a fine-tune that diverged there are neither notes nor
        texts, and the fact `diverged` is true
    """
    settings: CellSettings = step.settings
    workspace.note(**devices.prepare("cpu", settings.threads))
    base = step.parent("model").path("model")
    if settings.examples and not workspace.holds(ADAPTER, LOSSES):
        _train(base, settings, workspace)
    if workspace.facts.get("diverged"):
        return
    tokenizer = tokenizers.load(base)
    asked = pairs.held_out(settings.texts, tokenizer, settings.held_out)
    model = loading.load(workspace.path(ADAPTER) if settings.examples else base)
    losses = [scorer.likelihoods(model, [_target(tokenizer, pair)])[0] for pair in asked]
    if settings.examples and not np.isfinite(losses).all():  # a step's loss is of the weights before it: the last is in none
        workspace.note(diverged=True)
        return
    prompts = [pair.prompt for pair in asked]
    written = generate.completions(model, tokenizer, prompts, settings.max_new_tokens, settings.note_batch)
    del model
    gc.collect()
    table = pd.DataFrame(
        {
            "id": [pair.id for pair in asked],
            "tokens": [len(_target(tokenizer, pair).target) for pair in asked],
            "nll": [-loss for loss in losses],
            "finished": [note.finished for note in written],
        }
    )
    notes = [(pair.id, pair.dialogue, pair.note, note.text) for pair, note in zip(asked, written, strict=True)]
    frame = pd.DataFrame(notes, columns=["item", "dialogue", "reference", "note"])
    workspace.write_table("notes", pd.concat([table, measured(loading.load(base), tokenizer, frame, settings)], axis=1))
    lines = [json.dumps({"id": pair.id, "note": note.text}) + "\n" for pair, note in zip(asked, written, strict=True)]
    workspace.write(TEXTS, "".join(lines).encode())
    workspace.note(held_out_loss=float(table["nll"].sum() / table["tokens"].sum()), cut=int((~table["finished"]).sum()))


def measured(judge, tokenizer, notes: pd.DataFrame, settings: CellSettings) -> pd.DataFrame:
    """Every metric of every note; the model that judges is the one before any fine-tune."""
    columns = zip(notes["note"], notes["reference"], notes["dialogue"], strict=True)
    by_words = pd.DataFrame([overlap.metrics(*texts) for texts in columns], index=notes.index)
    return pd.concat([by_words, scorer.of_notes(judge, tokenizer, notes, settings.texts.chat)], axis=1)


def _train(base, settings: CellSettings, workspace: Workspace) -> None:
    tokenizer = tokenizers.load(base)
    every = pairs.fitting(pairs.pairs(settings.texts.data, "train"), tokenizer, settings.texts.longest)
    examples = [pair.trace for pair in pairs.drawn(every, settings.examples, settings.seed)]
    tuning = Tuning(**settings.lora.model_dump(), device_batch=1)  # on one core nothing is gained by padding
    tuned = tune(base, examples, tuning, Schedule(1, None), settings.seed, workspace.folder)
    gc.collect()  # the trainer is a cycle, and holds weights that are about to be loaded again
    workspace.note(**tuned.facts())
    if not tuned.diverged:
        workspace.note(**averages(tuned.losses, settings.last))
    workspace.write(LOSSES, parquet_bytes(tuned.losses))
    workspace.keep(ADAPTER)


def _target(tokenizer, pair: pairs.Pair) -> scorer.Target:
    return scorer.Target(tokenizers.prompt_ids(tokenizer, pair.prompt), tokenizers.encode(tokenizer, [pair.note])[0])
