"""What the study of token statistics against loss runs."""

from __future__ import annotations

from pydantic import Field

from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap

study = Study("proxies_or_loss")


class Settings(Frozen):
    """What a `proxies_or_loss` run is made from, beside its parents."""

    domains: tuple[str, ...] = Field(description="whose grids are read; claims are about the first")
    bootstrap: Bootstrap


@study.stage(version=1, builder="proxylib.studies.proxies_or_loss.fits:build", resources=Resources(minutes=0.2), whole=False)
def proxies_or_loss(d: Declaration) -> Request:
    """Do token statistics over the experts' notes tell what a judge will say better than loss does?"""
    parents = {}
    fits = {"scribe": d.step("loss_fits")}
    for domain, step in fits.items():
        parents |= {f"{domain} loss_fits": step}
        parents |= {f"{domain} {name}": cell for name, cell in step.parents.items() if name.startswith("cell/")}
    return Request(Settings(domains=tuple(fits), bootstrap=d.profile.bootstrap), parents)


@study.page("proxies_or_loss")
def proxies_or_loss_page(d: Declaration) -> Request:
    """What the page proxies_or_loss reads."""
    return Request(None, {"proxies_or_loss": d.step("proxies_or_loss")})
