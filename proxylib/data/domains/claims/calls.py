"""Calls about damages with known facts, what is said in them, and an assessor's report in a fixed template.

All of it is fiction: policies, insurers and repairers are named by syllables, and the rule that says how a claim is settled is
a table of twenty lines. Every word of a right report follows from the facts of the call.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from proxylib.data.domains.base import BriefLine, Case, Domain, invented
from proxylib.data.domains.claims.prompts import PROMPTS
from proxylib.data.domains.claims.rules import RULES
from proxylib.data.domains.claims.tables import DAMAGES, HOLDERS, LARGE, PAID, RARE
from proxylib.data.tasks.base import held_out

STYLES = ("plain", "chatty", "brisk")
SYLLABLES = tuple(consonant + vowel for consonant in "CDFGHJKLMNPQRT" for vowel in "ei")  # few: copying is learnt sooner
OTHERS = ("neighbour", "landlord", "cousin", "uncle", "partner", "lodger")
FILLERS = ("er,", "listen,", "so to say,", "hold on,", "right,")
RARE_SHARE, CORRECTED_SHARE, DISTRACTED_SHARE = 0.12, 0.35, 0.35
#: where a file of the register stands; what follows the same words the second time can be looked up
PLACES = ("i hold", "send", "shelf", "drawer", "tray", "box", "floor", "safe", "hall", "green file", "grey file", "black file")
MOST_FILES = 6


@dataclass(frozen=True)
class Call(Case):
    """The facts of a call, and how it tells them.

    Parameters
    ----------
    size, holder : square metres of what is insured, and who calls, as in `HOLDERS`
    damage, lay : number in `DAMAGES` and of the caller's words
    days : ago
    policy, cover, paid : name, thousands, and how the premium is paid, as in `PAID`
    elsewhere : another insurer, None for none
    loss : tenths of a thousand
    repairer, hours, diary : who is sent, for how long at most, and after how many days the assessor calls back
    rare : key of `RARE`, None for none
    style : of what is said
    """

    size: int
    holder: str
    damage: int
    lay: int
    days: int
    policy: str
    cover: int
    paid: str
    elsewhere: str | None
    loss: int
    repairer: str
    hours: int
    diary: int
    rare: str | None
    style: str

    @property
    def domain(self) -> Domain:
        return DOMAIN

    @property
    def term(self) -> str:
        return DAMAGES[self.damage].term

    @property
    def complaint(self) -> str:
        return DAMAGES[self.damage].lay[self.lay]

    @property
    def amount(self) -> str:
        return f"{self.loss / 10:.1f} k"

    @property
    def abbreviation(self) -> tuple[str, str]:
        return PAID[self.paid], self.paid

    @property
    def conclusion(self) -> str:
        """How the claim is settled, by the rule: what was damaged, and whether the loss is large."""
        damage = DAMAGES[self.damage]
        return damage.large if self.loss >= 10 * LARGE else damage.small

    @property
    def basis(self) -> str:
        return f"{self.term} {self.amount}"

    @property
    def facts(self) -> dict[str, str]:
        facts = {
            "size and holder": f"{self.size} {HOLDERS[self.holder]}",
            "policy": self.policy,
            "cover": f"{self.cover} k",
            "paid": PAID[self.paid],
            "elsewhere": self.elsewhere or "none",
            "days": f"{self.days} d",
            "loss": self.amount,
            "repairer": self.repairer,
            "hours": f"{self.hours} h",
            "diary": f"{self.diary} d",
        }
        return facts | ({"rare": RARE[self.rare]} if self.rare else {})

    @property
    def names(self) -> list[str]:
        return [self.policy, self.elsewhere or "none", self.repairer]

    @property
    def numbers(self) -> list[object]:
        return [self.size, self.cover, self.days, f"{self.loss / 10:.1f}", self.hours, self.diary]

    def claims(self, section: str) -> dict[str, str]:
        """The same in every line; how the claim is settled has a line of its own."""
        borne = {"holder": HOLDERS[self.holder], "paid": PAID[self.paid], "term": self.term}
        return borne | ({"rare": RARE[self.rare]} if self.rare else {})


def name(rng: random.Random, unseen: bool) -> str:
    """Of a policy, an insurer or a repairer."""
    return invented(rng, SYLLABLES, unseen)


def draw(rng: random.Random, unseen: bool) -> Call:
    """A call; `unseen` ones have names that no training text has."""
    damage = rng.randrange(len(DAMAGES))
    names = [name(rng, unseen) for _ in range(3)]
    return Call(
        size=rng.randint(31, 99),
        holder=rng.choice(list(HOLDERS)),
        damage=damage,
        lay=rng.randrange(len(DAMAGES[damage].lay)),
        days=rng.randint(2, 9),
        policy=names[0],
        cover=5 * rng.randint(2, 19),
        paid=rng.choice(list(PAID)),
        elsewhere=names[1] if rng.random() < 0.5 else None,
        loss=rng.randint(35, 64),
        repairer=names[2],
        hours=5 * rng.randint(2, 19),
        diary=rng.randint(2, 9),
        rare=rng.choice(list(RARE)) if rng.random() < RARE_SHARE else None,
        style=rng.choice(STYLES),
    )


def dialogue(call: Call, rng: random.Random) -> str:
    """What is said: all facts, in the call's style; chatty ones with filler, corrections and other people's policies."""
    chatty = call.style == "chatty"
    cover, paid, days = f"{call.cover} k", call.paid, f"{call.days} days ago"
    if chatty and rng.random() < CORRECTED_SHARE:
        slip = rng.choice(("cover", "paid", "days"))
        if slip == "cover":
            cover = f"{5 * rng.randint(2, 19)}, no, {cover}"
        elif slip == "paid":
            paid = f"{rng.choice([said for said in PAID if said != paid])}, no, {paid}"
        else:
            days = f"{rng.randint(2, 9)}, no, {days}"
    filler = lambda: f"{rng.choice(FILLERS)} " if chatty and rng.random() < 0.6 else ""
    held = f"i hold {call.policy} {cover} paid {paid}"
    other = f"also with {call.elsewhere}" if call.elsewhere else "none"
    orders = f"h: send {call.repairer} {call.hours} h. i call back in {call.diary} days."
    if call.style == "brisk":
        lines = [
            f"c: {held}. {call.size} metres, {call.holder}.",
            "h: any other insurer? what is it?",
            f"c: {other}. {call.complaint}, {days}.",
            f"h: a loss of {call.amount}.",
        ]
    else:
        lines = [
            "h: which policy is it?",
            f"c: {filler()}{held}.",
            "h: any other insurer?",
            f"c: {filler()}{other}.",
            "h: what happened?",
            f"c: {filler()}{call.complaint} {days}. i am {call.holder}, {call.size} metres.",
            f"h: i put the loss at {call.amount}.",
        ]
    if chatty and rng.random() < DISTRACTED_SHARE:
        theirs = f"c: my {rng.choice(OTHERS)} has {name(rng, held_out(call.policy))} {5 * rng.randint(2, 19)} k."
        lines.insert(rng.randint(2, len(lines)), theirs)
    if call.rare:
        lines.insert(rng.randint(1, len(lines)), f"c: {call.rare}.")
    return "".join(f"{line}\n" for line in [*lines, orders])


def note(call: Call) -> str:
    """The assessor's report."""
    rare = f" {RARE[call.rare]}." if call.rare else ""
    contract = f"{call.policy} {call.cover} k {PAID[call.paid]}"
    return (
        f"R: {call.size} {HOLDERS[call.holder]}. {contract}. elsewhere {call.elsewhere or 'none'}.{rare}\n"
        f"E: {call.term} {call.days} d\n"
        f"L: {call.amount}\n"
        f"D: {call.conclusion}\n"
        f"N: {call.repairer} {call.hours} h. diary {call.diary} d\n"
    )


