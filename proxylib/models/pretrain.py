"""The one training loop: documents packed into rows, Muon on the matrices, AdamW on the rest.

A run killed anywhere goes on from its last checkpoint and ends with the same bits as one that was left alone: batches
depend on the step alone, and a checkpoint holds weights and both optimisers' state in full precision.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data import corpora, tasks
from proxylib.data.settings import Material
from proxylib.models import architectures, devices, generate, tokenizers
from proxylib.models.settings import Model, Training
from proxylib.runs.store import Workspace, write_atomic

CHECKPOINTS = 10  # per run: at most a tenth of the work is lost, and writing them costs under one percent
MEASUREMENTS = 12  # of the held-out loss, evenly spaced in log tokens
HELD_OUT_DOCUMENTS = 128
CHECKPOINT = "checkpoint.safetensors"
OPEN = 16  # rows that may still take a document: about two percent of the places stay empty
EVERY = 10  # steps between two training losses that are kept
MOST_PASSES = 4  # over the samples that rejection keeps
SAMPLED_SHARE = 0.004  # problems that are sampled per token of post-training: about a third of what the other recipes read
SAMPLED_TOKENS, SAMPLED_BATCH = 180, 400  # as in evaluation
POST_SEED = 1_000_000  # added to the training seed for the order of post-training documents
IGNORE = -100  # torch's cross-entropy skips this label


class Special(NamedTuple):
    """Ids of the tokens that open and close a document and that fill a row."""

    bos: int
    eos: int
    pad: int


class Rows(NamedTuple):
    """Packed documents: ids and positions [rows, context], labels likewise with `IGNORE` on padding and on each bos.

    Positions start at 0 in every document; transformers reads them as document borders, so that no document sees
    another of its row.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    labels: torch.Tensor

    def part(self, start: int, stop: int) -> Rows:
        return Rows(*(tensor[start:stop] for tensor in self))

    @property
    def tokens(self) -> int:
        """Tokens that are predicted."""
        return int((self.labels != IGNORE).sum())


def pack(documents: Iterator[list[int]], rows: int | None, context: int, special: Special) -> Rows:
    """Fill rows with whole documents, each between bos and eos, until so many are full or the documents end.

    A document goes to the first of `OPEN` rows that has room for it; if none has, the oldest is closed. One longer than
    a row is cut.
    """
    closed: list[list[list[int]]] = []
    opened: list[list[list[int]]] = [[]]
    for document in documents:
        tokens = [special.bos, *document, special.eos][:context]
        for row in opened:
            if sum(map(len, row)) + len(tokens) <= context:
                row.append(tokens)
                break
        else:
            if len(opened) == OPEN:
                closed.append(opened.pop(0))
            opened.append([tokens])
        if rows is not None and len(closed) == rows:
            break
    else:
        closed += opened
    ids = torch.full((len(closed), context), special.pad)
    positions, labels = torch.zeros_like(ids), torch.full_like(ids, IGNORE)
    for index, row in enumerate(closed):
        place = 0
        for tokens in row:
            stop = place + len(tokens)
            ids[index, place:stop] = labels[index, place:stop] = torch.tensor(tokens)
            positions[index, place:stop] = torch.arange(len(tokens))
            labels[index, place] = IGNORE  # what opens a document follows from nothing
            place = stop
        positions[index, place:] = torch.arange(context - place)  # padding is a document of its own
    return Rows(ids, positions, labels)


def _encoded(tokenizer: PreTrainedTokenizerFast, texts: Iterator[str], at_once: int = 512) -> Iterator[list[int]]:
    while True:
        yield from tokenizers.encode(tokenizer, list(itertools.islice(texts, at_once)))


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
        torch.optim.Muon(matrices, lr=config.muon_learning_rate, weight_decay=0.0),
        torch.optim.AdamW(others, lr=config.adamw_learning_rate, betas=(0.9, 0.95), weight_decay=0.0),
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


