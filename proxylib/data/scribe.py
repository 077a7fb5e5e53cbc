"""The clinical scribe: encounters with known facts, dialogues that tell them, and notes in a fixed template.

All of it is fiction: drug names are syllables, and the rule that gives a diagnosis is a table of twenty lines. That is what
makes a note exactly checkable: every word of a right note follows from the encounter's facts.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from proxylib.data.tasks.base import held_out

STYLES = ("plain", "chatty", "brisk")
SECTIONS = ("S", "O", "A", "P")
ASK = "note\n"  # between a dialogue and its note
FEVER = 38.0
SYLLABLES = tuple(consonant + vowel for consonant in "BDFGKLMNPRSTVZ" for vowel in "ao")  # few: copying is learnt sooner
#: as a patient says it -> as a note says it
TIMES = {"once a day": "qd", "twice a day": "bid", "three times a day": "tid"}
SEXES = {"a man": "m", "a woman": "f"}
RELATIVES = ("sister", "brother", "mother", "father", "wife", "husband")
RARE = {
    "i have a pacemaker": "pacemaker",
    "i am just back from kenya": "recent travel",
    "i had my spleen out": "splenectomy",
    "i gave away a kidney": "single kidney",
}
RARE_SHARE, CORRECTED_SHARE, DISTRACTED_SHARE = 0.12, 0.35, 0.35
TEXTBOOK_SHARE, STOCK_SHARE, PROSE_SHARE, EXCERPT_SHARE = 0.15, 0.2, 0.05, 0.15  # of the documents after the lessons
MOST_LINES = 8  # of a dialogue, beside one that names a drug, in an excerpt
NAMING = ("i take", "start", "allergic")  # what stands before a drug's name, in a dialogue as in its brief
#: where a drug of a stock list lies; what follows the same words the second time can be looked up
PLACES = ("i take", "start", "left", "right", "top", "bottom", "door", "window", "desk", "red box", "blue box", "cold box")
MOST_STOCK = 6  # drugs of a stock list
FILLERS = ("um,", "well,", "you know,", "let me think,", "so,")


class Symptom(NamedTuple):
    """What a patient complains of: the clinical term, lay words for it, and what the rule concludes from it."""

    term: str
    lay: tuple[str, ...]
    diagnosis: str  # without fever
    feverish: str  # with fever


SYMPTOMS = (
    Symptom("abdominal pain", ("my tummy hurts", "my belly aches"), "gastritis", "appendicitis"),
    Symptom("cephalgia", ("my head hurts", "my head is pounding"), "migraine", "meningitis"),
    Symptom("dyspnoea", ("i am out of breath", "i get no air"), "asthma", "pneumonia"),
    Symptom("dysuria", ("it burns when i pee", "peeing stings"), "urethritis", "cystitis"),
    Symptom("odynophagia", ("my throat is sore", "swallowing hurts"), "laryngitis", "tonsillitis"),
    Symptom("otalgia", ("my ear hurts", "my ear aches"), "barotrauma", "otitis"),
    Symptom("emesis", ("i keep throwing up", "no food stays down"), "dyspepsia", "gastroenteritis"),
    Symptom("pruritus", ("my skin itches", "i scratch all day"), "eczema", "scarlatina"),
    Symptom("arthralgia", ("my joints ache", "my knees hurt"), "arthrosis", "arthritis"),
    Symptom("vertigo", ("the room spins", "i feel dizzy"), "presbyvertigo", "labyrinthitis"),
)


@dataclass(frozen=True)
class Encounter:
    """The facts of a visit, and how its dialogue tells them.

    Parameters
    ----------
    age, sex : of the patient; sex as in `SEXES`
    symptom, lay : number in `SYMPTOMS` and of its lay words
    days : since when
    drug, dose, times : what is taken already (mg; as in `TIMES`)
    allergy : name of a drug, None for none
    temperature : degrees Celsius in tenths
    start, start_dose, review : what the doctor orders, and after how many days the patient comes back
    rare : key of `RARE`, None for none
    style : of the dialogue
    """

    age: int
    sex: str
    symptom: int
    lay: int
    days: int
    drug: str
    dose: int
    times: str
    allergy: str | None
    temperature: int
    start: str
    start_dose: int
    review: int
    rare: str | None
    style: str

    @property
    def complaint(self) -> str:
        return SYMPTOMS[self.symptom].lay[self.lay]

    @property
    def term(self) -> str:
        return SYMPTOMS[self.symptom].term

    @property
    def degrees(self) -> str:
        return f"{self.temperature / 10:.1f}"

    @property
    def diagnosis(self) -> str:
        """By the rule: the symptom, and whether there is fever."""
        symptom = SYMPTOMS[self.symptom]
        return symptom.feverish if self.temperature >= 10 * FEVER else symptom.diagnosis

    @property
    def facts(self) -> dict[str, str]:
        """What a complete note says, in the note's words."""
        facts = {
            "age and sex": f"{self.age} {SEXES[self.sex]}",
            "days": f"{self.days} d",
            "drug": self.drug,
            "dose": f"{self.dose} mg",
            "times": TIMES[self.times],
            "allergy": self.allergy or "none",
            "temperature": self.degrees,
            "start": self.start,
            "start dose": f"{self.start_dose} mg",
            "review": f"{self.review} d",
        }
        return facts | ({"rare": RARE[self.rare]} if self.rare else {})


