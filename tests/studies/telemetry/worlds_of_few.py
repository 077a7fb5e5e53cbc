"""A profile's section small enough for tests."""

from proxylib import studies


def small(**changes):
    """Smoke's telemetry, changed."""
    chosen = studies.profile("smoke").telemetry
    return type(chosen)(**(chosen.model_dump() | changes))
