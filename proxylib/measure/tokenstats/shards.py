"""Token statistics of one model into a folder: shard by shard, resumed at the first that is missing, all traces accounted for.

OUT is a work folder (see `runs.folder`) with these files beside its own:

OUT/tokens/00000.parquet ...   rows of `extract.frame`, traces of like length together
OUT/items.parquet              one row per trace: what became of it
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data import became
from proxylib.data.reading import Counts
from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import ExtractSettings, Layout
from proxylib.measure.tokenstats import pricing, selfcheck
from proxylib.measure.tokenstats.account import account, summed
from proxylib.measure.tokenstats.columns import chosen
from proxylib.measure.tokenstats.encode import Encoded
from proxylib.measure.tokenstats.extract import ACCOUNT, Engine, context_of, frame, in_order
from proxylib.models import crew, devices, folders, loading, sandbox, tokenizers
from proxylib.models.price import Price
from proxylib.runs.files import canonical, parquet_bytes, sha256
from proxylib.runs.folder import Finished, Folder, Workspace

ITEMS, TOKENS = "items.parquet", "tokens"
CHECK = "self_check"  # of the manifest, see `selfcheck.checked`
TEXT = "text"  # of the manifest: what became of it, see `became.table`
SHARD_TOKENS = 32768  # of the forward passes of one shard: what a kill can cost
WORTH_COMPILING = 3 * 10**9  # logits: below, compiling takes longer than it saves


@dataclass(frozen=True)
class Extracted(Finished):
    """A finished folder of token statistics; its facts are the counts and the throughput."""

    @property
    def items(self) -> pd.DataFrame:
        """One row per trace: task, id, status ("scored" or "dropped"), reason, and tokens: prompt, truncated, windowed, scored.

        `boundary_moves` says whether prompt and solution would be cut elsewhere if they were tokenised as one text.
        """
        return pd.read_parquet(self.folder / ITEMS)

    @property
    def tokens(self) -> pd.DataFrame:
        """All token rows, in the order of the traces."""
        shards = sorted(name for name in self.files if name.startswith(f"{TOKENS}/"))
        rows = pd.concat([pd.read_parquet(self.folder / name) for name in shards], ignore_index=True)
        place = {key: number for number, key in enumerate(self.items[["task", "id"]].itertuples(index=False, name=None))}
        order = pd.Series([place[key] for key in zip(rows["task"], rows["id"], strict=True)]).argsort(kind="stable")
        return rows.iloc[order].reset_index(drop=True)

    def summary(self, counts: Counts | None = None) -> str:
        """What became of the text, how fast and in which layout it was scored, and where the rows are.

        `counts` are those of the source, where the traces come from one: rows that it repeats are no traces.
        """
        rate, narrowed = self.facts["tokens_per_second"], self.facts[CHECK]["narrowed"]
        fresh = [f"{rate:,.0f} tokens/s"] if rate else []
        text = self.facts[TEXT] | ({} if counts is None else counts.of_rows())
        layout = [f"one trace a pass, as the rows of several differ {narrowed}"] if narrowed else []
        return "\n".join([became.printed({self.facts["model"]: text}), *fresh, *layout, str(self.folder)])

    @property
    def vocabulary(self) -> int:
        """Entries of the model's tokenizer, over which ranks are counted."""
        return self.facts["vocabulary"]


