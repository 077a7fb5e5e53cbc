"""Batched answers against a plain loop (one prompt at a time, no padding, no cache), and sampled ones against softmax."""

import copy
import string

import pytest
import torch
import transformers

from proxylib.errors import UserError
from proxylib.models import architectures, generate, tokenizers
from proxylib.models.settings import Model

PROMPTS = ["add 3+4\n", "x", "sort 3 1 2\n", "a much longer prompt than all the others", "count a in b\n", "zz"]
CLEAR = 1e-3  # logits; a greedy choice closer than this could fall either way in another batch


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizers.train("byte", [], 300)


def build(architecture, seed=28):
    torch.manual_seed(seed)
    spec = Model(architecture=architecture, tokenizer="byte", width=16, depth=1, mix="expert", post="none", share=1.0)
    model = architectures.build(spec, 259, 64).eval()
    with torch.no_grad():  # spread logits, so that choices are clear and depend on the prompt
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(15)
        # readable answers, so that no difference hides in bytes that are no text; eos only where a test puts it
        readable = tokenizers.encode(tokenizers.train("byte", [], 300), [string.ascii_letters + string.digits + " ,.\n"])[0]
        silent = sorted(set(range(259)) - set(readable))
        model.get_output_embeddings().weight[silent] = 0
    return model


@pytest.fixture(scope="module", params=["llama", "gpt_neox", "gpt2", "qwen3"])
def model(request):
    return build(request.param)


def plain(model, tokenizer, prompt, max_new_tokens):
    """Greedy token ids by full recomputation, up to and without eos."""
    first = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    ids = [*first, *tokenizer(prompt, add_special_tokens=False)["input_ids"]]
    found = []
    for _ in range(max_new_tokens):
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids + found])).logits[0, -1]
        best, second = logits.topk(2).values.tolist()
        assert best - second > CLEAR, "the test needs clear choices: draw other weights"
        token = int(logits.argmax())
        if token == tokenizer.eos_token_id:
            break
        found.append(token)
    return found


def texts(*given, **more):
    return [completion.text for completion in generate.completions(*given, **more)]


@pytest.mark.parametrize("batch", [1, 2, 4, 50])
def test_answers_are_those_of_a_plain_loop_in_the_order_of_the_prompts(model, tokenizer, batch):
    expected = [tokenizer.decode(plain(model, tokenizer, prompt, 8)) for prompt in PROMPTS]
    assert len(set(expected)) > 3  # else a mixed-up order could hide
    assert texts(model, tokenizer, PROMPTS, 8, batch) == expected


@pytest.mark.parametrize("max_new_tokens", [1, 5])
def test_no_more_tokens_are_written_than_asked_for(model, tokenizer, max_new_tokens):
    expected = [tokenizer.decode(plain(model, tokenizer, prompt, 8)[:max_new_tokens]) for prompt in PROMPTS]
    assert texts(model, tokenizer, PROMPTS, max_new_tokens, 3) == expected


def test_an_answer_stops_at_its_end_while_others_of_the_batch_go_on(tokenizer):
    model = build("llama")
    written = {prompt: plain(model, tokenizer, prompt, 8) for prompt in PROMPTS}
    # make the model say eos where it said some token that only some of the answers contain, and not at their beginning
    token = next(
        token
        for ids in written.values()
        for token in ids[1:]
        if 0 < sum(token in other for other in written.values()) < len(PROMPTS) and all(o[0] != token for o in written.values())
    )
    with torch.no_grad():
        head = model.get_output_embeddings().weight
        head[[tokenizer.eos_token_id, token]] = head[[token, tokenizer.eos_token_id]].clone()
    stopped = [ids[: ids.index(token)] if token in ids else ids for ids in written.values()]
    assert {len(ids) for ids in stopped} != {8}
    assert texts(model, tokenizer, PROMPTS, 8, 10) == [tokenizer.decode(ids) for ids in stopped]


