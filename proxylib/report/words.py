"""Words for numbers and decisions: the one small vocabulary of pages and terminals.

Sentences stand in notebooks, with slots. What fills a slot is a number with the digits that its interval supports, or the
word for a decision that an analysis took (`stats.Decision`); nothing here builds sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from proxylib.stats import Decision, Interval

MISSING = "–"
#: decision -> how it is said of a quantity that is compared with another
WORDS = {Decision.HIGHER: "higher", Decision.LOWER: "lower", Decision.UNDECIDED: "not distinguishable"}


def rounded(value: float, half_width: float) -> str:
    """A number with the digits that its interval supports: one digit of the interval's half width, two below 3.55.

    The rule of the Particle Data Group's reviews.

    >>> rounded(0.82967, 0.043), rounded(0.82967, 0.013), rounded(0.82967, 0.23), rounded(1234.5, 80)
    ('0.83', '0.830', '0.83', '1230')
    """
    if not np.isfinite(value):
        return MISSING
    if not np.isfinite(half_width) or half_width <= 1e-12 * max(1.0, abs(value)):  # a width of roundings is none
        return f"{value:.3g}"
    half_width *= 1 + 1e-9  # (0.6 - 0.2) / 2 is a hair below 0.2
    exponent = int(np.floor(np.log10(half_width)))
    if half_width / 10**exponent < 3.55:
        exponent -= 1
    return f"{value:.{max(0, -exponent)}f}" if exponent < 0 else f"{round(value, -exponent):.0f}"


def with_interval(interval: Interval | Sequence[float], scale: float = 1.0) -> str:
    """`0.83 [0.74, 0.88]`, rounded to what the interval supports; `scale` 100 turns shares into percent.

    A dash where there is no estimate, and dashes for the ends where there is no interval.
    """
    estimate, low, high = (float(value) * scale for value in tuple(interval)[:3])
    if not np.isfinite(estimate):
        return MISSING
    half = (high - low) / 2
    if not np.isfinite(half):
        return f"{estimate:.2g} [{MISSING}, {MISSING}]"
    return f"{rounded(estimate, half)} [{rounded(low, half)}, {rounded(high, half)}]"


def percent(share: float, digits: int = 0) -> str:
    """A share as percent, without the sign; a dash where it is not defined."""
    return f"{100 * share:.{digits}f}" if np.isfinite(share) else MISSING


def whole_percent(interval: Interval | Sequence[float], sign: str = "-") -> str:
    """Shares in whole percent, `83 [55, 95]`, where every interval is many points wide.

    `sign` "+" is for differences: `+27 [+7, +38]`, in percentage points.
    """
    show = lambda share: f"{100 * share:{sign}.0f}" if np.isfinite(share) else MISSING
    estimate, low, high = map(show, tuple(interval)[:3])
    return f"{estimate} [{low}, {high}]"


def signed(value: float, digits: int = 1) -> str:
    """A change with its sign, `+6.0`; a dash where it is not defined."""
    return f"{value:+.{digits}f}" if np.isfinite(value) else MISSING


def span(values: Sequence[float], digits: int = 1) -> str:
    """From the smallest to the largest, `1.7 to 9.6`, or the one value that both are; a dash for nothing."""
    ends = [f"{end(values):.{digits}f}" for end in (min, max)] if len(values) else [MISSING]
    return " to ".join(dict.fromkeys(ends))


def p_value(p: float) -> str:
    """`p = .012`, never `p = .000`; a dash where there was no test."""
    if not np.isfinite(p):
        return MISSING
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".")


def significant(value: float, digits: int = 1) -> str:
    """`1e-6`, `0.03`: a quantity without interval that runs over many orders of magnitude."""
    return f"{value:.{digits}g}".replace("e-0", "e-") if np.isfinite(value) else MISSING


def chosen(decision: Decision, higher: str, lower: str, undecided: str) -> str:
    """The word or clause of a notebook that fits a decision."""
    return {Decision.HIGHER: higher, Decision.LOWER: lower, Decision.UNDECIDED: undecided}[decision]


def listed(items: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`; `none` for nothing."""
    items = list(items)
    if len(items) < 2:
        return items[0] if items else "none"
    return f"{', '.join(items[:-1])} and {items[-1]}"


def by_place(said: Mapping[str, str]) -> str:
    """`better in a and in b alike` where the same is said of all places, else `better in a, but worse in b`.

    >>> by_place({"notes": "better", "claims": "better"}), by_place({"notes": "better", "claims": "worse"})
    ('better in notes and in claims alike', 'better in notes, but worse in claims')
    """
    if len(set(said.values())) == 1:
        alike = " alike" if len(said) > 1 else ""
        return f"{next(iter(said.values()))} in {' and in '.join(said)}{alike}"
    return ", but ".join(f"{words} in {place}" for place, words in said.items())


def counted(number: int, noun: str) -> str:
    """`1 task`, `3 tasks`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
