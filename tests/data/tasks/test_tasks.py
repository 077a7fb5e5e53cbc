"""Task families: answers and decisive steps worked out a second time from the prompt, an exact checker, a split that holds."""

import random
import re
from dataclasses import replace

import pytest

from proxylib import studies
from proxylib.data import corpora, tasks
from proxylib.errors import UserError
from proxylib.models import tokenizers

FAMILIES = list(tasks.TASKS.values())
WORKED = ("expert", "other")
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
each_style = pytest.mark.parametrize("style", WORKED)


# ---- every family solved a second time, from the prompt alone --------------------------------------------------------
# A solver returns the answer and, for each style, the decisive values of each worked line.


def entries(text):
    """`0a 1c` -> [a, c], and that the numbers count from 0."""
    found = [re.fullmatch(r"(\d)(.)", entry).groups() for entry in text.split(" ")]
    assert [int(place) for place, _ in found] == list(range(len(found)))
    return [symbol for _, symbol in found]


def lettered(text):
    """`a3 b2` -> [3, 2], and that the letters count from a."""
    found = [re.fullmatch(r"(\w)(\d)", entry).groups() for entry in text.split(" ")]
    assert "".join(letter for letter, _ in found) == "abcdefghij"[: len(found)]
    return [int(number) for _, number in found]


def solve_sorting(prompt):
    numbers = [int(word) for word in re.fullmatch(r"sort ([\d ]+)\n", prompt)[1].split(" ")]
    lines = [[str(number)] for number in sorted(numbers)]
    return " ".join(map(str, sorted(numbers))), lines, lines


def solve_counting(prompt):
    asked, body = re.fullmatch(r"count (\w) in (.*)\n", prompt).groups()
    letters = entries(body)
    so_far = [str(letters[: place + 1].count(asked)) for place in range(len(letters))]
    expert = [["is" if letter == asked else "not", count] for letter, count in zip(letters, so_far, strict=True)]
    other = [["more" if letter == asked else "still", count] for letter, count in zip(letters, so_far, strict=True)]
    return str(letters.count(asked)), expert, other


def solve_reversal(prompt):
    letters = entries(re.fullmatch(r"reverse (.*)\n", prompt)[1])
    backward = [[str(place), letters[place]] for place in range(len(letters) - 1, -1, -1)]
    return " ".join(letters[::-1]), backward, backward


def solve_walk(prompt):
    start, body = re.fullmatch(r"walk from (\d) by (.*)\n", prompt).groups()
    by = [{"u": 1, "d": -1, "j": 2, "b": -2}[word] for word in entries(body)]
    lines = [[str((int(start) + sum(by[: n + 1])) % 6)] for n in range(len(by))]
    return lines[-1][0], lines, lines


def solve_brackets(prompt):
    symbols = entries(re.fullmatch(r"depth (.*)\n", prompt)[1])
    depth = [2 * sum(symbol in "([<{" for symbol in symbols[: n + 1]) - n - 1 for n in range(len(symbols))]
    assert min(depth) >= 0, "a bracket closes that was never opened"
    expert = [[str(depth[n]), str(max(depth[: n + 1]))] for n in range(len(depth))]
    return str(max(depth)), expert, expert


def solve_division(prompt):
    body, by = re.fullmatch(r"divide (.*) by (\d)\n", prompt).groups()
    number = "".join(map(str, lettered(body)))
    assert number[0] != "0"
    lines = [[str(int(number[: n + 1]) % int(by))] for n in range(len(number))]
    return str(int(number) % int(by)), lines, lines


def solve_calendar(prompt):
    first, body = re.fullmatch(r"day (\w{3}) then (.*)\n", prompt).groups()
    days, moves = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"], lettered(body)
    assert set(moves) <= {1, 2, 3, 4}
    lines = [[days[(days.index(first) + sum(moves[: n + 1])) % 7]] for n in range(len(moves))]
    return lines[-1][0], lines, lines