def brief_lines(call: Call) -> list[BriefLine]:
    """The facts in the template of briefs: the caller's words and no decision."""
    return [
        BriefLine(f"i hold {call.policy} {call.cover} k paid {call.paid}", "i hold"),
        BriefLine(f"send {call.repairer} {call.hours} h", "send"),
        BriefLine(f"also with {call.elsewhere or 'none'}", "also with"),
        BriefLine(f"reports {call.complaint}, {call.days} days", call.complaint),
        BriefLine(f"is {call.holder}, {call.size}"),
        BriefLine(f"loses {call.amount}", call.amount),
        BriefLine(f"waits {call.diary} days", "call back"),
    ]


def textbook(rng: random.Random) -> str:
    """A few lines of what a general corpus would teach: terms, the rule, abbreviations."""
    damage = rng.choice(DAMAGES)
    said, abbreviation = rng.choice(list(PAID.items()))
    sign, rare = rng.choice(list(RARE.items()))
    lines = [
        f"{damage.term} is written where a caller says {rng.choice(damage.lay)}.",
        f"{damage.term} from {LARGE} k on is {damage.large}, below {damage.small}.",
        f"{abbreviation} means {said}.",
        f"{rare} is written where a caller says {sign}.",
    ]
    return "".join(f"{line}\n" for line in rng.sample(lines, 3))


def register(rng: random.Random) -> str:
    """A register of policies and repairers, read out and read back, in its order or in another; most are short."""
    count = 1
    while count < MOST_FILES and rng.random() < 0.5:
        count += 1
    unit = lambda place: "h" if place == "send" else "k"
    lines = [f"- {place} {name(rng, False)} {5 * rng.randint(2, 19)} {unit(place)}\n" for place in rng.sample(PLACES, count)]
    back = rng.sample(lines, count) if rng.random() < 0.5 else lines
    return "on file\n" + "".join(lines) + "read back\n" + "".join(back)


def spoilt(call: Call, rng: random.Random) -> Call:
    """The call with one fact changed: a report of it is wrong about the original in one thing."""
    other = draw(rng, held_out(call.policy))
    field = rng.choice(["size", "days", "policy", "cover", "paid", "elsewhere", "loss", "repairer", "hours", "diary", "damage"])
    changed = replace(call, **{field: getattr(other, field)})
    return replace(changed, lay=other.lay) if field == "damage" else changed


DOMAIN = Domain(
    name="claims",
    title="insurance claims",
    ask="report\n",
    naming=("i hold", "send", "also with"),
    copied={"i hold": ("policy", "cover"), "send": ("repairer", "hours")},
    rules=RULES,
    prompts=PROMPTS,
    draw=draw,
    dialogue=dialogue,
    note=note,
    spoilt=spoilt,
    brief_lines=brief_lines,
    textbook=textbook,
    listing=register,
)
