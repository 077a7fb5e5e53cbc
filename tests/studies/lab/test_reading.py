"""Features over traces of the problems that count: of no other, and unchanged where all count."""

from types import SimpleNamespace

import pandas as pd
import pytest

from proxylib.measure import features
from proxylib.runs.store import Workspace
from proxylib.studies.lab import reading
from proxylib.studies.lab.material import KINDS
from proxylib.studies.lab.settings import ReadingSettings
from tests.studies.lab.test_measurement import measured, parents, step_of, table  # noqa: F401

COUNTED = {"walk": (3,)}


@pytest.fixture
def read(measured, parents, tmp_path):  # noqa: F811
    """counted -> the workspace of a reading of one model, which is its own expert."""
    run = SimpleNamespace(table=lambda name: table(measured, name), facts={"vocabulary": measured.facts["vocabulary"]})
    roles = {"material": parents["material"], "expert": run, "measure m": run}

    def made(counted):
        workspace = Workspace(tmp_path / str(len(counted)))
        settings = ReadingSettings(members=("m",), counted=counted)
        reading.build(SimpleNamespace(settings=settings, parent=roles.__getitem__), workspace)
        return workspace

    return made


def test_where_every_level_counts_the_features_are_those_of_the_measurement(read, measured):  # noqa: F811
    workspace = read({})
    of_all = features.to_wide(table(measured, "features"))
    pd.testing.assert_frame_equal(table(workspace, "features").drop(columns="member"), of_all, check_like=True)
    assert set(table(workspace, "features")["member"]) == {"m"}
    pd.testing.assert_frame_equal(table(workspace, "settings").drop(columns="member"), table(measured, "settings"))


def test_traces_of_other_levels_are_not_read(read, measured):  # noqa: F811
    counted = table(read(COUNTED), "features").set_index("task")
    rows = table(measured, "tokens_expert")
    third = rows[(rows["task"] == "walk") & rows["id"].str.startswith("walk-3-")]
    assert 0 < len(third) < (rows["task"] == "walk").sum()
    assert counted.loc["walk", "cross_entropy|uniform"] == pytest.approx(
        third.groupby("id")["nll"].mean().mean(), rel=1e-5
    )  # the plain loss: a mean over tokens, then over traces
    of_all = features.to_wide(table(measured, "features")).set_index("task")
    assert counted.loc["walk", "cross_entropy|uniform"] != of_all.loc["walk", "cross_entropy|uniform"]
    pd.testing.assert_series_equal(counted.loc["calendar"].drop("member"), of_all.loc["calendar"], check_dtype=False)


@pytest.mark.parametrize("counted", [{"x": (1,)}, {"x": (0, 1)}, {}])
def test_a_task_that_is_not_named_counts_with_all_its_levels(counted):
    rows = pd.DataFrame([("x", 0), ("x", 1), ("y", 0)], columns=["task", "level"])
    expected = [("x" not in counted) or (0 in counted["x"]), True, True]
    assert reading.counts(rows, counted).tolist() == expected


def test_rows_of_chosen_problems_keep_their_order():
    rows = pd.DataFrame({"task": list("abab"), "id": ["1", "1", "2", "1"], "x": range(4)})
    kept = reading.of_problems(rows, pd.DataFrame({"task": ["b", "a"], "id": ["1", "2"], "level": [1, 2]}))
    assert list(kept["x"]) == [1, 2, 3] and list(kept.index) == [0, 1, 2]


def test_every_kind_of_trace_is_read():
    assert "expert" in KINDS and features.PROSE in KINDS
