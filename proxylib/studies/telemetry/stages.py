"""What the study of telemetry runs: worlds of simulated users, and what came of reading them. No real user is in it."""

from __future__ import annotations

from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.telemetry.settings import CENTRAL, DRAWN, Section, TelemetrySettings, WorldsSettings

study = Study("telemetry", Section)
WORLD = 0.012  # minutes of one


def _simulated(settings: WorldsSettings) -> Resources:
    return Resources(minutes=WORLD * settings.telemetry.worlds)


@study.stage(version=1, builder="proxylib.studies.telemetry.worlds:build", resources=_simulated)
def telemetry_worlds(d: Declaration, kind: str = CENTRAL) -> Request:
    """What does each way of attribution read in simulated telemetry whose truth is known? All of it is simulated."""
    settings = WorldsSettings(telemetry=d.profile.telemetry, kind=kind)
    return Request(settings, name=f"telemetry_worlds/{kind}", parameters={"kind": kind})


@study.stage(version=1, builder="proxylib.studies.telemetry.reading:build", whole=False)
def telemetry(d: Declaration) -> Request:
    """How wrong is the effect of a model update as simulated telemetry tells it, and what does telemetry leave out?"""
    chosen = d.profile.telemetry
    settings = TelemetrySettings(looks=chosen.looks, looked=chosen.looked, bootstrap=d.profile.bootstrap)
    return Request(settings, {kind: d.step("telemetry_worlds", kind=kind) for kind in (CENTRAL, DRAWN)})


@study.page("telemetry")
def telemetry_page(d: Declaration) -> Request:
    """What the page reads."""
    return Request(None, {"telemetry": d.step("telemetry")})