def _checkpoint(path: Path, model: PreTrainedModel, optims: list[torch.optim.Optimizer], losses: list, step: int) -> None:
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, optim in enumerate(optims):
        for number, state in optim.state_dict()["state"].items():
            tensors |= {f"optim.{index}.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
    tensors = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    write_atomic(path, save(tensors, {"step": str(step), "losses": json.dumps(losses)}))


def _resume(path: Path, model: PreTrainedModel, optims: list[torch.optim.Optimizer]) -> tuple[int, list]:
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return 0, []
    try:
        with safe_open(path, "pt") as file:
            meta = file.metadata()
        tensors = load_file(path)
    except SafetensorError:
        print(f"proxylib: {path} is damaged; training starts anew", file=sys.stderr)
        return 0, []
    model.load_state_dict({name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")})
    for index, optim in enumerate(optims):
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(f"optim.{index}."):
                _, _, number, key = name.split(".")
                state.setdefault(int(number), {})[key] = value
        optim.load_state_dict({"state": state, "param_groups": optim.state_dict()["param_groups"]})
    return int(meta["step"]), json.loads(meta["losses"])


class Reading(NamedTuple):
    """Text of one's own in place of a corpus recipe: documents without end, and those that the held-out loss is taken on."""

    documents: Iterator[str]
    held_out: list[str]


class Phase(NamedTuple):
    """A stretch of training: its rows, its steps, and its peak rates as a share of the config's."""

    rows: Rows
    steps: int
    peak: float


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
        return max(1, int(share * self.config.tokens) // (self.rows_per_step * self.config.context))

    def packed(self, texts: Iterator[str], steps: int) -> Rows:
        return pack(_encoded(self.tokenizer, texts), steps * self.rows_per_step, self.config.context, self.special)

    def pretraining(self) -> Phase:
        steps = self.steps(self.spec.share)
        if self.reading:
            return Phase(self.packed(self.reading.documents, steps), steps, 1.0)
        return Phase(self.packed(corpora.documents(corpora.recipe(self.spec.mix), self.material, self.seed), steps), steps, 1.0)

    def post_training(self) -> Phase | None:
        """The phase after pretraining, None where there is none. Rejection sampling reads the model as it is then."""
        if self.spec.post == "none":
            return None
        steps = self.steps(self.config.post_share)
        if self.spec.post == "rejection":
            kept = self._kept_samples()
            if not kept:
                return None  # nothing to learn from: the fact `samples_kept` says so
            # at most so many passes: more would only teach the samples by heart
            texts = (text for _ in range(MOST_PASSES) for text in random.Random(self.seed).sample(kept, len(kept)))
            rows = pack(iter(tokenizers.encode(self.tokenizer, list(texts))), None, self.config.context, self.special)
            steps = min(steps, len(rows.ids) // self.rows_per_step)
            return Phase(rows, steps, self.config.post_learning_rate_share) if steps else None
        chosen = corpora.post_training(self.spec.post, self.spec.mix)
        # a seed of its own, so that post-training does not begin with the problems that pretraining began with
        texts = corpora.documents(chosen, self.material, self.seed + POST_SEED)
        return Phase(self.packed(texts, steps), steps, self.config.post_learning_rate_share)

    def _kept_samples(self) -> list[str]:
        """Prompt and solution of the model's own sampled answers that are right; written as the table `samples`."""
        path = self.workspace.path("samples.parquet")
        if not path.exists():
            rng = random.Random(f"samples {self.material.seed} {self.seed}")
            count = max(8, int(SAMPLED_SHARE * self.config.tokens * self.config.post_share))
            problems = [tasks.training_problem(tasks.task(rng.choice(self.material.tasks)), rng) for _ in range(count)]
            prompts = [problem.prompt for problem in problems]
            texts = generate.answers(self.model, self.tokenizer, prompts, SAMPLED_TOKENS, SAMPLED_BATCH, sample_seed=self.seed)
            self.model.train()
            right = [tasks.right(problem.answer, text) for problem, text in zip(problems, texts, strict=True)]
            self.workspace.write_table("samples", pd.DataFrame({"prompt": prompts, "text": texts, "right": right}))
        samples = pd.read_parquet(path)
        self.workspace.note(samples=len(samples), samples_kept=int(samples["right"].sum()))
        kept = samples[samples["right"]]
        return list(kept["prompt"] + kept["text"])


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
    train(settings.model, settings.training, settings.material, settings.seed, tokenizers.load(folder), workspace)


def train(
    spec: Model,
    config: Training,
    material: Material,
    seed: int,
    tokenizer: PreTrainedTokenizerFast,
    workspace: Workspace,
    observe: Callable[[PreTrainedModel, int, int], None] | None = None,
    reading: Reading | None = None,
) -> PreTrainedModel:
    """The loop itself; see `fit`. Returns the trained model.

    `observe(model, step, tokens)` is called wherever the held-out loss is measured; a resumed run calls it again only for
    steps after its last checkpoint. With `reading`, pretraining reads that and not the recipe of `spec.mix`.
    """
    facts = devices.prepare(config.device, config.threads)
    torch.manual_seed(seed)
    model = architectures.build(spec, len(tokenizer), config.context).to(config.device)
    trainee = Trainee(spec, config, material, seed, tokenizer, workspace, model, reading)
    optims = optimisers(model, config)
    held_out_text = reading.held_out if reading else held_out_documents(material)
    held_out = pack(iter(tokenizers.encode(tokenizer, held_out_text)), None, config.context, trainee.special)
    held_out_bytes = sum(len(text.encode()) for text in held_out_text)

    path = workspace.path(CHECKPOINT)
    first, losses = _resume(path, model, optims)
    began, fresh, done, tokens = time.perf_counter(), 0, 0, 0
    for name, make in (("pretraining", trainee.pretraining), ("post-training", trainee.post_training)):
        phase = make()
        if phase is None:
            continue
        every = max(1, phase.steps // CHECKPOINTS)
        measure_at = set(np.unique(np.geomspace(1, phase.steps, MEASUREMENTS).round().astype(int)).tolist())
        measure_at = measure_at if name == "pretraining" else {phase.steps}
        for index in range(phase.steps):
            rows = phase.rows.part(index * trainee.rows_per_step, (index + 1) * trainee.rows_per_step)
            tokens += rows.tokens
            if done + index < first:
                continue
            if done + index > first and index % every == 0:
                _checkpoint(path, model, optims, losses, done + index)
            share = phase.peak * learning_rate(index, phase.steps, config.warmup)
            for optim, peak in zip(optims, (config.muon_learning_rate, config.adamw_learning_rate), strict=True):
                optim.param_groups[0]["lr"] = peak * share
            loss = _loss(model, rows, "mean")
            loss.backward()
            for optim in optims:
                optim.step()
                optim.zero_grad(set_to_none=True)
            fresh += rows.tokens
            if index % EVERY == 0:
                losses.append([name, "train", done + index + 1, tokens, loss.item(), None])
            if index + 1 in measure_at:
                measured = held_out_loss(model, held_out, held_out_bytes)
                losses.append([name, "held-out", done + index + 1, tokens, *measured])
                if observe:
                    observe(model, done + index + 1, tokens)
                    model.train()
            if not math.isfinite(loss.item()):
                raise FloatingPointError(
                    f"{spec.name}: the loss is not finite at step {index + 1}; lower training.muon_learning_rate"
                )
        done += phase.steps
    seconds = time.perf_counter() - began

    columns = ["phase", "split", "step", "tokens", "nll", "bits_per_byte"]
    workspace.write_table("losses", pd.DataFrame(losses, columns=columns).astype({"bits_per_byte": float}))
    model.save_pretrained(workspace.path("model"))
    tokenizer.save_pretrained(workspace.path("model"))
    path.unlink(missing_ok=True)
    counts = architectures.parameters(model)
    rate = fresh / seconds if seconds > 0 and fresh else None
    ceiling = devices.matmul_rate(config.batch_tokens, spec.width, 4 * spec.width)
    workspace.note(
        **facts,
        parameters=counts,
        tokens=tokens,
        flops=6.0 * counts["all"] * tokens,
        tokens_per_second=rate,
        flops_per_second=rate and 6.0 * counts["all"] * rate,
        matmul_flops_per_second=ceiling,
        utilisation=rate and 6.0 * counts["all"] * rate / ceiling,
        resumed_at_step=first,
    )
    return model
