"""Insurance claims: a policyholder reports a damage, and an assessor's report in five lines follows."""

from proxylib.data.domains.claims.calls import DOMAIN

__all__ = ["DOMAIN"]
