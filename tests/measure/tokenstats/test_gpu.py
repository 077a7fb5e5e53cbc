"""On a GPU: the same statistics as on a processor, logits that are not rounded, memory within its bound."""

import pytest
import torch

from proxylib.measure.tokenstats import reference
from proxylib.measure.tokenstats.chunked import token_statistics
from proxylib.measure.tokenstats.columns import COLUMNS, STATISTICS
from proxylib.measure.tokenstats.heads import Head

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
ROWS, HIDDEN, VOCABULARY, CHUNK = 700, 256, 50304, 128


def drawn(dtype):
    generator = torch.Generator().manual_seed(0)
    layer = torch.nn.Linear(HIDDEN, VOCABULARY, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(VOCABULARY, HIDDEN, generator=generator) * 2.5 / HIDDEN**0.5)
    hidden = torch.randn(ROWS, HIDDEN, generator=generator)
    targets = torch.randint(0, VOCABULARY, (ROWS,), generator=generator)
    return layer.to("cuda", dtype), hidden.to("cuda", dtype), targets.to("cuda")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_statistics_are_those_of_the_same_operands_in_float64(dtype):
    layer, hidden, targets = drawn(dtype)
    with torch.inference_mode():
        found = token_statistics(hidden, Head(layer), targets, VOCABULARY, CHUNK, tuple(COLUMNS))
        oracle = reference.statistics(hidden.double() @ layer.weight.double().T, targets, tuple(COLUMNS))
    for name in ("nll", "entropy", "p_max", "varentropy", "sum_p2", "mass_above"):
        torch.testing.assert_close(found[name].double(), oracle[name], rtol=1e-3, atol=1e-4)
    assert (found["n_greater"] - oracle["n_greater"]).abs().max() <= 2
    assert (found["n_equal"] == 1).float().mean() > 0.99  # rounded logits would tie with dozens


def test_memory_of_the_head_stage_is_within_its_bound():
    layer, hidden, targets = drawn(torch.bfloat16)
    with torch.inference_mode():
        token_statistics(hidden, Head(layer), targets, VOCABULARY, CHUNK, STATISTICS)
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        token_statistics(hidden, Head(layer), targets, VOCABULARY, CHUNK, STATISTICS)
        torch.cuda.synchronize()
    assert torch.cuda.max_memory_allocated() - before <= 2 * CHUNK * VOCABULARY * 4
