"""The lab's material as one run: evaluation traces and tokenizers, shared by every model."""

from __future__ import annotations

from .. import corpora, tasks, traces
from ..store import Workspace
from . import tokenizers

TOKENIZER_TEXT = 400_000  # characters: merges of so small a vocabulary no longer change beyond it


def build(step, workspace: Workspace) -> None:
    """Draw the evaluation problems and train the tokenizers.

    Parameters
    ----------
    step : a declared `material` step; its settings are a `config.Material`
    workspace : receives the table `traces` and `tokenizers/<kind>/`
    """
    config = step.settings
    problems = [t for name in config.tasks for t in tasks.evaluation_problems(tasks.task(name), config.items, config.seed)]
    workspace.write_table("traces", traces.to_frame(problems))
    text = corpora.sample(config, TOKENIZER_TEXT)
    for kind in ("byte", "bpe"):
        tokenizers.train(kind, text, config.bpe_vocabulary).save_pretrained(workspace.path(f"tokenizers/{kind}"))
    workspace.note(traces=len(problems), prose_sha256=corpora.fingerprint())
