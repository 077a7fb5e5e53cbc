"""Who judges, and within what limits."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from proxylib.settings import Frozen

BATCH = 32  # questions that a model in a folder answers together


class LLMJudge(Frozen):
    """A judge by name, how it is asked, and what asking may cost."""

    model: str = Field(
        description="openai-api/NAME/MODEL (any compatible server; reads NAME_API_KEY and NAME_BASE_URL), openai/..., "
        "vllm/..., or hf/FOLDER for a model in a folder"
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

    @field_validator("limit_cost")
    @classmethod
    def _priced(cls, limit: float | None, info: ValidationInfo) -> float | None:
        if limit is not None and not (info.data.get("price_in") or info.data.get("price_out")):
            raise ValueError("needs price_in or price_out, in US dollars per million tokens")
        return limit

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """US dollars."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6
