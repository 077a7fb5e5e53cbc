"""Frames that the pages on judges show, and what they decide; the sentences stand in the notebooks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib.data.domains import scribe
from proxylib.judging import rubric
from proxylib.judging.criteria import CRITERIA, LM_JUDGE, PROMPTED, STRICT
from proxylib.judging.questions import FAIL, PASS, UNSCORED
from proxylib.report.tables import ENDS, decided, interval, labelled, rows, wide
from proxylib.stats import Decision, Interval, decide
from proxylib.studies.loss.report import reported
from proxylib.studies.loss.settings import Tests

FLOOR = 95  # percent: of so many notes with one verdict, always giving it agrees on nearly all
GOOD, POOR = 0.4, 0.2  # kappa: "moderate" begins, "slight" ends (Landis and Koch 1977)
NAMES = {criterion: criterion.replace("_", " ") for criterion in CRITERIA}

#: criterion -> what it asks, for who has not read the prompts
ASKS = {
    "template": "the form",
    "inference": "the diagnosis",
    "terminology": "clinical words",
    "completeness": "what is left out",
    "no hallucination": "what is made up",
}


def voters(sets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Agreement in several sets of votes (`agreement.agreement`) with columns set, voters, pair, people (are both)."""
    table = pd.concat([votes.assign(set=name) for name, votes in sets.items()], ignore_index=True)
    table["voters"] = table["first"] + " with " + table["second"]
    people = (table["first"] == "human") & (table["second"] == "human")
    return table.assign(pair=table["set"] + ": " + table["voters"], people=people)


def forest(agreement: pd.DataFrame) -> pd.DataFrame:
    """Shares of agreeing firm votes from `voters`, and in a column known what the set's own note gives, or nan."""
    votes = reported("agreeing votes").set_index("voters")[["value", "n"]].astype(int)
    return rows(agreement, statistic="without ties").assign(known=lambda firm: firm["pair"].map(votes["value"] / votes["n"]))


def apart(first: Interval, second: Interval) -> Decision:
    """Whether an interval lies wholly above or below another; undecided where they overlap, which is no proof of likeness."""
    if decide(first, second.high) is Decision.HIGHER:
        return Decision.HIGHER
    return Decision.LOWER if decide(first, second.low) is Decision.LOWER else Decision.UNDECIDED


def agreement_table(agreement: pd.DataFrame) -> pd.DataFrame:
    """A row per pair of voters, from `voters`."""
    scale = agreement["statistic"].map({"without ties": 100, "kappa": 1})
    counts = [f"{row.agreeing:,} of {row.n:,}" for row in agreement.itertuples()]
    scaled = agreement.assign(**agreement[ENDS].mul(scale, axis=0), **{"pairs of firm votes": counts})
    return wide(scaled, ["set", "voters", "pairs of firm votes"], {"statistic": {"without ties": "agree, %", "kappa": "kappa"}})


def by_length(length: pd.DataFrame, decision: Decision) -> list[str]:
    """Kinds of judges that prefer the longer answer more (`HIGHER`) or less (`LOWER`) than people do on the same pairs."""
    gaps = rows(length, statistic="minus human")
    return [kind for kind, decided_as in zip(gaps["kind"], decided(gaps), strict=True) if decided_as is decision]


def kappas(agreement: pd.DataFrame) -> pd.DataFrame:
    """Kappas within cells of the LM judge under each set of prompts, with a column design: the criterion in words."""
    table = rows(agreement, statistic="kappa")
    table = table[table["judge"].isin(list(PROMPTED.values()))]
    return table.assign(design=table["criterion"].map(NAMES))


def criteria_where(agreement: pd.DataFrame, kappa: float, decision: Decision) -> list[str]:
    """Criteria on which the LM judge's kappa lies above (`HIGHER`) or below (`LOWER`) a value."""
    table = rows(kappas(agreement), judge=LM_JUDGE)
    return [name for name, decided_as in zip(table["design"], decided(table, kappa), strict=True) if decided_as is decision]


def passes(agreement: pd.DataFrame, decision: Decision) -> list[str]:
    """Criteria on which the LM judge passes clearly more (`HIGHER`) or fewer (`LOWER`) notes than the expert."""
    table = rows(agreement, judge=LM_JUDGE)
    rates = lambda criterion: (interval(table, criterion=criterion, statistic=f"{who}pass rate") for who in ("", "expert's "))
    return [name for criterion, name in NAMES.items() if apart(*rates(criterion)) is decision]


