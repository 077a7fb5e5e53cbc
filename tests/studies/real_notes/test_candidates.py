"""Names of metrics."""

from proxylib.studies.real_notes import candidates, overlap


def test_fifteen_may_be_chosen_and_the_baseline_may_not():
    assert len(set(candidates.CANDIDATES)) == 15
    assert candidates.BREVITY not in candidates.CANDIDATES and candidates.PACKAGE not in candidates.CANDIDATES
    assert candidates.DEFAULT in candidates.CANDIDATES
    assert set(overlap.metrics("a", "a", "a")) == {*candidates.BY_WORDS, candidates.BREVITY}