def extract(
    model: str | Path,
    traces: list[Trace],
    out: Path,
    settings: ExtractSettings,
    layout: Layout | None = None,
    threads: int = 1,
    told: Callable[[Price], object] | None = None,
) -> Extracted:
    """Score every trace under a model and leave rows, accounts and a manifest in a folder.

    Parameters
    ----------
    model : a folder of transformers or peft, or a hub id
    traces : see `traces.read`
    out : made if needed; one that was begun with the same request is gone on with, a finished one is returned as it is
    settings, layout : what is measured, and how it is laid out
    threads : of the processor
    told : is given what it will take before anything is scored; None: nothing is tried out

    Raises
    ------
    UserError
        If the folder holds something else or another process writes there, the model cannot be measured (see
        `loading.load` and `heads.split`), or no trace can be scored. Nothing is written before model, tokenizer and
        traces have been found good.
    """
    work = _Work(model, folders.locate(model), traces, settings, (layout or Layout()).on(settings.device), threads)

    def build(workspace: Workspace) -> None:
        ready = work.ready()
        with _named(model):
            engine = _checked(workspace, ready.network, ready.engine, ready.encoded)
        if told:
            told(_left(ready._replace(engine=engine), workspace.files, out))
        began = time.perf_counter()
        fresh, batch = _write_shards(workspace, work, _Scoring(engine, ready.traces, ready.encoded))
        workspace.note(
            model=str(model),
            **folders.revisions(work.folder),
            vocabulary=engine.vocabulary,
            opening=tokenizers.opening_text(ready.tokenizer, settings.chat),
            parameters=sum(parameter.numel() for parameter in ready.network.parameters()),
            traces=len(traces),
            dropped=int((ready.items["status"] == "dropped").sum()),
            boundary_moves=int(ready.items["boundary_moves"].sum()),
            **{f"tokens_{name}": int(ready.items[name].sum()) for name in ACCOUNT},
            **{TEXT: summed(traces, ready.items)},
            tokens_per_second=fresh / (time.perf_counter() - began) if fresh else None,
            largest_batch=batch,
            impl=engine.impl,
            **({"processes": crew.size()} if crew.size() > 1 else {}),
        )
        workspace.write(ITEMS, parquet_bytes(ready.items))

    done = work.place(out).make(build, enough=_enough)
    return Extracted(done.folder, done.manifest)


def price(
    model: str | Path, traces: list[Trace], out: Path, settings: ExtractSettings, layout: Layout | None = None, threads: int = 1
) -> Price | None:
    """What `extract` would take, and refuse, with the same arguments; None where it is done. Nothing is written."""
    work = _Work(model, folders.locate(model), traces, settings, (layout or Layout()).on(settings.device), threads)
    place = work.place(out)
    if (done := place.finished()) and _enough(done):
        return None
    return _left(work.ready(), place.progress().files, out)


def finished(
    model: str | Path, traces: list[Trace], out: Path, settings: ExtractSettings, layout: Layout | None = None
) -> bool:
    """Whether `extract` with the same arguments has been done; `UserError` where the folder holds other work."""
    work = _Work(model, folders.locate(model), traces, settings, (layout or Layout()).on(settings.device), 1)
    done = work.place(out).finished()
    return done is not None and _enough(done)


def _enough(finished: Finished) -> bool:
    """Whether a finished folder says all that this version says."""
    return {CHECK, TEXT} <= set(finished.facts)


class _Ready(NamedTuple):
    """A model and what it is about to score; `items` are all traces, `traces` and `encoded` those that can be scored."""

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    engine: Engine
    traces: list[Trace]
    encoded: list[Encoded]
    items: pd.DataFrame


class _Work(NamedTuple):
    """What is asked for."""

    model: str | Path
    folder: Path
    traces: list[Trace]
    settings: ExtractSettings
    layout: Layout
    threads: int

    def place(self, out: Path) -> Folder:
        """The folder of the rows, under the request that decides them."""
        request = {
            "command": "extract",
            "model": folders.fingerprint(self.folder),
            "traces": sha256(canonical([asdict(trace) for trace in self.traces]).encode()),
            "settings": self.settings.model_dump(mode="json") | {"columns": list(chosen(self.settings.columns))},
            "layout": self.layout.model_dump(mode="json"),
        }
        if self.settings.chat:
            request["date"] = f"{sandbox.DATE:%Y-%m-%d}"  # on which templates are rendered
        return Folder(out, request, (TOKENS, ITEMS))

    def ready(self) -> _Ready:
        """Load the model, encode the traces; `UserError` where they do not go together."""
        settings = self.settings
        devices.prepare(settings.device, self.threads)
        network = loading.load(self.folder, settings.device, loading.DTYPES[settings.dtype])
        source = self.folder if tokenizers.saved_in(self.folder) else folders.base_of(self.folder)
        tokenizer = tokenizers.load(source, settings.bos)
        vocabulary = entries(tokenizer, network.get_output_embeddings())
        encoded, items = account(self.traces, tokenizer, settings, context_of(network), rows_of(network))
        if not encoded:
            reasons = items["reason"].value_counts()
            first = f"{reasons.iloc[0]}: {reasons.index[0]}"
            raise UserError(f"{self.model}: no trace can be scored; of {len(self.traces)}, {first}")
        plan = _laid_out(self.layout, sum(item.scored for item in encoded.values()) * vocabulary)
        with _named(self.model):
            engine = Engine(network, vocabulary, plan, chosen(settings.columns), settings.top)
        return _Ready(network, tokenizer, engine, [self.traces[index] for index in encoded], list(encoded.values()), items)


