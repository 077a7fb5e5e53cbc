"""The one training loop: documents packed into rows, Muon on the matrices, AdamW on the rest.

A run killed anywhere goes on from its last checkpoint and ends with the same bits as one that was left alone: batches
depend on the step alone, and a checkpoint holds weights and both optimisers' state in full precision.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data import corpora, tasks
from proxylib.data.settings import Material
from proxylib.models import architectures, checkpoint, devices, post_training, tokenizers
from proxylib.models.muon import Muon
from proxylib.models.packing import IGNORE, Rows, Special, encoded, pack
from proxylib.models.settings import Model, Training
from proxylib.runs.store import Workspace

CHECKPOINTS = 10  # per run: at most a tenth of the work is lost, and writing them costs under one percent
MEASUREMENTS = 12  # of the held-out loss, evenly spaced in log tokens
HELD_OUT_DOCUMENTS = 128
CHECKPOINT = "checkpoint.safetensors"
EVERY = 10  # steps between two training losses that are kept


def learning_rate(step: int, steps: int, warmup: float) -> float:
    """Share of the peak rate: a linear rise, then a cosine down to a tenth. `step` counts from 0."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def optimisers(model: PreTrainedModel, config: Training) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for embeddings, head, norms and biases.

    Muon orthogonalises an update, which makes sense for a matrix that maps a hidden vector to another and not for one
    whose rows are tokens or positions.
    """
    looked_up = [module for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    tables = {id(module.weight) for module in (*looked_up, model.get_output_embeddings())}
    matrices = [p for p in model.parameters() if p.ndim == 2 and id(p) not in tables]
    others = [p for p in model.parameters() if p.ndim != 2 or id(p) in tables]
    return [
        Muon(matrices, lr=config.muon_learning_rate, weight_decay=0.0),
        torch.optim.AdamW(others, lr=config.adamw_learning_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    ]


def held_out_loss(model: PreTrainedModel, held_out: Rows, text_bytes: int) -> tuple[float, float]:
    """Mean NLL per predicted token (nats) and bits per byte over held-out documents.

    Bits per byte divides by the bytes of the text, so it is comparable across tokenizers; the closing eos of a document
    is predicted and counted in both, and has no bytes of its own.
    """
    model.eval()
    with torch.inference_mode():
        nats = sum(_loss(model, held_out.part(start, start + 32), "sum").item() for start in range(0, len(held_out.ids), 32))
    model.train()
    return nats / held_out.tokens, nats / math.log(2) / text_bytes


def _loss(model: PreTrainedModel, rows: Rows, reduction: str) -> torch.Tensor:
    ids, positions, labels = (tensor.to(model.device) for tensor in rows)
    # without a cache and a mask, transformers keeps documents apart by their positions (tested)
    logits = model(input_ids=ids, position_ids=positions, use_cache=False).logits[:, :-1]
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORE, reduction=reduction
    )


def held_out_documents(material: Material) -> list[str]:
    """Problems of the evaluation side with their expert solutions, drawn apart from those that are scored."""
    share = -(-HELD_OUT_DOCUMENTS // len(material.tasks))
    drawn = [pair for name in material.tasks for pair in tasks.evaluation_problems(tasks.task(name), share, material.seed + 1)]
    return [trace.prompt + trace.solution for trace, _ in drawn]


def steps_of(config: Training, share: float) -> int:
    """Steps that read `share` of the config's tokens."""
    return max(1, int(share * config.tokens) // (config.batch_tokens // config.context * config.context))


class Reading(NamedTuple):
    """Text of one's own in place of a corpus recipe: documents without end, and those that the held-out loss is taken on."""

    documents: Iterator[str]
    held_out: list[str]


class HeldOut(NamedTuple):
    """Documents that are not trained on, packed, and the bytes of their text."""

    rows: Rows
    text_bytes: int


class Phase(NamedTuple):
    """A stretch of training: its rows, its steps, its peak rates as a share of the config's, and how they change by step.

    rate : like `learning_rate`, which stands in where there is none
    """

    rows: Rows
    steps: int
    peak: float
    rate: Callable[[int, int, float], float] | None = None


@dataclass
class Trainee:
    """What training changes, and what every phase needs."""

    spec: Model
    config: Training
    material: Material
    seed: int
    tokenizer: PreTrainedTokenizerFast
    workspace: Workspace
    model: PreTrainedModel
    reading: Reading | None = None

    @property
    def special(self) -> Special:
        return Special(self.tokenizer.bos_token_id, self.tokenizer.eos_token_id, self.tokenizer.pad_token_id)

    @property
    def rows_per_step(self) -> int:
        return self.config.batch_tokens // self.config.context

    def steps(self, share: float) -> int:
        """Steps that read `share` of the config's tokens."""
        return steps_of(self.config, share)

    def packed(self, texts: Iterator[str], steps: int) -> Rows:
        """Rows for so many steps."""
        return pack(encoded(self.tokenizer, texts), steps * self.rows_per_step, self.config.context, self.special)

    def held_out(self) -> HeldOut:
        """What the held-out loss is measured on."""
        texts = self.reading.held_out if self.reading else held_out_documents(self.material)
        rows = pack(iter(tokenizers.encode(self.tokenizer, texts)), None, self.config.context, self.special)
        return HeldOut(rows, sum(len(text.encode()) for text in texts))

    def pretraining(self) -> Phase:
        """The first phase: a corpus recipe, or text of one's own."""
        steps = self.steps(self.spec.share)
        if self.reading:
            return Phase(self.packed(self.reading.documents, steps), steps, 1.0)
        return Phase(self.packed(corpora.documents(corpora.recipe(self.spec.mix), self.material, self.seed), steps), steps, 1.0)

    def post_training(self) -> Phase | None:
        """The phase after pretraining, None where there is none. Rejection sampling reads the model as it is then."""
        steps = self.steps(self.config.post_share)
        peak = self.config.post_learning_rate_share
        if self.spec.post == "none":
            return None
        if self.spec.post == "rejection":
            texts = post_training.kept_samples(
                self.model, self.tokenizer, self.config, self.material, self.seed, self.workspace
            )
            if not texts:
                return None  # nothing to learn from: the fact `samples_kept` says so
            rows = pack(iter(tokenizers.encode(self.tokenizer, texts)), None, self.config.context, self.special)
            steps = min(steps, len(rows.ids) // self.rows_per_step)
            return Phase(rows, steps, peak) if steps else None
        texts = post_training.documents(self.spec, self.material, self.seed)
        return Phase(self.packed(texts, steps), steps, peak)


def fit(step, workspace: Workspace) -> None:
    """Train one model of the population and save it as a `transformers` directory.

    Parameters
    ----------
    step : a declared `train` step: settings hold model, training, material and seed; its parent holds the tokenizers
    workspace : receives `model/`, the table `losses` (phase, split, step, tokens, nll in nats per token, bits_per_byte) and,
        as facts, parameters, FLOPs, tokens per second and the machine's measured matmul rate; after rejection sampling
        also the table `samples` (prompt, text, right)
    """
    settings = step.settings
    folder = step.parent("material").path(f"tokenizers/{settings.model.tokenizer}")
    train(settings.model, settings.training, settings.material, settings.seed, tokenizers.load(folder, "always"), workspace)


def train(
    spec: Model,
    config: Training,
    material: Material,
    seed: int,
    tokenizer: PreTrainedTokenizerFast,
    workspace: Workspace,
    observe: Callable[[PreTrainedModel, int, int], None] | None = None,
    reading: Reading | None = None,
    measured: Callable[[str, int], set[int]] | None = None,
) -> PreTrainedModel:
    """Train a model and save it; see `fit`. Returns the trained model.

    `observe(model, step, tokens)` is called wherever the held-out loss is measured; a resumed run calls it again only for
    steps after its last checkpoint. With `reading`, pretraining reads that and not the recipe of `spec.mix`.
    `measured(phase, steps)` says after which steps of a phase the loss is measured; default `measuring_steps`.
    """
    facts = devices.prepare(config.device, config.threads)
    torch.manual_seed(seed)
    model = architectures.build(spec, len(tokenizer), config.context).to(config.device)
    trainee = Trainee(spec, config, material, seed, tokenizer, workspace, model, reading)
    loop = Loop(trainee, optimisers(model, config), trainee.held_out(), observe, measured or measuring_steps)
    if spec.post == "rejection" and loop.first > trainee.steps(spec.share) and not workspace.holds(post_training.SAMPLES):
        loop.path.unlink()  # only the model before post-training can draw the samples again
        return train(spec, config, material, seed, tokenizer, workspace, observe, reading, measured)
    began = time.perf_counter()
    for name, phase_of in (("pretraining", trainee.pretraining), ("post-training", trainee.post_training)):
        phase = phase_of()
        if phase is not None:
            loop.run(name, phase)
    seconds = time.perf_counter() - began
    columns = ["phase", "split", "step", "tokens", "nll", "bits_per_byte"]
    workspace.write_table("losses", pd.DataFrame(loop.losses, columns=columns).astype({"bits_per_byte": float}))
    model.save_pretrained(workspace.path("model"))
    tokenizer.save_pretrained(workspace.path("model"))
    loop.path.unlink(missing_ok=True)
    workspace.note(**facts, **_speed(trainee, loop, seconds), resumed_at_step=loop.first)
    return model


class Loop:
    """Steps through phases, with losses, measurements and checkpoints on the way.

    Parameters
    ----------
    trainee : what is trained, and on what
    optims : see `optimisers`
    held_out : on which the loss is measured
    observe, measured : see `train`

    Attributes
    ----------
    losses : rows of phase, split, step, tokens, nll in nats per token, bits per byte
    first, done : steps that a checkpoint had seen; steps of the phases that are finished
    tokens, fresh : predicted tokens so far; those of this process
    """

    def __init__(
        self,
        trainee: Trainee,
        optims: list[torch.optim.Optimizer],
        held_out: HeldOut,
        observe: Callable[[PreTrainedModel, int, int], None] | None,
        measured: Callable[[str, int], set[int]],
    ):
        self.trainee, self.optims, self.held_out, self.observe = trainee, optims, held_out, observe
        self.measured = measured
        self.path = trainee.workspace.path(CHECKPOINT)
        self.first, self.losses = checkpoint.resume(self.path, trainee.model, optims)
        self.done = self.tokens = self.fresh = 0

    def run(self, name: str, phase: Phase) -> None:
        """All steps of a phase that no checkpoint has seen."""
        every = max(1, phase.steps // CHECKPOINTS)
        measured = self.measured(name, phase.steps)
        for index in range(phase.steps):
            rows = phase.rows.part(index * self.trainee.rows_per_step, (index + 1) * self.trainee.rows_per_step)
            self.tokens += rows.tokens
            if self.done + index < self.first:
                continue
            if self.done + index > self.first and index % every == 0:
                checkpoint.write(self.path, self.trainee.model, self.optims, self.losses, self.done + index)
            rate = (phase.rate or learning_rate)(index, phase.steps, self.trainee.config.warmup)
            loss = self._step(rows, phase.peak * rate)
            if index % EVERY == 0:
                self.losses.append([name, "train", self.done + index + 1, self.tokens, loss, None])
            if index + 1 in measured:
                self._measure(name, self.done + index + 1)
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"{self.trainee.spec.name}: the loss is not finite at step {index + 1}; lower training.muon_learning_rate"
                )
        self.done += phase.steps

    def _step(self, rows: Rows, share: float) -> float:
        """One update at a share of the peak rates; the loss before it."""
        config = self.trainee.config
        for optim, peak in zip(self.optims, (config.muon_learning_rate, config.adamw_learning_rate), strict=True):
            optim.param_groups[0]["lr"] = peak * share
        loss = _loss(self.trainee.model, rows, "mean")
        loss.backward()
        for optim in self.optims:
            optim.step()
            optim.zero_grad(set_to_none=True)
        self.fresh += rows.tokens
        return loss.item()

    def _measure(self, name: str, step: int) -> None:
        model = self.trainee.model
        self.losses.append([name, "held-out", step, self.tokens, *held_out_loss(model, *self.held_out)])
        if self.observe:
            self.observe(model, step, self.tokens)
            model.train()


def measuring_steps(phase: str, steps: int) -> set[int]:
    """Steps after which the held-out loss is measured: evenly spaced in log steps, and at the end of post-training."""
    if phase != "pretraining":
        return {steps}
    return set(np.unique(np.geomspace(1, steps, MEASUREMENTS).round().astype(int)).tolist())


def _speed(trainee: Trainee, loop: Loop, seconds: float) -> dict[str, Any]:
    """Sizes and speeds as facts, beside what this machine's matrix product can do."""
    counts = architectures.parameters(trainee.model)
    rate = loop.fresh / seconds if seconds > 0 and loop.fresh else None
    ceiling = devices.matmul_rate(trainee.config.batch_tokens, trainee.spec.width, 4 * trainee.spec.width)
    return {
        "parameters": counts,
        "tokens": loop.tokens,
        "flops": 6.0 * counts["all"] * loop.tokens,
        "tokens_per_second": rate,
        "flops_per_second": rate and 6.0 * counts["all"] * rate,
        "matmul_flops_per_second": ceiling,
        "utilisation": rate and 6.0 * counts["all"] * rate / ceiling,
    }
