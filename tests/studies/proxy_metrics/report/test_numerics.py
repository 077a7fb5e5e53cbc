"""Tables of numerics: errors over models, the signed largest, and recorded benchmarks read or absent."""

import pandas as pd

from proxylib.studies.proxy_metrics.report import numerics as report

PRECISION = pd.DataFrame(
    {
        "variant": ["float32", "float32", "low", "low"],
        "model": list("abab"),
        "nll_mean": [1e-6, 3e-6, 0.02, 0.04],
        "nll_p99": [1e-5, 1e-5, 0.2, 0.2],
        "rank_changed": [0.0, 0.0, 0.1, 0.3],
        "tied": 0.0,
        "top1_changed": 0.0,
        "loss error": [0.0, 0.0, 0.003, -0.005],
    }
)


def test_errors_are_means_over_models_with_their_range():
    table = report.precision_table(PRECISION).set_index("precision")
    assert table.loc["float32", "nll, nats"] == "2e-6 [1e-6, 3e-6]" and table.loc["low", "rank differs, %"] == "20 [10, 30]"
    assert report.means(PRECISION).loc["low", "rank_changed"] == 0.2


def test_ranks_that_differ_are_percent_with_the_range_over_models():
    table = report.ranks(PRECISION).set_index("variant")
    assert table.loc["low", ["estimate", "low", "high"]].tolist() == [20.0, 10.0, 30.0]
    assert table.index.tolist() == ["float32", "low"] and set(table["kind"]) == {"model"}


def test_the_largest_error_of_a_proxy_keeps_its_sign():
    assert report.proxy_table(PRECISION)["loss"].tolist() == ["0", "-0.005"]


def test_layouts_are_the_same_only_if_they_are_for_every_model():
    layouts = pd.DataFrame(
        {"layout": ["again", "again", "other", "other"], "nll_most": [0, 0, 1e-5, 2e-5], "rank_changed": 0.0}
    )
    table = report.layout_table(layouts.assign(same_bits=[True, True, True, False]))
    assert table["same bits"].tolist() == ["yes", "no"] and table["nll, largest difference"].tolist() == ["0", "2e-5"]


def test_benchmarks_are_read_from_files_and_nothing_is_made_of_none(tmp_path):
    assert report.timings(tmp_path).empty and report.memory(report.timings(tmp_path)).empty
    columns = {"impl": ["proxylib"], "model": "m", "hidden": 2, "vocab": 9, "T": 4, "batch": 2, "median_s": 1.5, "p20": 1.0}
    columns |= {"p80": 2.0, "ratio_to_floor": 1.25, "peak_mib": 24.6, "bound_mib": 49.0, "repeats": 7}
    pd.DataFrame(columns).to_csv(tmp_path / "tokenstats_here.csv", index=False)
    timings = report.timings(tmp_path)
    assert timings["machine"].tolist() == ["here"] and report.memory(timings)["tokens"].tolist() == [8]
    row = report.timing_table(timings).iloc[0]
    assert (row["tokens"], row["seconds"], row["of the floor"], row["head stage, MiB"]) == ("2 x 4", "1.5 [1, 2]", "1.25", "25")


def test_the_head_of_real_size_is_rounded_for_reading():
    real = pd.DataFrame({"logits": ["bfloat16"], "tied": [0.89], "tied_with": 71.2, "rank_error": 7.2, "nll_mean": 0.0082})
    assert report.real_table(real).iloc[0].tolist() == ["bfloat16", "89", "71", "7.2", "0.0082"]
