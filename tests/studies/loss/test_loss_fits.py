"""The cells of a schedule; grades beside verdicts; rates that leave gaps."""

import pandas as pd
import pytest

from proxylib.judging.criteria import GRADED, LM_JUDGE, STRICT
from proxylib.studies.loss import loss_fits


def test_the_middle_number_of_examples_belongs_to_both_schedules():
    rows = [(8, "epochs"), (16, "epochs"), (32, "epochs"), (8, "steps"), (32, "steps")]
    cells = pd.DataFrame(rows, columns=["examples", "schedule"])
    assert loss_fits.in_schedule(cells, "epochs")["examples"].tolist() == [8, 16, 32]
    assert loss_fits.in_schedule(cells, "steps").to_numpy().tolist() == [[8, "steps"], [32, "steps"], [16, "epochs"]]


def test_rates_are_of_the_scored_and_the_unscored_are_told():
    passed = pd.array([True, None, False, True], dtype="boolean")
    verdicts = pd.DataFrame({"cell": "a", "judge": [LM_JUDGE] * 3 + [STRICT], "passed": passed})
    (row,) = loss_fits._rates(verdicts).to_dict("records")
    assert row == {"cell": "a", LM_JUDGE: 50.0, STRICT: 100.0, "unscored": pytest.approx(100 / 3)}


def test_grades_stand_beside_verdicts_as_one_more_judge():
    place = {"cell": "a", "id": "1", "criterion": "template"}
    verdicts = pd.DataFrame({**place, "judge": [STRICT, LM_JUDGE], "passed": [True, None]})
    grades = pd.DataFrame({**place, "grade": [0.25]})
    both = loss_fits.with_grades(verdicts.astype({"passed": "boolean"}), grades).set_index("judge")["passed"]
    assert both[GRADED] == 0.25 and both[STRICT] == 1.0 and pd.isna(both[LM_JUDGE])
