"""What holds in every domain: examples are whole, distinct and apart, and judges are told what the rubric knows."""

import itertools
import random
import re

import pandas as pd
import pytest

from proxylib.data import domains
from proxylib.data.domains.base import CRITERIA, MOST_LINES

DOMAINS = [pytest.param(domains.domain(name), id=name) for name in domains.NAMES]


def test_claims_of_the_first_domain_go_by_their_own_names_and_those_of_others_by_the_domain_too():
    table = pd.DataFrame({"claim": ["a", "b"], "estimate": [1.0, 2.0]})
    rows = {name: domains.named(table, name)["claim"].to_list() for name in domains.NAMES}
    assert rows.pop(domains.SCRIBE) == ["a", "b"] and rows["claims"] == ["a/claims", "b/claims"]
    assert all(names == [domains.row(claim, name) for claim in "ab"] for name, names in rows.items())


@pytest.mark.parametrize("domain", DOMAINS)
def test_prompts_list_the_clauses_that_the_rubric_decides(domain):
    prompts, rules = domain.prompts, domain.rules
    assert tuple(prompts.clauses) == CRITERIA == tuple(prompts.versions)
    assert prompts.clauses["completeness"] == tuple(rules.complete)
    assert {fact for facts in rules.complete.values() for fact in facts} == set(rules.slots)
    for criterion, clauses in prompts.clauses.items():
        text = (prompts.folder / f"{criterion}-v{prompts.versions[criterion]}.txt").read_text()
        assert tuple(re.findall(r"^- (\w+):", text, re.M)) == clauses
        places = set(re.findall(r"{(\w+)}", text)) - {"dialogue", "note"}
        assert places <= set(prompts.tables) and all(text.count(place) == 1 for place in ("{dialogue}", "{note}"))
        assert not any("{" in line for lines in prompts.tables.values() for line in lines)


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_fact_of_a_case_stands_in_its_line_as_its_slot_says(domain):
    for example in domain.examples(60, 3, unseen=True):
        parts = dict(line.split(": ", 1) for line in example.note.splitlines())
        assert tuple(parts) == domain.rules.sections
        for name, value in example.case.facts.items():
            slot = domain.rules.slots[name]
            written = re.findall(slot.pattern, parts[slot.section])
            assert slot.before + value in written, (name, value, example.note)
        assert example.case.term in domain.rules.terms and example.case.abbreviation[0] in domain.rules.abbreviations


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_excerpt_asks_for_nothing_that_it_does_not_tell(domain):
    rng = random.Random(6)
    for most in (0, 3, MOST_LINES) * 50:
        case = domain.draw(rng, False)
        told, asked = domain.excerpt(case, rng, most).split("brief\n")
        cues = {f"- {line.text}": line.cue for line in domain.brief_lines(case)}
        lines = asked.splitlines()
        assert lines and len(set(lines)) == len(lines) and all(cues[line] and cues[line] in told for line in lines)
        assert any(word in told for word in domain.naming)


@pytest.mark.parametrize("domain", DOMAINS)
def test_pretraining_shows_no_note(domain):
    heads = [f"{head}:" for head in domain.rules.sections]
    for text in itertools.islice(domain.pretraining_text(4, ["some prose"], 50, 300), 700):
        assert not any(line.startswith(tuple(heads)) for line in text.splitlines())


def test_domains_read_other_texts():
    texts = [domains.domain(name).fingerprint() for name in domains.NAMES]
    assert len(set(texts)) == len(texts) and texts == [domains.domain(name).fingerprint() for name in domains.NAMES]
