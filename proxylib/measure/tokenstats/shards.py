"""Token statistics of one model into a folder: shard by shard, resumed at the first that is missing, all traces accounted for.

OUT/plan.json          what is being made: model, traces and settings; written first
OUT/tokens/00000.parquet ...   rows of `extract.frame`, traces of like length together
OUT/items.parquet      one row per trace: what became of it
OUT/manifest.json      counts, throughput, versions; written last, so it means that everything is there
OUT/lock               held by the process that writes
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import filelock
import pandas as pd
import pyarrow.parquet as pq
import torch
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast

from proxylib.data.traces import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import ExtractSettings as Settings
from proxylib.measure.settings import Layout
from proxylib.measure.tokenstats.columns import chosen
from proxylib.measure.tokenstats.encode import Encoded, Unscorable, Window, boundary_moves, encode
from proxylib.measure.tokenstats.extract import ACCOUNT, Engine, context_of, frame, in_order
from proxylib.models import devices, loading, tokenizers
from proxylib.runs.provenance import provenance
from proxylib.runs.store import canonical, parquet_bytes, sha256, write_atomic

PLAN, MANIFEST, ITEMS, TOKENS, LOCK = "plan.json", "manifest.json", "items.parquet", "tokens", "lock"
SHARD_TOKENS = 32768  # of the forward passes of one shard: what a kill can cost
WHOLE = 64 << 20  # bytes up to which a file of a model is hashed whole
END = 1 << 20  # bytes from each end of a longer one, and from END to END in between
PIECE = 4096  # bytes: fine-tuning changes whole matrices, which are longer than END in a file as long as that
WORTH_COMPILING = 3 * 10**9  # logits: below, compiling takes longer than it saves
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Extracted:
    """A finished folder."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def items(self) -> pd.DataFrame:
        """One row per trace: task, id, status ("scored" or "dropped"), reason, and tokens: prompt, truncated, windowed, scored.

        `boundary_moves` says whether prompt and solution would be cut elsewhere if they were tokenised as one text.
        """
        return pd.read_parquet(self.folder / ITEMS)

    @property
    def tokens(self) -> pd.DataFrame:
        """All token rows, in the order of the traces."""
        rows = pd.concat([pd.read_parquet(path) for path in _shards(self.folder)], ignore_index=True)
        place = {key: number for number, key in enumerate(self.items[["task", "id"]].itertuples(index=False, name=None))}
        order = pd.Series([place[key] for key in zip(rows["task"], rows["id"], strict=True)]).argsort(kind="stable")
        return rows.iloc[order].reset_index(drop=True)

    def summary(self) -> str:
        """What became of the traces and their tokens, in two lines."""
        told = self.manifest
        dropped = self.items[self.items["status"] == "dropped"]["reason"].value_counts()
        reasons = "".join(f" ({number} x {reason})" for reason, number in dropped.items())
        rate = told["tokens_per_second"]
        return (
            f"{told['model']}: {told['traces'] - told['dropped']} traces scored, {told['dropped']} dropped{reasons}; tokens: "
            f"{told['tokens_scored']} scored, {told['tokens_windowed']} in front of the window, {told['tokens_truncated']} cut "
            f"off{f'; {rate:,.0f} tokens/s' if rate else ''}\n{self.folder}"
        )

    @property
    def vocabulary(self) -> int:
        """Entries of the model's tokenizer, over which ranks are counted."""
        return self.manifest["vocabulary"]


