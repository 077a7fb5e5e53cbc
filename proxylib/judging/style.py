"""How an answer is written, counted without understanding it: length, confidence, layout; and what votes make of each.

The words of confidence and of doubt are a selection of Hyland's boosters and hedges (2005), fixed before any vote was read.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.stats import Interval

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
BOOSTERS = (
    "absolutely actually always beyond certain certainly clear clearly conclusively definite definitely demonstrate "
    "demonstrates doubtless establish established evidently exactly fully guarantee guaranteed guarantees indeed indisputably "
    "inevitably know known must naturally never obvious obviously precisely prove proven proves really sure surely "
    "totally truly undeniable undeniably undoubtedly undisputed unquestionably"
)
HEDGES = (
    "almost apparent apparently appear appears approximately assume assumed assumes around believe could doubt doubtful "
    "estimate estimated fairly feel generally guess indicate indicates likely mainly may maybe might mostly often "
    "perhaps plausible possible possibly presumably probable probably quite rather relatively roughly seem seems "
    "sometimes somewhat suggest suggests suppose supposed suspect tend tends typically uncertain unclear unlikely unsure "
    "usually would"
)
SURE, UNSURE = (frozenset(words.split()) for words in (BOOSTERS, HEDGES))
#: what lays an answer out: items of lists, headings, rows of tables, bold words, code, blank lines between paragraphs
MARKS = re.compile(
    r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S|^[ \t]*#{1,6}[ \t]+\S|^[ \t]*\|.*\|[ \t]*$|\*\*[^*\n]+\*\*|```|\n[ \t]*\n(?=\S)",
    re.MULTILINE,
)
TRAITS = ("longer", "more confident", "better laid out")
#: trait -> what one unit of its difference is
UNITS = {
    "longer": "twice the words",
    "more confident": "one more word of confidence, less those of doubt, in a hundred",
    "better laid out": "twice the marks of layout, and one",
}
FARTHEST = {"longer": 4.0, "more confident": 10.0, "better laid out": 5.0}  # units; what is further apart counts as so far
MOST_VOTES = 100_000  # that a regression over single votes reads: more are drawn from
LEAST_VOTES = 30
MOST_ODDS = 12.0  # of the log of odds: what lies beyond runs away


class Style(NamedTuple):
    """What is counted in an answer.

    words : how many
    confidence : words of confidence less words of doubt, in a hundred words; 0 for an empty answer
    marks : of layout
    """

    words: int
    confidence: float
    marks: int


def style(text: str) -> Style:
    """Count an answer's words, its confidence and its layout."""
    words = [word.lower() for word in WORD.findall(text)]
    sure = sum(word in SURE for word in words) - sum(word in UNSURE for word in words)
    return Style(len(words), 100 * sure / max(len(words), 1), len(MARKS.findall(text)))


def differences(first: pd.Series, second: pd.Series) -> pd.DataFrame:
    """How much the first of two answers has more of each trait, in the units of `UNITS`; a column per trait."""
    counted: dict[str, Style] = {text: style(text) for text in pd.unique(pd.concat([first, second]))}
    a, b = (pd.DataFrame([counted[text] for text in texts], columns=Style._fields) for texts in (first, second))
    frame = pd.DataFrame(
        {
            "longer": np.log2((a["words"] + 1) / (b["words"] + 1)),
            "more confident": a["confidence"] - b["confidence"],
            "better laid out": np.log2((a["marks"] + 1) / (b["marks"] + 1)),
        }
    )
    return frame.clip(lower=-pd.Series(FARTHEST), upper=pd.Series(FARTHEST), axis=1)


def effects(
    votes: pd.DataFrame, traits: pd.DataFrame, level: float, together: bool = True, signs: bool = False
) -> pd.DataFrame:
    """How votes follow each trait, models held equal.

    Parameters
    ----------
    votes : columns a, b, points; where known, judge and question
    traits : a row per vote, a column per trait: how much a has more of it
    level : coverage of intervals
    together : whether traits are held equal too; else each by itself
    signs : whether only which answer has more counts, not how much

    Returns
    -------
    pd.DataFrame
        trait, estimate, low, high (log odds per unit, clustered by judge and question), low_alone, high_alone (votes
        independent), votes (in which the two differ in it); nan where fewer than 30 differ

    Notes
    -----
    No cause is shown: an answer that says more is longer, and may be liked for what it says. With one number per trait for the
    share of points, a coin's is log odds of 0.
    """
    values = np.sign(traits) if signs else traits
    parts = [list(values)] if together else [[name] for name in values]
    rows = []
    for names in parts:
        usable = [name for name in names if int((values[name] != 0).sum()) >= LEAST_VOTES]
        found = _regression(votes, values[usable], level) if usable else {}
        nothing = (Interval(np.nan, np.nan, np.nan),) * 2
        for name in names:
            wide, alone = found.get(name, nothing)
            rows.append((name, *wide, *alone[1:], int((values[name] != 0).sum())))
    return pd.DataFrame(rows, columns=["trait", "estimate", "low", "high", "low_alone", "high_alone", "votes"])


