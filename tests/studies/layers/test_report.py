"""Frames of the page on what catches what."""

import numpy as np
import pandas as pd
from studies.layers.populations import population

from proxylib.report import plots
from proxylib.stats import Decision
from proxylib.studies.layers import claims, report
from proxylib.studies.layers.series import LAYERS, ONE, PEOPLE, TELEMETRY
from proxylib.studies.layers.text import FORMAT, HEALTHY, LEAK

DETECTION = pd.DataFrame(
    [
        {"fault": fault, "dose": dose, "layer": layer, "estimate": 0.5, "n": 6, "look": "as claimed"}
        for fault, doses in ((LEAK, (1.0, 0.25)), (FORMAT, (1.0, 0.25)), (HEALTHY, (0.0,)))
        for dose in doses
        for layer in reversed(LAYERS)
    ]
)


def test_the_map_has_faults_down_layers_across_and_says_what_is_simulated():
    shown = report.share_map(DETECTION)
    assert list(shown.index) == [f"{name} (n = 6)" for name in (FORMAT, LEAK, HEALTHY)]
    assert list(shown.columns) == [*LAYERS[:4], "human preference (simulated)", "telemetry (simulated)"]
    assert report.mild(DETECTION) == 0.25 and len(report.share_map(DETECTION, 0.25)) == 3
    assert plots.share_map(shown, plots.canvas()[1][0], label="share") is not None


LAYERS_TABLE = pd.DataFrame(
    [
        {"layer": layer, "order": place, "estimate": place / 10, "low": 0.0, "high": 1.0, "added": 0.1, "false": 0.04}
        | {"dollars_low": 400.0 * (place > 1), "dollars_high": 3200.0 * (place > 1), "days_low": 0.0, "days_high": 0.0}
        for place, layer in enumerate(LAYERS, 1)
    ]
)


def test_prices_are_drawn_and_what_is_free_too():
    rows = report.priced(LAYERS_TABLE)
    ax = plots.prices(rows, plots.canvas()[1][0], label="caught, %")
    assert ax.get_xscale() == "log" and list(rows["name"])[-1] == "telemetry (simulated)"
    table = report.layers_table(LAYERS_TABLE)
    assert list(table["dollars a look"])[:2] == ["0", "400 to 3,200"]


def test_delays_and_harm_are_by_fault():
    one = {"model": "x", "dose": 1.0, "lost": 3.0, "longer": 1.0}
    models = pd.DataFrame([one | {"fault": "f", "seed": seed, "harmful": seed < 2} for seed in range(3)])
    found = models[["model", "fault", "dose", "seed"]].assign(layer="telemetry", found=[7.0, None, 1.0])
    row = report.delays(found, models, "telemetry").iloc[0]
    assert (row["found"], row["median"]) == (0.5, 7.0)
    assert report.harm(models)["harmful"].item() == 2


CONTRASTS = pd.DataFrame(
    [
        {"layer": LAYERS[2], "other": LAYERS[5], "estimate": 0.08, "low": -0.2, "high": 0.4},
        {"layer": LAYERS[2], "other": LAYERS[0], "estimate": 0.6, "low": 0.1, "high": 1.1},
    ]
)


def test_the_best_layer_stands_beside_the_next_and_what_tells_them_apart():
    best = report.foremost(LAYERS_TABLE, CONTRASTS)
    assert (best.layer, best.other, best.decision) == (LAYERS[2], LAYERS[5], Decision.UNDECIDED)
    assert (best.share, best.others) == (0.3, 0.6)
    assert report.foremost(LAYERS_TABLE, CONTRASTS[1:]).decision == Decision.HIGHER
    assert np.isnan(report.foremost(LAYERS_TABLE, CONTRASTS[:0]).share)


def test_the_suite_on_the_whole_cluster_costs_as_many_times_more_as_that_has_gpus():
    assert report.on_the_cluster(LAYERS_TABLE) == "819,200 to 6,553,600"


def test_who_finds_and_who_passes_is_counted_among_the_right_models():
    models = population([[4, 5], [5], [], []])
    models.loc[models["fault"] == "fault 3", "dose"] = 0.25
    found = models[ONE].assign(layer=TELEMETRY, found=np.where(models[TELEMETRY], 1.0, np.nan))
    assert report.finders(models, found) == {"all": 12, PEOPLE: 3, TELEMETRY: 6}
    assert report.full_dose(models) == {"passes": 3, "harmful": 3}


def test_readings_and_latencies_are_laid_out():
    rows = pd.DataFrame(
        [
            {"claim": claim, "estimate": 0.9, "low": 0.6, "high": 1, "null": 0.8, "n": 11, "low_given": 0.7, "high_given": 0.99}
            for claim in claims.READINGS
        ]
    )
    shown = report.readings_table(rows)
    assert (
        list(shown["by their doses alone (%)"]) == ["80"] * 4 and shown["pattern"].iloc[1] == "passes people, fails telemetry"
    )
    assert report.widest(rows, "stack-real-problem") == (0.9, 0.6, 1)
    assert report.widest(rows.assign(low_given=0.5), "stack-real-problem").low == 0.5
    late = pd.DataFrame({"last": [56], "telemetry": [17.04], "people": [29.5], "estimate": [-12.5], "low": [-20], "high": [-4]})
    assert report.latency_table(late)["difference"].tolist() == ["-12 [-20, -4]"]
