"""Task families: answers and decisive steps worked out a second time from the prompt."""

import random
import re

import pytest
from data.tasks.problems import FAMILIES, WORKED, each_family, each_style, problems

from proxylib import studies
from proxylib.data import corpora, tasks
from proxylib.errors import UserError
from proxylib.models import tokenizers


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


# a solver returns the answer and, for each style, the decisive values of each worked line
SOLVERS = {name.removeprefix("solve_"): value for name, value in list(globals().items()) if name.startswith("solve_")}


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


def test_an_unknown_family_is_named_with_those_that_exist():
    with pytest.raises(UserError, match="'juggling' is unknown; there are sorting, counting"):
        tasks.task("juggling")


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


@pytest.mark.parametrize(("name", "kinds"), [("walk", "ud"), ("calendar", "12")])
def test_about_a_third_of_the_problems_need_few_steps_by_heart(name, kinds):
    drawn = [problem.prompt for _, problem in problems(tasks.TASKS[name], 200)]
    few = sum(all(entry[1] in kinds for entry in re.findall(r"\b(?:\d[a-z]|[a-z]\d)\b", prompt)) for prompt in drawn)
    assert 0.3 < few / len(drawn) < 0.5


def test_pointers_stand_in_order():
    for _, problem in problems(tasks.TASKS["pointers"], 20):
        assert re.search(r"along a\d b\d c\d d\d e\d f\d$", problem.prompt.strip())
