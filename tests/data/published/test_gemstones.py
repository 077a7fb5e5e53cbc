"""The Gemstones' loader on a made-up set of two shapes, and the published set's known answers."""

import json

import numpy as np
import pandas as pd
import pytest

from proxylib.data.published import gemstones, registry
from proxylib.errors import UserError

STEPS = {"step_00002385": 2385, "main": 83_475}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "fetch", lambda name: tmp_path)
    monkeypatch.setattr(gemstones, "SHAPES", 2)
    monkeypatch.setattr(gemstones, "CHECKPOINTS", 2)
    for place in ("benchmarks", "wandb_dfs"):
        (tmp_path / place).mkdir()
    index = [f"Gemstone-{shape}-{name}" for shape in ("256x23", "768x3") for name in STEPS]
    scores = pd.DataFrame({task: np.linspace(0.3, 0.6, 4) for task in gemstones.TASKS}, index=index)
    scores.to_parquet(tmp_path / "benchmarks" / "light_eval_df.parquet")
    (scores * 0 + 0.03).to_parquet(tmp_path / "benchmarks" / "light_eval_df_err.parquet")
    losses = [
        {
            "run_name": f"Gemstone-{shape}",
            "step": step,
            "tokens": step * 4_194_304,
            "params_active_precise": 10**9,
            "final_loss": 3 - step / 1e5,
        }
        for shape in ("256x23", "768x3")
        for step in STEPS.values()
    ]
    text = "\n".join(json.dumps(row) for row in losses)
    for file in (
        *(f"benchmarks/{name}" for name in gemstones.LOSSES.values()),
        "wandb_dfs/wandb_df_for_fitting_hot_100b+.jsonl",
    ):
        (tmp_path / file).write_text(text)
    return tmp_path


def test_tables_are_joined_by_shape_and_step(folder):
    frame = gemstones.gemstones()
    assert len(frame) == 2 * 2 * 9 and set(frame["run"]) == {"256x23", "768x3"} and set(frame["step"]) == set(STEPS.values())
    assert frame["task_loss"].isna().all()
    last = frame[(frame["run"] == "768x3") & (frame["step"] == 83_475)].set_index("task")
    assert last.loc["piqa", "score"] == pytest.approx(0.6) and last.loc["piqa", "loss_dclm"] == pytest.approx(3 - 0.83475)
    assert last.loc["piqa", "stderr"] == 0.03 and last.loc["mmlu", "stderr"] == pytest.approx(0.03 / np.sqrt(57))


def test_losses_of_answers_come_where_the_summary_lies(folder):
    short = [name for name, _ in gemstones.TASKS.values()]
    rows = [("Gemstone-256x23", "main", task, 100.0 + place) for place, task in enumerate(short)]
    names = ["model", "checkpoint", "task", "mean_correct_answer_loss"]
    pd.DataFrame(rows, columns=names).to_csv(folder / gemstones.SUMMARY, index=False)
    frame = gemstones.gemstones().set_index(["run", "step", "task"])["task_loss"]
    assert frame["256x23", 83_475, "arc:challenge"] == 100 and frame.notna().sum() == 9


def test_a_checkpoint_without_its_loss_is_refused(folder):
    path = folder / "wandb_dfs" / "wandb_df_for_fitting_hot_100b+.jsonl"
    path.write_text(path.read_text().rsplit("\n", 1)[0])
    with pytest.raises(UserError, match="do not hold 2 shapes x 2 checkpoints"):
        gemstones.gemstones()


@pytest.mark.published
def test_the_published_set_is_as_known(published_set):
    published_set("gemstones")
    frame = gemstones.gemstones()
    assert frame["tokens"].max() == 350_119_526_400
    assert (frame.groupby("run")["loss_fineweb_edu"].first() > frame.groupby("run")["loss_fineweb_edu"].last()).all()
    assert frame["task_loss"].isna().sum() in (0, len(frame))  # all or, without a mirror, none
