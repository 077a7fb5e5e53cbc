"""`proxylib forecast`: what a run, or a larger one, will score, and how wrong such forecasts were before."""

from __future__ import annotations

from typing import Any

from proxylib.cli.options import command
from proxylib.studies.forecasting.settings import Forecast
from proxylib.text import say, warn


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "forecast", Forecast, run)


def run(options: Forecast) -> int:
    """Forecast, and print one sentence; 4 where the past cannot be asked as far ahead as the target lies."""
    from proxylib.studies.forecasting import forecast

    finished = forecast.forecast_file(options)
    for note in finished.facts["notes"]:
        warn(note)
    say(finished.facts["sentence"])
    return finished.facts["code"]
