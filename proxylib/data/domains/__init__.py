"""Domains in which notes are written and judged, a folder each; what lies here is found, and nowhere listed.

A folder's package holds a `DOMAIN` (see `base.Domain`), and beside it the prompts of the five criteria.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pandas as pd

from proxylib.data.domains.base import Domain

SCRIBE = "scribe"  # the first one, of which recorded runs do not say that it is theirs
NAMES = tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/__init__.py")))


def row(claim: str, domain: str) -> str:
    """How the row of a claim is called in `estimates`: by its claim, and by the domain too where it is not the first."""
    return claim if domain == SCRIBE else f"{claim}/{domain}"


def named(estimates: pd.DataFrame, domain: str) -> pd.DataFrame:
    """A table `estimates` with its claims called as those of a domain."""
    return estimates.assign(claim=[row(claim, domain) for claim in estimates["claim"]])


def domain(name: str) -> Domain:
    """The domain of a folder."""
    assert name in NAMES, f"there is no domain {name}; there are {', '.join(NAMES)}"
    return importlib.import_module(f"{__name__}.{name}").DOMAIN
