"""What the study of watched runs runs."""

from __future__ import annotations

from proxylib.data.published import registry
from proxylib.runs.config import ROOT
from proxylib.runs.files import sha256
from proxylib.runs.folder import MANIFEST
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.your_run import history as histories
from proxylib.studies.your_run.settings import from_parameters

study = Study("your_run")
SETS = ("olmo_ladder", "gemstones", "pythia_evals")  # published runs


@study.stage(
    version=3,
    builder="proxylib.studies.your_run.published:build",
    resources=Resources(minutes=2),
    shared=True,
    whole=False,
)
def published_alarms(d: Declaration) -> Request:
    """How often does the monitor raise an alarm on published runs, and does it find faults that are put into them? No row of
    the published data enters the run.
    """
    return Request(d.profile.bootstrap, outside={name: registry.fingerprint(name) for name in SETS})


@study.page("monitor")
def monitor(d: Declaration, history: str | None = None, out: str | None = None) -> Request:
    """What the page monitor reads: published runs, and a history of yours where one is given."""
    parents = {"published": d.step("published_alarms")}
    given = {name: value for name, value in (("history", history), ("out", out)) if value is not None}
    if not given:
        return Request(None, parents, outside=_example())
    asked = from_parameters(given)  # what is mistyped is refused here, before a kernel starts
    # the notebook's kernel works in another folder than its caller
    given |= {"history": str(asked.history.absolute()), "out": str(asked.out.absolute())}
    digest = {"history": histories.digest(asked.history)} if asked.history.exists() else {}
    return Request(None, parents, outside=digest, parameters=given)


def _example() -> dict[str, str]:
    """Digest of the recorded run that the page shows as an example: another one is another page."""
    manifests = sorted((ROOT / "results").glob(f"reference/trajectory/*/{MANIFEST}"))
    return {"example": sha256(manifests[0])} if manifests else {}
