"""How much memory a fine-tune takes and how much there is, before it begins: counted in bytes, never tried out."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import resource
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from transformers import PreTrainedModel, Trainer

from proxylib.errors import UserError
from proxylib.models import control_groups
from proxylib.models.settings import Tuning

PROBES = (8, 16, 24)  # tokens: three lengths tell what grows with a text's length, and what with its square
STATES = 3  # of a trained parameter beside itself: its gradient and two of AdamW, all float32
MACHINE = Path("/proc/meminfo")


def available(device: str) -> float:
    """Bytes that this process may still take there; infinite where nothing says."""
    if torch.device(device).type != "cpu":
        return float(torch.cuda.mem_get_info(device)[0])
    return min([*_limits(control_groups.PROCESS), _free(MACHINE), _addresses()])


def _free(path: Path) -> float:
    """Of the machine: what the kernel takes for available."""
    for line in control_groups.lines(path):
        name, _, rest = line.partition(":")
        if name == "MemAvailable" and rest.split()[0].isdecimal():
            return float(rest.split()[0]) * 1024
    return math.inf


def _limits(process: Path) -> list[float]:
    """Room in each control group around a process: its limit less its use, files apart that can be read again."""
    rooms = []
    for folder in control_groups.around(process, "memory"):
        for limit, use, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, taken = _number(folder / limit), _number(folder / use)
            if most is not None and taken is not None:
                again = dict(line.split()[:2] for line in control_groups.lines(folder / "memory.stat") if " " in line)
                rooms.append(most - taken + float(again.get(cached, 0)))
    return rooms


def _number(path: Path) -> float | None:
    with contextlib.suppress(ValueError, IndexError):
        return float(int(control_groups.words(path)[0]))
    return None  # "max", or no such file


def _addresses() -> float:
    """Under a limit of the shell (ulimit -v)."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    pages = control_groups.words(control_groups.PROCESS / "statm")
    if limit == resource.RLIM_INFINITY or not pages:
        return math.inf
    return float(limit - int(pages[0]) * os.sysconf("SC_PAGE_SIZE"))


def weights(folder: Path, dtype: torch.dtype) -> int:
    """Bytes of a model's weights in a precision, by the heads of its files; 0 where these cannot be read."""
    total = 0
    for path in folder.glob("*.safetensors"):
        with contextlib.suppress(OSError, ValueError, struct.error, AttributeError, KeyError, TypeError):
            with path.open("rb") as file:
                header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            total += sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    return total * dtype.itemsize


def refuse_weights(folder: Path, dtype: torch.dtype, device: str) -> None:
    """`UserError` where a model's weights alone are more than there is room for."""
    need, room = weights(folder, dtype), available(device)
    if need > room:
        raise UserError(
            f"not enough memory: the weights of {folder} take {need / 1e9:.1f} GB, {room / 1e9:.1f} GB are free; give a "
            "smaller base, -p dtype bfloat16, or a larger machine"
        )


def training(model: PreTrainedModel, tokens: int, dtype: torch.dtype, recompute: bool) -> tuple[float, float]:
    """Bytes that training takes beside the weights: in any case, and per text of so many tokens in a pass.

    Parameters
    ----------
    model : a base with what is trained on it
    tokens : of the longest text; shorter ones are padded to it
    dtype : in which is computed
    recompute : whether activations are computed again for the backward pass

    Notes
    -----
    What a forward pass keeps for the backward pass is counted at three short lengths, and the square through them taken at
    `tokens`. Gradients of activations come to about one more layer. With `recompute`, each layer keeps its input, and one at a
    time all.
    """
    config = model.config.get_text_config()
    layers = max(1, getattr(config, "num_hidden_layers", 1))
    trunk = model.get_base_model().base_model if hasattr(model, "get_base_model") else model.base_model
    kept = [saved(trunk, length, dtype) for length in PROBES]
    whole = max(0.0, _parabola(kept, tokens))
    per_text = whole * (1 + 1 / layers)
    if recompute:
        per_text = 2 * whole / layers + layers * tokens * config.hidden_size * dtype.itemsize
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return trained * 4.0 * STATES, per_text


def fitting(trainer: Trainer, longest: int, config: Tuning, dtype: torch.dtype) -> int:
    """Examples of a pass that memory holds, at most as many as are asked for; fewer are said. All processes agree.

    Raises
    ------
    UserError
        Where it does not hold one.
    """
    asked, processes = config.device_batch or config.batch, trainer.args.world_size
    fixed, per_text = training(trainer.model, longest, dtype, config.recompute)
    room = available(str(trainer.args.device)) / (processes if trainer.args.use_cpu else 1)
    sizes = [size for size in range(asked, 0, -1) if config.batch % (size * processes) == 0]
    size = next((size for size in sizes if fixed + size * per_text <= room), 0)
    size = int(trainer.accelerator.gather(torch.tensor([size], device=trainer.args.device)).min())
    takes = lambda texts: f"a pass of {texts} takes about {(fixed + texts * per_text) / 1e9:.2g} GB beside the weights"
    free = f"{room / 1e9:.2g} GB are free"
    if not size:
        raise UserError(
            f"not enough memory: {takes(1)}, {free}; give -p recompute true, a smaller -p context, rank or base, or a larger "
            "machine"
        )
    if size < asked and trainer.is_world_process_zero():
        print(f"proxylib: {takes(asked)}, {free}; going on with {size} (device_batch)", file=sys.stderr)
    return size


@contextlib.contextmanager
def named(size: int) -> Iterator[None]:
    """Memory that runs out all the same, in passes of that size: a `UserError` with the options that need less."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if type(error) is RuntimeError and not re.search("out of memory|allocate memory", str(error)):
            raise
        raise UserError(
            f"out of memory with passes of {size}; give a smaller -p device_batch, -p recompute true, or a smaller -p context; "
            "the same command goes on from its last checkpoint"
        ) from None


def saved(trunk: torch.nn.Module, tokens: int, dtype: torch.dtype) -> int:
    """Bytes that a forward pass of one text keeps for its backward pass, parameters and buffers apart."""
    known = {_storage(tensor) for tensor in (*trunk.parameters(), *trunk.buffers())}
    sizes: dict[int, tuple[int, torch.Tensor]] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        place = _storage(tensor)
        if place not in known:  # the tensor is kept, lest another takes its place
            sizes[place] = tensor.untyped_storage().nbytes(), tensor
        return tensor

    device = next(trunk.parameters()).device
    ids = torch.zeros(1, tokens, dtype=torch.long, device=device)
    narrow = torch.autocast(device.type, dtype) if dtype != torch.float32 else contextlib.nullcontext()
    with torch.enable_grad(), narrow, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        trunk(input_ids=ids, use_cache=False)
    return sum(size for size, _ in sizes.values())


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _parabola(values: Iterable[float], x: float) -> float:
    """The square through values at `PROBES`, at x."""
    (a, b, c), (fa, fb, fc) = PROBES, values
    first, second = (fb - fa) / (b - a), (fc - fb) / (c - b)
    return fa + first * (x - a) + (second - first) / (c - a) * (x - a) * (x - b)