def _regression(votes: pd.DataFrame, traits: pd.DataFrame, level: float) -> Mapping[str, tuple[Interval, Interval]]:
    """Trait -> its interval, clustered, and as if votes were independent."""
    from scipy.stats import norm, t

    codes, models = pd.factorize(pd.concat([votes["a"], votes["b"]], ignore_index=True), sort=True)
    first, second = np.split(codes, 2)
    design = np.zeros((len(votes), len(models)))
    design[np.arange(len(votes)), first] += 1
    design[np.arange(len(votes)), second] -= 1
    whole = np.column_stack([traits.to_numpy(float), design[:, 1:]])
    whole = whole[:, [*range(traits.shape[1]), *(traits.shape[1] + np.flatnonzero(np.abs(design[:, 1:]).sum(0) > 0))]]
    fitted = _fitted(votes["points"].to_numpy(float), whole)
    apart = fitted is None
    if apart:  # a tie that differs in nothing but one column holds each of them down
        count = whole.shape[1]
        whole = np.vstack([whole, np.eye(count)])
        ties = {name: [("a tie", name, number) for number in range(count)] for name in ("judge", "question") if name in votes}
        votes = pd.concat([votes[["points", *ties]], pd.DataFrame({"points": np.full(count, 0.5)} | ties)], ignore_index=True)
        fitted = _fitted(votes["points"].to_numpy(float), whole)
    if fitted is None:
        return {}
    plain, degrees = clustered(fitted, votes)
    reaches = t.ppf((1 + level) / 2, degrees) * plain, norm.ppf((1 + level) / 2) * fitted.bse
    return {
        name: tuple(_ends(float(value), float(reach[place]), apart) for reach in reaches)
        for place, (name, value) in enumerate(zip(traits, fitted.params, strict=False))
    }


def _fitted(points: np.ndarray, design: np.ndarray):
    """The fit by statsmodels; None where some trait or model decides every vote, so that its odds have no end."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # that odds run away is what is asked here
        try:
            fitted = GLM(points, design, family=Binomial()).fit()
        except (np.linalg.LinAlgError, ValueError):
            return None
    ends = np.isfinite(fitted.params).all() and np.isfinite(fitted.bse).all() and np.abs(fitted.params).max() < MOST_ODDS
    return fitted if ends else None


def _ends(estimate: float, reach: float, apart: bool) -> Interval:
    """An interval, open on the side of the estimate where odds have no end."""
    low, high = estimate - reach, estimate + reach
    return Interval(estimate, -np.inf if apart and estimate < 0 else low, np.inf if apart and estimate > 0 else high)


def clustered(fitted, votes: pd.DataFrame) -> tuple[np.ndarray, float]:
    """Standard errors of a fit by statsmodels over single votes, clustered by judge and question, and degrees of freedom."""
    from statsmodels.stats.sandwich_covariance import cov_cluster, cov_cluster_2groups, cov_hc0

    ways = [codes for name in ("judge", "question") if name in votes and len(set(codes := pd.factorize(votes[name])[0])) > 1]
    if not ways:
        return np.sqrt(np.diag(cov_hc0(fitted))), len(votes) - 1
    covariances = cov_cluster_2groups(fitted, *ways) if len(ways) == 2 else (cov_cluster(fitted, ways[0]),)
    errors = np.sqrt(np.max([np.diag(each) for each in covariances], axis=0))
    return errors, min(len(set(codes)) for codes in ways) - 1


def sampled(votes: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """All votes, or where there are very many, so many of them that are read in a minute."""
    return votes if len(votes) <= MOST_VOTES else votes.sample(MOST_VOTES, random_state=seed).sort_index()
