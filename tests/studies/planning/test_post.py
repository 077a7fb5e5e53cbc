"""The post's own fifteen configurations, as far as published, through the command."""

import pytest

from proxylib import studies
from proxylib.models import folders
from proxylib.studies.loss import stages as loss
from proxylib.studies.planning import post, run
from proxylib.studies.planning.settings import Plan


@pytest.fixture
def table():
    hub = studies.profile("hub").hub
    sizes = [folders.billions(name) * 1e9 for name in hub.bases]
    return post.candidates(loss.REPORTED, sizes, hub.examples, "Gemini-2.5-Flash")


def test_what_is_published_stands_where_it_belongs(table):
    known = table.dropna(subset=["score"]).set_index("name")["score"]
    assert len(table) == 15 and len(known) == 6 and table["loss"].notna().sum() == 2
    assert known["8B, 4,673 examples"] == 34.9 and known.idxmax() == "32B, 4,673 examples"


def test_the_command_reads_it_and_says_what_it_cannot_use(table, tmp_path, few_guesses):
    table.to_csv(tmp_path / "post.csv", index=False)
    finished = run.plan_file(Plan(table=tmp_path / "post.csv", out=tmp_path / "out", percent=True))
    assert finished.facts["code"] == 0
    # what such promises came to is a page's own matter, which shows its own run of them
    *sentences, came = finished.facts["sentences"]
    assert post.said(table) == [*finished.facts["notes"], *sentences] and "published studies" in came
    said = "\n".join(post.said(table))
    assert (
        "loss is known of 2 candidates of 15: left out" in said
        and "neither items nor stderr with 6 scores: taken as exact" in said
    )
    assert "scores are higher with a doubling of size" in said and "nothing with size 4e+09 was evaluated" in said
