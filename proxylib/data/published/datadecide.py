"""DataDecide (Magnusson et al. 2025, arXiv 2504.11393) as tidy frames: 25 corpora x 14 model sizes.

The set carries no token statistics: its continuous signal is the per-character NLL of the correct answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.data.published import registry
from proxylib.errors import UserError

NAME = "datadecide"
SEQUENCE_LENGTH = 2048  # tokens
TARGET = "1B"
# The set's notes put 750M at about 45 tokens per parameter, where the others have about 100; the constants below give
# 110. With its true compute in doubt it is no point on a compute axis.
OFF_TRAJECTORY = ("750M",)
MACRO = "olmes_10_macro_avg"
SEEDS = 3


class Size(NamedTuple):
    """One model size as trained."""

    parameters: int  # without embeddings
    batch: int  # sequences of one step
    steps: int  # of the final checkpoint

    @property
    def compute(self) -> float:
        """Training FLOPs, 6 N D. In floats throughout: the product exceeds 64-bit integers from 150M on."""
        return 6.0 * self.parameters * self.batch * SEQUENCE_LENGTH * self.steps


# Constants of the published code (allenai/DataDecide), smallest first.
SIZES = {
    "4M": Size(3_744_832, 32, 5_725),
    "6M": Size(6_010_464, 32, 9_182),
    "8M": Size(8_538_240, 32, 13_039),
    "10M": Size(9_900_432, 32, 15_117),
    "14M": Size(14_380_224, 32, 21_953),
    "16M": Size(16_004_560, 32, 24_432),
    "20M": Size(19_101_888, 64, 14_584),
    "60M": Size(57_078_144, 96, 29_042),
    "90M": Size(97_946_640, 160, 29_901),
    "150M": Size(151_898_880, 192, 38_157),
    "300M": Size(319_980_544, 320, 45_787),
    "530M": Size(530_074_944, 448, 57_786),
    "750M": Size(681_297_408, 576, 63_589),
    "1B": Size(1_176_832_000, 704, 69_369),
}

# Variants of one recipe resemble each other, so intervals draw these groups whole.
GROUPS = {
    "Dolma": (
        "Dolma1.7",
        "Dolma1.7 (no Flan)",
        "Dolma1.7 (no Reddit)",
        "Dolma1.7 (no code)",
        "Dolma1.7 (no math, code)",
        "Dolma1.6++",
    ),
    "Falcon": (
        "Falcon",
        "Falcon+CC",
        "Falcon+CC (QC 10%)",
        "Falcon+CC (QC 20%)",
        "Falcon+CC (QC Orig 10%)",
        "Falcon+CC (QC Tulu 10%)",
    ),
    "DCLM": (
        "DCLM-Baseline",
        "DCLM-Baseline (QC 10%)",
        "DCLM-Baseline (QC 20%)",
        "DCLM-Baseline (QC 7%, FW2)",
        "DCLM-Baseline (QC 7%, FW3)",
        "DCLM-Baseline (QC FW 3%)",
        "DCLM-Baseline (QC FW 10%)",
    ),
    "DCLM/Dolma mixes": (
        "DCLM-Baseline 25% / Dolma 75%",
        "DCLM-Baseline 50% / Dolma 50%",
        "DCLM-Baseline 75% / Dolma 25%",
    ),
    "other web": ("C4", "FineWeb-Edu", "FineWeb-Pro"),
}
GROUP_OF = {corpus: group for group, corpora in GROUPS.items() for corpus in corpora}


def accuracy() -> pd.DataFrame:
    """OLMES ten-task macro accuracy of the final checkpoint, mean over 3 seeds.

    Returns
    -------
    One row per size and corpus: size, corpus, group, parameters (without embeddings), compute (FLOPs), compute_fraction
    (of the 1B run), accuracy (share of items).

    Raises
    ------
    UserError
        If the set is not at hand, or the file is not 14 sizes x 25 corpora of finite numbers.

    Notes
    -----
    Below 1B the two further seeds are said to have been stopped early upstream, so means at small sizes may mix
    training lengths. Near the smallest sizes accuracy is close to guessing, and its order of corpora mostly noise.
    """
    columns = {"params": "size", "corpus": "corpus", "olmes_10_macro_avg_acc_mean3seeds": "accuracy"}
    frame = _read("olmes_macro_acc_seedmean.csv", columns, keys={"size": tuple(SIZES), "corpus": tuple(GROUP_OF)})
    frame["group"] = frame["corpus"].map(GROUP_OF)
    sizes = frame["size"].map(SIZES)
    frame["parameters"] = [size.parameters for size in sizes]
    frame["compute"] = [size.compute for size in sizes]
    frame["compute_fraction"] = frame["compute"] / SIZES[TARGET].compute
    return frame[["size", "corpus", "group", "parameters", "compute", "compute_fraction", "accuracy"]]


def nll() -> pd.DataFrame:
    """Negative log likelihood of the correct answer per character, in nats, mean over the ten OLMES tasks.

    Returns
    -------
    One row per size, corpus and seed: size, corpus, group, seed_index (0 is the default seed), nll_per_char.

    Raises
    ------
    UserError
        As `accuracy`, with 3 seeds.

    Notes
    -----
    It rewards fluency on the answers' wording as well as knowledge: a corpus whose style resembles the answers looks
    better than it is.
    """
    columns = {
        "params": "size",
        "corpus": "corpus",
        "seed_index": "seed_index",
        "olmes10_mean_neglog_correct_prob_per_char": "nll_per_char",
    }
    keys = {"size": tuple(SIZES), "corpus": tuple(GROUP_OF), "seed_index": tuple(range(SEEDS))}
    frame = _read("olmes10_correct_nll_per_char.csv", columns, keys)
    frame["group"] = frame["corpus"].map(GROUP_OF)
    return frame[["size", "corpus", "group", "seed_index", "nll_per_char"]]


def target() -> pd.DataFrame:
    """Accuracy at 1B per task and as macro average.

    Returns
    -------
    One row per task and corpus: task (`MACRO` is the ten-task average), corpus, accuracy (mean over 3 seeds),
    accuracy_default_seed; both shares of items.

    Raises
    ------
    UserError
        If the set is not at hand, a cell is missing or not finite, or the macro average is not the mean of its tasks.

    Notes
    -----
    The mean contains the default seed: correlating the two flatters the default seed.
    """
    columns = {
        "task": "task",
        "corpus": "corpus",
        "acc_1B_mean3seeds": "accuracy",
        "acc_1B_default_seed": "accuracy_default_seed",
    }
    name = "target_1B_acc_by_task.csv"
    frame = _read(name, columns, keys={"task": None, "corpus": tuple(GROUP_OF)})
    wide = frame.pivot(index="corpus", columns="task", values="accuracy")  # noqa: PD010 - pivot_table hides repeats
    if MACRO not in wide or not np.allclose(wide.drop(columns=MACRO).mean(axis=1), wide[MACRO], atol=1e-6):
        raise UserError(f"{_path(name)}: task {MACRO} is not the mean of the other tasks; fetch the file anew")
    return frame


def _path(name: str) -> Path:
    return registry.fetch(NAME) / name


def _read(name: str, columns: dict[str, str], keys: dict[str, tuple | None]) -> pd.DataFrame:
    """Columns renamed, rows in the order of `keys`, every combination of keys exactly once, every number finite.

    A key of None takes the values that the file has.
    """
    path = _path(name)
    try:
        frame = pd.read_csv(path, dtype={"params": str})[list(columns)].rename(columns=columns)
    except (ValueError, KeyError) as error:
        raise UserError(f"{path}: not the expected table ({error}); fetch the file anew") from None
    wanted = [frame[key].unique() if values is None else values for key, values in keys.items()]
    index = pd.MultiIndex.from_product(wanted, names=list(keys))
    frame = frame.set_index(list(keys))
    odd = [*frame.index.difference(index), *index.difference(frame.index), *frame.index[frame.index.duplicated()]]
    if odd:
        example = " ".join(str(value) for value in odd[0])
        raise UserError(f"{path}: rows are not each of {' x '.join(keys)} once (see '{example}'); fetch the file anew")
    try:
        finite = np.isfinite(frame.astype(float)).all(axis=None)
    except ValueError:
        finite = False
    if not finite:
        raise UserError(f"{path}: a cell is not a finite number; fetch the file anew")
    return frame.loc[index].reset_index()
