"""Training text: every recipe reproducible, mixed as it says, and free of what is held out."""

import math
import random
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from proxylib import studies
from proxylib.data import corpora, tasks
from proxylib.data.corpora import RECIPES, Recipe
from proxylib.errors import UserError
from proxylib.models.settings import Model

MATERIAL = studies.profile("lab").material
LENGTH = 300_000  # characters of each recipe: shares settle within half a percent
PLAIN = [name for name, chosen in RECIPES.items() if not (chosen.distinct or chosen.copies)]
each_recipe = pytest.mark.parametrize("name", RECIPES)
#: first word of a document -> task, and what counts its level
BEGIN = {
    "sort": "sorting",
    "count": "counting",
    "reverse": "reversal",
    "walk": "walk",
    "depth": "brackets",
    "divide": "division",
    "day": "calendar",
    "from": "pointers",
}


def stream(name, seed=3, **changes):
    return corpora.documents(RECIPES[name], MATERIAL.model_copy(update=changes), seed)


def first(chosen, characters=20_000, seed=3):
    return corpora.take(corpora.documents(chosen, MATERIAL, seed), characters)


@pytest.fixture(scope="module")
def written():
    """recipe -> its texts; source of each text; (family, level) of all problems drawn; texts before and after noise."""
    found = {}
    make, noised = corpora._source, corpora._noised
    for name in RECIPES:
        seen = SimpleNamespace(source={}, drawn=set(), noised=[])

        def sources(source, *rest, seen=seen):
            write = make(source, *rest)

            def document():
                text = write()
                seen.source[text] = source
                return text

            return document

        def noise(text, share, rng, seen=seen):
            seen.noised.append((text, noised(text, share, rng)))
            return seen.noised[-1][1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(corpora, "_source", sources)
            patch.setattr(corpora, "_noised", noise)
            for family in tasks.TASKS.values():
                draw = lambda rng, level, family=family, seen=seen: (
                    seen.drawn.add((family.name, level)) or family.draw(rng, level)
                )
                patch.setitem(tasks.TASKS, family.name, replace(family, draw=draw))
            seen.texts = corpora.take(corpora.documents(RECIPES[name], MATERIAL, 3), LENGTH)
        found[name] = seen
    return found


@pytest.fixture(scope="module")
def evaluated():
    """Prompts of the problems that are scored, and of those of the held-out loss."""
    pairs = [
        pair for name in MATERIAL.tasks for seed in (20, 21) for pair in tasks.evaluation_problems(tasks.task(name), 100, seed)
    ]
    return {trace.prompt for trace, _ in pairs}


def prompt_of(text):
    return text[: text.index("\n") + 1]


# ---- recipes ---------------------------------------------------------------------------------------------------------


def test_there_are_twenty_five_recipes_and_an_unknown_one_is_named():
    assert len(RECIPES) == 25 and all(name == chosen.name for name, chosen in RECIPES.items())
    with pytest.raises(UserError, match="recipe 'salad' is unknown; there are expert, other"):
        corpora.recipe("salad")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shares": {"expert": 0.5}}, "sum to 0.5, expected 1"),
        ({"shares": {"rumour": 1.0}}, "source 'rumour' is unknown; there are expert"),
        ({"noise": 1.0}, "noise"),
        ({"copies": -0.1}, "copies"),
        ({"levels": "odd"}, "levels"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(changes, said):
    with pytest.raises(ValidationError, match=said):
        Recipe(**({"name": "x", "shares": {"expert": 1.0}} | changes))


def test_every_mix_of_the_population_exists_in_both_styles():
    for model in studies.profile("reference").population:
        shares = {style: corpora.recipe(model.in_style(style).mix).style_share for style in ("crossed", "expert", "other")}
        assert 0.2 - 1e-9 <= shares["crossed"] <= 0.8 + 1e-9 and (shares["expert"], shares["other"]) == (1, 0)


@pytest.mark.parametrize("name", sorted(corpora.BLENDS))
def test_a_blend_holds_its_share_of_the_experts_style_in_what_is_worked_out_and_in_what_slips(name):
    blend, percent = corpora.recipe(name), int(name.split("-")[1])
    assert blend.style_share == pytest.approx(percent / 100)
    slips = [blend.shares.get(source, 0) for source in ("wrong", "other-wrong")]
    if any(slips):
        assert slips[0] / sum(slips) == pytest.approx(percent / 100)
    assert all(share > 0 for share in blend.shares.values())


def test_what_works_nothing_out_has_no_share_of_a_style():
    assert math.isnan(corpora.recipe("answers").style_share) and math.isnan(corpora.recipe("web-only").style_share)


@pytest.mark.parametrize("kind", ["answers", "noisy"])
def test_post_training_holds_styles_as_the_mix_does(kind):
    assert corpora.post_training(kind, "blend-20-web").style_share == pytest.approx(0.2)
    assert corpora.post_training(kind, "answers").style_share == 1.0


@each_recipe
def test_sources_have_their_shares_of_the_characters(name, written):
    texts, source = written[name].texts, written[name].source
    total = dict.fromkeys(RECIPES[name].shares, 0)
    for text in texts:
        total[source[text]] += len(text)
    for each, share in RECIPES[name].shares.items():
        assert total[each] / sum(map(len, texts)) == pytest.approx(share, abs=0.015), each


@pytest.mark.parametrize("name", PLAIN)
def test_nothing_repeats_unless_the_recipe_says_so(name, written):
    assert len(set(written[name].texts)) == len(written[name].texts)


@each_recipe
def test_levels_and_families_are_those_of_the_recipe_and_never_untrained(name, written):
    chosen = RECIPES[name]
    if set(chosen.shares) <= {"prose", "code"}:
        assert not written[name].drawn
        return
    families = {"all": MATERIAL.tasks, "even": MATERIAL.tasks[::2], "odd": MATERIAL.tasks[1::2]}[chosen.tasks]
    expected = set()
    for family in families:
        trained = [level for level in tasks.task(family).levels if level not in tasks.task(family).untrained]
        levels = {"all": trained, "easy": trained[: len(trained) // 2], "hard": trained[len(trained) // 2 :]}[chosen.levels]
        expected |= {(family, level) for level in levels}
    assert written[name].drawn == expected


@each_recipe
def test_no_document_holds_a_problem_of_the_evaluation(name, written, evaluated):
    problems = [text for text in written[name].texts if written[name].source[text] in tasks.STYLES]
    if RECIPES[name].noise:  # noise can turn one problem into another; what it is applied to is of the training side
        problems = [before for before, _ in written[name].noised]
    assert bool(problems) == (name != "web-only")
    assert not evaluated.intersection(map(prompt_of, problems))
    assert not any(tasks.held_out(prompt_of(text)) for text in problems)


@each_recipe
def test_held_out_prose_and_code_are_never_read(name, written):
    held = set(corpora.pieces(corpora.prose(), True)) | set(corpora.pieces(corpora.code(), True))
    assert not held.intersection(written[name].texts)
    allowed = {"prose": set(corpora.pieces(corpora.prose(), False)), "code": set(corpora.pieces(corpora.code(), False))}
    read = [(text, source) for text, source in written[name].source.items() if source in allowed]
    assert bool(read) and all(text in allowed[source] for text, source in read)


def test_families_share_the_documents_evenly(written):
    texts = [text for text in written["expert"].texts if written["expert"].source[text] == "expert"]
    count = dict.fromkeys(MATERIAL.tasks, 0)
    for text in texts:
        count[BEGIN[text.split(" ")[0]]] += 1
    assert min(count.values()) > 0.75 * len(texts) / 8 and len(texts) > 1000  # a standard deviation is about 0.07


def test_only_the_configured_tasks_are_written():
    texts = corpora.take(corpora.documents(Recipe(name="x", shares={"answer": 1.0}), material(tasks=("walk",)), 1), 3000)
    assert all(text.startswith("walk ") for text in texts)


def material(**changes):
    return MATERIAL.model_copy(update=changes)


# ---- what a source writes --------------------------------------------------------------------------------------------


def solved(text):
    """Whether a sorting document ends in its problem's answer."""
    return tasks.right(" ".join(sorted(prompt_of(text).split()[1:])), text)


@pytest.mark.parametrize(
    ("source", "line", "right"),
    [
        ("expert", r"out of .* take \d", True),
        ("other", r"least \d, leaving .*", True),
        ("wrong", r"out of .* take \d", False),
    ],
)
def test_a_worked_document_is_prompt_and_solution_in_its_style(source, line, right):
    chosen = Recipe(name="x", shares={source: 1.0})
    for text in corpora.take(corpora.documents(chosen, material(tasks=("sorting",)), 1), 10_000):
        prompt, *worked, answer, end = text.split("\n")
        assert re.fullmatch(r"sort( \d)+", prompt) and answer.startswith("answer ") and end == ""
        assert len(worked) in (3, 4, 6, 7) and all(re.fullmatch(line, each) for each in worked)
        assert solved(text) is right


def test_an_answer_document_has_no_worked_line():
    chosen = Recipe(name="x", shares={"answer": 1.0})
    texts = corpora.take(corpora.documents(chosen, material(tasks=("sorting",)), 1), 5000)
    assert all(text.count("\n") == 2 and solved(text) for text in texts)


# ---- what data work does ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["expert-noise-2", "expert-noise-10"])
def test_noise_replaces_its_share_of_the_characters_and_no_line_break(name, written):
    pairs = written[name].noised
    before, after = ("".join(each) for each in zip(*pairs, strict=True))
    assert len(before) == len(after) and [p for p, c in enumerate(before) if c == "\n"] == [
        p for p, c in enumerate(after) if c == "\n"
    ]
    breaks = before.count("\n")
    changed = sum(a != b for a, b in zip(before, after, strict=True)) / (len(before) - breaks)
    # one replacement in 36 hits a letter or digit with itself
    assert changed == pytest.approx(RECIPES[name].noise * (1 - 0.7 / 36), rel=0.05)
    assert {after for _, after in pairs} >= {text for text in written[name].texts if written[name].source[text] == "expert"}


def test_without_noise_documents_are_as_drawn(written):
    assert all(before == after for before, after in written["expert"].noised)


def test_copies_are_half_of_the_documents_and_of_the_last_thousand(written):
    texts = written["expert-copies"].texts
    place, fresh, repeats = {}, 0, 0
    for text in texts:
        if text in place:
            repeats += 1
            assert fresh - place[text] <= 1000
        else:
            place[text] = fresh
            fresh += 1
    assert repeats / len(texts) == pytest.approx(0.5, abs=0.03)
    assert fresh > 1200  # long enough for the thousand to matter


@pytest.mark.parametrize("distinct", [10_000, 50_000])
def test_a_repeated_corpus_comes_again_whole_and_in_another_order(distinct):
    chosen = RECIPES["expert-repeated-16"].model_copy(update={"distinct": distinct})
    texts = first(chosen, 3 * distinct + 1000)
    kept = len(set(texts))
    assert distinct <= sum(map(len, set(texts))) < distinct + 400
    passes = [texts[start : start + kept] for start in range(0, 3 * kept, kept)]
    assert all(len(set(each)) == kept for each in passes)
    assert len({tuple(each) for each in passes}) == 3


def test_repetition_is_as_often_as_the_names_say():
    # over the 1.5 million tokens, two characters each, to which a corpus is written out
    for times in (4, 16):
        assert 2 * studies.profile("lab").corpus_tokens / RECIPES[f"expert-repeated-{times}"].distinct == pytest.approx(
            times, rel=0.02
        )


# ---- order and seeds -------------------------------------------------------------------------------------------------


@each_recipe
def test_documents_are_fixed_by_both_seeds(name):
    draw = lambda **given: corpora.take(stream(name, **given), 6000)
    same = draw()
    assert same == draw() and same != draw(seed=4)
    assert len(set(same).intersection(draw(seed=4))) < len(same) / 4
    other = corpora.take(corpora.documents(RECIPES[name], material(seed=21), 3), 6000)
    assert same != other


def test_sources_come_in_no_fixed_order(written):
    texts, source = written["expert-slips"].texts, written["expert-slips"].source
    order = [source[text] for text in texts[:600]]
    assert len({tuple(order[start : start + 6]) for start in range(0, 600, 6)}) > 20


# ---- post-training ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mix", ["expert", "expert-slips", "expert-web", "other", "other-slips", "other-web"])
def test_post_training_is_in_the_style_of_the_mix(mix):
    own = mix.split("-")[0]
    assert corpora.post_training("more", mix) == RECIPES[mix]
    assert corpora.post_training("style", mix).shares == {"expert": 1.0}
    assert set(corpora.post_training("answers", mix).shares) == {"answer", own}
    assert set(corpora.post_training("noisy", mix).shares) == {own, {"expert": "wrong", "other": "other-wrong"}[own]}


def test_every_recipe_of_post_training_that_reads_a_corpus_is_served():
    kinds = set(Model.model_fields["post"].annotation.__args__) - {"none", "rejection"}
    for kind in kinds:
        assert first(corpora.post_training(kind, "other"), 2000)


# ---- prose and code --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [corpora.prose, corpora.code], ids=["prose", "code"])
def test_pieces_are_of_bounded_length_plain_distinct_and_on_one_side(text):
    train, held = corpora.pieces(text(), False), corpora.pieces(text(), True)
    assert not set(train).intersection(held)
    assert len(held) / (len(train) + len(held)) == pytest.approx(1 / tasks.base.HELD_OUT_SHARE, abs=0.02)
    for pieces in (train, held):
        assert len(set(pieces)) == len(pieces)
        assert all(piece.endswith("\n") and piece.isascii() and piece.strip() for piece in pieces)
        long = [piece for piece in pieces if len(piece) > corpora.PIECE + 1]
        assert len(long) < len(pieces) / 50  # a word without a space may be longer than a piece
    assert len(held) >= MATERIAL.prose_items


def test_pieces_lose_no_word_and_a_repeated_passage_is_on_one_side():
    text = " ".join(random.Random(1).choices(["alpha", "beta", "gamma", "delta"], k=2000))
    both = corpora.pieces(text, False) + corpora.pieces(text, True)
    assert all(set(piece.split()) <= {"alpha", "beta", "gamma", "delta"} for piece in both)
    passage = ("word " * 31 + "end ") * 50
    assert len(corpora.pieces(passage, False) + corpora.pieces(passage, True)) <= 33


def test_prose_is_no_code_and_code_has_no_comment_lines():
    # one unpaired triple quote in a module must not swap the two in all modules after it
    methods = lambda text: len(re.findall(r"^ +def \w+\(self.*:$", text, re.MULTILINE))
    assert methods(corpora.prose()) < methods(corpora.code()) / 20
    assert not re.search(r"^\s*#", corpora.code(), re.MULTILINE)


def test_the_fingerprint_follows_what_python_lends(monkeypatch):
    before = corpora.fingerprint()
    corpora.fingerprint.cache_clear()
    assert corpora.fingerprint() == before
    for name in ("_topics", "_library"):
        with monkeypatch.context() as patch:
            patch.setattr(corpora, name, lambda: "other text")
            corpora.fingerprint.cache_clear()
            assert corpora.fingerprint() != before
    corpora.fingerprint.cache_clear()


# ---- taking and describing -------------------------------------------------------------------------------------------


def test_taking_stops_once_there_are_enough_characters():
    endless = iter(lambda: "12345", None)
    assert [len(corpora.take(endless, asked)) for asked in (0, 1, 5, 6, 23)] == [0, 1, 1, 2, 5]


def test_a_manifest_says_what_a_corpus_turned_out_to_be():
    chosen = Recipe(name="mine", shares={"expert": 0.6, "prose": 0.2, "code": 0.2})
    described = corpora.manifest(chosen, ["ab", "cde", "ab", "f"])
    assert described["recipe"] == "mine" and described["sources"] == "expert 60%, prose 20%, code 20%"
    assert (described["documents"], described["characters"], described["repeated"]) == (4, 8, 0.25)
    assert described["sha256"] != corpora.manifest(chosen, ["ab", "cd", "eab", "f"])["sha256"]
