"""Bases of a grid: one family over several sizes, pretrained on dialogues and briefs, never on a note."""

from __future__ import annotations

import itertools

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data import corpora, domains
from proxylib.data.domains.base import Domain
from proxylib.models import generate, pretrain, tokenizers
from proxylib.runs.store import Workspace

TOKENIZER_DOCUMENTS = 3000
TOKENS_PER_LIST = 130  # of pretraining, about 40 of which are its own: the first third of the text
TOKENS_PER_EXCERPT = 370  # of pretraining, about 60 of which are its own: the next sixth
HELD_OUT_DOCUMENTS = 128
COPY_TOKENS = 16  # a name and its number, with room


def build_material(step, workspace: Workspace) -> None:
    """Tokenizer and examples of a domain.

    Parameters
    ----------
    step : a declared step of material; its settings are a `data.settings.ScribeMaterial`
    workspace : receives `tokenizer/` and the tables `train` and `test` (id, dialogue, note)
    """
    config = step.settings
    domain = domains.domain(config.domain)
    texts = itertools.islice(
        domain.pretraining_text(config.seed, corpora.training_prose(), lists=0, excerpts=0), TOKENIZER_DOCUMENTS
    )
    tokenizers.train("capitals", texts, config.vocabulary).save_pretrained(workspace.path("tokenizer"))
    for name, count, unseen in (("train", config.examples, False), ("test", config.tests, True)):
        examples = domain.examples(count, config.seed, unseen)
        rows = [(example.id, example.dialogue, example.note) for example in examples]
        workspace.write_table(name, pd.DataFrame(rows, columns=["id", "dialogue", "note"]))


def fit(step, workspace: Workspace) -> None:
    """Pretrain one base; beside what `train.fit` leaves, the table `copies` (see `copies`)."""
    settings = step.settings
    domain = domains.domain(settings.scribe.domain)
    tokenizer = tokenizers.load(step.parent(domain.name).path("tokenizer"), "always")
    held_out = domain.held_out_text(HELD_OUT_DOCUMENTS, settings.scribe.seed)
    tokens = settings.training.tokens
    text = domain.pretraining_text(
        settings.seed, corpora.training_prose(), tokens // TOKENS_PER_LIST, tokens // TOKENS_PER_EXCERPT
    )
    reading = pretrain.Reading(text, held_out)
    model = pretrain.train(settings.model, settings.training, None, settings.seed, tokenizer, workspace, reading=reading)
    copied = copies(model, tokenizer, domain, settings.scribe.tests, settings.scribe.seed)
    workspace.write_table("copies", copied)
    workspace.note(copy_rate=float(copied["right"].mean()))


def copies(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, domain: Domain, count: int, seed: int) -> pd.DataFrame:
    """Whether a base copies names that no training text has, and their numbers, from a dialogue into a brief.

    Returns
    -------
    columns id, field, right: two names and two numbers of each test dialogue, compared exactly
    """
    tests = domain.examples(count, seed, unseen=True)
    rows = []
    for ask, fields in domain.copied.items():
        prompts = [f"{test.dialogue}brief\n- {ask}" for test in tests]
        completions = generate.completions(model, tokenizer, prompts, COPY_TOKENS, 400)
        for test, completion in zip(tests, completions, strict=True):
            words = (completion.text.splitlines() or [""])[0].split()
            for place, field in enumerate(fields):
                wanted = test.case.facts[field].split()[0]
                rows.append((test.id, field, len(words) > place and words[place] == wanted))
    return pd.DataFrame(rows, columns=["id", "field", "right"])
