"""Ruan et al. 2024 (arXiv 2405.10938): base models and their scores on eight benchmarks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from proxylib.data.published import registry
from proxylib.errors import UserError

NAME = "obs_scaling"
BENCHMARKS = ("MMLU", "ARC-C", "HellaSwag", "Winograd", "TruthfulQA", "GSM8K", "XWinograd", "HumanEval")


def base_models(folder: Path | None = None) -> pd.DataFrame:
    """Scores of base models, a row per model by its hub id, a column per benchmark, as shares; nan where there is none."""
    path = (folder or registry.fetch(NAME)) / "eval_results" / "base_llm_benchmark_eval.csv"
    frame = pd.read_csv(path).set_index("Model")[list(BENCHMARKS)]
    if frame.index.has_duplicates or not (frame.isna() | ((frame >= 0) & (frame <= 1))).all(axis=None):
        raise UserError(f"{path}: a model stands twice, or a score is no share; fetch the set again")
    return frame
