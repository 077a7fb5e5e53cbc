"""Out of memory: halve, say so, go on."""

import pytest
import torch

from proxylib.errors import UserError
from proxylib.models import devices


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA"), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_memory_that_runs_out_halves_the_batch_and_loses_nothing(capsys, error):
    sizes = []

    def compute(batch):
        sizes.append(len(batch))
        if len(batch) > 3:
            raise error
        return batch

    results, used = devices.in_batches(list(range(10)), 10, compute)
    assert sum(results, []) == list(range(10)) and used == 3
    assert sizes[:3] == [10, 5, 3] and max(sizes[2:]) <= 3
    assert "going on with batches of 3" in capsys.readouterr().err


def test_one_item_that_does_not_fit_is_one_line():
    def compute(batch):
        raise torch.OutOfMemoryError("CUDA")

    with pytest.raises(UserError, match="single item"):
        devices.in_batches([1, 2], 2, compute)


def test_another_error_is_not_taken_for_it():
    def compute(batch):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        devices.in_batches([1], 1, compute)


def test_cuda_without_a_device_is_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="no CUDA device"):
        devices.prepare("cuda", 1)


def test_all_gpus_are_for_one_process(monkeypatch):
    devices.refuse("auto")
    monkeypatch.setenv("WORLD_SIZE", "2")
    devices.refuse("cpu")
    with pytest.raises(UserError, match="'auto' takes all GPUs for one process; start one, or say cuda"):
        devices.refuse("auto")


@pytest.mark.parametrize("said", ["two", "-1", "1.0"])
def test_a_number_of_a_launcher_that_is_none_is_named(monkeypatch, said):
    monkeypatch.setenv("WORLD_SIZE", "")
    assert devices.launched("WORLD_SIZE", 1) == 1
    monkeypatch.setenv("WORLD_SIZE", said)
    with pytest.raises(UserError, match="WORLD_SIZE is .* unset it"):
        devices.launched("WORLD_SIZE", 1)


def test_each_process_of_a_launch_takes_a_gpu_of_its_own(monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda *given, **options: None)
    for number in ("0", "1"):
        monkeypatch.setenv("LOCAL_RANK", number)
        devices.prepare("cuda", torch.get_num_threads())
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UserError, match="process 3 of a launch has no GPU: there are 2"):
        devices.prepare("cuda", 1)
    assert taken == [0, 1]
