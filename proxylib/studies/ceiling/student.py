"""One student of one teacher, at every number of examples: a base trained on the teacher's notes, whose own are graded."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data.domains import scribe
from proxylib.data.domains.scribe import Example
from proxylib.judging import grading, rubric
from proxylib.models import devices, generate, loading, pretrain, tokenizers
from proxylib.models.packing import IGNORE, Rows, Special, pack
from proxylib.runs.files import parquet_bytes
from proxylib.runs.store import Workspace
from proxylib.studies.ceiling import teachers
from proxylib.studies.ceiling.settings import StudentSettings

TABLES = ("outcomes", "notes", "losses", "course")
TRAINED, EXPERT, TEACHER = "training", "expert's notes", "teacher's notes"  # what a loss is taken on
GREEDY, SAMPLED = "greedy", "sampled"  # how a note is written
LAST = 5  # of the training losses that are kept: their mean is the final one


class Lessons(NamedTuple):
    """Dialogues with the notes that the teacher wrote on them, and the tests with the expert's and the teacher's."""

    examples: list[Example]
    taught: list[str]
    tests: list[Example]
    tested: list[str]


def lessons(settings: StudentSettings) -> Lessons:
    """What a student reads and what it is tested on; longer lists of examples begin with the shorter."""
    examples = scribe.examples(max(settings.examples), settings.test_seed + settings.seed, unseen=False)
    tests = scribe.examples(settings.tests, settings.test_seed, unseen=True)
    return Lessons(
        examples,
        teachers.notes(settings.teacher, examples, settings.seed),
        tests,
        teachers.notes(settings.teacher, tests, settings.seed),
    )


def build(step, workspace: Workspace) -> None:
    """Train a base on the first so many of a teacher's notes, for every number of them, and grade what it writes.

    Parameters
    ----------
    step : a declared `student` step; its parent is the base
    workspace : receives, with a column examples in front, the tables outcomes (written, id, criterion, passed by the strict
        rubric, grade), notes (written, id, note, finished), losses (on, nll in nats per token of the note and what ends it),
        course (step, tokens, nll: training losses on the way)

    Notes
    -----
    All weights are trained, by the loop and at the rates of pretraining; losses count notes alone. A student of few examples
    sees each so often as `documents` says, so that it takes no more steps than the one of the most examples, which reads each
    once. At the most examples notes are also sampled, at temperature 1.
    """
    settings: StudentSettings = step.settings
    facts = devices.prepare(settings.training.device, settings.training.threads)
    workspace.note(**facts)
    given = lessons(settings)
    for count in settings.examples:
        if not workspace.holds(*(_part(name, count) for name in TABLES)):
            for name, frame in _studied(step, workspace, given, count).items():
                frame.insert(0, "examples", count)
                workspace.write(_part(name, count), parquet_bytes(frame))
    for name in TABLES:
        parts = [pd.read_parquet(workspace.path(_part(name, count))) for count in settings.examples]
        workspace.write_table(name, pd.concat(parts, ignore_index=True))
    for path in workspace.folder.glob("part-*.parquet"):
        path.unlink()


def _studied(step, workspace: Workspace, given: Lessons, count: int) -> dict[str, pd.DataFrame]:
    """Frames by table of the student of so many examples."""
    settings: StudentSettings = step.settings
    config, folder = settings.training, step.parent("base").path("model")
    tokenizer = tokenizers.load(folder, "always")
    model = loading.load(folder, config.device).requires_grad_(True).train()
    trainee = pretrain.Trainee(settings.model, config, None, settings.seed, tokenizer, workspace, model)
    known = {EXPERT: [test.note for test in given.tests], TEACHER: given.tested}
    held_out = {on: pretrain.HeldOut(rows_of(tokenizer, given.tests, notes, config.context), 1) for on, notes in known.items()}
    loop = pretrain.Loop(trainee, pretrain.optimisers(model, config), held_out[EXPERT], None, lambda name, steps: set())
    order = documents(count, max(settings.examples), settings.epochs, settings.seed)
    chosen = [given.examples[index] for index in order], [given.taught[index] for index in order]
    rows = rows_of(tokenizer, *chosen, config.context)
    loop.run("student", pretrain.Phase(rows, max(1, len(rows.ids) // trainee.rows_per_step), 1.0))
    loop.path.unlink(missing_ok=True)  # before its tables are written, lest the next student go on from it
    course = pd.DataFrame(loop.losses, columns=["phase", "split", "step", "tokens", "nll", "bits"])[["step", "tokens", "nll"]]
    losses = {TRAINED: course["nll"].tail(LAST).mean()}
    losses |= {on: pretrain.held_out_loss(model, *part)[0] for on, part in held_out.items()}
    ways = (GREEDY, SAMPLED) if count == max(settings.examples) else (GREEDY,)
    written = {way: _written(model, tokenizer, given.tests, settings, way) for way in ways}
    graded = {way: _graded(given.tests, frame["note"]) for way, frame in written.items()}
    return {
        "outcomes": _stacked(graded),
        "notes": _stacked(written),
        "losses": pd.DataFrame(list(losses.items()), columns=["on", "nll"]),
        "course": course,
    }


def documents(count: int, most: int, epochs: int, seed: int) -> list[int]:
    """Which of so many examples are read, in order: pass after pass, at most `epochs` of them and `most` documents."""
    rng = random.Random(f"order {seed}")
    order = [index for _ in range(epochs) for index in rng.sample(range(count), count)]
    return order[:most]


def rows_of(tokenizer: PreTrainedTokenizerFast, examples: Sequence[Example], notes: Sequence[str], context: int) -> Rows:
    """Dialogues with their notes, packed; labels count the notes and what ends them.

    Prompt and note are tokenised apart, as they are when a note is written.
    """
    prompts, texts = (tokenizers.encode(tokenizer, list(part)) for part in ([e.prompt for e in examples], notes))
    special = Special(tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    marked = ([-1 - token for token in prompt] + text for prompt, text in zip(prompts, texts, strict=True))
    rows = pack(marked, None, context, special)  # tokens of prompts are below zero, so that they are known in their places
    ids = torch.where(rows.ids < 0, -1 - rows.ids, rows.ids)
    return Rows(ids, rows.positions, rows.labels.masked_fill((rows.ids < 0) & (rows.labels != IGNORE), IGNORE))


def _written(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, tests: Sequence[Example], settings: StudentSettings, way: str
) -> pd.DataFrame:
    """id, note, finished: whether the student ended it itself."""
    seed = settings.seed if way == SAMPLED else None
    prompts = [test.prompt for test in tests]
    completions = generate.completions(model, tokenizer, prompts, settings.max_new_tokens, len(tests), sample_seed=seed)
    rows = [(test.id, *completion) for test, completion in zip(tests, completions, strict=True)]
    return pd.DataFrame(rows, columns=["id", "note", "finished"])


def _graded(tests: Sequence[Example], notes: Sequence[str]) -> pd.DataFrame:
    """id, criterion, passed, grade."""
    exact = rubric.judge(tests, notes)
    strict = exact[exact["stringency"] == "strict"].drop(columns="stringency")
    return strict.merge(grading.graded(tests, notes), on=["id", "criterion"], validate="one_to_one")


def _stacked(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([frame.assign(written=way) for way, frame in frames.items()], ignore_index=True)


def _part(table: str, count: int) -> str:
    return f"part-{table}-{count}.parquet"
