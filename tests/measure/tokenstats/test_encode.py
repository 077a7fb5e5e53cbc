"""A trace in a model's tokens: windows at random, chat templates, boundaries, added and special tokens."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.tokenstats.encode import Unscorable, Window, boundary_moves, encode
from proxylib.models import tokenizers

many = settings(max_examples=80, deadline=None, derandomize=True, database=None)
BYTES = tokenizers.train("byte", [], 300)


@many
@given(
    prompt=st.text("ab \n", max_size=30),
    solution=st.text("abé🙂 \n", min_size=1, max_size=40),
    window=st.integers(1, 60),
    characters=st.none() | st.integers(1, 50),
    context=st.integers(2, 90),
)
def test_any_window_accounts_for_every_token(prompt, solution, window, characters, context):
    trace = Trace("t", "1", prompt, solution, "", "")
    whole = len(solution.encode())  # one token a byte
    front = 1 + len(prompt)
    try:
        item = encode(trace, BYTES, Window(window, characters), context)
    except Unscorable as error:
        assert context <= front or characters is not None, error
        return
    kept = min(whole, context - front)
    assert item.truncated + item.windowed + item.scored == whole and item.truncated == whole - kept
    assert len(item.ids) == front + kept <= context and item.prompt == front
    assert item.scored <= min(window, kept)
    if characters is None:
        assert item.scored == min(window, kept)
    else:
        assert all(start >= len(solution) - characters for start in item.offset)
    assert len(item.offset) == len(item.n_bytes) == item.scored
    assert np.all(np.diff(item.offset) >= 0) and sum(item.n_bytes) <= whole


TEMPLATE = (
    "{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>model\n{% endif %}"
)


def test_a_chat_template_stands_before_the_solution_with_its_special_tokens_whole():
    chatty = tokenizers.train("byte", [], 300)
    chatty.chat_template = TEMPLATE
    trace = Trace("t", "1", "say <s> twice", "ok </s>\n", "", "")
    item = encode(trace, chatty, Window(1000), 1000, chat=True)
    bos, eos = chatty.bos_token_id, chatty.eos_token_id
    front, solution = item.ids[: item.prompt], item.ids[item.prompt :]
    assert front[0] == bos and front.count(eos) == 1  # no second bos before the template's own
    assert chatty.decode(front) == "<s>user\nsay <s> twice</s><s>model\n"
    assert eos not in solution and chatty.decode(solution) == "ok </s>\n"  # in a solution, text that spells one stays text
    plain = encode(trace, chatty, Window(1000), 1000)
    assert plain.ids[plain.prompt :] == solution and plain.ids[0] == bos


def test_a_tokenizer_without_a_chat_template_is_refused():
    with pytest.raises(UserError, match="no chat template"):
        encode(Trace("t", "1", "p", "s", "", ""), BYTES, Window(10), 100, chat=True)


def test_a_template_that_refuses_is_one_line():
    tokenizer = tokenizers.train("byte", [], 300)
    tokenizer.chat_template = "{{ raise_exception('a system turn is needed') }}"
    with pytest.raises(UserError, match="refuses a user's turn .a system turn is needed"):
        tokenizers.prompt_ids(tokenizer, "p", chat=True)


def test_a_boundary_moves_only_where_one_text_would_be_cut_elsewhere():
    merged = tokenizers.train("bpe", ["carry carry carry"] * 50, 300)
    assert boundary_moves(Trace("t", "1", "car", "ry", "", ""), merged)
    assert not boundary_moves(Trace("t", "1", "carry\n", "carry", "", ""), merged)
    assert not boundary_moves(Trace("t", "1", "car", "ry", "", ""), BYTES)


@pytest.mark.parametrize("kind", ["byte", "bpe", "spaced"])
def test_added_tokens_are_one_token_and_special_tokens_in_a_text_are_spelt(kind):
    tokenizer = tokenizers.train(kind, ["hello world the answer is 5 " * 50], 300)
    tokenizer.add_tokens(["answer"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<call>"]})
    added, special = tokenizer.convert_tokens_to_ids(["answer", "<call>"])
    solution = "x answer <call> é y"
    item = encode(Trace("t", "1", "p", solution, "", ""), tokenizer, Window(100), 100)
    assert item.ids.count(added) == 1 and special not in item.ids
    place = item.ids[-item.scored :].index(added)
    assert (item.offset[place], item.n_bytes[place]) == (2, len("answer"))
    assert sum(item.n_bytes) == len(solution.encode())
    assert added < max(tokenizer.get_vocab().values()) + 1 == special + 1  # both count as entries of the vocabulary