def test_an_answer_ends_at_the_tokenizers_end_and_at_the_configs_and_says_whether_it_ended(tokenizer):
    model = build("llama")
    plainly = {prompt: plain(model, tokenizer, prompt, 8) for prompt in PROMPTS}
    learnt, other = plainly[PROMPTS[0]][3], plainly[PROMPTS[3]][2]
    ends = copy.deepcopy(tokenizer)
    ends.eos_token = tokenizer.convert_ids_to_tokens(learnt)
    model.generation_config.eos_token_id = other  # as where a chat is trained on an end that the config does not name
    found = generate.completions(model, ends, PROMPTS, 8, 10)
    assert {answer.finished for answer in found} == {True, False}
    for answer, ids in zip(found, plainly.values(), strict=True):
        at = next((place for place, token in enumerate(ids) if token in (learnt, other)), None)
        assert answer.finished == (at is not None)
        until = [tokenizer.decode(ids[:place]) for place in ([None] if at is None else [at, at + 1])]  # the end may be text
        assert answer.text in until
    assert [answer.text for answer in found] == texts(model, ends, PROMPTS, 8, 10)


#: what bases say of how to write with them
OTHERS = {
    "repetition_penalty": 5.0,
    "no_repeat_ngram_size": 1,
    "do_sample": True,
    "temperature": 9.0,
    "top_k": 1,
    "top_p": 0.01,
    "min_p": 0.9,
    "typical_p": 0.1,
    "num_beams": 3,
    "forced_eos_token_id": 40,
    "forced_bos_token_id": 41,
    "suppress_tokens": list(range(60, 120)),
    "begin_suppress_tokens": list(range(60, 120)),
    "bad_words_ids": [[token] for token in range(60, 120)],
    "sequence_bias": [[[70], 50.0]],
    "exponential_decay_length_penalty": [1, 9.0],
    "min_new_tokens": 8,
    "max_length": 3,
    "max_time": 1e-9,
    "stop_strings": ["a"],
    "guidance_scale": 3.0,
    "renormalize_logits": True,
    "encoder_repetition_penalty": 3.0,
    "prompt_lookup_num_tokens": 3,
    "cache_implementation": "static",
    "num_return_sequences": 2,
    "watermarking_config": {"bias": 20.0, "greenlist_ratio": 0.5},
    "assistant_early_exit": 1,
    "use_cache": False,
}


@pytest.mark.parametrize("name", OTHERS)
def test_no_setting_of_a_base_changes_an_answer(tokenizer, name):
    model = build("llama")
    expected = [tokenizer.decode(plain(model, tokenizer, prompt, 8)) for prompt in PROMPTS[:3]]
    stated = {name: OTHERS[name]} | ({"do_sample": True} if name in ("top_k", "top_p", "min_p", "typical_p") else {})
    for key, value in stated.items():
        setattr(model.generation_config, key, value)
    assert texts(model, tokenizer, PROMPTS[:3], 8, 2) == expected
    assert getattr(model.generation_config, name) == OTHERS[name]  # the model is left as it was


def test_no_setting_of_a_base_changes_a_sample(tokenizer):
    model = flat(build("llama"))
    draw = lambda: texts(model, tokenizer, PROMPTS, 6, 4, sample_seed=3)
    expected = draw()
    for name in ("top_p", "min_p", "typical_p", "temperature", "repetition_penalty"):
        setattr(model.generation_config, name, OTHERS[name])
    assert draw() == expected


def test_the_manifest_can_say_how_is_written(tokenizer):
    model = build("llama")
    model.generation_config.eos_token_id = [
        2,
        13,
        10**6,
        -1,
        None,
        "x",
        [3],
        True,
    ]  # what is no token of the model ends nothing
    assert (
        generate.described(model, tokenizer, 8)
        == f"greedy, at most 8 tokens, to 2 </s>, 13 {tokenizer.convert_ids_to_tokens(13)}"
    )
    assert len(texts(model, tokenizer, PROMPTS, 8, 4)) == len(PROMPTS)


def test_the_same_call_gives_the_same_answers(model, tokenizer):
    assert texts(model, tokenizer, PROMPTS, 6, 4) == texts(model, tokenizer, PROMPTS, 6, 4)


def test_a_model_in_training_mode_is_measured_in_evaluation_mode(tokenizer):
    model = build("gpt_neox")
    expected = texts(model, tokenizer, PROMPTS, 4, 4)
    assert texts(model.train(), tokenizer, PROMPTS, 4, 4) == expected and not model.training


def test_a_tokenizer_without_an_opening_token_is_served(tokenizer):
    # as of Qwen; its pad is its eos
    model, bare = build("llama"), tokenizers.train("byte", [], 300)
    bare = tokenizers._opened(bare, "never")
    bare.bos_token = None
    bare.pad_token = bare.eos_token
    expected = [tokenizer.decode(plain(model, bare, prompt, 5)) for prompt in PROMPTS]
    assert texts(model, bare, PROMPTS, 5, 4) == expected != texts(model, tokenizer, PROMPTS, 5, 4)


