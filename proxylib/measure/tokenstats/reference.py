"""Statistics from all logits at once, in float64, one line per definition: the oracle of the other implementations."""

from __future__ import annotations

import torch


def statistics(logits: torch.Tensor, targets: torch.Tensor, columns: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Columns of `columns.COLUMNS` from logits [N, V] and targets [N]; holds several [N, V] matrices."""
    logits = logits.double()
    target = logits.gather(1, targets[:, None])
    log_p = logits.log_softmax(1)
    p = log_p.exp()
    surprise = torch.where(p > 0, -log_p, 0.0)  # 0 log 0 is 0
    entropy = (p * surprise).sum(1)
    values = {
        "nll": -log_p.gather(1, targets[:, None])[:, 0],
        "entropy": entropy,
        "n_greater": (logits > target).sum(1),
        "n_equal": (logits == target).sum(1),
        "p_max": p.amax(1),
        "varentropy": (p * (surprise - entropy[:, None]) ** 2).sum(1),
        "sum_p2": (p**2).sum(1),
        "mass_above": torch.where(logits > target, p, 0.0).sum(1),
    }
    return {name: values[name] for name in columns}
