"""All columns under every implementation: closed forms, degenerate distributions, invariances."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proxylib.errors import UserError
from proxylib.measure.tokenstats import chunked, reference
from proxylib.measure.tokenstats.chunked import IMPLEMENTATIONS, token_statistics
from proxylib.measure.tokenstats.columns import COLUMNS, STATISTICS, chosen

many = settings(max_examples=80, deadline=None, derandomize=True, database=None)
ALL = tuple(COLUMNS)
REAL = ("nll", "entropy", "p_max", "varentropy", "sum_p2", "mass_above")
WHOLE = ("n_greater", "n_equal")


def measured(logits, targets, impl="chunked", chunk=3, vocabulary=None, top=0):
    """Statistics of given logits [N, V'], whose rows the head looks up."""
    rows = torch.arange(len(logits))[:, None]
    vocabulary = vocabulary or logits.shape[1]
    head = lambda hidden: logits[hidden[:, 0]]
    return token_statistics(rows, head, torch.as_tensor(targets), vocabulary, chunk, ALL, impl, top)


@many
@given(
    rows=st.integers(1, 9),
    vocabulary=st.integers(1, 70),
    padding=st.integers(0, 4),
    chunk=st.integers(1, 12),
    cached=st.sampled_from([1, 64, 500, 1 << 22]),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 20.0, 1e3]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    infinite=st.booleans(),
    seed=st.integers(0, 9999),
)
def test_both_implementations_agree(rows, vocabulary, padding, chunk, cached, scale, dtype, infinite, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = (scale * torch.randn(rows, vocabulary + padding, generator=generator)).to(dtype)
    targets = torch.randint(0, vocabulary, (rows,), generator=generator)
    if infinite:  # entries that a model rules out; the target itself stays possible
        ruled_out = torch.rand(logits.shape, generator=generator) < 0.3
        logits = logits.masked_fill(ruled_out.scatter(1, targets[:, None], False), -math.inf)
    whole = chunked.CACHED
    chunked.CACHED = cached
    try:
        found = measured(logits, targets, chunk=chunk, vocabulary=vocabulary)
    finally:
        chunked.CACHED = whole
    oracle = measured(logits, targets, "reference", vocabulary=vocabulary)
    for name in WHOLE:
        assert (found[name] == oracle[name]).all(), name
    size = max(1.0, float(logits[torch.isfinite(logits)].double().abs().max()))
    for name in REAL:
        unit = size**2 if name == "varentropy" else size if COLUMNS[name].unit == "nats" else 1.0
        assert torch.allclose(found[name].double(), oracle[name], rtol=2e-5, atol=4e-6 * unit), name
        assert torch.isfinite(found[name]).all() and (found[name] >= -1e-5 * unit).all(), name


@pytest.mark.slow  # where nothing was compiled before
@many
@given(rows=st.integers(1, 6), vocabulary=st.integers(2, 60), seed=st.integers(0, 9999), impl=st.sampled_from(IMPLEMENTATIONS))
def test_what_must_hold_of_any_distribution(rows, vocabulary, seed, impl):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(rows, vocabulary, generator=generator)
    targets = torch.randint(0, vocabulary, (rows,), generator=generator)
    found = {name: value.double() for name, value in measured(logits, targets, impl).items()}
    p = (-found["nll"]).exp()
    assert (p <= found["p_max"] + 1e-6).all() and ((found["n_greater"] == 0) == (p >= found["p_max"] - 1e-7)).all()
    assert (found["n_greater"] + found["n_equal"] <= vocabulary).all() and (found["n_equal"] >= 1).all()
    assert (found["entropy"] <= math.log(vocabulary) + 1e-6).all()
    assert (found["sum_p2"] <= found["p_max"] + 1e-6).all()
    assert (found["sum_p2"] >= (-found["entropy"]).exp() - 1e-6).all()  # Jensen: collisions are at least exp(-entropy)
    assert (found["mass_above"] + p <= 1 + 1e-5).all()
    assert (found["mass_above"] >= found["n_greater"] * p - 1e-5).all()
    moved = measured(logits + 7.0, targets, impl)
    for name in REAL:  # logits are defined up to a constant
        assert torch.allclose(moved[name].double(), found[name], atol=2e-5), name
    order = torch.randperm(vocabulary, generator=generator)
    renamed = measured(logits[:, order], order.argsort()[targets], impl)
    for name in ALL:  # the names of entries mean nothing
        assert torch.allclose(renamed[name].double(), found[name], atol=1e-5), name


@pytest.mark.parametrize("impl", IMPLEMENTATIONS)
def test_uniform_and_one_hot_have_closed_forms(impl):
    uniform = {name: value.item() for name, value in measured(torch.zeros(1, 50), [7], impl).items()}
    assert uniform["nll"] == pytest.approx(math.log(50)) and uniform["entropy"] == pytest.approx(math.log(50))
    assert (uniform["n_greater"], uniform["n_equal"]) == (0, 50)
    assert uniform["p_max"] == pytest.approx(0.02) and uniform["sum_p2"] == pytest.approx(0.02)
    assert uniform["varentropy"] == pytest.approx(0, abs=1e-9) and uniform["mass_above"] == 0
    sure = torch.full((2, 50), -math.inf)
    sure[:, 7] = 3.0
    hit, miss = ({name: value[row].item() for name, value in measured(sure, [7, 8], impl).items()} for row in (0, 1))
    assert [hit[name] for name in ALL] == [0, 0, 0, 1, 1, 0, 1, 0]
    assert miss["nll"] == math.inf and miss["n_greater"] == 1 and miss["n_equal"] == 49 and miss["mass_above"] == 1


def test_two_levels_have_closed_forms():
    a, n = 0.6, 4  # one entry of probability a, n others that share the rest
    logits = torch.tensor([[math.log(a), *[math.log((1 - a) / n)] * n]])
    found = {name: value.item() for name, value in measured(logits, [2]).items()}
    entropy = -a * math.log(a) - (1 - a) * math.log((1 - a) / n)
    second = a * math.log(a) ** 2 + (1 - a) * math.log((1 - a) / n) ** 2
    assert found["entropy"] == pytest.approx(entropy, abs=1e-6)
    assert found["varentropy"] == pytest.approx(second - entropy**2, abs=1e-6)
    assert found["sum_p2"] == pytest.approx(a**2 + (1 - a) ** 2 / n, abs=1e-6)
    assert found["mass_above"] == pytest.approx(a, abs=1e-6) and (found["n_greater"], found["n_equal"]) == (1, n)


def test_varentropy_far_from_the_maximum_does_not_cancel():
    logits = torch.full((1, 20_000), -12.0)
    logits[0, 0] = 0.0
    logits[0, 1::2] += 0.01
    *found, oracle = (measured(logits, [5], impl)["varentropy"].item() for impl in IMPLEMENTATIONS)
    assert found == pytest.approx([oracle] * len(found), rel=5e-4)  # compiled sums run on one by one on some processors


def test_the_most_likely_come_first_and_never_from_the_padding():
    logits = torch.tensor([[0.0, 3.0, -1.0, 2.0, 99.0]])
    found = measured(logits, [0], vocabulary=4, top=3)
    assert found["top_ids"].tolist() == [[1, 3, 0]] and found["top_logits"].tolist() == [[3.0, 2.0, 0.0]]
    assert measured(logits, [0], vocabulary=4, top=9)["top_ids"].shape == (1, 4)


def test_columns_are_asked_for_by_name():
    assert chosen(()) == STATISTICS and chosen(("sum_p2", "varentropy")) == (*STATISTICS, "varentropy", "sum_p2")
    with pytest.raises(UserError, match="column rank: not known; columns are nll, entropy"):
        chosen(("rank",))


def test_reference_holds_what_is_asked():
    assert set(reference.statistics(torch.zeros(2, 3), torch.tensor([0, 1]), ("nll", "p_max"))) == {"nll", "p_max"}
