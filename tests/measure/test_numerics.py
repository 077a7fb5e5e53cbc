"""Precision and layouts: the oracle has no error, rounding shows, the same call gives the same bits."""

import pytest
import torch

from proxylib.data.trace import Trace
from proxylib.measure import numerics
from proxylib.measure.tokenstats.encode import Window, encode
from proxylib.models import architectures, tokenizers
from proxylib.models.settings import Model

TRACES = [Trace("ab"[n % 2], str(n), f"p {n}\n", "abc " * (3 + n) + "end\n", "", "") for n in range(6)]


@pytest.fixture(scope="module")
def made():
    torch.manual_seed(2)
    spec = Model(architecture="llama", tokenizer="byte", width=32, depth=1, mix="expert", post="none", share=1.0)
    model = architectures.build(spec, 259, 64).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(8)
    tokenizer = tokenizers.train("byte", [], 300)
    encoded = [encode(trace, tokenizer, Window(1000), 128) for trace in TRACES]
    return numerics.precision(model, 259, TRACES, encoded), numerics.layouts(model, 259, TRACES, encoded)


def test_precision_falls_from_variant_to_variant(made):
    found = made[0].set_index("variant")
    assert list(found.index) == list(numerics.VARIANTS)
    assert found.loc["float32", "nll_mean"] < 1e-5 < 1e-4 < found.loc["bfloat16 trunk, float32 logits", "nll_mean"]
    rounded = "float32 model, logits rounded to bfloat16"
    assert found.loc[rounded, "tied"] > found.loc["float32", "tied"]
    assert found.loc["float32", "rank_changed"] <= 0.01 < found.loc[rounded, "rank_changed"]
    strict, pessimistic = (f"{numerics.WINNER}, {ties} error" for ties in ("strict", "pessimistic"))
    assert found.loc[rounded, strict] >= found.loc[rounded, pessimistic]


def test_a_layout_moves_last_bits_and_the_same_call_none(made):
    found = made[1].set_index("layout")
    assert found.loc["the same again", "same_bits"] and found.loc["the same again", "nll_most"] == 0
    assert (found["nll_most"] < 1e-4).all() and (found["rank_changed"] < 0.02).all()


def test_a_real_vocabulary_ties_in_bfloat16(monkeypatch):
    monkeypatch.setitem(numerics.REAL, "vocabulary", 20000)
    found = numerics.real_head().set_index("logits")
    assert found.loc["bfloat16", "tied"] > 0.5 > found.loc["float32", "tied"]
    assert found.loc["bfloat16", "rank_error"] > found.loc["float32", "rank_error"]
    assert found.loc["float32", "nll_mean"] < 1e-4
