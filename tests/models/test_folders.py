"""Models by name: what is downloaded of a repository, which revision, and what a manifest says of it."""

import json

import huggingface_hub
import pytest
from models import strange
from models.hub import Hub

from proxylib.errors import UserError
from proxylib.measure.settings import ExtractSettings
from proxylib.measure.tokenstats import shards
from proxylib.models import folders, loading

READ = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
#: other copies and other things of repositories on the hub
EXTRA = (
    "original/consolidated.00.pth",
    "original/params.json",
    "original/model.safetensors",
    "consolidated.safetensors",
    "consolidated-00001-of-00002.safetensors",
    "checkpoint-500/model.safetensors",
    "checkpoint-500/config.json",
    "checkpoint-500/optimizer.pt",
    "model.fp16.safetensors",
    "pytorch_model.bin",
    "pytorch_model-00001-of-00002.bin",
    "tf_model.h5",
    "flax_model.msgpack",
    "rust_model.ot",
    "model.gguf",
    "onnx/model.onnx",
    "onnx/model.onnx_data",
    "onnx/config.json",
    "coreml/model.mlpackage/weights.bin",
    "openvino_model.bin",
    "adapter_model.safetensors",
    "optimizer.safetensors",
    "modeling_mine.py",
    "README.md",
    "figure.png",
)


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return strange.saved(tmp_path_factory.mktemp("made") / "model")


@pytest.fixture
def hub(model, tmp_path, monkeypatch):
    """The stand-in, with one repository at two revisions, and an empty cache."""
    other = strange.saved(tmp_path / "other", num_hidden_layers=1)
    extra = {name: b"x" * 1000 for name in EXTRA}
    hub = Hub({"some/model": {"main": files_of(model) | extra, "step1000": files_of(other), "refs/pr/1": files_of(other)}})
    with hub.serve() as address:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(
            huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        huggingface_hub.close_session()
        yield hub
    huggingface_hub.close_session()


def test_one_copy_of_a_model_is_downloaded_and_nothing_else(hub, model):
    folder = folders.locate("some/model")
    assert {path.name for path in folder.iterdir()} == READ & set(files_of(model)) == set(hub.taken)
    assert (strange.logits(loading.load(folder)) == strange.logits(loading.load(model))).all()
    hub.taken.clear()
    assert folders.locate("some/model") == folder and not hub.taken


def test_shards_are_those_that_the_index_names(hub, model):
    weights, files = strange.weights(model), files_of(model)
    names = sorted(weights)
    parts = {"model-00001-of-00002.safetensors": names[:5], "model-00002-of-00002.safetensors": names[5:]}
    for part, keys in parts.items():
        strange.write(model.parent, {key: weights[key] for key in keys}, part)
        files[part] = (model.parent / part).read_bytes()
    del files["model.safetensors"]
    index = {"metadata": {}, "weight_map": {key: part for part, keys in parts.items() for key in keys}}
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    hub.files["some/shards"] = {"main": files | {"model-00001-of-00003.safetensors": b"old", "consolidated.safetensors": b"x"}}
    folder = folders.locate("some/shards")
    assert {path.name for path in folder.glob("*.safetensors")} == set(parts)
    assert (strange.logits(loading.load(folder)) == strange.logits(loading.load(model))).all()


def test_of_an_adapter_its_weights_alone_are_downloaded_and_its_base_is_of_its_revision(hub, model, tmp_path):
    adapter = strange.adapted(model, tmp_path / "adapter")
    strange.edit(
        adapter / "adapter_config.json", base_model_name_or_path="some/model", revision="step1000", target_modules=["q_proj"]
    )
    weights = strange.without("layers.1")(strange.without("v_proj")(strange.weights(adapter, "adapter_model.safetensors")))
    strange.write(adapter, weights, "adapter_model.safetensors")
    hub.files["some/adapter"] = {"main": files_of(adapter) | {"model-old.safetensors": b"x", "checkpoint-1/x.json": b"x"}}
    folder = folders.locate("some/adapter")
    assert {path.name for path in folder.glob("*.safetensors")} == {"adapter_model.safetensors"}
    assert len(loading.load(folder).model.layers) == 1
    base = Hub.commit("some/model", "step1000")
    assert folders.revisions(folder) == {"revision": Hub.commit("some/adapter", "main"), "base_revision": base}


@pytest.mark.parametrize("revision", [None, "step1000", "refs/pr/1", "commit"])
def test_the_manifest_says_which_commit_was_measured(hub, tmp_path, revision):
    name = "some/model"
    commit = Hub.commit(name, "main" if revision is None else "step1000" if revision == "commit" else revision)
    asked = {None: name, "commit": f"{name}@{commit}"}.get(revision, f"{name}@{revision}")
    rows = shards.extract(asked, [strange.TRACE], tmp_path / "rows", ExtractSettings())
    assert (rows.facts["model"], rows.facts["revision"]) == (asked, commit)
    layers = 2 if revision is None else 1
    assert rows.facts["parameters"] == sum(p.numel() for p in strange.built(num_hidden_layers=layers).parameters())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("some/model@", "no revision stands after @"),
        ("some/model@nowhere", "some/model@nowhere: neither a folder nor a model on the hub"),
        ("some/other", "some/other: neither a folder nor a model on the hub"),
        ("a/b/c@main", "a/b/c@main: no such folder"),
        ("./model@main", "./model@main: no such folder"),
    ],
)
def test_a_name_that_nothing_has_is_refused(hub, name, said):
    with pytest.raises(UserError, match=said):
        folders.locate(name)


