"""What the study of where to evaluate runs."""

from __future__ import annotations

from proxylib.data.domains import SCRIBE
from proxylib.data.published import registry
from proxylib.runs.config import ROOT
from proxylib.runs.files import sha256
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.planning.settings import Section, SurgicalSettings

study = Study("planning", Section)
REPORTED = ROOT / "proxylib" / "studies" / "loss" / "reported.csv"  # a table that all studies of the post read
SETS = ("olmo_ladder", "gadre_scaling", "gemstones", "datadecide", "pythia_evals")


@study.stage(version=1, builder="proxylib.studies.planning.surgical:build", resources=Resources(minutes=1.5), whole=False)
def surgical(d: Declaration, domain: str = SCRIBE) -> Request:
    """Which cells of a domain's grid to evaluate next, once all losses are known, and on how many notes?"""
    settings = SurgicalSettings(planning=d.profile.planning, bootstrap=d.profile.bootstrap)
    parents = {name: d.step(name, domain=domain) for name in ("loss_fits", "verdicts")}
    name = "surgical" if domain == SCRIBE else f"surgical/{domain}"
    return Request(settings, parents, name=name, parameters={"domain": domain})


@study.stage(
    version=2, builder="proxylib.studies.planning.published:build", resources=Resources(minutes=2), shared=True, whole=False
)
def published_surgical(d: Declaration) -> Request:
    """Which published runs to evaluate next, once all losses are known, and are the planner's promises kept? No row of the
    published data enters the run.
    """
    return Request(d.profile.bootstrap, outside={name: registry.fingerprint(name) for name in SETS})


@study.stage(version=1, builder="proxylib.studies.planning.stops:build", resources=Resources(minutes=0.5), whole=False)
def plan_stops(d: Declaration) -> Request:
    """What comes of the promise with which a plan says stop, and does a correction learnt on other decisions mend it?"""
    settings = SurgicalSettings(planning=d.profile.planning, bootstrap=d.profile.bootstrap)
    parents = {"published": d.step("published_surgical")}
    for domain in (SCRIBE, *d.profile.domains):
        parents |= {f"{name}/{domain}": d.step(name, domain=domain) for name in ("loss_fits", "verdicts")}
    return Request(settings, parents)


@study.page("where_to_evaluate")
def where_to_evaluate(d: Declaration) -> Request:
    """What the page reads: every domain's grid, published ones, and what the post reports of its own."""
    parents = {f"surgical/{name}": d.step("surgical", domain=name) for name in (SCRIBE, *d.profile.domains)}
    parents |= {name: d.step(name) for name in ("published_surgical", "plan_stops")}
    return Request(None, parents, outside={"reported": sha256(REPORTED)})
