"""Prompts of a judge refined towards an expert's labels, a clause at a time, and checked on notes that the search never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.data.domains.base import Example
from proxylib.judging import lm_judge, rubric
from proxylib.judging.agreement import kappa
from proxylib.judging.criteria import CLAUSES, CRITERIA, NAIVE
from proxylib.judging.questions import FAIL, PASS, Ask, remembering
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap

Judge = Callable[[Sequence[Ask]], pd.DataFrame]  # as `client.judge` answers
Prompts = Mapping[str, tuple[str, ...]]  # criterion -> clauses
REFINE, CHECK = "refine", "check"
LEAST_GAIN = 0.01  # of kappa; a smaller one ends the search


class Labelled(NamedTuple):
    """A note with what the expert says of it.

    part : `REFINE`, which the search sees, or `CHECK`, which it never does
    passed : criterion -> the expert's verdict
    """

    id: str
    dialogue: str
    note: str
    part: str
    passed: Mapping[str, bool]


def refine(judge: Judge, notes: Sequence[Labelled]) -> pd.DataFrame:
    """Greedy search from the naive prompts: each round adds or drops the clause that raises agreement most.

    Parameters
    ----------
    judge : answers questions; it is asked once about each prompt, note and criterion
    notes : labelled; only those of the part `REFINE` are looked at

    Returns
    -------
    criterion, round, clauses (with spaces between), kappa (with the expert), chosen (whether the search went on from there)

    Notes
    -----
    The kappa of a chosen prompt is the best of several and so too high; `checked` measures the prompts on other notes.
    """
    seen = [note for note in notes if note.part == REFINE]
    best, rows = dict.fromkeys(CRITERIA, -np.inf), []
    tried = {criterion: [clauses] for criterion, clauses in NAIVE.items()}
    number, known = 0, {(criterion, clauses) for criterion, clauses in NAIVE.items()}
    while any(tried.values()):
        asked = [(criterion, clauses) for criterion, prompts in tried.items() for clauses in prompts]
        kappas = _kappas(judge, seen, asked)
        for criterion, prompts in tried.items():
            if not prompts:
                continue
            top = max(prompts, key=lambda clauses, name=criterion: kappas[name, clauses])
            better = kappas[criterion, top] > best[criterion] + LEAST_GAIN
            for clauses in prompts:
                chosen = better and clauses == top
                rows.append((criterion, number, " ".join(clauses), kappas[criterion, clauses], chosen))
            if better:
                best[criterion] = kappas[criterion, top]
            tried[criterion] = (
                [clauses for clauses in _next(criterion, top) if (criterion, clauses) not in known] if better else []
            )
            known |= {(criterion, clauses) for clauses in tried[criterion]}
        number += 1
    return pd.DataFrame(rows, columns=["criterion", "round", "clauses", "kappa", "chosen"])


def _next(criterion: str, clauses: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Prompts with one clause more or one fewer, never none."""
    every = CLAUSES[criterion]
    changed = [set(clauses) ^ {clause} for clause in every]
    return [tuple(clause for clause in every if clause in kept) for kept in changed if kept]


def asks(notes: Sequence[Labelled], prompts: Sequence[tuple[str, tuple[str, ...]]]) -> list[Ask]:
    """Each note under each prompt."""
    return [Ask(n.id, criterion, n.dialogue, n.note, 0, clauses) for criterion, clauses in prompts for n in notes]


def _kappas(judge: Judge, notes: Sequence[Labelled], prompts: Sequence[tuple[str, tuple[str, ...]]]) -> dict:
    statuses = judge(asks(notes, prompts))["status"].to_numpy().reshape(len(prompts), len(notes))
    expert = lambda criterion: [PASS if note.passed[criterion] else FAIL for note in notes]
    return {prompt: kappa(expert(prompt[0]), row) for prompt, row in zip(prompts, statuses, strict=True)}


def refined(trials: pd.DataFrame) -> Prompts:
    """The prompts that the search ended with."""
    last = trials[trials["chosen"]].groupby("criterion")["clauses"].last()
    return {criterion: tuple(last[criterion].split()) for criterion in CRITERIA}


def checked(judge: Judge, notes: Sequence[Labelled], prompts: Mapping[str, Prompts], bootstrap: Bootstrap) -> pd.DataFrame:
    """Kappa of several prompts with the expert, on the notes of the search and on the others.

    Returns
    -------
    criterion, part, prompts (their name, or "refined minus naive", paired), estimate, low, high, n (notes); intervals by
    bootstrap over notes
    """
    rows = []
    for part in (REFINE, CHECK):
        part_notes = [note for note in notes if note.part == part]
        conversations = bootstrap.over([note.id for note in part_notes])
        for criterion in CRITERIA:
            expert = [PASS if note.passed[criterion] else FAIL for note in part_notes]
            drawn = {}
            for name, clauses in prompts.items():
                statuses = judge(asks(part_notes, [(criterion, clauses[criterion])]))["status"]
                drawn[name] = conversations.drawn(kappa(expert, statuses, conversations.weights))
            drawn["refined minus naive"] = drawn["refined"].minus(drawn["naive"])
            rows += [(criterion, part, name, *value.interval(), len(part_notes)) for name, value in drawn.items()]
    return pd.DataFrame(rows, columns=["criterion", "part", "prompts", "estimate", "low", "high", "n"])


def build(step, workspace: Workspace) -> None:
    """Refine the LM judge's prompts.

    Parameters
    ----------
    step : a declared `refinement` step; its parents are the judge and the cells whose notes it learnt from
    workspace : receives the tables `trials` (see `refine`), `prompts` (name, criterion, clauses) and `checked`

    Notes
    -----
    Half of the notes are of the same cells that the judge learnt from, about other conversations; few of these pass the
    criteria of content, so that no prompt could be told from another by them alone. The other half are expert notes about
    further conversations, whole or changed.
    """
    model, tokenizer = lm_judge.load(step.parent("judge"))
    judge = remembering(lambda questions: lm_judge.judge(model, tokenizer, questions))
    written = lm_judge.kept_notes(step)
    notes = labelled(written + lm_judge.changed_notes(len(written), step.settings.bootstrap.seed))
    trials = refine(judge, notes)
    prompts = {"naive": NAIVE, "refined": refined(trials), "all clauses": CLAUSES}
    workspace.write_table("trials", trials)
    workspace.write_table("checked", checked(judge, notes, prompts, step.settings.bootstrap))
    rows = [(name, criterion, " ".join(clauses[criterion])) for name, clauses in prompts.items() for criterion in CRITERIA]
    workspace.write_table("prompts", pd.DataFrame(rows, columns=["name", "criterion", "clauses"]))


def labelled(pairs: Sequence[tuple[Example, str]]) -> list[Labelled]:
    """Notes with the strict rubric's labels; the notes about every other conversation are for checking."""
    place = {key: number for number, key in enumerate(dict.fromkeys(example.id for example, _ in pairs))}
    return [
        Labelled(
            example.id,
            example.dialogue,
            note,
            CHECK if place[example.id] % 2 else REFINE,
            rubric.verdicts(example, note, "strict"),
        )
        for example, note in pairs
    ]
