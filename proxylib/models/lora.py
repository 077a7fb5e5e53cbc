"""One LoRA fine-tune over TRL and PEFT: loss on the completion alone, every step's loss kept, resumable.

The post's grid is Qwen3 at five sizes; here any causal language model in a folder or on the hub takes its place.
"""

from __future__ import annotations

import gc
import json
import math
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import safetensors
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback, TrainerControl, TrainerState

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.models import architectures, devices, folders, loading, memory, tokenizers
from proxylib.models.chat import PromptError
from proxylib.models.loading import DTYPES
from proxylib.models.settings import Tuning
from proxylib.runs.files import Damaged, read_sealed, refuse_damage, sha256, write_sealed

ADAPTER, CHECKPOINTS = "adapter", "checkpoints"
TRIED = 64  # tokens on which the trainer's loss is compared with the model's own
SAVES = 4  # checkpoints of a cell: a kill costs a quarter of it at most
SEAL = "digests.json"  # of a checkpoint's files; one that a kill left without it counts for nothing
#: of a checkpoint; the Trainer writes the last of them last
WANTED = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json")


class Row(NamedTuple):
    """One training row: its tokens, and which of them the loss counts."""

    ids: list[int]
    counted: list[int]
    truncated: int  # tokens of the completion that found no room


class Schedule(NamedTuple):
    """How long a cell trains: passes over its examples, or optimiser steps."""

    epochs: int | None
    steps: int | None


class Tuned(NamedTuple):
    """What a fine-tune leaves beside the adapter in its folder.

    losses : step, epoch, loss (nats per completion token of that step's batch)
    rows : what was trained on
    parameters : of the base, see `families.parameters`
    trained : parameters that the fine-tune changed
    together : examples of a pass in one process, fewer than asked for where memory did not hold more
    finite : whether the weights are numbers
    """

    losses: pd.DataFrame
    rows: list[Row]
    parameters: dict[str, int]
    trained: int
    together: int
    finite: bool

    @property
    def diverged(self) -> bool:
        """Whether a loss, or a weight after the last step, is no finite number; such an adapter is of no use."""
        return not (self.finite and np.isfinite(self.losses["loss"]).all())

    def facts(self) -> dict[str, int | bool]:
        """Sizes and counts, and whether it diverged."""
        return {
            "diverged": self.diverged,
            "parameters": self.parameters["all"],
            "non_embedding": self.parameters["non_embedding"],
            "trainable": self.trained,
            "steps": len(self.losses),
            "tokens": sum(len(row.ids) for row in self.rows),
            "truncated": sum(row.truncated > 0 for row in self.rows),
        }


def rows_of(examples: Sequence[Trace], tokenizer: PreTrainedTokenizerFast, longest: int, chat: bool = False) -> list[Row]:
    """Prompt and completion tokenised apart and joined, between what opens a text and eos; only completion and eos are counted.

    With `chat`, the prompt stands in the tokenizer's chat template instead (see `tokenizers.prompt_ids`).

    Raises
    ------
    UserError
        Naming an example whose completion finds no room at all: training would silently learn nothing from it; or where the
        tokenizer has no eos.
    """
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"{tokenizer.name_or_path}: its tokenizer has no end token for a fine-tune to teach; set eos_token in its "
            "tokenizer_config.json"
        )
    rows = []
    for example in examples:
        try:
            prompt = tokenizers.prompt_ids(tokenizer, example.prompt, chat)
        except PromptError as error:
            raise UserError(f"example {example.task}/{example.id}: {error.reason}; leave it out") from None
        completion = [*tokenizers.encode(tokenizer, [example.solution])[0], tokenizer.eos_token_id]
        room = longest - len(prompt)
        if room < 1:
            raise UserError(
                f"example {example.task}/{example.id}: its prompt of {len(prompt)} tokens leaves no room for the completion in "
                f"{longest}; raise the context or leave it out"
            )
        kept = completion[:room]
        rows.append(Row(prompt + kept, [0] * len(prompt) + [1] * len(kept), len(completion) - len(kept)))
    return rows


