"""What the study runs: one pretrained model brought onto the package's own path."""

from __future__ import annotations

from proxylib.models import packaged
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.pretrained.settings import PretrainedSettings, Section

study = Study("pretrained", Section)


@study.stage(version=1, builder="proxylib.studies.pretrained.brought:build", resources=Resources(minutes=0.5, memory=3))
def fetched_model(d: Declaration) -> Request:
    """What lies in a pretrained model's file, and what becomes of it as a folder of transformers?"""
    name = d.profile.pretrained.model
    digest = packaged.MODELS[name].gguf if name in packaged.MODELS else None
    return Request(PretrainedSettings(model=name, gguf=digest))