def drug(rng: random.Random, unseen: bool) -> str:
    """A drug's name, two syllables with a capital each, from the side of the split that training sees or the other."""
    while True:
        name = "".join(rng.choice(SYLLABLES) for _ in range(2))
        if held_out(name) == unseen:
            return name


def draw(rng: random.Random, unseen: bool) -> Encounter:
    """An encounter; `unseen` ones have drug names that no training text has."""
    symptom = rng.randrange(len(SYMPTOMS))
    names = [drug(rng, unseen) for _ in range(3)]
    return Encounter(
        age=rng.randint(18, 89),
        sex=rng.choice(list(SEXES)),
        symptom=symptom,
        lay=rng.randrange(len(SYMPTOMS[symptom].lay)),
        days=rng.randint(2, 9),
        drug=names[0],
        dose=5 * rng.randint(2, 19),
        times=rng.choice(list(TIMES)),
        allergy=names[1] if rng.random() < 0.5 else None,
        temperature=rng.randint(365, 395),
        start=names[2],
        start_dose=5 * rng.randint(2, 19),
        review=rng.randint(2, 9),
        rare=rng.choice(list(RARE)) if rng.random() < RARE_SHARE else None,
        style=rng.choice(STYLES),
    )


def dialogue(encounter: Encounter, rng: random.Random) -> str:
    """What is said: all facts, in the encounter's style; chatty ones with filler, corrections and other people's drugs."""
    chatty = encounter.style == "chatty"
    dose, times, days = f"{encounter.dose} mg", encounter.times, f"{encounter.days} days"
    if chatty and rng.random() < CORRECTED_SHARE:
        slip = rng.choice(("dose", "times", "days"))
        if slip == "dose":
            dose = f"{5 * rng.randint(2, 19)}, no, {dose}"
        elif slip == "times":
            times = f"{rng.choice([said for said in TIMES if said != times])}, no, {times}"
        else:
            days = f"{rng.randint(2, 9)}, no, {days}"
    filler = lambda: f"{rng.choice(FILLERS)} " if chatty and rng.random() < 0.6 else ""
    taken = f"{encounter.drug} {dose} {times}"
    allergy = f"allergic to {encounter.allergy}" if encounter.allergy else "none"
    orders = f"d: start {encounter.start} {encounter.start_dose} mg once a day. come back in {encounter.review} days."
    if encounter.style == "brisk":
        lines = [
            f"p: {encounter.age}, {encounter.sex}. {encounter.complaint}, {days}.",
            f"d: temperature {encounter.degrees}. allergies?",
            f"p: {allergy}. i take {taken}.",
        ]
    else:
        lines = [
            "d: what brings you in?",
            f"p: {filler()}{encounter.complaint} for {days}. i am {encounter.age}, {encounter.sex}.",
            "d: what do you take?",
            f"p: {filler()}i take {taken}.",
            "d: any allergies?",
            f"p: {filler()}{allergy}.",
            f"d: your temperature is {encounter.degrees}.",
        ]
    if chatty and rng.random() < DISTRACTED_SHARE:
        other = f"p: my {rng.choice(RELATIVES)} takes {drug(rng, held_out(encounter.drug))} {5 * rng.randint(2, 19)} mg."
        lines.insert(rng.randint(2, len(lines)), other)
    if encounter.rare:
        lines.insert(rng.randint(1, len(lines)), f"p: {encounter.rare}.")
    return "".join(f"{line}\n" for line in [*lines, orders])


