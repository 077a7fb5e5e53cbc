"""Arithmetic against built models, released counts and published throughputs."""

import copy

import pytest
import torch
from transformers import AutoModelForCausalLM, Qwen3Config

from proxylib.models import arithmetic, memory
from proxylib.models.arithmetic import Shape

TINY = Shape(3, 32, 48, 4, 2, 8, 100)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = Qwen3Config(
        num_hidden_layers=3, hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        vocab_size=100, tie_word_embeddings=False,
    )  # fmt: skip
    return AutoModelForCausalLM.from_config(config)


def test_matrices_are_those_of_the_built_model(model):
    assert TINY.parameters == sum(p.numel() for p in model.parameters() if p.dim() > 1)
    tied = TINY._replace(tied=True)
    assert TINY.parameters - tied.parameters == 3200 and TINY.passed == tied.passed == TINY.parameters - 6400


def test_an_adapter_is_as_large_as_that_of_peft(model):
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    adapted = get_peft_model(copy.deepcopy(model), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert TINY.trained(4) == sum(p.numel() for p in adapted.parameters() if p.requires_grad)


def test_frozen_matrices_take_two_products_and_a_third_when_computed_again():
    plain, again = (arithmetic.operations(TINY, 10, 1, 0, recompute) for recompute in (False, True))
    scores = 2 * 4 * 8 * 3 * 10
    assert plain == 4 * (TINY.passed + TINY.table) * 10 + 3 * scores
    assert again - plain == 2 * TINY.passed * 10 + scores
    assert arithmetic.operations(TINY, 10, 1, 2, False) - plain == 6 * TINY.trained(2) * 10
    assert arithmetic.passes(7, 2, True) == 84 and arithmetic.hours(3.6e15, 1e12, 0.5) == pytest.approx(2)


def test_experts_take_memory_and_those_a_token_passes_take_operations():
    mixture = TINY._replace(experts=8, active=2)
    assert mixture.parameters - TINY.parameters == 3 * (7 * TINY.expert + 32 * 8)
    assert mixture.passed - TINY.passed == 3 * (TINY.expert + 32 * 8) and mixture.trained(4) < TINY.trained(4)


def test_a_text_takes_about_what_a_pass_keeps(model):
    trunk, length = model.model, 24
    kept = memory.saved(trunk, length, torch.float32)
    counted = 2 * (arithmetic.text_bytes(TINY, length, False) - 10 * length * 100) * 3 / 4  # float32, without gradients
    assert 0.5 < counted / kept < 2
    assert arithmetic.text_bytes(TINY, length, True) < arithmetic.text_bytes(TINY._replace(layers=40), length, False)
    assert arithmetic.fixed_bytes(TINY, 4) == 2 * TINY.parameters + 16 * TINY.trained(4)
