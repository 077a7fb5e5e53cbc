"""Frames that the page on a second domain shows, and what they decide; the sentences stand in the notebook."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from proxylib.data import domains
from proxylib.judging.criteria import GRADED, LENIENT, LM_JUDGE, STRICT
from proxylib.report import words
from proxylib.report.tables import interval, labelled, rows, wide
from proxylib.stats import Decision, decide
from proxylib.studies.loss import report

MARGIN = 5.0  # points by which a borrowed line may miss more, declared before any was drawn
SCORES = {GRADED: "graded score", STRICT: "strict rubric"}
ERRORS = {
    "own line": "own line, a base left out",
    "borrowed line": "the other domain's line",
    "borrowed line minus own": "minus own",
    "borrowed line, base unseen": "the other domain's line, no base of that size in it",
    "borrowed line, base unseen minus own": "minus own, no base of that size",
    "borrowed slope": "its slope, own level",
    "borrowed slope minus own": "minus own ",
}
GAPS = {
    "slope gap": "slope, points per 0.1 nats",
    "level gap": "level at the mean loss, points",
    "correlation gap": "correlation",
}


def titles(names: list[str]) -> dict[str, str]:
    """Domain -> what a sentence calls its notes."""
    return {name: domains.domain(name).title for name in names}


def one_or_each(relation: pd.DataFrame, score: str = GRADED) -> Decision:
    """`HIGHER`: one relation each, as a borrowed line is worse; `LOWER`: one for both; by the rule of the experiment log."""
    both = rows(relation, judge=score, domain="all")
    borrowed = interval(both, statistic="borrowed line minus own")
    if decide(borrowed) is Decision.HIGHER:
        return Decision.HIGHER
    alike = all(decide(interval(both, statistic=gap)) is Decision.UNDECIDED for gap in ("slope gap", "level gap"))
    return Decision.LOWER if alike and borrowed.high <= MARGIN else Decision.UNDECIDED


def by_score(relation: pd.DataFrame) -> dict[str, Decision]:
    """`one_or_each` for every score that all domains have, by what a sentence calls it."""
    known = (SCORES | {LENIENT: "lenient rubric"}).items()
    return {name: one_or_each(relation, score) for score, name in known if len(rows(relation, judge=score, domain="all"))}


def pass_or_fail(points: pd.DataFrame) -> pd.DataFrame:
    """The rows of all that pass or fail: the rubric at both stringencies, and the LM judge where one was trained."""
    return points[points["judge"].isin([STRICT, LENIENT, LM_JUDGE])]


def gap_table(relation: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    """What differs between the domains, and F tests of it, score by score."""
    gaps = labelled(rows(relation, domain="all"), "statistic", GAPS)
    table = wide(gaps, ["statistic"], {"judge": SCORES})
    p = {
        name: {
            GAPS[gap]: words.p_value(row["p"].item())
            for gap, added in (("slope gap", "a slope each"), ("level gap", "a level each"))
            if len(row := rows(tests, judge=score, added=added))
        }
        for score, name in SCORES.items()
    }
    for name, values in p.items():
        table[f"p, {name}"] = [values.get(statistic, words.MISSING) for statistic in table["statistic"]]
    return table.rename(columns={"statistic": "second minus first"})


def error_table(relation: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Errors of forecasts by a line of one's own and by another domain's, in points."""
    table = labelled(labelled(relation, "domain", {**names, "all": "mean"}), "judge", SCORES)
    return wide(labelled(table, "statistic", ERRORS), ["judge", "domain"], {"statistic": {v: v for v in ERRORS.values()}})


def beside(fits: Mapping[str, pd.DataFrame], schedule: str) -> pd.DataFrame:
    """Fits over all configurations, domain by domain."""
    names = titles(list(fits))
    whole = pd.concat([rows(frame, schedule=schedule, group="all").assign(domain=names[name]) for name, frame in fits.items()])
    units = {"r": "correlation", "spearman": "rank correlation", "R2": "R2", "slope": "slope, points per 0.1 nats"}
    table = labelled(labelled(whole, "judge", SCORES), "statistic", units)
    return wide(table, ["statistic", "judge"], {"domain": {name: name for name in names.values()}})


def partials(controls: Mapping[str, pd.DataFrame], schedule: str) -> pd.DataFrame:
    """Correlation of loss and score with more and more held fixed, domain by domain."""
    names = titles(list(controls))
    held = pd.concat(
        [
            rows(frame, schedule=schedule, statistic="partial r", form="loss").assign(domain=names[name])
            for name, frame in controls.items()
        ]
    )
    table = labelled(labelled(held, "design", report.HELD), "judge", SCORES)
    table = table.assign(luck=[f"±{value:.2f}" for value in table["critical"]])
    return wide(table, ["design", "judge", "luck"], {"domain": {name: name for name in names.values()}}).rename(
        columns={"design": "held fixed"}
    )