def _left(ready: _Ready, files: Mapping[str, str], out: Path) -> Price:
    """What the shards take that are not among the finished files."""
    sizes = [_held(passes, ready.encoded) for passes in _grouped(ready.engine, ready.encoded)]
    left = [size for number, size in enumerate(sizes) if _shard(number) not in files]
    alone = pricing.priced(ready.network, ready.engine, ready.traces, ready.encoded, sum(sizes) - sum(left), out)
    together = crew.size()  # each process takes a shard, and all wait for the longest; memory is that of each
    rounds = sum(max(left[first : first + together]) for first in range(0, len(left), together))
    return alone._replace(seconds=alone.seconds * rounds / max(1, sum(left)))


def _held(passes: list[list[int]], encoded: list[Encoded]) -> int:
    """Tokens of passes, padding apart."""
    return sum(len(encoded[index].ids) for batch in passes for index in batch)


def _shard(number: int) -> str:
    return f"{TOKENS}/{number:05}.parquet"


def _checked(workspace: Workspace, network: PreTrainedModel, engine: Engine, encoded: list[Encoded]) -> Engine:
    """The engine as the self-check leaves it; what an earlier call found is kept, so that its shards go on alike."""
    if CHECK in workspace.facts:
        return engine.narrow() if workspace.facts[CHECK]["narrowed"] else engine
    engine, account = selfcheck.checked(network, engine, encoded)
    if account["narrowed"] or engine.ways.at(1):  # rows of a version that did not check may be wrong
        workspace.forget()
    workspace.note(**{CHECK: account})
    return engine


@contextlib.contextmanager
def _named(model: str | Path) -> Iterator[None]:
    """A refusal in the block says which model is meant: several may be of one class."""
    try:
        yield
    except UserError as error:
        raise type(error)(f"{model}: {error}") from None


def _laid_out(layout: Layout, logits: int) -> Layout:
    """The layout with "auto" decided by how much there is to do."""
    if layout.impl != "auto":
        return layout
    return layout.model_copy(update={"impl": "compiled" if logits >= WORTH_COMPILING else "chunked"})


def rows_of(network: PreTrainedModel) -> int:
    """Entries that a model can both read and score."""
    layers = (network.get_input_embeddings(), network.get_output_embeddings())
    return min(layer.weight.shape[0] for layer in layers if layer is not None)


def entries(tokenizer: PreTrainedTokenizerFast, head: torch.nn.Module | None) -> int:
    """Rows of the head that belong to the tokenizer; those beyond are padding.

    Notes
    -----
    Special tokens that were added behind the head's last row do not count: Gemma 3 1B has one, for images, and no text
    contains it. Any other entry there means that tokenizer and model do not belong together, which `Engine` says.
    """
    known = max(tokenizer.get_vocab().values()) + 1
    rows = known if head is None else head.weight.shape[0]
    special = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    return min(known, rows) if set(range(rows, known)) <= special else known


class _Begin(NamedTuple):
    """Told to helpers before the first shard: what is asked for, and whether its passes hold one trace each."""

    work: _Work
    narrowed: bool


