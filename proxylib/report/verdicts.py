"""The rule by which an interval judges a claim, fixed before looking (DESIGN section 2)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

HOLDS, IN_PART, FAILS, UNDECIDED = "holds", "in part", "does not hold", "undecided"
NOT_YET, NOT_HERE = "not tested yet", "not testable here"
#: from firm to open; the last two have no interval
VERDICTS = (HOLDS, IN_PART, FAILS, UNDECIDED, NOT_YET, NOT_HERE)
OPEN = (NOT_YET, NOT_HERE)


class Claim(NamedTuple):
    """What a claim says of a quantity.

    direction : +1 where it lies above the null, -1 where below
    null : the value that would make the claim empty: what the same procedure finds without the signal
    reported : the value of the source, None where it gives none
    margin : whether that value is what is claimed ("half the error"), rather than what somebody found
    """

    direction: int
    null: float
    reported: float | None = None
    margin: bool = False


def verdict(low: float, high: float, claim: Claim) -> str:
    """Judge an interval by the rule.

    Parameters
    ----------
    low, high : ends of the interval over what the claim generalises about; one that is not finite has no end
    claim : what is judged

    Returns
    -------
    "does not hold": the interval lies on the other side of the null or, where the claim is a margin, short of the margin.
    "undecided": the interval contains the null. "holds": it lies on the claimed side and contains the reported value or lies
    beyond it. "in part": on the claimed side, short of the reported value.

    Notes
    -----
    An interval that touches the null contains it. A claim of a margin is never "in part": what is short of the margin is not
    what was claimed. A claim that is false by a hair holds when n is small enough for no interval to exclude anything else;
    read the interval, not the word.
    """
    low, high = (end if np.isfinite(end) else side for end, side in ((low, -np.inf), (high, np.inf)))
    near, far = (low, high) if claim.direction > 0 else (-high, -low)
    null = claim.direction * claim.null
    reported = None if claim.reported is None else claim.direction * claim.reported
    if far < null or (claim.margin and far < reported):
        return FAILS
    if near <= null:
        return UNDECIDED
    return HOLDS if reported is None or far >= reported else IN_PART


def reason(word: str, low: float, high: float, claim: Claim) -> str:
    """Why the rule says that word of that interval."""
    side = "above" if claim.direction > 0 else "below"
    null = f"{claim.null:.3g}"
    if word == FAILS:
        far = high if claim.direction > 0 else low
        beyond = claim.direction * (far - claim.null) >= 0
        return (
            f"the interval stops short of the claimed {claim.reported:g}"
            if beyond
            else f"the interval lies on the other side of {null}"
        )
    if word == UNDECIDED:
        return f"the interval contains {null}" if np.isfinite([low, high]).all() else "no interval is defined"
    if word == IN_PART:
        return f"the interval lies {side} {null} but short of the reported value"
    reaches = "" if claim.reported is None else f" and reaches the {'claimed' if claim.margin else 'reported'} value"
    return f"the interval lies {side} {null}{reaches}; it is {high - low:.2g} wide"
