"""What the study of preferences runs."""

from __future__ import annotations

from proxylib.data.published import registry
from proxylib.runs.step import Declaration, Request, Resources, Study

study = Study("preferences")
SETS = ("mt_bench_human", "pandalm", "obs_scaling")


@study.stage(
    version=1, builder="proxylib.studies.preferences.published:build", resources=Resources(minutes=1), shared=True, whole=False
)
def published_preferences(d: Declaration) -> Request:
    """Which models do people prefer, how sure is that, what do they like beside, and how many votes does it take?"""
    return Request(d.profile.bootstrap, outside={name: registry.fingerprint(name) for name in SETS})


@study.page("human_preferences")
def human_preferences(d: Declaration) -> Request:
    """What the page human_preferences reads: published votes, and how far people agree on them."""
    return Request(None, {"published": d.step("published_preferences"), "judgments": d.step("judgments")})
