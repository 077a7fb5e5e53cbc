"""Recorded tables keep their bytes: renamed stages and keys give runs other ids, never other numbers.

`recorded_tables.sha256` lists every recorded table by profile, stage and name, one line a run, in the format of sha256sum.
It changes only with a commit that records results anew (`proxylib grid --profile P --record`), whose message says why the
numbers moved; then `python tests/test_recorded.py` rewrites it.
"""

import hashlib
from collections import Counter
from pathlib import Path

from proxylib.studies.your_models import worth

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_name("recorded_tables.sha256")


def lines():
    """`sha256  profile/stage/table.parquet` of every recorded table, sorted by table; run ids are left out."""
    found = []
    for path in (ROOT / "results").glob("*/*/*/**/*.parquet"):
        profile, stage, _, *table = path.relative_to(ROOT / "results").parts
        found.append(("/".join([profile, stage, *table]), hashlib.sha256(path.read_bytes()).hexdigest()))
    return [f"{digest}  {name}" for name, digest in sorted(found)]


def test_recorded_tables_are_the_listed_ones():
    listed, found = Counter(LIST.read_text().splitlines()), Counter(lines())
    gone, new = sorted((listed - found).elements()), sorted((found - listed).elements())
    assert not gone and not new, f"gone: {gone[:5]}; new: {new[:5]}; this file's head says when the list may change"


def test_readme_says_what_the_newest_reference_run_says_of_the_proxy():
    """In words that its intervals decide; where they turn, README follows."""
    value = worth.recorded()
    assert value is not None and worth.in_words(value) in (ROOT / "README.md").read_text()


if __name__ == "__main__":
    LIST.write_text("\n".join(lines()) + "\n")
