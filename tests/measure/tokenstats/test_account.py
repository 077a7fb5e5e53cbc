"""What became of each trace: counted alike with and without a template, dropped for reasons that can be grouped."""

import pytest
from tokenizers import AddedToken

from proxylib.data.trace import Trace
from proxylib.measure.settings import ExtractSettings
from proxylib.measure.tokenstats.account import account, summed
from proxylib.models import tokenizers

TEMPLATE = "<s>user\n{{ messages[0].content | trim }}</s><s>model\n"


def trace(number, prompt, solution):
    return Trace("t", str(number), prompt, solution, "", "")


def counted(traces, chat=False, rows=300, context=128, tokenizer=None):
    tokenizer = tokenizer or tokenizers.train("byte", [], 300)
    tokenizer.chat_template = TEMPLATE
    encoded, items = account(traces, tokenizer, ExtractSettings(chat=chat), context, rows)
    assert set(encoded) == set(items.index[items["status"] == "scored"])
    return summed(traces, items), items


def test_over_long_prompts_are_one_reason():
    text, _ = counted([trace(n, "p" * (130 + n), "x") for n in range(27)] + [trace("ok", "p", "solution")])
    assert list(text["dropped"].values()) == [27] and text["scored"] == 1


@pytest.mark.parametrize("chat", [False, True])
def test_typed_control_words_are_counted_and_stay_text(chat):
    tokenizer = tokenizers.train("byte", [], 300)
    text, items = counted([trace(1, " say <s> \n", "ok </s></s>"), trace(2, "p", "s")], chat, tokenizer=tokenizer)
    assert text["words"] == 3 and text["scored"] == 2 and text["bos"] == 2
    assert text["stripped"] == (3 if chat else 0)
    front = 3 + len("user\nmodel")  # jinja2 takes the last line break of a template away
    assert text["template"] == (2 * front - 3 if chat else 0)


def test_what_is_cut_is_counted_in_bytes():
    text, items = counted([trace(1, "p" * 100, "é" * 50)])
    assert items["truncated"].tolist() == [100 - 27] and text["bytes"] == 100
    assert text["cut_bytes"] == 74  # a token inside a character takes all of it along


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("where", ["prompt", "solution"])
def test_a_token_behind_the_last_row_is_unscorable_by_name(chat, where):
    tokenizer = tokenizers.train("byte", [], 300)
    tokenizer.add_tokens([AddedToken("<image>", special=False, normalized=False)])
    words = {"prompt": "see", "solution": "there"} | {where: "see <image> there"}
    text, items = counted([trace(1, **words), trace(2, "p", "s")], chat, rows=259, tokenizer=tokenizer)
    assert text["scored"] == 1
    assert text["dropped"] == {"it holds the token '<image>', which lies behind the model's last row": 1}


def test_a_special_token_behind_the_last_row_is_text_where_it_is_typed():
    tokenizer = tokenizers.train("byte", [], 300)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    text, _ = counted([trace(1, "see <image>", "<image>")], True, rows=259, tokenizer=tokenizer)
    assert (text["scored"], text["words"]) == (1, 2)


def test_a_bos_behind_the_last_row_is_named():
    tokenizer = tokenizers.train("byte", [], 300)
    tokenizer.add_special_tokens({"bos_token": "<begin>"})
    tokenizer.add_bos_token = True
    text, _ = counted([trace(1, "p", "s")], rows=259, tokenizer=tokenizer)
    assert text["dropped"] == {"it holds the token '<begin>', which lies behind the model's last row": 1}


def test_short_and_repeated_solutions_and_copies_are_counted():
    traces = [trace(1, "a", "None."), trace(2, "b", "None."), trace(3, "b", "None."), trace(4, "c", "x" * 25)]
    text, _ = counted(traces)
    assert (text["short"], text["repeated"], text["copies"]) == (3, 1, 1)
