"""A material and an expert on disk, as steps of the lab find them."""

from types import SimpleNamespace

import pytest
import torch
from models.small_training import LLAMA, MATERIAL

from proxylib.data import traces
from proxylib.measure.settings import Extraction, MeasureSettings
from proxylib.measure.tokenstats.extract import token_rows
from proxylib.models import architectures, devices, tokenizers
from proxylib.models.settings import Evaluation
from proxylib.runs.folder import Folder
from proxylib.runs.store import Workspace
from proxylib.studies.lab import material

MEASURE = MeasureSettings(
    extraction=Extraction(window=40, chunk=64, batch=8, threads=1, device="cpu"),
    evaluation=Evaluation(max_new_tokens=3, batch=16, threads=1, device="cpu"),
)


def parents(folder):
    """role -> what a step asks of it: files of the material, tables of both."""
    workspace = Workspace(folder)
    kinds, decisive = material.evaluation_traces(MATERIAL)
    for kind, kept in kinds.items():
        workspace.write_table(material.traces_of(kind), traces.to_frame(kept))
    tokenizer = tokenizers.train("byte", ["a"], 300)
    tokenizer.save_pretrained(folder / "tokenizers" / "byte")
    torch.manual_seed(8)
    model = architectures.build(LLAMA, len(tokenizer), 128).eval()
    theirs, _ = token_rows(model, tokenizer, kinds["expert"], MEASURE.extraction)
    return {
        "material": SimpleNamespace(path=lambda name: folder / name, table={"decisive": decisive}.__getitem__),
        "expert": SimpleNamespace(table={"tokens_expert": theirs}.__getitem__),
    }


def built(build, step, folder):
    """The workspace of a call of a builder that goes on from what is in the folder, on a machine whose speed is known."""
    folder.mkdir(exist_ok=True)
    workspace = Workspace(folder, Folder(folder, {}).progress())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "matmul_rate", lambda *_: 1e9)
        build(step, workspace)
    return workspace
