"""One teacher-forced pass of a model over expert traces: a row per scored token."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import Extraction, Layout
from proxylib.measure.tokenstats.chunked import token_statistics
from proxylib.measure.tokenstats.columns import COLUMNS, STATISTICS, TOP_IDS, TOP_LOGITS
from proxylib.measure.tokenstats.encode import Encoded, Window, encode
from proxylib.measure.tokenstats.heads import Parts, alike, split
from proxylib.models import devices
from proxylib.models.lengths import ways_of

ACCOUNT = ("truncated", "windowed", "scored")
LEAST_SHARED = 32  # tokens: below, a pass of its own costs more than it saves
NARROW = {"batch_traces": 1, "share": False, "impl": "chunked"}  # of a layout: nothing that one trace could do to another
PROBE = 24  # tokens that try whether a model can share


class Engine:
    """A model ready to score encoded traces.

    Parameters
    ----------
    model : a causal language model of transformers, or what peft makes of one
    vocabulary : real entries of its tokenizer
    layout : see `Layout`; "auto" is "chunked" here: `shards.extract` knows whether compiling pays
    columns : of `columns.COLUMNS`
    top : length of the list of most likely entries per token, 0 for none

    Raises
    ------
    UserError
        If the tokenizer has more entries than the head, or the model cannot be taken apart (see `heads.split`).
    """

    def __init__(
        self, model: PreTrainedModel, vocabulary: int, layout: Layout, columns: Sequence[str] = STATISTICS, top: int = 0
    ):
        self.parts: Parts = split(model)
        rows = self.parts.head.layer.weight.shape[0]
        if vocabulary > rows:
            raise UserError(
                f"tokenizer has {vocabulary} entries, model {rows}: they do not belong together; give the tokenizer that "
                "was saved with the model"
            )
        self.vocabulary, self.layout, self.device = vocabulary, layout.on(model.device.type), model.device
        self.columns, self.top, self.ways = tuple(columns), top, ways_of(model.config)
        self.impl = "chunked" if layout.impl == "auto" else layout.impl
        self._narrow = lambda: Engine(model, vocabulary, layout.model_copy(update=NARROW), columns, top)
        room = context_of(model) >= PROBE
        self.shares = layout.share and room and _can_share(self.parts.trunk, vocabulary, model.device)

    def narrow(self) -> Engine:
        """The same with one trace a pass, no shared prompts, and nothing compiled."""
        return self._narrow()

    def passes(self, encoded: list[Encoded]) -> Iterator[list[int]]:
        """Indices of `encoded` in passes of like length, shortest first; together they are all of them once.

        Traces that share a long prompt have passes of their own, in which it is computed once; so have those beyond a
        length at which the model changes its ways.
        """
        several = self.sharing(encoded)
        together = set(itertools.chain.from_iterable(several))
        apart: dict[tuple[int, ...], list[int]] = {}
        for index, item in enumerate(encoded):
            if index not in together:
                apart.setdefault(self.ways.at(len(item.ids)), []).append(index)
        for members in (*(apart[way] for way in sorted(apart)), *several):
            yield from self._buckets(members, [len(item.ids) for item in encoded])

    def sharing(self, encoded: list[Encoded]) -> list[list[int]]:
        """Indices of traces with the same long prompt, where a prompt kept in a cache does what the whole trace does."""
        groups: dict[tuple, list[int]] = {}
        for index, item in enumerate(encoded if self.shares else ()):
            groups.setdefault((self.ways.at(len(item.ids)), tuple(item.ids[: item.prompt])), []).append(index)
        return [
            members
            for (way, front), members in groups.items()
            if len(members) > 1 and len(front) > LEAST_SHARED and self.ways.at(len(front)) == way
        ]

    def _buckets(self, members: list[int], lengths: list[int]) -> Iterator[list[int]]:
        order = sorted(members, key=lambda index: (lengths[index], index))
        layout, begin, held = self.layout, 0, 0
        for end in range(1, len(order) + 1):
            held += lengths[order[end - 1]]
            if end < len(order):
                longest = lengths[order[end]]
                whole = longest * (end - begin + 1)  # with padding, if the next one joined
                few = end - begin < layout.batch_traces and whole <= layout.batch_tokens
                if few and whole - held - longest <= layout.padding * whole:
                    continue
            yield order[begin:end]
            begin, held = end, 0

    def score(self, batch: list[Encoded]) -> pd.DataFrame:
        """Token ids and statistics of the scored tokens of all traces, in their order.

        One forward pass; several where the traces lie on both sides of a length at which the model changes its ways.
        """
        sides: dict[tuple[int, ...], list[int]] = {}
        for index, item in enumerate(batch):
            sides.setdefault(self.ways.at(len(item.ids)), []).append(index)
        if len(sides) == 1:
            return self._score(batch)
        frames = [self._score([batch[index] for index in members]) for members in sides.values()]
        return in_order(list(itertools.chain.from_iterable(sides.values())), batch, frames)

    def _score(self, batch: list[Encoded]) -> pd.DataFrame:
        shared = self._shared(batch)
        longest = max(len(item.ids) for item in batch)
        ids = torch.tensor([item.ids + [0] * (longest - len(item.ids)) for item in batch])
        mask = torch.tensor([[1] * len(item.ids) + [0] * (longest - len(item.ids)) for item in batch])
        rows = torch.cat([torch.full((item.scored,), row) for row, item in enumerate(batch)])
        places = torch.cat([torch.arange(len(item.ids) - item.scored, len(item.ids)) for item in batch])
        targets = ids[rows, places]
        with torch.inference_mode():
            if self.ways.grows:  # a model that has seen a longer text goes on encoding as for that one; a short one ends it
                self.parts.trunk(input_ids=ids[:1, :1].to(self.device), use_cache=False)
            hidden = _hidden(self.parts.trunk, ids.to(self.device), mask.to(self.device), shared)
            statistics = token_statistics(
                hidden[rows, places - 1 - shared],  # the token at a place is predicted from the place before it
                self.parts.head,
                targets.to(self.device),
                self.vocabulary,
                self.layout.chunk,
                self.columns,
                self.impl,
                self.top,
            )
        lists = {name: list(statistics.pop(name).cpu().numpy()) for name in (TOP_IDS, TOP_LOGITS) if name in statistics}
        plain = {name: value.cpu().numpy().astype(COLUMNS[name].dtype) for name, value in statistics.items()}
        return pd.DataFrame({"token": targets.numpy().astype("int32"), **plain, **lists})

    def _shared(self, batch: list[Encoded]) -> int:
        """Leading tokens that the whole batch has in common and that are worth a pass of their own; 0 for none."""
        if not self.shares or len(batch) < 2:
            return 0
        # the place before the first scored token stays outside: its hidden state is needed for every trace
        most = min(len(item.ids) - item.scored for item in batch) - 1
        columns = zip(*(item.ids[: max(0, most)] for item in batch), strict=True)
        common = sum(1 for _ in itertools.takewhile(lambda tokens: len(set(tokens)) == 1, columns))
        longest = max(len(item.ids) for item in batch)
        return common if common >= LEAST_SHARED and self.ways.at(common) == self.ways.at(longest) else 0


def _hidden(trunk: torch.nn.Module, ids: torch.Tensor, mask: torch.Tensor, shared: int) -> torch.Tensor:
    """[B, T - shared, H] last hidden states of the places from `shared` on; what lies before is computed once."""
    # padding stands on the right, where causal attention never looks; the mask is for models that ask for it
    if not shared:
        return trunk(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    cache = trunk(input_ids=ids[:1, :shared], use_cache=True).past_key_values
    cache.batch_repeat_interleave(len(ids))
    return trunk(input_ids=ids[:, shared:], attention_mask=mask, past_key_values=cache, use_cache=True).last_hidden_state


def _can_share(trunk: torch.nn.Module, vocabulary: int, device: torch.device) -> bool:
    """Whether a prompt kept in a cache gives the states that a whole pass gives; not so for models without such a cache."""
    ids = torch.randint(0, vocabulary, (2, PROBE), generator=torch.Generator().manual_seed(1))
    ids[1, :16] = ids[0, :16]
    ids, mask = ids.to(device), torch.ones_like(ids).to(device)
    mask[1, -3:] = 0
    with torch.inference_mode():
        whole = _hidden(trunk, ids, mask, 0)[:, 16:]
        try:
            part = _hidden(trunk, ids, mask, 16)
        except Exception:  # a cache that cannot be handed on says so in a dozen ways
            return False
    kept = mask[:, 16:].bool()
    return part.shape == whole.shape and alike(whole[kept], part[kept])


def frame(traces: list[Trace], encoded: list[Encoded], computed: pd.DataFrame) -> pd.DataFrame:
    """Token rows: the keys of each scored token beside what was computed, both in the order of the traces."""
    scored = np.array([item.scored for item in encoded])
    before = np.array([item.truncated + item.windowed for item in encoded])
    position = np.concatenate([np.arange(count) for count in scored]) + np.repeat(before, scored)
    keys = {
        "task": np.repeat([trace.task for trace in traces], scored),
        "id": np.repeat([trace.id for trace in traces], scored),
        "position": position.astype("int32"),
        "token": computed["token"].to_numpy("int32"),
        "offset": np.fromiter(itertools.chain.from_iterable(item.offset for item in encoded), "int32"),
        "n_bytes": np.fromiter(itertools.chain.from_iterable(item.n_bytes for item in encoded), "int32"),
    }
    return pd.concat([pd.DataFrame(keys), computed.drop(columns="token").reset_index(drop=True)], axis=1)


def in_order(order: list[int], encoded: list[Encoded], frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows that passes computed in `order`, put into the order of `encoded`."""
    scored = np.array([item.scored for item in encoded])
    begins = np.zeros(len(encoded), int)
    begins[order] = np.cumsum(scored[order]) - scored[order]
    position = np.concatenate([np.arange(count) for count in scored])
    return pd.concat(frames, ignore_index=True).iloc[np.repeat(begins, scored) + position].reset_index(drop=True)


