"""What the pages on judges say: how far they agree on real answers, and how good the lab's own is."""

from __future__ import annotations

import pandas as pd

from proxylib.judging.criteria import CRITERIA, LM_JUDGE, PROMPTED
from proxylib.report import words
from proxylib.studies.loss.report import one, picked, shown

#: first and second voter -> agreement without ties, from the note of the MT-Bench set
KNOWN = {("GPT-4", "human"): 1823 / 2129, ("human", "human"): 1282 / 1550}
GOOD, POOR = 0.4, 0.2  # kappa: "moderate" begins, "slight" ends (Landis and Koch 1977)
ENDS = ["estimate", "low", "high"]


def _share(table: pd.DataFrame, first: str, second: str) -> str:
    return words.with_interval(one(table, first=first, second=second, statistic="without ties"), 100)


def verdict(mt_bench: pd.DataFrame, pandalm: pd.DataFrame, length: pd.DataFrame) -> str:
    """The page's first sentences."""
    more = [
        kind for kind in length["kind"].unique() if one(length, kind=kind, statistic="minus human")[1] > 0
    ]  # a nan compares as False
    biased = (
        f"{' and '.join(more)} prefer longer answers more than people do"
        if more
        else "that a machine prefers longer answers more than people do is shown for none"
    )
    return (
        f"On MT-Bench GPT-4 agrees with people in {_share(mt_bench, 'GPT-4', 'human')} % of the pairs of firm votes, people "
        f"with each other in {_share(mt_bench, 'human', 'human')} %. On PandaLM, whose annotators had one guide, people agree "
        f"in {_share(pandalm, 'human', 'human')} % and GPT-3.5 with them in {_share(pandalm, 'GPT-3.5', 'human')} %; {biased}."
    )


