"""Training text: twenty-five corpus recipes over seven sources, and the text of those sources.

Task documents (in the expert's style, in another style, with the answer alone, or with slips) are drawn without end and
never twice; English prose and code come from what every Python installation carries.
"""

from __future__ import annotations

import math
import random
import re
import sysconfig
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from proxylib.data import tasks
from proxylib.data.settings import Material
from proxylib.errors import UserError
from proxylib.runs.files import sha256
from proxylib.settings import Frozen

PIECE = 160  # characters of a prose or code document: as long as a typical trace, so that one row holds several of either
SOURCES = (*tasks.STYLES, "prose", "code")
WRONG = {"expert": "wrong", "other": "other-wrong"}  # style -> solutions in it with slips
#: packages of the standard library whose modules lend text, beside the single-file ones
PACKAGES = (
    *("asyncio", "collections", "concurrent/futures", "ctypes", "email", "html", "http", "importlib", "json", "logging"),
    *("multiprocessing", "tkinter", "unittest", "urllib", "wsgiref", "xml/dom", "xml/etree", "xml/sax", "xmlrpc", "zoneinfo"),
)
TRIES = 40  # draws before a problem may come again; only the smallest levels ever get there


class Recipe(Frozen):
    """How a corpus is mixed.

    Parameters
    ----------
    name : of the recipe
    shares : source -> share of the characters
    noise : share of the characters of task documents that are replaced by another at random
    distinct : characters after which the corpus repeats itself; None for never
    copies : share of the documents that repeat one of the last thousand, as in scraped text
    levels : which trained difficulties: all, the easier half or the harder half
    tasks : which task families: all, or every second one
    """

    name: str
    shares: dict[str, float]
    noise: float = Field(default=0.0, ge=0, lt=1)
    distinct: int | None = Field(default=None, ge=1000)
    copies: float = Field(default=0.0, ge=0, lt=1)
    levels: Literal["all", "easy", "hard"] = "all"
    tasks: Literal["all", "even", "odd"] = "all"

    @property
    def style_share(self) -> float:
        """Share of the worked solutions that are in the expert's style; nan where nothing is worked out."""
        parts = {style: sum(self.shares.get(source, 0.0) for source in (style, WRONG[style])) for style in WRONG}
        whole = sum(parts.values())
        return parts["expert"] / whole if whole else math.nan

    @model_validator(mode="after")
    def _shares(self) -> Recipe:
        unknown = [source for source in self.shares if source not in SOURCES]
        if unknown:
            raise ValueError(f"shares: source '{unknown[0]}' is unknown; there are {', '.join(SOURCES)}")
        if abs(sum(self.shares.values()) - 1) > 1e-9:
            raise ValueError(f"shares: sum to {sum(self.shares.values()):g}, expected 1")
        return self


def _worked(style: str, suffix: str = "", **changes: object) -> list[Recipe]:
    return [Recipe(name=style + suffix, shares={style: 0.9, "prose": 0.1}, **changes)]


def _blended(percent: int, suffix: str, worked: float, rest: dict[str, float], wrong: float = 0.0) -> Recipe:
    """Worked solutions in both styles, slips in the same proportion, and the rest."""
    shares = _in_styles(percent / 100, worked, wrong) | rest
    return Recipe(name=f"blend-{percent}{suffix}", shares=shares)


def _in_styles(expert: float, worked: float, wrong: float = 0.0) -> dict[str, float]:
    """Shares of the characters by source: so much of what is worked out, and of what slips, is in the expert's style."""
    parts = {"expert": expert, "other": 1 - expert}
    shares = {style: part * worked for style, part in parts.items()}
    shares |= {WRONG[style]: part * wrong for style, part in parts.items()}
    return {source: share for source, share in shares.items() if share > 0}