def extract(
    model: str | Path, traces: list[Trace], out: Path, settings: Settings, layout: Layout | None = None, threads: int = 1
) -> Extracted:
    """Score every trace under a model and leave rows, accounts and a manifest in a folder.

    Parameters
    ----------
    model : a folder of transformers or peft, or a hub id
    traces : see `traces.read`
    out : made if needed; one that holds shards of the same plan is gone on with, a finished one is returned as it is
    settings, layout : what is measured, and how it is laid out
    threads : of the processor

    Raises
    ------
    UserError
        If the folder holds something else or another process writes there, the model cannot be measured (see
        `loading.load` and `heads.split`), or no trace can be scored. Nothing is written before model, tokenizer and
        traces have been found good.
    """
    folder = loading.locate(model)
    columns = chosen(settings.columns)
    layout = layout or Layout()
    plan = {
        "model": fingerprint(folder),
        "traces": sha256(canonical([asdict(trace) for trace in traces]).encode()),
        "settings": settings.model_dump(mode="json") | {"columns": list(columns)},
        "layout": layout.model_dump(mode="json"),
    }
    if (done := finished(out, plan)) is not None:
        return done
    if (out / PLAN).exists():
        with _alone(out):  # else refused before the model is loaded
            pass
    devices.prepare(settings.device, threads)
    network = loading.load(folder, settings.device, DTYPES[settings.dtype])
    tokenizer = tokenizers.load(folder if tokenizers.saved_in(folder) else loading.base_of(folder))
    vocabulary = entries(tokenizer, network.get_output_embeddings())
    encoded, items = account(traces, tokenizer, settings, context_of(network))
    if not encoded:
        raise UserError(f"no trace can be scored: {items['reason'].iloc[0]}")
    if layout.impl == "auto":
        much = sum(item.scored for item in encoded.values()) * vocabulary >= WORTH_COMPILING
        layout = layout.model_copy(update={"impl": "compiled" if much else "chunked"})
    engine = Engine(network, vocabulary, layout, columns, settings.top)
    with _alone(out):
        if (done := finished(out, plan)) is not None:  # by another process, while this one loaded the model
            return done
        for leftover in out.rglob(".*.tmp"):  # of a call that was killed while it wrote
            leftover.unlink()
        if not (out / PLAN).exists():
            write_atomic(out / PLAN, json.dumps(plan | {"named": str(model)}, indent=1).encode())
        began = time.perf_counter()
        fresh, batch = _write_shards(out, engine, [traces[index] for index in encoded], list(encoded.values()))
        seconds = time.perf_counter() - began
        write_atomic(out / ITEMS, parquet_bytes(items))
        manifest = {
            "plan": plan,
            "model": str(model),
            "vocabulary": vocabulary,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "traces": len(traces),
            "dropped": int((items["status"] == "dropped").sum()),
            "boundary_moves": int(items["boundary_moves"].sum()),
            **{f"tokens_{name}": int(items[name].sum()) for name in ACCOUNT},
            "tokens_per_second": fresh / seconds if fresh else None,
            "largest_batch": batch,
            "impl": layout.impl,
            "provenance": provenance(),
        }
        write_atomic(out / MANIFEST, json.dumps(manifest, indent=1).encode())
    return Extracted(out, manifest)


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Refuse a second writer: it would delete what the first is writing; the kernel drops the lock with its owner."""
    lock = filelock.FileLock(out / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UserError(f"{out}: is being made by another process; wait for it or stop it") from None
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror}); give another folder") from None
    try:
        yield
    finally:
        lock.release()


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


def finished(out: Path, plan: dict[str, Any]) -> Extracted | None:
    """What the folder holds, if it is finished; None if it is empty or begun with the same plan.

    Raises
    ------
    UserError
        If it belongs to another plan, or holds files of another kind.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; give a folder that does not exist yet")
    if not (out / PLAN).exists():
        begun = (LOCK, f".{PLAN}.")  # of a call that was killed before it wrote its plan
        if out.exists() and not all(path.name.startswith(begun) for path in out.iterdir()):
            raise UserError(f"{out}: holds other files; give a folder that does not exist yet")
        return None
    try:
        begun = json.loads((out / PLAN).read_text())
        manifest = json.loads((out / MANIFEST).read_text()) if (out / MANIFEST).exists() else None
    except ValueError:
        raise UserError(f"{out}: {PLAN} or {MANIFEST} is damaged; delete the folder") from None
    changed = [_difference(name, begun.get(name), value) for name, value in plan.items() if begun.get(name) != value]
    if changed:
        raise UserError(f"{out}: was begun with {changed[0]}; give another folder, or delete this one")
    if manifest is None:
        return None
    if _rows(out) != manifest.get("tokens_scored"):
        print(f"proxylib: {out}: files are missing or damaged; they are made again", file=sys.stderr)
        return None
    return Extracted(out, manifest)


def _difference(name: str, begun: Any, now: Any) -> str:
    """Of a part of a plan: what it was begun with, and for settings what they are now."""
    if not isinstance(begun, dict) or not isinstance(now, dict):
        return f"other {name}" if name == "traces" else f"another {name}"
    key = next(key for key in now if begun.get(key) != now[key])
    return f"{key.replace('_', '-')} {begun.get(key)}, now {now[key]}"