class _StopWhenDiverged(TrainerCallback):
    """A loss that is no number stays none; the cell is reported as diverged and costs nothing more."""

    def on_log(self, args, state: TrainerState, control: TrainerControl, logs=None, **_) -> TrainerControl:
        if logs and not math.isfinite(logs.get("loss", 0.0)):
            control.should_training_stop = True
        return control


class _Seal(TrainerCallback):
    """Digests beside a checkpoint's files, so that one that was damaged later is not gone on from."""

    def on_save(self, args, state: TrainerState, control: TrainerControl, **_) -> TrainerControl:
        if state.is_world_process_zero:
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            write_sealed(checkpoint / SEAL, {name: sha256(checkpoint / name) for name in WANTED})
        return control


def tune(
    base: str | Path,
    examples: Sequence[Trace],
    config: Tuning,
    schedule: Schedule,
    seed: int,
    folder: Path,
    bos: str = "own",
    tried: Callable[[PreTrainedModel], object] = lambda model: None,
) -> Tuned:
    """Fine-tune an adapter on examples, or go on where a killed call left off.

    Parameters
    ----------
    base : folder or hub id of a causal language model with its tokenizer
    examples : prompt and solution of each; the loss counts the solution and the closing eos
    config : rank, alpha, rate, batch, context, and how the work is laid out
    schedule : exactly one of its two is given
    seed : of the adapter's first weights and of the order of examples
    folder : receives `adapter/`; `checkpoints/` lie there while it runs
    bos : what opens a prompt, see `tokenizers.load`; the tokenizer beside the adapter does the same
    tried : is given the base before anything is trained, and raises where it is no use to go on

    Raises
    ------
    UserError
        Where there are no examples, a completion finds no room, a step cannot be divided among the processes, or memory does
        not hold a pass of a single example. Where it does not hold as many as are asked for, it is
        said, and passes are narrower.

    Notes
    -----
    The rate is constant and there is no dropout, as in the post: the adapter has none, and that of the base (GPT-2 has 0.1) is
    off. A step's loss is a mean over its completion tokens, taken
    before the step's update; it is noisy, and on examples seen before it says how well they are remembered.

    Several processes (`accelerate launch`) share the examples of a step; each holds the whole base. Where the last step of
    a pass cannot be divided evenly, it is filled up with examples from the beginning of the pass.

    On device "auto" one process deals the base's layers out over all GPUs, and each part of the adapter lies beside its
    layer. The GPUs work one after the other. What a pass takes is counted as if the first GPU took it alone.
    """
    import datasets
    from peft import LoraConfig
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    if not examples:
        raise UserError("parameter examples: none given; a fine-tune needs at least one")
    devices.refuse(config.device)
    location = folders.whole(base)
    tokenizer = tokenizers.load(location, bos)
    rows = rows_of(examples, tokenizer, config.context, config.chat)
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    dataset = datasets.Dataset.from_list([{"input_ids": row.ids, "completion_mask": row.counted} for row in rows])
    checkpoints = folder / CHECKPOINTS
    total = schedule.steps or math.ceil(len(rows) / config.batch) * (schedule.epochs or 1)
    arguments = SFTConfig(
        output_dir=str(checkpoints),
        per_device_train_batch_size=config.device_batch or config.batch,
        num_train_epochs=schedule.epochs or 1,
        max_steps=schedule.steps or -1,
        learning_rate=config.learning_rate,
        lr_scheduler_type="constant",
        warmup_steps=0,
        weight_decay=0.0,
        max_length=config.context,
        completion_only_loss=True,
        loss_type="nll",
        router_aux_loss_coef=0.0,  # else the loss of a mixture of experts is not that of the completion alone
        use_cpu=config.device == "cpu" or (config.device == "auto" and not torch.cuda.is_available()),
        bf16=config.dtype == "bfloat16",
        activation_checkpointing=config.recompute,
        logging_steps=1,
        logging_nan_inf_filter=False,  # else a diverged run logs the mean of its better days
        save_strategy="steps",
        save_steps=max(1, total // SAVES),
        save_total_limit=1,
        seed=seed,
        data_seed=seed,
        report_to=[],
        disable_tqdm=not sys.stderr.isatty(),
    )
    if config.device == "auto":
        arguments._n_gpu = 1  # which the trainer sets itself if a model lies on several; else it would make copies
    arguments.gradient_accumulation_steps = _passes(config, arguments.world_size, arguments.n_gpu)
    place = "auto" if config.device == "auto" else str(arguments.device)
    memory.refuse_weights(location, DTYPES[config.dtype], "cpu" if place == "auto" else place)
    torch.manual_seed(seed)  # the adapter's first weights
    model = loading.load(location, place, DTYPES[config.dtype], trained=True)
    without_dropout(model)
    _refuse_unfit(rows, model, base)
    tried(model)
    counts = architectures.parameters(model)
    adapter = LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    try:
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=dataset,
            processing_class=tokenizer,
            peft_config=adapter,
            callbacks=[_Seal(), _StopWhenDiverged()],
        )
    except ValueError as error:  # peft knows of layers that go past their adapters, such as those of Mamba
        raise folders.refusal(location, "cannot be trained through LoRA; take another base", error) from None
    _refuse_another_loss(trainer.model, rows, base)
    asked = config.device_batch or config.batch
    size = memory.fitting(trainer, max(len(row.ids) for row in rows), config, DTYPES[config.dtype])
    if size < asked:
        del trainer, model
        gc.collect()  # a trainer is a cycle, and holds the weights that are about to be loaded again
        torch.cuda.empty_cache()
        return tune(base, examples, config.model_copy(update={"device_batch": size}), schedule, seed, folder, bos)
    trainer.remove_callback(PrinterCallback)  # a dictionary per step on stdout
    with arguments.main_process_first(local=False):  # the others look once it has tidied, and find what it found
        begun = newest_whole(checkpoints)
    with memory.named(asked):
        trainer.train(resume_from_checkpoint=begun and str(begun))
    log = [entry for entry in trainer.state.log_history if "loss" in entry]
    losses = pd.DataFrame([(entry["step"], entry["epoch"], entry["loss"]) for entry in log], columns=["step", "epoch", "loss"])
    if main_process():
        trainer.model.save_pretrained(folder / ADAPTER)
        tokenizer.save_pretrained(folder / ADAPTER)
        shutil.rmtree(checkpoints, ignore_errors=True)
    finite = all(bool(p.isfinite().all()) for p in trainer.model.parameters() if p.requires_grad)
    return Tuned(losses, rows, counts, trainable(trainer.model), asked, finite)


