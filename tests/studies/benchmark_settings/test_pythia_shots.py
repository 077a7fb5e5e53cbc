"""Gains of five examples in published runs: arithmetic on made-up rows, and the published ones where they are at hand."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.benchmark_settings import pythia_shots


def made(shift, error, runs=8):
    score = np.linspace(0.3, 0.6, runs)
    rows = pd.DataFrame({"task": "arc_easy", "run": [f"r{n}" for n in range(runs)], "step": 1, "score_zero": score})
    rows = rows.assign(parameters=np.arange(runs) // 2, score_five=score + shift, stderr_zero=error, stderr_five=error)
    return rows.assign(gained=100 * (rows["score_five"] - rows["score_zero"]), error=100 * np.sqrt(2) * error)


def test_siblings_are_one_size():
    sizes = pythia_shots.by_size(made(np.tile([0.02, 0.04], 4), 0.01))
    assert sizes["gained"].tolist() == pytest.approx([3] * 4) and sizes["runs"].tolist() == [2] * 4
    assert sizes["error"].tolist() == pytest.approx([1.0] * 4)  # 1.41 points each, two of them
    task = pythia_shots.by_task(sizes, 0.95).iloc[0]
    assert task["estimate"] == pytest.approx(3) and task["n"] == task["clear"] == 4


def test_tests_of_several_tasks_are_corrected_together():
    sizes = pythia_shots.by_size(made(np.tile([0.02, 0.021, 0.03, 0.035], 2), 0.01))
    alone = pythia_shots.by_task(sizes, 0.95)["p"].item()
    still = sizes.assign(task="wsc", gained=[1.0, -1.0, 1.0, -1.0])
    both = pythia_shots.by_task(pd.concat([sizes, still]), 0.95).set_index("task")
    assert both.loc["arc_easy", "p"] == pytest.approx(2 * alone) and both.loc["wsc", "p"] == 1


def test_ranks_are_read_beside_what_noise_leaves():
    exact = pythia_shots.ranks(made(0.0, 1e-6), seed=0).iloc[0]
    assert exact["spearman"] == pytest.approx(1) and exact["noise"] == pytest.approx(1)
    noisy = pythia_shots.ranks(made(np.linspace(0, -0.4, 8), 0.03), seed=0).iloc[0]
    assert noisy["spearman"] < 0 < noisy["noise_low"] < noisy["noise"] < 1


@pytest.mark.published
def test_published_runs_have_both_at_fifteen_checkpoints(published_set):
    published_set("pythia_evals")
    both = pythia_shots.joined()
    assert both["step"].nunique() == 15 and both["run"].nunique() == 11 and both["task"].nunique() == 9
    assert len(both) == 15 * 11 * 9 and both[["gained", "error"]].notna().all().all()
