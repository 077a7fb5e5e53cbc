"""A board that follows the recorded runs and nothing else, and the table of claims."""

import json

import numpy as np
import pandas as pd
import pytest

from proxylib import studies
from proxylib.errors import UserError
from proxylib.report import scoreboard, standing, verdicts
from proxylib.runs.store import MANIFEST, Key, Store

HEAD = "id,document,chapter,label,claim,source,layer,metric,unit,direction,null,reported,margin,stage,row,page,otherwise,reason"
CLAIMS = f"""{HEAD}
first,000,A,Bigger,Bigger is better,someone,lab,gain,points,+1,0,0.5,,alpha,,page_a,,
second,000,A,Falls,Loss falls,someone,lab,slope,points,-1,0,,,alpha,,page_a,,
third,001,B,Telemetry,Needs telemetry,someone,hub,score,share,,,0.9,,,,,not testable here,No telemetry is at hand
fourth,004,B,Another,Another run,someone,published,score,share,+1,0.5,0.8,yes,beta,gain of beta,page_b,,
"""


@pytest.fixture
def claims(tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text(CLAIMS)
    return path


#: chapters of the book; what they are of stands in the column chapter
PREFIXES = "(loss|setting-1|data-selection|forecast|stack|judge|ours)-"
LONGEST_LABEL = 36  # letters that leave room for the picture

COLUMNS = ["claim", "estimate", "low", "high", "level", "n", "n_unit"]


def record(results, stage, estimates, number=0, profile="lab", **more):
    """A recorded run of a stage with these estimates, and `more` columns."""
    table = pd.DataFrame(estimates, columns=COLUMNS).assign(**more)
    store = Store(profile, results.parent / "runs", results)
    run = store.produce(Key(stage, 1, {"number": number}), lambda workspace: workspace.write_table("estimates", table))
    return store.record(run)


ALPHA = [("first", 0.4, 0.16, 0.64, 0.95, 8, "models"), ("second", 0.1234567891, 0.05, 0.2, 0.9, 25, "corpora")]


def test_a_row_takes_its_numbers_from_the_recorded_run(tmp_path, claims):
    run = record(tmp_path / "results", "alpha", ALPHA)
    first, second, third, fourth = scoreboard.rows(tmp_path / "results", claims)
    assert (first["estimate"], first["low"], first["high"], first["level"], first["n"]) == (0.4, 0.16, 0.64, 0.95, 8)
    assert (first["verdict"], first["runs"], first["n_unit"]) == ("holds", [run.run_id], "models")
    assert second["estimate"] == 0.123457 and second["reported"] is None
    assert second["verdict"] == "does not hold"  # claimed below zero, found above it
    assert third["verdict"] == "not testable here" and third["reason"] == "No telemetry is at hand"
    assert fourth["verdict"] == "not tested yet" and fourth["reason"] == "No recorded run holds an estimate yet"
    for blank in (third, fourth):
        assert blank["runs"] == [] and {blank[name] for name in scoreboard.MEASURED} == {None}
    assert (first["document"], first["direction"], first["margin"], fourth["margin"]) == ("000", 1, False, True)


def test_a_reason_of_the_table_stands_behind_the_rule_s_and_not_where_nothing_is_tested(tmp_path, claims):
    claims.write_text(CLAIMS.replace("alpha,,page_a,,\n", "alpha,,page_a,,by construction\n", 1))
    assert scoreboard.rows(tmp_path / "nowhere", claims)[0]["reason"] == "No recorded run holds an estimate yet"
    record(tmp_path / "results", "alpha", ALPHA)
    first, second, *_ = scoreboard.rows(tmp_path / "results", claims)
    assert first["reason"].endswith("wide; by construction") and "construction" not in second["reason"]


def test_a_claim_may_read_a_row_of_another_name(tmp_path, claims):
    record(
        tmp_path / "results",
        "beta",
        [("fourth", 0.1, 0.0, 0.2, 0.95, 8, "models"), ("gain of beta", 0.9, 0.7, 1.0, 0.95, 8, "models")],
    )
    fourth = scoreboard.rows(tmp_path / "results", claims)[3]
    assert (fourth["estimate"], fourth["verdict"]) == (0.9, "holds")
    assert scoreboard.reported("beta", claims) == {"gain of beta": 0.8} and scoreboard.reported("alpha", claims) == {
        "first": 0.5
    }


def test_the_wider_interval_decides_and_both_are_kept(tmp_path, claims):
    record(tmp_path / "results", "alpha", ALPHA, low_given=[0.2, 0.1], high_given=[0.45, 0.3], null=[0.18, None])
    first, second, *_ = scoreboard.rows(tmp_path / "results", claims)
    assert (first["low"], first["high"], first["low_given"], first["high_given"]) == (0.16, 0.64, 0.2, 0.45)
    # of the interval that is given alone, both would be otherwise
    assert (first["null"], first["verdict"], first["reason"]) == (0.18, "undecided", "the interval contains 0.18")
    assert (second["null"], second["low"], second["high"], second["verdict"]) == (0, 0.05, 0.3, "does not hold")


def test_a_null_that_a_run_finds_decides_instead_of_that_of_the_table(tmp_path, claims):
    for number, (null, word) in enumerate([(0.0, "holds"), (0.16, "undecided"), (0.65, "does not hold"), (np.nan, "holds")]):
        results = tmp_path / str(number) / "results"
        record(results, "alpha", ALPHA[:1], null=[null])
        assert scoreboard.rows(results, claims)[0]["verdict"] == word


def test_an_estimate_without_an_interval_is_undecided_and_none_at_all_is_no_test(tmp_path, claims):
    record(
        tmp_path / "results",
        "alpha",
        [("first", 0.4, None, None, 0.95, 8, "models"), ("second", None, None, None, 0.95, 8, "x")],
    )
    first, second, *_ = scoreboard.rows(tmp_path / "results", claims)
    assert (first["verdict"], first["low"], first["estimate"]) == ("undecided", None, 0.4)
    assert (second["verdict"], second["runs"]) == ("not tested yet", [])
    assert json.loads(scoreboard.document(tmp_path / "results"))


def test_a_recorded_run_without_estimates_tests_nothing(tmp_path, claims):
    store = Store("lab", tmp_path / "runs", tmp_path / "results")
    store.record(store.produce(Key("alpha", 1, {}), lambda workspace: workspace.write_table("other", pd.DataFrame({"x": [1]}))))
    assert scoreboard.rows(tmp_path / "results", claims)[0]["verdict"] == "not tested yet"


def test_a_run_that_is_silent_on_a_claim_leaves_it_untested(tmp_path, claims):
    record(tmp_path / "results", "alpha", ALPHA[:1])
    words = [entry["verdict"] for entry in scoreboard.rows(tmp_path / "results", claims)]
    assert words == ["holds", "not tested yet", "not testable here", "not tested yet"]


def test_an_empty_results_folder_tests_nothing(tmp_path, claims):
    entries = scoreboard.rows(tmp_path / "nowhere", claims)
    assert {entry["verdict"] for entry in entries} == set(verdicts.OPEN) and len(entries) == 4


def test_a_run_without_a_manifest_is_no_run(tmp_path, claims):
    run = record(tmp_path / "results", "alpha", ALPHA)
    (run.folder / MANIFEST).unlink()
    assert scoreboard.rows(tmp_path / "results", claims)[0]["verdict"] == "not tested yet"


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


def test_runs_of_a_stage_with_rows_of_other_names_stand_side_by_side(tmp_path, claims):
    """As those of two domains: each claim takes its row's numbers, and names the run that has the row."""
    claims.write_text(CLAIMS.replace("alpha,,page_a", "alpha,second/claims,page_a").replace("alpha,second/claims", "alpha,", 1))
    rows = {"scribe": ALPHA, "claims": [("second/claims", -0.4, -0.6, -0.2, 0.95, 5, "bases")]}
    runs = {name: record(tmp_path / "results", "alpha", part, name).run_id for name, part in rows.items()}
    first, second, *_ = scoreboard.rows(tmp_path / "results", claims)
    assert (first["estimate"], first["runs"]) == (0.4, [runs["scribe"]])
    assert (second["estimate"], second["runs"], second["verdict"]) == (-0.4, [runs["claims"]], "holds")


def test_the_document_is_json_and_the_same_every_time(tmp_path, claims, monkeypatch):
    record(tmp_path / "results", "alpha", ALPHA)
    monkeypatch.setattr(scoreboard.rows, "__defaults__", (None, claims))
    first, second = (scoreboard.document(tmp_path / "results") for _ in range(2))
    assert first == second and first.endswith(b"\n")
    assert json.loads(first) == scoreboard.rows(tmp_path / "results", claims)


def test_the_committed_claims_are_well_formed():
    table = scoreboard.claims()
    tested, needed = (
        table[table["stage"].notna()],
        ["document", "chapter", "label", "claim", "source", "layer", "metric", "unit"],
    )
    assert table["id"].is_unique and table["label"].is_unique and table[needed].notna().all(axis=None)
    assert table["id"].str.match(PREFIXES).all()
    assert (table["id"].str.startswith("ours-") == table["document"].eq("ours")).all()
    assert set(table["layer"]) <= {"lab", "published", "hub", "simulated"} and set(table["document"]) == set(standing.DOCUMENTS)
    assert tested["direction"].isin([1, -1]).all() and tested[["null", "page"]].notna().all(axis=None)
    beyond = (tested["reported"].astype(float) - tested["null"].astype(float)) * tested["direction"].astype(int)
    assert (beyond.dropna() > 0).all()  # a reported value lies on the side that its claim names
    assert table.loc[table["margin"], "reported"].notna().all() and table["label"].str.len().max() <= LONGEST_LABEL
    open_ = table[table["stage"].isna()]
    assert open_["otherwise"].isin(verdicts.OPEN).all() and open_["reason"].notna().all()  # what no run tests says why


@pytest.mark.parametrize("document", ["000", "001", "002", "003", "004"])
def test_every_seed_has_its_rows_in_the_order_of_the_documents(document):
    order = list(dict.fromkeys(scoreboard.claims()["document"]))
    assert document in order and order == list(standing.DOCUMENTS)


def test_claims_name_stages_and_pages_that_studies_register():
    table, known = pd.read_csv(scoreboard.CLAIMS), studies.registry()
    assert set(table["stage"].dropna()) <= set(known.stages) and set(table["page"].dropna()) <= set(known.pages)
