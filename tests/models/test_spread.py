"""A model over several places gives the rows that it gives in one; a processor and its disk stand for two GPUs."""

import pytest
import torch

pytest.importorskip("pydantic")  # benchmarks/gpu.py runs the tests marked gpu also on machines that lack it
from proxylib.errors import UserError  # noqa: E402
from proxylib.measure.settings import Layout  # noqa: E402
from proxylib.measure.tokenstats import selfcheck  # noqa: E402
from proxylib.measure.tokenstats.encode import Encoded  # noqa: E402
from proxylib.measure.tokenstats.extract import Engine  # noqa: E402
from proxylib.models import architectures, generate, spread, tokenizers  # noqa: E402
from proxylib.models.settings import Model  # noqa: E402

ENTRIES = 259


def built(architecture="llama"):
    torch.manual_seed(3)
    spec = Model(architecture=architecture, tokenizer="byte", width=32, depth=4, mix="expert", post="none", share=1.0)
    return architectures.build(spec, ENTRIES, 64).eval()


def size(*modules):
    return sum(parameter.nbytes for module in modules for parameter in module.parameters())


def dealt(model, rest):
    """The model with a layer or two in memory, the others on disk."""
    needed = size(model.get_input_embeddings(), model.get_output_embeddings())
    return spread.spread(model, {"cpu": needed + int(2.5 * size(model.base_model.layers[0]))}, rest)


@pytest.fixture
def encoded():
    generator = torch.Generator().manual_seed(1)
    drawn = lambda length: torch.randint(0, ENTRIES, (length,), generator=generator).tolist()
    return [Encoded(drawn(length), length - 4, [0] * (length - 4), [0] * (length - 4), 0, 0, 4) for length in (9, 17, 40)]


def rows(model, encoded):
    engine, _ = selfcheck.checked(model, Engine(model, ENTRIES, Layout(chunk=16)), encoded)
    return engine.score(encoded)


@pytest.mark.parametrize("tied", [True, False])
def test_rows_are_those_of_one_place(tmp_path, encoded, tied):
    whole, apart = built(), built()
    for model in (whole, apart) if tied else ():
        model.get_output_embeddings().weight = model.get_input_embeddings().weight
    layers = apart.base_model.layers
    needed = size(apart.get_input_embeddings()) * (1 if tied else 2)
    room = needed + int(2.5 * size(layers[0]))
    spread.spread(apart, {"cpu": room}, tmp_path)
    away = [any(parameter.device.type == "meta" for parameter in layer.parameters()) for layer in layers]
    assert True in away and away[0] is False and any(tmp_path.iterdir())  # some layers lie elsewhere, in order
    assert (apart.get_output_embeddings().weight is apart.get_input_embeddings().weight) == tied
    expected, computed = rows(whole, encoded), rows(apart, encoded)
    assert expected.equals(computed) and expected["nll"].std() > 0


def test_a_model_over_several_places_writes_what_it_writes_in_one(tmp_path):
    tokenizer = tokenizers.train("byte", [], ENTRIES)
    write = lambda model: generate.completions(model, tokenizer, ["a note", "another, longer one", ""], 12, 2)
    whole, apart = write(built()), write(dealt(built(), tmp_path))
    assert apart == whole and any(tmp_path.iterdir()) and len({one.text for one in whole}) > 1


def test_weights_that_were_one_are_one_again(monkeypatch):
    def moves(trunk, *given, **options):  # as to a GPU: what was one tensor becomes another
        trunk.get_input_embeddings().weight = torch.nn.Parameter(trunk.get_input_embeddings().weight.clone())

    monkeypatch.setattr("accelerate.dispatch_model", moves)
    model = built()
    model.get_output_embeddings().weight = before = model.get_input_embeddings().weight
    spread.spread(model, {"cpu": 10**9})
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight is not before


def test_what_has_no_room_is_refused_by_name():
    model = built()
    with pytest.raises(UserError, match="together do not hold model LlamaForCausalLM"):
        spread.spread(model, {"cpu": size(model.get_input_embeddings()) + 2 * size(model.base_model.layers[0])})
    with pytest.raises(UserError, match="first GPU has no room for the embeddings"):
        spread.spread(model, {"cpu": 1000})


def test_what_is_trained_finds_no_room_in_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("accelerate.utils.get_max_memory", lambda: {0: 1000, 1: 500, "cpu": 10**9})
    monkeypatch.setattr(spread, "spread", lambda model, room: room)
    assert spread.over_gpus(None) == {0: 800, 1: 400, "cpu": 10**9}
    assert spread.over_gpus(None, trained=True) == {0: 800, 1: 400}
    monkeypatch.undo()
    model = built()
    with pytest.raises(UserError, match="parameter device: GPUs do not hold model LlamaForCausalLM; take a larger machine"):
        spread.spread(model, {0: size(model.get_input_embeddings()) * 2 + size(model.base_model.layers[0])})


def test_a_model_that_names_no_layers_is_refused_and_without_gpus_nothing_moves(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = built()
    assert spread.over_gpus(model) is model
    monkeypatch.setattr(model, "_no_split_modules", None)
    with pytest.raises(UserError, match="cannot be taken apart for several GPUs"):
        spread.spread(model, {"cpu": 10**9})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_layers_in_memory_give_the_rows_of_a_gpu_that_holds_all(encoded, dtype):
    whole, apart = built().to("cuda", dtype), built().to(dtype)
    needed = size(apart.get_input_embeddings(), apart.get_output_embeddings())
    spread.spread(apart, {0: needed + int(2.5 * size(apart.base_model.layers[0])), "cpu": 10**9})
    assert apart.device.type == "cuda" and any(one.device.type == "meta" for one in apart.parameters())
    expected, computed = rows(whole, encoded), rows(apart, encoded)
    assert expected["token"].equals(computed["token"])
    torch.testing.assert_close(torch.tensor(expected["nll"]), torch.tensor(computed["nll"]), rtol=1e-5, atol=1e-5)


def adapted(model):
    """An adapter on the model, its weights drawn on the processor."""
    peft = pytest.importorskip("peft")
    torch.manual_seed(4)
    shape = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    learner = peft.get_peft_model(model, shape)
    for parameter in learner.parameters():
        if parameter.requires_grad:
            parameter.data.copy_(0.1 * torch.randn(parameter.shape))
    return learner


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gradients_come_back_from_a_gpu_to_the_processor(monkeypatch):
    monkeypatch.setattr("accelerate.utils.modeling.get_max_memory", lambda room: room)  # it would put the processor last
    whole, apart = built(), built()
    needed = size(apart.get_input_embeddings(), apart.get_output_embeddings())
    spread.spread(apart, {"cpu": needed + int(2.5 * size(apart.base_model.layers[0])), 0: 10**9})
    gradients, ids = [], torch.arange(2, 22)[None]
    for learner in (adapted(whole), adapted(apart)):
        learner(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        gradients.append([parameter.grad for parameter in learner.parameters() if parameter.requires_grad])
    assert {one.device.type for one in gradients[1]} == {"cpu", "cuda"}
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other.cpu(), rtol=1e-3, atol=1e-5)
