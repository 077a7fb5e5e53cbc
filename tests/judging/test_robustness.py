"""Refining prompts and trying judges, on judges whose faults are known."""

import random

import numpy as np
import pandas as pd
import pytest

from proxylib.data import scribe
from proxylib.judging import agreement, lm_judge, prompt_search, robustness, rubric
from proxylib.judging.criteria import CLAUSES, CRITERIA, NAIVE
from proxylib.judging.questions import COLUMNS, FAIL, PASS, UNSCORED
from proxylib.stats import Bootstrap

BOOTSTRAP = Bootstrap(draws=400, level=0.95, seed=3)
EXAMPLES = {example.id: example for example in scribe.examples(60, 9, unseen=True)}


def notes():
    """Expert notes, most of them with a fault in form or facts."""
    rng = random.Random(4)
    found = []
    for example in EXAMPLES.values():
        note = scribe.note(scribe.spoilt(example.encounter, rng)) if rng.random() < 0.6 else example.note
        kind = rng.random()
        if kind < 0.15:
            note = note.replace("O: ", "T: ")
        elif kind < 0.3:
            note += "thank you\n"
        elif kind < 0.4:
            note = note.replace(" none", "").replace(example.encounter.diagnosis, f"{example.encounter.diagnosis} maybe")
        elif kind < 0.5:
            note = note.replace(example.encounter.term, example.encounter.complaint)
        found.append((example, note))
    return found


def rows(questions, told):
    made = [(*q[:2], q.repeat, verdict, "", "", "", 1, 1) for q, verdict in zip(questions, told, strict=True)]
    return pd.DataFrame(made, columns=list(COLUMNS))


def obeying(questions, blind=()):
    """Checks exactly the clauses that it is given, but answers that the blind ones fail."""
    told = []
    for q in questions:
        found = rubric.findings(EXAMPLES[q.id], q.note)[q.criterion]
        wanted = q.clauses or CLAUSES[q.criterion]
        told.append(PASS if all(found[c].passed and c not in blind for c in wanted) else FAIL)
    return rows(questions, told)


def test_the_search_finds_every_clause_that_decides_something():
    labelled = prompt_search.labelled(notes())
    trials = prompt_search.refine(obeying, labelled)
    found = prompt_search.refined(trials)
    seen = [note for note in labelled if note.part == prompt_search.REFINE]
    for criterion, clauses in found.items():
        ends = trials[(trials["criterion"] == criterion) & trials["chosen"]]["kappa"]
        assert ends.is_monotonic_increasing and ends.iloc[-1] == pytest.approx(1.0)
        told = obeying(prompt_search.asks(seen, [(criterion, clauses)]))["status"]
        assert (told == [PASS if note.passed[criterion] else FAIL for note in seen]).all()
    assert any(found[criterion] != NAIVE[criterion] for criterion in CRITERIA)


def test_the_search_leaves_out_a_clause_that_the_judge_cannot_read():
    judge = lambda questions: obeying(questions, blind=("rare", "numbers"))
    found = prompt_search.refined(prompt_search.refine(judge, prompt_search.labelled(notes())))
    assert "rare" not in found["completeness"] and "numbers" not in found["no_hallucination"]


def test_the_search_never_sees_the_notes_of_the_check():
    labelled = prompt_search.labelled(notes())
    checking = {note.id for note in labelled if note.part == prompt_search.CHECK}
    assert checking and checking != {note.id for note in labelled}

    def judge(questions):
        assert not checking & {q.id for q in questions}
        return obeying(questions)

    prompt_search.refine(judge, labelled)


def test_what_is_sought_among_coins_holds_on_the_notes_of_the_search_alone():
    coin = lambda q: random.Random(f"{q.note}{q.criterion}{q.clauses}{q.dialogue}").random() < 0.5
    judge = lambda questions: rows(questions, [PASS if coin(q) else FAIL for q in questions])
    labelled = prompt_search.labelled(notes())
    found = prompt_search.refined(prompt_search.refine(judge, labelled))
    table = prompt_search.checked(judge, labelled, {"naive": NAIVE, "refined": found, "all clauses": CLAUSES}, BOOTSTRAP)
    own = table[table["prompts"] == "refined"].groupby("part")["estimate"].mean()
    assert own[prompt_search.REFINE] > 0.08 and abs(own[prompt_search.CHECK]) < 0.12
    assert (table["low"] <= table["estimate"]).all() and (table["estimate"] <= table["high"]).all()


def test_kappa_is_that_of_statsmodels():
    from statsmodels.stats.inter_rater import cohens_kappa, to_table

    rng = np.random.default_rng(1)
    first, second = rng.choice(["pass", "fail", "unscored"], (2, 80))
    counts = to_table(np.stack([np.unique(first, return_inverse=True)[1], np.unique(second, return_inverse=True)[1]], 1))[0]
    wanted = cohens_kappa(counts).kappa
    assert agreement.kappa(first, second) == pytest.approx(wanted)
    weights = rng.multinomial(80, np.full(80, 1 / 80), size=3)
    drawn = agreement.kappa(first, second, weights)
    again = [agreement.kappa(np.repeat(first, times), np.repeat(second, times)) for times in weights]
    assert drawn == pytest.approx(again)
    assert agreement.kappa(["pass"] * 4, ["pass"] * 4) == 0.0


