"""Who judges, and within what limits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from proxylib.settings import Frozen

FOLDER = "hf/"  # begins the name of a judge in a folder, or on the hub; any other one is asked for by calls
BATCH = 32  # questions that a model in a folder answers together


class LLMJudge(Frozen):
    """A judge by name, how it is asked, and what asking may cost."""

    model: str = Field(
        description="openai-api/NAME/MODEL (any compatible server; reads NAME_API_KEY and NAME_BASE_URL), openai/..., "
        "vllm/..., or hf/FOLDER for a model in a folder"
    )
    device: Literal["cpu", "cuda", "auto"] | None = Field(
        default=None,
        description="where a model in a folder runs; auto: its layers over all GPUs, for what one GPU does not hold; "
        "if left out, on a GPU where there is one",
    )
    dtype: Literal["float32", "bfloat16"] | None = Field(
        default=None, description="of its weights; if left out, bfloat16 on a GPU and float32 on a processor"
    )
    connections: int = Field(default=8, ge=1, description="calls at a time")
    attempts: int = Field(default=2, ge=1, description="answers asked for before a malformed one leaves the note unscored")
    retries: int = Field(default=5, ge=0, description="of one call after a time-out, 429 or 5xx")
    timeout: int = Field(default=120, ge=1, description="seconds of one call, retries included")
    max_new_tokens: int = Field(
        default=300,
        ge=1,
        description="most tokens of one answer; a reasoning judge needs thousands, for its hidden tokens count",
    )
    temperature: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="of sampling; 0 for the likeliest answer")
    no_schema: bool = Field(
        default=False, description="for servers that refuse response_format or a JSON schema; the others are given the answer's"
    )
    again: bool = Field(
        default=False, description="ask again where no kept answer gave a verdict; otherwise kept answers are final"
    )
    limit_tokens: int | None = Field(
        default=None,
        gt=0,
        description="in and out together; no call that could exceed it is made, if three letters or spaces, or a byte of "
        "all else, are a token or less; kept answers cost nothing",
    )
    price_in: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="US dollars per million tokens read")
    price_out: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="US dollars per million tokens written")
    limit_cost: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="in US dollars, likewise; needs a price"
    )

    @field_validator("device", "dtype")
    @classmethod
    def _of_a_folder(cls, value: str | None, info: ValidationInfo) -> str | None:
        model = info.data.get("model", FOLDER)
        if value is not None and not model.startswith(FOLDER):
            raise ValueError(f"is for a model in a folder, {FOLDER}FOLDER; {model} runs as its server decides: leave it out")
        return value

    @field_validator("limit_cost")
    @classmethod
    def _priced(cls, limit: float | None, info: ValidationInfo) -> float | None:
        if limit is not None and not (info.data.get("price_in") or info.data.get("price_out")):
            raise ValueError("needs price_in or price_out, in US dollars per million tokens")
        return limit

    @property
    def local(self) -> bool:
        """Whether the judge is a model in a folder, which answers in this process."""
        return self.model.startswith(FOLDER)

    def placed(self) -> tuple[str, str]:
        """Device and dtype of a model in a folder; what was left out is decided by what this machine has.

        Raises
        ------
        UserError
            If a GPU is asked for and there is none, or all GPUs by several processes.
        """
        import torch

        from proxylib.models import devices

        gpu = torch.cuda.is_available()
        device = self.device or ("cuda" if gpu else "cpu")
        devices.refuse(device)
        return device, self.dtype or ("bfloat16" if gpu and device != "cpu" else "float32")

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """US dollars."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6
