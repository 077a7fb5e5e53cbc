"""Rates and rooms: bounds that follow from counts of operations and bytes."""

import pytest
import torch

pytest.importorskip("pydantic")  # benchmarks/gpu.py runs the tests marked gpu also on machines that lack it
from proxylib.models import machine  # noqa: E402


def test_bounds_follow_from_operations_and_bytes():
    reach = machine.within_reach(rate=2 * 8e9 * 10, space=17e9).set_index("model")
    assert reach.loc["8B", "forward"] == pytest.approx(10) and reach.loc["8B", "lora"] == pytest.approx(5)
    assert not reach.loc["8B", "float32"] and reach.loc["8B", "bfloat16"]  # 32 GB and 16 GB
    assert (reach["forward"].diff().dropna() < 0).all()


def test_the_rate_is_measured_and_threads_are_as_before():
    before = torch.get_num_threads()
    assert machine.rate(threads=1) > 1e8
    assert torch.get_num_threads() == before


def test_a_disk_is_known_before_its_folder_is_made(tmp_path):
    assert machine.disk(tmp_path / "a" / "b") == pytest.approx(machine.disk(tmp_path), rel=0.01)


def test_arithmetic_libraries_have_names():
    facts = machine.processor()
    assert "unknown" not in facts["BLAS"] and facts["cores"][0].isdigit()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_every_card_says_its_memory():
    assert machine.cards() and all(0 < card["free"] <= card["bytes"] for card in machine.cards())
