"""Models that change their ways with the length of a pass: rows are those of each trace alone, in float64."""

import copy

import pytest
import torch
import transformers

from proxylib.measure.settings import Layout
from proxylib.measure.tokenstats import extract
from proxylib.measure.tokenstats.encode import Encoded
from proxylib.models.lengths import Ways, ways_of

SIZE, AT = 48, 40  # vocabulary, length of the switch
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48, "num_key_value_heads": 1}
LONG = {"rope_type": "longrope", "rope_theta": 1e4, "long_factor": [2.0**n for n in range(8)], "short_factor": [1.0] * 8}
LONG |= {"original_max_position_embeddings": AT}
PLAIN, DYNAMIC = ({"rope_type": kind, "rope_theta": 1e4, "factor": 4.0} for kind in ("default", "dynamic"))
LAYERED = {"layer_types": ["sliding_attention", "full_attention"], "query_pre_attn_scalar": 16, "head_dim": 16}
LAYERED |= {"sliding_window": 16}
#: name -> config type, sizes
KINDS = {
    "Phi-3": ("phi3", {"rope_parameters": LONG, "original_max_position_embeddings": AT}),
    "PhiMoE": ("phimoe", {"rope_parameters": LONG | {"long_mscale": 1.3, "short_mscale": 1.0}, "num_local_experts": 4}),
    "old names": ("phi3", {"rope_scaling": {"type": "longrope", **LONG}, "original_max_position_embeddings": AT}),
    "layers": ("gemma3_text", LAYERED | {"rope_parameters": {"sliding_attention": PLAIN, "full_attention": LONG}}),
    "dynamic": ("llama", {"rope_parameters": DYNAMIC, "max_position_embeddings": AT}),
    "dynamic layers": (
        "gemma3_text",
        LAYERED | {"rope_parameters": {"sliding_attention": PLAIN, "full_attention": DYNAMIC}, "max_position_embeddings": AT},
    ),
    "window": ("mistral", {"sliding_window": AT}),
}
FRONT = 36  # tokens of a shared prompt
LENGTHS = (90, 12, AT, AT + 1, 60, 61, 13, 60)


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    kind, sizes = KINDS[request.param]
    torch.manual_seed(3)
    shared = SIZES | {
        "vocab_size": SIZE,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "max_position_embeddings": 512,
    }
    network = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(kind, **(shared | sizes))).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(4 if parameter.ndim > 1 else 1)
    return network


def items(front):
    """Traces on both sides of the switch, unsorted; `front` tokens of each are shared, the rest is scored."""
    draws = torch.randint(1, SIZE, (len(LENGTHS), 200), generator=torch.Generator().manual_seed(5)).tolist()
    lengths = [front + length for length in LENGTHS]
    texts = [draws[0][:front] + draw[front:length] for draw, length in zip(draws, lengths, strict=True)]
    return [Encoded(ids, len(ids) - front - 1, [], [], 0, 0, front + 1) for ids in texts]


def alone(model, item):
    """[scored] nats by a fresh copy's own forward, in float64."""
    exact = copy.deepcopy(model).double()
    if hasattr(model.config, "num_local_experts"):
        exact.set_experts_implementation("eager")  # the faster one has no float64
    ids = torch.tensor([item.ids])
    with torch.inference_mode():
        log_p = exact(input_ids=ids, use_cache=False).logits[0].log_softmax(-1)
    return -log_p[-item.scored - 1 : -1].gather(1, ids[0, -item.scored :, None])[:, 0].numpy()


@pytest.mark.parametrize("front", [0, FRONT, AT + 6])
def test_rows_are_those_of_each_trace_alone_whatever_shares_its_pass(model, front):
    encoded = items(front)
    expected = [alone(model, item) for item in encoded]
    engine = extract.Engine(copy.deepcopy(model), SIZE, Layout(padding=1.0))
    passes = list(engine.passes(encoded))
    assert sorted(sum(passes, [])) == list(range(len(encoded))) and len(passes) < len(encoded)
    for _ in range(2):  # what was seen before must not matter
        for batch in passes:
            rows = engine.score([encoded[index] for index in batch])["nll"].to_numpy()
            for index in batch:
                assert rows[: encoded[index].scored] == pytest.approx(expected[index], abs=2e-4)
                rows = rows[encoded[index].scored :]
        passes.reverse()
    together = engine.score(encoded)["nll"].to_numpy()  # a caller's own batch
    assert together == pytest.approx([value for values in expected for value in values], abs=2e-4)


def test_the_switch_matters_in_these_models(model):
    """Else the test above would pass without the mend."""
    ways = ways_of(model.config)
    if not ways.at(1):
        return
    short, long = items(0)[1], items(0)[0]
    ids = torch.tensor([short.ids + [0] * (len(long.ids) - len(short.ids)), long.ids])
    with torch.inference_mode():
        logits = copy.deepcopy(model)(input_ids=ids, use_cache=False).logits[0, : len(short.ids)]
    mixed = -logits.log_softmax(-1)[:-1].gather(1, ids[0, 1 : len(short.ids), None])[:, 0].numpy()
    assert abs(mixed - alone(model, short)).max() > 0.01


def test_lengths_are_read_from_wherever_a_config_keeps_them():
    config = lambda kind, **sizes: transformers.AutoConfig.for_model(kind, **SIZES, **sizes)
    long = {"original_max_position_embeddings": AT, "max_position_embeddings": 99}
    assert ways_of(config("phi3", rope_parameters=LONG, sliding_window=7, **long)) == Ways((AT,), (), (7,))
    assert ways_of(config("llama", rope_parameters=DYNAMIC, max_position_embeddings=77)).grows == (77,)
    fixed = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 64}
    assert ways_of(config("llama", rope_parameters=fixed, max_position_embeddings=256)).at(300) == ()


def test_what_a_pass_does_is_said_by_its_length():
    ways = Ways((10,), (20,), (5,))
    assert [ways.at(length) for length in (10, 11, 20, 21)] == [(0, 20), (1, 20), (1, 20), (1, 21)]
    assert ways.turned(11) == (True, False, True)