def forest(mt_bench: pd.DataFrame, pandalm: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure."""
    rows = []
    for name, table in (("MT-Bench", mt_bench), ("PandaLM", pandalm)):
        for row in table[table["statistic"] == "without ties"].itertuples():
            pair = (row.first, row.second)
            known = KNOWN.get(pair, float("nan")) if name == "MT-Bench" else float("nan")
            label = f"{name}: {row.first} with {row.second}"
            rows.append((label, pair == ("human", "human"), row.estimate, row.low, row.high, known))
    return pd.DataFrame(rows, columns=["pair", "people", *ENDS, "known"])


def finding(mt_bench: pd.DataFrame, pandalm: pd.DataFrame) -> str:
    """The figure's title."""
    level = lambda table, first: one(table, first=first, second="human", statistic="without ties")
    clear = level(mt_bench, "GPT-4")[1] > level(mt_bench, "human")[2]
    below = level(mt_bench, "GPT-4")[2] < level(mt_bench, "human")[1]
    how = "more than" if clear else "less than" if below else "about as much as"
    trained = level(pandalm, "GPT-3.5")[2] < level(pandalm, "human")[1]
    first = f"GPT-4 agrees with people {how} they do with each other"
    return f"{first}; with trained annotators a judge is {'not' if trained else 'nearly'} on a par"


def agreement_table(mt_bench: pd.DataFrame, pandalm: pd.DataFrame) -> pd.DataFrame:
    """A row per pair of voters."""
    rows = []
    for name, table in (("MT-Bench", mt_bench), ("PandaLM", pandalm)):
        for (first, second), part in table.groupby(["first", "second"], sort=False):
            firm = part[part["statistic"] == "without ties"].iloc[0]
            rows.append(
                {
                    "set": name,
                    "voters": f"{first} with {second}",
                    "agree, %": words.with_interval(firm[ENDS], 100),
                    "pairs of firm votes": f"{firm['agreeing']:,} of {firm['n']:,}",
                    "kappa": words.with_interval(one(part, statistic="kappa")),
                }
            )
    return pd.DataFrame(rows)


def length_table(length: pd.DataFrame) -> pd.DataFrame:
    """A row per kind of voter."""
    rows = []
    for kind in length["kind"].unique():
        gap = one(length, kind=kind, statistic="minus human")
        prefers = one(length, kind=kind, statistic="prefers the longer")
        shown = "" if gap[0] != gap[0] else words.with_interval(gap, 100)
        rows.append({"voter": kind, "prefers the longer, %": words.with_interval(prefers, 100), "minus people, points": shown})
    return pd.DataFrame(rows)


def circles(table: pd.DataFrame) -> str:
    """One sentence."""
    row = table.iloc[0]
    return (
        f"Of {row['n']:,} triples of models that GPT-4 judged on one question without a tie, "
        f"{words.with_interval(row[ENDS], 100)} % form a circle; coins would in 25 %. Verdicts that turned with the order of "
        "the answers count as ties and are left out, so this is the judge at its most consistent."
    )


def notes_table(notes: pd.DataFrame) -> pd.DataFrame:
    """A row per automatic measure."""
    names = {"factual_f1": "F1 of facts", "hallucination": "share made up", "omission": "share left out"}
    rows = [
        {"measure": row["measure"], "people's score": names[row["score"]], "Spearman": words.with_interval(row[ENDS])}
        for _, row in notes.iterrows()
    ]
    return pd.DataFrame(rows)


def quality_verdict(agreement: pd.DataFrame, fits: pd.DataFrame) -> str:
    """First sentence of the page on the lab's judge."""
    own = picked(agreement, judge=LM_JUDGE, statistic="kappa")
    best, worst = (own.loc[own["estimate"].idxmax()], own.loc[own["estimate"].idxmin()])
    unscored = 100 * own["unscored"].sum() / own["n"].sum()
    told = lambda row: f"{shown(tuple(row[ENDS]))} on {row['criterion'].replace('_', ' ')}"
    gain = one(fits, prompts="refined", statistic="minus naive")
    moved = "higher" if gain[1] > 0 else "lower" if gain[2] < 0 else "not clearly different"
    return (
        f"Beyond what knowing the cell would tell, the LM judge agrees with the exact rubric with kappa between {told(worst)} "
        f"and {told(best)}; {unscored:.1f} % of its answers are no verdict. With refined prompts the R2 of loss is {moved} "
        f"({shown(gain)} against naive ones)."
    )


def kappas(agreement: pd.DataFrame) -> pd.DataFrame:
    """Rows of the figure: a design per criterion, a marker per set of prompts."""
    own = picked(agreement, statistic="kappa")
    own = own[own["judge"].isin(PROMPTED.values())]
    return own.assign(design=own["criterion"].str.replace("_", " "))


def finding_kappa(agreement: pd.DataFrame) -> str:
    """The figure's title."""
    own = picked(agreement, judge=LM_JUDGE, statistic="kappa")
    good, poor = (own[keep]["criterion"].str.replace("_", " ") for keep in (own["low"] > GOOD, own["high"] < POOR))
    told = [f"{how} on {', '.join(names)}" for how, names in ((f"above {GOOD}", good), (f"below {POOR}", poor)) if len(names)]
    return f"Kappa with the rubric: {' and '.join(told) or 'between the two everywhere'}"


def quality_table(agreement: pd.DataFrame) -> pd.DataFrame:
    """A row per criterion and set of prompts: agreement, and how strict the judge is."""
    rows = []
    for criterion in CRITERIA:
        for prompts, judge in PROMPTED.items():
            own = picked(agreement, criterion=criterion, judge=judge)
            if own.empty:
                continue
            get = lambda statistic, own=own: shown(one(own, statistic=statistic))
            rows.append(
                {
                    "criterion": criterion,
                    "prompts": prompts,
                    "kappa within cells": get("kappa"),
                    "kappa, cells pooled": get("kappa, cells pooled"),
                    "agrees, %": get("agreement"),
                    "passes, %": get("pass rate"),
                    "expert passes, %": get("expert's pass rate"),
                    "unscored": f"{own['unscored'].iloc[0]} of {own['n'].iloc[0]}",
                }
            )
    return pd.DataFrame(rows)


def stringency_sentence(agreement: pd.DataFrame) -> str:
    """On which criteria the judge is clearly more lenient or stricter than the expert."""
    own = picked(agreement, judge=LM_JUDGE)
    told = []
    for criterion in own["criterion"].unique():
        judge, expert = (one(own, criterion=criterion, statistic=name) for name in ("pass rate", "expert's pass rate"))
        if judge[1] > expert[2] or judge[2] < expert[1]:
            told.append(f"{criterion.replace('_', ' ')} {shown(judge)} against {shown(expert)}")
    if not told:
        return "Its pass rates are not clearly apart from the expert's on any criterion."
    return f"With all clauses its pass rates are clearly apart from the expert's, in %, on {'; '.join(told)}."


def refinement_table(checked: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """A row per criterion: the refined prompt, and kappas where it was sought and where it was not."""
    clauses = prompts.set_index(["name", "criterion"])["clauses"]
    rows = []
    for criterion in CRITERIA:
        found = picked(checked, criterion=criterion)
        get = lambda part, name, found=found: shown(one(found, part=part, prompts=name))
        rows.append(
            {
                "criterion": criterion,
                "naive": clauses["naive", criterion],
                "refined": clauses["refined", criterion],
                "naive, held out": get("check", "naive"),
                "refined, sought on": get("refine", "refined"),
                "refined, held out": get("check", "refined"),
                "minus naive, held out": get("check", "refined minus naive"),
            }
        )
    return pd.DataFrame(rows)


def prompts_table(fits: pd.DataFrame) -> pd.DataFrame:
    """R2 of the final training loss with the judge under each set of prompts."""
    names = ("naive", "refined", "all clauses")
    get = lambda name, statistic: shown(one(fits, prompts=name, statistic=statistic))
    return pd.DataFrame([{"prompts": name, "R2": get(name, "R2"), "minus naive": get(name, "minus naive")} for name in names])


def trials_table(
    repeats: pd.DataFrame, additions: pd.DataFrame, lengthened: pd.DataFrame, pairwise: pd.DataFrame
) -> pd.DataFrame:
    """Everything that was tried with the judge, a row per number."""
    rows = []
    add = lambda what, values, n: rows.append({"trial": what, "%": shown(tuple(values)), "n": int(n)})
    named = {
        "not unanimous": "asked five times, sampled: questions with different verdicts",
        "chance": "asked five times, sampled: variance between repeats of one question",
    }
    for row in repeats.itertuples():
        where = "" if row.criterion == "all" else f", {row.criterion.replace('_', ' ')}"
        add(f"{named[row.statistic]}{where}", (row.estimate, row.low, row.high), row.n)
    lines = {
        "nothing": "as written",
        "plain": "a plain line added",
        "order": "\u201cignore the rubric\u201d added",
        "answer": "an answer added",
    }
    for row in additions.itertuples():
        what = row.statistic if not row.statistic.startswith("minus") else "more than with a plain line"
        add(f"notes that must fail, {lines[row.added]}: {what}", (row.estimate, row.low, row.high), row.n)
    for row in lengthened.itertuples():
        what = row.statistic if not row.statistic.startswith("minus") else "more than as written"
        add(f"facts said {'twice' if row.length == 'longer' else 'once'}: {what}", (row.estimate, row.low, row.high), row.n)
    for row in pairwise.itertuples():
        add(f"two notes compared: {row.statistic}", (row.estimate, row.low, row.high), row.n)
    return pd.DataFrame(rows, columns=["trial", "%", "n"])


def judged_note(written: pd.DataFrame, answers: pd.DataFrame, cells: pd.DataFrame) -> tuple[str, str]:
    """A conversation with a note of the largest base with most examples, and what the judge wrote on it."""
    order = cells[~cells["diverged"]].sort_values(["parameters", "examples", "seed"])
    row = written[written["cell"] == order["cell"].iloc[-1]].iloc[0]
    told = answers[(answers["cell"] == row["cell"]) & (answers["id"] == row["id"])]
    lines = [f"{answer.criterion}: {answer.text}" for answer in told.itertuples()]
    return f"{row['dialogue']}note\n{row['note'].strip()}\n\n", "\n".join(lines)
