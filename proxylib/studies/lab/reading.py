"""What traces of the problems that count say of every model: the features that rankings read, of no other traces.

Accuracy is taken over difficulties that tell models apart. Solutions of the others, which nobody learnt, say little of those
and weigh much in a mean of losses, so whoever reads them all compares a proxy and an accuracy of different problems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from proxylib.measure import features
from proxylib.runs.store import Workspace
from proxylib.studies.lab.material import KINDS
from proxylib.studies.lab.settings import ReadingSettings

KEYS = ["task", "id"]


def counts(rows: pd.DataFrame, counted: Mapping[str, Sequence[int]]) -> np.ndarray:
    """Which rows (columns task, level) are of difficulties that count; all are, of a task that `counted` does not name."""
    return np.array(
        [task not in counted or level in counted[task] for task, level in zip(rows["task"], rows["level"], strict=True)]
    )


def of_problems(rows: pd.DataFrame, problems: pd.DataFrame) -> pd.DataFrame:
    """The rows (columns task, id) of these problems (columns task, id), in their order; the attributes stay."""
    wanted = pd.MultiIndex.from_frame(problems[KEYS].astype(str))
    return rows[pd.MultiIndex.from_frame(rows[KEYS].astype(str)).isin(wanted)].reset_index(drop=True)


def build(step, workspace: Workspace) -> None:
    """Features and settings of every model over the traces of problems that count.

    Parameters
    ----------
    step : a declared `reading` step; its parents are the material, the lab expert's measurement and every member's, with
        their token rows
    workspace : receives the tables `features` (see `features.features`) and `settings` (see `features.settings`), each with a
        column member
    """
    settings: ReadingSettings = step.settings
    expert = step.parent("expert")
    asked = expert.table("answers")
    problems = asked[counts(asked, settings.counted)]
    theirs = of_problems(expert.table("tokens_expert"), problems)
    texts = features.solutions(step.parent("material"))
    texts = texts[texts.index.isin(pd.MultiIndex.from_frame(problems[KEYS]))]
    read, varied = [], []
    for member in settings.members:
        measured = step.parent(f"measure {member}")
        rows = {kind: measured.table(f"tokens_{kind}") for kind in KINDS}
        rows = {kind: frame if kind == features.PROSE else of_problems(frame, problems) for kind, frame in rows.items()}
        given = rows, theirs, texts, measured.facts["vocabulary"]
        read.append(features.features(*given).assign(member=member))
        varied.append(features.settings(*given).assign(member=member))
    workspace.write_table("features", pd.concat(read, ignore_index=True))
    workspace.write_table("settings", pd.concat(varied, ignore_index=True))
    workspace.note(problems={task: len(part) for task, part in problems.groupby("task", sort=False)})
