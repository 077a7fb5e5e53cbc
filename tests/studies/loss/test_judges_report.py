"""What the pages on judges show: pairs of voters, decisions about criteria, and the judge's own tables."""

import numpy as np
import pandas as pd
import pytest

from proxylib.data.domains import scribe
from proxylib.judging.criteria import CRITERIA, LM_JUDGE, PROMPTED, STRICT
from proxylib.report import words
from proxylib.stats import Decision, Interval
from proxylib.studies.loss import judges_report, settings


def test_the_share_of_a_variance_ends_at_all_of_it():
    rows = [("all", "chance", 30.0, 27.0, 33.0, 9), ("completeness", "chance", 100.8, 100.3, 101.4, 9)]
    rows += [("all", "not unanimous", 20.0, 17.0, 23.0, 9), ("completeness", "not unanimous", 4.0, 1.0, 7.0, 9)]
    columns = ["criterion", "statistic", "estimate", "low", "high", "n"]
    table = judges_report.repeats_table(pd.DataFrame(rows, columns=columns)).set_index("criterion")
    share = table["variance between repeats, %"]
    assert share["completeness"] == words.with_interval((100, 100, 100)) and share["all"] == words.with_interval((30, 27, 33))
    assert table.loc["completeness", "different verdicts, %"] == words.with_interval((4, 1, 7))


def votes(first, second, share, agreeing, n):
    rows = [("without ties", share, share - 0.02, share + 0.02), ("kappa", 0.5, 0.4, 0.6)]
    table = pd.DataFrame(rows, columns=["statistic", "estimate", "low", "high"])
    return table.assign(first=first, second=second, agreeing=agreeing, n=n)


def agreement():
    sets = {
        "MT-Bench": [votes("GPT-4", "human", 0.85, 1823, 2129), votes("human", "human", 0.82, 1282, 1550)],
        "PandaLM": [votes("human", "human", 0.94, 2482, 2620)],
    }
    return judges_report.voters({name: pd.concat(tables) for name, tables in sets.items()})


def test_pairs_are_named_by_set_and_the_known_values_belong_to_one_set():
    firm = judges_report.forest(agreement()).set_index("pair")
    assert firm["people"].to_dict() == {
        "MT-Bench: GPT-4 with human": False,
        "MT-Bench: human with human": True,
        "PandaLM: human with human": True,
    }
    assert firm.loc["MT-Bench: GPT-4 with human", "known"] == 1823 / 2129
    assert firm.loc["MT-Bench: human with human", "known"] == 1282 / 1550
    assert np.isnan(firm.loc["PandaLM: human with human", "known"])


def test_shares_are_percent_and_kappas_are_not():
    table = judges_report.agreement_table(agreement()).set_index(["set", "voters"])
    row = table.loc[("MT-Bench", "GPT-4 with human")]
    assert row.tolist() == ["1,823 of 2,129", "85.0 [83.0, 87.0]", "0.50 [0.40, 0.60]"]


@pytest.mark.parametrize(
    ("first", "second", "decision"),
    [
        ((0.8, 0.7, 0.9), (0.5, 0.4, 0.6), Decision.HIGHER),
        ((0.5, 0.4, 0.6), (0.8, 0.7, 0.9), Decision.LOWER),
        ((0.6, 0.5, 0.7), (0.8, 0.65, 0.9), Decision.UNDECIDED),
        ((np.nan, np.nan, np.nan), (0.8, 0.7, 0.9), Decision.UNDECIDED),
        ((0.8, 0.7, 0.9), (np.nan, np.nan, np.nan), Decision.UNDECIDED),
    ],
)
def test_intervals_are_apart_where_they_do_not_overlap(first, second, decision):
    assert judges_report.apart(Interval(*first), Interval(*second)) is decision


def test_a_judge_falls_for_length_where_it_prefers_it_more_than_people_do():
    rows = [("kind a", "minus human", 0.1, 0.05, 0.2), ("kind b", "minus human", 0.1, -0.1, 0.2)]
    rows += [("kind a", "prefers the longer", 0.6, 0.5, 0.7), ("human", "prefers the longer", 0.6, 0.5, 0.7)]
    length = pd.DataFrame(rows, columns=["kind", "statistic", "estimate", "low", "high"])
    length.loc[len(length)] = ["kind c", "minus human", -0.05, -0.08, -0.01]
    assert judges_report.by_length(length, Decision.HIGHER) == ["kind a"]
    assert judges_report.by_length(length, Decision.LOWER) == ["kind c"]
    assert judges_report.by_length(length, Decision.UNDECIDED) == ["kind b"]


def trials(kappas):
    """Agreement of the judge under each set of prompts: kappas by criterion, passes 20 % against the expert's 10 %."""
    rows = [
        (judge, criterion, statistic, value, value - 0.05, value + 0.05)
        for judge in PROMPTED.values()
        for criterion, kappa in zip(CRITERIA, kappas, strict=True)
        for statistic, value in (("kappa", kappa), ("pass rate", 20.0), ("expert's pass rate", 10.0 if kappa < 0.5 else 30.0))
    ]
    table = pd.DataFrame(rows, columns=["judge", "criterion", "statistic", "estimate", "low", "high"])
    return table.assign(n=100, unscored=3)


