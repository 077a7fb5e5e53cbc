"""Domains: held-out documents of every source, and the loss on each by itself."""

import pytest
import torch
from models.small_training import LLAMA, MATERIAL

from proxylib.data import corpora, tasks
from proxylib.measure import domains
from proxylib.models import architectures, pretrain, tokenizers


def test_every_domain_has_its_documents_and_none_is_ever_trained_on():
    texts = domains.documents(MATERIAL, 8)
    assert set(texts) == {*MATERIAL.tasks, "other", "answer", "prose", "code"} and {len(part) for part in texts.values()} == {8}
    assert all(tasks.held_out(text) for name in ("prose", "code") for text in texts[name])
    held = {text for part in texts.values() for text in part}
    stream = corpora.documents(corpora.recipe("everything"), MATERIAL, 3)
    assert not held.intersection(next(stream) for _ in range(2000))
    scored = {trace.prompt for name in MATERIAL.tasks for trace, _ in tasks.evaluation_problems(tasks.task(name), 6, 20)}
    assert len({text for text in texts["sorting"] if not any(text.startswith(prompt) for prompt in scored)}) >= 7


def test_styles_are_those_of_their_names_and_tasks_take_turns():
    texts = domains.documents(MATERIAL, 4)
    assert [text.split()[0] for text in texts["other"]] == ["sort", "count"] * 2
    assert all(len(text.splitlines()) == 2 and "\nanswer " in text for text in texts["answer"])
    assert all(len(text.splitlines()) > 2 for text in texts["other"])
    assert not set(texts["other"]) & {*texts["sorting"], *texts["counting"]}


def test_the_loss_of_a_domain_is_that_of_its_documents_alone():
    tokenizer = tokenizers.train("byte", ["a"], 300)
    texts = {"a": ["sort 1 2\n", "sort 2\n"], "b": ["return None\n"]}
    torch.manual_seed(4)
    model = architectures.build(LLAMA, len(tokenizer), 64)
    losses = domains.losses(model, domains.packed(texts, tokenizer, 64)).set_index("domain")
    for name, part in texts.items():
        alone = domains.packed({name: part}, tokenizer, 64)[name]
        assert alone.text_bytes == sum(map(len, part)) and alone.rows.tokens == sum(len(text) + 1 for text in part)
        assert tuple(losses.loc[name]) == pytest.approx(pretrain.held_out_loss(model, *alone))
