"""The grid: cells of a schedule, verdicts in their places, what is counted on notes."""

import numpy as np
import pandas as pd
from studies.reverse_validation.made_up import grid as made

from proxylib.data.domains.base import CRITERIA
from proxylib.data.domains.scribe import DOMAIN
from proxylib.studies.reverse_validation import grid
from proxylib.studies.reverse_validation.typical import Bigrams


def test_the_middle_number_of_examples_belongs_to_both_schedules():
    cells = pd.DataFrame({"schedule": ["epochs"] * 3 + ["steps"] * 2, "examples": [1, 2, 3, 1, 3]})
    assert grid.in_schedule(cells, "epochs").tolist() == [True, True, True, False, False]
    assert grid.in_schedule(cells, "steps").tolist() == [False, True, False, True, True]


def test_verdicts_stand_where_their_cell_note_and_criterion_are():
    examples = DOMAIN.examples(3, 1, unseen=True)
    rows = [(c, e.id, k) for c in ("b", "a") for e in examples for k in CRITERIA]
    table = pd.DataFrame(rows, columns=["cell", "id", "criterion"])
    table = table.assign(passed=pd.array(np.arange(len(table)) % 2 == 0, dtype="boolean")).sample(frac=1, random_state=1)
    table.loc[(table["cell"] == "a") & (table["id"] == examples[1].id) & (table["criterion"] == CRITERIA[2]), "passed"] = pd.NA
    cube = grid._cube(table, "passed", ["a", "b"], examples)
    wanted = (np.arange(len(rows)) % 2 == 0).reshape(2, 3, len(CRITERIA))[::-1].astype(float)
    assert np.isnan(cube[0, 1, 2])
    wanted[0, 1, 2] = np.nan
    np.testing.assert_array_equal(cube, wanted)


def test_words_and_false_statements_are_counted_on_each_note():
    examples = DOMAIN.examples(2, 1, unseen=True)
    expert, other = (example.note for example in examples)
    notes = {"a": pd.Series({examples[0].id: expert, examples[1].id: expert}), "b": pd.Series({e.id: "" for e in examples})}
    words, false, typical = grid._counted(["a", "b"], examples, notes, Bigrams.fitted([expert, other], DOMAIN.rules.given))
    assert words[0, 0] == words[0, 1] > 10 and (words[1] == 0).all()
    assert false[0, 0] == 0 < false[0, 1] and (false[1] == 0).all() and (typical[0] > typical[1]).all()


def test_some_cells_keep_their_verdicts_and_counts():
    whole = made()
    members = (whole.cells["base"] != "0 k").to_numpy()
    part = whole.within(members)
    assert len(part.cells) == members.sum() == len(part.truth) == len(part.words)
    np.testing.assert_array_equal(part.truth, whole.truth[members])
