"""RegMix's analyses on a small world, against other ways to the same numbers; the run, made and recorded."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from studies.data_selection.mixed import COUNT, SETTINGS, mixtures

from proxylib import studies
from proxylib.data.published import regmix
from proxylib.data.published.regmix import TARGET
from proxylib.report import scoreboard, tables
from proxylib.runs.store import Store, Workspace
from proxylib.studies.data_selection import mixtures as study
from proxylib.studies.data_selection import regressions
from proxylib.studies.data_selection.mixture_losses import RHO
from proxylib.studies.data_selection.regressions import BOOSTING, LINEAR, METHODS, SHARE

TABLES = "direct domains ranks paired by_domain first_choice curve needed estimates"


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Fewer trees, fits and subsets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regressions, "TREES", 20)
        patch.setattr(regressions, "RATE", 0.3)
        patch.setattr(study, "REFITS", 3)
        patch.setattr(study, "SUBSETS", 3)
        patch.setattr(study, "COUNTS", (40, 80))
        patch.setattr(study.runs, "mixtures", mixtures)
        yield


@pytest.fixture(scope="module")
def forecasts(quick):
    return study.Forecasts(mixtures("fitted"), {size: mixtures(size) for size in ("1M", "60M", "1B")})


def test_a_fit_sees_no_loss_of_what_it_forecasts(forecasts):
    other = {size: part._replace(losses=part.losses + 9) for size, part in forecasts.tried.items()}
    again = study.Forecasts(forecasts.fitted, other)
    for method in METHODS:
        assert all((again.whole[method][size] == values).all() for size, values in forecasts.whole[method].items())


def test_regressions_stand_with_both_intervals_and_paired_differences(forecasts):
    ranks, gaps = study.regressions(forecasts, SETTINGS)
    row = tables.row(ranks, size="1B", method=BOOSTING, measure=RHO)
    wanted = forecasts.tried["1B"].losses[TARGET]
    rho = {method: spearmanr(forecasts.whole[method]["1B"], wanted).statistic for method in METHODS}
    assert row["estimate"] == pytest.approx(rho[BOOSTING])
    assert row["low"] < row["low_given"] < row["estimate"] and row["high"] >= row["high_given"]
    fixed = tables.row(ranks, size="1B", method=SHARE, measure=RHO)
    assert fixed["low"] == pytest.approx(fixed["low_given"])  # nothing is fitted
    gap = tables.row(gaps, size="1B", minus=LINEAR)
    assert gap["estimate"] == pytest.approx(rho[BOOSTING] - rho[LINEAR]) and gap["low"] < gap["low_given"]
    assert list(gaps[gaps["size"] == "60M"]["minus"]) == [LINEAR, SHARE, study.OWN]
    assert not tables.row(gaps, minus=study.OWN)["planned"] and gaps[gaps["minus"] != study.OWN]["planned"].all()
    own = tables.row(ranks, size="60M", method=study.OWN, measure=RHO)["estimate"]
    losses = forecasts.tried["1M"].losses[TARGET], forecasts.tried["60M"].losses[TARGET]
    assert own == pytest.approx(spearmanr(*losses).statistic)


def test_what_is_ranked_first_costs_what_the_best_would_not(forecasts):
    table = study.first_choice(forecasts, SETTINGS).set_index("method")["estimate"]
    loss = forecasts.tried["1B"].losses[TARGET].to_numpy()
    assert table[BOOSTING] == pytest.approx(loss[forecasts.whole[BOOSTING]["1B"].argmin()] - loss.min())
    assert table[study.ANY] == pytest.approx(loss.mean() - loss.min()) and table[BOOSTING] < table[study.ANY]


def test_more_models_to_fit_on_rank_better_and_all_of_them_once(forecasts):
    table = study.curve(forecasts, 0)
    part = tables.rows(table, size="60M", method=LINEAR)
    assert list(part["runs"]) == [40, 80, COUNT["fitted"]] and list(part["subsets"]) == [3, 3, 1]
    assert part["estimate"].is_monotonic_increasing and (part["low"] <= part["estimate"]).all()
    ranks, _ = study.regressions(forecasts, SETTINGS)
    for method in (BOOSTING, LINEAR):
        whole = tables.row(table, size="1B", method=method, runs=COUNT["fitted"])["estimate"]
        assert whole == pytest.approx(tables.row(ranks, size="1B", method=method, measure=RHO)["estimate"])


def test_the_number_needed_is_the_smallest_that_reaches_a_threshold():
    rises = pd.DataFrame({"size": "1B", "method": "m", "runs": [32, 64, 128], "estimate": [0.5, 0.92, 0.94]})
    table = study.needed(rises)
    assert list(table["threshold"]) == [0.9, 0.95] and table["runs"].iloc[0] == 64 and np.isnan(table["runs"].iloc[1])


def build(folder):
    workspace = Workspace(folder)
    study.build(SimpleNamespace(settings=SETTINGS), workspace)
    return workspace, {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}


def test_the_builder_writes_every_table_the_same_again_and_no_source_value(tmp_path):
    workspace, written = build(tmp_path / "one")
    assert set(written) == set(TABLES.split()) and workspace.facts["mixtures_1B"] == COUNT["1B"]
    assert workspace.facts["without"] == dict.fromkeys(("1M", "60M", "1B"), 0)  # here, all hold some of every domain
    known = scoreboard.claims().query("stage == 'regmix'")
    assert set(written["estimates"]["claim"]) == set(known["row"].fillna(known["id"]))
    raw = {round(value, 9) for part in regmix.PARTS for value in mixtures(part).losses.to_numpy().ravel()}
    numbers = {round(float(v), 9) for table in written.values() for v in table.select_dtypes("number").to_numpy().ravel()}
    assert raw and not raw & numbers
    build(tmp_path / "two")
    for path in (tmp_path / "one").glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_the_recorded_run_is_the_one_that_a_page_reads(tmp_path):
    step = studies.declare("regmix", "reference")
    recorded = Store("smoke", tmp_path).find(step.key)
    assert recorded and recorded.recorded and set(recorded.tables) == set(TABLES.split())
    row = tables.row(recorded.table("estimates"), claim="regmix-rank")
    assert row["n"] == 64 and row["low"] <= row["low_given"] < row["estimate"]
