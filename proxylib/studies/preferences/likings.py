"""What annotators like beside what an answer says: length, confidence, layout; and whether a trained judge likes the same."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.data.published.judgments import HUMAN
from proxylib.judging import style
from proxylib.stats import Bootstrap, Drawn, Interval

POINTS = {"a": 1.0, "tie": 0.5, "b": 0.0}
#: how split people are -> how far from a half the mean of their three votes may lie
SPLIT = {"two to one, or even": 1 / 6, "even": 0.0}
CLAIMS = {"stack-verbosity": "longer", "stack-confidence": "more confident", "stack-formatting": "better laid out"}


def votes_of(answers: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """A row per vote: item, question, kind, judge, a, b (models), points, and the traits of `style.differences`."""
    traits = style.differences(answers["text_a"], answers["text_b"])
    whole = pd.concat([answers[["item", "a", "b"]].reset_index(drop=True), traits], axis=1)
    rows = judged.dropna(subset=["vote"]).drop(columns=["longer"]).merge(whole, on="item", validate="m:1")
    return rows.assign(points=rows["vote"].map(POINTS))


def effects(rows: pd.DataFrame, level: float) -> pd.DataFrame:
    """Effects of traits on each kind of voter.

    Returns
    -------
    pd.DataFrame
        kind, how ("alone": share of points of the answer with more; "together": log odds per unit of each, the others equal),
        trait, estimate, low, high (over judges and questions), low_given, high_given (over questions), votes, judges
    """
    parts = []
    for kind, part in rows.groupby("kind", sort=False):
        part = part.reset_index(drop=True)
        traits, given = part[list(style.TRAITS)], part.drop(columns="judge")
        for how, together in (("alone", False), ("together", True)):
            wide, narrow = (
                style.effects(votes, traits, level, together=together, signs=not together) for votes in (part, given)
            )
            table = wide.assign(low_given=narrow["low"], high_given=narrow["high"], kind=kind, how=how)
            parts.append(table.assign(judges=part["judge"].nunique()))
    whole = pd.concat(parts, ignore_index=True)
    ends = ["estimate", "low", "high", "low_given", "high_given"]
    shares = 1 / (1 + np.exp(-whole[ends]))
    whole[ends] = shares.where(whole["how"].eq("alone"), whole[ends])
    return whole[["kind", "how", "trait", *ends, "votes", "judges"]]


def pointed(rows: pd.DataFrame, machine: str, split: float, bootstrap: Bootstrap, level: float) -> tuple[Interval, int]:
    """How often a machine prefers, where people are split, the answer to which people's liking of style points.

    Parameters
    ----------
    rows : of `votes_of`
    machine : kind of its votes
    split : how far from a half the mean of people's points may lie
    bootstrap : draws questions

    Returns
    -------
    Interval, and how many of its verdicts

    Notes
    -----
    What people like is fitted on the other half of the questions, models held equal; verdicts that are ties say nothing. Where
    people are split two to one, the answer that two of them prefer may be the better one.
    """
    people = rows[rows["kind"] == HUMAN]
    open_items = (people.groupby("item")["points"].mean() - 0.5).abs() <= split + 1e-9
    theirs = rows[(rows["kind"] == machine) & rows["points"].ne(0.5) & rows["item"].map(open_items)]
    hits = []
    for half in (0, 1):
        known = people[people["question"] % 2 != half].reset_index(drop=True)
        liked = style.effects(known, known[list(style.TRAITS)], level).set_index("trait")["estimate"].fillna(0)
        part = theirs[theirs["question"] % 2 == half]
        side = np.sign(part[list(style.TRAITS)].to_numpy() @ liked[list(style.TRAITS)].to_numpy())
        hits.append(part.assign(hit=side == np.sign(part["points"] - 0.5))[side != 0])
    whole = pd.concat(hits, ignore_index=True)
    questions = bootstrap.over(whole["question"])
    share: Drawn = questions.drawn(questions.ratio(whole["hit"].to_numpy(float), np.ones(len(whole))))
    return share.share(), len(whole)
