"""The OLMo ladder (Bhagia et al. 2024, arXiv 2412.04403): 30 small runs and the 7B run, checkpoint by checkpoint.

The set carries no token statistics: its task signals are those of the answers, in bits per byte and as probabilities.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.data.published import histories, registry
from proxylib.errors import UserError

NAME = "olmo_ladder"
#: parameters, with one of the two embedding matrices (the published configs call them non-embedding), and FLOPs a token.
#: Published code has no N for 3B: 16 layers of width 3,328 give its files' FLOPs exactly, and this N by the others' formula
SIZES = {
    "190M": (190_354_176, 1_903_391_232),
    "370M": (371_262_464, 3_443_922_944),
    "760M": (758_220_288, 6_373_843_968),
    "1B": (1_279_395_840, 10_109_071_360),
    "3B": (3_169_537_280, 22_970_355_200),
    "7B": (6_887_575_552, 49_412_071_424),
}
MULTIPLES = ("0.5xC", "1xC", "2xC", "5xC", "10xC")  # of 20 tokens a parameter
BATCH_7B = 4_194_304  # tokens; files of the 7B runs count steps of this size
#: runs of 7B: the one that was released, and one at twice its peak learning rate, which ends at step 490,000
SEVEN_B = {"7B": "peteish7_eval_full", "7B-6e-4": "peteish7_medlr_eval_full"}
ANNEALED = "7B-annealed"
SUBJECTS = {"stem": 0.215, "humanities": 0.335, "social_sciences": 0.219, "other": 0.231}  # weights of the published code
#: task -> items, chance; found by which number of items makes every accuracy a whole number of them
TASKS = {
    "mmlu_test": (14_042, 0.25),
    "mmlu_val": (1_531, 0.25),
    "hellaswag_val": (10_042, 0.25),
    "arc_easy_test": (2_376, 0.25),
    "arc_easy_val": (570, 0.25),
    "arc_challenge_test": (1_172, 0.25),
    "arc_challenge_val": (299, 0.25),
    "boolq_val": (3_270, 0.5),
    "csqa_val": (1_221, 0.2),
    "openbookqa_test": (500, 0.25),
    "openbookqa_val": (500, 0.25),
    "piqa_val": (1_838, 0.5),
    "socialiqa_val": (1_954, 1 / 3),
    "winogrande_val": (1_267, 0.5),
}
#: the eight that the paper predicts
PAPER_TASKS = (
    *("mmlu_test", "hellaswag_val", "arc_challenge_test", "arc_easy_test"),
    *("piqa_val", "csqa_val", "socialiqa_val", "openbookqa_test"),
)
DOMAINS = {
    "c4_en": "c4",
    "dolma_books": "books",
    "dolma_common-crawl": "common_crawl",
    "dolma_pes2o": "pes2o",
    "dolma_reddit": "reddit",
    "dolma_stack": "stack",
    "dolma_wiki": "wiki",
    "ice": "ice",
    "m2d2_s2orc": "s2orc",
    "pile": "pile",
    "wikitext_103": "wikitext",
}
SIGNALS = {"task_bpb": ("downstream_bpb", "bpb"), "task_soft": ("downstream_soft", "soft")}
SIGNALS |= {"task_soft_log": ("downstream_soft_log", "soft_log")}


def ladder(reruns: bool = False) -> pd.DataFrame:
    """Runs of 190M to 3B parameters at 0.5 to 10 times 20 tokens a parameter, five-shot with answers ranked by likelihood.

    Parameters
    ----------
    reruns : whether the five second runs at 1xC are to come too, as `190M-1xC-rerun`

    Returns
    -------
    A history (`histories.COLUMNS`): runs are called `190M-0.5xC`; signals are losses on eleven sets (loss_c4, ..., nats a
    token), task_bpb (bits per byte of the right answer), task_soft (its probability among the answers) and task_soft_log (the
    mean of its logarithm, at or below 0).

    Raises
    ------
    UserError
        If the set is not at hand, or a file is not the published table.

    Notes
    -----
    Runs of one size share their data order and are no independent draws of it; checkpoints of a run less so. 1xC and its rerun
    differ by up to 20 points on BoolQ.
    """
    names = [f"{size}-{multiple}" for size in SIZES if size != "7B" for multiple in MULTIPLES]
    names += [f"{size}-1xC-rerun" for size in SIZES if size != "7B"] if reruns else []
    return _history({name: (name, name.split("-")[0]) for name in names})


def seven_b(run: str = "7B") -> pd.DataFrame:
    """The 7B run before its anneal, every 5,000 steps; columns as from `ladder`.

    Parameters
    ----------
    run : of `SEVEN_B`

    Notes
    -----
    Its files count steps, not tokens, from 0, where there are no tokens yet: leave that row out before taking powers. Its
    learning rate is still high at the end: the annealed model, which published errors are about, lies above its trend.
    """
    if run not in SEVEN_B:
        raise UserError(f"run {run} of 7B parameters is unknown; choose one of {', '.join(SEVEN_B)}")
    return _history({run: (SEVEN_B[run], "7B")})


def annealed() -> pd.DataFrame:
    """The 7B model after its anneal at 3.9 T tokens, one row a task; columns as from `ladder`."""
    return _history({ANNEALED: ("peteish7_eval_anneal", "7B")})


def _history(files: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """Name of the run -> file without its ending, size; all of them under each other."""
    folder = registry.fetch(NAME) / "data" / "ladder-runs"
    wide = pd.concat([_run(folder / f"{file}.csv", name, size) for name, (file, size) in files.items()], ignore_index=True)
    common = {name: wide[name] for name in ("run", "parameters", "tokens", "flops", "step", *_losses().values())}
    return histories.tidy(pd.concat([pd.DataFrame(common | _task(wide, task)) for task in TASKS], ignore_index=True), folder)


def _losses() -> dict[str, str]:
    return {f"eval/{long}-validation/CrossEntropyLoss": f"loss_{short}" for long, short in DOMAINS.items()}


def _run(path: Path, name: str, size: str) -> pd.DataFrame:
    """One file, still wide, with run, parameters, tokens, flops and step."""
    wide = pd.read_csv(path)
    counted = "throughput/total_tokens" in wide
    needed = [*_losses(), *(column for task in TASKS for column in _columns(task)), *([] if counted else ["_step"])]
    if lacking := next((column for column in needed if column not in wide), None):
        raise UserError(f"{path}: there is no column {lacking}; fetch the file again")
    if not counted and not (wide["batch_size_in_tokens"] == BATCH_7B).all():
        raise UserError(f"{path}: steps are not of {BATCH_7B:,} tokens; fetch the file again")
    tokens = wide["throughput/total_tokens"].astype(float) if counted else wide["_step"] * float(BATCH_7B)
    parameters, flops = SIZES[size]
    step = wide["_step"] if "_step" in wide else np.round(tokens / BATCH_7B)
    about = {"run": name, "parameters": parameters, "tokens": tokens, "flops": tokens * flops, "step": step}
    return pd.concat([pd.DataFrame(about), wide[needed].rename(columns=_losses())], axis=1)


def _columns(task: str) -> list[str]:
    """Columns of a task: score, then the signals; those of each of MMLU's four groups one after the other."""
    part = task.removeprefix("mmlu_")
    names = [f"mmlu_{group}_{part}" for group in SUBJECTS] if task.startswith("mmlu") else [task]
    kinds = [("downstream", "acc" if task == "boolq_val" else "len_norm"), *SIGNALS.values()]
    return [f"eval/{folder}/{name}_rc_5shot_{what}" for folder, what in kinds for name in names]


def _task(wide: pd.DataFrame, task: str) -> dict[str, object]:
    """One task; MMLU is the mean of its four groups of subjects, weighted by items as the published code does."""
    items, chance = TASKS[task]
    weights = list(SUBJECTS.values()) if task.startswith("mmlu") else [1.0]
    values = wide[_columns(task)].to_numpy(float).reshape(len(wide), -1, len(weights)) @ np.array(weights)
    measured = dict(zip(("score", *SIGNALS), values.T, strict=True))
    return {"task": task, "chance": chance, "items": items} | measured
