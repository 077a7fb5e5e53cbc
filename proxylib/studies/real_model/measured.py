"""One copy of the model, made and measured in memory; what is left are tables, none of which holds a text or a token."""

from __future__ import annotations

import itertools
import shutil

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data.trace import Trace
from proxylib.measure import proxies
from proxylib.measure.settings import Layout
from proxylib.measure.tokenstats.encode import Window, encode
from proxylib.measure.tokenstats.extract import Engine, context_of, frame, in_order
from proxylib.models import architectures, devices, loading, lora, tokenizers
from proxylib.models.settings import Tuning
from proxylib.runs.store import Workspace
from proxylib.studies.real_model import copies, questions
from proxylib.studies.real_model.settings import TAUGHT, DamagedSettings

LAYOUT = Layout(batch_tokens=4096, batch_traces=16, chunk=128, impl="chunked")
WHOLE = Window(10**6)
FOLDER = "taught"  # of an adapter, while it is needed


def rows(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, traces: list[Trace]) -> pd.DataFrame:
    """Token rows of all traces, as `tokenstats.extract` has them; prompts that several share are computed once."""
    engine = Engine(model, len(tokenizer), LAYOUT)
    encoded = [encode(trace, tokenizer, WHOLE, context_of(model)) for trace in traces]
    passes = list(engine.passes(encoded))
    frames = [engine.score([encoded[index] for index in members]) for members in passes]
    return frame(traces, encoded, in_order(list(itertools.chain.from_iterable(passes)), encoded, frames))


def sums(tokens: pd.DataFrame) -> pd.DataFrame:
    """task, id, nll (nats, of all tokens), tokens, n_bytes of every trace."""
    grouped = tokens.astype({"nll": float}).groupby(["task", "id"], sort=False)
    return grouped.agg(nll=("nll", "sum"), tokens=("nll", "size"), n_bytes=("n_bytes", "sum")).reset_index()


def options(tokens: pd.DataFrame) -> pd.DataFrame:
    """task, item, answer (0 is the right one), nll, tokens, n_bytes of every answer; see `questions.as_traces`."""
    frame = sums(tokens)
    item, answer = frame["id"].str.rpartition("#")[0], frame["id"].str.rpartition("#")[2].astype("int8")
    named = frame.drop(columns="id")
    named.insert(1, "item", item)
    named.insert(2, "answer", answer)
    return named


def spread(tokens: pd.DataFrame, vocabulary: int) -> pd.DataFrame:
    """How statistics of tokens are spread in each set.

    Returns
    -------
    task, tokens, n_bytes, nll (mean, nats), entropy (mean, nats), bits_per_byte, top1, top5, rank (median), certain (share of
    tokens below a tenth of a nat), dearest (share of all nats that the dearest tenth of the tokens holds)
    """
    statistics = proxies.statistics(tokens, vocabulary)
    result = []
    for task, part in tokens.groupby("task", sort=False):
        nll, of = np.sort(part["nll"].to_numpy(float))[::-1], statistics.loc[part.index]
        result.append(
            {
                "task": task,
                "tokens": len(part),
                "n_bytes": int(part["n_bytes"].sum()),
                "nll": nll.mean(),
                "entropy": part["entropy"].mean(),
                "bits_per_byte": nll.sum() / np.log(2) / part["n_bytes"].sum(),
                "top1": of["top1"].mean(),
                "top5": of["top5"].mean(),
                "rank": of["rank"].median(),
                "certain": (nll < 0.1).mean(),
                "dearest": nll[: max(1, len(nll) // 10)].sum() / nll.sum(),
            }
        )
    return pd.DataFrame(result)


def build(step, workspace: Workspace) -> None:
    """Make a copy, ask it everything, and leave tables.

    Parameters
    ----------
    step : a declared `damaged` step; its parent holds `model/`
    workspace : receives the tables traces (`sums` and the eighty proxies of each worked solution), spread, prose (`sums`),
        options and losses (of a fine-tune; empty where there was none); facts: the model's size. Of a fine-tune that diverged,
        the losses and the fact `diverged` alone
    """
    settings: DamagedSettings = step.settings
    workspace.note(**devices.prepare("cpu", settings.threads))
    folder = step.parent("model").path("model")
    given = questions.texts(settings.asked)
    tokenizer = tokenizers.load(folder)
    losses = pd.DataFrame({"step": [], "epoch": [], "loss": []})
    if settings.damage.kind in TAUGHT:
        lessons = copies.lessons(given.train, settings.damage, settings.asked.seed)
        place = workspace.folder / FOLDER
        tuning = Tuning(**settings.lora.model_dump())
        tuned = lora.tune(folder, lessons, tuning, lora.Schedule(1, None), settings.asked.seed, place)
        losses = tuned.losses
        model = None if tuned.diverged else loading.load(place / lora.ADAPTER)
        if model is None or not _finite(model, tokenizer, lessons[0]):
            _only_losses(workspace, losses)
            return
    else:
        model = copies.damaged(loading.load(folder), settings.damage, settings.asked.seed)
    worked = rows(model, tokenizer, questions.worked(given, settings.asked))
    if settings.damage.kind in TAUGHT and not np.isfinite(worked["nll"]).all():
        _only_losses(workspace, losses)
        return
    values = proxies.by_trace(worked, len(tokenizer)).values.astype("float32").reset_index()
    workspace.write_table("traces", sums(worked).merge(values, on=["task", "id"]))
    workspace.write_table("spread", spread(worked, len(tokenizer)))
    workspace.write_table("prose", sums(rows(model, tokenizer, questions.passages(given, settings.asked))))
    asked = questions.as_traces(questions.questions(given, settings.asked))
    workspace.write_table("options", options(rows(model, tokenizer, asked)))
    workspace.write_table("losses", losses)
    workspace.note(**{"parameters": architectures.parameters(model)["all"], "vocabulary": len(tokenizer)})
    shutil.rmtree(workspace.folder / FOLDER, ignore_errors=True)


@torch.inference_mode()
def _finite(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, lesson: Trace) -> bool:
    """Whether a fine-tuned model gives numbers; a step's loss is of the weights before it, so that none is of the last."""
    ids = encode(lesson, tokenizer, WHOLE, context_of(model)).ids
    return bool(torch.isfinite(model(input_ids=torch.tensor([ids]), use_cache=False).logits).all())


def _only_losses(workspace: Workspace, losses: pd.DataFrame) -> None:
    """All that is left of a fine-tune that diverged."""
    workspace.write_table("losses", losses)
    workspace.note(diverged=True)
    shutil.rmtree(workspace.folder / FOLDER, ignore_errors=True)
