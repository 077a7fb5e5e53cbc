"""Settings of preferences: what `proxylib preferences` is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from proxylib.errors import UserError
from proxylib.settings import Frozen, validated

#: what a vote has -> how columns are usually called; the first that is there counts. a, b and the winner there must be
SPELLINGS = {
    "a": ("a", "model_a", "model_1", "generator_1", "left", "system_a"),
    "b": ("b", "model_b", "model_2", "generator_2", "right", "system_b"),
    "winner": ("winner", "vote", "verdict", "preference", "preferred", "label", "choice"),
    "judge": ("judge", "judge_id", "annotator", "rater", "user", "user_id", "judge_hash"),
    "question": ("question", "question_id", "prompt_id", "instruction_id", "item", "prompt", "instruction", "id"),
    "turn": ("turn",),
    "text_a": ("text_a", "answer_a", "response_a", "output_1", "conversation_a"),
    "text_b": ("text_b", "answer_b", "response_b", "output_2", "conversation_b"),
}
#: a winner in three columns of 0 and 1, as the Arena's 55k votes have it
ONE_OF = {"a": "winner_model_a", "b": "winner_model_b", "tie": "winner_tie"}
SIDES = ("a", "b", "tie")


class Preferences(Frozen):
    """Rate models by votes on pairs of their answers, and say which votes to buy next.

    VOTES is a CSV, TSV, Parquet or JSON Lines file, a row per vote: both models (a and b), the winner (a, b, tie, or its name);
    if there are, judge, question, turn, and the texts of both answers. Files of the Chatbot Arena and of MT-Bench are read as
    they are.
    """

    votes: Path = Field(description="CSV, TSV, Parquet or JSON Lines file of votes", json_schema_extra={"positional": True})
    out: Path = Field(description="folder for what is made; goes on where it ended")
    fields: dict[str, str] = Field(default={}, description="columns of other names: a=left_model judge=rater text_a=reply")
    winners: dict[str, str] = Field(default={}, description="how the winner is written: a=1 b=0 tie=same,both_bad")
    baseline: str | None = Field(default=None, description="model that is rated 0; without it, the mean of all is")
    buy: int = Field(default=1000, ge=1, le=10**9, description="further votes to plan for")
    level: float = Field(default=0.95, gt=0.5, lt=1, description="coverage of intervals, and of all settled orders at once")
    limit_unscored: float = Field(
        default=0.05,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="share of votes without a winner above which the exit code is 4",
    )

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: dict[str, str]) -> dict[str, str]:
        if unknown := [name for name in fields if name not in SPELLINGS]:
            raise ValueError(f"{unknown[0]} is nothing that a vote has; there are {', '.join(SPELLINGS)}")
        for name, theirs in fields.items():
            if other := next((other for other in fields if other != name and fields[other] == theirs), None):
                raise ValueError(f"column {theirs} cannot be both {name} and {other}; name another for one of them")
        return fields

    @field_validator("winners")
    @classmethod
    def _words(cls, winners: dict[str, str]) -> dict[str, str]:
        if unknown := [name for name in winners if name not in SIDES]:
            raise ValueError(f"{unknown[0]} is no outcome; there are {', '.join(SIDES)}")
        words = [word.strip() for text in winners.values() for word in text.split(",")]
        if "" in words:
            raise ValueError("a word is empty; write tie=same,alike without a blank word")
        if twice := next((word for word in words if words.count(word) > 1), None):
            raise ValueError(f"{twice} stands for two outcomes; give each word once")
        return winners


def from_parameters(given: Mapping[str, Any]) -> Preferences:
    """What the page's notebook asks for; `UserError` names a parameter that is missing or wrong."""
    names = ("votes", "out")
    if missing := [name for name in names if given.get(name) is None]:
        raise UserError(f"parameter {missing[0]}: votes and out go together; give both, or none")
    return validated(Preferences, {name: str(given[name]) for name in names}, lambda key: f"parameter {key}")
