"""Everything that is measured on one model, in one visit: token statistics over traces of every kind, and its own answers.

Raw rows are stored; which of them become which proxy is decided later, without a forward pass.
"""

from __future__ import annotations

from proxylib.data.traces import read
from proxylib.measure import benchmarks, features, proxies
from proxylib.measure.tokenstats.extract import token_rows
from proxylib.models import devices, loading, tokenizers
from proxylib.runs.store import Workspace
from proxylib.studies.lab.material import KINDS, traces_of

SHOWN = 3  # answers of each task whose text is kept


def build(step, workspace: Workspace) -> None:
    """Token statistics and answers of one trained model.

    Parameters
    ----------
    step : a declared `measure` step; its parents are the trained model, the material and, but for the lab expert itself, the
        lab expert's measurement
    workspace : receives `tokens_<kind>` for each kind of trace and `items` of the expert's (see
        `tokenstats.extract.token_rows`), `features` (as `features.to_long` has them) and `settings` (see features.py),
        `answers` (see `evaluate.answers`) and `written` (the first of them with their text); its facts are the vocabulary
        size and what became of the expert's tokens (`short`: traces with fewer than `proxies.LEAST_TOKENS`)
    """
    settings, material = step.settings, step.parent("material")
    facts = devices.prepare(settings.extraction.device, settings.extraction.threads)
    folder = step.parent("train").path("model")
    model, tokenizer = loading.load(folder, settings.extraction.device), tokenizers.load(folder, "always")
    rows = {}
    for kind in KINDS:
        tokens, items = token_rows(model, tokenizer, read(material.path(f"{traces_of(kind)}.parquet")), settings.extraction)
        rows[kind] = tokens
        workspace.write_table(f"tokens_{kind}", tokens)
        if kind == "expert":
            workspace.write_table("items", items)
            facts |= {"batch": items.attrs["batch"], "tokens_scored": len(tokens), "short": len(proxies.short_traces(tokens))}
            facts |= {f"tokens_{name}": int(items[name].sum()) for name in ("truncated", "windowed")}
    theirs = step.parent("expert").table("tokens_expert") if "expert" in step.parents else rows["expert"]
    texts = features.solutions(material)
    workspace.write_table("features", features.to_long(features.features(rows, theirs, texts, len(tokenizer))))
    workspace.write_table("settings", features.settings(rows, theirs, texts, len(tokenizer)))
    answered = benchmarks.answers(model, tokenizer, read(material.path("traces.parquet")), settings.evaluation)
    workspace.write_table("answers", answered.drop(columns="text"))
    workspace.write_table("written", answered.groupby("task", sort=False).head(SHOWN))
    workspace.note(**facts, vocabulary=len(tokenizer), problems=len(answered))
