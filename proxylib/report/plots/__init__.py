"""Figures: a tidy frame and an `ax` in, the `ax` out. Nothing is fitted here, and colours stand in one table (`style`)."""

from proxylib.report.plots.claims import claims_forest, claims_height
from proxylib.report.plots.curves import (
    decision_accuracy_by_compute,
    decisions_by_share,
    learning_curves,
    lines_with_intervals,
    loss_curves,
    memory_lines,
    misranked_within_noise,
    paired_differences,
    scaling_lines,
)
from proxylib.report.plots.distributions import accuracies_by_task, histogram_with_marks, levels_by_task
from proxylib.report.plots.forecasts import along_a_run, forecast_lines, methods_errors
from proxylib.report.plots.intervals import (
    agreement_forest,
    beside_reported,
    ceiling_by_task,
    changes_forest,
    contrast_forest,
    forest,
    methods_forest,
    models_forest,
    trained_twice,
)
from proxylib.report.plots.matrices import heat_map, share_map, similarity
from proxylib.report.plots.scatters import prices, promises, quadrants, rank_scatter, scatter_with_lines, surface_in_doubt
from proxylib.report.plots.style import NARROW, WIDE, at_width, canvas, finding, legend_below, panel, ratios, same_limits, svg
from proxylib.report.plots.watched import candidates, watched_series

__all__ = [
    "NARROW",
    "WIDE",
    "accuracies_by_task",
    "agreement_forest",
    "along_a_run",
    "at_width",
    "beside_reported",
    "canvas",
    "candidates",
    "ceiling_by_task",
    "changes_forest",
    "claims_forest",
    "claims_height",
    "contrast_forest",
    "decision_accuracy_by_compute",
    "decisions_by_share",
    "finding",
    "forecast_lines",
    "forest",
    "heat_map",
    "histogram_with_marks",
    "learning_curves",
    "legend_below",
    "levels_by_task",
    "lines_with_intervals",
    "loss_curves",
    "memory_lines",
    "methods_errors",
    "methods_forest",
    "misranked_within_noise",
    "models_forest",
    "paired_differences",
    "panel",
    "prices",
    "promises",
    "quadrants",
    "rank_scatter",
    "ratios",
    "same_limits",
    "scaling_lines",
    "scatter_with_lines",
    "share_map",
    "similarity",
    "surface_in_doubt",
    "svg",
    "trained_twice",
    "watched_series",
]