def _rows(out: Path) -> int | None:
    """Token rows of all shards, from their ends alone; None where a file cannot be read."""
    try:
        pq.read_metadata(out / ITEMS)
        return sum(pq.read_metadata(path).num_rows for path in _shards(out))
    except (OSError, ValueError):
        return None


def account(
    traces: list[Trace], tokenizer: PreTrainedTokenizerFast, settings: Settings, context: int
) -> tuple[dict[int, Encoded], pd.DataFrame]:
    """Number of each trace that can be scored -> its tokens; and a row for every trace."""
    encoded: dict[int, Encoded] = {}
    rows = []
    for number, trace in enumerate(traces):
        row = {"task": trace.task, "id": trace.id, "status": "scored", "reason": "", "prompt": 0} | dict.fromkeys(ACCOUNT, 0)
        moves = False
        try:
            item = encode(trace, tokenizer, Window(settings.window, settings.characters), context, settings.chat)
            encoded[number] = item
            row |= {"prompt": item.prompt} | {name: getattr(item, name) for name in ACCOUNT}
            moves = not settings.chat and boundary_moves(trace, tokenizer)
        except Unscorable as error:
            row |= {"status": "dropped", "reason": error.reason}
        rows.append(row | {"boundary_moves": moves})
    return encoded, pd.DataFrame(rows)


def _write_shards(out: Path, engine: Engine, traces: list[Trace], encoded: list[Encoded]) -> tuple[int, int]:
    """Compute the shards that are missing; returns the tokens of their passes and the largest batch that memory allowed."""
    shards = list(_grouped(engine, encoded))
    total = sum(len(item.ids) for item in encoded)
    fresh, limit = 0, engine.layout.traces
    with tqdm(total=total, unit="token", unit_scale=True, disable=None, file=sys.stderr, smoothing=0.1) as bar:
        for number, passes in enumerate(shards):
            members = list(itertools.chain.from_iterable(passes))
            tokens = sum(len(encoded[index].ids) for index in members)
            path = out / TOKENS / f"{number:05}.parquet"
            if _holds(path, sum(encoded[index].scored for index in members)):
                bar.update(tokens)
                bar.unpause()
                continue
            frames = []
            for batch in passes:
                score = lambda part: engine.score([encoded[index] for index in part])
                done, used = devices.in_batches(batch, min(limit, len(batch)), score)
                limit = used if used < min(limit, len(batch)) else limit
                frames += done
                bar.update(sum(len(encoded[index].ids) for index in batch))
            chosen_traces, items = [traces[index] for index in members], [encoded[index] for index in members]
            rows = frame(chosen_traces, items, in_order(list(range(len(members))), items, frames))
            if (bad := rows[rows["nll"].isna()]).size:  # no entry exceeds NaN: the rows would count as said first
                trace = "/".join(bad.iloc[0][["task", "id"]])
                raise UserError(f"trace {trace}: the model's logits there are NaN; take float32, or leave the trace away")
            write_atomic(path, parquet_bytes(rows))
            fresh += tokens
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


def _holds(path: Path, rows: int) -> bool:
    """Whether a shard is there and whole; one that is damaged is named and made again."""
    if not path.exists():
        return False
    try:
        if pq.read_table(path).num_rows == rows:
            return True
    except (OSError, ValueError):
        pass
    print(f"proxylib: {path} is damaged; it is made again", file=sys.stderr)
    return False


def _shards(out: Path) -> list[Path]:
    return sorted((out / TOKENS).glob("*.parquet"))


def fingerprint(folder: Path) -> str:
    """Hash of a model's files: names, sizes and content, of files above 64 MiB the first and last MiB and 4 KiB of each other.

    An adapter's contains that of its base model.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".json", ".safetensors", ".model", ".txt", ".jinja") and path.name != "adapter_model.bin":
            continue
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            if size <= WHOLE:
                digest.update(file.read())
            else:
                digest.update(file.read(END))
                for place in range(END, size - END, END):
                    file.seek(place)
                    digest.update(file.read(PIECE))
                file.seek(-END, 2)
                digest.update(file.read())
    if (folder / loading.ADAPTER).exists():
        digest.update(fingerprint(loading.base_of(folder)).encode())
    return digest.hexdigest()[:32]
