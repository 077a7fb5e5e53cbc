"""Frames that the pages on judges show, and what they decide; the sentences stand in the notebooks."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from proxylib.judging.criteria import CRITERIA, LM_JUDGE, PROMPTED
from proxylib.report.tables import ENDS, decided, interval, labelled, rows, wide
from proxylib.stats import Decision, Interval, decide
from proxylib.studies.loss.report import reported

GOOD, POOR = 0.4, 0.2  # kappa: "moderate" begins, "slight" ends (Landis and Koch 1977)
NAMES = {criterion: criterion.replace("_", " ") for criterion in CRITERIA}


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


def prefer_longer(length: pd.DataFrame) -> list[str]:
    """Kinds of judges that prefer the longer answer more than people do on the same pairs."""
    gaps = rows(length, statistic="minus human")
    return [kind for kind, decision in zip(gaps["kind"], decided(gaps), strict=True) if decision is Decision.HIGHER]


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


def judged_note(written: pd.DataFrame, answers: pd.DataFrame, cells: pd.DataFrame) -> tuple[str, str]:
    """A conversation with a note of the largest base with most examples, and what the judge wrote on it."""
    order = cells[~cells["diverged"]].sort_values(["parameters", "examples", "seed"])
    note = rows(written, cell=order["cell"].iloc[-1]).iloc[0]
    table = rows(answers, cell=note["cell"], id=note["id"])
    lines = [f"{answer.criterion}: {answer.text}" for answer in table.itertuples()]
    return f"{note['dialogue']}note\n{note['note'].strip()}\n\n", "\n".join(lines)
