"""What the study of preferences runs."""

from __future__ import annotations

from proxylib.data.published import registry
from proxylib.runs.files import sha256
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.preferences.settings import from_parameters

study = Study("preferences")
SETS = ("mt_bench_human", "pandalm", "obs_scaling")


@study.stage(
    version=2, builder="proxylib.studies.preferences.published:build", resources=Resources(minutes=1), shared=True, whole=False
)
def published_preferences(d: Declaration) -> Request:
    """Which models do people prefer, how sure is that, what do they like beside, and how many votes does it take?"""
    return Request(d.profile.bootstrap, outside={name: registry.fingerprint(name) for name in SETS})


@study.page("human_preferences")
def human_preferences(d: Declaration, votes: str | None = None, out: str | None = None) -> Request:
    """What the page human_preferences reads: published votes, how far people agree on them, and votes of yours where given."""
    parents = {"published": d.step("published_preferences"), "judgments": d.step("judgments")}
    given = {name: value for name, value in (("votes", votes), ("out", out)) if value is not None}
    if not given:
        return Request(None, parents)
    asked = from_parameters(given)  # what is mistyped is refused here, before a kernel starts
    # the notebook's kernel works in another folder than its caller
    given = {"votes": str(asked.votes.absolute()), "out": str(asked.out.absolute())}
    digest = {"votes": sha256(asked.votes)} if asked.votes.is_file() else {}
    return Request(None, parents, outside=digest, parameters=given)
