"""Likelihoods and answers of a model, what texts share being read once."""

import pandas as pd
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from proxylib.errors import UserError
from proxylib.models import tokenizers
from proxylib.studies.real_notes import scorer
from proxylib.studies.real_notes.candidates import FORMS, LIKELIHOODS, PACKAGE


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizers.train("bpe", ["Yes, the patient coughs. No fever. yes no Note: Conversation"] * 20, 300)


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    return LlamaForCausalLM(config).eval()


def test_what_is_read_once_says_the_same(model):
    feeds, wanted = [[5, 6, 7, 8, 9], [5, 6, 7, 11], [5, 6, 7, 8, 2, 3, 4]], [2, 1, 3]
    for feed, count, value in zip(feeds, wanted, scorer.logits(model, feeds, wanted), strict=True):
        alone = model(input_ids=torch.tensor([feed])).logits[0, -count:]
        assert torch.allclose(value, alone, atol=1e-5)


def test_likelihood_is_that_of_the_target_alone(model):
    before, target = [5, 6, 7], [8, 9]
    value = scorer.likelihoods(model, [scorer.Target(before, target), scorer.Target([5, 6], [4])])[0]
    with torch.inference_mode():
        logs = model(input_ids=torch.tensor([before + target])).logits[0].log_softmax(-1)
    assert value == pytest.approx(float(logs[2, 8] + logs[3, 9]), abs=1e-4)


def test_a_column_for_each_way_to_ask_and_an_empty_note_has_its_row(model, tokenizer):
    rows = [("b", "x", "fever", "coughs"), ("a", "y", "no fever", ""), ("b", "x", "fever", "fever")]
    notes = pd.DataFrame(rows, columns=["item", "dialogue", "reference", "note"], index=[7, 3, 5])
    table = scorer.of_notes(model, tokenizer, notes, chat=False, package=True)
    assert list(table.columns) == [*LIKELIHOODS, *FORMS, PACKAGE] and list(table.index) == [7, 3, 5]
    assert table.notna().all().all()
    alone = scorer.of_notes(model, tokenizer, notes.loc[[5]], chat=False)
    assert alone.loc[5].to_numpy() == pytest.approx(table.loc[5, list(alone.columns)].to_numpy(), abs=1e-4)


def test_answers_that_begin_alike_are_refused(tokenizer):
    with pytest.raises(UserError, match="begins both answers alike"):
        scorer._answers(tokenizer, {"yes": ("no",), "no": ("no",)})


def test_a_yes_that_is_likelier_than_a_no_has_positive_odds(tokenizer):
    yes, no = scorer._answers(tokenizer, scorer.SAID)
    values = torch.zeros(len(tokenizer))
    values[tokenizers.encode(tokenizer, ["yes"])[0][0]] = 5.0
    assert scorer._odds(values, yes, no) > 0