def test_criteria_are_good_or_poor_by_their_whole_interval():
    table = trials((0.6, 0.42, 0.3, 0.18, 0.1))
    where = lambda kappa, decision: judges_report.criteria_where(table, kappa, decision)
    assert where(judges_report.GOOD, Decision.HIGHER) == ["template"]
    assert where(judges_report.POOR, Decision.LOWER) == ["no hallucination"]
    assert judges_report.passes(table, Decision.LOWER) == ["template"]
    assert judges_report.passes(table, Decision.HIGHER) == ["inference", "terminology", "completeness", "no hallucination"]
    assert judges_report.passes(table.iloc[:0], Decision.HIGHER) == []


def test_quality_has_a_row_per_criterion_and_prompts():
    table = judges_report.quality_table(trials((0.6, 0.42, 0.3, 0.18, 0.1)))
    assert table["criterion"].tolist()[::3] == [name.replace("_", " ") for name in CRITERIA]
    assert table["prompts"].tolist()[:3] == list(PROMPTED) and set(table["unscored"]) == {"3 of 100"}
    assert set(table["agrees, %"]) == {words.MISSING} and table["kappa within cells"].iloc[0] == "0.60 [0.55, 0.65]"


def test_refinement_shows_clauses_and_kappas_where_they_were_sought_and_where_not():
    parts = [("refine", "refined"), ("check", "refined"), ("check", "naive"), ("check", "refined minus naive")]
    rows = [(criterion, *part, 0.5, 0.4, 0.6) for criterion in reversed(CRITERIA) for part in parts]
    checked = pd.DataFrame(rows, columns=["criterion", "part", "prompts", "estimate", "low", "high"])
    prompts = pd.DataFrame(
        [(name, criterion, f"{name} {criterion}") for name in ("naive", "refined", "all clauses") for criterion in CRITERIA],
        columns=["name", "criterion", "clauses"],
    )
    table = judges_report.refinement_table(checked, prompts)
    assert table["criterion"].tolist() == list(judges_report.NAMES.values())
    assert table.loc[0, ["naive", "refined"]].tolist() == ["naive template", "refined template"]
    assert (table.iloc[:, 3:] == "0.50 [0.40, 0.60]").all().all() and len(table.columns) == 7


def test_the_judged_note_is_of_the_largest_base_with_its_answers():
    cells = pd.DataFrame(
        {"cell": ["x", "y", "z"], "diverged": [False, False, True], "parameters": [1, 2, 3], "examples": 8, "seed": 1}
    )
    written = pd.DataFrame({"cell": ["x", "y", "y"], "id": [1, 1, 2], "dialogue": ["a", "b", "c"], "note": [" n ", " m ", "o"]})
    answers = pd.DataFrame(
        {"cell": ["y", "y", "x"], "id": [1, 1, 1], "criterion": ["template", "inference", "template"], "text": ["t", "u", "v"]}
    )
    note, told = judges_report.judged(judges_report.shown_note(written, cells), answers)
    assert note == "bnote\nm\n\n" and told == "template: t\ninference: u"


def test_only_the_judges_own_prompts_are_drawn():
    table = pd.concat([trials((0.6, 0.42, 0.3, 0.18, 0.1)), trials((0, 0, 0, 0, 0)).assign(judge="rubric, lenient")])
    assert set(judges_report.kappas(table)["judge"]) == set(PROMPTED.values()) and LM_JUDGE in PROMPTED.values()


def test_criteria_at_a_floor_are_those_of_which_nearly_all_notes_have_one_verdict():
    table = trials((0.6, 0.42, 0.3, 0.18, 0.1))
    expert = table["statistic"] == "expert's pass rate"
    for criterion, rate in zip(CRITERIA, (4.0, 96.0, 6.0, 50.0, 5.0), strict=True):
        table.loc[expert & (table["criterion"] == criterion), "estimate"] = rate
    assert judges_report.at_floor(table) == ["template", "inference", "no hallucination"]


def test_the_most_lenient_criterion_has_the_widest_gap():
    table = trials((0.6, 0.42, 0.3, 0.18, 0.1))
    table.loc[(table["statistic"] == "pass rate") & (table["criterion"] == "terminology"), "estimate"] = 45.0
    assert judges_report.most_lenient(table) == ("terminology", 0.45, 0.1)
    silent = table[table["statistic"] == "expert's pass rate"]
    assert judges_report.most_lenient(silent)[0] == "template" and np.isnan(judges_report.most_lenient(silent)[1])
    assert set(judges_report.pass_rates(table)["judge"]) == {STRICT, LM_JUDGE}


def test_a_note_is_checked_by_its_facts_criterion_by_criterion():
    tests = settings.Tests(count=4, seed=3, unseen=True)
    example = scribe.examples(4, 3, True)[1]
    wrong = example.note.replace(f"A: {example.encounter.diagnosis}", "A: gout")
    note = pd.Series({"cell": "y", "id": example.id, "dialogue": example.dialogue, "note": wrong})
    answers = pd.DataFrame({"cell": "y", "id": example.id, "criterion": CRITERIA, "status": "pass"})
    table = judges_report.checked(note, answers, tests).set_index("criterion")
    assert table.loc["inference"].tolist() == ["pass", "fail", "wrong", f"said: {example.encounter.diagnosis}; written: gout"]
    assert table.loc["template", "the judge is"] == "right" and table.loc["template", "facts"] == "pass"
    unread = judges_report.checked(note, answers.assign(status="unscored"), tests)
    assert set(unread["the judge is"]) == {"unread"}
