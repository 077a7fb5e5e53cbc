"""What the study of token statistics against loss runs."""

from __future__ import annotations

from pydantic import Field

from proxylib.data.domains import SCRIBE
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.settings import Frozen
from proxylib.stats import Bootstrap

study = Study("proxies_or_loss")


class Settings(Frozen):
    """What a `proxies_or_loss` run is made from, beside its parents."""

    domains: tuple[str, ...] = Field(description="whose grids are read")
    bootstrap: Bootstrap


@study.stage(version=1, builder="proxylib.studies.proxies_or_loss.fits:build", resources=Resources(minutes=0.2), whole=False)
def proxies_or_loss(d: Declaration, domain: str = SCRIBE) -> Request:
    """Do token statistics over the experts' notes of a domain tell what a judge will say better than loss does?"""
    fits = d.step("loss_fits", domain=domain)
    cells = {f"{domain} {name}": cell for name, cell in fits.parents.items() if name.startswith("cell/")}
    settings = Settings(domains=(domain,), bootstrap=d.profile.bootstrap)
    name = "proxies_or_loss" if domain == SCRIBE else f"proxies_or_loss/{domain}"
    return Request(settings, {f"{domain} loss_fits": fits} | cells, name=name, parameters={"domain": domain})


@study.page("proxies_or_loss")
def proxies_or_loss_page(d: Declaration) -> Request:
    """What the page proxies_or_loss reads."""
    names = (SCRIBE, *d.profile.domains)
    return Request(None, {f"proxies_or_loss/{name}": d.step("proxies_or_loss", domain=name) for name in names})
