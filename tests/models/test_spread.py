"""A model over several places gives the rows that it gives in one; a processor and its disk stand for two GPUs."""

import pytest
import torch

from proxylib.errors import UserError
from proxylib.measure.settings import Layout
from proxylib.measure.tokenstats import selfcheck
from proxylib.measure.tokenstats.encode import Encoded
from proxylib.measure.tokenstats.extract import Engine
from proxylib.models import architectures, spread
from proxylib.models.settings import Model

ENTRIES = 259


def built(architecture="llama"):
    torch.manual_seed(3)
    spec = Model(architecture=architecture, tokenizer="byte", width=32, depth=4, mix="expert", post="none", share=1.0)
    return architectures.build(spec, ENTRIES, 64).eval()


def size(*modules):
    return sum(parameter.nbytes for module in modules for parameter in module.parameters())


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


def test_what_has_no_room_is_refused_by_name():
    model = built()
    with pytest.raises(UserError, match="together do not hold model LlamaForCausalLM"):
        spread.spread(model, {"cpu": size(model.get_input_embeddings()) + 2 * size(model.base_model.layers[0])})
    with pytest.raises(UserError, match="first GPU has no room for the embeddings"):
        spread.spread(model, {"cpu": 1000})


def test_a_model_that_names_no_layers_is_refused_and_without_gpus_nothing_moves(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = built()
    assert spread.over_gpus(model) is model
    monkeypatch.setattr(model, "_no_split_modules", None)
    with pytest.raises(UserError, match="cannot be taken apart for several GPUs"):
        spread.spread(model, {"cpu": 10**9})
