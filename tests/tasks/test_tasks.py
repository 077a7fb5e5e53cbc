"""Task families: answers worked out a second time from the prompt, an exact checker, and a split that does not leak."""

import random
import re
from dataclasses import replace

import pytest

from proxylib import config, corpora, tasks
from proxylib.errors import UserError
from proxylib.models import tokenizers

FAMILIES = list(tasks.TASKS.values())
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


# ---- every family solved a second time, from the prompt alone --------------------------------------------------------


def solve_addition(prompt):
    first, second = re.fullmatch(r"add (\d+)\+(\d+)\n", prompt).groups()
    return str(int(first) + int(second))


def run_chain(prompt):
    """{variable: value modulo 10} of the assignments, in order, and the variable asked."""
    body, asked = re.fullmatch(r"chain (.*) find (\w)\n", prompt).groups()
    values = {}
    for line in body.split():
        name, right = line.split("=")
        found = re.fullmatch(r"([a-z])([+-])(\d+)", right)
        if found:
            other, sign, amount = found.groups()
            values[name] = (values[other] + (int(amount) if sign == "+" else -int(amount))) % 10
        else:
            values[name] = int(right)
    return values, asked


def solve_chain(prompt):
    values, asked = run_chain(prompt)
    return str(values[asked])


def solve_sorting(prompt):
    return " ".join(map(str, sorted(int(word) for word in prompt.split()[1:])))


def solve_counting(prompt):
    asked, letters = re.fullmatch(r"count (\w) in (.*)\n", prompt).groups()
    return str([word[-1] for word in letters.split()].count(asked))  # letters may carry a number in front


SOLVERS = {"addition": solve_addition, "chain": solve_chain, "sorting": solve_sorting, "counting": solve_counting}


def problems(family, count=60, seed=5):
    rng = random.Random(seed)
    return [(level, family.draw(rng, level)) for level in family.levels for _ in range(count)]


@each_family
def test_the_answer_is_that_of_an_independent_solver(family):
    for _, problem in problems(family):
        assert problem.answer == SOLVERS[family.name](problem.prompt), problem.prompt
        assert problem.solution.splitlines()[-1] == f"answer {problem.answer}" and problem.solution.endswith("\n")


