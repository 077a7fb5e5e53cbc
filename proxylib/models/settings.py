"""What a model is and how it is trained: settings that enter the identity of a run."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from proxylib.data.settings import Material
from proxylib.settings import Frozen, validated

Bos = Literal["own", "always", "never"]  # what opens a text, see `tokenizers.load`
ARITHMETIC = 3e8  # tokens x width x depth that training gets through in a minute of one slow core


class Model(Frozen):
    """One model of the population: an architecture at a size, over a tokenizer, and what it read."""

    architecture: Literal["llama", "olmo2", "starcoder2", "nemotron", "gpt_neox", "gpt2", "qwen3", "smollm3"]
    tokenizer: Literal["byte", "bpe", "spaced", "capitals"]
    width: int = Field(ge=8, description="hidden size")
    depth: int = Field(ge=1, description="transformer blocks")
    mix: str = Field(description="corpus recipe of pretraining, by its name in proxylib/data/corpora.py")
    post: Literal["none", "more", "style", "answers", "rejection", "noisy"] = Field(description="post-training recipe")
    share: float = Field(gt=0, description="pretraining tokens as a multiple of training.tokens")

    @property
    def family(self) -> str:
        """Architecture and tokenizer: the cluster in every interval over models."""
        return f"{self.architecture}-{self.tokenizer}"

    @property
    def name(self) -> str:
        """Family and width: how people and plots call the model."""
        return f"{self.family}-{self.width}"

    def in_style(self, style: str) -> Model:
        """The same model, what its pretraining mix works out all in one style; "crossed" leaves it as it is."""
        if style == "crossed":
            return self
        share = {"expert": 100, "other": 0}[style]
        return self.model_copy(update={"mix": re.sub(r"^blend-\d+", f"blend-{share}", self.mix)})


class Training(Frozen):
    """The one training loop."""

    tokens: int = Field(ge=1000, description="training tokens, with repetition only if the text runs out")
    context: int = Field(ge=32, description="tokens of one row")
    batch_tokens: int = Field(ge=32, description="tokens of one step")
    muon_learning_rate: float = Field(gt=0, description="peak learning rate of the matrices")
    adamw_learning_rate: float = Field(gt=0, description="peak learning rate of embeddings, head, norms and biases")
    warmup: float = Field(ge=0, lt=1, description="share of steps with a rising rate")
    post_share: float = Field(gt=0, lt=1, description="post-training tokens as a share of `tokens`")
    post_learning_rate_share: float = Field(gt=0, description="peak rate of post-training as a share of pretraining's")
    threads: int = Field(ge=1)
    device: Literal["cpu", "cuda"]

    def minutes(self, model: Model) -> float:
        """About how long a model trains on one slow core."""
        return self.tokens * model.share * model.width * model.depth / ARITHMETIC


class Evaluation(Frozen):
    """Greedy answers, checked exactly."""

    max_new_tokens: int = Field(ge=1, description="most tokens of one answer")
    batch: int = Field(ge=1, description="problems generated together")
    threads: int = Field(ge=1)
    device: Literal["cpu", "cuda"]


class TrainSettings(Frozen):
    """What a `train` run is made from."""

    model: Model
    training: Training
    material: Material
    seed: int = Field(ge=0)


def train_settings(profile, model: Model, seed: int, tokens: int | None = None) -> TrainSettings:
    """Settings of one training in a profile; `UserError` for a bad number of tokens."""
    training = profile.training
    if tokens is not None:
        training = validated(Training, {**training.model_dump(), "tokens": tokens}, "parameter tokens")
    return TrainSettings(model=model, training=training, material=profile.material, seed=seed)


class Lora(Frozen):
    """A LoRA fine-tune: constant rate, no dropout, every linear layer of the blocks."""

    rank: int = Field(ge=1)
    alpha: float = Field(gt=0)
    learning_rate: float = Field(gt=0, description="constant")
    batch: int = Field(ge=1, description="examples of one step")
    context: int = Field(ge=32, description="most tokens of an example; what does not fit is cut and counted")


class Tuning(Lora):
    """A LoRA fine-tune, and how it is laid out on a machine: the layout moves the last bits of a loss, no more."""

    chat: bool = Field(default=False, description="the prompt is a user's turn in the tokenizer's chat template")
    device: Literal["cpu", "cuda", "auto"] = Field(default="cpu", description="auto: the base's layers over all GPUs")
    dtype: Literal["float32", "bfloat16"] = Field(default="float32", description="of the base; the adapter stays float32")
    device_batch: int | None = Field(ge=1, default=None, description="examples of one forward pass; None: all of a step")
    recompute: bool = Field(default=False, description="activations are computed again for the backward pass, not kept")


class Drawn(Frozen):
    """How a policy's own completions are drawn, whichever method learns from them."""

    prompts: int = Field(ge=1, description="of one round: one step of GRPO, or one pass of rejection sampling")
    group: int = Field(ge=2, description="completions of each prompt")
    temperature: float = Field(gt=0)
    max_new_tokens: int = Field(ge=1)


class Grpo(Drawn):
    """Group-relative policy optimisation of an adapter."""

    rounds: int = Field(ge=1, description="optimiser steps, each on prompts of its own")
    learning_rate: float = Field(gt=0, description="constant")
    beta: float = Field(ge=0, description="weight of the divergence from the policy as it was at the beginning; 0: unbound")


class Rejection(Drawn):
    """Iterated fine-tuning: in every round the best completion of each prompt becomes an example."""

    rounds: int = Field(ge=1)
    learning_rate: float = Field(gt=0, description="constant")
    batch: int = Field(ge=1, description="examples of one optimiser step")
