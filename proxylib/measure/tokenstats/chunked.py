"""Statistics from hidden states, a few rows of logits at a time: the full [T, V] logits never exist."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache

import torch

from proxylib.measure.tokenstats import reference
from proxylib.measure.tokenstats.columns import STATISTICS, TOP_IDS, TOP_LOGITS

IMPLEMENTATIONS = ("chunked", "compiled", "reference")
CACHED = 4 << 20  # bytes of logits that are reduced together on a processor: they stay in its cache between the passes


def token_statistics(
    hidden: torch.Tensor,
    head: Callable[[torch.Tensor], torch.Tensor],
    targets: torch.Tensor,
    vocabulary: int,
    chunk: int,
    columns: tuple[str, ...] = STATISTICS,
    impl: str = "chunked",
    top: int = 0,
) -> dict[str, torch.Tensor]:
    """Statistics of the next-token distribution at each position.

    Parameters
    ----------
    hidden : [N, H] last hidden states that predict the targets
    head : the model's output layer with all that it does to logits, [.., H] -> [.., V'] with V' >= vocabulary
    targets : [N] token ids of the expert
    vocabulary : real entries V; rows of the head beyond them are padding and masked
    chunk : positions at a time; extra memory is at most 2 x chunk x V' x 4 bytes
    columns : of `columns.COLUMNS`
    impl : "chunked"; "compiled", the same with one compiled pass over the logits of a chunk, which costs some seconds once
        and needs a C++ compiler (without one, a line says so and it is "chunked"); or "reference": all logits at once in
        float64, for tests and doubts
    top : length of the list of most likely entries, 0 for none

    Returns
    -------
    dict of [N] tensors, one per column; with `top`, also `top_ids` and `top_logits` [N, top], most likely first

    Notes
    -----
    The target's logit is read from the same matrix product as those it is compared with: a separate dot product differs
    in its last bits and would turn ties into ranks at random. Logits are centred on their maximum before they are
    summed, else the entropy of a confident distribution is the difference of two large numbers. Low-precision logits
    tie often; feed float32 hidden states and weights. Equal logits at the end of a most-likely list are cut arbitrarily.
    """
    reduce = {"chunked": _reduced, "compiled": _compiled, "reference": reference.statistics}[impl]
    step = max(1, len(hidden)) if impl == "reference" else chunk
    statistics: dict[str, torch.Tensor] = {}
    for start in range(0, len(hidden), step):
        logits = head(hidden[start : start + step])[:, :vocabulary]  # [C, V]
        logits = logits if logits.dtype == torch.float64 else logits.float()
        part = reduce(logits, targets[start : start + step], columns)
        if top:
            part[TOP_LOGITS], part[TOP_IDS] = logits.topk(min(top, vocabulary), dim=1)
        for name, value in part.items():  # small results kept between chunks would split the heap
            whole = statistics.setdefault(name, value.new_empty((len(hidden), *value.shape[1:])))
            whole[start : start + step] = value
        del logits, part  # else two chunks exist while the next one is made
    return statistics


@lru_cache(maxsize=1)
def _compiler() -> Callable:
    return torch.compile(_block, dynamic=True)


_USED: dict[tuple, Callable] = {}  # kind of input -> what reduces it, once that is known to work


def _compiled(logits: torch.Tensor, targets: torch.Tensor, columns: tuple[str, ...]) -> dict[str, torch.Tensor]:
    kind = (logits.device.type, logits.dtype, columns)
    if kind not in _USED:
        try:
            values = _compiler()(logits, targets, columns)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # no compiler, one that fails, no support on this system: a dozen kinds
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            print(f"proxylib: not compiled, slower ({reason[:120]})", file=sys.stderr)
            _USED[kind] = _reduced
        else:
            _USED[kind] = _compiler()
            return values
    return _USED[kind](logits, targets, columns)


def _reduced(logits: torch.Tensor, targets: torch.Tensor, columns: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """The columns of one chunk in blocks of rows: a fifth on a GPU, for the memory; on a processor what its cache holds."""
    # what a block needs beside its logits, four to five times its size, is then no more than the chunk
    rows = len(logits) // 5 if logits.is_cuda else min(len(logits) // 4, CACHED // (logits.shape[1] * logits.element_size()))
    rows = max(1, rows)
    blocks = [_block(part, ids, columns) for part, ids in zip(logits.split(rows), targets.split(rows), strict=True)]
    return {name: torch.cat([block[name] for block in blocks]) for name in columns}


def _block(logits: torch.Tensor, targets: torch.Tensor, columns: tuple[str, ...]) -> dict[str, torch.Tensor]:
    target = logits.gather(1, targets[:, None])  # [C, 1]
    greater = logits > target
    shifted = logits - logits.amax(1, keepdim=True)
    weights = shifted.exp()
    total = weights.sum(1)
    log_total = total.log()
    # 0 * -inf is nan for a masked or -inf logit; its limit is 0
    mean = torch.where(weights > 0, weights * shifted, 0.0).sum(1) / total
    values = {
        "nll": log_total - shifted.gather(1, targets[:, None])[:, 0],
        "entropy": log_total - mean,
        "n_greater": greater.sum(1),
        "n_equal": (logits == target).sum(1),
        "p_max": 1 / total,  # the largest weight is exp(0)
    }
    if "varentropy" in columns:  # about the mean, not as a difference of squares, which would cancel
        values["varentropy"] = torch.where(weights > 0, weights * (shifted - mean[:, None]) ** 2, 0.0).sum(1) / total
    if "sum_p2" in columns:
        values["sum_p2"] = torch.linalg.vecdot(weights, weights) / total**2
    if "mass_above" in columns:
        values["mass_above"] = torch.where(greater, weights, 0.0).sum(1) / total
    return values
