"""Whether models read the same text: an order between those that do not is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from proxylib.data.trace import Trace
from proxylib.errors import CannotTell
from proxylib.models import folders
from proxylib.models.fidelity import MOST, heard


def refuse_unread(models: Mapping[str, Path], traces: list[Trace]) -> None:
    """`CannotTell` where the tokenizers leave different shares of the solutions unknown or lose them; no model is loaded.

    Notes
    -----
    A model that reads a text as unknown tokens predicts it well: it has few things to say.
    """
    from proxylib.models import tokenizers

    unknown, lost = {}, {}
    for name, folder in models.items():
        tokenizer = tokenizers.load(folder if tokenizers.saved_in(folder) else folders.base_of(folder))
        texts = [heard(tokenizer, trace.solution) for trace in traces]
        unknown[name] = [text.unknown_bytes for text in texts]
        lost[name] = [text.lost_bytes for text in texts]
    whole = sum(len(trace.solution.encode()) for trace in traces)
    gone = {name: [sum(pair) for pair in zip(unknown[name], lost[name], strict=True)] for name in models}
    shares = {name: sum(counts) / whole for name, counts in gone.items()}
    most = max(shares, key=shares.get)
    reason = "unknown to the tokenizer of" if sum(unknown[most]) >= sum(lost[most]) else "lost in the tokenizer of"
    number = max(range(len(traces)), key=gone[most].__getitem__)
    _refuse(shares, reason, _named(traces[number].task, traces[number].id, gone[most][number]), "such traces out of --traces")


def refuse_unlike(accounts: Mapping[str, Mapping[str, Any]], items: Mapping[str, pd.DataFrame]) -> None:
    """`CannotTell` where different shares of the solutions were cut because the context was too short.

    Parameters
    ----------
    accounts : model -> counts as in `became.table`
    items : model -> task, id, cut_bytes of every trace
    """
    shares = {name: account["cut_bytes"] / account["bytes"] for name, account in accounts.items()}
    cut = items[max(shares, key=shares.get)]
    longest = cut.loc[cut["cut_bytes"].idxmax()]
    example = _named(longest["task"], longest["id"], longest["cut_bytes"])
    _refuse(shares, "cut off by the context of", example, "traces as long as that out of --traces")


def _named(task: str, number: str, count: int) -> str:
    return f"most of it in trace {task}/{number}, {count} bytes"


def _refuse(shares: Mapping[str, float], reason: str, example: str, traces: str) -> None:
    least, most = min(shares, key=shares.get), max(shares, key=shares.get)
    if shares[most] - shares[least] > MOST:
        raise CannotTell(
            f"no order between {most} and {least}: {_percent(shares[most])} of the text is {reason} {most} ({example}), "
            f"{_percent(shares[least])} of {least}; they may differ by {_percent(MOST)}; leave {most} out of --models, or "
            f"{traces}"
        )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
