"""Dialogues with notes: to learn from, held out, and such whose notes people have scored."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

import pandas as pd
from transformers import PreTrainedTokenizerFast

from proxylib.data.domains import scribe
from proxylib.data.published import judgments, problems
from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.judging import rubric
from proxylib.models import tokenizers
from proxylib.studies.real_notes.settings import Data, Texts

Part = Literal["train", "held out"]
PARTS = {"train": "mts_dialog-train", "held out": "mts_dialog-test1"}
MADE, SEEDS = 40, {"train": 6000, "held out": 6001}  # made dialogues of each part, and their seeds
SCORED, SCORED_SEED, SYSTEMS = 4, 6002, 4  # dialogues, their seed, and notes of each


class Pair(NamedTuple):
    """A dialogue, what is asked of a model, and the expert's note."""

    id: str
    dialogue: str
    prompt: str
    note: str

    @property
    def trace(self) -> Trace:
        """As a fine-tune takes it."""
        return Trace("notes", self.id, self.prompt, self.note, "", "clinical dialogues")


def pairs(data: Data, part: Part) -> list[Pair]:
    """All dialogues of a part; `UserError` where published ones are neither at hand nor to be had."""
    if data == "made":
        examples = scribe.examples(MADE, SEEDS[part], unseen=part == "held out")
        return [Pair(example.id, example.dialogue, example.prompt, example.note) for example in examples]
    rows = (row for _, row in problems.records(PARTS[part]))
    return [Pair(row["ID"], row["dialogue"], problems.DIALOG.format_map(row), row["section_text"]) for row in rows]


def fitting(every: Sequence[Pair], tokenizer: PreTrainedTokenizerFast, longest: int) -> list[Pair]:
    """Those whose prompt and note are so many tokens at most."""
    prompts, notes = (tokenizers.encode(tokenizer, [getattr(pair, name) for pair in every]) for name in ("prompt", "note"))
    sizes = [len(prompt) + len(note) for prompt, note in zip(prompts, notes, strict=True)]
    return [pair for pair, size in zip(every, sizes, strict=True) if size <= longest]


def drawn(every: Sequence[Pair], count: int, seed: int) -> list[Pair]:
    """So many of them in a seed's order: what fewer examples hold, more examples of the same seed hold too."""
    if len(every) < count:
        raise UserError(
            f"parameter examples: {count}, and {len(every)} dialogues are short enough; give fewer, or longest more"
        )
    return random.Random(f"real notes {seed}").sample(list(every), len(every))[:count]


def held_out(texts: Texts, tokenizer: PreTrainedTokenizerFast, count: int) -> list[Pair]:
    """The first so many that are short enough."""
    every = fitting(pairs(texts.data, "held out"), tokenizer, texts.longest)
    if len(every) < count:
        raise UserError(f"parameter held_out: {count}, and {len(every)} dialogues are short enough; give fewer")
    return every[:count]


def scored(data: Data) -> pd.DataFrame:
    """Notes that people have scored: item (of the dialogue), system, dialogue, reference, note, f1, invented, omitted.

    Notes
    -----
    The scores of published notes follow their order, as they have no key; four systems wrote of a hundred dialogues one after
    the other. Of made notes, with none to three facts changed, the exact rubric's share of true points stands for f1.
    Two published notes have an omission of -1, which no rate can be; they stay as they are.
    """
    if data == "made":
        return _made()
    notes = judgments.mts_notes()
    names = {"summary": "note", "factual_f1": "f1", "hallucination": "invented", "omission": "omitted"}
    return notes.rename(columns=names).assign(system=notes.groupby("item").cumcount())


def _made() -> pd.DataFrame:
    rng, rows = random.Random("scored notes"), []
    for example in scribe.examples(SCORED, SCORED_SEED, unseen=False):
        case = example.case
        for system in range(SYSTEMS):
            note = scribe.note(case)
            clauses = [clause.passed for part in rubric.findings(example, note).values() for clause in part.values()]
            wrong = 1 - sum(clauses) / len(clauses)
            rows.append((example.id, example.dialogue, example.note, note, 1 - wrong, wrong, wrong, system))
            case = scribe.spoilt(case, rng)
    return pd.DataFrame(rows, columns=["item", "dialogue", "reference", "note", "f1", "invented", "omitted", "system"])
