"""A fine-tuned adapter taught further by a reward: GRPO through TRL, and what a policy's learning costs.

The reward is handed in as a callable, so that nothing here knows of judges: it is given the places of the prompts and what was
written after each.
"""

from __future__ import annotations

import math
import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback

from proxylib.errors import UserError
from proxylib.models import architectures, folders, loading, lora, tokenizers
from proxylib.models.settings import Grpo

#: places of prompts, and a completion of each -> the completions' rewards
Reward = Callable[[Sequence[int], Sequence[str]], Sequence[float]]


@dataclass
class Spent:
    """What has been spent on a policy so far.

    Parameters
    ----------
    parameters, trained : of the model, adapter included, and of the adapter alone
    rounds, samples : rounds that are over, and completions that were drawn and judged
    flops : of drawing and of learning; what measures a policy is not counted
    """

    parameters: int
    trained: int
    rounds: int = 0
    samples: int = 0
    flops: float = 0.0

    def read(self, tokens: int) -> None:
        """Count a forward pass over so many tokens: two operations a parameter and token."""
        self.flops += 2.0 * self.parameters * tokens

    def learn(self, tokens: int) -> None:
        """Count a forward and a backward pass; the latter leads through all parameters and ends in the adapter's.

        Notes
        -----
        Attention's own products, padding and the optimiser are left out, of every method alike.
        """
        self.read(tokens)
        self.flops += 2.0 * (self.parameters + self.trained) * tokens


Observe = Callable[[Spent], None]


@dataclass
class Policy:
    """A model whose adapter learns, and its tokenizer.

    Parameters
    ----------
    model : of peft, its adapter trainable, without dropout
    tokenizer : opens a prompt as the adapter was taught
    """

    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerFast
    spent: Spent = field(init=False)

    def __post_init__(self) -> None:
        self.spent = Spent(architectures.parameters(self.writer)["all"], lora.trainable(self.model))

    @property
    def writer(self) -> PreTrainedModel:
        """The model with its adapter in effect, as generation takes it."""
        return self.model.get_base_model()


def policy(folder: Path, bos: str = "own") -> Policy:
    """The adapter saved in a folder on its base, ready to learn on.

    Raises
    ------
    UserError
        If the folder holds no adapter, or one that does not fit (see `loading.load`).
    """
    from peft import PeftModel

    if not (folder / folders.ADAPTER).exists():
        raise UserError(f"{folder}: no adapter; a policy begins with a fine-tune, as proxylib finetune writes it")
    loading.load(folder)  # refuses what is damaged or fits no base
    model = loading.load(folders.base_of(folder))
    lora.without_dropout(model)
    with warnings.catch_warnings(action="ignore"):
        model = PeftModel.from_pretrained(model, folder, is_trainable=True)
    return Policy(model, tokenizers.load(folder, bos))


def checked(reward: Reward, places: Sequence[int], completions: Sequence[str]) -> list[float]:
    """Rewards as plain numbers; `UserError` where one is missing or no finite number."""
    rewards = [float(value) for value in reward(places, completions)]
    if len(rewards) != len(completions):
        raise UserError(f"reward: {len(rewards)} numbers for {len(completions)} completions; give one each")
    bad = next((value for value in rewards if not math.isfinite(value)), None)
    if bad is not None:
        raise UserError(f"reward: {bad} is no finite number; a completion that cannot be judged needs a reward of its own")
    return rewards


class _Count(TrainerCallback):
    """Counts every step's cost, and lets the caller look at the policy."""

    def __init__(self, learner: Policy, config: Grpo, observe: Observe):
        self.learner, self.config, self.observe, self.tokens = learner, config, observe, 0

    def on_step_end(self, args, state, control, **_) -> None:
        spent, tokens = self.learner.spent, int(state.num_input_tokens_seen) - self.tokens
        self.tokens += tokens
        spent.read(tokens)  # to draw them; the prompt is read once for each completion
        spent.learn(tokens)
        if self.config.beta:
            spent.read(tokens)  # under the policy of the beginning
        spent.rounds += 1
        spent.samples += self.config.prompts * self.config.group
        self.observe(spent)
        self.learner.model.train()


