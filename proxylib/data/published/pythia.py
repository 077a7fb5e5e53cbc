"""Pythia (Biderman et al. 2023, arXiv 2304.01373): scores of eleven models of 70M to 2.8B along training.

The set has no loss; LAMBADA's perplexity is its only continuous signal.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.data.published import histories, registry
from proxylib.errors import UserError

NAME = "pythia_evals"
BATCH = 2_097_152  # tokens of one step
#: parameters without embeddings, as the paper counts them
SIZES = {
    "70m": 18_915_328,
    "160m": 85_056_000,
    "410m": 302_311_424,
    "1b": 805_736_448,
    "1.4b": 1_208_602_624,
    "2.8b": 2_517_652_480,
}
RUNS = tuple(f"pythia-{size}{kind}" for size in SIZES for kind in ("", "-deduped") if (size, kind) != ("1b", ""))
CHANCE = {
    "arc_challenge": 0.25,
    "arc_easy": 0.25,
    "lambada_openai": 0.0,
    "logiqa": 0.25,
    "mmlu": 0.25,
    "piqa": 0.5,
    "sciq": 0.25,
    "winogrande": 0.5,
    "wsc": 0.5,
}
SUBJECTS = 57
CHECKPOINTS = {"zero-shot": 27, "five-shot": 15}


def pythia(shots: str = "zero-shot") -> pd.DataFrame:
    """Scores (`acc`) of nine tasks at 27 checkpoints from step 0 (five-shot: 15 from step 3,000).

    Parameters
    ----------
    shots : "zero-shot" or "five-shot"

    Returns
    -------
    A history (`histories.COLUMNS`) with the published standard errors, which imply the items; the one signal is lambada_nll, in
    nats of the last word. MMLU is the mean of its 57 subjects.

    Raises
    ------
    UserError
        If the set is not at hand; if a file is not a result of the run, step and shots that its name says.

    Notes
    -----
    A deduplicated run and its sibling share architecture and order of data, 1B exists deduplicated alone, and 6.9B and 12B are
    not in the set. MMLU stays at chance throughout; WSC has 104 items and one label in the majority, so its scores wander.
    """
    if shots not in CHECKPOINTS:
        raise UserError(f"shots '{shots}' is unknown; choose one of {', '.join(CHECKPOINTS)}")
    folder = registry.fetch(NAME) / "pythia-v1"
    rows = [row for run in RUNS for path in _files(folder / run / shots, shots) for row in _rows(path, run, shots)]
    return histories.tidy(pd.DataFrame(rows), folder)


def _files(folder: Path, shots: str) -> list[Path]:
    files = sorted(folder.glob("*_step*.json"))
    if len(files) != CHECKPOINTS[shots]:
        raise UserError(f"{folder}: {len(files)} checkpoints, expected {CHECKPOINTS[shots]}; fetch the set again")
    return files


def _rows(path: Path, run: str, shots: str) -> list[dict[str, object]]:
    step = int(path.stem.split("_step")[1])
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        results, config = content["results"], content["config"]
        asked = config["num_fewshot"] == (5 if shots == "five-shot" else 0) and f"revision=step{step}" in config["model_args"]
        if not asked:
            raise UserError(f"{path}: not the result of {run} at step {step}, {shots}; fetch the file again")
        subjects = [result for task, result in results.items() if task.startswith("hendrycksTest-")]
        if len(subjects) != SUBJECTS:
            raise UserError(f"{path}: {len(subjects)} subjects of MMLU, expected {SUBJECTS}; fetch the file again")
        errors = np.array([subject["acc_stderr"] for subject in subjects])
        mmlu = {"acc": np.mean([subject["acc"] for subject in subjects]), "acc_stderr": np.sqrt((errors**2).sum()) / SUBJECTS}
        common = {"run": run, "parameters": SIZES[run.split("-")[1]], "tokens": float(step) * BATCH, "step": step}
        common["lambada_nll"] = np.log(results["lambada_openai"]["ppl"])
        taken = {task: mmlu if task == "mmlu" else results[task] for task in CHANCE}
        return [
            common | {"task": task, "score": taken[task]["acc"], "chance": chance, "stderr": taken[task]["acc_stderr"]}
            for task, chance in CHANCE.items()
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a result of the evaluation harness ({error}); fetch the file again") from None
