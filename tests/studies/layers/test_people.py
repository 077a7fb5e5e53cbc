"""Simulated people: votes follow what is right, then length; users of a worse release complain."""

import numpy as np
import pandas as pd
import pytest

from proxylib import studies
from proxylib.studies.layers import people
from proxylib.studies.layers.settings import Votes

MIX = {"plain": 0.7, "please": 0.3}
VOTES = Votes(comparisons=4000, right=2.25, longer=0.7, format=0.25, tie=0.5)


def answers(right, letters=100, ended=True, items=60):
    """Answers to so many items of two forms, a share of each right; the same items for everybody."""
    rows = []
    for form, share in zip(MIX, right, strict=True):
        for item in range(items):
            about = {"asked": form, "task": "sorting", "item": f"sorting-3-{item:04d}"}
            rows.append(about | {"read": item < share * items, "ended": ended, "letters": letters})
    return pd.DataFrame(rows)


def net(mine, theirs, **changes):
    return people.votes(mine, theirs, MIX, VOTES.model_copy(update=changes), 3).mean()


def test_equals_tie_and_a_quarter_of_their_votes_are_ties():
    cast = people.votes(answers((0.5, 0.5)), answers((0.5, 0.5)), MIX, VOTES, 3)
    assert abs(cast.mean()) < 0.05 and 0.2 < (cast == 0).mean() < 0.3
    assert np.array_equal(cast, people.votes(answers((0.5, 0.5)), answers((0.5, 0.5)), MIX, VOTES, 3))


def test_right_answers_win_in_the_share_that_annotators_ask_for_them():
    assert net(answers((0.9, 0.5)), answers((0.4, 0.5))) > 0.15
    often, rarely = net(answers((0.9, 0.5)), answers((0.4, 0.5))), net(answers((0.5, 0.9)), answers((0.5, 0.4)))
    assert often > 1.5 * rarely > 0


def test_length_and_format_count_and_can_be_taken_out():
    longer, plain = answers((0.5, 0.5), letters=200), answers((0.5, 0.5))
    assert net(longer, plain) > 0.05 > abs(net(longer, plain, longer=0.0))
    assert net(answers((0.5, 0.5), ended=False), plain) < -0.04


def test_two_people_agree_as_published():
    """A pair in which one answer is right: two votes that are no ties agree in about 83 of 100."""
    right, wrong = answers((1.0, 1.0)), answers((0.0, 0.0))
    cast = [people.votes(right, wrong, MIX, VOTES.model_copy(update={"tie": 0.0}), seed) for seed in (1, 2)]
    assert (cast[0] == cast[1]).mean() == pytest.approx(0.83, abs=0.025)


def test_users_of_a_worse_release_complain_and_of_the_same_do_not():
    chosen = studies.profile("smoke").telemetry
    product = chosen.product(users=1500)
    theirs = answers((0.8, 0.8))
    for mine, least, most in ((answers((0.4, 0.8)), 0.05, 0.4), (theirs, -0.03, 0.03)):
        log = people.used(mine, theirs, MIX, product, 2)
        read = people.complaints(log, product.update, 28)
        assert least < read[people.RETRIES] < most
    assert people.shares(theirs, MIX) == pytest.approx([0.8, 0.8])
    assert people.complaints(log, product.update, 1).keys() == {people.RETRIES, people.DOWN}
