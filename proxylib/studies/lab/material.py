"""The lab's material as one run: evaluation traces of every kind and tokenizers, shared by every model."""

from __future__ import annotations

import random

import pandas as pd

from proxylib.data import corpora, tasks, traces
from proxylib.data.settings import Material
from proxylib.data.trace import PROSE, Trace
from proxylib.models import tokenizers
from proxylib.runs.store import Workspace

MOST_CHARACTERS = 8  # of a token, on average
TOKENIZER_TEXT = 400_000  # characters: merges of so small a vocabulary no longer change beyond it
KINDS = ("expert", "other", "wrong", "shuffled", PROSE)  # of traces


def evaluation_traces(config: Material) -> tuple[dict[str, list[Trace]], pd.DataFrame]:
    """Traces of every kind over the same problems, and where the expert's decisive values are.

    Returns
    -------
    kind -> traces: "expert"; "other", the same problems worked out in another style; "wrong", the expert's with slips;
    "shuffled", the expert's solution of another problem of the same task and level; and "prose", held-out English
    decisive : columns task, id, start, stop (characters of the expert's solution)
    """
    kinds: dict[str, list[Trace]] = {name: [] for name in KINDS}
    decisive = []
    for name in config.tasks:
        drawn = tasks.evaluation_problems(tasks.task(name), config.items, config.seed)
        rng = random.Random(f"wrong {name} {config.seed}")
        step = len(tasks.task(name).levels)  # levels take turns, so so many places on stands the next of the same level
        for place, (trace, problem) in enumerate(drawn):
            other = drawn[(place + step) % (len(drawn) - len(drawn) % step)][0]
            put = lambda kind, solution, trace=trace: kinds[kind].append(_with(trace, solution, kind))
            kinds["expert"].append(trace)
            put("other", problem.solution("other"))
            put("wrong", problem.wrong(rng))
            put("shuffled", other.solution)
            decisive += [(trace.task, trace.id, start, stop) for start, stop in problem.decisive()]
    rng = random.Random(f"prose {config.seed}")
    chosen = rng.sample(corpora.pieces(corpora.prose(), held_out=True), config.prose_items)
    kinds[PROSE] = [
        Trace(PROSE, f"prose-{place:04d}", "", text, "", "Python's documentation") for place, text in enumerate(chosen)
    ]
    return kinds, pd.DataFrame(decisive, columns=["task", "id", "start", "stop"])


def traces_of(kind: str) -> str:
    """Name of the table that holds the traces of a kind."""
    return "traces" if kind == "expert" else f"traces_{kind}"


def _with(trace: Trace, solution: str, source: str) -> Trace:
    return Trace(trace.task, trace.id, trace.prompt, solution, trace.answer, source)


def build(step, workspace: Workspace) -> None:
    """Draw the evaluation problems and train the tokenizers.

    Parameters
    ----------
    step : a declared `material` step; its settings are a `config.Material`
    workspace : receives `traces.parquet` (the expert's), `traces_<kind>.parquet`, `decisive.parquet` and
        `tokenizers/<kind>/`
    """
    config = step.settings
    kinds, decisive = evaluation_traces(config)
    for kind, kept in kinds.items():
        workspace.write_table(traces_of(kind), traces.to_frame(kept))
    workspace.write_table("decisive", decisive)
    text = corpora.take(corpora.documents(corpora.recipe("both-styles"), config, seed=-1), TOKENIZER_TEXT)
    for kind in ("byte", "bpe", "spaced"):
        tokenizers.train(kind, text, config.bpe_vocabulary).save_pretrained(workspace.path(f"tokenizers/{kind}"))
    workspace.note(traces=sum(map(len, kinds.values())), prose_sha256=corpora.fingerprint())


def describe_corpora(step, workspace: Workspace) -> None:
    """Write every corpus recipe out, as long as asked for, and say what came of it.

    Parameters
    ----------
    step : a declared `corpora` step; its settings hold the material and the tokens of each corpus
    workspace : receives the table `corpora`, a row per recipe as from `corpora.manifest`, and its tokens: characters over
        characters per token of its first characters, up to `TOKENIZER_TEXT`, under the bpe tokenizer
    """
    settings = step.settings
    tokenizer = tokenizers.load(step.parent("material").path("tokenizers/bpe"))
    rows = []
    for chosen in corpora.RECIPES.values():
        stream = corpora.documents(chosen, settings.material, seed=0)
        texts = corpora.take(stream, min(TOKENIZER_TEXT, MOST_CHARACTERS * settings.tokens))
        rate = sum(map(len, texts)) / sum(map(len, tokenizers.encode(tokenizer, texts)))
        missing = settings.tokens * rate - sum(map(len, texts))
        texts += corpora.take(stream, max(0, int(missing)))
        described = corpora.manifest(chosen, texts)
        rows.append(described | {"tokens": round(described["characters"] / rate)})
    workspace.write_table("corpora", pd.DataFrame(rows))
