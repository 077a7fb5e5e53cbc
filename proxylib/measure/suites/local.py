"""Benchmarks whose sets are at hand: how a problem is put, where an answer ends, and whether it is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from proxylib.data.published import problems
from proxylib.measure import code

FENCE = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
CALCULATOR = re.compile(r"<<.*?>>")  # notes of GSM8K's solutions that no answer needs
NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?")
#: what begins something else than the function that was asked for
AFTER_CODE = ("\ndef ", "\nclass ", "\n#", "\nif ", "\nprint", "\n@", "\nassert", "\nimport ", "\nfrom ", "\n```", "\n<")


class Problem(NamedTuple):
    """One problem of a benchmark; `right` says whether a completion is, and why not."""

    id: str
    prompt: str
    right: Callable[[str], tuple[bool, str]]


def read(name: str, shots: int, limit: int | None = None) -> list[Problem]:
    """The problems of a benchmark with so many solved ones in front.

    Notes
    -----
    Solved problems of GSM8K come from its training half. MATH-500 has none at hand: they are its own first, which are not asked
    then. Numbers with other examples in front are other numbers.

    Raises
    ------
    UserError
        For a set that neither mirror, cache nor network holds.
    """
    rows = [fields for _, fields in problems.records(name)]
    solved = rows[:shots] if name == "math500" else []
    if name == "gsm8k" and shots:
        solved = [fields for _, fields in problems.records(name, "data/train.jsonl")][:shots]
    asked = rows[len(solved) if name == "math500" else 0 :][:limit]
    return list(MAKERS[name](asked, solved))


# ---- answers that are values -----------------------------------------------------------------------------------------------


def _gsm8k(rows: list[Mapping[str, Any]], solved: list[Mapping[str, Any]]) -> Iterator[Problem]:
    head = "".join(f"Question: {row['question']}\nAnswer: {CALCULATOR.sub('', row['answer'])}\n\n" for row in solved)
    for number, row in enumerate(rows):
        answer = row["answer"].partition(problems.FINAL)[2]
        yield Problem(f"gsm8k-{number:04d}", f"{head}Question: {row['question']}\nAnswer:", _value(answer, last_number))


def _math500(rows: list[Mapping[str, Any]], solved: list[Mapping[str, Any]]) -> Iterator[Problem]:
    head = "".join(f"Problem: {row['problem']}\nSolution: {row['solution']}\n\n" for row in solved)
    for row in rows:
        yield Problem(row["unique_id"], f"{head}Problem: {row['problem']}\nSolution:", _value(row["answer"], boxed))


def _value(answer: str, read: Callable[[str], str]) -> Callable[[str], tuple[bool, str]]:
    def right(text: str) -> tuple[bool, str]:
        given = read(re.split(r"\n\s*(?:Question|Problem):", text)[0])  # the model may go on to ask itself the next
        return (same(given, answer), "" if given else "no answer")

    return right


def last_number(text: str) -> str:
    """The number behind the last `####`, or else the last of the text; empty where there is none."""
    tail = text.rpartition(problems.FINAL.strip())[2]
    numbers = NUMBER.findall(tail) or NUMBER.findall(text)
    return (numbers[0] if problems.FINAL.strip() in text and NUMBER.findall(tail) else numbers[-1]) if numbers else ""


def boxed(text: str) -> str:
    """What the last box of a solution holds, or what stands behind its last "answer is"; empty where there is neither."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return text.rpartition("answer is")[2].strip().split("\n")[0] if "answer is" in text else ""
    depth, begin = 0, start + len("\\boxed")
    for place, letter in enumerate(text[begin:], begin):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if not depth:
            return text[begin + 1 : place]
    return ""


def same(given: str, answer: str) -> bool:
    """Whether two answers are one: as numbers, or as text without space and ornaments of LaTeX.

    Notes
    -----
    No algebra is done: 1/2 and 0.5 are two answers here, and \\frac12 is \\frac{1}{2}.
    """
    a, b = _bare(given), _bare(answer)
    try:
        return float(a) == float(b)
    except ValueError:
        return bool(a) and a == b


def _bare(text: str) -> str:
    text = re.sub(r"\\(?:left|right|!|,|;|:| )|[\s$]|\\(?:text|mathrm|mbox)(?=\{)|\^\{?\\circ\}?|\\?%", "", text)
    text = re.sub(r"\\[dt]frac", r"\\frac", text)
    text = re.sub(r"\\frac(\w)(\w)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text).rstrip(".")
    whole = re.fullmatch(r"\{(.*)\}", text)
    return whole[1] if whole else text


# ---- answers that are code -------------------------------------------------------------------------------------------------


def _functions(rows: list[Mapping[str, Any]], solved: list[Mapping[str, Any]]) -> Iterator[Problem]:
    for row in rows:
        yield Problem(row["task_id"], row["prompt"], _passes(row))


def _passes(row: Mapping[str, Any]) -> Callable[[str], tuple[bool, str]]:
    def right(text: str) -> tuple[bool, str]:
        verdict = code.run(program(row, text))
        return verdict.passed, verdict.why

    return right


def program(row: Mapping[str, Any], text: str) -> str:
    """What is run: the head of the function with its completion, or the whole function where it is written anew; the tests."""
    fenced = FENCE.search(text)
    body = fenced[1] if fenced else text
    if not re.search(rf"^def {re.escape(row['entry_point'])}\b", body, re.MULTILINE):
        stops = [place for stop in AFTER_CODE if (place := body.find(stop)) >= 0]
        body = row["prompt"] + body[: min(stops, default=len(body))]
    return f"{body}\n{row['test']}\n\ncheck({row['entry_point']})\n"


MAKERS = {"gsm8k": _gsm8k, "math500": _math500, "humaneval": _functions, "mbpp": _functions}
