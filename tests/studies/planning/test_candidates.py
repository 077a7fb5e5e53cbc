"""Tables of candidates as people write them."""

import numpy as np
import pandas as pd
import pytest
from studies.planning.tables import grid

from proxylib.errors import UserError
from proxylib.studies.planning import candidates
from proxylib.studies.planning.settings import Plan


@pytest.fixture
def read(tmp_path):
    def load(frame, **options):
        path = tmp_path / "t.csv"
        frame.to_csv(path, index=False)
        return candidates.load(Plan(table=path, out=tmp_path / "out", **options))

    return load


def test_columns_are_known_by_their_usual_names(read):
    theirs = grid().rename(columns={"loss": "Final Loss", "size": "params", "score": "acc", "data": "tokens", "name": "Model"})
    known = read(theirs)
    assert known.signals == ("loss", "size", "data") and known.evaluated.sum() == 5 and known.notes == ()
    assert known.frame["name"].iloc[0] == "1.7B-1293"
    np.testing.assert_allclose(known.places()[:, 1], np.log(grid()["size"]))


def test_noise_is_that_of_items_and_a_score_of_none_has_some(read):
    frame = grid().assign(score=0.0, items=100)
    assert (read(frame).frame["noise"].dropna() > 0).all()
    exact = read(grid().drop(columns="items"))
    assert (exact.frame["noise"].dropna() == 0).all() and "taken as exact" in exact.notes[0]
    said = read(grid().assign(stderr=0.03)).frame["noise"].dropna()
    np.testing.assert_allclose(said, 0.0009)


def test_percent_is_said_and_checked(read):
    whole = grid().assign(score=lambda rows: 100 * rows["score"])
    known = read(whole, percent=True)
    np.testing.assert_allclose(known.frame["score"].dropna(), grid()["score"].dropna())
    with pytest.raises(UserError, match="give --percent"):
        read(whole)
    with pytest.raises(UserError, match="leave out --percent"):
        read(grid(), percent=True)


def test_a_judge_that_changes_is_named_and_left_out(read):
    frame = grid().assign(judge=lambda rows: np.where(rows.index == 5, "strict", "lenient"))
    known = read(frame)
    assert known.evaluated.sum() == 4 and "only scores by lenient count, scores by strict are left out" in known.notes[0]
    assert read(frame, judge="strict").evaluated.sum() == 1
    with pytest.raises(UserError, match="no score in .* is by nobody; there are lenient, strict"):
        read(frame, judge="nobody")


def test_signals_that_few_have_are_left_out_and_candidates_without_one(read):
    frame = grid()
    frame.loc[2:, "loss"] = np.nan
    known = read(frame)
    assert known.signals == ("size", "data") and "loss is known of 2 candidates of 15: left out" in known.notes[0]
    frame = grid()
    frame.loc[3, "loss"] = np.nan
    known = read(frame)
    assert len(known.frame) == 14 and "left out, as loss, size and data is not known of them: 4B-1293" in known.notes[0]


def test_words_are_no_signal(read):
    with pytest.raises(UserError, match="column name was read as words, expected numbers"):
        read(grid(), signals=("name",))


def test_what_does_not_vary_is_no_signal(read):
    known = read(grid().assign(data=100))
    assert known.signals == ("loss", "size") and "the same for all candidates" in known.notes[0]
    with pytest.raises(UserError, match="no signal differs"):
        read(grid()[["name", "score"]].assign(loss=1.0))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: pd.concat([rows, rows.head(1)]), "line 17: 1.7B-1293 is there twice"),
        (lambda rows: rows.head(1), "one candidate is no choice"),
        (lambda rows: rows.head(0), "holds no rows"),
        (lambda rows: rows.assign(size=-1), "line 2: size is -1; it lies above 0"),
        (lambda rows: rows.assign(items=0), "line 2: items is 0; it lies above 0"),
        (lambda rows: rows.assign(stderr=5.0), "line 2: stderr is 5, at most 0.5; give --percent"),
        (lambda rows: rows.assign(stderr=-0.1), "line 2: stderr is -0.1; it cannot lie below 0"),
        (lambda rows: rows.assign(loss="high"), "line 2: loss is 'high', expected a number"),
        (lambda rows: rows.assign(score="31%"), "line 2: score is '31%', expected a number; take the % away"),
        (lambda rows: rows.assign(loss=np.inf), "line 2: loss is infinite"),
        (lambda rows: rows[["name", "score"]], "no column loss, size or data"),
        (lambda rows: rows.assign(name=""), "line 2: name is empty"),
        (
            lambda rows: pd.concat([rows.assign(name=rows["name"] + str(part)) for part in range(40)]),
            "600 candidates, at most 500",
        ),
    ],
)
def test_what_is_wrong_is_one_line(read, change, said):
    with pytest.raises(UserError, match=said.replace("(", "\\(")) as error:
        read(change(grid()))
    assert "\n" not in str(error.value)
