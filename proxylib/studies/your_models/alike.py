"""Whether models read the same text: an order between those that do not is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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

    shares = {}
    for name, folder in models.items():
        tokenizer = tokenizers.load(folder if tokenizers.saved_in(folder) else folders.base_of(folder))
        texts = [heard(tokenizer, trace.solution) for trace in traces]
        gone = sum(text.unknown_bytes + text.lost_bytes for text in texts)
        shares[name] = gone / sum(text.n_bytes for text in texts)
    _refuse(shares, "unknown to the tokenizer of, or lost in that of,")


def refuse_unlike(accounts: Mapping[str, Mapping[str, Any]]) -> None:
    """`CannotTell` where different shares of the solutions were cut because the context was too short.

    Parameters
    ----------
    accounts : model -> counts as in `became.table`
    """
    shares = {name: account["cut_bytes"] / account["bytes"] for name, account in accounts.items()}
    _refuse(shares, "cut off by the context of")


def _refuse(shares: Mapping[str, float], what: str) -> None:
    least, most = min(shares, key=shares.get), max(shares, key=shares.get)
    if shares[most] - shares[least] > MOST:
        raise CannotTell(
            f"no order between {most} and {least}: {_percent(shares[most])} of the text is {what} {most}, "
            f"{_percent(shares[least])} of {least}; they may differ by {_percent(MOST)}; leave out a model, or such traces"
        )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
