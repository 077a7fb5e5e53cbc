"""Token statistics against a float64 oracle, closed forms, and the promise never to hold all logits at once."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proxylib.measure.tokenstats import chunked
from proxylib.measure.tokenstats.chunked import STATISTICS, token_statistics

SLACK = 2e-6  # relative to max(1, value): what float32 may lose beyond torch's own float32 log_softmax


class Table(torch.nn.Module):
    """A head whose logits are given: hidden state [row] -> logits[row]. Remembers how many rows each call asked for."""

    def __init__(self, logits):
        super().__init__()
        self.logits, self.asked = logits, []

    def forward(self, hidden):
        self.asked.append(len(hidden))
        return self.logits[hidden[:, 0].long()]


def measured(logits, targets, vocabulary=None, chunk=4):
    """(statistics as numpy arrays, head) of given float32 logits [N, V']."""
    head = Table(torch.as_tensor(logits, dtype=torch.float32))
    hidden = torch.arange(len(head.logits), dtype=torch.float32)[:, None]
    vocabulary = vocabulary or head.logits.shape[1]
    found = token_statistics(hidden, head, torch.as_tensor(targets, dtype=torch.long), vocabulary, chunk)
    return {name: value.numpy() for name, value in found.items()}, head


def oracle(logits, targets, vocabulary):
    """The same statistics in float64 from the same float32 logits, all at once."""
    z = np.asarray(logits, np.float32).astype(np.float64)[:, :vocabulary]
    own = z[np.arange(len(z)), targets][:, None]
    shifted = z - z.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    p = np.exp(log_p)
    return {
        "nll": -log_p[np.arange(len(z)), targets],
        "entropy": -np.where(p > 0, p * np.where(p > 0, log_p, 0.0), 0.0).sum(1),
        "n_greater": (z > own).sum(1),
        "n_equal": (z == own).sum(1),
        "p_max": p.max(1),
    }


def naive(logits, targets, vocabulary):
    """What a person would write first, in float32, over the whole matrix."""
    log_p = torch.log_softmax(torch.as_tensor(logits, dtype=torch.float32)[:, :vocabulary], 1)
    terms = torch.where(log_p > -math.inf, log_p.exp() * log_p, 0.0)
    nll = -log_p.gather(1, torch.as_tensor(targets)[:, None])[:, 0]
    return {"nll": nll.numpy(), "entropy": -terms.sum(1).numpy(), "p_max": log_p.exp().amax(1).numpy()}


def drawn(seed, rows, vocabulary, scale, padding=0):
    rng = np.random.default_rng(seed)
    logits = (scale * rng.standard_normal((rows, vocabulary + padding))).astype(np.float32)
    logits[:, vocabulary:] += 100 * scale  # padding that would win every comparison if it were not masked
    return logits, rng.integers(0, vocabulary, rows)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    rows=st.integers(1, 17),
    vocabulary=st.integers(2, 60),
    padding=st.integers(0, 5),
    chunk=st.integers(1, 20),
    scale=st.sampled_from([1e-3, 0.1, 1.0, 10.0, 300.0, 1e4]),
    seed=st.integers(0, 10_000),
)
def test_error_against_float64_is_no_worse_than_naive_float32(rows, vocabulary, padding, chunk, scale, seed):
    logits, targets = drawn(seed, rows, vocabulary, scale, padding)
    found, _ = measured(logits, targets, vocabulary, chunk)
    exact, plain = oracle(logits, targets, vocabulary), naive(logits, targets, vocabulary)
    for name, reference in plain.items():
        error, allowed = np.abs(found[name] - exact[name]), np.abs(reference - exact[name]).max()
        assert (error <= allowed + SLACK * np.maximum(1, np.abs(exact[name]))).all(), name
    for name in ("n_greater", "n_equal"):
        assert (found[name] == exact[name]).all(), name


@pytest.mark.parametrize("vocabulary", [2, 259, 512, 1001])
def test_uniform_logits_give_log_v_and_the_middle_rank(vocabulary):
    found, _ = measured(np.full((3, vocabulary), -7.25), [0, 1, vocabulary - 1])
    assert found["nll"] == pytest.approx(math.log(vocabulary), rel=1e-6)
    assert found["entropy"] == pytest.approx(math.log(vocabulary), rel=1e-6)
    assert found["p_max"] == pytest.approx(1 / vocabulary, rel=1e-6)
    assert (found["n_equal"] == vocabulary).all()
    assert (1 + found["n_greater"] + (found["n_equal"] - 1) / 2 == (vocabulary + 1) / 2).all()


def test_a_certain_model_has_no_loss_and_no_entropy():
    logits = np.zeros((2, 9), np.float32)
    logits[:, 4] = 1000.0
    found, _ = measured(logits, [4, 0])
    assert found["entropy"] == pytest.approx([0, 0], abs=1e-7)
    assert found["nll"] == pytest.approx([0, 1000])
    assert found["p_max"] == pytest.approx([1, 1])
    assert list(found["n_greater"]) == [0, 1] and list(found["n_equal"]) == [1, 8]


