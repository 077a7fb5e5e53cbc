"""GRPO teaches what is rewarded, its bound holds it back, its costs are those of the tokens, and bad input is named."""

import itertools

import pytest
import torch
from models import policies, tiny
from models.policies import DRAWN, PROMPTS, plain, weights
from pydantic import ValidationError

from proxylib.errors import UserError
from proxylib.models import architectures, generate, iterated, lora, rl, tokenizers
from proxylib.models.settings import Grpo

CONFIG = Grpo(**DRAWN, rounds=12, learning_rate=0.05, beta=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return policies.save(tmp_path_factory.mktemp("policy"))


def taught(folder, config=CONFIG, seed=1, reward=plain, observe=lambda spent: None):
    """The policy afterwards, and its rounds."""
    learner = rl.policy(folder)
    return learner, rl.grpo(learner, PROMPTS, reward, config, seed, observe)


@pytest.fixture(scope="module")
def unbound(folder):
    return taught(folder)


def gone(folder, learner):
    """Divergence along what the policy now writes."""
    prompts = PROMPTS[:8]
    texts = [written.text for written in generate.completions(learner.writer, learner.tokenizer, prompts, 4, 8, sample_seed=3)]
    return rl.divergence(learner, rl.policy(folder).writer, prompts, texts)


def test_what_is_rewarded_is_learnt(unbound):
    _, rounds = unbound
    assert list(rounds["round"]) == list(range(1, CONFIG.rounds + 1))
    assert rounds["reward"].tail(3).mean() > rounds["reward"].head(3).mean() + 0.1


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(folder):
    short = CONFIG.model_copy(update={"rounds": 2})
    one, again, other = (weights(taught(folder, short, seed)[0]) for seed in (1, 1, 2))
    assert one == again != other


def test_a_bound_keeps_the_policy_closer_to_its_beginning(folder, unbound):
    bound, rounds = taught(folder, CONFIG.model_copy(update={"beta": 5.0}))
    assert gone(folder, bound) < gone(folder, unbound[0]) / 2
    assert rounds["divergence"].iloc[-1] >= 0 and unbound[1]["divergence"].isna().all()


def test_divergence_is_that_of_the_distributions(folder, unbound):
    learner, beginning = unbound[0], rl.policy(folder)
    assert rl.divergence(beginning, rl.policy(folder).writer, PROMPTS[:2], ["ab", "c"]) == pytest.approx(0, abs=1e-6)
    ids = tokenizers.prompt_ids(learner.tokenizer, PROMPTS[0])
    row = torch.tensor([ids + tokenizers.encode(learner.tokenizer, ["ab"])[0]])
    with torch.inference_mode():
        now, then = (torch.softmax(m(row).logits[0].double(), -1) for m in (learner.writer, beginning.writer))
    oracle = (now * (now / then).log()).sum(-1)[len(ids) - 1 : -1].mean().item()
    assert rl.divergence(learner, beginning.writer, PROMPTS[:1], ["ab"]) == pytest.approx(oracle, rel=1e-3)
    assert oracle > 0


def test_costs_are_those_of_the_tokens(folder):
    seen = []
    config = CONFIG.model_copy(update={"rounds": 2})
    for beta in (0.0, 0.5):
        texts = []
        note = lambda places, written, texts=texts: texts.append((places, written)) or plain(places, written)
        learner, _ = taught(
            folder, config.model_copy(update={"beta": beta}), reward=note, observe=lambda s: seen.append(s.rounds)
        )
        spent = learner.spent
        everything = architectures.parameters(rl.policy(folder).writer)["all"]
        trained = lora.trainable(rl.policy(folder).model)
        assert (spent.parameters, spent.trained, spent.rounds) == (everything, trained, 2)
        assert spent.samples == 2 * 4 * 4 == sum(len(written) for _, written in texts)
        prompts = sum(len(tokenizers.prompt_ids(learner.tokenizer, PROMPTS[place])) for places, _ in texts for place in places)
        tokens = spent.flops / ((8 if beta else 6) * everything + 2 * trained)
        assert prompts + spent.samples <= tokens <= prompts + 4 * spent.samples  # completions of one to four tokens
    assert seen == [1, 2, 1, 2]


def test_every_prompt_is_taken_once_and_in_order(folder):
    asked = []
    taught(
        folder,
        CONFIG.model_copy(update={"rounds": 2}),
        reward=lambda places, texts: asked.append(places) or plain(places, texts),
    )
    expected = [[place for place in range(start, start + 4) for _ in range(4)] for start in (0, 4)]
    assert asked == expected


def test_prompts_whose_completions_are_rewarded_alike_are_counted_and_teach_nothing(folder):
    learner, rounds = taught(folder, CONFIG.model_copy(update={"rounds": 2}), reward=lambda places, texts: [0.5] * len(texts))
    assert (rounds["alike"] == 1).all()
    assert weights(learner) == weights(rl.policy(folder))


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        (lambda places, texts: [1.0], "reward: 1 numbers for 16 completions"),
        (lambda places, texts: [float("nan")] * len(texts), "reward: nan is no finite number"),
        (lambda places, texts: [float("inf")] * len(texts), "reward: inf is no finite number"),
    ],
)
def test_rewards_that_are_none_are_named(folder, reward, message):
    with pytest.raises(UserError, match=message):
        taught(folder, reward=reward)


def test_bad_settings_are_named(folder, tmp_path):
    learner = rl.policy(folder)
    with pytest.raises(UserError, match="parameter rounds: 12 steps of 4 prompts need 48; 47 given"):
        rl.grpo(learner, PROMPTS[:47], plain, CONFIG, 1)
    with pytest.raises(UserError, match="prompt 2: .* lower max_new_tokens"):
        rl.grpo(learner, ["a", "b" * 500, *PROMPTS], plain, CONFIG, 1)
    with pytest.raises(UserError, match="no adapter; a policy begins with a fine-tune"):
        rl.policy(tiny.save(tmp_path / "whole"))
    for name, value in itertools.product(["group", "beta", "temperature", "learning_rate"], [-1]):
        with pytest.raises(ValidationError, match=name):
            Grpo(**CONFIG.model_dump() | {name: value})
    assert learner.spent.samples == 0


def test_both_methods_see_the_same_policy(folder):
    assert iterated.Policy is rl.Policy
    learner = rl.policy(folder)
    assert not any(module.p for module in learner.model.modules() if isinstance(module, torch.nn.Dropout))
    assert {name for name, p in learner.model.named_parameters() if p.requires_grad} and learner.spent.trained > 0
