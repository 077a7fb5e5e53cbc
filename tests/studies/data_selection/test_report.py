"""Tables and figures of the page hold what they should."""

import pandas as pd
import pytest
from studies.data_selection.signals import SETTINGS, SIZES, three_corpora, tidy, world

from proxylib.report import plots
from proxylib.studies.data_selection import combinations, fits, limits, panel, report
from proxylib.studies.data_selection.mixture_losses import RHO


@pytest.fixture(scope="module")
def tables():
    frame, target = tidy()
    ceiling = limits.ceiling(target, SETTINGS)
    return {
        "single": fits.single_sizes(frame, target, SETTINGS),
        "paired": fits.paired(frame, target, SETTINGS),
        "seeds": limits.seeds(world()[1], frame, target, SETTINGS),
        "ceiling": ceiling,
        "misranked": limits.misranked(three_corpora((3, 2, 1))[0], three_corpora((3, 2, 1))[1], 0.005, SETTINGS),
        "combinations": combinations.combinations(frame, target, SETTINGS),
    }


def needed(ratio, low, high):
    rows = []
    for threshold in panel.THRESHOLDS:
        rows.append({"signal": "accuracy", "threshold": threshold, "size": "90M", "compute_fraction": 0.008, "ratio": 1})
        rows.append({"signal": "nll", "threshold": threshold, "size": "150M", "compute_fraction": 0.02, "ratio": ratio})
    return pd.DataFrame(rows).assign(low=low, high=high)


@pytest.mark.parametrize(
    ("case", "ratio"),
    [((0.4, 0.1, 30.0), "0.4 [1/10, 30]"), ((10.0, 2.0, 3000.0), "10 [2, 3,000]"), ((0.4, 0.003, 0.9), "0.4 [1/300, 1/1]")],
)
def test_compute_needed_is_a_ratio_of_one_digit(case, ratio):
    table = report.needed_table(needed(*case))
    assert table["decision accuracy"].tolist() == [f"{threshold:.2f}" for threshold in panel.THRESHOLDS]
    assert set(table.iloc[:, 1]) == {"90M (0.8 %)"} and set(table.iloc[:, 2]) == {"150M (2 %)"}
    assert set(table["compute, accuracy over NLL"]) == {ratio}


def test_the_commonest_corpus_of_several_is_the_first_by_name():
    pairs = pd.DataFrame({"better": ["x", "z", "z"], "worse": ["y", "y", "w"]})
    assert report.commonest(pairs) == ("y", 2)


def test_the_reported_value_stands_where_accuracy_of_its_size_stands(tables):
    point = report.reported_point(tables["single"]).iloc[0]
    assert point["estimate"] == report.reported() == 0.8
    with pytest.raises(LookupError, match="0 rows.*150M"):
        report.reported_point(tables["single"].query("size != '150M'"))


def test_tables_of_the_page(tables):
    sizes = report.sizes_table(tables["single"])
    assert len(sizes) == 2 * len(SIZES) - 1  # not accuracy at 1B
    assert sizes["size"].iloc[0] == "4M" and "750M (off trajectory)" in set(sizes["size"])
    forest = report.forest_rows(tables["combinations"])
    contrasts = report.contrasts_table(forest)
    assert list(contrasts["status"][:4]) == ["planned"] * 4 and (contrasts["status"][4:] == "exploratory").all()
    assert "accuracy, all sizes\nvs accuracy" in set(forest["label"])
    pairs = report.pairs_table(limits.pairs(*tidy(), se=0.1), rows=5)
    assert len(pairs) == 5 and "distance (s.e.)" in pairs


def test_the_figures_of_the_page_take_its_tables_and_leave_them_as_they_are(tables):
    before = {name: frame.copy() for name, frame in tables.items()}
    _, axes = plots.canvas(rows=5)
    reported = report.reported_point(tables["single"])
    plots.decision_accuracy_by_compute(tables["single"], axes[0], seeds=tables["seeds"], reported=reported)
    plots.paired_differences(tables["paired"], axes[1])
    plots.ceiling_by_task(tables["ceiling"], axes[2], labels=panel.TASKS)
    plots.misranked_within_noise(tables["misranked"], axes[3])
    plots.contrast_forest(report.forest_rows(tables["combinations"]), axes[4])
    for name, frame in before.items():
        pd.testing.assert_frame_equal(tables[name], frame)


def test_mixtures_are_shown_by_size_and_by_domain_and_how_many_models_they_take():
    ends = {"estimate": 0.9, "low": 0.8, "high": 0.95}
    ranks = pd.DataFrame(
        [{"size": size, "method": "m", "measure": name} | ends for size in ("1M", "1B") for name in (RHO, "x")]
    )
    assert report.regressions_rows(ranks)[["size", "measure"]].to_numpy().tolist() == [["1B", RHO]]
    direct = pd.DataFrame([{"domain": "pile_cc", "against": "pile_cc", "itself": True, "measure": RHO} | ends])
    fitted = pd.DataFrame(
        [{"size": size, "domain": "pile_cc", "against": other} | ends for size in report.LARGER for other in ("pile_cc", "x")]
    )
    table = report.domains_table(direct, fitted)
    assert table.to_numpy().tolist() == [["pile cc", *["0.90 [0.80, 0.95]"] * 3]]
    needed = pd.DataFrame({"size": "1B", "method": "m", "threshold": [0.9, 0.95], "runs": [64.0, None]})
    assert report.runs_needed(needed, "m") == "0.90 with 64, 0.95 with none of these"
    assert report.reported_rank() == 0.97