def test_minus_infinity_logits_leave_finite_values():
    logits = np.full((1, 6), -np.inf, np.float32)
    logits[0, :3] = [0.0, 0.0, math.log(2)]
    found, _ = measured(logits, [2])
    assert found["entropy"][0] == pytest.approx(-(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25)), rel=1e-6)
    assert found["nll"][0] == pytest.approx(math.log(2), rel=1e-6)
    assert (found["n_greater"][0], found["n_equal"][0]) == (0, 1)


def test_large_logits_of_one_sign_neither_overflow_nor_vanish():
    base, targets = drawn(3, 5, 40, 2.0)
    for shift in (-4096.0, 4096.0):  # exact in float32 next to multiples of 2**-10
        grid = np.round(base * 1024) / 1024
        plain, moved = measured(grid, targets)[0], measured(grid + np.float32(shift), targets)[0]
        for name in STATISTICS:
            assert moved[name] == pytest.approx(plain[name], rel=1e-5, abs=1e-6), name


def test_ties_are_counted_exactly():
    rng = np.random.default_rng(5)
    logits, targets = rng.integers(-2, 3, (40, 30)).astype(np.float32), rng.integers(0, 30, 40)
    found, _ = measured(logits, targets, chunk=7)
    for row, target in enumerate(targets):
        greater = sum(value > logits[row, target] for value in logits[row])
        equal = sum(value == logits[row, target] for value in logits[row])
        assert (found["n_greater"][row], found["n_equal"][row]) == (greater, equal)


def test_a_target_ties_with_itself_under_a_real_head():
    # a target logit from a product of its own would differ from the matrix's in its last bits: n_equal would drop to 0
    generator = torch.Generator().manual_seed(1)
    head = torch.nn.Linear(48, 300, bias=False)
    torch.nn.init.normal_(head.weight, generator=generator)
    hidden = torch.randn(400, 48, generator=generator)
    targets = torch.randint(0, 300, (400,), generator=generator)
    with torch.inference_mode():
        found = token_statistics(hidden, head, targets, 300, 64)
    assert int(found["n_equal"].min()) == 1


def test_padding_rows_of_the_vocabulary_change_nothing():
    logits, targets = drawn(8, 11, 33, 1.5)
    padded = np.hstack([logits, np.full((11, 6), 50.0, np.float32)])
    plain, masked = measured(logits, targets, 33)[0], measured(padded, targets, 33)[0]
    for name in STATISTICS:
        assert (plain[name] == masked[name]).all(), name


def test_chunk_size_does_not_change_a_bit():
    logits, targets = drawn(9, 23, 77, 3.0)
    whole = measured(logits, targets, chunk=1000)[0]
    for chunk in (1, 2, 5, 22, 23, 24):
        part = measured(logits, targets, chunk=chunk)[0]
        for name in STATISTICS:
            assert part[name].tobytes() == whole[name].tobytes(), (chunk, name)


def test_chunk_size_moves_a_real_head_only_in_the_last_bits():
    generator = torch.Generator().manual_seed(2)
    head = torch.nn.Linear(32, 259)
    hidden, targets = torch.randn(37, 32, generator=generator), torch.randint(0, 259, (37,), generator=generator)
    with torch.inference_mode():
        whole, parts = (token_statistics(hidden, head, targets, 259, chunk) for chunk in (37, 5))
    for name in ("nll", "entropy", "p_max"):
        torch.testing.assert_close(parts[name], whole[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("rows", "chunk"), [(23, 5), (20, 5), (3, 8), (1, 1)])
def test_logits_never_exist_for_more_than_a_chunk(rows, chunk):
    logits, targets = drawn(4, rows, 12, 1.0)
    found, head = measured(logits, targets, chunk=chunk)
    assert max(head.asked) <= chunk and sum(head.asked) == rows
    assert {len(value) for value in found.values()} == {rows}


def test_half_precision_heads_are_summed_in_float32():
    logits, targets = drawn(6, 20, 500, 4.0)
    rough = torch.as_tensor(logits).to(torch.bfloat16)
    hidden = torch.arange(20, dtype=torch.float32)[:, None]
    found = token_statistics(hidden, Table(rough), torch.as_tensor(targets), 500, 6)
    exact = oracle(rough.float().numpy(), targets, 500)
    for name in ("nll", "entropy", "p_max"):
        assert found[name].numpy() == pytest.approx(exact[name], rel=1e-5, abs=1e-6), name


def test_a_compiler_that_fails_is_named_once_and_nothing_is_lost(monkeypatch, capsys):
    def fails(*_):
        raise RuntimeError("no C++ compiler\nand a page of advice")

    monkeypatch.setattr(chunked, "_compiler", lambda: fails)
    monkeypatch.setattr(chunked, "_USED", {})
    logits, targets = torch.randn(7, 11), torch.arange(7)
    given = (torch.arange(7)[:, None], lambda rows: logits[rows[:, 0]], targets, 11, 3)
    found, expected = chunked.token_statistics(*given, impl="compiled"), chunked.token_statistics(*given)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert capsys.readouterr().err == "proxylib: not compiled, slower (no C++ compiler)\n"
