"""Models whose faults and alarms are known."""

import pandas as pd

from proxylib.studies.layers.series import LAYERS
from proxylib.studies.layers.text import HEALTHY


def population(caught_by, harmful=True, lost=20.0, healthy_alarms=0, healthy_layers=LAYERS):
    """A fault a row of `caught_by` (numbers of layers), three models each, and twenty healthy models."""
    rows = []
    for number, layers in enumerate(caught_by):
        for seed in range(3):
            alarms = {layer: place in layers for place, layer in enumerate(LAYERS)}
            about = {"model": "x", "fault": f"fault {number}", "dose": 1.0, "seed": 10 * number + seed}
            rows.append(about | {"lost": lost, "longer": 1.0, "harmful": harmful} | alarms)
    for seed in range(20):
        alarms = {layer: seed < healthy_alarms and layer in healthy_layers for layer in LAYERS}
        rows.append(
            {"model": "x", "fault": HEALTHY, "dose": 0.0, "seed": 900 + seed, "lost": 0.0, "longer": 1.0, "harmful": False}
            | alarms
        )
    return pd.DataFrame(rows)
