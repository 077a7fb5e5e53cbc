"""A folder of ratings: what it holds, with and without texts, and that it is made once."""

import numpy as np
import pandas as pd
import pytest
from judging.ballots import ballots

from proxylib.errors import UserError
from proxylib.studies.preferences import rate
from proxylib.studies.preferences.settings import Preferences


@pytest.fixture
def written(tmp_path):
    """A file of votes whose judges choose the longer of two answers, whoever wrote it."""
    votes = ballots((0.0, 0.0, 0.0), 400, seed=1, ties=0.0)
    lengths = np.random.default_rng(1).integers(2, 40, (len(votes), 2))
    votes["text_a"], votes["text_b"] = (["word " * length for length in lengths[:, side]] for side in (0, 1))
    votes["winner"] = np.where(lengths[:, 0] > lengths[:, 1], "a", np.where(lengths[:, 0] < lengths[:, 1], "b", "tie"))
    votes.drop(columns="points").to_parquet(tmp_path / "v.parquet")
    return Preferences(votes=tmp_path / "v.parquet", out=tmp_path / "out")


def test_votes_for_the_longer_answer_are_said(written):
    finished = rate.rate_file(written)
    assert "the longer answer takes" in finished.facts["sentence"] and "laid out" not in finished.facts["sentence"]
    traits = pd.read_parquet(finished.folder / "traits.parquet").set_index("trait")
    assert traits.loc["longer", "low"] > 0.9 and traits.loc["longer", "high"] == 1  # every vote: the end is open
    again = rate.rate_file(written)
    assert again.manifest == finished.manifest


def test_a_folder_of_other_votes_is_refused(written, tmp_path):
    rate.rate_file(written)
    with pytest.raises(UserError):
        rate.rate_file(written.model_copy(update={"level": 0.9}))


def test_the_same_votes_give_the_same_bytes(written, tmp_path):
    other = written.model_copy(update={"out": tmp_path / "other"})
    assert rate.rate_file(written).files == rate.rate_file(other).files
