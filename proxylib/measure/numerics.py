"""How exact token statistics are: against float64, in low precision, over batch layouts, and from call to call.

The oracle is a float64 forward of the same weights, one trace at a time. Low precision is emulated on the processor by
rounding to it: torch rounds weights, activations and logits to bfloat16 as a GPU does, but sums inside a product in its own
order, so last bits differ from a GPU's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel

from proxylib.data import traces
from proxylib.data.trace import Trace
from proxylib.measure import proxies
from proxylib.measure.tokenstats import reference
from proxylib.measure.tokenstats.chunked import token_statistics
from proxylib.measure.tokenstats.columns import STATISTICS
from proxylib.measure.tokenstats.encode import Encoded, Window, encode
from proxylib.measure.tokenstats.extract import Engine, Layout, context_of, frame, in_order
from proxylib.models import devices, loading, tokenizers
from proxylib.runs.store import Workspace

WINNER, LOSS = proxies.name(*proxies.NAMED_WINNERS["model selection"]), "cross_entropy|uniform"
FLOAT32 = "float32"
#: variant -> (weights and activations, product with the head, logits)
VARIANTS = {
    FLOAT32: (torch.float32, torch.float32, torch.float32),
    "bfloat16 trunk, float32 logits": (torch.bfloat16, torch.float32, torch.float32),
    "float32 model, logits rounded to bfloat16": (torch.float32, torch.float32, torch.bfloat16),
    "bfloat16 model, bfloat16 logits": (torch.bfloat16, torch.bfloat16, torch.bfloat16),
}
TIES = ("mid", "strict", "pessimistic")
#: layout -> its settings; the first is what the others are compared with
LAYOUTS = {
    "one trace a pass": Layout(batch_traces=1, share=False),
    "8 traces a pass": Layout(batch_traces=8, padding=1.0, share=False),
    "64 traces a pass": Layout(batch_traces=64, padding=1.0, share=False),
    "chunks of 7": Layout(batch_traces=1, chunk=7, share=False),
    "chunks of 1,024": Layout(batch_traces=1, chunk=1024, share=False),
    "the same again": Layout(batch_traces=1, share=False),
}
REAL = {"hidden": 1024, "vocabulary": 151936, "positions": 64}  # the head of Qwen3-0.6B, with random weights


def build(step, workspace: Workspace) -> None:
    """Precision, ties and layouts on some of the lab's models, and ties at the size of a real vocabulary.

    Parameters
    ----------
    step : a declared `numerics` step; its parents are the material and the trained models
    workspace : receives `precision` (see `precision`), `layouts` (see `layouts`) and `real` (see `real_head`)
    """
    settings = step.settings
    devices.prepare(settings.extraction.device, settings.extraction.threads)
    shown = pd.DataFrame(traces.to_frame(traces.read(step.parent("material").path("traces.parquet"))))
    chosen = traces.from_frame(shown.groupby("task", sort=False).head(settings.items), "material")
    tables: dict[str, list[pd.DataFrame]] = {"precision": [], "layouts": []}
    for name in settings.models:
        folder = step.parent(name).path("model")
        model, tokenizer = loading.load(folder), tokenizers.load(folder, "always")
        encoded = [encode(trace, tokenizer, Window(settings.extraction.window), context_of(model)) for trace in chosen]
        tables["precision"].append(precision(model, len(tokenizer), chosen, encoded).assign(model=name))
        tables["layouts"].append(layouts(model, len(tokenizer), chosen, encoded).assign(model=name))
    for name, parts in tables.items():
        workspace.write_table(name, pd.concat(parts, ignore_index=True))
    workspace.write_table("real", real_head())


def precision(model: PreTrainedModel, vocabulary: int, chosen: list[Trace], encoded: list[Encoded]) -> pd.DataFrame:
    """Every variant against the float64 oracle, over all scored tokens of one model.

    Returns
    -------
    columns variant, tokens, nll_mean, nll_p99 (absolute errors, nats), rank_changed, tied, top1_changed (shares of tokens),
        and per tie rule the errors of the fixed winner, and of loss per token (signed, in the proxies' units)
    """
    truth = _rows(chosen, encoded, _statistics(model, encoded, vocabulary, None))
    exact = _told(truth, vocabulary)
    rows = []
    for variant, how in VARIANTS.items():
        statistics = _rows(chosen, encoded, _statistics(model, encoded, vocabulary, how))
        averages = _told(statistics, vocabulary)
        error = (statistics["nll"].astype(float) - truth["nll"].astype(float)).abs()
        row = {"variant": variant, "tokens": len(statistics), "nll_mean": error.mean(), "nll_p99": error.quantile(0.99)}
        row |= {"rank_changed": (_rank(statistics) != _rank(truth)).mean(), "tied": (statistics["n_equal"] > 1).mean()}
        row |= {"top1_changed": ((statistics["n_greater"] == 0) != (truth["n_greater"] == 0)).mean()}
        rows.append(row | {f"{name} error": averages[name] - exact[name] for name in averages})
    return pd.DataFrame(rows)


def _statistics(model: PreTrainedModel, encoded: list[Encoded], vocabulary: int, how: tuple | None) -> Iterator[pd.DataFrame]:
    """One frame per trace: by the float64 oracle where `how` is None, else in the given precisions."""
    trunk_type, head_type, logit_type = how or (torch.float64,) * 3
    body = copy.deepcopy(model).to(trunk_type)
    head = copy.deepcopy(model.get_output_embeddings()).to(head_type)
    rounded = lambda hidden: head(hidden.to(head_type)).to(logit_type).to(torch.float64 if how is None else torch.float32)
    for item in encoded:
        ids = torch.tensor([item.ids])
        targets = ids[0, -item.scored :]
        with torch.inference_mode():
            hidden = body.base_model(input_ids=ids, use_cache=False).last_hidden_state[0, -item.scored - 1 : -1]
            if how is None:
                columns = reference.statistics(rounded(hidden)[:, :vocabulary], targets, STATISTICS)
            else:
                columns = token_statistics(hidden, rounded, targets, vocabulary, 128)
        yield pd.DataFrame({"token": targets.numpy(), **{name: value.numpy() for name, value in columns.items()}})


def _rows(chosen: list[Trace], encoded: list[Encoded], frames: Iterator[pd.DataFrame]) -> pd.DataFrame:
    return frame(chosen, encoded, pd.concat(list(frames), ignore_index=True))


def _rank(rows: pd.DataFrame) -> pd.Series:
    return rows["n_greater"] + (rows["n_equal"] + 1) / 2


def _told(rows: pd.DataFrame, vocabulary: int) -> dict[str, float]:
    averages = {LOSS: proxies.by_task(rows, vocabulary, names=(LOSS,))[LOSS].mean()}
    for ties in TIES:
        definition = proxies.Definition(ties=ties)
        averages[f"{WINNER}, {ties}"] = proxies.by_task(rows, vocabulary, definition, names=(WINNER,))[WINNER].mean()
    return averages


def layouts(model: PreTrainedModel, vocabulary: int, chosen: list[Trace], encoded: list[Encoded]) -> pd.DataFrame:
    """Rows of every layout against those of one trace a pass.

    Returns
    -------
    columns layout, nll_most (largest absolute difference, nats), rank_changed (share of tokens), same_bits (all columns)
    """
    first, rows = None, []
    for name, layout in LAYOUTS.items():
        engine = Engine(model, vocabulary, layout)
        passes = list(engine.passes(encoded))
        order = [index for batch in passes for index in batch]
        frames = [engine.score([encoded[index] for index in batch]) for batch in passes]
        laid_out = frame(chosen, encoded, in_order(order, encoded, frames))
        first = laid_out if first is None else first
        gap = (laid_out["nll"].astype(float) - first["nll"].astype(float)).abs().max()
        rows.append((name, gap, (_rank(laid_out) != _rank(first)).mean(), bool(laid_out.equals(first))))
    return pd.DataFrame(rows, columns=["layout", "nll_most", "rank_changed", "same_bits"]).iloc[1:]


def real_head() -> pd.DataFrame:
    """Ties and ranks under the head of a real model's size with random weights: float64 beside rounded logits.

    Returns
    -------
    columns logits, tied (share of targets), tied_with (mean number of other entries at the target's logit), rank_error
        (median absolute error of the mid-rank), nll_mean (nats); targets are drawn from the model's own distribution
    """
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(REAL["positions"], REAL["hidden"], generator=generator)
    weight = torch.randn(REAL["vocabulary"], REAL["hidden"], generator=generator) * 2.5 / REAL["hidden"] ** 0.5
    logits = hidden @ weight.T  # standard deviation 2.5, as in a trained model
    targets = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    truth = reference.statistics(hidden.double() @ weight.double().T, targets, STATISTICS)
    rank = lambda columns: (columns["n_greater"] + (columns["n_equal"] + 1) / 2).numpy()
    rows = []
    for name, values in {
        "float32": logits,
        "bfloat16 operands, float32 logits": hidden.bfloat16().float() @ weight.bfloat16().float().T,
        "bfloat16": logits.bfloat16().float(),
    }.items():
        columns = token_statistics(values, lambda part: part, targets, REAL["vocabulary"], 16)
        others = (columns["n_equal"] - 1).numpy()
        error = np.abs((columns["nll"].double() - truth["nll"]).numpy())
        rows.append((name, (others > 0).mean(), others.mean(), np.median(np.abs(rank(columns) - rank(truth))), error.mean()))
    return pd.DataFrame(rows, columns=["logits", "tied", "tied_with", "rank_error", "nll_mean"])