def solve_pointers(prompt):
    now, hops, arrows = re.fullmatch(r"from (\w) hop (\d) along (.*)\n", prompt).groups()
    to = {letter: int(number) for letter, number in arrows.split(" ")}
    letters = sorted(to)
    assert "".join(letters) == "abcdefgh"[: len(letters)] and all(letters[to[letter]] != letter for letter in letters)
    lines = []
    for _ in range(int(hops)):
        lines.append([str(to[now]), letters[to[now]]])
        now = letters[to[now]]
    return now, lines, lines


SOLVERS = {name.removeprefix("solve_"): value for name, value in list(globals().items()) if name.startswith("solve_")}


def problems(family, count=60, seed=5):
    rng = random.Random(seed)
    return [(level, family.draw(rng, level)) for level in family.levels for _ in range(count)]


def test_every_family_has_a_solver():
    assert set(SOLVERS) == set(tasks.TASKS) and len(FAMILIES) == 8


@each_family
def test_the_answer_is_that_of_an_independent_solver(family):
    for _, problem in problems(family):
        answer = SOLVERS[family.name](problem.prompt)[0]
        assert problem.answer == answer, problem.prompt
        for style in tasks.STYLES[:3]:
            text = problem.solution(style)
            assert text.splitlines()[-1] == f"answer {answer}" and text.endswith("\n") and tasks.right(answer, text)


@each_family
@each_style
def test_decisive_spans_hold_the_values_that_a_solver_works_out(family, style):
    for _, problem in problems(family):
        answer, *lines = SOLVERS[family.name](problem.prompt)
        text, spans = problem.solution(style), problem.decisive(style)
        expected = [value for line in lines[WORKED.index(style)] for value in line]
        assert [text[start:stop] for start, stop in spans] == [*expected, answer], (problem.prompt, text)
        assert all(stop <= start for (_, stop), (start, _) in zip(spans[:-1], spans[1:], strict=True))
        # each in the line that works it out, the answer in the last
        places = [text.count("\n", 0, start) for start, _ in spans]
        assert places == [n for n, line in enumerate([*lines[WORKED.index(style)], [answer]]) for _ in line]


@each_family
def test_a_level_is_what_the_knob_counts(family):
    for level, problem in problems(family, 20):
        worked = SOLVERS[family.name](problem.prompt)[1]
        assert len(worked) == level == len(problem.expert) == len(problem.other)


@pytest.mark.parametrize(
    ("name", "style", "start", "before"),
    [
        ("walk", "expert", r"walk from (\d)", r"from (\d) to"),
        ("calendar", "expert", r"day (\w{3})", r"from (\w{3}) is"),
        ("calendar", "other", r"day (\w{3})", r"(?m)^(\w{3}) plus"),
        ("pointers", "expert", r"from (\w)", r"hop \d (\w)\d is"),
        ("pointers", "other", r"from (\w)", r"see (\w)\d"),
        ("division", "expert", None, r" (\d)\d leaves"),
        ("division", "other", None, r"with (\d) read"),
    ],
)
def test_a_line_goes_on_from_what_the_line_before_it_found(name, style, start, before):
    for _, problem in problems(tasks.TASKS[name], 20):
        first = re.match(start, problem.prompt)[1] if start else "0"
        found = [line[-1] for line in SOLVERS[name](problem.prompt)[1]]
        assert re.findall(before, problem.solution(style)) == [first, *found[:-1]]


def test_sorting_shows_what_is_left():
    for _, problem in problems(tasks.TASKS["sorting"]):
        rest = problem.prompt.split()[1:]
        for expert, other in zip(problem.solution().splitlines(), problem.solution("other").splitlines(), strict=True):
            if expert.startswith("answer"):
                assert not rest
                break
            assert re.fullmatch(r"out of ([\d ]+) take \d", expert)[1].split() == rest
            rest.remove(min(rest))
            assert re.fullmatch(r"least \d, leaving (.+)", other)[1] == (" ".join(rest) or "nothing")


