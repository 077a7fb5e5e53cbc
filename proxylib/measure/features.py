"""From token rows to features: everything that one model's rows say, small enough to be kept without them.

Token rows are large and stay where they were made; what is computed here is recorded, so that every analysis of a population
can be made again without a forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from proxylib.data.trace import PROSE
from proxylib.measure import proxies
from proxylib.runs.store import Run

BY_BYTE = "by byte: "  # before the name of a proxy whose tokens are spread over their bytes
#: feature outside the eighty -> +1 where more is better, -1 where less is
BASELINES = {
    "bits_per_byte": -1,
    "prose_bits_per_byte": -1,
    "prose_nll": -1,
    "rbridge": -1,
    "rank_surprisal_ratio": -1,
    "parameters": +1,
    "compute": +1,
}
#: how a proxy that is fixed in advance is called -> its column; what is read and how much is judged by these and never by the
#: best of eighty
FIXED = {
    "cross-entropy per token": "cross_entropy|uniform",
    "bits per byte": "bits_per_byte",
    "top-1, inverse frequency": "top1|inverse_frequency",
    "top-5, frequency": "top5|frequency",
}
FIXED_PROXIES = tuple(column for column in FIXED.values() if column in proxies.NAMES)
#: the same for definitions, which need proxies that hold the term: the paper's statistic and plain loss under each weighting
#: whose formula we had to choose, and the rank, whose form we had to
JUDGED = FIXED | {
    "top-1, inverse entropy": "top1|inverse_entropy",
    "cross-entropy, inverse entropy": "cross_entropy|inverse_entropy",
    "top-1, Gaussian kernel": "top1|gaussian_nll",
    "cross-entropy, Gaussian kernel": "cross_entropy|gaussian_nll",
    "cross-entropy, inverse frequency": "cross_entropy|inverse_frequency",
    "rank": "rank|uniform",
}
JUDGED_PROXIES = tuple(column for column in JUDGED.values() if column in proxies.NAMES)
NUMBERS = (5, 10, 25, 50, 100)  # traces of a task; all of them are the default
SUBSETS = 5  # random choices of so many traces
DEFAULT = ("default", "default")  # ablation and setting of what is changed nowhere


def features(tokens: dict[str, pd.DataFrame], expert: pd.DataFrame, texts: pd.Series, vocabulary: int) -> pd.DataFrame:
    """Every feature of one model that its token rows hold: the eighty proxies, the eighty by byte, baselines.

    Parameters
    ----------
    tokens : kind of trace -> token rows; "expert" and "prose" are read
    expert : the lab expert's token rows over the expert traces
    texts : solutions of the expert traces, indexed by (task, id)
    vocabulary : entries of the model's vocabulary

    Returns
    -------
    columns task, then float32: `proxies.NAMES`, the same after `BY_BYTE`, and those of `BASELINES` that need tokens.
    prose_bits_per_byte and prose_nll (nats per token) are the same in every task

    Notes
    -----
    The rank-surprisal ratio counts as "less is better", its authors' sign for data; over models nothing fixes its sign.
    """
    of_expert = tokens["expert"]
    by_byte = proxies.by_task(of_expert, vocabulary, proxies.Definition(spread="byte")).add_prefix(BY_BYTE)
    prose = tokens[PROSE]
    others = {
        "bits_per_byte": proxies.bits_per_byte(of_expert),
        "prose_bits_per_byte": float(proxies.bits_per_byte(prose).iloc[0]),
        "prose_nll": float(prose["nll"].astype(float).mean()),
        "rbridge": proxies.rbridge(of_expert, expert, texts),
        "rank_surprisal_ratio": proxies.rank_surprisal_ratio(of_expert),
    }
    eighty = proxies.by_task(of_expert, vocabulary)
    return pd.concat([eighty, by_byte, pd.DataFrame(others, index=eighty.index)], axis=1).astype("float32").reset_index()


def to_long(features: pd.DataFrame) -> pd.DataFrame:
    """Columns task, feature, value: a file of a few wide rows is mostly the description of its columns."""
    return features.melt("task", var_name="feature")


def to_wide(features: pd.DataFrame) -> pd.DataFrame:
    """What `to_long` was given, rows and columns in their order."""
    order = {name: list(features[name].drop_duplicates()) for name in ("task", "feature")}
    wide = features.pivot(index="task", columns="feature", values="value").loc[order["task"], order["feature"]]
    return wide.rename_axis(columns=None).reset_index()


def with_training(features: pd.DataFrame, facts: dict) -> pd.DataFrame:
    """The features with `parameters` and `compute` (FLOPs) beside them, which no token says."""
    return features.assign(parameters=np.float32(facts["parameters"]), compute=np.float32(facts["flops"]))


def settings(tokens: dict[str, pd.DataFrame], expert: pd.DataFrame, texts: pd.Series, vocabulary: int) -> pd.DataFrame:
    """Every ablation of one model: columns ablation, setting, task, then float32 the columns of `JUDGED`.

    Those of them that a setting does not judge are nan: under "definition" the ones that do not hold what it changes, under
    all others but the default the ones outside `FIXED`.
    """
    shared = proxies.difficulty([expert])
    by_setting = settings_of(tokens, vocabulary, texts, shared)
    kept = list(JUDGED.values())
    frames = [
        frame.reindex(columns=kept).astype("float32").reset_index().assign(ablation=a, setting=s) for a, s, frame in by_setting
    ]
    return pd.concat(frames, ignore_index=True)


def settings_of(
    tokens: dict[str, pd.DataFrame], vocabulary: int, texts: pd.Series, shared: pd.DataFrame
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Every setting for one model: ablation, setting, and a frame [tasks, those of the columns of `JUDGED` that it judges].

    Parameters
    ----------
    tokens : kind of trace -> token rows
    vocabulary : entries
    texts : solutions of the expert traces
    shared : mean and sd of the nll per task of a reference model, see `proxies.difficulty`

    Notes
    -----
    The choice of traces is the same for every model.
    Other windows are cut from the expert traces; so are the numbers of traces, whose frequencies are counted over the
    chosen ones alone.
    """
    expert = tokens["expert"]
    yield (*DEFAULT, _columns(expert, vocabulary, JUDGED_PROXIES))
    for kind, rows in tokens.items():
        if kind not in ("expert", PROSE):
            yield "traces", kind, _columns(rows, vocabulary)
    worded = proxies.with_word_frequency(expert, texts)
    for name, definition in proxies.DEFINITIONS.items():
        if name != "default":
            held = [proxy for proxy in JUDGED_PROXIES if proxies.holds(proxy, definition)]
            yield "definition", name, proxies.by_task(worded, vocabulary, definition, shared, held)
    for name, window in proxies.WINDOWS.items():
        if name != "all":
            yield "window", name, _columns(proxies.windowed(expert, window, texts), vocabulary)
    keys = expert[["task", "id"]].drop_duplicates().reset_index(drop=True)
    for number in NUMBERS:
        for subset in range(SUBSETS):
            rng = np.random.default_rng([number, subset])
            chosen = keys.sample(frac=1, random_state=rng).groupby("task", sort=False).head(number).sort_index()
            yield "number of traces", f"{number}#{subset}", _columns(expert.merge(chosen, on=["task", "id"]), vocabulary)


def _columns(tokens: pd.DataFrame, vocabulary: int, names: Sequence[str] = FIXED_PROXIES) -> pd.DataFrame:
    return proxies.by_task(tokens, vocabulary, names=names).assign(bits_per_byte=proxies.bits_per_byte(tokens))


def solutions(material: Run, kind: str = "traces") -> pd.Series:
    """Solutions of the material's traces of a kind, indexed by (task, id)."""
    return material.table(kind).set_index(["task", "id"])["solution"]
