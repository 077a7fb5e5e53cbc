"""Small runs of the study: what they are made from, and what they leave."""

from types import SimpleNamespace

import pandas as pd
from models.small_training import CONFIG, LLAMA, MATERIAL

from proxylib.models import tokenizers
from proxylib.models.settings import Evaluation, TrainSettings
from proxylib.studies.validation.settings import Corpus

EVALUATION = Evaluation(max_new_tokens=3, batch=16, threads=1, device="cpu")
GIVEN = {
    "training": TrainSettings(model=LLAMA, training=CONFIG, material=MATERIAL, seed=3),
    "corpus": Corpus(shares={"expert": 0.5, "prose": 0.5}),
    "evaluation": EVALUATION,
    "asked": "end",
    "items": 2,
    "documents": 3,
    "checkpoints": 5,
}


def step_of(folder, settings, **parents):
    """A step as builders find it, its material in the folder."""
    if not (folder / "tokenizers").exists():
        tokenizers.train("byte", ["a"], 300).save_pretrained(folder / "tokenizers" / "byte")
    roles = {"material": SimpleNamespace(path=lambda name: folder / name)} | parents
    return SimpleNamespace(settings=settings, parent=roles.__getitem__)


def table(workspace, name):
    return pd.read_parquet(workspace.path(f"{name}.parquet"))
