"""What models read after pretraining: documents of a recipe, or their own sampled answers that are right."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data import corpora, tasks
from proxylib.data.settings import Material
from proxylib.models import generate
from proxylib.models.settings import Model, Training
from proxylib.runs.files import parquet_bytes
from proxylib.runs.store import Workspace

SAMPLES = "samples.parquet"
MOST_PASSES = 4  # over the samples that rejection keeps: more would only teach them by heart
SAMPLED_SHARE = 0.004  # problems that are sampled per token of post-training: about a third of what the other recipes read
SAMPLED_TOKENS, SAMPLED_BATCH = 180, 400  # as in evaluation
POST_SEED = 1_000_000  # added to the training seed, lest post-training begin with the problems that pretraining began with


def documents(spec: Model, material: Material, seed: int) -> Iterator[str]:
    """Text without end of a model's post-training recipe."""
    return corpora.documents(corpora.post_training(spec.post, spec.mix), material, seed + POST_SEED)


def kept_samples(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: Training,
    material: Material,
    seed: int,
    workspace: Workspace,
) -> list[str]:
    """Prompt and solution of the model's own sampled answers that are right, in so many passes.

    Samples are kept as the table `samples`, from which a run that was cut short goes on.
    """
    if not workspace.holds(SAMPLES):
        workspace.write(SAMPLES, parquet_bytes(_sampled(model, tokenizer, config, material, seed)))
    samples = pd.read_parquet(workspace.path(SAMPLES))
    workspace.note(samples=len(samples), samples_kept=int(samples["right"].sum()))
    right = samples[samples["right"]]
    kept = list(right["prompt"] + right["text"])
    return [text for _ in range(MOST_PASSES) for text in random.Random(seed).sample(kept, len(kept))]


def _sampled(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, config: Training, material: Material, seed: int
) -> pd.DataFrame:
    """prompt, text, right: one sampled answer to each of some training problems."""
    rng = random.Random(f"samples {material.seed} {seed}")
    count = max(8, int(SAMPLED_SHARE * config.tokens * config.post_share))
    problems = [tasks.training_problem(tasks.task(rng.choice(material.tasks)), rng) for _ in range(count)]
    prompts = [problem.prompt for problem in problems]
    completions = generate.completions(model, tokenizer, prompts, SAMPLED_TOKENS, SAMPLED_BATCH, sample_seed=seed)
    model.train()
    texts = [completion.text for completion in completions]
    right = [tasks.right(problem.answer, text) for problem, text in zip(problems, texts, strict=True)]
    return pd.DataFrame({"prompt": prompts, "text": texts, "right": right})