MISSING = (
    *("a/b/c", "./model", "../model", ".hidden", "/models/llama", "~/llama", "~me/llama", "model/", "org/model/", "a//b"),
    *("model.safetensors", "org/model.GGUF", "weights.tar.gz", "llama.bin@main", "here/model", "here/model@main"),
    *(
        "my model",
        "org/modèle",
        "org\\model",
        "-model",
        "org/-model",
        "org/mo--del",
        "org/..",
        "a..b",
        "hf:model",
        "org/model:4b",
    ),
)


@pytest.mark.parametrize("name", MISSING)
def test_a_name_that_no_hub_can_have_is_a_missing_folder_and_nobody_is_asked(hub, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.setattr(folders, "_downloaded", None)
    with pytest.raises(UserError, match="no such folder") as refused:
        folders.locate(name)
    assert str(refused.value).startswith(f"{name}: ") and "asking the hub" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["gpt2", "some/model", "Qwen/Qwen2.5-0.5B", "a_b/c.d-e", "org/model.v2@step1000", "0x/1"])
def test_a_name_and_an_organisations_name_are_asked_for(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    asked = []
    monkeypatch.setattr(folders, "_downloaded", lambda *given: asked.append(given) or tmp_path)
    assert folders.locate(name) == tmp_path and asked == [(name.split("@")[0], "step1000" if "@" in name else None)]
    assert f"{name}: no such folder; asking the hub for it" in capsys.readouterr().err


def test_a_missing_base_is_named_with_the_adapter_that_wants_it(model, tmp_path):
    adapter = strange.adapted(model, tmp_path / "adapter")
    strange.set_base(adapter, "/somewhere/else/base")
    for ask in (folders.base_of, folders.fingerprint):
        with pytest.raises(
            UserError, match="adapter_config.json: its base cannot be had: /somewhere/else/base: no such folder"
        ):
            ask(adapter)


def test_a_folder_of_ones_own_has_no_commit(model):
    assert folders.revisions(model) == {"revision": None}


def test_a_folder_may_have_an_at_in_its_name(model, tmp_path):
    place = tmp_path / "model@main"
    place.symlink_to(model)
    assert folders.locate(place) == place