class Helper:
    """The part of a process that does not lead (see `crew.gathered`): loads what the leader loaded, computes its shards."""

    def __call__(self, job: _Begin | list[int]) -> tuple[bytes, int] | None:
        """Get ready, or compute the shard that is dealt to this process; none where there are fewer shards."""
        if isinstance(job, _Begin):
            self._scoring = None  # lets the last model go: memory need not hold two
            ready = job.work.ready()
            engine = ready.engine.narrow() if job.narrowed else ready.engine
            self._scoring = _Scoring(engine, ready.traces, ready.encoded)
            return None
        mine = job[crew.number() :]
        return self._scoring.shard(mine[0]) if mine else None


class _Scoring:
    """What computes shards; `limit` is the largest batch that memory has allowed so far."""

    def __init__(
        self, engine: Engine, traces: list[Trace], encoded: list[Encoded], scored: Callable[[int], object] = lambda tokens: None
    ):
        self.engine, self.traces, self.encoded, self.scored = engine, traces, encoded, scored
        self.shards, self.limit = list(_grouped(engine, encoded)), engine.layout.batch_traces

    def tokens(self, number: int) -> int:
        """Of a shard's passes."""
        return _held(self.shards[number], self.encoded)

    def shard(self, number: int) -> tuple[bytes, int]:
        """A shard's file, and the limit; `scored` is told the tokens of each pass."""
        members = list(itertools.chain.from_iterable(self.shards[number]))
        frames = []
        for batch in self.shards[number]:
            score = lambda part: self.engine.score([self.encoded[index] for index in part])
            done, used = devices.in_batches(batch, min(self.limit, len(batch)), score)
            self.limit = used if used < min(self.limit, len(batch)) else self.limit
            frames += done
            self.scored(sum(len(self.encoded[index].ids) for index in batch))
        traces, items = [self.traces[index] for index in members], [self.encoded[index] for index in members]
        rows = frame(traces, items, in_order(list(range(len(members))), items, frames))
        if (bad := rows[rows["nll"].isna()]).size:  # no entry exceeds NaN: the rows would count as said first
            trace = "/".join(bad.iloc[0][["task", "id"]])
            raise UserError(f"trace {trace}: the model's logits there are NaN; take float32, or leave the trace away")
        return parquet_bytes(rows), self.limit


def _write_shards(workspace: Workspace, work: _Work, scoring: _Scoring) -> tuple[int, int]:
    """Compute the shards that are missing, each process one at a time; returns the tokens of their passes and the largest
    batch that memory allowed.
    """
    left = [number for number in range(len(scoring.shards)) if not workspace.holds(_shard(number))]
    total, fresh = sum(map(scoring.tokens, range(len(scoring.shards)))), sum(map(scoring.tokens, left))
    limit, together = scoring.limit, crew.size()
    if left and together > 1:
        crew.share(_Begin(work, bool(workspace.facts[CHECK]["narrowed"])), lambda job: None)
    with tqdm(total=total, unit="token", unit_scale=True, disable=None, file=sys.stderr, smoothing=0.1) as bar:
        bar.update(total - fresh)
        bar.unpause()
        scoring.scored = bar.update
        for first in range(0, len(left), together):
            dealt = left[first : first + together]
            parts = crew.share(dealt, lambda numbers: scoring.shard(numbers[0]))
            for number, (data, used) in zip(dealt, parts, strict=False):  # in the last round some have none
                workspace.write(_shard(number), data)
                limit = min(limit, used)
            bar.update(sum(map(scoring.tokens, dealt[1:])))  # this process has counted its first
    return fresh, limit


def _grouped(engine: Engine, encoded: list[Encoded]) -> Iterator[list[list[int]]]:
    """Passes in groups of about `SHARD_TOKENS` tokens, longest traces first: what memory does not allow shows at once."""
    group: list[list[int]] = []
    held = 0
    for batch in reversed(list(engine.passes(encoded))):
        group.append(batch)
        held += sum(len(encoded[index].ids) for index in batch)
        if held >= SHARD_TOKENS:
            yield group
            group, held = [], 0
    if group:
        yield group
