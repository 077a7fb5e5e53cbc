"""Settings of the pretrained model: its section of a profile, and what its run is made from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from proxylib.settings import Frozen


class Pretrained(Frozen):
    """Which pretrained model the real chapters are about."""

    model: Literal["smollm2-135m-instruct", "stand-in"] = Field(
        description="of those that `proxylib fetch` knows, or a tiny one of random weights, which shows that every path runs"
    )


class PretrainedSettings(Frozen):
    """What a `fetched_model` run is made from."""

    model: str
    gguf: str | None = Field(description="SHA-256 of the file that is converted; None for the stand-in")


class Section(Frozen):
    """What the study adds to a profile."""

    pretrained: Pretrained
