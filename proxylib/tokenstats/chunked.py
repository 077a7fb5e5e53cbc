"""Statistics from hidden states, a few rows of logits at a time: the full [T, V] logits never exist."""

from __future__ import annotations

import torch

#: What is stored per scored token, in the order of the tensors: everything the eighty proxies need.
STATISTICS = ("nll", "entropy", "n_greater", "n_equal", "p_max")


def token_statistics(
    hidden: torch.Tensor, head: torch.nn.Module, targets: torch.Tensor, vocabulary: int, chunk: int
) -> dict[str, torch.Tensor]:
    """Statistics of the next-token distribution at each position.

    Parameters
    ----------
    hidden : [N, H] last hidden states that predict the targets
    head : the model's output layer, [.., H] -> [.., V'] with V' >= vocabulary
    targets : [N] token ids of the expert
    vocabulary : real entries V; rows of the head beyond them are padding and masked
    chunk : positions at a time; extra memory is a small multiple of chunk x V' x 4 bytes

    Returns
    -------
    dict of [N] tensors
        nll : -log p(target), nats. entropy : of the distribution, nats, in [0, log V].
        n_greater : entries whose logit exceeds the target's. n_equal : entries whose logit equals it, itself included.
        p_max : largest probability.

    Notes
    -----
    The target's logit is read from the same matrix product as those it is compared with: a separate dot product differs
    in its last bits and would turn ties into ranks at random. Logits are centred on their maximum before they are
    summed, else the entropy of a confident distribution is the difference of two large numbers. Low-precision logits
    tie often; feed float32 hidden states and weights.
    """
    columns: dict[str, list[torch.Tensor]] = {name: [] for name in STATISTICS}
    for start in range(0, len(hidden), chunk):
        logits = head(hidden[start : start + chunk])[:, :vocabulary].float()  # [C, V]
        target = logits.gather(1, targets[start : start + chunk, None])  # [C, 1]
        columns["n_greater"].append((logits > target).sum(1))
        columns["n_equal"].append((logits == target).sum(1))
        shifted = logits - logits.amax(1, keepdim=True)
        weights = shifted.exp()
        total = weights.sum(1)
        log_total = total.log()
        columns["nll"].append(log_total - shifted.gather(1, targets[start : start + chunk, None])[:, 0])
        # 0 * -inf is nan for a masked or -inf logit; its limit is 0
        columns["entropy"].append(log_total - torch.where(weights > 0, weights * shifted, 0.0).sum(1) / total)
        columns["p_max"].append(1 / total)  # the largest weight is exp(0)
    return {name: torch.cat(parts) for name, parts in columns.items()}
