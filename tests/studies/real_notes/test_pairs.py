"""Dialogues with notes: parts, draws, people's scores."""

import pytest

from proxylib.errors import UserError
from proxylib.studies.real_notes import pairs


def test_smaller_draws_lie_in_larger_ones_and_seeds_differ():
    every = pairs.pairs("made", "train")
    small, large, other = pairs.drawn(every, 5, 2), pairs.drawn(every, 20, 2), pairs.drawn(every, 5, 3)
    assert large[:5] == small != other
    with pytest.raises(UserError, match="parameter examples: 41, and 40"):
        pairs.drawn(every, 41, 2)


def test_parts_share_no_dialogue():
    train, held_out = ({pair.dialogue for pair in pairs.pairs("made", part)} for part in ("train", "held out"))
    assert train and held_out and not train & held_out


def test_made_notes_lose_as_facts_are_changed():
    notes = pairs.scored("made")
    means = notes.groupby("system")["f1"].mean()
    assert means[0] == 1 and means[3] < means[1] < 1
    assert notes.groupby("item")["dialogue"].nunique().eq(1).all()


@pytest.mark.published
def test_published_scores_follow_the_order_of_the_notes(published_set):
    published_set("mts_dialog")
    notes = pairs.scored("mts_dialog")
    assert {tuple(group) for _, group in notes.groupby("item")["system"]} == {(0, 1, 2, 3)} and notes["item"].nunique() == 100
    assert notes[["f1", "invented"]].stack().between(0, 1).all()
    assert notes["omitted"].le(1).all() and notes["omitted"].lt(0).sum() == 2  # as published: two notes have an omission of -1
    rows = pairs.pairs("mts_dialog", "held out")
    assert len(rows) == 200 and len(pairs.pairs("mts_dialog", "train")) == 1201
    assert rows[0].dialogue in rows[0].prompt and "section" in rows[0].prompt
