"""`proxylib preferences`: votes in; ratings, orders and what to buy next out.

The folder is a work folder (see `runs.folder`). It holds `ratings` (a row per model), `orders` (a row per two models), `next`
(a row per pair to vote on), and `traits` where texts are known, each as CSV and as Parquet, `ratings.svg` and `wins.svg`. The
facts of its manifest hold the sentence that is printed, what ought to be known, and the exit code.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.judging import buying, orders, preferences, style
from proxylib.judging.preferences import Ratings
from proxylib.runs.files import parquet_bytes, sha256
from proxylib.runs.folder import Finished, Folder, Workspace
from proxylib.studies.preferences import report, votes
from proxylib.studies.preferences.settings import Preferences
from proxylib.studies.preferences.votes import Votes
from proxylib.text import line

VERSION = 1  # of what is computed: another one is another request
TABLES = ("ratings", "orders", "next", "traits")
FIGURES = ("ratings.svg", "wins.svg")
PARTS = (*FIGURES, *(f"{name}.{kind}" for name in TABLES for kind in ("csv", "parquet")))


def rate_file(given: Preferences) -> Finished:
    """Rate the models of a file of votes, into a folder; what is finished there is taken from there.

    Raises
    ------
    UserError
        Before anything is written, where the file is wrong; or if the folder belongs to other work.
    """
    known = votes.load(given)
    request = {
        "command": "preferences",
        "version": VERSION,
        "votes": sha256(given.votes),
        "fields": given.fields,
        "winners": given.winners,
        "baseline": given.baseline,
        "buy": given.buy,
        "level": given.level,
        "limit_unscored": given.limit_unscored,
    }
    ratings = preferences.fit(known.frame, given.level)
    return Folder(given.out, request, PARTS).make(lambda workspace: build(known, ratings, given, workspace))


def build(known: Votes, ratings: Ratings, given: Preferences, workspace: Workspace) -> None:
    """Write tables, figures, and the facts."""
    baseline = None if given.baseline is None else line(given.baseline)
    tables = {
        "ratings": orders.table(ratings, baseline),
        "orders": orders.orders(ratings),
        "next": buying.next_votes(ratings, given.buy),
    }
    notes = [*known.notes, *report.warnings(ratings)]
    if "text_a" in known.frame:
        tables["traits"], said = traits(known.frame, given.level)
        notes += said
    for name, table in tables.items():
        workspace.write(f"{name}.csv", table.to_csv(index=False).encode())
        workspace.write(f"{name}.parquet", parquet_bytes(table))
    workspace.write("ratings.svg", report.ratings_figure(tables["ratings"], tables["orders"], given))
    workspace.write("wins.svg", report.wins_figure(tables["ratings"], tables["orders"]))
    settled = bool(tables["orders"]["settled"].any())
    missing = known.unscored > given.limit_unscored * known.rows
    if missing:
        notes.append(
            f"{known.unscored / known.rows:.1%} of the votes have no winner, more than --limit-unscored "
            f"{given.limit_unscored:g}: who is left out may not be like the rest"
        )
    sentence = report.sentence(ratings, tables["ratings"], tables["orders"], tables["next"], tables.get("traits"))
    workspace.note(sentence=sentence, notes=notes, code=0 if settled and not missing else 4)


def traits(frame: pd.DataFrame, level: float) -> tuple[pd.DataFrame, list[str]]:
    """What votes make of length, confidence and layout: each by itself, by which has more, and all together, by how much."""
    read = style.sampled(frame)
    notes = [f"length, confidence and layout are taken from {len(read):,} votes, drawn of {len(frame):,}"] * (
        len(read) < len(frame)
    )
    said = (read[name].map(votes.spoken) for name in ("text_a", "text_b"))
    differences = style.differences(*(texts.reset_index(drop=True) for texts in said))
    read = read.reset_index(drop=True)
    alone = style.effects(read, differences, level, together=False, signs=True)
    share = alone[["estimate", "low", "high"]].apply(lambda odds: 1 / (1 + np.exp(-odds)))
    alone = alone.assign(**share).drop(columns=["low_alone", "high_alone"])
    together = style.effects(read, differences, level)
    odds = {f"odds_{name}": np.exp(together[name]) for name in ("estimate", "low", "high")}
    return alone.assign(unit=alone["trait"].map(style.UNITS), **odds), notes
