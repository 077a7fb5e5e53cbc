"""What a language model says of a note without being trained to: likelihoods, and answers to questions about it.

Texts about one dialogue begin alike; what they share is read once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data.published import problems
from proxylib.errors import UserError
from proxylib.judging import criteria
from proxylib.models import tokenizers
from proxylib.studies.real_notes.candidates import LIKELIHOODS, PACKAGE

ALONE = "Clinical note:\n"
BESIDE = "Clinical note:\n{text}\n\nThe same visit, noted by somebody else:\n"
#: what a judge is asked about a note; fixed before any answer was read
QUESTIONS = {
    "faithful": "Is every statement of the note supported by the conversation?",
    "complete": "Does the note contain all important medical information of the conversation?",
    "good": "Is this a good and accurate clinical note of the conversation?",
}
ASKED = "Conversation:\n{dialogue}\n\nNote:\n{note}\n\n{question} Answer yes or no."
CRITERION, BEGUN = "no_hallucination", '{"verdict": "'  # the package's own prompt, and the answer that it asks for
SAID = {"yes": ("Yes", "yes", " Yes", " yes", "YES"), "no": ("No", "no", " No", " no", "NO")}
VERDICTS = {"yes": ("pass",), "no": ("fail",)}
EMPTY = "-"  # what stands for a note without a word


class Target(NamedTuple):
    """A text whose likelihood is asked for, after what comes before it."""

    before: list[int]
    target: list[int]


@torch.inference_mode()
def logits(model: PreTrainedModel, feeds: Sequence[Sequence[int]], wanted: Sequence[int]) -> list[torch.Tensor]:
    """Logits after the last tokens of several texts, what all begin with being read once.

    Parameters
    ----------
    feeds : token ids of each text
    wanted : after how many of its last tokens

    Returns
    -------
    [wanted, vocabulary] float32 of each text
    """
    trunk, head = model.get_decoder(), model.get_output_embeddings()
    shared = _shared(feeds, min(len(feed) - count for feed, count in zip(feeds, wanted, strict=True)))
    cache = None
    if shared and len(feeds) > 1:
        cache = trunk(input_ids=torch.tensor([list(feeds[0][:shared])]), use_cache=True).past_key_values
        cache.batch_repeat_interleave(len(feeds))
    rests = [list(feed[shared:] if cache else feed) for feed in feeds]
    longest, known = max(map(len, rests)), shared if cache else 0
    ids = torch.tensor([rest + [0] * (longest - len(rest)) for rest in rests])
    mask = torch.tensor([[1] * (known + len(rest)) + [0] * (longest - len(rest)) for rest in rests])
    hidden = trunk(input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=cache is not None).last_hidden_state
    ends = [hidden[row, len(rest) - count : len(rest)] for row, (rest, count) in enumerate(zip(rests, wanted, strict=True))]
    return [head(end).float() for end in ends]


def _shared(feeds: Sequence[Sequence[int]], most: int) -> int:
    alike = itertools.takewhile(lambda column: len(set(column)) == 1, zip(*feeds, strict=False))
    return min(most, sum(1 for _ in alike))


def likelihoods(model: PreTrainedModel, targets: Sequence[Target]) -> list[float]:
    """Log-likelihood of each target in nats; targets that begin alike are cheap together."""
    feeds = [[*before, *target[:-1]] for before, target in targets]
    values = logits(model, feeds, [len(target) for _, target in targets])
    rows = (value.log_softmax(-1).gather(1, torch.tensor(t.target)[:, None]) for value, t in zip(values, targets, strict=True))
    return [float(row.double().sum()) for row in rows]


def of_notes(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, notes: pd.DataFrame, chat: bool, package: bool = False
) -> pd.DataFrame:
    """What the model says of every note, signed so that more is better.

    Parameters
    ----------
    notes : item, dialogue, reference, note; notes of an item have one dialogue and one reference
    chat : questions stand in the tokenizer's chat template
    package : the package's own criterion is asked too

    Returns
    -------
    A column per likelihood (nats a token) and per question (log-odds of yes), in the rows' order.
    """
    answers = {name: _answers(tokenizer, SAID) for name in QUESTIONS} | {PACKAGE: _answers(tokenizer, VERDICTS)}
    parts = []
    for _, group in notes.groupby("item", sort=False):
        said = _likelihoods(model, tokenizer, group)
        questions = _asked(tokenizer, group, chat)
        if package:
            begun = tokenizers.encode(tokenizer, [BEGUN])[0]
            prompts = [criteria.prompt(CRITERION, dialogue, note) for dialogue, note in _both(group)]
            questions[PACKAGE] = [tokenizers.prompt_ids(tokenizer, prompt, chat) + begun for prompt in prompts]
        for names in (list(QUESTIONS), [PACKAGE] if package else []):
            feeds = [feed for name in names for feed in questions[name]]
            last = logits(model, feeds, [1] * len(feeds)) if feeds else []
            for number, name in enumerate(names):
                own = last[number * len(group) : (number + 1) * len(group)]
                said[name] = [_odds(value[0], *answers[name]) for value in own]
        parts.append(pd.DataFrame(said, index=group.index))
    return pd.concat(parts).loc[notes.index]


def _both(group: pd.DataFrame) -> Iterable[tuple[str, str]]:
    return zip(group["dialogue"], _noted(group), strict=True)


def _noted(group: pd.DataFrame) -> list[str]:
    return [note.strip() or EMPTY for note in group["note"]]


def _asked(tokenizer: PreTrainedTokenizerFast, group: pd.DataFrame, chat: bool) -> dict[str, list[list[int]]]:
    ask = lambda dialogue, note, question: tokenizers.prompt_ids(
        tokenizer, ASKED.format(dialogue=dialogue, note=note, question=question), chat
    )
    return {name: [ask(*both, question) for both in _both(group)] for name, question in QUESTIONS.items()}


def _likelihoods(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, group: pd.DataFrame) -> dict[str, list[float]]:
    ids = lambda text: tokenizers.encode(tokenizer, [text])[0]
    notes, reference = _noted(group), group["reference"].iloc[0]
    opened = lambda text: tokenizers.prompt_ids(tokenizer, text)
    heard = opened(problems.ENCOUNTER.format(dialogue=group["dialogue"].iloc[0]))
    beside = opened(BESIDE.format(text=reference))
    rates = []
    for group_of in (
        [Target(heard, ids(note)) for note in notes],
        [Target(opened(ALONE), ids(note)) for note in notes],
        [Target(opened(BESIDE.format(text=note)), ids(reference)) for note in notes],
        [Target(beside, ids(note)) for note in notes],
    ):
        values = likelihoods(model, group_of)
        rates.append([value / len(target.target) for value, target in zip(values, group_of, strict=True)])
    given, alone, reference_given, note_given = rates
    beyond = [one - other for one, other in zip(given, alone, strict=True)]
    return dict(zip(LIKELIHOODS, (given, beyond, reference_given, note_given), strict=True))


def _answers(tokenizer: PreTrainedTokenizerFast, words: dict[str, tuple[str, ...]]) -> tuple[list[int], list[int]]:
    """First tokens of either answer; what both may begin with tells nothing."""
    yes, no = ({tokenizers.encode(tokenizer, [word])[0][0] for word in words[side]} for side in ("yes", "no"))
    if not yes - no or not no - yes:
        raise UserError(f"{tokenizer.name_or_path}: its tokenizer begins both answers alike; take another model as a judge")
    return sorted(yes - no), sorted(no - yes)


def _odds(values: torch.Tensor, yes: list[int], no: list[int]) -> float:
    return float(values[yes].logsumexp(0) - values[no].logsumexp(0))
