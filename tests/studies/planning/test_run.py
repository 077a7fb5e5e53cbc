"""A folder of a plan: what it holds, and that the same table makes it once."""

import pandas as pd
import pytest
from studies.planning.tables import grid

from proxylib.errors import UserError
from proxylib.studies.planning import run
from proxylib.studies.planning.settings import Plan


@pytest.fixture
def given(tmp_path):
    grid().to_csv(tmp_path / "t.csv", index=False)
    return Plan(table=tmp_path / "t.csv", out=tmp_path / "out")


def test_a_folder_holds_the_page_and_the_tables_and_is_made_once(given, tmp_path):
    finished = run.plan_file(given)
    assert set(finished.files) == set(run.PARTS) and finished.facts["code"] == 0
    assert run.plan_file(given).manifest == finished.manifest
    assert run.plan_file(given.model_copy(update={"out": tmp_path / "other"})).files == finished.files
    plan = pd.read_csv(tmp_path / "out" / "plan.csv")
    assert plan["regret"].iloc[-1] <= 0.01 and (plan["price"].cumsum() == plan["spent"]).all()
    with pytest.raises(UserError):
        run.plan_file(given.model_copy(update={"tolerance": 0.001}))


def test_without_an_order_the_code_is_four_and_the_tables_hold_none(tmp_path):
    grid((1, 2)).to_csv(tmp_path / "t.csv", index=False)
    finished = run.plan_file(Plan(table=tmp_path / "t.csv", out=tmp_path / "out"))
    assert finished.facts["code"] == 4 and len(finished.facts["sentences"]) == 1
    assert pd.read_csv(tmp_path / "out" / "plan.csv").empty and pd.read_csv(tmp_path / "out" / "compared.csv").empty
    assert pd.read_csv(tmp_path / "out" / "candidates.csv")[["expected", "low", "high", "best"]].isna().all(axis=None)


def test_names_of_strangers_stay_text(given, tmp_path):
    frame = grid()
    frame.loc[14, "name"] = "<script>alert(1)</script>"
    frame.to_csv(given.table, index=False)
    run.plan_file(given)
    page = (tmp_path / "out" / "plan.html").read_text()
    assert "<script" not in page and "&#60;script" in page
