"""Settings of an LLM judge: what is out of bounds is one line that names it."""

import pytest
import torch

from proxylib.errors import UserError
from proxylib.judging.settings import LLMJudge
from proxylib.settings import validated


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"connections": 0}, "connections: .* 1 .given: 0"),
        ({"limit_cost": 1.0}, "limit_cost: needs price_in or price_out"),
        ({"attempts": 0}, "attempts: "),
        *(({"limit_cost": value, "price_in": 1.0}, "limit_cost: ") for value in (float("nan"), float("inf"), -1.0, 0.0)),
        *(({name: value}, f"{name}: ") for name in ("price_in", "temperature") for value in (float("nan"), -1.0)),
        ({"limit_tokens": 0}, "limit_tokens: "),
        ({"device": "cpu"}, "device: is for a model in a folder, hf/FOLDER; x runs as its server decides: leave it out"),
        ({"dtype": "float32", "model": "vllm/m"}, "dtype: is for a model in a folder"),
        ({"device": "tpu", "model": "hf/m"}, "device: Input should be 'cpu', 'cuda' or 'auto'"),
        ({"limit": 5}, "limit: Extra inputs"),
        ({"model": 3}, "model: .*string"),
    ],
)
def test_bad_settings_are_one_line(values, message):
    with pytest.raises(UserError, match=message):
        validated(LLMJudge, {"model": "x"} | values, "judge")


@pytest.mark.parametrize(
    ("gpu", "given", "placed"),
    [
        (False, {}, ("cpu", "float32")),
        (True, {}, ("cuda", "bfloat16")),
        (True, {"device": "cpu"}, ("cpu", "float32")),
        (True, {"device": "auto"}, ("auto", "bfloat16")),
        (False, {"device": "auto"}, ("auto", "float32")),
        (True, {"dtype": "float32"}, ("cuda", "float32")),
        (False, {"dtype": "bfloat16"}, ("cpu", "bfloat16")),
    ],
)
def test_what_is_left_out_is_decided_by_what_there_is(monkeypatch, gpu, given, placed):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert LLMJudge(model="hf/m", **given).placed() == placed


def test_a_gpu_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="parameter device: 'cuda', but torch sees no CUDA device; say cpu"):
        LLMJudge(model="hf/m", device="cuda").placed()


def test_a_cost_is_both_prices_times_tokens_in_millions():
    judge = LLMJudge(model="x", price_in=2.0, price_out=10.0, limit_cost=1)
    assert judge.cost(500_000, 100_000) == pytest.approx(2.0)
