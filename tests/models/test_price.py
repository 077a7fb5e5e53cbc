"""Prices before work begins."""

import pytest

from proxylib.models import price
from proxylib.models.price import Price

ONE = Price(tokens=100, seconds=10.0, memory=2e9, disk=1e6, room=4e9, free=5e9)


def test_pieces_one_after_the_other_add_up_but_for_memory_which_is_free_again():
    both = price.together([ONE, ONE._replace(memory=3e9, room=3.5e9)])
    assert both == Price(200, 20.0, 3e9, 2e6, 3.5e9, 5e9)


def test_it_says_what_it_takes_and_shouts_where_that_is_more_than_there_is():
    assert str(ONE) == "about 100 tokens, 10 s here; 2 GB of memory (4 GB free), 1 MB of disk (5 GB free)"
    assert str(ONE._replace(room=1e9)).endswith("; NOT ENOUGH MEMORY")
    assert str(ONE._replace(room=1e9, free=0.0)).endswith("; NOT ENOUGH MEMORY AND DISK")


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.1, "1 s"), (89, "89 s"), (600, "10 min"), (2.5 * 3600, "2.5 h"), (72 * 3600, "3 days")]
)
def test_times_are_spelt_as_people_say_them(seconds, said):
    assert price.spelt(seconds) == said


def test_room_counts_what_this_process_holds_already(tmp_path):
    priced = price.of(1000, 50.0, 1e6, 0.0, "cpu", tmp_path)
    assert priced.seconds == 20 and priced.memory > 1e7 and priced.room > priced.memory
    assert price.of(0, 50.0, 0.0, 0.0, "cpu", tmp_path).seconds == 0
