"""Gemstones (McLeish et al. 2025, arXiv 2502.06857): 22 shapes of up to 2B parameters, scores and losses every 10 B tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.data.published import histories, registry
from proxylib.errors import UserError

NAME = "gemstones"
LAST_STEP = 83_475  # which files call main
SHAPES, CHECKPOINTS = 22, 35
SUBJECTS = 57  # of MMLU
#: task -> its name in the summary of losses, chance
TASKS = {
    "arc:challenge": ("arcc", 0.25),
    "arc:easy": ("arce", 0.25),
    "commonsense_qa": ("coqa", 0.2),
    "hellaswag": ("hellaswag", 0.25),
    "mmlu": ("mmlu", 0.25),
    "openbookqa": ("openbook", 0.25),
    "piqa": ("piqa", 0.5),
    "siqa": ("siqa", 1 / 3),
    "winogrande": ("winogrande", 0.5),
}
LOSSES = {"loss_fineweb_edu": "fineweb_edu_losses_combined.jsonl", "loss_dclm": "fineweb_dclm_losses_combined.jsonl"}
SUMMARY = "DERIVED_task_loss_summary.csv"


def gemstones() -> pd.DataFrame:
    """Scores of nine tasks at 35 checkpoints of each shape.

    Returns
    -------
    A history (`histories.COLUMNS`) with the published standard errors; runs are called `1024x28`, width and depth; signals are
    loss_train (as fitted by the authors), loss_fineweb_edu, loss_dclm (nats a token) and task_loss (nats of the right answer;
    nan where the summary, which only a mirror can hold, is not at hand).

    Raises
    ------
    UserError
        If the set is not at hand, or a table is not 22 shapes x 35 checkpoints.

    Notes
    -----
    Evaluated on 1,000 items a task where there are more. The published error of MMLU is the mean of those of its subjects; the
    one here is that divided by the root of 57, as of a mean of 57. Shapes share data and its order. The learning rate is
    constant: no cooldown at the end.
    """
    folder = registry.fetch(NAME)
    benchmarks = folder / "benchmarks"
    scores = _long(benchmarks / "light_eval_df.parquet", "score")
    frame = scores.merge(_long(benchmarks / "light_eval_df_err.parquet", "stderr"), on=["run", "step", "task"], validate="1:1")
    frame.loc[frame["task"] == "mmlu", "stderr"] /= np.sqrt(SUBJECTS)
    for name, file in LOSSES.items():
        keys = ["run", "step"] if name != "loss_fineweb_edu" else ["run", "step", "parameters", "tokens"]
        frame = frame.merge(_losses(benchmarks / file, name)[[*keys, name]], on=["run", "step"], validate="m:1")
    train = _losses(folder / "wandb_dfs" / "wandb_df_for_fitting_hot_100b+.jsonl", "loss_train")
    frame = frame.merge(train[["run", "step", "loss_train"]], on=["run", "step"], validate="m:1")
    if len(frame) != SHAPES * CHECKPOINTS * len(TASKS):
        raise UserError(f"{folder}: tables do not hold {SHAPES} shapes x {CHECKPOINTS} checkpoints; fetch the set again")
    frame["task_loss"] = _task_losses(folder / SUMMARY, frame)
    frame["chance"] = frame["task"].map({task: chance for task, (_, chance) in TASKS.items()})
    return histories.tidy(frame, folder)


def _step(checkpoint: pd.Series) -> pd.Series:
    return checkpoint.str.removeprefix("step_").replace("main", str(LAST_STEP)).astype(int)


def _long(path: Path, name: str) -> pd.DataFrame:
    """run, step, task and one number, from the wide table of the evaluation."""
    wide = pd.read_parquet(path)
    if set(wide) != set(TASKS):
        raise UserError(f"{path}: not the expected tasks; fetch the file again")
    parts = wide.index.str.extract(r"^Gemstone-(?P<run>\d+x\d+)-(?P<step>\w+)$")
    wide = wide.reset_index(drop=True).assign(run=parts["run"], step=_step(parts["step"]))
    return wide.melt(["run", "step"], var_name="task", value_name=name)


def _losses(path: Path, name: str) -> pd.DataFrame:
    """run, step, parameters, tokens and a loss."""
    frame = pd.read_json(path, lines=True)
    names = {"params_active_precise": "parameters", "final_loss": name}
    frame = frame.rename(columns=names)[["run_name", "step", "tokens", *names.values()]]
    return frame.assign(run=frame.pop("run_name").str.extract(r"(\d+x\d+)", expand=False))


def _task_losses(path: Path, frame: pd.DataFrame) -> pd.Series:
    """The right answer's loss for every row of the frame."""
    if not path.is_file():
        return pd.Series(np.nan, index=frame.index)
    summary = pd.read_csv(path)
    summary["run"], summary["step"] = summary["model"].str.removeprefix("Gemstone-"), _step(summary["checkpoint"])
    keys = pd.MultiIndex.from_frame(summary[["run", "step", "task"]])
    losses = pd.Series(summary["mean_correct_answer_loss"].to_numpy(), index=keys)
    short = frame["task"].map({task: name for task, (name, _) in TASKS.items()})
    return pd.Series(
        losses.reindex(pd.MultiIndex.from_arrays([frame["run"], frame["step"], short])).to_numpy(), index=frame.index
    )