def note(encounter: Encounter) -> str:
    """The expert's note."""
    rare = f" {RARE[encounter.rare]}." if encounter.rare else ""
    taken = f"{encounter.drug} {encounter.dose} mg {TIMES[encounter.times]}"
    about = f"{encounter.age} {SEXES[encounter.sex]}. {encounter.term} {encounter.days} d."
    return (
        f"S: {about} {taken}. allergy {encounter.allergy or 'none'}.{rare}\n"
        f"O: t {encounter.degrees}\n"
        f"A: {encounter.diagnosis}\n"
        f"P: {encounter.start} {encounter.start_dose} mg qd. review {encounter.review} d\n"
    )


def brief_lines(encounter: Encounter) -> list[str]:
    """The facts in the template of briefs: the patient's words and no conclusion."""
    return [
        f"i take {encounter.drug} {encounter.dose} mg {encounter.times}",
        f"start {encounter.start} {encounter.start_dose} mg",
        f"allergic to {encounter.allergy or 'none'}",
        f"complains {encounter.complaint}, {encounter.days} days",
        f"is {encounter.age}, {encounter.sex}",
        f"has {encounter.degrees}",
        f"returns in {encounter.review} days",
    ]


def _brief(lines: list[str]) -> str:
    return "brief\n" + "".join(f"- {line}\n" for line in lines)


def brief(encounter: Encounter, rng: random.Random) -> str:
    """Some facts in another template than the note's, in any order: what bases read in pretraining."""
    lines = brief_lines(encounter)
    return _brief(rng.sample(lines, rng.randint(4, len(lines))))


def excerpt(encounter: Encounter, rng: random.Random, most: int) -> str:
    """A few lines of a dialogue, one that names a drug among them, and a brief of what they tell.

    Between stock lists of some twenty tokens and dialogues of a hundred: what was learnt on the one is kept for the other.
    """
    said = dialogue(encounter, rng).splitlines(keepends=True)
    naming = [line for line in said if any(words in line for words in NAMING)]
    kept = {rng.choice(naming), *rng.sample(said, min(len(said), most))}
    text = "".join(line for line in said if line in kept)
    drugs = [line for line in brief_lines(encounter) if any(words in line and words in text for words in NAMING)]
    others = [
        (encounter.complaint, f"complains {encounter.complaint}, {encounter.days} days"),
        (encounter.degrees, f"has {encounter.degrees}"),
        ("come back", f"returns in {encounter.review} days"),
    ]
    chosen = drugs + [line for words, line in others if words in text and rng.random() < 0.5]
    return text + _brief(rng.sample(chosen, len(chosen)))


def textbook(rng: random.Random) -> str:
    """A few lines of what a general corpus would teach: terms, the rule, abbreviations."""
    symptom = rng.choice(SYMPTOMS)
    said, abbreviation = rng.choice(list(TIMES.items()))
    sign, rare = rng.choice(list(RARE.items()))
    lines = [
        f"{symptom.term} is written where a patient says {rng.choice(symptom.lay)}.",
        f"{symptom.term} with fever is {symptom.feverish}, without fever {symptom.diagnosis}.",
        f"{abbreviation} means {said}.",
        f"{rare} is written where a patient says {sign}.",
    ]
    return "".join(f"{line}\n" for line in rng.sample(lines, 3))


