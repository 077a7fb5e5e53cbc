"""Problems are drawn, not rows: against a bootstrap written out, and for files that repeat themselves."""

import numpy as np
import pandas as pd
import pytest
from studies.your_models.token_rows import BOOTSTRAP, rows

from proxylib.data.reading import reading_of
from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.studies.your_models import compare, drawing
from proxylib.studies.your_models.compare import Measured

MODELS = {"m0": 0.5, "m1": 0.51, "m2": 0.53}


def repeated(measured, times):
    """The rows with every trace so many times, under other ids; and the problem of each."""
    tokens, vocabulary = measured
    parts = [tokens.assign(id=[f"{id}-{copy}" for id in tokens["id"]]) for copy in range(times)]
    whole = pd.concat(parts, ignore_index=True)
    solved = {(task, id): f"{task} {id.split('-')[0]}" for task, id in zip(whole["task"], whole["id"], strict=True)}
    return Measured(whole, vocabulary), solved


def compared(times):
    measured = {name: repeated(rows(skill, seed), times) for seed, (name, skill) in enumerate(MODELS.items())}
    (_, problems), *_ = measured.values()
    tables = {name: table for name, (table, _) in measured.items()}
    return compare.compare(tables, pd.Series(dtype=str), BOOTSTRAP, problems=problems)


def test_twenty_solutions_that_say_the_same_are_one_piece_of_evidence():
    once, often = compared(1), compared(20)
    assert (once.used, once.problems, often.used, often.problems) == (26, 26, 520, 26)
    columns = [column for column in once.table if column != "model"]
    np.testing.assert_allclose(often.table[columns].astype(float), once.table[columns].astype(float), rtol=1e-9)
    np.testing.assert_allclose(often.support["support"], once.support["support"], atol=0.01)
    np.testing.assert_allclose(often.values, once.values, rtol=1e-9)
    assert once.support["support"].min() < 1  # else all supports would be alike


def test_a_problem_with_many_solutions_counts_once():
    tokens, vocabulary = rows(0.5)
    more = [tokens, *(tokens[tokens["id"] == "3"].assign(id=f"3-{copy}") for copy in range(30))]
    lopsided = Measured(pd.concat(more, ignore_index=True), vocabulary)
    solved = {
        (task, id): f"{task} {id.split('-')[0]}"
        for task, id in zip(lopsided.tokens["task"], lopsided.tokens["id"], strict=True)
    }
    found = compare.compare({"a": lopsided, "b": lopsided}, pd.Series(dtype=str), BOOTSTRAP, problems=solved)
    plain = compare.compare({"a": Measured(tokens, vocabulary), "b": rows(0.7)}, pd.Series(dtype=str), BOOTSTRAP)
    ends = ["bits_per_byte", "bits_per_byte low", "bits_per_byte high"]  # no frequencies in it
    np.testing.assert_allclose(
        found.table.set_index("model").loc["a", ends].astype(float), plain.table.set_index("model").loc["a", ends].astype(float)
    )


def test_intervals_are_those_of_a_bootstrap_over_problems_written_out():
    """Half of the problems have three solutions that agree but for noise."""
    rng = np.random.default_rng(1)
    table = [
        {"task": task, "id": f"{number}-{solution}", "problem": f"{task}{number}", "value": effect + rng.normal(0, 0.1)}
        for task in ("a", "b")
        for number, effect in enumerate(rng.normal(0, 1, 15))
        for solution in range(1 + 2 * (number % 2))
    ]
    table = pd.DataFrame(table)
    solved = dict(zip(zip(table["task"], table["id"], strict=True), table["problem"], strict=True))
    by_trace = table.assign(model="m").rename(columns={"value": "x"})[["model", "task", "id", "x"]]
    interval = drawing.resampled(by_trace, "x", solved, BOOTSTRAP.model_copy(update={"draws": 4000}))["m"].interval()
    problems = table.groupby(["task", "problem"])["value"].mean()
    parts = [part.to_numpy() for _, part in problems.groupby(level="task")]
    draws = np.mean([part[rng.integers(0, len(part), (4000, len(part)))].mean(1) for part in parts], 0)
    assert interval.estimate == pytest.approx(problems.groupby(level="task").mean().mean())
    np.testing.assert_allclose(interval[1:], np.quantile(draws, [0.025, 0.975]), atol=0.04)


def test_a_problem_of_two_tasks_is_drawn_in_both_at_once():
    cells = pd.MultiIndex.from_tuples(
        [(task, n) for task in "ab" for n in range(6)] + [("c", 9), ("c", 8)], names=["task", "problem"]
    )
    weights = drawing.problem_weights(cells, BOOTSTRAP)
    assert (weights[:, :6] == weights[:, 6:12]).all() and weights.shape == (401, 14) and (weights[0] == 1).all()
    assert (weights[:, :6].sum(1) == 6).all() and (weights[:, 12:].sum(1) == 2).all() and weights[1:, 0].std() > 0


def trace(id, prompt, solution="s", task="t"):
    return Trace(task, id, prompt, solution, "", "")


@pytest.mark.parametrize(
    "given",
    [
        [trace("1", "p"), trace("2", "p", "other")],
        [trace("1", "p"), trace("2", "q"), trace("1", "r", task="u")],
        [trace(str(number), "p", "s" * number) for number in range(1, 30)],
    ],
)
def test_a_task_of_one_problem_is_refused_before_a_model_runs(given):
    with pytest.raises(UserError, match="of a single problem.*--fields problem="):
        drawing.refuse_single(reading_of(given))
