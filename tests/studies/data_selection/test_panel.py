"""Scores of the published corpora as the fits read them."""

import pytest
from studies.data_selection.signals import GROUP, SIZES, row, world

from proxylib.studies.data_selection import panel


def test_scores_point_upwards_and_average_seeds():
    accuracy, nll, _ = world()
    frame = panel.scores(accuracy.sample(frac=1, random_state=1), nll, off_trajectory=("750M",))
    seeds = nll[(nll["size"] == "60M") & (nll["corpus"] == "c")]["nll_per_char"]
    assert row(frame, size="60M", corpus="c", signal="nll")["score"] == pytest.approx(-seeds.mean())
    expected = row(accuracy, size="60M", corpus="c")["accuracy"]
    assert row(frame, size="60M", corpus="c", signal="accuracy")["score"] == expected
    assert set(frame[~frame["on_trajectory"]]["size"]) == {"750M"}
    assert len(frame) == 2 * len(SIZES) * len(GROUP)
