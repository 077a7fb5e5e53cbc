"""One cell of a grid: a base fine-tuned, its notes written and measured."""

from __future__ import annotations

import pandas as pd

from proxylib.data import domains
from proxylib.data.domains.base import Example
from proxylib.data.trace import Trace
from proxylib.measure import proxies
from proxylib.measure.tokenstats.extract import token_rows
from proxylib.models import devices, generate, loading, tokenizers
from proxylib.models.lora import ADAPTER, Schedule, averages, tune
from proxylib.models.settings import Tuning
from proxylib.runs.store import Workspace


def fit(step, workspace: Workspace) -> None:
    """One cell of a grid: fine-tune a base, write notes on the test dialogues, measure them.

    Parameters
    ----------
    step : a declared `cell` step; its parents are the domain's material and the base
    workspace : receives `adapter/`, the tables `losses` (see `Tuned`), `notes` (id, note, finished: whether
        the model ended it itself) and `proxies` (one row: trace loss, bits per byte and the eighty metrics over the experts'
        notes); its facts are the losses of the cell in nats per completion token and over how many steps training losses are
        means (see `averages`), how many examples were truncated and notes cut, and whether it diverged, in which case there
        is no note

    Notes
    -----
    The held-out loss is a mean over the tokens of the notes alone, while training also counts the eos after them.
    """
    settings = step.settings
    facts = devices.prepare(settings.extraction.device, settings.extraction.threads)
    domain = domains.domain(settings.scribe.domain)
    traces = [_trace(example) for example in domain.examples(settings.examples, settings.scribe.seed, unseen=False)]
    base = step.parent("base").path("model")
    schedule = Schedule(settings.epochs, settings.steps)
    device = settings.extraction.device
    tuning = Tuning(**settings.lora.model_dump(), device=device)
    tuned = tune(base, traces, tuning, schedule, settings.seed, workspace.folder, "always")
    losses = tuned.losses
    workspace.write_table("losses", losses)
    workspace.note(**facts, **tuned.facts())
    if tuned.diverged:
        return
    model = loading.load(workspace.folder / ADAPTER, device)
    workspace.note(**averages(losses, settings.last))
    tests = domain.examples(settings.tests.count, settings.tests.seed, settings.tests.unseen)
    tokenizer = tokenizers.load(base, "always")
    notes = generate.completions(model, tokenizer, [test.prompt for test in tests], settings.max_new_tokens, len(tests))
    rows = [(test.id, *note) for test, note in zip(tests, notes, strict=True)]
    workspace.write_table("notes", pd.DataFrame(rows, columns=["id", "note", "finished"]))
    workspace.note(cut=sum(not note.finished for note in notes))
    tokens, _ = token_rows(model, tokenizer, [_trace(test) for test in tests], settings.extraction)
    values = proxies.by_trace(tokens, len(tokenizer)).values.mean().to_frame().T
    workspace.write_table("proxies", values.assign(bits_per_byte=proxies.bits_per_byte(tokens).mean()))
    workspace.note(held_out_loss=float(tokens["nll"].mean()))


def _trace(example: Example) -> Trace:
    return Trace(example.case.domain.name, example.id, example.prompt, example.note, "", "lab expert")
