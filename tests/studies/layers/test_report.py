"""Frames of the page on what catches what."""

import pandas as pd

from proxylib.report import plots
from proxylib.studies.layers import report
from proxylib.studies.layers.series import LAYERS
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
