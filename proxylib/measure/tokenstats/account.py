"""What became of each trace in a model's tokens: encoded, or dropped and why; and the counts of all of them."""

from __future__ import annotations

from typing import Any

import pandas as pd
from transformers import PreTrainedTokenizerFast

from proxylib.data import became
from proxylib.data.trace import Trace
from proxylib.measure.settings import ExtractSettings
from proxylib.measure.tokenstats.encode import Encoded, Unscorable, Window, boundary_moves, encode
from proxylib.models import chat, tokenizers
from proxylib.models.fidelity import Heard, heard

TOKENS = ("truncated", "windowed", "scored")
HEARD = ("words", "unknown", "unknown_bytes", "lost_bytes")
#: of a row: counts of what the tokenizer and the template did; all are 0 for a trace that could not be encoded
COUNTS = (
    "bos",
    "template",
    "stripped",
    "words",
    "unknown",
    "unknown_bytes",
    "lost_bytes",
    "bytes",
    "cut_bytes",
    "boundary_moves",
)


def account(
    traces: list[Trace], tokenizer: PreTrainedTokenizerFast, settings: ExtractSettings, context: int, rows: int
) -> tuple[dict[int, Encoded], pd.DataFrame]:
    """Number of each trace that can be scored -> its tokens; and a row for every trace.

    Parameters
    ----------
    context : most tokens of a pass
    rows : entries that the model has; a token behind them can be neither read nor scored

    Notes
    -----
    A trace leaves whose solution has an unknown token: the probability of one is that of no text. So does one of which more
    than `fidelity.MOST` is unknown or lost, and one with a token that is no text.
    """
    encoded: dict[int, Encoded] = {}
    table = []
    for number, trace in enumerate(traces):
        row: dict[str, Any] = {"task": trace.task, "id": trace.id, "status": "scored", "reason": "", "prompt": 0}
        row |= dict.fromkeys((*TOKENS, *COUNTS), 0)
        prompt, solution = heard(tokenizer, trace.prompt), heard(tokenizer, trace.solution)
        row |= _heard(prompt, solution)
        try:
            item = encode(trace, tokenizer, Window(settings.window, settings.characters), context, settings.chat)
            _refuse(trace, tokenizer, settings, item, (prompt, solution), rows)
            encoded[number] = item
            row |= {"prompt": item.prompt} | {name: getattr(item, name) for name in TOKENS}
            row |= _front(trace, tokenizer, settings, item, prompt)
            row["cut_bytes"] = _cut(trace, tokenizer, item.truncated)
        except Unscorable as error:
            row |= {"status": "dropped", "reason": error.reason}
        table.append(row)
    frame = pd.DataFrame(table)
    return encoded, frame.astype({"boundary_moves": bool})


def summed(traces: list[Trace], items: pd.DataFrame) -> dict[str, Any]:
    """Counts of all traces, as `became.table` takes them."""
    dropped = items[items["status"] == "dropped"]["reason"].value_counts()
    return {
        "traces": len(traces),
        **became.of_texts((trace.prompt, trace.solution) for trace in traces),
        "scored": int((items["status"] == "scored").sum()),
        **{name: int(items[name].sum()) for name in COUNTS},
        **{f"tokens_{name}": int(items[name].sum()) for name in TOKENS},
        became.DROPPED: {reason: int(number) for reason, number in dropped.items()},
    }


def _heard(prompt: Heard, solution: Heard) -> dict[str, int]:
    both = {
        name: getattr(prompt, name) + getattr(solution, name) for name in ("unknown", "unknown_bytes", "lost_bytes", "words")
    }
    return both | {"bytes": solution.n_bytes}


def _refuse(
    trace: Trace,
    tokenizer: PreTrainedTokenizerFast,
    settings: ExtractSettings,
    item: Encoded,
    texts: tuple[Heard, Heard],
    rows: int,
) -> None:
    if texts[1].unknown:
        raise Unscorable(trace, "its solution has unknown tokens")
    for name, text in zip(("prompt", "solution"), texts, strict=True):
        if text.unread:
            raise Unscorable(trace, f"over 1 % of its {name} is unknown to the tokenizer or lost in it")
        if text.control and not (settings.chat and name == "prompt"):
            word = tokenizer.convert_ids_to_tokens(text.control[0])
            raise Unscorable(trace, f"its {name} holds the control word {word!a}, which this tokenizer cannot read as text")
    if max(item.ids) >= rows:
        word = tokenizer.convert_ids_to_tokens(max(item.ids))
        raise Unscorable(trace, f"it holds the token {word!a}, which lies behind the model's last row")


def _front(
    trace: Trace, tokenizer: PreTrainedTokenizerFast, settings: ExtractSettings, item: Encoded, prompt: Heard
) -> dict[str, int]:
    """What stands before the solution beside the prompt's own text."""
    bos = int(item.prompt > 0 and item.ids[0] == tokenizer.bos_token_id)
    if not settings.chat:
        return {"bos": bos, "boundary_moves": boundary_moves(trace, tokenizer)}
    return {
        "bos": bos,
        "template": max(0, item.prompt - prompt.tokens),
        "stripped": chat.of(tokenizer).rendered(trace.prompt).stripped,
    }


def _cut(trace: Trace, tokenizer: PreTrainedTokenizerFast, truncated: int) -> int:
    """Bytes of the solution under the tokens that found no room."""
    if not truncated:
        return 0
    _, spans = tokenizers.encode_with_spans(tokenizer, trace.solution)
    return len(trace.solution[: spans[truncated - 1][1]].encode())
