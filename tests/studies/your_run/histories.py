"""Histories for tests: clean ones, and ones with a known fault."""

import json

import numpy as np
import pandas as pd


def clean(length=60, seed=0, scores=("mmlu", "arc"), losses=("web_loss", "code_loss")):
    """A long table: scores of 2,000 items that rise, losses that fall."""
    rng, steps = np.random.default_rng(seed), 500 * np.arange(1, length + 1)
    parts = []
    for place, name in enumerate(scores):
        share = 0.3 + 0.05 * place + 0.2 * (1 - np.exp(-np.arange(length) / 15))
        parts.append(pd.DataFrame({"task": name, "step": steps, "score": rng.binomial(2000, share) / 2000, "items": 2000}))
    for name in losses:
        values = 2 + 3 / np.sqrt(np.arange(1, length + 1)) + rng.normal(0, 0.01, length)
        parts.append(pd.DataFrame({"task": name, "step": steps, "score": values, "kind": "loss"}))
    return pd.concat(parts, ignore_index=True)


def turned(rows, task, start, change):
    """The same with a task moved from a step on."""
    moved = (rows["task"] == task) & (rows["step"] >= start)
    return rows.assign(score=rows["score"] + change * moved)


def results(step, tasks, **more):
    """What lm-evaluation-harness writes about one checkpoint."""
    values = {
        "results": {
            name: {"alias": name, "acc,none": value, "acc_stderr,none": 0.01, "acc_norm,none": value + 0.1}
            for name, value in tasks.items()
        },
        "config": {"model": "hf", "model_args": f"pretrained=org/model,revision=step{step}"},
        "n-samples": {name: {"original": 2000, "effective": 2000} for name in tasks},
        "higher_is_better": {name: {"acc": True, "acc_norm": True} for name in tasks},
        "date": 1.7e9 + step,
    }
    return values | more


def results_folder(folder, number=12):
    """A folder of result files, one a checkpoint."""
    for place in range(1, number + 1):
        path = folder / f"step{place}" / f"results_{place}.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(results(1000 * place, {"arc": 0.3 + 0.01 * place, "mmlu": 0.25 + 0.005 * place})))
    return folder


def state(length=40, seed=0):
    """What a trainer writes: training loss at every tenth step, an evaluation at every hundredth, and its summary."""
    rng, entries = np.random.default_rng(seed), []
    for place in range(1, 10 * length + 1):
        value = 1 + 3 / np.sqrt(place) + rng.normal(0, 0.02)
        entries.append({"epoch": place / 400, "grad_norm": 1.0, "learning_rate": 1e-4, "loss": value, "step": 10 * place})
        if place % 10 == 0:
            held = {"eval_loss": value + 0.1 + rng.normal(0, 0.01), "eval_accuracy": 0.5 + 0.3 * place / (10 * length)}
            entries.append(held | {"eval_runtime": 3.1, "eval_steps_per_second": 2.0, "epoch": place / 400, "step": 10 * place})
    entries.append({"epoch": 1.0, "step": 100 * length, "train_loss": 1.3, "train_runtime": 60.0, "total_flos": 1e15})
    return {"best_metric": None, "global_step": 100 * length, "log_history": entries, "max_steps": 100 * length}
