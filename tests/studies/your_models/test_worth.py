"""What the proxy was worth is read from recorded tables; decisions turn with them, and nothing at hand says nothing."""

import json

import pandas as pd
import pytest

from proxylib import studies
from proxylib.report import pages
from proxylib.runs.config import ROOT
from proxylib.runs.store import Key, Store
from proxylib.studies.your_models import worth


def results(folder, over_prose=(-0.2, -0.4, -0.1), without_style=(-0.3, -0.5, -0.1), ranker=(0.1, -0.1, 0.3)):
    """A recorded reference run of rankings and styles."""
    rows = [(name, "rho", 0.1 * n, 0.0, 0.5) for n, name in enumerate(worth.SIGNALS)]
    rows += [
        (name, f"rho minus that of {worth.PROSE}", *gap) for name, gap in ((worth.PROXY, over_prose), (worth.RANKER, ranker))
    ]
    summary = pd.DataFrame(rows, columns=["method", "quantity", "estimate", "low", "high"])
    summary = summary.assign(protocol=worth.PROTOCOL, models=54, families=12)
    other = summary.assign(protocol="leave-tasks-out", estimate=9.0)  # of another question
    styles = [(share, worth.IN_STYLES, "rho", *rho) for share, rho in ((1.0, (0.5, 0.3, 0.7)), (0.0, without_style))]
    styles = pd.DataFrame(styles, columns=["share", "proxy", "quantity", "estimate", "low", "high"])
    store = Store("reference", folder / "runs", folder / "results")
    tables = {"ranking": {"summary": pd.concat([other, summary])}, "whose_style": {"correlations": styles}}
    for stage, frames in tables.items():

        def build(workspace, frames=frames):
            for name, frame in frames.items():
                workspace.write_table(name, frame)

        store.record(store.produce(Key(stage, 1, {}, {}), build))
    return folder / "results"


def test_numbers_are_those_of_the_recorded_tables_on_families_that_no_ranker_saw(tmp_path):
    value = worth.recorded(results(tmp_path))
    assert value.signals["signal"].tolist() == list(worth.SIGNALS.values())
    assert value.signals["estimate"].tolist() == pytest.approx([0.0, 0.1, 0.2]) and (value.models, value.families) == (54, 12)
    text = worth.in_numbers(value)
    for part in (
        "54 models of 12 families",
        value.runs[0].run_id,
        "-0.20 [-0.40, -0.10]",
        "-0.30 [-0.50, -0.10] where none had",
    ):
        assert part in text


def test_a_page_that_shows_it_names_the_runs_in_its_footer(tmp_path, monkeypatch):
    value = worth.recorded(results(tmp_path))
    assert [run.stage for run in value.runs] == ["ranking", "whose_style"]
    shown = []
    monkeypatch.setattr(pages, "display", lambda html: shown.append(html.data))
    pages.footer(value.runs, studies.declare_page("your_models", profile="smoke"))
    assert all(f"<td>{run.run_id}</td>" in shown[0] for run in value.runs)
    notebook = json.loads((ROOT / "notebooks/pages/your_models.ipynb").read_text())
    assert "value.runs" in "".join(notebook["cells"][-1]["source"])


@pytest.mark.parametrize(
    ("gap", "word"),
    [((0.2, 0.1, 0.3), "models better;"), ((-0.2, -0.3, -0.1), "models worse;"), ((0.1, -0.1, 0.3), "neither clearly better")],
)
def test_words_follow_the_interval(tmp_path, gap, word):
    assert word in worth.in_words(worth.recorded(results(tmp_path, over_prose=gap)))


def test_the_wrong_way_is_said_where_it_is_shown_and_not_otherwise(tmp_path):
    shown, open_ = (
        worth.recorded(results(tmp_path / str(n), without_style=rho))
        for n, rho in enumerate([(-0.3, -0.5, -0.1), (-0.1, -0.3, 0.1)])
    )
    assert shown.wrong_way and "the wrong way" in worth.in_words(shown)
    assert not open_.wrong_way and "the wrong way" not in worth.in_words(open_)


def test_nothing_at_hand_or_damage_says_nothing(tmp_path):
    assert worth.recorded(tmp_path / "nowhere") is None
    place = results(tmp_path)
    (table,) = place.glob("reference/ranking/*/summary.parquet")
    table.write_bytes(table.read_bytes()[:-9] + b"damaged!!")
    assert worth.recorded(place) is None
