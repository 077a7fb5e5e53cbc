"""Gadre et al. 2024 (arXiv 2403.08540): 104 models of 11M to 6.9B parameters, trained past and short of the usual ratio."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from proxylib.data.published import histories, registry
from proxylib.errors import UserError

NAME = "gadre_scaling"
MODELS = 104
CORPORA = {"c4_original": "C4", "rpj": "RedPajama", "rw_original": "RefinedWeb"}
#: part of the address of a validation set -> signal
LOSSES = {
    "openlm": "loss_openlm",
    "c4_val": "loss_c4",
    "paloma_c4_en": "loss_paloma_c4",
    "programing_languages": "loss_code",
    "falcon-refinedweb": "loss_refinedweb",
    "paloma_ptb": "loss_ptb",
    "paloma_redpajama": "loss_redpajama",
    "de-en": "loss_de_en",
}
#: the published table gives ARC-Challenge the items of ARC-Easy
ITEMS = {"arc_challenge": 1_172}


def gadre() -> pd.DataFrame:
    """Scores of 46 tasks of every model, at the end of its training.

    Returns
    -------
    A history (`histories.COLUMNS`) of one checkpoint a run, with eight losses as signals (nats a token; loss_c4 is what the
    paper's law takes). Runs are named as in the set, with the corpus in front; parameters include embeddings, as the paper's
    ratios do.

    Raises
    ------
    UserError
        If the set is not at hand, if a model lacks its evaluation or a loss, or if there are not 104 models.

    Notes
    -----
    Steps are not recorded for all models and left out. Ten of the tasks have fewer than 200 items, and many stay at chance for
    every model: a law fitted to such a task fits its noise. The published chance of SIQA is 1/2.
    """
    folder = registry.fetch(NAME) / "exp_data"
    about = pd.read_csv(folder / "eval_metadata.csv").set_index("Eval Task")
    items = about["#datapoints"].astype(float).to_dict() | ITEMS
    chance = (about["Random baseline"].astype(float) / 100).to_dict()
    rows = [row for path in sorted((folder / "models").glob("*.json")) for row in _rows(path, folder, items, chance)]
    frame = pd.DataFrame(rows)
    if frame["run"].nunique() != MODELS:
        raise UserError(f"{folder}: {frame['run'].nunique()} models, expected {MODELS}; fetch the set again")
    return histories.tidy(frame, folder)


def corpus_of(run: str) -> str:
    """The corpus that a run was trained on."""
    return CORPORA[run.split("-d=")[0].split("-open_lm")[0]]


def _rows(path: Path, folder: Path, items: dict[str, float], chance: dict[str, float]) -> list[dict[str, object]]:
    try:
        model = json.loads(path.read_text(encoding="utf-8"))
        evaluation = folder / "evals" / f"evaluation_{model['name']}_heavy.json"
        scores = json.loads(evaluation.read_text(encoding="utf-8"))["eval_metrics"]["icl"]
        made = model["hyperparameters"]
        common = {"run": model["name"], "parameters": made["params"], "tokens": made["tokens"]} | _losses(model["results"])
        return [
            common | {"task": task, "score": score, "chance": chance[task], "items": items[task]}
            for task, score in scores.items()
        ]
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror}); fetch the set again") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a model of the set ({error}); fetch the file again") from None


def _losses(results: list[dict[str, object]]) -> dict[str, float]:
    """Signal -> loss; a set of validation is known by its address."""
    losses = dict.fromkeys(LOSSES.values(), np.nan)
    for result in results:
        address = str(result["val_data"])
        names = [name for part, name in LOSSES.items() if part in address.replace("val_tok_mult/openlm", "openlm")]
        if len(names) != 1:
            raise ValueError(f"validation set {address} is unknown")
        losses[names[0]] = float(result["loss"])
    return losses
