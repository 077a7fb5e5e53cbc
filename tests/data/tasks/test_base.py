"""Problems of every family: a split that holds, wrong solutions, an exact checker."""

import random
from dataclasses import replace

import pytest
from data.tasks.problems import each_family, each_style, problems

from proxylib.data import tasks
from proxylib.errors import UserError


@each_family
@each_style
def test_a_wrong_solution_has_a_wrong_answer_and_the_right_form(family, style):
    rng = random.Random(9)
    slipped, could = 0, 0
    for _, problem in problems(family):
        right, spans, wrong = problem.solution(style), problem.decisive(style), problem.wrong(rng, style)
        assert len(wrong) == len(right) and wrong != right and not tasks.right(problem.answer, wrong)
        changed = [place for place, (a, b) in enumerate(zip(right, wrong, strict=True)) if a != b]
        hit = [next(n for n, (start, stop) in enumerate(spans) if start <= place < stop) for place in changed]
        assert len(hit) == len(set(hit)) and hit[-1] == len(spans) - 1  # one character of a value, and the answer's always
        assert all(right[place].isdigit() == wrong[place].isdigit() and wrong[place].isalnum() for place in changed)
        slipped, could = slipped + len(hit) - 1, could + len(spans) - 1
    assert slipped / could == pytest.approx(tasks.base.WRONG_SHARE, abs=0.05)  # about 1000 values: three standard errors


def test_the_random_numbers_decide_where_a_solution_goes_wrong():
    problem = tasks.TASKS["walk"].draw(random.Random(1), 6)
    first, second = (problem.wrong(random.Random(3)) for _ in range(2))
    assert first == second and len({problem.wrong(random.Random(seed)) for seed in range(20)}) > 10
    assert problem.text("wrong", random.Random(3)) == first
    other = problem.text("other-wrong", random.Random(3))
    assert other == problem.wrong(random.Random(3), "other") and other != problem.solution("other") and other != first
    assert problem.text("other", random.Random(3)) == problem.solution("other")


@each_family
def test_training_and_evaluation_never_meet(family):
    rng = random.Random(3)
    trained = [tasks.training_problem(family, rng) for _ in range(1500)]
    assert not any(tasks.is_held_out(problem) for problem in trained)
    pairs = [pair for seed in (20, 21) for pair in tasks.evaluation_problems(family, 200, seed)]
    assert all(tasks.is_held_out(problem) for _, problem in pairs)
    assert not {trace.prompt for trace, _ in pairs}.intersection(problem.prompt for problem in trained)


@each_family
def test_a_third_of_the_levels_is_never_trained(family):
    assert 3 * len(family.untrained) == len(family.levels) and set(family.untrained) < set(family.levels)
    assert min(family.levels) in family.trained and set(family.trained) == set(family.levels) - set(family.untrained)
    asked = []
    spy = replace(family, draw=lambda rng, level: asked.append(level) or family.draw(rng, level))
    rng = random.Random(1)
    for _ in range(300):
        tasks.training_problem(spy, rng)
    assert set(asked) == set(family.trained)
    asked.clear()
    for _ in range(50):
        tasks.training_problem(spy, rng, family.trained[:1])
    assert set(asked) == {family.trained[0]}


@each_family
def test_evaluation_problems_are_distinct_fixed_by_the_seed_and_spread_over_levels(family):
    pairs = tasks.evaluation_problems(family, 120, 20)
    assert len({problem.canonical for _, problem in pairs}) == len({trace.id for trace, _ in pairs}) == 120
    assert pairs == tasks.evaluation_problems(family, 120, 20) != tasks.evaluation_problems(family, 120, 21)
    for number, (trace, problem) in enumerate(pairs):
        level = family.levels[number % len(family.levels)]
        assert trace.id == f"{family.name}-{level}-{number:04d}" and trace.task == family.name
        assert (trace.prompt, trace.solution, trace.answer) == (problem.prompt, problem.solution(), problem.answer)
        assert len(problem.expert) == level


@each_family
def test_about_one_problem_in_eight_is_held_out(family):
    drawn = {problem.canonical: problem for _, problem in problems(family, 400)}
    share = sum(map(tasks.is_held_out, drawn.values())) / len(drawn)
    assert share == pytest.approx(1 / tasks.base.HELD_OUT_SHARE, abs=0.035)


def test_the_side_depends_on_the_canonical_form_alone():
    first = tasks.TASKS["sorting"].draw(random.Random(1), 5)
    assert tasks.is_held_out(first) == tasks.is_held_out(replace(first, prompt="other", expert=(), answer="9"))
    assert tasks.is_held_out(first) == tasks.held_out(first.canonical)


def test_more_problems_than_there_are_is_an_error():
    one = lambda rng, level: tasks.Problem(f"{rng.randrange(20)}", "p\n", (), (), "1")
    few = replace(tasks.TASKS["walk"], draw=one, levels=(1,))
    with pytest.raises(UserError, match="material.items: task walk has fewer than 30 distinct"):
        tasks.evaluation_problems(few, 30, 1)


@each_family
def test_worked_solutions_are_right_and_altered_answers_wrong(family):
    for trace, problem in tasks.evaluation_problems(family, 60, 1):
        assert all(tasks.check(trace, problem.solution(style)) for style in tasks.STYLES[:3])
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
    trace, _ = tasks.evaluation_problems(tasks.TASKS["sorting"], 1, 1)[0]
    assert tasks.check(replace(trace, answer="42"), text) is right is tasks.right("42", text)