def context_of(model: PreTrainedModel) -> int:
    """Most positions that the model takes, as its config says; very many where it names none."""
    config = model.config.get_text_config()
    return getattr(config, "max_position_embeddings", None) or getattr(config, "max_seq_len", None) or 10**9  # MPT: the latter


def token_rows(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, traces: list[Trace], config: Extraction
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Statistics of every scored token, and one row per trace that accounts for all its tokens.

    Returns
    -------
    tokens : task, id, position (of the token in the solution, from 0), token, offset (character), n_bytes, then
        `columns.STATISTICS` in their types and units
    items : task, id, and what became of the solution's tokens: truncated + windowed + scored is all of them; its
        `attrs["batch"]` is the batch that memory allowed
    """
    layout = Layout(chunk=config.chunk, batch_traces=config.batch, batch_tokens=10**9, padding=1.0, share=False)
    engine = Engine(model, len(tokenizer), layout)
    encoded = [encode(trace, tokenizer, Window(config.window), context_of(model)) for trace in traces]
    order = list(itertools.chain.from_iterable(engine.passes(encoded)))
    score = lambda chosen: engine.score([encoded[index] for index in chosen])
    frames, used = devices.in_batches(order, config.batch, score)
    tokens = frame(traces, encoded, in_order(order, encoded, frames))
    items = pd.DataFrame(
        [
            {"task": trace.task, "id": trace.id} | {name: getattr(item, name) for name in ACCOUNT}
            for trace, item in zip(traces, encoded, strict=True)
        ]
    )
    items.attrs["batch"] = used
    return tokens, items
