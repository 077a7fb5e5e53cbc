"""Frames of the page on forecasts in the lab."""

import pandas as pd
import pytest
from studies.forecasting.lab_trainings import BOOTSTRAP, several

from proxylib.stats import Interval
from proxylib.studies.forecasting import lab_forecasts, lab_report
from proxylib.studies.forecasting.lab_methods import ALONE, CHOICES, EIGHTY


@pytest.fixture(scope="module")
def made():
    return {
        name: frame.assign(phase="pretraining") for name, frame in lab_forecasts.phase(several(3, tasks=2), BOOTSTRAP).items()
    }


def test_rows_of_the_figure_are_in_points_least_first_and_over_all_pairs_where_too_few_are_off_the_floor(made):
    assert lab_report.shown_over(made["errors"]) == lab_report.OFF
    rows = lab_report.error_rows(made["errors"], lab_report.OFF)
    own = rows[rows["map"] == "own"]
    assert own["estimate"].is_monotonic_increasing and set(own["method"]) == {*CHOICES, *ALONE}
    assert set(rows.loc[rows["map"] == "borrowed", "method"]) == {*CHOICES}
    shares = made["errors"].query("times == 18 and over == 'off the floor' and method == @EIGHTY and map == 'own'")
    assert lab_report.error(made["errors"], EIGHTY, "own").estimate == pytest.approx(100 * shares["estimate"].item())
    none = made["errors"].assign(low=made["errors"]["low"].where(made["errors"]["over"] == lab_report.ALL))
    assert lab_report.shown_over(none) == lab_report.shown_over(made["errors"], "post-training") == lab_report.ALL


def test_contrasts_have_a_column_a_window_and_pairs_are_counted(made):
    table = lab_report.contrast_table(made["contrasts"])
    assert len(table) == 4 and list(table.columns[3:]) == ["from 1/18", "from 1/6", "from 1/3", "from 1/2"]
    assert lab_report.pairs_off(made["errors"])[18] == (6, 3)


def test_half_the_error_is_answered_by_the_interval_and_by_no_pair_off_the_floor(made):
    said = lambda low, high, over=lab_report.OFF: lab_report.answer(Interval((low + high) / 2, low, high), over)
    assert said(0.1, 0.4).startswith("Yes") and said(0.6, 1.2).startswith("Not with half")
    assert "not decided" in said(0.4, 0.9) and said(0.1, 0.4, lab_report.ALL) == "Not in these runs"
    assert lab_report.pairs(made["errors"]) == 6


def test_tables_have_a_column_a_window_and_a_row_a_method_and_map(made):
    table = lab_report.error_table(made["errors"], lab_report.ALL)
    assert list(table.columns[2:]) == ["from 1/18", "from 1/6", "from 1/3", "from 1/2"] and len(table) == 2 * len(
        CHOICES
    ) + len(ALONE)
    assert table["method"].iloc[0] == EIGHTY


def test_clean_series_by_statistic_and_weighting(made):
    grid = lab_report.clean_grid(made["clean"])
    assert grid.shape == (10, 8) and grid.to_numpy().min() >= 0 and grid.to_numpy().max() <= 1
    assert grid.loc["top1", "inverse_frequency"] == 1
    assert lab_report.mostly_clean(made["clean"]) == int((grid.to_numpy() > 0.5).sum()) >= 1
    assert lab_report.clean_grid(made["clean"], "post-training").empty


def test_lines_have_names_that_figures_know(made):
    lines = lab_report.course_lines(made["courses"], "worst")
    assert set(lines["series"]) == set(lab_report.LINES.values()) and lines["value"].max() > 1


def test_levels_that_count_are_counted():
    levels = pd.DataFrame({"run": ["a", "a", "b", "b"], "task": "t", "level": [3, 4, 3, 4], "counts": [True, True, True, True]})
    levels = levels.assign(off_early=[True, False, False, False], off_late=True, phase="pretraining")
    assert lab_report.levels_off(levels) == (1, 2)
    assert lab_report.level_table(levels).iloc[0].tolist() == ["t", "3: 1, 4: 0", "3: 2, 4: 2"]
    assert lab_report.levels_off(levels.assign(counts=[True, False] * 2))[1] == 1


def test_the_first_to_move_stand_beside_accuracy_and_losses(made):
    table = lab_report.first_table(made["moved"])
    assert {"accuracy", "prose nll", "bits per byte", "top1, inverse frequency"} <= set(table["signal"])
    shares = made["moved"].set_index("signal")["estimate"]
    known = shares.rename(lambda name: name.replace("|", ", ").replace("_", " "))[table["signal"]]
    assert known.is_monotonic_increasing and len(table) >= 9
