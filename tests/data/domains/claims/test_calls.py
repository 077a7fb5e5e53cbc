"""Calls about damages: every fact is told, the rule decides, and the splits are disjoint."""

import itertools
import random
from dataclasses import replace

import pytest

from proxylib.data.domains import claims, scribe
from proxylib.data.domains.claims import calls
from proxylib.data.domains.claims.tables import DAMAGES, LARGE, RARE
from proxylib.data.tasks import held_out

EXAMPLES = claims.DOMAIN.examples(300, 1, unseen=False)
TESTS = claims.DOMAIN.examples(300, 1, unseen=True)


def test_a_call_tells_every_fact_that_the_report_needs_and_no_decision():
    for example in EXAMPLES:
        call, told = example.case, example.dialogue
        said = [f"{call.size} metres", call.holder, call.complaint, f"{call.days} days ago", call.policy, f"{call.cover} k"]
        said += [call.paid, call.elsewhere or "none", call.amount, call.repairer, f"{call.hours} h", f"{call.diary} days"]
        said += [call.rare] if call.rare else []
        assert [value for value in said if value not in told] == []
        assert call.conclusion not in told and call.term not in told


def test_what_follows_a_correction_is_what_counts():
    corrected = [e for e in claims.DOMAIN.examples(1000, 2, unseen=False) if ", no, " in e.dialogue]
    assert len(corrected) > 50
    for example in corrected:
        call = example.case
        assert example.dialogue.split(", no, ")[1].startswith((f"{call.cover} k", call.paid, f"{call.days} days"))


def test_the_size_of_the_loss_decides():
    call = EXAMPLES[0].case
    damage = DAMAGES[call.damage]
    for loss, expected in ((int(10 * LARGE) - 1, damage.small), (int(10 * LARGE), damage.large)):
        assert replace(call, loss=loss).conclusion == expected
    shares = [example.case.conclusion == DAMAGES[example.case.damage].large for example in EXAMPLES]
    assert sum(shares) / len(shares) == pytest.approx(0.5, abs=0.1)


def test_no_name_of_a_test_occurs_in_training_text():
    seen = set(" ".join(itertools.islice(claims.DOMAIN.pretraining_text(1, ["prose"], 100, 500), 3000)).split())
    seen |= set(" ".join(e.dialogue + e.note for e in EXAMPLES).split())
    for example in TESTS:
        for name in (example.case.policy, example.case.repairer, example.case.elsewhere):
            assert name is None or (held_out(name) and not {name, f"{name}.", f"{name},"} & seen)


def test_every_style_and_every_rare_fact_occurs_and_what_is_spoilt_differs_in_one_fact():
    rng = random.Random(3)
    drawn = [calls.draw(rng, unseen=False) for _ in range(1000)]
    assert {call.style for call in drawn} == set(calls.STYLES) and {call.rare for call in drawn} == {None, *RARE}
    for call in drawn[:200]:
        spoilt = calls.spoilt(call, rng)
        changed = {name for name, value in vars(call).items() if getattr(spoilt, name) != value}
        assert len(changed) <= 1 or changed <= {"damage", "lay"}


def test_its_terms_and_decisions_are_no_words_of_the_clinic():
    mine, theirs = claims.DOMAIN.rules, scribe.DOMAIN.rules
    shared = mine.given & theirs.given
    assert shared <= {"d", "t", "none", "O"} and not set(mine.terms) & set(theirs.terms)