def _refuse_unfit(rows: Sequence[Row], model: PreTrainedModel, base: str | Path) -> None:
    """`UserError` where examples are longer than the base's positions, or hold tokens that it has no row for."""
    entries = model.get_input_embeddings().weight.shape[0]
    if (last := max(max(row.ids) for row in rows)) >= entries:
        raise UserError(f"{base}: its tokenizer has a token {last}, and the model {entries} rows; they do not belong together")
    # some bases fail behind their positions, others go on with untrained ones
    room = getattr(model.config.get_text_config(), "max_position_embeddings", None) or math.inf
    if (most := max(len(row.ids) for row in rows)) > room:
        raise UserError(f"parameter context: an example has {most} tokens, and {base} takes {room}; give context {room}")


def _refuse_another_loss(model: PreTrainedModel, rows: Sequence[Row], base: str | Path) -> None:
    """`UserError` where the trainer's loss is not the base's: TRL multiplies with the head itself.

    Notes
    -----
    It leaves out layers between trunk and head (BERT and its family, as decoders), and caps that it does not know by name.
    """
    ids = torch.tensor([max((row.ids for row in rows), key=len)[:TRIED]], device=model.device)
    if ids.shape[1] < 2:
        return
    with torch.inference_mode():
        logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
        loss = torch.nn.functional.cross_entropy(logits, ids[0, 1:]).item()
        trained = model(input_ids=ids, labels=ids, fused_lm_head=True).loss.item()
    if abs(loss - trained) > max(1e-3, 4 * torch.finfo(model.dtype).eps) * max(1.0, loss):
        raise UserError(
            f"{base}: training would count a loss of {trained:.3f} nats where the model's own is {loss:.3f}; TRL leaves "
            f"out what {type(model.get_base_model()).__name__} does between its trunk and its logits: take another base"
        )


