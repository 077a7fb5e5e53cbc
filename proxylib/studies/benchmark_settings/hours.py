"""How long a suite takes on a large model, and how wide luck of the problems is: arithmetic, every input stated.

Nothing here is measured. Tokens of a prompt are of the usual number of examples in front; passes are those of likelihood, one a
choice, which share their context or read it anew.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

PEAK = 989e12  # FLOP/s of one H100, dense bfloat16, as its maker states
READING = 0.40  # of the peak that reading many tokens at once reaches
WRITING = (0.005, 0.05)  # of the peak that writing token by token reaches: few sequences at a time, many
PARAMETERS, GPUS = 70e9, 8
MMLU, CLAIMED = (0.79, 0.82), (1, 4)  # what the article says of Llama 3 70B: scores, and hours of a suite


class Load(NamedTuple):
    """What one benchmark asks for: problems, tokens of context, choices whose likelihood is read, tokens of one, written."""

    problems: int
    context: int
    choices: int
    choice: int
    written: int


SUITE = {
    "MMLU, 5 shots": Load(14_042, 700, 4, 1, 0),
    "HumanEval": Load(164, 150, 0, 0, 200),
    "MBPP": Load(500, 150, 0, 0, 100),
    "GSM8K, 8 shots": Load(1_319, 900, 0, 0, 150),
    "MATH, 4 shots": Load(5_000, 700, 0, 0, 400),
    "ARC challenge, 25 shots": Load(1_172, 1_500, 4, 10, 0),
    "HellaSwag, 10 shots": Load(10_042, 1_000, 4, 30, 0),
    "TruthfulQA": Load(817, 200, 6, 20, 0),
    "WinoGrande, 5 shots": Load(1_267, 150, 2, 15, 0),
}


def tokens(load: Load, shared: bool) -> tuple[int, int]:
    """Tokens that are read and written; choices share their context, or each reads it anew."""
    if not load.choices:
        return load.problems * load.context, load.problems * load.written
    contexts = 1 if shared else load.choices
    return load.problems * (contexts * load.context + load.choices * load.choice), load.problems * load.written


def hours(read: float, written: float, writing: float, parameters: float = PARAMETERS, gpus: int = GPUS) -> float:
    """2 FLOPs a parameter and token, at the share of the peak that reading and writing reach."""
    flops = 2 * parameters
    return flops * (read / READING + written / writing) / (gpus * PEAK) / 3600


def table() -> pd.DataFrame:
    """Per benchmark: problems, tokens read (millions, shared and anew), written (millions), hours from and to."""
    rows = []
    for name, load in SUITE.items():
        (shared, written), (anew, _) = tokens(load, True), tokens(load, False)
        ends = hours(shared, written, max(WRITING)), hours(anew, written, min(WRITING))
        rows.append((name, load.problems, shared / 1e6, anew / 1e6, written / 1e6, *ends))
    return pd.DataFrame(rows, columns=["benchmark", "problems", "read, shared", "read, anew", "written", "from", "to"])


def standard_error(score: float, problems: int) -> float:
    """Of a share right, in points."""
    return 100 * math.sqrt(score * (1 - score) / problems)
