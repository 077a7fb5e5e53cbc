"""Encounters, dialogues and notes: every fact is told, and the splits are disjoint."""

import hashlib
import itertools
import random
import re
from dataclasses import replace

import pytest

from proxylib.data.domains import scribe
from proxylib.data.domains.base import MOST_LINES
from proxylib.data.tasks import held_out

EXAMPLES = scribe.examples(300, 1, unseen=False)
TESTS = scribe.examples(300, 1, unseen=True)


@pytest.mark.parametrize("example", EXAMPLES[:100], ids=lambda example: example.id)
def test_a_dialogue_tells_every_fact_that_the_note_needs(example):
    facts, told = example.encounter, example.dialogue
    said = [str(facts.age), facts.sex, facts.complaint, f"{facts.days} days", facts.drug, f"{facts.dose} mg", facts.times]
    said += [facts.allergy or "none", facts.degrees, facts.start, f"{facts.start_dose} mg", f"{facts.review} days"]
    said += [facts.rare] if facts.rare else []
    assert [value for value in said if value not in told] == []
    assert [value for value in facts.facts.values() if value not in example.note] == []


def test_what_follows_a_correction_is_what_counts():
    corrected = [e for e in scribe.examples(2000, 2, unseen=False) if ", no, " in e.dialogue]
    assert len(corrected) > 100
    for example in corrected:
        after = example.dialogue.split(", no, ")[1]
        facts = example.encounter
        assert after.startswith((f"{facts.dose} mg", facts.times, f"{facts.days} days"))


def test_a_dialogue_names_no_diagnosis_and_no_term():
    for example in EXAMPLES:
        assert example.encounter.diagnosis not in example.dialogue
        assert example.encounter.term not in example.dialogue


def test_fever_decides_the_diagnosis():
    facts = EXAMPLES[0].encounter
    symptom = scribe.SYMPTOMS[facts.symptom]
    for temperature, expected in ((379, symptom.diagnosis), (380, symptom.feverish)):
        assert replace(facts, temperature=temperature).diagnosis == expected


def test_no_drug_of_a_test_occurs_in_training_text():
    seen = set(" ".join(itertools.islice(scribe.pretraining_text(1, ["prose"], 100, 500), 3000)).split())
    seen |= set(" ".join(e.dialogue + e.note for e in EXAMPLES).split())
    for example in TESTS:
        facts = example.encounter
        for name in (facts.drug, facts.start, facts.allergy):
            assert name is None or (held_out(name) and not {name, f"{name}.", f"{name},"} & seen)


def test_a_longer_list_begins_with_the_shorter_and_all_are_distinct():
    assert scribe.examples(20, 3, unseen=False) == scribe.examples(50, 3, unseen=False)[:20]
    assert len({e.dialogue for e in EXAMPLES}) == len({e.id for e in EXAMPLES}) == len(EXAMPLES)


def test_pretraining_shows_no_note():
    for text in itertools.islice(scribe.pretraining_text(4, ["some prose"], 50, 300), 700):
        assert "S:" not in text and "review" not in text


def test_an_excerpt_asks_for_nothing_that_it_does_not_tell():
    rng = random.Random(6)
    for most in (0, 3, MOST_LINES) * 200:
        encounter = scribe.draw(rng, unseen=False)
        told, asked = scribe.excerpt(encounter, rng, most).split("brief\n")
        spoken = set(re.findall(r"[\w.]*\w", told))
        lines = asked.splitlines()
        assert len(set(lines)) == len(lines) and set(lines) <= {f"- {line.text}" for line in scribe.brief_lines(encounter)}
        for line in lines:
            assert set(re.findall(r"[\w.]*\w", line)) - {"complains", "has", "returns"} <= spoken


def test_excerpts_grow_into_dialogues():
    texts = list(itertools.islice(scribe.pretraining_text(7, ["some prose"], 0, 900), 900))
    early, late = (sum(len(text) for text in part if "brief" in text) for part in (texts[:300], texts[-300:]))
    assert late > 1.5 * early > 0


def test_every_style_and_every_rare_fact_occurs():
    drawn = [scribe.draw(random.Random(n), unseen=False) for n in range(2000)]
    assert {e.style for e in drawn} == set(scribe.STYLES)
    assert {e.rare for e in drawn} == {None, *scribe.RARE}
    share = sum(e.rare is not None for e in drawn) / len(drawn)
    assert share == pytest.approx(scribe.RARE_SHARE, abs=0.03)


def test_what_is_spoilt_differs_in_one_fact():
    rng = random.Random(5)
    for example in EXAMPLES[:200]:
        spoilt = scribe.spoilt(example.encounter, rng)
        changed = {n for n, v in vars(example.encounter).items() if getattr(spoilt, n) != v}
        assert len(changed) <= 1 or changed <= {"symptom", "lay"}


def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def test_texts_are_those_of_the_recorded_runs():
    """Taken before other domains were thought of: what recorded models read is drawn again, byte by byte."""
    train, test = (scribe.examples(300, 20, unseen) for unseen in (False, True))
    assert digest([(e.id, e.dialogue, e.note, e.prompt) for e in train + test]) == "ed0bd2c0a8b20e00"
    read = itertools.islice(scribe.pretraining_text(3, ["some prose", "more"], 300, 500), 2500)
    assert digest(list(read)) == "9d5d33df4eb4cc67"
    assert digest(scribe.held_out_text(200, 20)) == "a428e709af3a6625"
    rng = random.Random(1)
    assert digest([scribe.note(scribe.spoilt(e.case, rng)) for e in train]) == "403fbf054de463ed"
