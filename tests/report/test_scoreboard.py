"""The verdict rule as a table of cases, and a board that follows the recorded runs and nothing else."""

import json

import pandas as pd
import pytest

from proxylib import studies
from proxylib.errors import UserError
from proxylib.report import scoreboard
from proxylib.runs.store import MANIFEST, Key, Store

CLAIMS = """id,chapter,claim,source,layer,metric,unit,direction,null,reported,stage,page,reason
first,A,Bigger is better,someone,lab,gain,points,+1,0,0.5,alpha,page_a,
second,A,Loss falls,someone,lab,slope,points,-1,0,,alpha,page_a,
third,B,Needs telemetry,someone,hub,score,share,+1,0.5,0.9,,page_b,No telemetry is at hand
fourth,B,Another run,someone,published,score,share,+1,0.5,0.8,beta,page_b,
"""


@pytest.fixture
def claims(tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text(CLAIMS)
    return path


def record(results, stage, estimates, number=0, profile="lab"):
    """A recorded run of a stage with these estimates."""
    columns = ["claim", "estimate", "low", "high", "level", "n", "n_unit"]
    table = pd.DataFrame(estimates, columns=columns)
    store = Store(profile, results.parent / "runs", results)
    run = store.produce(Key(stage, 1, {"number": number}), lambda workspace: workspace.write_table("estimates", table))
    return store.record(run)


ALPHA = [("first", 0.4, 0.16, 0.64, 0.95, 8, "models"), ("second", 0.1234567891, 0.05, 0.2, 0.9, 25, "corpora")]


@pytest.mark.parametrize(
    ("low", "high", "direction", "null", "reported", "expected"),
    [
        (0.2, 0.6, 1, 0.0, 0.5, "holds"),  # contains the reported value
        (0.6, 0.9, 1, 0.0, 0.5, "holds"),  # lies beyond it
        (0.1, 0.5, 1, 0.0, 0.5, "holds"),  # just reaches it
        (0.1, 0.4, 1, 0.0, 0.5, "in part"),
        (-0.1, 0.9, 1, 0.0, 0.5, "undecided"),
        (0.0, 0.9, 1, 0.0, 0.5, "undecided"),  # touches the null
        (-0.4, 0.0, 1, 0.0, 0.5, "undecided"),
        (-0.4, -0.1, 1, 0.0, 0.5, "does not hold"),
        (0.1, 0.2, 1, 0.0, None, "holds"),
        (-0.1, 0.2, 1, 0.0, None, "undecided"),
        (-0.2, -0.1, 1, 0.0, None, "does not hold"),
        (0.55, 0.7, 1, 0.5, 0.8, "in part"),
        (0.3, 0.45, 1, 0.5, 0.8, "does not hold"),
        (0.45, 0.9, 1, 0.5, 0.8, "undecided"),
        # the same rule in a mirror
        (-0.6, -0.2, -1, 0.0, -0.5, "holds"),
        (-0.9, -0.6, -1, 0.0, -0.5, "holds"),
        (-0.4, -0.1, -1, 0.0, -0.5, "in part"),
        (-0.9, 0.1, -1, 0.0, -0.5, "undecided"),
        (0.1, 0.4, -1, 0.0, -0.5, "does not hold"),
        (-0.2, -0.1, -1, 0.0, None, "holds"),
        (0.1, 0.2, -1, 0.0, None, "does not hold"),
        (0.6, 0.9, -1, 1.0, 0.7, "holds"),
        (0.8, 0.9, -1, 1.0, 0.7, "in part"),
        (1.1, 1.4, -1, 1.0, 0.7, "does not hold"),
    ],
)
def test_verdict(low, high, direction, null, reported, expected):
    assert scoreboard.verdict(low, high, direction, null, reported) == expected


def test_a_row_takes_its_numbers_from_the_recorded_run(tmp_path, claims):
    run = record(tmp_path / "results", "alpha", ALPHA)
    first, second, third, fourth = scoreboard.rows(tmp_path / "results", claims)
    assert (first["estimate"], first["low"], first["high"], first["level"], first["n"]) == (0.4, 0.16, 0.64, 0.95, 8)
    assert (first["verdict"], first["runs"], first["n_unit"]) == ("holds", [run.run_id], "models")
    assert second["estimate"] == 0.123457 and second["reported"] is None
    assert second["verdict"] == "does not hold"  # claimed below zero, found above it
    assert third["verdict"] == "not testable here" and third["reason"] == "No telemetry is at hand"
    assert fourth["verdict"] == "not testable here" and fourth["reason"] == "No recorded run holds an estimate yet"
    for blank in (third, fourth):
        assert blank["runs"] == [] and {blank[name] for name in ("estimate", "low", "high", "level", "n", "n_unit")} == {None}


def test_a_run_that_is_silent_on_a_claim_leaves_it_untested(tmp_path, claims):
    record(tmp_path / "results", "alpha", ALPHA[:1])
    verdicts = [entry["verdict"] for entry in scoreboard.rows(tmp_path / "results", claims)]
    assert verdicts == ["holds"] + ["not testable here"] * 3


def test_an_empty_results_folder_tests_nothing(tmp_path, claims):
    entries = scoreboard.rows(tmp_path / "nowhere", claims)
    assert {entry["verdict"] for entry in entries} == {"not testable here"} and len(entries) == 4


def test_a_run_without_a_manifest_is_no_run(tmp_path, claims):
    run = record(tmp_path / "results", "alpha", ALPHA)
    (run.folder / MANIFEST).unlink()
    assert scoreboard.rows(tmp_path / "results", claims)[0]["verdict"] == "not testable here"


def test_a_flipped_bit_in_a_recorded_table_is_named_and_not_computed_with(tmp_path, claims):
    path = record(tmp_path / "results", "alpha", ALPHA).path("estimates.parquet")
    data = bytearray(path.read_bytes())
    for place in range(0, len(data), len(data) // 20):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        with pytest.raises(UserError, match=r"estimates.parquet does not match its checksum"):
            scoreboard.rows(tmp_path / "results", claims)


@pytest.mark.parametrize("command", [scoreboard.check, scoreboard.write])
def test_damage_in_any_recorded_run_is_named_whether_or_not_a_claim_reads_it(command, tmp_path, claims, monkeypatch):
    results = tmp_path / "results"
    monkeypatch.setattr(scoreboard, "TARGET", results / "scoreboard.json")
    monkeypatch.setattr(scoreboard.document, "__defaults__", (results,))
    monkeypatch.setattr(scoreboard.rows, "__defaults__", (results, claims))
    record(results, "alpha", ALPHA)
    other = record(results, "gamma", ALPHA)
    assert scoreboard.write() == scoreboard.check() == command() == 0
    for name, data in (("estimates.parquet", b"PAR1"), ("estimates.parquet", None), (MANIFEST, b"[]"), (MANIFEST, None)):
        path = other.folder / name
        before = path.read_bytes()
        path.write_bytes(data) if data else path.unlink()
        with pytest.raises(UserError, match=f"gamma/{other.run_id}/{name}"):
            command()
        path.write_bytes(before)
    assert command() == 0


@pytest.mark.parametrize("profiles", [("lab", "lab"), ("lab", "reference")])
def test_two_recorded_runs_of_a_stage_are_refused_by_name(tmp_path, claims, profiles):
    ids = [record(tmp_path / "results", "alpha", ALPHA, *given).run_id for given in enumerate(profiles)]
    with pytest.raises(UserError, match="several recorded alpha runs") as told:
        scoreboard.rows(tmp_path / "results", claims)
    assert all(run_id in str(told.value) for run_id in ids)


def test_the_document_is_json_and_the_same_every_time(tmp_path, claims, monkeypatch):
    record(tmp_path / "results", "alpha", ALPHA)
    monkeypatch.setattr(scoreboard.rows, "__defaults__", (None, claims))
    first, second = (scoreboard.document(tmp_path / "results") for _ in range(2))
    assert first == second and first.endswith(b"\n")
    assert json.loads(first) == scoreboard.rows(tmp_path / "results", claims)


def test_by_chance_counts_the_claimed_side_of_each_tested_claim(tmp_path, claims):
    record(tmp_path / "results", "alpha", ALPHA)
    entries = scoreboard.rows(tmp_path / "results", claims)
    assert scoreboard.by_chance(entries) == pytest.approx(0.025 + 0.05)
    assert scoreboard.by_chance([]) == 0


def test_the_reason_names_the_side_of_the_null(tmp_path, claims):
    record(tmp_path / "results", "alpha", ALPHA)
    record(tmp_path / "results", "beta", [("fourth", 0.6, 0.55, 0.7, 0.95, 25, "corpora")])
    first, second, _, fourth = scoreboard.rows(tmp_path / "results", claims)
    assert first["reason"] == "the interval lies above 0 and reaches the reported value; it is 0.48 wide"
    assert second["reason"] == "the interval lies on the other side of 0"
    assert fourth["reason"] == "the interval lies above 0.5 but short of the reported value"


def test_the_table_runs_from_firm_to_open_verdicts(tmp_path, claims):
    record(tmp_path / "results", "alpha", ALPHA)
    entries = scoreboard.rows(tmp_path / "results", claims)
    table = scoreboard.table(entries)
    assert list(table["verdict"]) == ["holds", "does not hold", "not testable here", "not testable here"]
    assert table["ours"].tolist() == ["0.40 [0.16, 0.64]", "0.12 [0.05, 0.20]", "", ""]
    assert list(scoreboard.counts(entries).items()) == [("holds", 1), ("does not hold", 1), ("not testable here", 2)]


def test_the_committed_claims_are_well_formed():
    table = pd.read_csv(scoreboard.CLAIMS, dtype={"reason": str})
    assert table["id"].is_unique and table["direction"].isin([1, -1]).all()
    assert table[["claim", "source", "layer", "metric", "unit", "null", "page"]].notna().all(axis=None)
    assert set(table["layer"]) <= {"lab", "published", "hub"}
    assert (table["stage"].notna() | table["reason"].notna()).all()  # what no run tests says why
    beyond = (table["reported"] - table["null"]) * table["direction"]
    assert (beyond.dropna() > 0).all()  # a reported value lies on the side that its claim names


def test_claims_name_stages_and_pages_that_studies_register():
    table, known = pd.read_csv(scoreboard.CLAIMS), studies.registry()
    assert set(table["stage"].dropna()) <= set(known.stages) and set(table["page"]) <= set(known.pages)
