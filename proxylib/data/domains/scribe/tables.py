"""The clinic's words and its rule: what patients say, what notes write for it, and what follows."""

from __future__ import annotations

from typing import NamedTuple

FEVER = 38.0
#: as a patient says it -> as a note says it
TIMES = {"once a day": "qd", "twice a day": "bid", "three times a day": "tid"}
SEXES = {"a man": "m", "a woman": "f"}
RARE = {
    "i have a pacemaker": "pacemaker",
    "i am just back from kenya": "recent travel",
    "i had my spleen out": "splenectomy",
    "i gave away a kidney": "single kidney",
}


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