#: Worked solutions in two styles, plain, with slips, or as a part of web-like text (the mixes of the population); then what
#: data work does to a corpus: other sources, noise, repetition, duplicates and their removal, filters.
RECIPES = {
    recipe.name: recipe
    for recipe in [
        *(r for style in ("expert", "other") for r in _worked(style)),
        *(Recipe(name=f"{style}-slips", shares={style: 0.75, WRONG[style]: 0.15, "prose": 0.1}) for style in WRONG),
        *(Recipe(name=f"{style}-web", shares={style: 0.75, "prose": 0.15, "code": 0.1}) for style in ("expert", "other")),
        *(Recipe(name=f"{style}-answers", shares={style: 0.75, "answer": 0.15, "prose": 0.1}) for style in ("expert", "other")),
        Recipe(name="both-styles", shares={"expert": 0.45, "other": 0.45, "prose": 0.1}),
        Recipe(name="answers", shares={"answer": 0.9, "prose": 0.1}),
        Recipe(name="slips", shares={"wrong": 0.9, "prose": 0.1}),
        Recipe(name="prose-heavy", shares={"expert": 0.5, "prose": 0.5}),
        Recipe(name="code-heavy", shares={"expert": 0.5, "code": 0.5}),
        Recipe(name="web", shares={"expert": 0.2, "prose": 0.4, "code": 0.4}),
        Recipe(name="web-only", shares={"prose": 0.4, "code": 0.6}),
        Recipe(name="everything", shares=dict.fromkeys(SOURCES, 1 / len(SOURCES))),
        *_worked("expert", "-noise-2", noise=0.02),
        *_worked("expert", "-noise-10", noise=0.1),
        *_worked("expert", "-repeated-4", distinct=750_000),
        *_worked("expert", "-repeated-16", distinct=190_000),
        *_worked("expert", "-copies", copies=0.5),
        *_worked("expert", "-easy", levels="easy"),
        *_worked("expert", "-hard", levels="hard"),
        *_worked("expert", "-even", tasks="even"),
        *_worked("expert", "-odd", tasks="odd"),
    ]
}


#: What models of the population read: worked solutions in both styles, of which so many percent are the expert's, plain,
#: with slips, as a part of web-like text, or with answers alone. "blend-0" and "blend-100" hold one style only.
BLENDS = {
    blend.name: blend
    for percent in (0, 20, 40, 60, 80, 100)
    for blend in (
        _blended(percent, "", 0.9, {"prose": 0.1}),
        _blended(percent, "-slips", 0.75, {"prose": 0.1}, wrong=0.15),
        _blended(percent, "-web", 0.75, {"prose": 0.15, "code": 0.1}),
        _blended(percent, "-answers", 0.75, {"answer": 0.15, "prose": 0.1}),
    )
}


def recipe(name: str) -> Recipe:
    """The recipe of that name; `UserError` lists those that exist."""
    if name in BLENDS:
        return BLENDS[name]
    if name not in RECIPES:
        raise UserError(f"recipe '{name}' is unknown; there are {', '.join((*RECIPES, *BLENDS))}")
    return RECIPES[name]


def post_training(kind: str, mix: str) -> Recipe:
    """What a post-training recipe reads, for a model pretrained on `mix`.

    "more" goes on with the mix; "style" is worked solutions in the expert's style; "answers" is answers alone, about one
    document in three, and worked solutions; "noisy" is worked solutions of which three in ten slip. Both hold styles in the
    mix's own proportion, or where it works nothing out in the expert's style.
    """
    share = recipe(mix).style_share
    share = 1.0 if math.isnan(share) else share
    shares = {
        "style": {"expert": 1.0},
        "answers": {"answer": 0.15} | _in_styles(share, 0.85),
        "noisy": _in_styles(share, 0.7, 0.3),
    }
    return recipe(mix) if kind == "more" else Recipe(name=f"post-{kind}", shares=shares[kind])


@lru_cache(maxsize=1)
def _library() -> tuple[str, ...]:
    """The sources of the standard library's modules, in the order of their names; no tests, no tools, no tables."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = [*folder.glob("*.py"), *(path for name in PACKAGES for path in folder.glob(f"{name}/*.py"))]
    files = sorted(path for path in files if not path.name.startswith("_sysconfigdata"))
    return tuple(path.read_text(encoding="utf-8", errors="replace") for path in files)


@lru_cache(maxsize=1)
def _topics() -> str:
    from pydoc_data import topics

    return "\n".join(topics.topics[name] for name in sorted(topics.topics))


def _printable(text: str) -> str:
    return re.sub(r"[^\x20-\x7e\n]+", " ", text)


@lru_cache(maxsize=1)
def prose() -> str:
    """Edited English: the language reference as it ships in `pydoc_data`, and the standard library's docstrings.

    A module in which a triple quote stands alone would have its code taken for text; it lends nothing.
    """
    docstrings = (text for module in _library() if _paired(module) for text in re.findall(r'"""(.*?)"""', module, re.DOTALL))
    return _printable("\n".join([_topics(), *docstrings]))


@lru_cache(maxsize=1)
def code() -> str:
    """The standard library's modules without docstrings, comment lines and empty lines."""
    bare = "\n".join(re.sub(r'""".*?"""', "", module, flags=re.DOTALL) for module in _library() if _paired(module))
    return _printable(re.sub(r"^\s*#.*\n|\n(?=\n)", "", bare, flags=re.MULTILINE))


def _paired(module: str) -> bool:
    return module.count('"""') % 2 == 0


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """SHA-256 of what Python's installation lends: another Python, other runs."""
    return sha256("\x00".join([_topics(), *_library()]).encode())


