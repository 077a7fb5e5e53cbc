"""Chat templates at random: the ids of transformers on a fixed day with the prompt whole in them, or one line."""

import copy
import datetime
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import tiny

from proxylib.cli import main
from proxylib.errors import UserError
from proxylib.models import chat, sandbox, tokenizers

SIZE = int(os.environ.get("PROXYLIB_FUZZ", "60"))  # templates; more on request
many = settings(max_examples=SIZE, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
CONTENT = "messages[0]['content']"
WHOLE = [f"{{{{ {CONTENT} }}}}", "{{ messages[0].content }}", "{% for m in messages %}{{ m.content }}{% endfor %}"]
WHOLE += ["{{ messages[0].content | string }}", "{% generation %}{{ messages[0].content }}{% endgeneration %}"]
TRIMMED = ["{{ messages[0].content | trim }}", "{{ messages[-1].content.strip() }}", "{{- messages[0].content.rstrip() -}}"]
CHANGED = ["", *(f"{{{{ {CONTENT} | {name} }}}}" for name in ("lower", "upper", "title", "e", "tojson", "length", "reverse"))]
CHANGED += [f"{{{{ {CONTENT}{part} }}}}" for part in ("[:9]", "[1:]", "[::-1]", ".split()[0]", ".replace(' ', '')", "['text']")]
CHANGED += ["{% for p in messages[0].content %}{{ p.text }}{% endfor %}", "{{ messages[0].content * 2 }}", "{{ messages }}"]
CHANGED += ["{% for word in messages[0].content.split() %}{{ word }} {% endfor %}", "{{ messages[0].content | truncate(40) }}"]
FAILING = [
    "{{ 1/0 }}",
    "{{ raise_exception('two turns') }}",
    "{% if %}",
    "{{ nothing.here }}",
    "{{ ''.__class__.__mro__[1].x.y }}",
]
FAILING += [
    "{{ messages.append(1) }}",
    "{% include 'x' %}",
    "{{ 9**(9**9) }}",
    "{{ ('x' * 10**11) | length }}",
    "{{ [][0].x }}",
]
FAILING += [
    "{% for i in range(10**7) %}{% endfor %}",
    "{% unknown %}",
    "{{ 'x' | nofilter }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
]
AROUND = [
    "",
    "\n",
    " ",
    "<|a|>",
    "<|b|>",
    "<|a|>user\n",
    "[INST] ",
    "{{ bos_token }}",
    "{{ strftime_now('%d %b %Y') }} ",
    "é🙂",
]
AROUND += [
    "{{ range(99) | random }}",
    "{% if tools %}T{% endif %}",
    "{# note #}",
    "{% set x = 1 %}{{ x }}",
    "{{ date_string }}",
]
AFTER = ["", "<|b|>", "<|b|>\n<|a|>model\n", " [/INST]", "{% if add_generation_prompt %}<|a|>{% endif %}", "{{ eos_token }}"]
PROMPTS = st.text(st.sampled_from("aU é🙂\n\t<>{}[]'\"\\|"), max_size=12) | st.sampled_from(
    ["<|b|>", "x<|a|>y", "<s></s>", "user", "[/INST]", "{{ 1/0 }}", "{% for %}", "", "  ", "\u00a0x\u00a0", "a\r\nb", "<|"]
)
pieces = st.tuples(st.lists(st.sampled_from(AROUND), max_size=3), st.sampled_from(AFTER))


PLAIN = tokenizers.train("byte", [], 300)
PLAIN.add_special_tokens({"additional_special_tokens": ["<|a|>", "<|b|>"]})
WORDS = [*"{}%#-|'\n", "{{ ", " }}", "{% ", " %}", "messages", "[0]", ".content", "for m in ", "if ", "endif", *WHOLE]


def tokenizer_with(template):
    tokenizer = copy.deepcopy(PLAIN)
    tokenizer.chat_template = template
    return tokenizer


def as_transformers(tokenizer, prompt):
    """What transformers renders, were it the fixed day."""

    class Day(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return sandbox.DATE

    with pytest.MonkeyPatch.context() as patch, sandbox._steady():
        patch.setattr("transformers.utils.chat_template_utils.datetime", Day)
        turn = [{"role": "user", "content": prompt}]
        return tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)


def right(tokenizer, prompt, whole):
    """The prompt's turn is that of transformers, its control words text; or one line says why not."""
    try:
        turn = chat.of(tokenizer).turn(prompt)
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 600
        assert not whole or (isinstance(error, chat.PromptError) and "ends a turn" in str(error)), error
        return
    text = as_transformers(tokenizer, prompt)
    assert tokenizer.decode(turn.ids) == text and prompt.strip() in text
    control = set(tokenizer.all_special_ids)
    neutral = chat.of(tokenizer).turn("plain").ids
    assert sum(token in control for token in turn.ids) == sum(token in control for token in neutral)
    if not turn.typed:
        assert turn.ids == tokenizer(text, add_special_tokens=False)["input_ids"]


@many
@given(around=pieces, content=st.sampled_from(WHOLE + TRIMMED), prompt=PROMPTS)
def test_templates_that_keep_prompts_whole_are_taken(around, content, prompt):
    before, after = around
    right(tokenizer_with("".join(before) + content + after), prompt, whole=True)


@settings(many, max_examples=SIZE // 2)
@given(around=pieces, content=st.sampled_from(CHANGED), prompt=PROMPTS)
def test_templates_that_change_prompts_are_refused(around, content, prompt):
    before, after = around
    tokenizer = tokenizer_with("".join(before) + (content or "<|a|>") + after)
    with pytest.raises(UserError, match="chat: the tokenizer's template"):
        chat.of(tokenizer).turn(prompt)


@settings(many, max_examples=SIZE // 2)
@given(around=pieces, bad=st.sampled_from(FAILING), content=st.sampled_from(WHOLE), prompt=PROMPTS)
def test_templates_that_fail_are_one_line(around, bad, content, prompt):
    before, after = around
    tokenizer = tokenizer_with("".join(before) + bad + content + after)
    with pytest.raises(UserError, match="chat: the tokenizer's template refuses") as caught:
        chat.of(tokenizer).turn(prompt)
    assert "\n" not in str(caught.value)


@settings(many, max_examples=SIZE)
@given(template=st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
def test_any_text_is_a_template_or_one_line(template):
    right(tokenizer_with(template), "two words", whole=False)


def test_the_command_ends_with_two_and_leaves_nothing(tmp_path, capsys):
    tokenizer = tokenizer_with("x")
    tiny.save(tmp_path / "model", tokenizer)
    (tmp_path / "t.jsonl").write_text(json.dumps({"prompt": "two words", "solution": "and two more"}) + "\n")
    words = ["extract", "--model", str(tmp_path / "model"), "--traces", str(tmp_path / "t.jsonl"), "--chat", "--out"]
    for number, content in enumerate([*FAILING[::4], *CHANGED[:3]]):  # each is a call of the command
        tokenizer_with(content or "<|a|>").save_pretrained(tmp_path / "model")
        capsys.readouterr()
        assert main([*words, str(tmp_path / f"out{number}")]) == 2, content
        said = capsys.readouterr().err
        assert len(said.strip().splitlines()) == 1, said
        assert said.startswith("proxylib: error: chat: the template of"), content
        assert not (tmp_path / f"out{number}").exists()
