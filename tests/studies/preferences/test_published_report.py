"""Frames of the page, and votes that a notebook is given."""

import pandas as pd
import pytest
from judging.ballots import ballots

from proxylib.errors import UserError
from proxylib.studies.preferences import published_report


class Step:
    """A declared page with parameters."""

    def __init__(self, **parameters):
        self.parameters = parameters


def test_a_file_of_votes_is_shown_and_half_a_request_refused(tmp_path):
    votes = ballots((0.9, -0.9), 200, seed=1)
    votes["winner"] = votes.pop("points").map({1.0: "a", 0.5: "tie", 0.0: "b"})
    votes.to_csv(tmp_path / "v.csv", index=False)
    shown = published_report.of(Step(votes=str(tmp_path / "v.csv"), out=str(tmp_path / "out")))
    assert "ada stands first" in shown.sentence and shown.ratings["model"].tolist() == ["ada", "bob"]
    assert published_report.of(Step()) is None
    with pytest.raises(UserError, match="votes and out go together"):
        published_report.of(Step(votes=str(tmp_path / "v.csv"), out=None))


def test_prices_are_written_out():
    row = {"share": [0.55], "comparisons": [1234.0], "dollars_at_1": [1234.0], "dollars_at_5": [6170.0]}
    assert published_report.costs_table(pd.DataFrame(row)).iloc[0].tolist() == ["55", "1,234", "1,234", "6,170"]
