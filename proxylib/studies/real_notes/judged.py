"""Notes that people have scored, under every metric and every form of the judge."""

from __future__ import annotations

import pandas as pd

from proxylib.models import devices, loading, tokenizers
from proxylib.runs.store import Workspace
from proxylib.studies.real_notes import overlap, pairs, scorer
from proxylib.studies.real_notes.settings import JudgeSettings


def build(step, workspace: Workspace) -> None:
    """Measure all notes.

    Parameters
    ----------
    step : a declared `note_judge` step; its parent is the model
    workspace : receives the table `metrics`: item, system, and a column per metric and form; no score of people's
    """
    settings: JudgeSettings = step.settings
    workspace.note(**devices.prepare("cpu", settings.threads))
    folder = step.parent("model").path("model")
    model, tokenizer = loading.load(folder), tokenizers.load(folder)
    notes = pairs.scored(settings.texts.data)
    columns = zip(notes["note"], notes["reference"], notes["dialogue"], strict=True)
    by_words = pd.DataFrame([overlap.metrics(*texts) for texts in columns], index=notes.index)
    by_model = scorer.of_notes(model, tokenizer, notes, settings.texts.chat, package=True)
    workspace.write_table("metrics", pd.concat([notes[["item", "system"]], by_words, by_model], axis=1))
    workspace.note(notes=len(notes), dialogues=notes["item"].nunique())
