"""Rounds of fine-tuning: the best of each prompt is kept, it is learnt, and costs are those of the tokens."""

import numpy as np
import pytest
import torch
from models import policies
from models.policies import DRAWN, PROMPTS, plain, weights

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.models import iterated, lora, rl, tokenizers
from proxylib.models.settings import Rejection

CONFIG = Rejection(**(DRAWN | {"prompts": 8}), rounds=6, learning_rate=0.05, batch=4)
EXPERT = [Trace("t", str(place), prompt, "abc", "", "") for place, prompt in enumerate(PROMPTS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return policies.save(tmp_path_factory.mktemp("policy"))


def taught(folder, config=CONFIG, seed=1, reward=plain):
    learner = rl.policy(folder)
    return learner, iterated.rejection(learner, PROMPTS, reward, config, seed)


def nll(learner, text):
    """Mean loss of a text after the first prompt."""
    before, after = tokenizers.prompt_ids(learner.tokenizer, PROMPTS[0]), tokenizers.encode(learner.tokenizer, [text])[0]
    with torch.inference_mode():
        logits = learner.writer(torch.tensor([before + after])).logits[0, len(before) - 1 : -1]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(after)).item()


def test_what_is_rewarded_is_learnt(folder, monkeypatch):
    """Of two texts that are drawn alike often, the one that is rewarded grows likelier, and the other does not."""
    monkeypatch.setattr(iterated, "drawn", lambda learner, prompts, *_: ["abc", "xyz"] * (len(prompts) // 2))
    begun = rl.policy(folder)
    for liked, other in (("abc", "xyz"), ("xyz", "abc")):
        learner, rounds = taught(folder, reward=lambda places, texts, liked=liked: [float(text == liked) for text in texts])
        gains = [nll(begun, text) - nll(learner, text) for text in (liked, other)]
        assert (
            gains[0] > gains[1] + 0.5 and rounds["loss"].iloc[-1] < rounds["loss"].iloc[0] and (rounds["reward"] == 0.5).all()
        )


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(folder):
    short = CONFIG.model_copy(update={"rounds": 2})
    one, again, other = (weights(taught(folder, short, seed)[0]) for seed in (1, 1, 2))
    assert one == again != other


def test_the_best_of_each_prompt_is_kept_where_its_rivals_differ(folder, monkeypatch):
    kept, judged = [], []
    monkeypatch.setattr(iterated.Tuner, "pass_over", lambda self, examples, seed: kept.append(examples) or 0.0)

    def reward(places, texts):
        judged.append(dict(enumerate(texts)))
        return [0.0 if place % 2 else float(number % 4 == 2) for number, place in enumerate(places)]

    _, rounds = taught(folder, CONFIG.model_copy(update={"rounds": 1}), reward=reward)
    assert [trace.id for trace in kept[0]] == ["0", "2", "4", "6"] and rounds["alike"].tolist() == [0.5]
    assert [trace.solution for trace in kept[0]] == [judged[0][4 * place + 2] for place in (0, 2, 4, 6)]
    assert rounds["kept"].tolist() == [4] and [trace.prompt for trace in kept[0]] == PROMPTS[0:8:2]


def test_a_round_that_keeps_nothing_changes_nothing(folder):
    learner, rounds = taught(folder, CONFIG.model_copy(update={"rounds": 1}), reward=lambda places, texts: [1.0] * len(texts))
    assert weights(learner) == weights(rl.policy(folder)) and rounds["loss"].isna().all()


def test_the_loss_is_the_models_own_over_the_solutions(folder):
    learner = rl.policy(folder)
    rows = lora.rows_of(EXPERT[:4], learner.tokenizer, 128)
    nll = []
    for row in rows:
        with torch.inference_mode():
            logits = learner.writer(torch.tensor([row.ids])).logits[0, :-1]
        losses = torch.nn.functional.cross_entropy(logits, torch.tensor(row.ids[1:]), reduction="none")
        nll += losses[torch.tensor(row.counted[1:]).bool()].tolist()
    config = CONFIG.model_copy(update={"prompts": 4, "rounds": 1})
    rounds = iterated.imitation(learner, EXPERT, config, 1)
    assert rounds["loss"].tolist() == pytest.approx([np.mean(nll)], rel=1e-4)
    tokens = sum(len(row.ids) for row in rows)
    spent = learner.spent
    assert spent.flops == (4 * spent.parameters + 2 * spent.trained) * tokens and (spent.rounds, spent.samples) == (1, 0)


def test_experts_are_imitated(folder):
    learner, seen = rl.policy(folder), []
    rounds = iterated.imitation(learner, EXPERT, CONFIG, 1, lambda spent: seen.append(spent.rounds))
    assert rounds["loss"].iloc[-1] < rounds["loss"].iloc[0] - 0.5 and seen == list(range(1, 7))


def test_costs_of_drawing_and_learning_are_added_up(folder):
    learner = rl.policy(folder)
    texts = iterated.drawn(learner, PROMPTS[:8], CONFIG, 3)
    ids = tokenizers.encode(learner.tokenizer, [*PROMPTS[:8], *texts])
    assert learner.spent.flops == 2 * learner.spent.parameters * (sum(map(len, ids)) + 16)
    assert iterated.drawn(learner, PROMPTS[:8], CONFIG, 3) == texts != iterated.drawn(learner, PROMPTS[:8], CONFIG, 4)


def test_too_few_prompts_are_named(folder):
    with pytest.raises(UserError, match="parameter rounds: 6 of 8 prompts need 48; 40 given"):
        iterated.rejection(rl.policy(folder), PROMPTS[:40], plain, CONFIG, 1)
    with pytest.raises(UserError, match="parameter rounds: 6 of 8 examples need 48; 40 given"):
        iterated.imitation(rl.policy(folder), EXPERT[:40], CONFIG, 1)
