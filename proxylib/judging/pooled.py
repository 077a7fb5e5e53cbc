"""Every note of the scribe grid under every judge."""

from __future__ import annotations

import pandas as pd

from ..models import devices, loading, tokenizers
from ..store import Workspace
from . import llm, lm_judge, rubric
from .criteria import CRITERIA

LM_JUDGE = "LM judge"
BATCH = 500  # questions answered together
SHOWN = 3  # notes of each cell whose text is kept here


def build(step, workspace: Workspace) -> None:
    """Verdicts of the rubric at both stringencies and of the LM judge.

    Parameters
    ----------
    step : a declared `verdicts` step; its parents are the scribe material, the judge and the cells
    workspace : receives the tables `verdicts` (cell, id, criterion, judge, passed; missing where unscored), `answers` (what
        the LM judge wrote on each cell's first notes) and `written` (those notes)
    """
    folder = step.parent("judge").path("model")
    devices.prepare("cpu", 1)
    model, tokenizer = loading.load(folder, "cpu"), tokenizers.load(folder)
    verdicts, answers, written = [], [], []
    for role in [role for role in step.parents if role.startswith("cell/")]:
        pairs = lm_judge.notes_of(step, role)
        if not pairs:
            continue
        examples, notes = zip(*pairs, strict=True)
        exact = rubric.judge(examples, notes)
        exact["judge"] = "rubric, " + exact.pop("stringency")
        asks = [llm.Ask(example.id, name, example.dialogue, note) for example, note in pairs for name in CRITERIA]
        told = lm_judge.judge(model, tokenizer, asks, BATCH)
        passed = told["status"].map({llm.PASS: True, llm.FAIL: False}).astype("boolean")
        judged = told[["id", "criterion"]].assign(judge=LM_JUDGE, passed=passed)
        verdicts += [frame.assign(cell=role) for frame in (exact.astype({"passed": "boolean"}), judged)]
        answers.append(told.head(SHOWN * len(CRITERIA)).assign(cell=role))
        shown = [(role, example.id, example.dialogue, note) for example, note in pairs[:SHOWN]]
        written.append(pd.DataFrame(shown, columns=["cell", "id", "dialogue", "note"]))
    table = pd.concat(verdicts, ignore_index=True)[["cell", "id", "criterion", "judge", "passed"]]
    workspace.write_table("verdicts", table)
    workspace.write_table("answers", pd.concat(answers, ignore_index=True))
    workspace.write_table("written", pd.concat(written, ignore_index=True))
    own = table[table["judge"] == LM_JUDGE]
    workspace.note(judged=len(own), unscored=int(own["passed"].isna().sum()))
