"""Likings that are planted, and judges that share them or do not."""

import numpy as np
import pandas as pd
import pytest

from proxylib.data.published.judgments import HUMAN
from proxylib.stats import Bootstrap
from proxylib.studies.preferences import likings

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)


def panel(liking, machine, items=400):
    """Three annotators who like the longer answer by so many log odds, and a machine that does by as many as it does."""
    rng = np.random.default_rng(4)
    lengths = rng.integers(3, 60, (items, 2))
    answers = pd.DataFrame(
        {
            "item": range(items),
            "question": rng.integers(0, 60, items),
            "a": rng.choice(["x", "y"], items),
            "b": "z",
            "text_a": ["word " * count for count in lengths[:, 0]],
            "text_b": ["word " * count for count in lengths[:, 1]],
        }
    )
    longer = np.log2((lengths[:, 0] + 1) / (lengths[:, 1] + 1))
    voters = {(HUMAN, f"annotator {number}"): liking for number in (1, 2, 3)} | {("M", "M"): machine}
    parts = []
    for (kind, judge), effect in voters.items():
        wins = rng.random(items) < 1 / (1 + np.exp(-effect * longer))
        parts.append(answers[["item", "question"]].assign(kind=kind, judge=judge, vote=np.where(wins, "a", "b"), longer="tie"))
    return likings.votes_of(answers, pd.concat(parts, ignore_index=True))


@pytest.fixture(scope="module")
def liked():
    return panel(1.0, 1.0)


def test_a_planted_liking_is_found_and_no_other(liked):
    rows = likings.effects(liked, 0.95)
    alone = rows[(rows["kind"] == HUMAN) & (rows["how"] == "alone")].set_index("trait")
    assert alone.loc["longer", "low_given"] > 0.6 and alone["judges"].eq(3).all()
    assert np.isnan(alone.loc["more confident", "estimate"])  # no word of confidence in any answer
    together = rows[(rows["kind"] == HUMAN) & (rows["how"] == "together")].set_index("trait")
    assert together.loc["longer", "low_given"] < 1.0 < together.loc["longer", "high_given"]
    assert (alone.loc["longer", "high"] - alone.loc["longer", "low"]) > 0


@pytest.mark.parametrize(("machine", "above"), [(1.5, True), (0.0, False), (-1.5, False)])
def test_a_machine_that_likes_the_same_is_told_where_people_are_split(machine, above):
    interval, count = likings.pointed(panel(0.7, machine), "M", 1 / 6, BOOTSTRAP, 0.95)
    assert (interval.low > 0.5) == above and count > 40
    assert (interval.high < 0.5) == (machine < 0)