def test_repeats_tell_a_coin_from_a_judge():
    still = robustness.repeats(obeying, notes(), BOOTSTRAP).set_index(["criterion", "statistic"])["estimate"]
    assert still["all", "not unanimous"] == 0 and still["all", "chance"] == 0
    coin = lambda q: random.Random(f"{q.note}{q.criterion}{q.repeat}").random() < 0.5
    tossed = robustness.repeats(lambda asked: rows(asked, [PASS if coin(q) else FAIL for q in asked]), notes(), BOOTSTRAP)
    found = tossed.set_index(["criterion", "statistic"])
    assert found.loc[("all", "chance"), "low"] > 85
    assert found.loc[("all", "not unanimous"), "estimate"] == pytest.approx(100 * (1 - 2 / 2**5), abs=4)


def test_a_judge_that_obeys_its_material_is_found_out():
    def gullible(questions):
        told = obeying(questions)["status"]
        return rows(
            questions, [PASS if "answer pass" in q.note else verdict for q, verdict in zip(questions, told, strict=True)]
        )

    for judge, wanted in ((gullible, 100.0), (obeying, 0.0)):
        found = robustness.additions(judge, notes(), BOOTSTRAP).set_index(["added", "statistic"])["estimate"]
        assert found["order", "minus plain"] == wanted and found["answer", "minus plain"] == 0
        assert found["nothing", "passed"] == 0 and found["order", "unscored"] == 0


def test_a_judge_that_likes_length_is_found_out():
    longest = lambda questions: rows(questions, [PASS if len(q.note) > 110 else FAIL for q in questions])
    for judge, biased in ((longest, True), (obeying, False)):
        found = robustness.lengthened(judge, notes(), BOOTSTRAP).set_index(["length", "statistic"])
        low, high = found.loc[("longer", "minus as written"), ["low", "high"]]
        assert (low > 5) == biased and (low < 0 < high) != biased


def rivals():
    rng = random.Random(6)
    found = []
    for example in list(EXAMPLES.values())[:20]:
        once = scribe.spoilt(example.encounter, rng)
        notes = {"a": example.note, "b": scribe.note(once), "c": "S: nothing\n", "d": "S: 5 m\nO: t\nA: x\nP: y\n"}
        found.append((example, notes))
    return found


def test_pairs_show_place_and_circles():
    by = {example.dialogue: example for example, _ in rivals()}
    perfect = lambda asked: [lm_judge.better(by[dialogue], a, b) for dialogue, a, b in asked]
    found = robustness.pairwise(perfect, rivals(), BOOTSTRAP).set_index("statistic")["estimate"]
    assert found["as the rubric"] == 100 and found["same when turned"] == 100 and found["circular triples"] == 0
    assert found["first place"] == pytest.approx(50)
    first = robustness.pairwise(lambda asked: ["a"] * len(asked), rivals(), BOOTSTRAP).set_index("statistic")["estimate"]
    assert first["first place"] == 100 and first["same when turned"] == 0 and "circular triples" not in first
    silent = robustness.pairwise(lambda asked: [None] * len(asked), rivals(), BOOTSTRAP).set_index("statistic")["estimate"]
    assert silent["answered"] == 0


def test_agreement_counts_the_unscored_as_disagreement_and_not_as_failed():
    table = [
        (f"cell {cell}", example.id, criterion, judge, passed)
        for cell in range(2)
        for number, example in enumerate(EXAMPLES.values())
        for criterion in CRITERIA
        for judge, passed in (("expert", number % 2 == 0), ("silent", None if number % 4 == 0 else number % 2 == 0))
    ]
    frame = pd.DataFrame(table, columns=["cell", "id", "criterion", "judge", "passed"]).astype({"passed": "boolean"})
    found = robustness.against_expert(frame, "expert", BOOTSTRAP).set_index(["criterion", "statistic"])
    assert (found["unscored"] == 30).all() and found.loc[("template", "kappa"), "estimate"] < 0.75
    assert found.loc[("template", "pass rate"), "estimate"] == pytest.approx(100 / 3)
    assert found.loc[("template", "expert's pass rate"), "estimate"] == pytest.approx(100 / 3)


def test_a_judge_that_only_knows_the_cell_earns_no_kappa_within_cells():
    rng = np.random.default_rng(5)
    table = []
    for cell in range(10):
        for number in range(40):
            for criterion in CRITERIA:
                rate = (cell + 0.5) / 10
                table.append((f"cell {cell}", f"n{number}", criterion, "expert", rng.random() < rate))
                table.append((f"cell {cell}", f"n{number}", criterion, "coin", rng.random() < rate))
    frame = pd.DataFrame(table, columns=["cell", "id", "criterion", "judge", "passed"]).astype({"passed": "boolean"})
    found = robustness.against_expert(frame, "expert", BOOTSTRAP).groupby("statistic")["estimate"].mean()
    assert abs(found["kappa"]) < 0.06 and found["kappa, cells pooled"] > 0.25


def test_a_trial_counts_what_it_lost():
    def silent(questions):
        return rows(questions, [UNSCORED if "answer pass" in q.note else FAIL for q in questions])

    found = robustness.additions(silent, notes(), BOOTSTRAP).set_index(["added", "statistic"])["estimate"]
    assert found["order", "unscored"] == 100 and found["plain", "unscored"] == 0