def test_addition_works_from_right_to_left_with_carries():
    for _, problem in problems(tasks.TASKS["addition"]):
        first, second = (int(number) for number in re.findall(r"\d+", problem.prompt))
        carry, digits = 0, ""
        for place, line in enumerate(problem.steps):
            x, y, c, total, put, carried = map(int, re.fullmatch(r"(\d)\+(\d)\+(\d)=(\d+) put (\d) carry (\d)", line).groups())
            assert (x, y, c) == (first // 10**place % 10, second // 10**place % 10, carry)
            assert x + y + c == total == 10 * carried + put
            carry, digits = carried, str(put) + digits
        assert int(f"{carry}{digits}") == first + second


def test_each_line_of_a_chain_holds_the_value_of_its_variable():
    for level, problem in problems(tasks.TASKS["chain"]):
        values, asked = run_chain(problem.prompt)
        assert len(values) == len(problem.steps) == level and asked == list(values)[-1]
        for line, (name, value) in zip(problem.steps, values.items(), strict=True):
            assert line.startswith(f"{name}=") and line.rsplit("=", 1)[1] == str(value)
            for left, right in re.findall(r"=(\d+[+-]\d+)=(\d+)", line):
                first, sign, second = re.fullmatch(r"(\d+)([+-])(\d+)", left).groups()
                assert (int(first) + (int(second) if sign == "+" else -int(second))) % 10 == int(right)


def test_sorting_takes_the_least_of_the_rest():
    for level, problem in problems(tasks.TASKS["sorting"]):
        rest = [int(word) for word in problem.prompt.split()[1:]]
        assert len(rest) == len(problem.steps) == level
        for line in problem.steps:
            shown, taken = re.fullmatch(r"from ([\d ]+) take (\d)", line).groups()
            assert [int(word) for word in shown.split()] == rest and int(taken) == min(rest)
            rest.remove(int(taken))


def test_counting_keeps_a_running_count():
    for level, problem in problems(tasks.TASKS["counting"]):
        asked, letters = re.fullmatch(r"count (\w) in (.*)\n", problem.prompt).groups()
        letters = [word[-1] for word in letters.split()]
        assert len(letters) == len(problem.steps) == level
        for place, line in enumerate(problem.steps, 1):
            assert int(re.search(r"(\d+)$", line)[1]) == letters[:place].count(asked)


# ---- the split -------------------------------------------------------------------------------------------------------


@each_family
def test_training_and_evaluation_never_meet(family):
    rng = random.Random(3)
    trained = [tasks.training_problem(family, rng) for _ in range(1500)]
    assert not any(tasks.is_held_out(problem) for problem in trained)
    evaluated = {trace.prompt for seed in (20, 21) for trace in tasks.evaluation_problems(family, 200, seed)}
    assert not evaluated.intersection(problem.prompt for problem in trained)


def test_an_addition_and_its_mirror_are_on_one_side():
    rng = random.Random(4)
    flip = lambda prompt: re.sub(r"(\d+)\+(\d+)", r"\2+\1", prompt)
    evaluated = {trace.prompt for trace in tasks.evaluation_problems(tasks.TASKS["addition"], 300, 20)}
    trained = {tasks.training_problem(tasks.TASKS["addition"], rng).prompt for _ in range(4000)}
    assert not evaluated & {flip(prompt) for prompt in trained}


@each_family
def test_a_third_of_the_levels_is_never_trained(family):
    assert 3 * len(family.untrained) == len(family.levels) and set(family.untrained) < set(family.levels)
    assert max(family.levels) in family.untrained  # one beyond what is trained ...
    inside = set(family.untrained) - {max(family.levels)}
    assert all(min(family.trained) < level < max(family.trained) for level in inside)  # ... and the rest within it
    asked = []
    spy = replace(family, draw=lambda rng, level: asked.append(level) or family.draw(rng, level))
    rng = random.Random(1)
    for _ in range(400):
        tasks.training_problem(spy, rng)
    assert set(asked) == set(family.trained) and not set(asked) & set(family.untrained)


@each_family
def test_evaluation_problems_are_distinct_fixed_by_the_seed_and_spread_over_levels(family):
    traces = tasks.evaluation_problems(family, 120, 20)
    assert len({trace.prompt for trace in traces}) == len({trace.id for trace in traces}) == 120
    assert traces == tasks.evaluation_problems(family, 120, 20) != tasks.evaluation_problems(family, 120, 21)
    levels = [int(trace.id.split("-")[1]) for trace in traces]
    assert levels == [family.levels[n % len(family.levels)] for n in range(120)]
    assert all(trace.answer == SOLVERS[family.name](trace.prompt) for trace in traces)


@each_family
def test_about_one_problem_in_eight_is_held_out(family):
    drawn = {problem.canonical: problem for _, problem in problems(family, 400)}
    share = sum(map(tasks.is_held_out, drawn.values())) / len(drawn)
    assert share == pytest.approx(1 / tasks.base.HELD_OUT_SHARE, abs=0.035)


def test_the_side_depends_on_the_canonical_form_alone():
    first = tasks.TASKS["sorting"].draw(random.Random(1), 5)
    assert tasks.is_held_out(first) == tasks.is_held_out(replace(first, prompt="other", steps=(), answer="9"))


def test_more_problems_than_there_are_is_an_error():
    few = replace(
        tasks.TASKS["addition"], draw=lambda rng, level: tasks.Problem(f"{rng.randrange(20)}", "p\n", (), "1"), levels=(1,)
    )
    with pytest.raises(UserError, match="material.items: task addition has fewer than 30 distinct"):
        tasks.evaluation_problems(few, 30, 1)


def test_an_unknown_family_is_named_with_those_that_exist():
    with pytest.raises(UserError, match="'juggling' is unknown; there are addition, chain"):
        tasks.task("juggling")


# ---- size ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def settings():
    return config.load("smoke")


@pytest.fixture(scope="module")
def bpe(settings):
    return tokenizers.train("bpe", corpora.sample(settings.material, 60_000), settings.material.bpe_vocabulary)


@each_family
def test_a_trace_has_at_least_24_tokens_under_the_coarsest_tokenizer(family, settings, bpe):
    traces = tasks.evaluation_problems(family, 200, settings.material.seed)
    assert min(len(ids) for ids in tokenizers.encode(bpe, [trace.solution for trace in traces])) >= 24


@each_family
def test_a_whole_document_fits_a_row_in_bytes(family):
    context = config.read_yaml(config.CONFIGS / "base.yaml")["training"]["context"]
    for _, problem in problems(family, 200):
        assert len((problem.prompt + problem.solution).encode()) + 2 <= context  # bos and eos


@each_family
def test_an_experts_solution_fits_the_answers_that_are_generated(family):
    most = config.read_yaml(config.CONFIGS / "base.yaml")["evaluation"]["new_tokens"]
    for _, problem in problems(family, 200):
        assert len(problem.solution.encode()) <= most


# ---- the checker -----------------------------------------------------------------------------------------------------


@each_family
def test_the_experts_own_solution_is_right(family):
    assert all(tasks.check(trace, trace.solution) for trace in tasks.evaluation_problems(family, 60, 1))


@each_family
def test_an_altered_answer_is_wrong(family):
    for trace in tasks.evaluation_problems(family, 60, 1):
        for other in (f"{trace.answer}0", f"1{trace.answer}", trace.answer[:-1], f"{trace.answer} 0", f"-{trace.answer}"):
            assert not tasks.check(trace, trace.solution.replace(f"answer {trace.answer}", f"answer {other}")), other


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("answer 42", True),
        ("answer 42\n", True),
        ("wrong steps\nanswer 42\n", True),  # worked lines are not judged
        ("answer 41\nanswer 42\n", True),  # the last line counts ...
        ("answer 42\nanswer 41\n", False),  # ... only
        ("answer 42 \r\n", True),
        ("", False),
        ("\n", False),
        ("42", False),
        ("answer", False),
        ("answer ", False),
        ("answer\n42", False),
        ("answers 42", False),
        ("ANSWER 42", False),
        ("the answer 42", False),
        ("answer answer 42", False),
        ("answer 42.", False),
        ("answer 4 2", False),
        ("answer 042", False),
        ("answer +42", False),
        ("answer \u0664\u0662", False),  # Arabic digits
        ("answer <b>42</b>", False),
        ("answer 42; DROP TABLE answers", False),
        ("answer 42\x00", False),
        ("answer " * 10_000, False),
    ],
)
def test_check_compares_the_last_answer_line_exactly(text, right):
    trace = replace(tasks.evaluation_problems(tasks.TASKS["addition"], 1, 1)[0], answer="42")
    assert tasks.check(trace, text) is right
