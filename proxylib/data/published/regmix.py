"""RegMix (Liu et al. 2024, arXiv 2407.01492): mixtures of 17 domains of the Pile, and losses on 13 of them, at three sizes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.data.published import registry
from proxylib.errors import UserError

NAME = "regmix"
TARGET = "pile_cc"  # the paper's: loss on its Common Crawl
#: what mixtures are made of
DOMAINS = (
    "arxiv",
    "freelaw",
    "nih_exporter",
    "pubmed_central",
    "wikipedia_en",
    "dm_mathematics",
    "github",
    "philpapers",
    "stackexchange",
    "enron_emails",
    "gutenberg_pg_19",
    "pile_cc",
    "ubuntu_irc",
    "europarl",
    "hackernews",
    "pubmed_abstracts",
    "uspto_backgrounds",
)
#: those with a loss
VALIDATED = tuple(name for name in DOMAINS if name not in ("nih_exporter", "philpapers", "enron_emails", "europarl"))
#: part -> how its files are called, and how many mixtures they hold
PARTS = {"fitted": ("train", "1m", 512), "1M": ("test", "1m", 256), "60M": ("test", "60m", 256), "1B": ("test", "1B", 64)}
ROUNDING = 0.01  # shares are given to three decimals, seventeen of them


class Mixtures(NamedTuple):
    """Models of one size, a row each under its index in the set.

    shares : [models, `DOMAINS`] of the mixture, summing to about one
    losses : [models, `VALIDATED`] in nats a token
    """

    shares: pd.DataFrame
    losses: pd.DataFrame


def mixtures(part: str) -> Mixtures:
    """The models of one part: "fitted" (1M, to fit on), "1M" and "60M" (the same other mixtures), "1B" (others again).

    Raises
    ------
    UserError
        If the set is not at hand; if mixtures and losses are not of the same models, each once; if a share is none, or the
        shares of a mixture do not sum to one; if a loss is no positive number.

    Notes
    -----
    Indices of one part say nothing about another, but that 1M and 60M are of the same mixtures. One model was trained on each.
    """
    kind, size, count = PARTS[part]
    shares = _read(f"{kind}_mixture_{size}.csv", {f"train_the_pile_{name}": name for name in DOMAINS}, count)
    losses = _read(f"{kind}_pile_loss_{size}.csv", {f"metric/the_pile_{name}_val_loss": name for name in VALIDATED}, count)
    if not shares.index.equals(losses.index):
        raise UserError(
            f"{_path(f'{kind}_pile_loss_{size}.csv')}: losses are not of the mixtures beside it; fetch the set again"
        )
    odd = shares.index[(shares < 0).any(axis=1) | ((shares.sum(axis=1) - 1).abs() > ROUNDING)]
    if len(odd):
        raise UserError(
            f"{_path(f'{kind}_mixture_{size}.csv')}: the shares of mixture {odd[0]} do not sum to 1; fetch the set again"
        )
    wrong = losses.index[(losses <= 0).any(axis=1)]
    if len(wrong):
        raise UserError(
            f"{_path(f'{kind}_pile_loss_{size}.csv')}: a loss of mixture {wrong[0]} is not positive; fetch the set again"
        )
    return Mixtures(shares, losses)


def _path(name: str) -> Path:
    return registry.fetch(NAME) / "data" / name


def _read(name: str, columns: dict[str, str], count: int) -> pd.DataFrame:
    """The file's columns under their short names, by index; so many rows of finite numbers, none twice."""
    path = _path(name)
    try:
        frame = pd.read_csv(path).set_index("index")[list(columns)].rename(columns=columns).astype(float)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path}: not the expected table ({error}); fetch the set again") from None
    if len(frame) != count or frame.index.has_duplicates or not np.isfinite(frame).all(axis=None):
        raise UserError(f"{path}: not {count} different rows of finite numbers; fetch the set again")
    return frame
