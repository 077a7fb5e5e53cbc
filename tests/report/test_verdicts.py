"""The rule on every interval of a grid: order, mirrors, shifts and scales, margins, nulls, ends that are missing."""

import itertools

import numpy as np
import pytest

from proxylib.report import verdicts
from proxylib.report.verdicts import FAILS, HOLDS, IN_PART, UNDECIDED, Claim, verdict

GRID = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]
INTERVALS = list(itertools.combinations_with_replacement(GRID, 2))
#: null and reported values on the claimed side, as `claims.csv` has them; a null that a run finds may lie beyond the reported
CLAIMS = [
    Claim(direction, null, reported, margin)
    for direction, null, reported, margin in itertools.product((1, -1), GRID[1:-1], [None, *GRID], (False, True))
    if reported is not None or not margin
]
CASES = [(low, high, claim) for (low, high), claim in itertools.product(INTERVALS, CLAIMS)]
OF_CLAIMED_SIDE = [
    case for case in CASES if case[2].reported is None or case[2].direction * (case[2].reported - case[2].null) > 0
]


@pytest.mark.parametrize(
    ("low", "high", "direction", "null", "reported", "expected"),
    [
        (0.2, 0.6, 1, 0.0, 0.5, HOLDS),  # contains the reported value
        (0.6, 0.9, 1, 0.0, 0.5, HOLDS),  # lies beyond it
        (0.1, 0.5, 1, 0.0, 0.5, HOLDS),  # just reaches it
        (0.1, 0.4, 1, 0.0, 0.5, IN_PART),
        (-0.1, 0.9, 1, 0.0, 0.5, UNDECIDED),
        (0.0, 0.9, 1, 0.0, 0.5, UNDECIDED),  # touches the null
        (-0.4, 0.0, 1, 0.0, 0.5, UNDECIDED),
        (-0.4, -0.1, 1, 0.0, 0.5, FAILS),
        (0.1, 0.2, 1, 0.0, None, HOLDS),
        (-0.1, 0.2, 1, 0.0, None, UNDECIDED),
        (-0.2, -0.1, 1, 0.0, None, FAILS),
        (0.55, 0.7, 1, 0.5, 0.8, IN_PART),
        (0.3, 0.45, 1, 0.5, 0.8, FAILS),
        (0.45, 0.9, 1, 0.5, 0.8, UNDECIDED),
        (-0.9, -0.6, -1, 0.0, -0.5, HOLDS),
        (-0.4, -0.1, -1, 0.0, -0.5, IN_PART),
        (0.6, 0.9, -1, 1.0, 0.7, HOLDS),
        (1.1, 1.4, -1, 1.0, 0.7, FAILS),
    ],
)
def test_cases_read_by_hand(low, high, direction, null, reported, expected):
    assert verdict(low, high, Claim(direction, null, reported)) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 0.4, FAILS),  # the sign is right, the margin is not there: never "in part"
        (-0.3, 0.4, FAILS),  # not even the sign, and short of the margin
        (-0.3, 0.6, UNDECIDED),
        (0.1, 0.5, HOLDS),
        (0.6, 0.9, HOLDS),
        (-0.6, -0.1, FAILS),
    ],
)
def test_a_margin_is_judged_on_the_margin_alone(low, high, expected):
    assert verdict(low, high, Claim(1, 0.0, 0.5, margin=True)) == expected


def test_every_case_gets_one_of_four_words_and_all_four_occur():
    assert (
        {verdict(*case) for case in CASES} == {HOLDS, IN_PART, FAILS, UNDECIDED} == set(verdicts.VERDICTS) - set(verdicts.OPEN)
    )


def test_signs_flip_with_everything_else():
    for low, high, claim in CASES:
        other = claim._replace(
            direction=-claim.direction, null=-claim.null, reported=None if claim.reported is None else -claim.reported
        )
        assert verdict(low, high, claim) == verdict(-high, -low, other)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 3.0), (1.0, -0.25), (4.0, 0.0), (0.5, 1.0)])
def test_units_and_the_place_of_the_null_do_not_matter(scale, shift):
    move = lambda value: None if value is None else scale * value + shift
    for low, high, claim in CASES:
        moved = claim._replace(null=move(claim.null), reported=move(claim.reported))
        assert verdict(low, high, claim) == verdict(move(low), move(high), moved)