def pass_rates(agreement: pd.DataFrame) -> pd.DataFrame:
    """Percent of the notes that pass each criterion, by the exact rubric and by the LM judge with all clauses."""
    table = rows(agreement, judge=LM_JUDGE)
    parts = [
        rows(table, statistic=statistic).assign(judge=judge)
        for statistic, judge in (("expert's pass rate", STRICT), ("pass rate", LM_JUDGE))
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(design=table["criterion"].map(NAMES))


def most_lenient(agreement: pd.DataFrame) -> tuple[str, float, float]:
    """The criterion on which the LM judge passes most beyond what the rubric passes, and both as shares.

    nan where no verdict of the judge can be read.
    """
    rates = pass_rates(agreement).pivot(index="design", columns="judge", values="estimate") / 100
    rates = rates.reindex(index=list(NAMES.values()), columns=[LM_JUDGE, STRICT])
    gaps = rates[LM_JUDGE] - rates[STRICT]
    name = gaps.fillna(-np.inf).idxmax()
    return name, rates.loc[name, LM_JUDGE], rates.loc[name, STRICT]


def at_floor(agreement: pd.DataFrame) -> list[str]:
    """Criteria of which nearly all notes have one verdict (`FLOOR`), so that always giving it looks like agreement."""
    table = rows(pass_rates(agreement), judge=STRICT)
    return list(table["design"][table["estimate"].clip(upper=100 - table["estimate"]) <= 100 - FLOOR])


def quality_table(agreement: pd.DataFrame) -> pd.DataFrame:
    """A row per criterion and set of prompts: agreement, and how strict the judge is."""
    table = labelled(agreement, "judge", {judge: prompts for prompts, judge in PROMPTED.items()})
    table = labelled(table, "criterion", NAMES).rename(columns={"judge": "prompts"})
    table["unscored"] = [f"{row.unscored} of {row.n}" for row in table.itertuples()]
    columns = {
        "kappa": "kappa within cells",
        "kappa, cells pooled": "kappa, cells pooled",
        "agreement": "agrees, %",
        "pass rate": "passes, %",
        "expert's pass rate": "expert passes, %",
    }
    return wide(table, ["criterion", "prompts", "unscored"], {"statistic": columns})


def repeats_table(repeats: pd.DataFrame) -> pd.DataFrame:
    """A row per criterion: how often the same question gets different verdicts, and the share of the variance that is chance.

    Both variances of the share are estimated without bias, so that their ratio passes 100 % by luck where answers to one
    question differ as much as those to different questions: there it ends, as what lies between questions is not negative.
    """
    of_chance = repeats["statistic"] == "chance"
    whole = repeats.assign(**{end: repeats[end].mask(of_chance, repeats[end].clip(upper=100)) for end in ENDS})
    columns = {"not unanimous": "different verdicts, %", "chance": "variance between repeats, %"}
    return wide(labelled(whole, "criterion", {"all": "all"} | NAMES), ["criterion", "n"], {"statistic": columns})


def refinement_table(checked: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """A row per criterion: clauses of the naive and the refined prompt, and kappas where it was sought and where it was not."""
    clauses = prompts.pivot(index="criterion", columns="name", values="clauses")[["naive", "refined"]]
    table = labelled(checked.join(clauses, on="criterion"), "criterion", NAMES)
    columns = {
        "naive, check": "naive, held out",
        "refined, refine": "refined, sought on",
        "refined, check": "refined, held out",
        "refined minus naive, check": "minus naive, held out",
    }
    table["kappa"] = table["prompts"] + ", " + table["part"]
    return wide(table, ["criterion", "naive", "refined"], {"kappa": columns})


def shown_note(written: pd.DataFrame, cells: pd.DataFrame) -> pd.Series:
    """The first kept note of the largest base with most examples: cell, id, dialogue, note."""
    order = cells[~cells["diverged"]].sort_values(["parameters", "examples", "seed"])
    return rows(written, cell=order["cell"].iloc[-1]).iloc[0]


def judged(note: pd.Series, answers: pd.DataFrame) -> tuple[str, str]:
    """A conversation with its note, and what the judge wrote on it."""
    table = rows(answers, cell=note["cell"], id=note["id"])
    lines = [f"{answer.criterion}: {answer.text}" for answer in table.itertuples()]
    return f"{note['dialogue']}note\n{note['note'].strip()}\n\n", "\n".join(lines)


def checked(note: pd.Series, answers: pd.DataFrame, tests: Tests) -> pd.DataFrame:
    """What the judge said of a note beside what the facts say.

    Parameters
    ----------
    note : of `shown_note`
    answers : the judge's, with columns cell, id, criterion, status
    tests : the settings from which the note's conversation was drawn, facts and all

    Returns
    -------
    A row per criterion: both verdicts, whether the judge is right, and what decides: the first clause that fails, as what was
    said and what is written
    """
    example = next(e for e in scribe.examples(tests.count, tests.seed, tests.unseen) if e.id == note["id"])
    said = rows(answers, cell=note["cell"], id=note["id"]).set_index("criterion")["status"]
    lines = []
    for criterion, clauses in rubric.findings(example, note["note"]).items():
        differing = [
            (wanted, written) for finding in clauses.values() for wanted, written in finding.pairs if wanted != written
        ]
        truth = FAIL if differing else PASS
        why = f"said: {differing[0][0]}; written: {differing[0][1]}" if differing else "all is as it was said"
        right = "unread" if said[criterion] == UNSCORED else "right" if said[criterion] == truth else "wrong"
        lines.append((NAMES[criterion], said[criterion], truth, right, why))
    return pd.DataFrame(lines, columns=["criterion", "judge", "facts", "the judge is", "what decides"])
