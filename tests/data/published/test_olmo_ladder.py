"""The ladder's loader: tokens of the 7B run, MMLU's weights, what it refuses, and the published set's known answers."""

import numpy as np
import pandas as pd
import pytest

from proxylib.data.published import histories, olmo_ladder, registry
from proxylib.errors import UserError

CHECKPOINTS = 3
PUBLISHED_MEANS = {"mmlu_test": 0.490, "hellaswag_val": 0.813, "piqa_val": 0.820, "socialiqa_val": 0.599}


def columns():
    losses = [f"eval/{name}-validation/CrossEntropyLoss" for name in olmo_ladder.DOMAINS]
    names = [task for task in olmo_ladder.TASKS if not task.startswith("mmlu")]
    names += [f"mmlu_{subject}_{part}" for subject in olmo_ladder.SUBJECTS for part in ("test", "val")]
    kinds = [
        ("downstream", "len_norm"),
        ("downstream_bpb", "bpb"),
        ("downstream_soft", "soft"),
        ("downstream_soft_log", "soft_log"),
    ]
    tasks = [f"eval/{folder}/{name}_rc_5shot_{what}" for name in names for folder, what in kinds]
    return losses + [name.replace("boolq_val_rc_5shot_len_norm", "boolq_val_rc_5shot_acc") for name in tasks]


def table(**more):
    rng = np.random.default_rng(0)
    return pd.DataFrame({name: rng.uniform(0.1, 0.9, CHECKPOINTS) for name in columns()} | more)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set of few made-up checkpoints, where the loader looks for it."""
    monkeypatch.setattr(registry, "fetch", lambda name: tmp_path)
    monkeypatch.setattr(olmo_ladder, "MULTIPLES", ("0.5xC", "1xC"))
    runs = tmp_path / "data" / "ladder-runs"
    runs.mkdir(parents=True)
    steps = np.array([1, 2, 3])
    for size in ("190M", "370M", "760M", "1B", "3B"):
        for name in (*olmo_ladder.MULTIPLES, "1xC-rerun"):
            table(_step=steps, **{"throughput/total_tokens": steps * 1e9}).to_csv(runs / f"{size}-{name}.csv")
    table(_step=5000 * (steps - 1), batch_size_in_tokens=4_194_304).to_csv(runs / "peteish7_eval_full.csv")
    table(**{"throughput/total_tokens": 3_945_065_873_408}).iloc[:1].to_csv(runs / "peteish7_eval_anneal.csv")
    return runs


def test_runs_of_the_ladder_are_one_history(folder):
    frame = olmo_ladder.ladder()
    assert frame["run"].nunique() == 10 and len(frame) == 10 * CHECKPOINTS * len(olmo_ladder.TASKS)
    assert tuple(frame)[: len(histories.COLUMNS)] == histories.COLUMNS
    assert list(dict.fromkeys(frame["run"]))[:2] == ["190M-0.5xC", "190M-1xC"]
    assert olmo_ladder.ladder(reruns=True)["run"].nunique() == 15


def test_steps_of_the_7b_run_become_tokens(folder):
    frame = olmo_ladder.seven_b()
    assert sorted(set(frame["tokens"])) == [0, 5000 * 4_194_304, 10000 * 4_194_304]
    assert frame["flops"].max() == pytest.approx(10000 * 4_194_304 * 49_412_071_424)
    assert olmo_ladder.annealed()["step"].iloc[0] == 940_577


def test_mmlu_is_the_weighted_mean_of_its_groups(folder):
    wide = pd.read_csv(folder / "peteish7_eval_full.csv")
    part = lambda name: wide[f"eval/downstream_bpb/mmlu_{name}_test_rc_5shot_bpb"]
    wanted = 0.215 * part("stem") + 0.335 * part("humanities") + 0.219 * part("social_sciences") + 0.231 * part("other")
    frame = olmo_ladder.seven_b()
    assert list(frame.loc[frame["task"] == "mmlu_test", "task_bpb"]) == pytest.approx(list(wanted))


def test_other_files_are_refused(folder):
    table(_step=[1, 2, 3], batch_size_in_tokens=1024).to_csv(folder / "peteish7_eval_full.csv")
    with pytest.raises(UserError, match="steps are not of 4,194,304 tokens"):
        olmo_ladder.seven_b()
    pd.DataFrame({"_step": [1]}).to_csv(folder / "peteish7_eval_full.csv")
    with pytest.raises(UserError, match="peteish7_eval_full.csv: there is no column"):
        olmo_ladder.seven_b()
    with pytest.raises(UserError, match="run 13B"):
        olmo_ladder.seven_b("13B")


@pytest.mark.published
def test_the_published_7b_run_is_as_known(published_set):
    folder = published_set("olmo_ladder")
    frame = olmo_ladder.seven_b()
    assert frame["step"].max() == 925_000
    assert olmo_ladder.ladder(reruns=True)["run"].nunique() == 30
    assert frame["flops"].max() > np.iinfo(np.int64).max
    single = frame[~frame["task"].str.startswith("mmlu")]
    counts = single["score"] * single["items"]
    assert np.allclose(counts, counts.round(), atol=2e-3)
    last = olmo_ladder.annealed().set_index("task")
    assert last["tokens"].iloc[0] == 3_945_065_873_408
    for task, score in PUBLISHED_MEANS.items():
        assert last.loc[task, "score"] == pytest.approx(score, abs=6e-4)
    other = pd.read_csv(folder / "data" / "ladder-runs" / "3B-10xC.csv")
    tokens, gigaflops = other["throughput/total_tokens"].astype(float), other["throughput/total_training_Gflops"]
    parameters, flops = olmo_ladder.SIZES["3B"]
    assert np.allclose(gigaflops * 1e9, tokens * flops, rtol=1e-6)
    assert flops == 6 * parameters + 12 * 16 * 3328 * 4096 + 4 * 100_352 * 3328
