"""A small LM judge of ours: a language model that reads dialogue, note and criterion and writes a rationale and a verdict.

It is trained on notes of other bases and seeds than those it scores, and on expert notes with one fact changed. What it
answers has the form that any LLM judge is asked for, and its chat template takes the material out of the common prompts, so
that the same questions go to it, in process or behind a server.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from ..config import Model
from ..models import generate, tokenizers, train
from ..store import Workspace
from ..tasks import scribe
from ..tasks.scribe import Example
from . import llm, rubric
from .criteria import CRITERIA

HELD_OUT_DOCUMENTS = 64
ANSWER_TOKENS = 48
OWN_TEXT_SHARE = 0.3  # of the documents: dialogues with notes and briefs, where copying and the rule are learnt
SPOILT_SHARE = 0.6  # of the judged notes that are the expert's: with one fact changed
WRITTEN_SHARE = 0.5  # of the judged notes: written by models
ASKED = "criterion "
#: takes the material out of the common prompt: what stands between its markers, and its criterion by the first words
CHAT_TEMPLATE = (
    "{%- set text = messages[-1]['content'] -%}"
    "{{ bos_token }}"
    "{{ text.split('<dialogue>\n')[-1].split('\n</dialogue>')[0] }}\n"
    "note\n{{ text.split('<note>\n')[-1].split('\n</note>')[0] }}\n"
    "criterion "
    "{%- if 'clinic\\'s template' in text %} template"
    "{%- elif 'right conclusion' in text %} inference"
    "{%- elif 'clinic\\'s terms' in text %} terminology"
    "{%- elif 'nothing out' in text %} completeness"
    "{%- else %} no_hallucination{%- endif %}{{ '\n' }}"  # a line's end at the template's end would be cut off
)


def question(dialogue: str, note: str, criterion: str) -> str:
    """What the judge reads."""
    return f"{dialogue.strip()}\nnote\n{note.strip()}\n{ASKED}{criterion}\n"


def answer(rationale: str, passed: bool) -> str:
    """What the judge is taught to write."""
    return json.dumps({"rationale": rationale, "verdict": llm.PASS if passed else llm.FAIL})


def documents(written: Sequence[tuple[Example, str]], seed: int) -> Iterator[str]:
    """Training text without end.

    Parameters
    ----------
    written : examples with a note that a model wrote, by bases and seeds that are not judged later
    seed : of the order and of what is spoilt
    """
    rng = random.Random(f"judge {seed}")
    while True:
        if rng.random() < OWN_TEXT_SHARE:
            encounter = scribe.draw(rng, unseen=False)
            told = scribe.dialogue(encounter, rng)
            yield told + (scribe.brief(encounter, rng) if rng.random() < 0.3 else scribe.ASK + scribe.note(encounter))
            continue
        if written and rng.random() < WRITTEN_SHARE:
            example, note = rng.choice(written)
        else:
            encounter = scribe.draw(rng, unseen=False)
            told = scribe.dialogue(encounter, rng)
            example = Example("", encounter, told, scribe.note(encounter))
            note = scribe.note(scribe.spoilt(encounter, rng)) if rng.random() < SPOILT_SHARE else example.note
        criterion = rng.choice(CRITERIA)
        passed = rubric.verdicts(example, note, "strict")[criterion]
        yield question(example.dialogue, note, criterion) + answer(rubric.rationales(example, note)[criterion], passed)


def judge(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, asks: Sequence[llm.Ask], batch: int) -> pd.DataFrame:
    """Verdicts in process; see `llm.judge` for the columns. An answer that is not as asked for is unscored."""
    prompts = [question(ask.dialogue, ask.note, ask.criterion) for ask in asks]
    texts = generate.answers(model, tokenizer, prompts, ANSWER_TOKENS, batch)
    rows = []
    for ask, text in zip(asks, texts, strict=True):
        used = tuple(len(tokens) for tokens in tokenizers.encode(tokenizer, [ask.prompt, text]))
        try:
            found = llm.parse(text)
        except ValueError as error:
            rows.append((*ask[:2], ask.repeat, llm.UNSCORED, f"malformed: {error}", "", text, *used))
        else:
            rows.append((*ask[:2], ask.repeat, found.verdict, "", found.rationale, text, *used))
    return pd.DataFrame(rows, columns=list(llm.COLUMNS))


def fit(step, workspace: Workspace) -> None:
    """Train the judge from scratch.

    Parameters
    ----------
    step : a declared `judge` step; its parents are the scribe material and the cells whose notes it learns from
    workspace : receives what `models.train.train` leaves; the tokenizer has `CHAT_TEMPLATE`
    """
    settings = step.settings
    tokenizer = tokenizers.load(step.parent("scribe").path("tokenizer"))
    tokenizer.chat_template = CHAT_TEMPLATE
    written = [pair for role in step.parents if role.startswith("source ") for pair in notes_of(step, role)]
    held_out = list(itertools.islice(documents([], settings.seed + 1), HELD_OUT_DOCUMENTS))
    reading = train.Reading(documents(written, settings.seed), held_out)
    spec = Model(
        architecture="smollm3",
        tokenizer="capitals",
        width=settings.judge.width,
        depth=settings.judge.depth,
        mix="judge",
        post="none",
        share=1.0,
    )
    train.train(spec, settings.training, None, settings.seed, tokenizer, workspace, reading=reading)
    workspace.note(written=len(written))


def notes_of(step, role: str) -> list[tuple[Example, str]]:
    """The notes that a cell wrote, beside their examples; none if it diverged."""
    tests, run = step.parents[role].settings.tests, step.parent(role)
    if run.facts["diverged"]:
        return []
    by_id = {example.id: example for example in scribe.examples(tests.count, tests.seed, tests.unseen)}
    return [(by_id[key], note) for key, note in run.table("notes").itertuples(index=False)]
