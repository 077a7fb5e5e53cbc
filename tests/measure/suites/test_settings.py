"""The suite by name, and what a benchmark may be asked for."""

import pytest

from proxylib import studies
from proxylib.errors import UserError
from proxylib.measure.suites.settings import LOCAL, Benchmark, suite


def test_the_hub_profile_names_the_eight_benchmarks_each_with_its_setting():
    rows = {row.name: row for row in suite()}
    families = ("mmlu", "humaneval", "mbpp", "gsm8k", "math", "arc", "hellaswag", "truthfulqa", "winogrande")
    assert [any(name.startswith(family) for name in rows) for family in families] == [True] * len(families)
    assert len(rows) == len(families) and set(LOCAL) < set(rows)
    assert studies.profile("hub").suite == tuple(rows.values()) and studies.profile("lab").suite == ()


def test_some_of_the_suite_in_the_order_that_was_asked_for():
    assert [row.name for row in suite(("mbpp", "gsm8k", "mbpp"))] == ["mbpp", "gsm8k"]
    with pytest.raises(UserError, match="--only: gsm9k is not in the suite of .*hub.yaml; there are mmlu, "):
        suite(("gsm9k",))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "humaneval", "metric": "pass", "k": 2}, "pass@2 needs 2 samples, 1 are asked for"),
        ({"name": "gsm8k", "metric": "acc"}, "its metric is exact_match, not acc"),
        ({"name": "mbpp", "metric": "pass", "shots": 1}, "takes no shots"),
        ({"name": "mmlu", "metric": "acc", "samples": 2}, "with one answer"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(values, said):
    with pytest.raises(ValueError, match=said):
        Benchmark(**values)


def test_a_bad_suite_names_file_and_key(tmp_path):
    (tmp_path / "hub.yaml").write_text("suite:\n  - {name: gsm8k, metric: exact_match, shot: 3}\n")
    with pytest.raises(UserError, match="hub.yaml.*shot"):
        suite(folder=tmp_path)
