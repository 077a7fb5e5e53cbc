"""One run in which a domain may stall; then its mixture is changed, or it is left alone.

The run that is left alone comes first. Where its losses raise an alarm, what was known by then decides; the runs that are
changed read the same until there, batch by batch, and something else after.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from proxylib.alarms.plateau import PlateauSettings, plateau
from proxylib.data import corpora
from proxylib.models import tokenizers
from proxylib.models.packing import Special, encoded, pack
from proxylib.runs.store import Workspace
from proxylib.studies.validation.settings import LEFT_ALONE, TO_OTHER, TO_STALLED, MixtureSettings, shifted
from proxylib.studies.validation.watched import watched

OWN_DOCUMENTS = 64  # of the run's own text, on which its loss is taken
SETTLED = 0.1  # share of the run after which is watched: before it, what is new to the model falls at its own pace
AGAIN = 500_000  # added to the seed for documents after a change: other problems of the same kind


class Change(NamedTuple):
    """When a mixture is changed, which domain had stalled, and towards which domain; towards none it is only drawn anew."""

    step: int
    stalled: str
    towards: str


def change(losses: pd.DataFrame, settings: MixtureSettings) -> Change | None:
    """What is done about the first domain that stalls; None where none does.

    Parameters
    ----------
    losses : table domains of the run that is left alone
    settings : only domains of the mix are watched, as only these can be given more. By its arm, the change is towards the
        stalled domain; as a control towards the one that fell fastest over the same checkpoints; or none, and
        the same mix is drawn anew
    """
    rows = losses[losses["domain"].isin(list(settings.corpus.shares)) & (losses["step"] >= SETTLED * losses["step"].max())]
    series = rows.rename(columns={"domain": "task", "step": "at", "nll": "value"})[["task", "at", "value"]]
    alarms = plateau(series, settings=PlateauSettings(share=settings.behind))
    if not len(alarms):
        return None
    first = alarms.sort_values(["at", "p"]).iloc[0]
    stalled, since, now = first["task"], int(first["since"]), int(first["at"])
    wide = rows.pivot(index="step", columns="domain", values="nll").drop(columns=stalled)
    towards = {TO_STALLED: stalled, TO_OTHER: str((wide.loc[now] / wide.loc[since]).idxmin())}
    return Change(now, stalled, towards.get(settings.arm, ""))


def documents_by(settings: MixtureSettings, tokenizer: Any, step: int) -> int:
    """Documents that the rows of the first so many steps take in."""
    training, taken = settings.training.training, 0

    def counted(tokens: Iterator[list[int]]) -> Iterator[list[int]]:
        nonlocal taken
        for taken, document in enumerate(tokens, 1):  # noqa: B007
            yield document

    rows = step * (training.batch_tokens // training.context)
    special = Special(tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    pack(counted(encoded(tokenizer, drawn(settings, settings.corpus.shares))), rows, training.context, special)
    return taken


def drawn(settings: MixtureSettings, shares: dict[str, float], again: int = 0) -> Iterator[str]:
    """Documents of a mix, without end; `again` sets those of after a change apart from those before."""
    recipe = settings.corpus.recipe.model_copy(update={"shares": shares})
    return corpora.documents(recipe, settings.training.material, settings.training.seed + again)


def build(step, workspace: Workspace) -> None:
    """Train and look; see `watched.watched`.

    Parameters
    ----------
    step : a declared `mixture_run` step; unless it is left alone, its parent `alone` is the run that is
    workspace : receives its tables, and `change` (see `Change`), empty where there is none
    """
    settings: MixtureSettings = step.settings
    shares = settings.corpus.shares
    first = list(itertools.islice(drawn(settings, shares), OWN_DOCUMENTS))
    decided, texts = None, lambda: drawn(settings, shares)
    if settings.arm != LEFT_ALONE:
        decided = change(step.parent("alone").table("domains"), settings)
    if decided:
        folder = step.parent("material").path(f"tokenizers/{settings.training.model.tokenizer}")
        before = documents_by(settings, tokenizers.load(folder, "always"), decided.step)
        after = shifted(shares, decided.towards, settings.added) if decided.towards else shares
        texts = lambda: itertools.chain(itertools.islice(drawn(settings, shares), before), drawn(settings, after, again=AGAIN))
    watched(step, workspace, texts, first)
    rows = [decided] if decided else []
    workspace.write_table("change", pd.DataFrame(rows, columns=list(Change._fields)).astype({"step": float}))
