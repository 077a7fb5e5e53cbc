"""Every note of a grid under every judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from proxylib.data.domains.base import Example
from proxylib.judging import grading, lm_judge, rubric
from proxylib.judging.criteria import CRITERIA, LENIENT, LM_JUDGE, PROMPTED, STRICT
from proxylib.judging.questions import FAIL, PASS, Ask, remembering
from proxylib.runs.store import Workspace

Pair = tuple[Example, str]  # an example and a note about it
SHOWN = 3  # notes of each cell whose text is kept here


def build(step, workspace: Workspace) -> None:
    """Verdicts of the rubric at both stringencies, and of the LM judge under three sets of prompts where there is one.

    Parameters
    ----------
    step : a declared `verdicts` step; its parents are the cells and, where one was trained, the judge and its refined prompts
    workspace : receives the tables `verdicts` (cell, id, criterion, judge, passed; missing where unscored), `grades` (cell,
        id, criterion, grade from 0 to 1), `written` (each cell's first notes) and `answers` (what the LM judge wrote on
        those)
    """
    prompted = _prompted(step) if "judge" in step.parents else {}
    verdicts, grades, answers, written = [], [], [], []
    for role in [role for role in step.parents if role.startswith("cell/")]:
        pairs = lm_judge.notes_of(step, role)
        if not pairs:
            continue
        examples, notes = zip(*pairs, strict=True)
        exact = rubric.judge(examples, notes)
        exact["judge"] = exact.pop("stringency").map({"strict": STRICT, "lenient": LENIENT})
        verdicts.append(exact.astype({"passed": "boolean"}).assign(cell=role))
        grades.append(grading.graded(examples, notes).assign(cell=role))
        for called, judge in prompted.items():
            judged = judge(pairs)
            passed = judged["status"].map({PASS: True, FAIL: False}).astype("boolean")
            verdicts.append(judged[["id", "criterion"]].assign(judge=called, passed=passed, cell=role))
            if called == LM_JUDGE:
                answers.append(judged.head(SHOWN * len(CRITERIA)).assign(cell=role))
        shown = [(role, example.id, example.dialogue, note) for example, note in pairs[:SHOWN]]
        written.append(pd.DataFrame(shown, columns=["cell", "id", "dialogue", "note"]))
    table = pd.concat(verdicts, ignore_index=True)[["cell", "id", "criterion", "judge", "passed"]]
    workspace.write_table("verdicts", table)
    workspace.write_table("grades", pd.concat(grades, ignore_index=True)[["cell", "id", "criterion", "grade"]])
    if answers:
        workspace.write_table("answers", pd.concat(answers, ignore_index=True))
    workspace.write_table("written", pd.concat(written, ignore_index=True))
    by_judge = table[table["judge"] == LM_JUDGE]
    workspace.note(judged=len(by_judge), unscored=int(by_judge["passed"].isna().sum()))


def _prompted(step) -> dict[str, Callable[[Sequence[Pair]], pd.DataFrame]]:
    """What the LM judge's verdicts are called under each set of prompts -> how it judges notes under it."""
    model, tokenizer = lm_judge.load(step.parent("judge"))
    judge = remembering(lambda asks: lm_judge.judge(model, tokenizer, asks))
    clauses = step.parent("prompt_search").table("prompts").set_index(["name", "criterion"])["clauses"].str.split().map(tuple)
    asks = lambda pairs, name: [
        Ask(example.id, criterion, example.dialogue, note, 0, clauses[name, criterion])
        for example, note in pairs
        for criterion in CRITERIA
    ]
    return {called: lambda pairs, name=name: judge(asks(pairs, name)) for name, called in PROMPTED.items()}
