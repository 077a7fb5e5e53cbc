"""Training text: reproducible, mixed as configured, and free of what is held out."""

import itertools

import pytest

from proxylib import corpora, tasks
from proxylib.config import Material

NAMES = ("addition", "chain", "sorting", "counting")


def material(**changes):
    values = {"tasks": NAMES, "items": 12, "prose_share": 0.1, "bpe_vocabulary": 300, "seed": 20}
    return Material(**(values | changes))


def first(config, seed, count):
    return list(itertools.islice(corpora.documents(config, seed), count))


def test_documents_are_fixed_by_both_seeds():
    same = first(material(), 1, 200)
    assert same == first(material(), 1, 200)
    assert same != first(material(), 2, 200)
    assert same != first(material(seed=21), 1, 200)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_prose_has_its_share_of_the_characters(share):
    texts = first(material(prose_share=share), 3, 1500)
    pieces = set(corpora.prose_pieces(held_out=False))
    prose = sum(len(text) for text in texts if text in pieces)
    assert prose / sum(map(len, texts)) == pytest.approx(share, abs=0.005)


def test_tasks_share_the_documents_evenly():
    texts = first(material(prose_share=0.0), 3, 2000)
    starts = {"add ": 0, "chain ": 0, "sort ": 0, "count ": 0}
    for text in texts:
        starts[next(word for word in starts if text.startswith(word))] += 1
    assert min(starts.values()) > 420 and sum(starts.values()) == 2000  # 500 each, standard deviation 19


def test_only_the_configured_tasks_are_written():
    assert all(text.startswith("sort ") for text in first(material(prose_share=0.0, tasks=("sorting",)), 1, 100))


def test_a_task_document_is_prompt_and_solution_of_the_training_side():
    evaluated = {
        trace.prompt + trace.solution
        for name in NAMES
        for seed in (20, 21)
        for trace in tasks.evaluation_problems(tasks.task(name), 100, seed)
    }
    texts = first(material(prose_share=0.0), 1, 3000)
    assert all("\nanswer " in text and text.endswith("\n") for text in texts)
    assert not evaluated.intersection(texts)


def test_training_reads_prose_of_the_training_side_alone():
    allowed = set(corpora.prose_pieces(held_out=False))
    texts = first(material(prose_share=0.9), 1, 1500)
    tasks_begin = ("add ", "chain ", "sort ", "count ")
    prose = [text for text in texts if not text.startswith(tasks_begin) or text in allowed]
    assert len(prose) > 1000 and set(prose) <= allowed


def test_held_out_prose_never_occurs_in_training():
    assert not set(corpora.prose_pieces(held_out=True)).intersection(corpora.prose_pieces(held_out=False))


def test_one_piece_of_prose_in_eight_is_held_out():
    held, kept = (len(corpora.prose_pieces(held_out=side)) for side in (True, False))
    assert held / (held + kept) == pytest.approx(1 / tasks.base.HELD_OUT_SHARE, rel=0.15)


def test_pieces_are_of_bounded_length_and_plain():
    pieces = corpora.prose_pieces(held_out=False)
    assert all(piece.endswith("\n") and piece.isascii() for piece in pieces)
    long = [piece for piece in pieces if len(piece) > corpora.PIECE + 1]
    assert len(long) < len(pieces) / 100  # a word without a space may be longer than a piece


def test_a_sample_has_about_the_characters_asked_for_and_a_stream_of_its_own():
    texts = corpora.sample(material(), 20_000)
    total = sum(map(len, texts))
    assert 20_000 <= total < 20_000 + max(map(len, texts))
    assert texts != first(material(), 0, len(texts))


def test_the_fingerprint_follows_the_prose(monkeypatch):
    before = corpora.fingerprint()
    assert before == corpora.fingerprint()
    monkeypatch.setattr(corpora, "prose", lambda: "other text")
    assert corpora.fingerprint() != before
