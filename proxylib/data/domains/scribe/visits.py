"""The clinical scribe: encounters with known facts, dialogues that tell them, and notes in a fixed template.

All of it is fiction: drug names are syllables, and the rule that gives a diagnosis is a table of twenty lines. That is what
makes a note exactly checkable: every word of a right note follows from the encounter's facts.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from proxylib.data.domains.base import BriefLine, Case, Domain, invented
from proxylib.data.domains.scribe.prompts import PROMPTS
from proxylib.data.domains.scribe.rules import RULES
from proxylib.data.domains.scribe.tables import FEVER, RARE, SEXES, SYMPTOMS, TIMES
from proxylib.data.tasks.base import held_out

STYLES = ("plain", "chatty", "brisk")
ASK = "note\n"  # between a dialogue and its note
SYLLABLES = tuple(consonant + vowel for consonant in "BDFGKLMNPRSTVZ" for vowel in "ao")  # few: copying is learnt sooner
RELATIVES = ("sister", "brother", "mother", "father", "wife", "husband")
RARE_SHARE, CORRECTED_SHARE, DISTRACTED_SHARE = 0.12, 0.35, 0.35
#: where a drug of a stock list lies; what follows the same words the second time can be looked up
PLACES = ("i take", "start", "left", "right", "top", "bottom", "door", "window", "desk", "red box", "blue box", "cold box")
MOST_STOCK = 6  # drugs of a stock list
FILLERS = ("um,", "well,", "you know,", "let me think,", "so,")


@dataclass(frozen=True)
class Encounter(Case):
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
    def domain(self) -> Domain:
        return DOMAIN

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

    @property
    def abbreviation(self) -> tuple[str, str]:
        return TIMES[self.times], self.times

    @property
    def conclusion(self) -> str:
        return self.diagnosis

    @property
    def basis(self) -> str:
        return f"{self.term} {self.degrees}"

    @property
    def names(self) -> list[str]:
        return [self.drug, self.allergy or "none", self.start]

    @property
    def numbers(self) -> list[object]:
        return [self.age, self.days, self.dose, self.degrees, self.start_dose, self.review]

    def claims(self, section: str) -> dict[str, str]:
        """What the doctor orders is taken once a day; a diagnosis has its own line, which is judged by another criterion."""
        borne = {"sex": SEXES[self.sex], "times": "qd" if section == "P" else TIMES[self.times], "term": self.term}
        return borne | ({"rare": RARE[self.rare]} if self.rare else {})


def drug(rng: random.Random, unseen: bool) -> str:
    """A drug's name."""
    return invented(rng, SYLLABLES, unseen)


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


def brief_lines(encounter: Encounter) -> list[BriefLine]:
    """The facts in the template of briefs: the patient's words and no conclusion."""
    return [
        BriefLine(f"i take {encounter.drug} {encounter.dose} mg {encounter.times}", "i take"),
        BriefLine(f"start {encounter.start} {encounter.start_dose} mg", "start"),
        BriefLine(f"allergic to {encounter.allergy or 'none'}", "allergic"),
        BriefLine(f"complains {encounter.complaint}, {encounter.days} days", encounter.complaint),
        BriefLine(f"is {encounter.age}, {encounter.sex}"),
        BriefLine(f"has {encounter.degrees}", encounter.degrees),
        BriefLine(f"returns in {encounter.review} days", "come back"),
    ]


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


def spoilt(encounter: Encounter, rng: random.Random) -> Encounter:
    """The encounter with one fact changed: a note of it is wrong about the original in one thing."""
    other = draw(rng, held_out(encounter.drug))
    name = rng.choice(
        ["age", "days", "drug", "dose", "times", "allergy", "temperature", "start", "start_dose", "review", "symptom"]
    )
    changed = replace(encounter, **{name: getattr(other, name)})
    return replace(changed, lay=other.lay) if name == "symptom" else changed


DOMAIN = Domain(
    name="scribe",
    title="clinical notes",
    ask=ASK,
    naming=("i take", "start", "allergic"),
    copied={"i take": ("drug", "dose"), "start": ("start", "start dose")},
    rules=RULES,
    prompts=PROMPTS,
    draw=draw,
    dialogue=dialogue,
    note=note,
    spoilt=spoilt,
    brief_lines=brief_lines,
    textbook=textbook,
    listing=stock_list,
)
