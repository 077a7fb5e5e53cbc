"""What the study runs: damaged copies of a real model, each measured by itself, the comparison, and texts in colours."""

from __future__ import annotations

from proxylib.data import traces as sources
from proxylib.data.published import registry
from proxylib.runs.step import Declaration, Request, Resources, Step, Study
from proxylib.studies.real_model.settings import (
    SOUND,
    TAUGHT,
    ColouredSettings,
    DamagedSettings,
    LadderSettings,
    Section,
)

study = Study("real_model", Section)
#: what runs on published text depend on
DATA = ("gsm8k", "math500", "humaneval", "mbpp_codet", "nltk_public_domain")
OURS = "ours"


def the_model(d: Declaration) -> Step:
    """The real model's step, whose run holds `model/`; in a small profile a tiny model stands in its place."""
    return d.step("fetched_model")


def _minutes(settings: DamagedSettings) -> Resources:
    return Resources(minutes=5.0 + (settings.damage.dose / 40 if settings.lora else 0), memory=4.0)


@study.stage(version=1, builder="proxylib.studies.real_model.measured:build", resources=_minutes)
def damaged(d: Declaration, copy: str) -> Request:
    """What do worked solutions, prose and questions say of one damaged copy of the real model?"""
    chosen = d.profile.real_model
    damage = chosen.copy_of(copy)
    settings = DamagedSettings(
        damage=damage,
        asked=chosen.asked,
        lora=chosen.lora if damage.kind in TAUGHT else None,
        threads=d.profile.evaluation.threads,
    )
    outside = {name: registry.fingerprint(name) for name in DATA} if chosen.asked.published else {}
    name = f"damaged/{copy.replace(' ', '-')}"
    return Request(settings, {"model": the_model(d)}, outside, name, {"copy": copy})


@study.stage(version=1, builder="proxylib.studies.real_model.coloured:build", resources=Resources(minutes=0.3, memory=3.0))
def coloured(d: Declaration, traces: str = OURS) -> Request:
    """Which tokens of worked solutions surprise the real model?"""
    settings = ColouredSettings(traces=traces, shown=d.profile.real_model.shown, threads=d.profile.evaluation.threads)
    outside = {} if traces == OURS else {"traces": sources.identity(traces)}
    name = "coloured" if traces == OURS else f"coloured/{traces}"
    return Request(settings, {"model": the_model(d)}, outside, name, {"traces": traces})


@study.stage(version=2, builder="proxylib.studies.real_model.ladder:build", resources=Resources(minutes=0.5), whole=False)
def real_model(d: Declaration) -> Request:
    """Do proxies, loss on worked solutions and loss on prose order damaged copies as accuracy does?"""
    chosen = d.profile.real_model
    settings = LadderSettings(copies=chosen.copies, bootstrap=d.profile.bootstrap)
    return Request(settings, {copy.name: d.step("damaged", copy=copy.name) for copy in chosen.copies})


@study.page("a_real_model")
def a_real_model(d: Declaration) -> Request:
    """What the page reads."""
    roles = {"real_model": d.step("real_model"), "coloured": d.step("coloured")}
    return Request(None, roles | {"sound": d.step("damaged", copy=SOUND)})
