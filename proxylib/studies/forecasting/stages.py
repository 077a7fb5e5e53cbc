"""What the study of forecasts runs."""

from __future__ import annotations

from proxylib.data.published import registry
from proxylib.runs.config import ROOT
from proxylib.runs.files import sha256
from proxylib.runs.folder import MANIFEST
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.forecasting.settings import LabSettings, from_parameters

study = Study("forecasting")
SETS = ("olmo_ladder", "gemstones", "gadre_scaling", "datadecide", "pythia_evals")  # published runs


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


@study.stage(
    version=2, builder="proxylib.studies.forecasting.published:build", resources=Resources(minutes=6), shared=True, whole=False
)
def published_forecasts(d: Declaration) -> Request:
    """How wrong are forecasts of published runs, by which method, how far ahead, and do their intervals hold? No row of the
    published data enters the run.
    """
    return Request(d.profile.bootstrap, outside={name: registry.fingerprint(name) for name in SETS})


@study.page("forecasting")
def forecasting(d: Declaration, history: str | None = None, target: str | None = None, out: str | None = None) -> Request:
    """What the page forecasting reads: published runs, and a history of yours where one is given."""
    parents = {"published": d.step("published_forecasts")}
    given = {name: value for name, value in (("history", history), ("target", target), ("out", out)) if value is not None}
    if not given:
        return Request(None, parents, outside=_example())
    asked = from_parameters(given)  # what is mistyped is refused here, before a kernel starts
    # the notebook's kernel works in another folder than its caller
    given |= {"history": str(asked.history.absolute()), "out": str(asked.out.absolute())}
    digest = {"history": sha256(asked.history)} if asked.history.is_file() else {}
    return Request(None, parents, outside=digest, parameters=given)


def _example() -> dict[str, str]:
    """Digest of the recorded run that the page shows as an example: another one is another page."""
    manifests = sorted((ROOT / "results").glob(f"reference/trajectory/*/{MANIFEST}"))
    return {"example": sha256(manifests[0])} if manifests else {}