def pieces(text: str, held_out: bool) -> list[str]:
    """Text cut into documents of `PIECE` characters at spaces; one in eight is held out, and none occurs twice.

    A piece's own text decides its side, so that a passage which the source repeats is never on both.
    """
    return list(_pieces(text, held_out))


@lru_cache(maxsize=4)  # both sides of prose and code
def _pieces(text: str, held_out: bool) -> tuple[str, ...]:
    texts, current = [], ""
    for word in text.split(" "):
        if len(current) + len(word) > PIECE and current.strip():
            texts.append(current.strip() + "\n")
            current = ""
        current += word + " "
    return tuple(dict.fromkeys(piece for piece in texts if tasks.held_out(piece) == held_out))


def training_prose() -> list[str]:
    """Pieces of English of the training side."""
    return pieces(prose(), held_out=False)


def documents(chosen: Recipe, material: Material, seed: int) -> Iterator[str]:
    """Endless training documents of a recipe, in random order.

    Parameters
    ----------
    chosen : the recipe
    material : which task families there are
    seed : order of the documents; two training seeds see different problems of the same distribution
    """
    rng = random.Random(f"documents {material.seed} {seed}")
    stream = _mixed(chosen, material, rng)
    if chosen.distinct:
        stream = _repeated(stream, chosen.distinct, rng)
    if chosen.copies:
        stream = _copied(stream, chosen.copies, rng)
    return stream


def _mixed(chosen: Recipe, material: Material, rng: random.Random) -> Iterator[str]:
    """Sources by characters: the one that is furthest behind its share comes next."""
    draw = {source: _source(source, chosen, material, rng) for source in chosen.shares}
    written = dict.fromkeys(chosen.shares, 0.0)
    while True:
        source = min(written, key=lambda name: written[name] / chosen.shares[name])
        text = draw[source]()
        written[source] += len(text) * rng.uniform(0.5, 1.5)  # else the order of sources would be a fixed pattern
        yield text


def _source(source: str, chosen: Recipe, material: Material, rng: random.Random) -> Callable[[], str]:
    if source in ("prose", "code"):
        order = pieces(prose() if source == "prose" else code(), held_out=False)
        rng.shuffle(order)
        turn = iter(_endless(order))
        return lambda: next(turn)
    families = [tasks.task(name) for name in material.tasks]
    families = {"all": families, "even": families[::2], "odd": families[1::2]}[chosen.tasks]
    seen: set[str] = set()

    def document() -> str:
        for _ in range(TRIES):
            family = rng.choice(families)
            problem = tasks.training_problem(family, rng, _chosen_levels(family, chosen.levels))
            if problem.canonical not in seen:
                break
        seen.add(problem.canonical)
        return _noised(problem.prompt + problem.text(source, rng), chosen.noise, rng)

    return document


def _chosen_levels(family: tasks.Task, which: str) -> tuple[int, ...]:
    """Trained difficulties: all, the easier half or the harder half."""
    middle = len(family.trained) // 2
    return {"all": family.trained, "easy": family.trained[:middle], "hard": family.trained[middle:]}[which]


def _endless(items: list[str]) -> Iterator[str]:
    while True:
        yield from items


def _noised(text: str, share: float, rng: random.Random) -> str:
    if not share:
        return text
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(rng.choice(letters) if c != "\n" and rng.random() < share else c for c in text)


def _repeated(stream: Iterator[str], distinct: int, rng: random.Random) -> Iterator[str]:
    kept, total = [], 0
    while total < distinct:
        kept.append(next(stream))
        total += len(kept[-1])
    while True:
        rng.shuffle(kept)
        yield from kept


def _copied(stream: Iterator[str], share: float, rng: random.Random) -> Iterator[str]:
    recent: list[str] = []
    for text in stream:
        yield text
        recent = [*recent[-999:], text]
        while rng.random() < share:
            yield rng.choice(recent)


def take(stream: Iterator[str], characters: int) -> list[str]:
    """The first documents of a stream, until there are so many characters."""
    kept, total = [], 0
    while total < characters:
        kept.append(next(stream))
        total += len(kept[-1])
    return kept


def manifest(chosen: Recipe, texts: list[str]) -> dict[str, object]:
    """What a corpus turned out to be: documents, characters, share of documents that occurred before, SHA-256."""
    return {
        "recipe": chosen.name,
        "sources": ", ".join(f"{source} {share:.0%}" for source, share in chosen.shares.items()),
        "documents": len(texts),
        "characters": sum(map(len, texts)),
        "repeated": 1 - len(set(texts)) / len(texts),
        "sha256": sha256("\x00".join(texts).encode()),
    }
