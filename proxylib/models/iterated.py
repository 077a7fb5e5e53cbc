"""Fine-tuning in rounds: on the best of a policy's own completions, or on an expert's.

What the loss post calls iterated supervised fine-tuning: a reward decides which completions are kept, and no gradient goes
through it. The same step on an expert's solutions is the reference.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.models import generate, lora, tokenizers
from proxylib.models.packing import IGNORE
from proxylib.models.rl import Observe, Policy, Reward, checked, refuse_long
from proxylib.models.settings import Rejection

TOGETHER = 64  # completions that are drawn together: on a processor more take longer each


class Tuner:
    """One optimiser over all rounds, so that a round goes on where the one before it ended.

    Parameters
    ----------
    learner : changed in place
    config : rate and batch
    """

    def __init__(self, learner: Policy, config: Rejection):
        self.learner, self.config = learner, config
        trained = [parameter for parameter in learner.model.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=0.0)

    def pass_over(self, examples: Sequence[Trace], seed: int) -> float:
        """One pass in an order drawn by the seed; the mean loss, nats per counted token of a batch."""
        if not examples:
            return math.nan
        rows = lora.rows_of(examples, self.learner.tokenizer, _room(self.learner))
        rows = random.Random(seed).sample(rows, len(rows))
        self.learner.model.train()
        starts = range(0, len(rows), self.config.batch)
        return float(np.mean([self._step(rows[start : start + self.config.batch]) for start in starts]))

    def _step(self, rows: Sequence[lora.Row]) -> float:
        longest = max(len(row.ids) for row in rows)
        pad = self.learner.tokenizer.pad_token_id or 0
        device = self.learner.writer.device
        filled = lambda values, filler: values + [filler] * (longest - len(values))
        ids = torch.tensor([filled(row.ids, pad) for row in rows], device=device)
        mask = torch.tensor([filled([1] * len(row.ids), 0) for row in rows], device=device)
        counted = torch.tensor([filled(row.counted, 0) for row in rows], device=device)
        logits = self.learner.model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
        labels = ids.masked_fill(counted == 0, IGNORE)[:, 1:]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for group in self.optimiser.param_groups for p in group["params"]], 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.learner.spent.learn(int(mask.sum()))
        return loss.item()


def _room(learner: Policy) -> int:
    """Most tokens of an example: the model's positions."""
    return getattr(learner.writer.config.get_text_config(), "max_position_embeddings", None) or 10**9


def rejection(
    learner: Policy,
    prompts: Sequence[str],
    reward: Reward,
    config: Rejection,
    seed: int,
    observe: Observe = lambda spent: None,
) -> pd.DataFrame:
    """Teach a policy the best of its own completions, round after round.

    Parameters
    ----------
    learner : changed in place
    prompts : `config.prompts` for each of `config.rounds` rounds, in the order in which they are taken
    reward : see `rl.Reward`
    seed : of completions and of the order of examples
    observe : called after every round with what has been spent

    Returns
    -------
    A row per round: round, reward (mean over its completions), alike (share of prompts whose completions all had one reward, of
    which none is kept), kept (examples), loss (nats per token, before each update)

    Notes
    -----
    Of every prompt one completion is kept, the first of those with the highest reward: its own rivals are what it is measured
    by, as in GRPO. Easy prompts and hard ones count alike.
    """
    wanted = config.prompts * config.rounds
    if len(prompts) < wanted:
        raise UserError(f"parameter rounds: {config.rounds} of {config.prompts} prompts need {wanted}; {len(prompts)} given")
    refuse_long(learner, prompts[:wanted], config.max_new_tokens)
    tuner, rows = Tuner(learner, config), []
    for number in range(config.rounds):
        places = range(number * config.prompts, (number + 1) * config.prompts)
        asked = [place for place in places for _ in range(config.group)]
        texts = drawn(learner, [prompts[place] for place in asked], config, seed + number)
        rewards = np.reshape(checked(reward, asked, texts), (config.prompts, config.group))
        told = rewards.max(axis=1) > rewards.min(axis=1)
        best = [
            Trace("best", str(place), prompts[place], texts[index * config.group + int(rewards[index].argmax())], "", "policy")
            for index, place in enumerate(places)
            if told[index]
        ]
        loss = tuner.pass_over(best, seed + number)
        rows.append((number + 1, float(rewards.mean()), float((~told).mean()), len(best), loss))
        _over(learner, config.prompts * config.group, observe)
    return pd.DataFrame(rows, columns=["round", "reward", "alike", "kept", "loss"])


def drawn(learner: Policy, prompts: Sequence[str], config: Rejection, seed: int) -> list[str]:
    """A sampled completion of each prompt, counted as spent."""
    written = generate.completions(
        learner.writer,
        learner.tokenizer,
        list(prompts),
        config.max_new_tokens,
        TOGETHER,
        sample_seed=seed,
        temperature=config.temperature,
    )
    texts = [completion.text for completion in written]
    ids = tokenizers.encode(learner.tokenizer, [*prompts, *texts])
    learner.spent.read(sum(map(len, ids)) + 2 * len(texts))  # with what opens a prompt and what ends a completion
    return texts


def imitation(
    learner: Policy, examples: Sequence[Trace], config: Rejection, seed: int, observe: Observe = lambda spent: None
) -> pd.DataFrame:
    """Teach a policy an expert's solutions, one pass in as many rounds; nothing is drawn and nothing judged.

    Returns
    -------
    A row per round: round, kept (examples), loss
    """
    wanted = config.prompts * config.rounds
    if len(examples) < wanted:
        raise UserError(f"parameter rounds: {config.rounds} of {config.prompts} examples need {wanted}; {len(examples)} given")
    tuner, rows = Tuner(learner, config), []
    for number in range(config.rounds):
        part = examples[number * config.prompts : (number + 1) * config.prompts]
        rows.append((number + 1, len(part), tuner.pass_over(part, seed + number)))
        _over(learner, 0, observe)
    return pd.DataFrame(rows, columns=["round", "kept", "loss"])


def _over(learner: Policy, samples: int, observe: Observe) -> None:
    learner.spent.rounds += 1
    learner.spent.samples += samples
    observe(learner.spent)
