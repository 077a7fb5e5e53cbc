"""One student of one teacher, at every number of examples: a base trained on the teacher's notes, whose own are graded."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

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
from proxylib.studies.ceiling.settings import EXPERT, GREEDY, SAMPLED, TEACHER, TRAINED, StudentSettings

TABLES = ("outcomes", "notes", "losses")  # of which every number of examples writes a part
COURSE = "course.parquet"
RISE = 50  # steps until the rate is at its peak
LAST = 5  # of the training losses that are kept: their mean is the final one


class Lessons(NamedTuple):
    """Dialogues with the notes that the teacher wrote on them, and the tests with the expert's and the teacher's."""

    examples: list[Example]
    taught: list[str]
    tests: list[Example]
    tested: list[str]


def lessons(settings: StudentSettings) -> Lessons:
    """What a student reads, in its order, and what it is tested on; longer lists of examples begin with the shorter."""
    different = scribe.examples(settings.different, settings.test_seed + settings.seed, unseen=False)
    examples = [different[place] for place in order(settings)]
    tests = scribe.examples(settings.tests, settings.test_seed, unseen=True)
    return Lessons(
        examples,
        teachers.notes(settings.teacher, examples, settings.seed),
        tests,
        teachers.notes(settings.teacher, tests, settings.seed),
    )


def order(settings: StudentSettings) -> list[int]:
    """Places of the notes in the order in which they are read: as they come at first, then each pass in one of its own."""
    read, different = settings.examples[-1], settings.different
    places = list(range(different))
    for number in range(1, -(-read // different)):
        places += random.Random(f"order {settings.seed} {number}").sample(range(different), different)
    return places[:read]


def build(step, workspace: Workspace) -> None:
    """Train a base on a teacher's notes, each read once or few again and again, and grade what it writes after so many of them.

    Parameters
    ----------
    step : a declared `student` or `student_of_few` step; its parent is the base
    workspace : receives, with a column examples in front, the tables outcomes (written, id, criterion, passed by the strict
        rubric, grade), notes (written, id, note, finished), losses (on, nll in nats per token of the note and what ends it);
        and `course` (step, tokens, nll: training losses on the way)

    Notes
    -----
    All weights are trained, by the loop of pretraining, at rates that stay after a rise: a student of few examples is
    one of many on its way. Losses count notes alone. At the most examples notes are also sampled, at temperature 1.
    """
    settings: StudentSettings = step.settings
    workspace.note(**devices.prepare(settings.training.device, settings.training.threads))
    given = lessons(settings)
    wanted = [_part(name, count) for name in TABLES for count in settings.examples]
    for _ in range(2):  # a second time where a part that was written before the last checkpoint was damaged since
        if not workspace.holds(*wanted, COURSE):
            _train(step, given, workspace)
    for name in TABLES:
        parts = [pd.read_parquet(workspace.path(_part(name, count))) for count in settings.examples]
        workspace.write_table(name, pd.concat(parts, ignore_index=True))
    for path in workspace.folder.glob("part-*.parquet"):
        path.unlink()


def _train(step: Any, given: Lessons, workspace: Workspace) -> None:
    """The whole training; what an earlier, killed attempt has graded is not graded again."""
    settings: StudentSettings = step.settings
    config, folder = settings.training, step.parent("base").path("model")
    tokenizer = tokenizers.load(folder, "always")
    model = loading.load(folder, config.device).requires_grad_(True).train()
    known = {EXPERT: [test.note for test in given.tests], TEACHER: given.tested}
    held_out = {on: pretrain.HeldOut(rows_of(tokenizer, given.tests, notes, config.context), 1) for on, notes in known.items()}
    trainee = pretrain.Trainee(settings.model, config, None, settings.seed, tokenizer, workspace, model)
    phases = {}
    for start, stop in itertools.pairwise((0, *settings.examples)):
        rows = rows_of(tokenizer, given.examples[start:stop], given.taught[start:stop], config.context)
        phases[stop] = pretrain.Phase(
            rows, -(-len(rows.ids) // trainee.rows_per_step), settings.peak, steady if start else rising
        )
    after = dict(zip(itertools.accumulate(phase.steps for phase in phases.values()), phases, strict=True))

    def observe(model: PreTrainedModel, now: int, tokens: int) -> None:
        names = [_part(name, after[now]) for name in TABLES]
        if not workspace.holds(*names):
            trained = [row[4] for row in loop.losses if row[1] == "train"][-LAST:]
            losses = {TRAINED: sum(trained) / len(trained)}
            losses |= {on: pretrain.held_out_loss(model, *part)[0] for on, part in held_out.items()}
            last = after[now] == settings.examples[-1]
            frames = _examined(model, tokenizer, given.tests, settings, (GREEDY, SAMPLED) if last else (GREEDY,))
            frames["losses"] = pd.DataFrame(list(losses.items()), columns=["on", "nll"])
            for name, part in zip(TABLES, names, strict=True):
                frames[name].insert(0, "examples", after[now])
                workspace.write(part, parquet_bytes(frames[name]))

    loop = pretrain.Loop(trainee, pretrain.optimisers(model, config), held_out[EXPERT], observe, lambda name, steps: {steps})
    for count, phase in phases.items():
        loop.run(str(count), phase)
    course = pd.DataFrame(loop.losses, columns=["phase", "split", "step", "tokens", "nll", "bits"])
    workspace.write_table("course", course.loc[course["split"] == "train", ["step", "tokens", "nll"]])
    workspace.keep(COURSE)
    loop.path.unlink(missing_ok=True)


def rising(step: int, steps: int, warmup: float) -> float:
    """A rate that rises over a few steps and then stays."""
    return min(1.0, (step + 1) / RISE)


def steady(step: int, steps: int, warmup: float) -> float:
    """A rate that stays."""
    return 1.0


def _examined(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    tests: list[Example],
    settings: StudentSettings,
    ways: tuple[str, ...],
) -> dict[str, pd.DataFrame]:
    written = {way: _written(model, tokenizer, tests, settings, way) for way in ways}
    return {
        "outcomes": _stacked({way: _graded(tests, frame["note"]) for way, frame in written.items()}),
        "notes": _stacked(written),
    }


def rows_of(tokenizer: PreTrainedTokenizerFast, examples: Sequence[Example], notes: Sequence[str], context: int) -> Rows:
    """Dialogues with their notes, packed; labels count the notes and what ends them.

    Prompt and note are tokenised apart, as they are when a note is written.
    """
    prompts, texts = (tokenizers.encode(tokenizer, list(part)) for part in ([e.prompt for e in examples], notes))
    special = Special(tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    marked = ([-1 - token for token in prompt] + text for prompt, text in zip(prompts, texts, strict=True))
    rows = pack(marked, None, context, special)  # tokens of prompts are below zero, so that they are known in their places
    ids = torch.where(rows.ids < 0, -1 - rows.ids, rows.ids)
    return Rows(ids, rows.positions, rows.labels.masked_fill(rows.ids < 0, IGNORE))


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
