"""Judges tried, whose faults are known."""

import itertools
import random

import numpy as np
import pandas as pd
import pytest
from judging.known_judges import BOOTSTRAP, EXAMPLES, notes, obeying, rows

from proxylib.data.domains import scribe
from proxylib.judging import lm_judge, robustness
from proxylib.judging.criteria import CRITERIA
from proxylib.judging.questions import FAIL, PASS, UNSCORED


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


def asked_of(rivals):
    """Every two notes of a conversation in both orders."""
    return [
        (example.dialogue, notes[a], notes[b]) for example, notes in rivals for a, b in itertools.permutations(sorted(notes), 2)
    ]


def test_pairs_show_place_and_circles():
    by = {example.dialogue: example for example, _ in rivals()}
    perfect = lambda asked: [lm_judge.better(by[dialogue], a, b) for dialogue, a, b in asked]
    found = robustness.pairwise(perfect, rivals(), BOOTSTRAP).set_index("statistic")["estimate"]
    assert found["as the rubric"] == 100 and found["same when turned"] == 100 and found["circular triples"] == 0
    assert found["first place"] == pytest.approx(50) and found["as the rubric, same when turned"] == 100
    first = robustness.pairwise(lambda asked: ["a"] * len(asked), rivals(), BOOTSTRAP).set_index("statistic")["estimate"]
    assert first["first place"] == 100 and first["same when turned"] == 0 and "circular triples" not in first
    silent = robustness.pairwise(lambda asked: [None] * len(asked), rivals(), BOOTSTRAP).set_index("statistic")["estimate"]
    assert silent["answered"] == 0 and silent["as the rubric"] == 0


def test_agreement_that_survives_turning_is_not_agreement():
    """A judge that is right where it is sure and always names the first note elsewhere."""
    by = {example.dialogue: example for example, _ in rivals()}
    sure = lambda a, b: "nothing" in a + b  # of one note that is plainly bad
    wavering = lambda asked: [lm_judge.better(by[dialogue], a, b) if sure(a, b) else "a" for dialogue, a, b in asked]
    rows = robustness.pairwise(wavering, rivals(), BOOTSTRAP).set_index("statistic")
    known = [lm_judge.better(by[dialogue], a, b) for dialogue, a, b in asked_of(rivals())]
    right = [vote == truth for vote, truth in zip(wavering(asked_of(rivals())), known, strict=True)]
    assert rows.loc["as the rubric, same when turned", "estimate"] == 100
    assert rows.loc["as the rubric", "estimate"] == pytest.approx(100 * np.mean(right)) and np.mean(right) < 0.9
    assert rows.loc["as the rubric", "n"] == len(right) > rows.loc["as the rubric, same when turned", "n"]
    commonest = max(map(known.count, set(known))) / len(known)
    assert rows.loc["rubric's commonest", "estimate"] == pytest.approx(100 * commonest)


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
