"""Scored notes under every metric."""

import pandas as pd
from studies.real_notes import tiny

from proxylib.runs.folder import Workspace
from proxylib.studies.real_notes import judged
from proxylib.studies.real_notes.candidates import BREVITY, CANDIDATES, PACKAGE
from proxylib.studies.real_notes.settings import JudgeSettings, Texts


def test_every_metric_is_there_and_no_score_of_people(tmp_path):
    folder = tiny.saved(tmp_path / "tiny").parent
    workspace = Workspace(tmp_path)
    judged.build(tiny.step(JudgeSettings(texts=Texts(data="made", longest=900, chat=False), threads=1), folder), workspace)
    table = pd.read_parquet(tmp_path / "metrics.parquet")
    assert set(table.columns) == {"item", "system", *CANDIDATES, BREVITY, PACKAGE}
    assert len(table) == workspace.facts["notes"] == 4 * workspace.facts["dialogues"] and table.notna().all().all()