def newest_whole(checkpoints: Path) -> Path | None:
    """The checkpoint to go on from; None: from the beginning. Those that a kill left broken are removed and named."""
    folders_of_steps = [folder for folder in checkpoints.glob("checkpoint-*") if folder.name.rpartition("-")[2].isdecimal()]
    for folder in sorted(folders_of_steps, key=lambda folder: int(folder.name.rpartition("-")[2]), reverse=True):
        if _whole(folder):
            return folder
        if main_process():
            print(f"proxylib: {folder} is broken, as a kill may leave it; going on without it", file=sys.stderr)
            shutil.rmtree(folder)
    return None


def _whole(checkpoint: Path) -> bool:
    """Whether every file of a checkpoint is there, reads to its end and is what it was."""
    if not all((checkpoint / name).is_file() for name in WANTED):
        return False
    try:
        for name, digest in read_sealed(checkpoint / SEAL).items():
            refuse_damage(checkpoint / name, digest)
        for path in checkpoint.iterdir():
            if path.suffix == ".json":
                json.loads(path.read_bytes())
            elif path.suffix == ".safetensors":
                with safetensors.safe_open(path, "pt"):  # its header says how long the file is
                    pass
            elif path.suffix in (".pt", ".pth", ".bin") and zipfile.ZipFile(path).testzip():  # torch's own format
                return False
    except (Damaged, OSError, ValueError, zipfile.BadZipFile, safetensors.SafetensorError):
        return False
    return True


def without_dropout(model: PreTrainedModel) -> None:
    """Set every dropout of a model to 0: in its config, which some layers read, and in the modules that were built from it."""
    for holder in (model.config, model.config.get_text_config(), *model.modules()):
        layer = "Drop" in type(holder).__name__
        for name, value in list(vars(holder).items()):
            if isinstance(value, float) and ("drop" in name or (layer and name == "p")):
                setattr(holder, name, 0.0)


def main_process() -> bool:
    """Whether this process writes: the only one, or the first of those that `accelerate launch` or torchrun started."""
    return int(os.environ.get("RANK", "0")) == 0


def _passes(config: Tuning, processes: int, visible: int) -> int:
    """Forward passes of one step in each process."""
    if visible > 1:
        raise UserError(f"{visible} GPUs and one process: start it with accelerate launch, or set CUDA_VISIBLE_DEVICES to one")
    together = (config.device_batch or config.batch) * processes
    if config.batch % together:
        raise UserError(
            f"parameter batch: {config.batch} examples a step are no multiple of {together}, one pass of all processes"
        )
    return config.batch // together


def final_loss(losses: pd.DataFrame, last: int) -> float:
    """Mean training loss of the last `last` steps, nats per completion token: the post's predictor, defined."""
    return float(losses["loss"].tail(last).mean())


def first_pass_loss(losses: pd.DataFrame, last: int) -> float:
    """Mean of the last `last` steps of the first epoch: every example of it was new, so nothing is remembered."""
    return final_loss(_first_pass(losses), last)


def _first_pass(losses: pd.DataFrame) -> pd.DataFrame:
    return losses[losses["epoch"] <= 1.0]


def averages(losses: pd.DataFrame, last: int) -> dict[str, float | int]:
    """Facts `final_loss` and `first_pass_loss`, and over how many steps they are means: fewer than `last` in a short run."""
    return {
        "final_loss": final_loss(losses, last),
        "final_steps": min(last, len(losses)),
        "first_pass_loss": first_pass_loss(losses, last),
        "first_pass_steps": min(last, len(_first_pass(losses))),
    }


def trainable(model: PreTrainedModel) -> int:
    """Parameters that the fine-tune changes."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