def test_an_interval_that_contains_the_null_never_holds_and_fails_for_a_margin_alone():
    cases = [case for case in OF_CLAIMED_SIDE if case[0] <= case[2].null <= case[1]]
    assert cases
    for low, high, claim in cases:
        word = verdict(low, high, claim)
        assert word == UNDECIDED or (word == FAILS and claim.margin), (low, high, claim)


def test_an_interval_beyond_the_null_on_the_other_side_fails_whatever_is_reported():
    cases = [case for case in CASES if (case[1] < case[2].null if case[2].direction > 0 else case[0] > case[2].null)]
    assert cases and all(verdict(*case) == FAILS for case in cases)


def test_holds_is_the_claimed_side_and_the_reported_value_reached():
    for low, high, claim in CASES:
        inside = low > claim.null if claim.direction > 0 else high < claim.null
        far = high if claim.direction > 0 else low
        reached = claim.reported is None or claim.direction * (far - claim.reported) >= 0
        assert (verdict(low, high, claim) == HOLDS) == (inside and reached)


def test_a_margin_is_never_in_part_and_differs_only_where_the_margin_is_missed():
    for low, high, claim in [case for case in CASES if case[2].margin]:
        word, plain = verdict(low, high, claim), verdict(low, high, claim._replace(margin=False))
        far = high if claim.direction > 0 else low
        missed = claim.direction * (far - claim.reported) < 0
        assert word != IN_PART and word == (FAILS if missed else plain)


def test_a_null_further_on_never_helps_a_claim():
    order = {FAILS: 0, UNDECIDED: 1, IN_PART: 2, HOLDS: 2}
    for low, high, claim in CASES:
        words = [verdict(low, high, claim._replace(null=claim.null + claim.direction * more)) for more in (0.0, 0.5, 1.0, 5.0)]
        assert [order[word] for word in words] == sorted((order[word] for word in words), reverse=True)


def test_a_wider_interval_is_never_firmer_against_the_null():
    for low, high, claim in CASES:
        if verdict(low, high, claim) == UNDECIDED:
            assert verdict(low - 1, high + 1, claim) == UNDECIDED


@pytest.mark.parametrize("ends", [(np.nan, np.nan), (-np.inf, np.inf), (np.nan, np.inf)])
def test_without_ends_nothing_is_decided(ends):
    assert {verdict(*ends, claim) for claim in CLAIMS} == {UNDECIDED}
    assert verdicts.reason(UNDECIDED, *ends, CLAIMS[0]) == "no interval is defined"


def test_one_missing_end_decides_nothing_on_its_side():
    claim = Claim(1, 0.0, 0.5)
    assert verdict(np.nan, 0.9, claim) == UNDECIDED and verdict(np.nan, -0.1, claim) == FAILS
    assert verdict(0.1, np.nan, claim) == HOLDS and verdict(-0.1, np.nan, claim) == UNDECIDED


@pytest.mark.parametrize(
    ("low", "high", "claim", "said"),
    [
        (0.2, 0.6, Claim(1, 0, 0.5), "the interval lies above 0 and reaches the reported value; it is 0.4 wide"),
        (0.2, 0.6, Claim(1, 0, 0.5, True), "the interval lies above 0 and reaches the claimed value; it is 0.4 wide"),
        (0.2, 0.6, Claim(1, 0), "the interval lies above 0; it is 0.4 wide"),
        (0.2, 0.4, Claim(1, 0, 0.5), "the interval lies above 0 but short of the reported value"),
        (0.2, 0.4, Claim(1, 0, 0.5, True), "the interval stops short of the claimed 0.5"),
        (-0.4, -0.2, Claim(-1, 0, -0.5, True), "the interval stops short of the claimed -0.5"),
        (-0.4, -0.2, Claim(1, 0, 0.5, True), "the interval lies on the other side of 0"),
        (0.2, 0.4, Claim(-1, 0.1234, -0.5), "the interval lies on the other side of 0.123"),
        (-0.4, 0.2, Claim(1, 0, 0.5), "the interval contains 0"),
    ],
)
def test_reasons_say_what_the_rule_saw(low, high, claim, said):
    assert verdicts.reason(verdict(low, high, claim), low, high, claim) == said
