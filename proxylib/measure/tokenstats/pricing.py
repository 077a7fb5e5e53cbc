"""What an extraction takes: its tokens counted, a few traces timed, memory counted from the model's shape."""

from __future__ import annotations

import itertools
from pathlib import Path

from transformers import PreTrainedModel

from proxylib.data.trace import Trace
from proxylib.measure.tokenstats.encode import Encoded
from proxylib.measure.tokenstats.extract import Engine, frame
from proxylib.models import price
from proxylib.models.price import Price
from proxylib.runs.files import parquet_bytes

TRIAL = 512  # tokens that are timed: a second or two of a small model on a core
COPIES = 3  # of a chunk's logits that exist at the same time: themselves, their exponentials, what is compared
STREAM, GATES = 6, 3  # vectors of the hidden size, and of the feed-forward's, that a layer holds for a token


def priced(
    network: PreTrainedModel, engine: Engine, traces: list[Trace], encoded: list[Encoded], done: int, out: Path
) -> Price:
    """Of the tokens that are left.

    Parameters
    ----------
    traces, encoded : what is scored, in the same order
    done : tokens of passes that an earlier call finished
    out : where the rows go
    """
    tried = trial(encoded)
    items = [encoded[index] for index in tried]
    rows = engine.score(items)  # once for nothing: threads start, what is compiled is compiled
    seconds = price.timed(lambda: engine.score(items), str(engine.device))
    tokens, scored = sum(len(item.ids) for item in encoded), sum(item.scored for item in encoded)
    table = frame([traces[index] for index in tried], items, rows)
    row = (len(parquet_bytes(table)) - len(parquet_bytes(table[:0]))) / len(table)  # a file's head is not a row's
    widest = max(len(batch) * max(len(encoded[index].ids) for index in batch) for batch in engine.passes(encoded))
    extra = _activations(network, widest) + _logits(engine)
    rate = sum(len(item.ids) for item in items) / seconds
    return price.of(tokens - done, rate, extra, row * scored, str(engine.device), out)


def trial(encoded: list[Encoded]) -> list[int]:
    """Numbers of traces of middling length, of `TRIAL` tokens or a little more."""
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index].ids))
    middle = len(order) // 2
    outwards = order[middle:] + order[:middle][::-1]
    lengths = itertools.accumulate(len(encoded[index].ids) for index in outwards)
    count = next((number for number, held in enumerate(lengths, 1) if held >= TRIAL), len(outwards))
    return outwards[:count]


def _activations(network: PreTrainedModel, tokens: int) -> float:
    config = network.config.get_text_config()
    hidden = config.hidden_size
    wide = getattr(config, "intermediate_size", None) or 4 * hidden
    return float(tokens) * (STREAM * hidden + GATES * wide) * network.dtype.itemsize


def _logits(engine: Engine) -> float:
    return COPIES * 4.0 * engine.layout.chunk * engine.vocabulary
