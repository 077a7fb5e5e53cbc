"""A trace: a problem with the worked solution of an expert, one row of a table.

An expert solution is text; whose tokenizer it will meet is decided later. `solution` starts right after `prompt`.
"""

from __future__ import annotations

from dataclasses import dataclass

COLUMNS = ("task", "id", "prompt", "solution", "answer", "source")
PROSE = "prose"  # task name of generic text among the traces of a task


@dataclass(frozen=True)
class Trace:
    """One expert solution.

    Parameters
    ----------
    task : what the problem belongs to; proxies are averaged within a task
    id : unique within the task
    prompt : what a model is given, up to and including the character before the solution
    solution : the worked solution, ending with the answer
    answer : what a checker compares with; may be empty
    source : who wrote the solution; may be empty
    """

    task: str
    id: str
    prompt: str
    solution: str
    answer: str
    source: str
