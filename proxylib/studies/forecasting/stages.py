"""What the study of forecasts runs."""

from __future__ import annotations

from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.forecasting.settings import LabSettings

study = Study("forecasting")


@study.stage(
    version=1, builder="proxylib.studies.forecasting.lab_forecasts:build", resources=Resources(minutes=1.5), whole=False
)
def lab_forecasts(d: Declaration) -> Request:
    """From the first part of a training run, what foretells what it will solve at its end?"""
    before, after = d.profile.trajectories.runs, d.profile.trajectories.post
    names = {"runs": tuple(model.name for model in before), "post": tuple(model.name for model in after)}
    settings = LabSettings(**names, counted=d.profile.counted, bootstrap=d.profile.bootstrap)
    watched = {name: d.step("trajectory", model=name) for kind in names.values() for name in kind}
    return Request(settings, {"material": d.step("material")} | watched)


@study.page("forecasting_in_the_lab")
def forecasting_in_the_lab(d: Declaration) -> Request:
    """What the page forecasting_in_the_lab reads."""
    first = d.step("trajectory", model=d.profile.trajectories.runs[0].name)
    return Request(None, {"lab_forecasts": d.step("lab_forecasts"), "trajectory": first})
