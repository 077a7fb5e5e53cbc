"""Damaged copies: what is changed, and nothing else."""

import re

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.studies.real_model import copies, questions
from proxylib.studies.real_model.settings import Copy

IDS = torch.tensor([[1, 5, 9, 2]])


def model(layers=5):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=20, hidden_size=16, intermediate_size=24, num_hidden_layers=layers, num_attention_heads=2, pad_token_id=0
    )
    return LlamaForCausalLM(config).eval()


def test_layers_go_evenly_and_never_the_first_or_the_last():
    assert copies.dropped(5, 3) == [1, 2, 3]
    for count in range(29):
        gone = copies.dropped(30, count)
        assert len(gone) == count and not {0, 29} & set(gone)
    with pytest.raises(UserError, match="4 of 5 layers"):
        copies.dropped(5, 4)


def test_a_model_without_layers_runs_the_others_one_after_another():
    part = model()
    part.config.layer_types = [f"kind {place}" for place in range(5)]
    embed, layers, norm, rotary = part.model.embed_tokens, list(part.model.layers), part.model.norm, part.model.rotary_emb
    copies.without_layers(part, 2)
    kept = [place for place in range(5) if place not in copies.dropped(5, 2)]
    assert [layer.self_attn.layer_idx for layer in part.model.layers] == [0, 1, 2] and part.config.num_hidden_layers == 3
    assert part.config.layer_types == [f"kind {place}" for place in kept]
    part.config.layer_types = None  # kinds that no cache knows
    with torch.no_grad():
        hidden = embed(IDS)
        rope, mask = rotary(hidden, torch.arange(4)[None]), torch.full((4, 4), -torch.inf).triu(1)[None, None]
        for place in kept:
            out = layers[place](hidden, attention_mask=mask, position_embeddings=rope)
            hidden = out[0] if isinstance(out, tuple) else out
        assert torch.allclose(part.lm_head(norm(hidden)), part(IDS, use_cache=False).logits, atol=1e-5)


def test_rounded_weights_take_few_values_and_many_bits_change_little():
    sound, coarse, fine = model(), model(), model()
    copies.rounded(coarse, 3)
    copies.rounded(fine, 16)
    for before, few, many in zip(*map(copies.matrices, (sound, coarse, fine)), strict=True):
        assert max(len(row.unique()) for row in few) <= 7
        assert torch.allclose(few.abs().amax(1), before.abs().amax(1))  # every row keeps its largest weight
        assert (few - before).abs().max() <= before.abs().max() / 6 + 1e-6 and torch.allclose(many, before, atol=1e-5)
    assert torch.equal(sound.model.embed_tokens.weight, coarse.model.embed_tokens.weight)


def test_noise_is_as_wide_as_is_asked_for_and_the_same_under_one_seed():
    sound, noisy, again, other = model(), model(), model(), model()
    for copy, seed in ((noisy, 1), (again, 1), (other, 2)):
        copies.damaged(copy, Copy(kind="noise", dose=0.5), seed)
    pairs = zip(*map(copies.matrices, (sound, noisy)), strict=True)
    changes = torch.stack([(after - before).std() / before.std() for before, after in pairs])
    assert 0.45 < changes.mean() < 0.55
    with torch.no_grad():
        logits = [part(IDS).logits for part in (sound, noisy, again, other, copies.damaged(model(), Copy(kind="sound"), 1))]
    assert torch.equal(logits[1], logits[2]) and not torch.equal(logits[2], logits[3]) and torch.equal(logits[0], logits[4])


def lesson(n):
    total = 2 * n + 12
    return Trace(
        "t", str(n), f"{n} and {n + 12}?", f"{n} + {n + 12} = <<{n}+{n + 12}={total}>>{total}\n#### {total}", str(total), ""
    )


TRACES = [lesson(n) for n in range(20, 30)]


def test_wrong_solutions_keep_their_form_and_no_result():
    right, wrong = (copies.lessons(TRACES, Copy(kind=f"{kind} solutions", dose=4), 1) for kind in ("good", "wrong"))
    for trace, other in zip(right, wrong, strict=True):
        assert trace.prompt == other.prompt and len(trace.solution) == len(other.solution)
        assert trace.answer not in other.solution
        assert other.solution.count(other.solution.rpartition("#### ")[2]) >= 3  # the same wrong value wherever it stands
        assert other.solution.partition("=")[0] == trace.solution.partition("=")[0]  # what is given stays


def test_shuffled_solutions_are_all_there_and_none_is_its_own():
    good, shuffled = (copies.lessons(TRACES, Copy(kind=f"{kind} solutions", dose=6), 1) for kind in ("good", "shuffled"))
    assert [trace.prompt for trace in good] == [trace.prompt for trace in shuffled]
    assert sorted(trace.solution for trace in good) == sorted(trace.solution for trace in shuffled)
    assert all(a.solution != b.solution for a, b in zip(good, shuffled, strict=True))


@pytest.mark.published
def test_wrong_solutions_to_published_problems_keep_few_of_their_values_and_no_answer(published_set):
    for name in ("gsm8k", "math500", "humaneval", "mbpp_codet", "nltk_public_domain"):
        published_set(name)
    from proxylib import studies

    train = questions.texts(studies.profile("reference").real_model.asked).train
    number = lambda value: value.replace(",", "").lstrip("0").rstrip(".")
    worked_out = kept = 0
    for trace in train:
        results = {number(value) for value in copies.RESULT.findall(trace.solution)}
        pairs = zip(*(re.findall(copies.NUMBER, text) for text in (trace.solution, copies.wrong(trace, 1))), strict=True)
        of_results = [(right, other) for right, other in pairs if number(right) in results]
        bare = re.findall(r"=\s*\$?\s*\.\d", copies.wrong(trace, 1))  # begins with its point, which no other value does
        worked_out += len(of_results) + len(bare)
        kept += sum(right == other for right, other in of_results) + len(bare)
        assert copies.wrong(trace, 1).rpartition("#### ")[2] != trace.solution.rpartition("#### ")[2]
    assert 0 < kept / worked_out < 0.01  # as the docstring says