# ---- sampling --------------------------------------------------------------------------------------------------------


def test_sampled_answers_are_fixed_by_their_seed_and_differ_from_greedy_ones(model, tokenizer):
    model = flat(model)
    draw = lambda seed: texts(model, tokenizer, PROMPTS, 8, 4, sample_seed=seed)
    assert draw(1) == draw(1) != draw(2)
    assert draw(1) != texts(model, tokenizer, PROMPTS, 8, 4)
    assert draw(0) == draw(0) != texts(model, tokenizer, PROMPTS, 8, 4)


def flat(model, factor=0.05):
    """A copy of the model with a flatter head, so that several tokens are likely."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(factor)
    return model


@pytest.mark.parametrize("seed", [None, 3])
def test_the_callers_random_numbers_stay_as_they_were(tokenizer, seed):
    model = build("llama")
    torch.manual_seed(8)
    before = torch.random.get_rng_state()
    texts(model, tokenizer, PROMPTS, 4, 4, sample_seed=seed)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_samples_do_not_depend_on_the_callers_random_numbers(tokenizer):
    model, found = flat(build("llama")), []
    for seed in (8, 9):
        torch.manual_seed(seed)
        found.append(texts(model, tokenizer, PROMPTS, 6, 4, sample_seed=3))
    assert found[0] == found[1]


def test_samples_follow_the_models_probabilities_without_truncation(tokenizer):
    model, many = flat(build("llama"), 0.02), 4000
    ids = torch.tensor([[1, *tokenizer("x", add_special_tokens=False)["input_ids"]]])
    with torch.inference_mode():
        p = model(input_ids=ids).logits[0, -1].softmax(0)
    readable = [token for token in range(259) if len(tokenizer.decode([token])) == 1 and tokenizer.decode([token]).isascii()]
    drawn = texts(model, tokenizer, ["x"] * many, 1, many, sample_seed=5)
    expected = {tokenizer.decode([token]): float(p[token]) for token in readable}
    assert len(set(drawn)) > 100  # more than the fifty that top-k sampling would keep
    for text, share in expected.items():
        assert drawn.count(text) / many == pytest.approx(share, abs=5 * (share / many) ** 0.5), text


def test_a_token_behind_the_last_row_is_named_before_anything_is_written(model):
    tokenizer = tokenizers.train("byte", [], 300)
    tokenizer.add_tokens(["<image>"])
    with pytest.raises(UserError, match="prompt 2: holds the token '<image>', which lies behind"):
        generate.completions(model, tokenizer, ["plain", "see <image>"], 3, 2)


def of_rope(kind, tokenizer):
    """A small model beyond whose 40 positions all of them are encoded otherwise, but for the default kind."""
    factors = {"longrope": {"long_factor": [2.0] * 8, "short_factor": [1.0] * 8}}.get(kind, {})
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        **{"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32},
        max_position_embeddings=40,
        rope_parameters={"rope_type": kind, "rope_theta": 1e4, "factor": 4.0, **factors},
    )
    torch.manual_seed(7)
    return transformers.LlamaForCausalLM(config).eval()


@pytest.mark.parametrize(("kind", "rows"), [("longrope", [1, 1, 1]), ("dynamic", [1, 1, 1]), ("default", [3])])
def test_a_model_that_changes_its_ways_with_length_writes_each_alone(tokenizer, monkeypatch, kind, rows):
    model, seen = of_rope(kind, tokenizer), []
    real = model.generate
    monkeypatch.setattr(model, "generate", lambda **given: seen.append(len(given["input_ids"])) or real(**given))
    generate.completions(model, tokenizer, ["ab" * 40, "a", "abcd" * 5], 4, batch=3)
    assert seen == rows


def test_what_a_model_has_written_before_does_not_count(tokenizer):
    fresh, used = of_rope("dynamic", tokenizer), of_rope("dynamic", tokenizer)
    generate.completions(used, tokenizer, ["ab" * 40], 4, batch=1)
    long = used.model.rotary_emb.inv_freq.clone()
    for model in (fresh, used):
        generate.completions(model, tokenizer, ["ab" * 25], 4, batch=1)
    assert torch.equal(used.model.rotary_emb.inv_freq, fresh.model.rotary_emb.inv_freq)
    assert not torch.equal(used.model.rotary_emb.inv_freq, long)