def grpo(
    learner: Policy,
    prompts: Sequence[str],
    reward: Reward,
    config: Grpo,
    seed: int,
    observe: Observe = lambda spent: None,
) -> pd.DataFrame:
    """Teach a policy by the rewards of its own completions, relative to those of the same prompt.

    Parameters
    ----------
    learner : changed in place
    prompts : `config.prompts` for each of `config.rounds` steps, in the order in which they are taken
    reward : see `Reward`
    seed : of the completions
    observe : called after every step with what has been spent

    Returns
    -------
    A row per step: round, reward (mean over its completions), alike (share of prompts whose completions all had one reward,
    from which nothing is learnt), divergence (estimate of the KL divergence from the beginning in nats per token; nan
    without a bound)

    Raises
    ------
    UserError
        For too few prompts, prompts without room for a completion, and rewards that are no numbers.

    Notes
    -----
    Losses are summed over the tokens of a step and divided by their number ("dapo", TRL's default), as the mean per completion
    of the first paper favours short right answers and long wrong ones. Every step samples anew, so nothing is clipped.
    """
    import datasets
    from trl import GRPOConfig

    wanted = config.prompts * config.rounds
    if len(prompts) < wanted:
        raise UserError(
            f"parameter rounds: {config.rounds} steps of {config.prompts} prompts need {wanted}; {len(prompts)} given"
        )
    refuse_long(learner, prompts[:wanted], config.max_new_tokens)
    if not os.isatty(2):
        datasets.disable_progress_bars()
    rows = datasets.Dataset.from_list([{"prompt": text, "place": place} for place, text in enumerate(prompts[:wanted])])

    def rewarded(prompts, completions, place, **_) -> list[float]:
        return checked(reward, place, completions)

    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings(action="ignore", category=FutureWarning):
        arguments = GRPOConfig(
            output_dir=scratch,
            per_device_train_batch_size=config.prompts * config.group,
            num_generations=config.group,
            max_steps=config.rounds,
            max_completion_length=config.max_new_tokens,
            temperature=config.temperature,
            learning_rate=config.learning_rate,
            beta=config.beta,
            lr_scheduler_type="constant",
            warmup_steps=0,
            weight_decay=0.0,
            gradient_checkpointing=False,
            shuffle_dataset=False,
            bf16=False,
            use_cpu=learner.writer.device.type == "cpu",
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            seed=seed,
        )
        trainer = _trainer(learner, rewarded, arguments, rows, _Count(learner, config, observe))
        trainer.train()
    log = [entry for entry in trainer.state.log_history if "reward" in entry]
    columns = {"reward": "reward", "alike": "frac_reward_zero_std", "divergence": "kl"}
    steps = {name: [entry.get(key, math.nan) for entry in log] for name, key in columns.items()}
    return pd.DataFrame({"round": range(1, len(log) + 1), **steps})


def _trainer(learner: Policy, rewarded: Callable, arguments, rows, count: TrainerCallback):
    from trl import GRPOTrainer

    trainer = GRPOTrainer(
        model=learner.model,
        reward_funcs=rewarded,
        args=arguments,
        train_dataset=rows,
        processing_class=learner.tokenizer,
        callbacks=[count],
    )
    trainer.remove_callback(PrinterCallback)  # a dictionary per step on stdout
    return trainer


def divergence(learner: Policy, beginning: PreTrainedModel, prompts: Sequence[str], completions: Sequence[str]) -> float:
    """How far a policy has gone: KL divergence from its beginning, nats per token, along these completions.

    Parameters
    ----------
    beginning : the policy as it was
    prompts, completions : of the policy's own writing, as the divergence is that of the policy from its beginning

    Notes
    -----
    A sum over the whole vocabulary at every token, no estimate from the tokens that were drawn. Completions without a token say
    nothing; nan where all are so.
    """
    total, count = 0.0, 0
    learner.model.eval()
    for prompt, completion in zip(prompts, completions, strict=True):
        before = tokenizers.prompt_ids(learner.tokenizer, prompt)
        after = tokenizers.encode(learner.tokenizer, [completion])[0]
        ids = torch.tensor([before + after], device=learner.writer.device)
        with torch.inference_mode():
            now, then = (
                model(input_ids=ids, use_cache=False).logits[0, len(before) - 1 : -1].float().log_softmax(-1)
                for model in (learner.model, beginning)
            )
        total += float((now.exp() * (now - then)).sum())
        count += len(after)
    return total / count if count else math.nan


def refuse_long(learner: Policy, prompts: Sequence[str], max_new_tokens: int) -> None:
    """`UserError` where a prompt and its completion are longer than what the model has positions for."""
    room = getattr(learner.writer.config.get_text_config(), "max_position_embeddings", None) or math.inf
    for place, prompt in enumerate(prompts):
        length = len(tokenizers.prompt_ids(learner.tokenizer, prompt))
        if length + max_new_tokens > room:
            raise UserError(
                f"prompt {place + 1}: its {length} tokens and {max_new_tokens} new ones are more than the model's {room}; "
                "lower max_new_tokens or leave it out"
            )