def stock_list(rng: random.Random) -> str:
    """A pharmacy's list, read out and read back, in its order or in another.

    Most lists are short: in these even a reader that attends to everything alike profits from copying, and from there on
    copying from longer texts is learnt. Without them bases of this size stay for millions of tokens where they guess.
    """
    count = 1
    while count < MOST_STOCK and rng.random() < 0.5:
        count += 1
    lines = [f"- {place} {drug(rng, unseen=False)} {5 * rng.randint(2, 19)} mg\n" for place in rng.sample(PLACES, count)]
    back = rng.sample(lines, count) if rng.random() < 0.5 else lines
    return "in stock\n" + "".join(lines) + "read back\n" + "".join(back)


def pretraining_text(seed: int, prose: list[str], lists: int, excerpts: int) -> Iterator[str]:
    """What bases read, without end; never a note in the clinic's template.

    First two lessons in copying: so many stock lists alone, then so many excerpts of conversations, ever longer, with a
    list now and then. After them whole conversations with briefs, textbook lines, more lists and excerpts, and English.
    """
    rng = random.Random(f"scribe pretraining {seed}")
    for _ in range(lists):
        yield stock_list(rng)
    for number in range(excerpts):
        if rng.random() < STOCK_SHARE:
            yield stock_list(rng)
        else:
            yield excerpt(draw(rng, unseen=False), rng, rng.randint(0, 1 + (MOST_LINES - 1) * number // excerpts))
    while True:
        kind = rng.random()
        if kind < TEXTBOOK_SHARE:
            yield textbook(rng)
        elif kind < TEXTBOOK_SHARE + STOCK_SHARE:
            yield stock_list(rng)
        elif kind < TEXTBOOK_SHARE + STOCK_SHARE + PROSE_SHARE:
            yield rng.choice(prose)
        elif kind < TEXTBOOK_SHARE + STOCK_SHARE + PROSE_SHARE + EXCERPT_SHARE:
            yield excerpt(draw(rng, unseen=False), rng, rng.randint(0, MOST_LINES))
        else:
            encounter = draw(rng, unseen=False)
            yield dialogue(encounter, rng) + brief(encounter, rng)


def held_out_text(count: int, seed: int) -> list[str]:
    """Dialogues with briefs whose drug names no training text has."""
    rng = random.Random(f"scribe held out {seed}")
    encounters = [draw(rng, unseen=True) for _ in range(count)]
    return [dialogue(encounter, rng) + brief(encounter, rng) for encounter in encounters]


class Example(NamedTuple):
    """A dialogue, its expert note, and the facts behind both."""

    id: str
    encounter: Encounter
    dialogue: str
    note: str

    @property
    def prompt(self) -> str:
        """What a model is given before its note."""
        return self.dialogue + ASK


def examples(count: int, seed: int, unseen: bool) -> list[Example]:
    """Distinct examples for fine-tuning, or with unseen drug names for testing; a longer list begins with the shorter."""
    rng = random.Random(f"scribe examples {seed} {unseen}")
    by_problem: dict[str, Example] = {}
    for number in itertools.count():
        encounter = draw(rng, unseen)
        text = dialogue(encounter, rng)
        by_problem.setdefault(text, Example(f"{'test' if unseen else 'train'}-{number:05d}", encounter, text, note(encounter)))
        if len(by_problem) == count:
            return list(by_problem.values())
    return []


def spoilt(encounter: Encounter, rng: random.Random) -> Encounter:
    """The encounter with one fact changed: a note of it is wrong about the original in one thing."""
    other = draw(rng, held_out(encounter.drug))
    name = rng.choice(
        ["age", "days", "drug", "dose", "times", "allergy", "temperature", "start", "start_dose", "review", "symptom"]
    )
    changed = replace(encounter, **{name: getattr(other, name)})
    return replace(changed, lay=other.lay) if name == "symptom" else changed
