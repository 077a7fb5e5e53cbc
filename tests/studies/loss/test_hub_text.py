"""What became of a fine-tune's examples: as `extract` counts the same texts, and what training cuts, by hand."""

import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from proxylib.data import became
from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import ExtractSettings
from proxylib.measure.tokenstats.account import account as measured
from proxylib.measure.tokenstats.account import summed
from proxylib.models import tokenizers
from proxylib.models.lora import rows_of
from proxylib.studies.loss import hub_text

TEMPLATE = "<s>user\n{{ messages[0].content | trim }}</s>\n<s>model\n\n"


def trace(number, prompt, solution):
    return Trace("t", str(number), prompt, solution, "", "")


def counted(examples, chat, context=500, kind="byte", bos="own"):
    tokenizer = tokenizers.train(kind, [f"{e.prompt}{e.solution}" for e in examples] * 2, 400)
    tokenizer.chat_template = TEMPLATE
    return hub_text.account(examples, rows_of(examples, tokenizer, context, chat), tokenizer, chat), tokenizer


@pytest.mark.parametrize("chat", [False, True])
def test_it_is_what_extract_counts_of_the_same_texts(chat):
    examples = [trace(1, " say <s> \n", "ok </s></s> é"), trace(2, "p", "None."), trace(3, "q", "None."), trace(4, "ab", "ab")]
    text, tokenizer = counted(examples, chat, kind="bpe")
    _, items = measured(examples, tokenizer, ExtractSettings(chat=chat, window=500), 500, 300)
    other = summed(examples, items)
    assert set(became.ALWAYS) <= set(text) and set(text) <= set(other)
    ended = {"tokens_scored": text["tokens_scored"] - len(examples)}  # training teaches the end of each, too
    assert text | ended == {name: other[name] for name in text}
    assert text["words"] == 3 and text["repeated"] == 1 and text["bos"] == 4
    assert bool(text["template"]) == bool(text["stripped"]) == chat and bool(text["boundary_moves"]) != chat


def test_the_templates_own_tokens_and_trimmed_white_space_by_hand():
    text, _ = counted([trace(1, " ab\n", "c"), trace(2, "d", "e")], True)
    assert text["template"] == 2 * len("^user\n$\n^model\n") - 2  # of four bytes of the first prompt, two are trimmed
    assert text["stripped"] == 2


@pytest.mark.parametrize(("room", "bytes_cut"), [(9, 0), (8, 0), (7, 1), (6, 2), (5, 5), (4, 5), (3, 5), (2, 7), (1, 7)])
def test_what_training_cuts_is_counted_in_bytes_of_whole_characters(room, bytes_cut):
    """aé€zz and the end token, after bos and a prompt of two: a character goes with the first of its bytes that goes."""
    text, _ = counted([trace(1, "pp", "aé€zz")], False, 3 + room)
    assert (text["cut_bytes"], text["tokens_truncated"], text["bytes"]) == (bytes_cut, 9 - room, 8)


def test_an_example_that_the_base_cannot_read_is_named():
    strange = trace(9, "p", "яблоки")
    words = Tokenizer(models.WordLevel({"<unk>": 0, "p": 1}, unk_token="<unk>"))
    words = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", eos_token="p")
    with pytest.raises(UserError, match="example t/9: over 1 % of it is unknown"):
        hub_text.account([strange], rows_of([strange], words, 10), words, False)
