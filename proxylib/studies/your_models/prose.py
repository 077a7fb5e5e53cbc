"""Loss on a text of the user's own, beside the proxy: a control that needs no expert and no solution."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.measure.settings import ExtractSettings, OverTraces
from proxylib.stats import Bootstrap
from proxylib.studies.your_models import alike

FOLDER, LOSS = "prose", "prose_bits_per_byte"
LONGEST = 1000  # characters of a passage: shorter than any context that one would rank models for
WINDOW = 4 * LONGEST  # tokens: all of a passage, as no character has more than four bytes
LEAST = 10  # passages, of which an interval means something
TABULAR = (".json", ".jsonl", ".gz", ".parquet", ".csv")


def passages(path: Path) -> list[Trace]:
    """Paragraphs of a plain text, long ones cut at white space, each once; traces without a prompt.

    Raises
    ------
    UserError
        Where there is no such file, it is no plain text, or it has fewer than `LEAST` passages.
    """
    if path.suffix in TABULAR:
        raise UserError(f"{path}: prose is plain text, with blank lines between paragraphs; {path.suffix} holds something else")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from None
    paragraphs = (part.strip() for part in re.split(r"\n\s*\n", text))
    parts = dict.fromkeys(piece for paragraph in paragraphs for piece in _pieces(paragraph))
    if len(parts) < LEAST:
        raise UserError(f"{path}: {len(parts)} different paragraphs, at least {LEAST} are needed; put blank lines between them")
    return [Trace("prose", str(number), "", part, "", "") for number, part in enumerate(parts, 1)]


def _pieces(paragraph: str) -> list[str]:
    """Of at most `LONGEST` characters, cut at white space where there is some."""
    found = re.findall(rf"\S(?:.{{0,{LONGEST - 2}}}\S)?(?=\s|$)|\S{{{LONGEST}}}", paragraph, re.S)
    return [piece.strip() for piece in found]


def loss(models: Mapping[str, Path], traces: list[Trace], given: OverTraces, bootstrap: Bootstrap) -> pd.DataFrame:
    """Bits per byte of every model on the same passages.

    Parameters
    ----------
    models : name -> folder
    traces : as from `passages`
    given : how models are measured, and the folder, in which `prose` is made
    bootstrap : over passages, drawn alike for all models

    Returns
    -------
    model, and estimate, low, high in bits per byte; less is better

    Raises
    ------
    CannotTell
        Where the context of one model cuts off more than that of another, see `alike`.
    """
    from proxylib.measure.tokenstats import shards

    settings = ExtractSettings(window=WINDOW, bos=given.settings.bos, device=given.settings.device, dtype=given.settings.dtype)
    sums, texts, items = {}, {}, {}
    for name, folder in models.items():
        rows = shards.extract(folder, traces, given.out / FOLDER / name, settings, given.layout, given.threads)
        tokens = rows.tokens.assign(nll=rows.tokens["nll"].astype(float))
        sums[name] = tokens.groupby("id", sort=False)[["nll", "n_bytes"]].sum()
        texts[name], items[name] = rows.facts["text"], rows.items
    alike.refuse_unlike(texts, items)
    common = sorted(set.intersection(*(set(part.index) for part in sums.values())))
    passed = bootstrap.over(common)
    drawn = {name: passed.ratio(*part.loc[common].to_numpy(float).T) / np.log(2) for name, part in sums.items()}
    return pd.DataFrame(
        [(name, *passed.drawn(values).interval()) for name, values in drawn.items()],
        columns=["model", "estimate", "low", "high"],
    )