@pytest.mark.parametrize(
    ("name", "seed", "level", "expert", "other"),
    [
        ("walk", 0, 2, " to ", "leave "),
        ("counting", 0, 2, "not", "see 0"),
        ("division", 1, 2, "leaves", "with 0"),
        ("reversal", 1, 2, "to 0", "slot 0"),
    ],
)
def test_the_two_styles_read_differently_and_the_third_has_no_worked_line(name, seed, level, expert, other):
    problem = tasks.TASKS[name].draw(random.Random(seed), level)
    assert expert in problem.solution("expert") and other in problem.solution("other")
    assert expert not in problem.solution("other") and other not in problem.solution("expert")
    assert problem.solution("answer") == f"answer {problem.answer}\n"
    assert problem.decisive("answer") == [(7, 7 + len(problem.answer))]


@each_family
def test_marks_never_reach_a_text(family):
    rng = random.Random(2)
    for _, problem in problems(family, 20):
        for text in (problem.prompt, problem.canonical, problem.answer, *(problem.text(s, rng) for s in tasks.STYLES)):
            assert text.isascii() and re.fullmatch(r"[\x20-\x7e\n]+", text), repr(text)


# ---- wrong solutions -------------------------------------------------------------------------------------------------


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


# ---- the split -------------------------------------------------------------------------------------------------------


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
    assert max(family.levels) in family.untrained and set(family.trained) == set(family.levels) - set(family.untrained)
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


def test_an_unknown_family_is_named_with_those_that_exist():
    with pytest.raises(UserError, match="'juggling' is unknown; there are sorting, counting"):
        tasks.task("juggling")


# ---- size ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base():
    return studies.profile("lab")


@pytest.fixture(scope="module")
def coarse(base):
    """The tokenizers with merges, learnt from the text that the lab learns them from."""
    text = corpora.take(corpora.documents(corpora.recipe("everything"), base.material, seed=-1), 150_000)
    return [tokenizers.train(kind, text, base.material.bpe_vocabulary) for kind in ("bpe", "spaced")]


def lengths(tokenizer, texts):
    return [len(ids) for ids in tokenizers.encode(tokenizer, texts)]


@each_family
@each_style
def test_a_trace_has_at_least_24_tokens_under_the_coarsest_tokenizer(family, style, base, coarse):
    drawn = tasks.evaluation_problems(family, base.material.items, base.material.seed)
    for tokenizer in coarse:
        assert min(lengths(tokenizer, [problem.solution(style) for _, problem in drawn])) >= 24


@each_family
@each_style
def test_a_document_fits_a_row_and_a_solution_the_answers_that_are_generated(family, style, base, coarse):
    drawn = [problem for _, problem in problems(family, 100)]
    for tokenizer in coarse:
        whole = lengths(tokenizer, [problem.prompt + problem.solution(style) for problem in drawn])
        assert max(whole) + 2 <= base.training.context  # bos and eos
        assert max(lengths(tokenizer, [problem.solution(style) for problem in drawn])) < base.evaluation.max_new_tokens


# ---- the checker -----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("name", "kinds"), [("walk", "ud"), ("calendar", "12")])
def test_about_a_third_of_the_problems_need_few_steps_by_heart(name, kinds):
    drawn = [problem.prompt for _, problem in problems(tasks.TASKS[name], 200)]
    few = sum(all(entry[1] in kinds for entry in re.findall(r"\b(?:\d[a-z]|[a-z]\d)\b", prompt)) for prompt in drawn)
    assert 0.3 < few / len(drawn) < 0.5


def test_pointers_stand_in_order():
    for _, problem in problems(tasks.TASKS["pointers"], 20):
        assert re.search(r"along a\d b\d c\d d\d e\d f\d$", problem.prompt.strip())
