"""The eighty by name, what a definition may say, and what is refused."""

import re

import pytest
from measure.proxies.token_rows import HAND

from proxylib.errors import UserError
from proxylib.measure import proxies


def test_the_columns_stand_statistic_by_statistic():
    assert list(proxies.by_trace(HAND, 4).values) == list(proxies.NAMES) and proxies.NAMES[0] == "cross_entropy|uniform"
    assert proxies.NAMES[1] == "cross_entropy|probability" and proxies.NAMES[8] == "top1|uniform"
    assert proxies.name(*proxies.NAMED_WINNERS["model selection"]) == "top1|inverse_frequency"


def test_every_definition_but_the_default_differs_from_it_in_one_field():
    for name, definition in proxies.DEFINITIONS.items():
        different = [field for field in proxies.CHOICES if getattr(definition, field) != getattr(proxies.DEFAULT, field)]
        assert len(different) == (name != "default"), name
    assert len(set(proxies.DEFINITIONS.values())) == 1 + sum(len(choices) - 1 for choices in proxies.CHOICES.values())


@pytest.mark.parametrize("field", list(proxies.CHOICES))
def test_a_choice_that_does_not_exist_is_refused_by_name(field):
    with pytest.raises(UserError, match=f"{field} is 'other', expected one of {', '.join(proxies.CHOICES[field])}"):
        proxies.Definition(**{field: "other"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"side": "middle"}, "side is 'middle', expected last or first"),
        ({"unit": "bytes"}, "unit is 'bytes', expected tokens or characters"),
        ({"share": 0.0}, "share is 0.0"),
        ({"share": 1.1}, "share is 1.1"),
    ],
)
def test_a_window_that_does_not_exist_is_refused(arguments, said):
    with pytest.raises(UserError, match=re.escape(said)):
        proxies.Window(**arguments)


def test_the_winners_fixed_in_advance_are_the_papers():
    assert proxies.NAMED_WINNERS == {
        "model selection": ("top1", "inverse_frequency"),
        "data selection": ("top5", "frequency"),
    }
