"""Names of metrics, and rows that come twice."""

import pandas as pd
import pytest

from proxylib.data.histories import measured
from proxylib.data.histories.measured import Measured, frame, kind_of, ordered, split_of
from proxylib.errors import UserError

NAMES = {
    "eval/loss": ("loss", "validation"),
    "train_loss": ("loss", "train"),
    "validation/c4/CrossEntropyLoss": ("loss", "validation"),
    "test/train_domain_bpb": ("loss", "validation"),
    "eval_macro_f1": ("score", "validation"),
    "train/accuracy": ("score", "train"),
    "exact_match,strict-match": ("score", "validation"),
    "learning_rate": (None, "validation"),
    "closses": (None, "validation"),
    "trainer/global_step": (None, "validation"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_says_kind_and_side(name):
    assert (kind_of(name), split_of(name)) == NAMES[name]


def rows(*points):
    given = pd.DataFrame(points, columns=["at", "value"])
    return Measured(frame(given.assign(task="a", kind="loss", place=[f"line {n}" for n in range(len(points))])), "step", ())


def test_a_restart_counts_from_where_it_began_and_a_second_run_is_refused():
    known = ordered(rows(*((n, 1 / n) for n in range(1, 21)), (15, 9.0), (16, 8.0)))
    assert known.rows["at"].tolist() == list(range(1, 17)) and known.rows["value"].tolist()[-2:] == [9.0, 8.0]
    with pytest.raises(UserError, match="two runs in one file"):
        ordered(rows(*((n, 1 / n) for n in range(1, 21)), (1, 9.0), (2, 8.0)))
    with pytest.raises(UserError, match=r"a second value of a at 2 \(first in line 1\)"):
        ordered(rows((1, 1.0), (2, 2.0), (2, 3.0), (3, 4.0)))


def test_files_know_which_value_is_the_later_one_and_copies_are_left_out():
    known = ordered(rows((1, 1.0), (2, 2.0), (2, 3.0), (1, 1.0)), last_counts=True)
    assert known.rows["value"].tolist() == [1.0, 3.0] and len(known.notes) == 2
    assert ordered(rows((2, 2.0), (1, 1.0))).notes == () and measured.BEYOND > 1e99
