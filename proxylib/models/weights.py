"""Refuses weights that do not fit what they are read into: transformers and peft draw what is missing at random and go on."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import PretrainedConfig, PreTrainedModel

from proxylib.errors import UserError
from proxylib.models.folders import ADAPTER, ADAPTER_WEIGHTS, CONFIG, WHOLE_FILES

#: buffers that older versions of transformers saved and newer ones work out: rotations, masks, numbers of positions. What an
#: architecture has beside the language model (heads for several tokens ahead) transformers knows and leaves out itself
LEFTOVERS = re.compile(r"(^|\.)(rotary_emb\.inv_freq|(attn|attention)\.(bias|masked_bias)|position_ids)$")
WHOLE_NUMBERS = ("I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "BOOL")  # as safetensors calls them


def refuse_more_layers(folder: Path, config: PretrainedConfig, kinds: Mapping[str, str]) -> None:
    """`UserError` where a config asks for more layers than there are weights: so many would fill the memory first."""
    layers = getattr(config.get_text_config(), "num_hidden_layers", 0)
    if isinstance(layers, int) and layers > len(kinds):
        raise UserError(f"{folder}: {CONFIG} asks for {layers} layers, and there are {len(kinds)} weights; mend the config")


def refuse_misfit(folder: Path, model: PreTrainedModel, report: Mapping[str, Iterable[str]], kinds: Mapping[str, str]) -> None:
    """`UserError` naming the first weight that the files have and the model has not, or the other way round.

    Parameters
    ----------
    folder : of the model
    model : as loaded
    report : what `from_pretrained` said about missing, unexpected and mismatched keys
    kinds : see `kinds_of`
    """
    unexpected = sorted(key for key in report["unexpected_keys"] if not LEFTOVERS.search(key))
    if missing := sorted(report["missing_keys"]):
        renamed = f" (they hold {unexpected[0]})" if unexpected else ""
        raise UserError(f"{folder}: the weights lack {missing[0]}{renamed}; save the whole causal language model")
    if unexpected:
        raise UserError(
            f"{folder}: the weights hold {unexpected[0]}, which a {type(model).__name__} of this {CONFIG} has no place for; "
            "give the config that they were saved with"
        )
    if others := sorted((key, [*saved], [*asked]) for key, saved, asked in report["mismatched_keys"]):
        key, saved, asked = others[0]
        raise UserError(f"{folder}: {key} is {saved}, {CONFIG} asks for {asked}; give the config that it was saved with")
    prefix = re.compile(rf"^({re.escape(model.base_model_prefix)}\.)+")
    headless = lambda key: prefix.sub("", key)  # transformers finds weights under their prefix, without it, and under several
    plain = [headless(key) for key in kinds]
    if len(set(plain)) < len(plain):
        twice = next(key for key in plain if plain.count(key) > 1)
        raise UserError(f"{folder}: the weights hold {twice} twice, under two prefixes; save the model again")
    if getattr(model.config, "quantization_config", None):
        return
    fractions = {headless(name) for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    if whole := sorted(key for key, kind in kinds.items() if kind in WHOLE_NUMBERS and headless(key) in fractions):
        raise UserError(f"{folder}: {whole[0]} holds whole numbers and {CONFIG} names no quantization; save it unquantized")


def kinds_of(folder: Path) -> dict[str, str]:
    """Key -> kind of number of every weight that transformers reads of a whole model; `UserError` for one in two files."""
    file, index = WHOLE_FILES
    if (folder / file).exists():
        return _kinds(folder, [file])
    return _kinds(folder, sorted(set(json.loads((folder / index).read_text())["weight_map"].values())))


def _kinds(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Key -> kind of number of every weight in files; `UserError` for one in two of them."""
    kinds: dict[str, str] = {}
    for name in names:
        with safe_open(folder / name, "pt") as weights:
            for key in weights.keys():  # noqa: SIM118 - it is no mapping
                if key in kinds:
                    raise UserError(f"{folder}: two files hold {key}, the last of them {name}; save the model again")
                kinds[key] = weights.get_slice(key).get_dtype()
    return kinds


def refuse_no_numbers(folder: Path, model: torch.nn.Module, what: str) -> None:
    """`UserError` naming the first parameter that holds NaN or Inf; `what` is to be measured instead."""
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise UserError(f"{folder}: {name} holds NaN or Inf; measure another {what}")


def refuse_unlike(folder: Path, report: Any, base: Path) -> None:
    """`UserError` naming the first weight that an adapter's file has and its base has no place for, or the other way round.

    Parameters
    ----------
    folder : of the adapter
    report : what `load_adapter` said about missing and unexpected keys
    base : what it stands on, for the message
    """
    mend = "save the adapter anew, from a model that is not compiled"
    if report.missing_keys:
        raise UserError(f"{folder}: {ADAPTER_WEIGHTS} lacks {min(report.missing_keys)}, which {ADAPTER} asks for; {mend}")
    if unexpected := [key for key in report.unexpected_keys if not _is_repeated(folder / ADAPTER_WEIGHTS, key)]:
        raise UserError(f"{folder}: {base} has no place for {min(unexpected)} of {ADAPTER_WEIGHTS}; {mend}")
    kinds = _kinds(folder, [ADAPTER_WEIGHTS])
    plain = [key.replace(".default.", ".") for key in kinds]  # peft takes keys with the adapter's name and without
    if len(set(plain)) < len(plain):
        twice = next(key for key in plain if plain.count(key) > 1)
        raise UserError(f"{folder}: {ADAPTER_WEIGHTS} holds {twice} twice, with and without an adapter's name; {mend}")
    if whole := sorted(key for key, kind in kinds.items() if kind in WHOLE_NUMBERS):
        raise UserError(f"{folder}: {whole[0]} of {ADAPTER_WEIGHTS} holds whole numbers; save the adapter unquantized")


def _is_repeated(path: Path, key: str) -> bool:
    """Whether a file holds the weight under its plain name too, as peft saves what stands beside added tokens."""
    plain = key.replace(".modules_to_save.", ".")
    with safe_open(path, "pt") as weights:
        return plain != key and plain in weights.keys() and torch.equal(weights.get_tensor(plain), weights.get_tensor(key))  # noqa: SIM118


def refuse_unknown(folder: Path, config: Any) -> None:
    """`UserError` where an adapter's config asks for what this version of peft does not know, and so would leave out."""
    given, known = json.loads((folder / ADAPTER).read_text()), {field.name for field in dataclasses.fields(config)}
    if unknown := [name for name, value in given.items() if value and name not in known]:
        raise UserError(f"{folder / ADAPTER}: this version of peft knows no {unknown[0]}; install a newer one")


def give_rows(folder: Path, model: PreTrainedModel) -> None:
    """Let embeddings and head have as many rows as an adapter saved of them: tokens were added before it was trained.

    Raises
    ------
    UserError
        If it saved only one of the two, so that the other's new rows would be drawn at random.
    """
    layers = {id(part): part for part in (model.get_input_embeddings(), model.get_output_embeddings()) if part is not None}
    if not layers:
        return
    with safe_open(folder / ADAPTER_WEIGHTS, "pt") as weights:
        shapes = {key.removeprefix("base_model.model."): weights.get_slice(key).get_shape() for key in weights.keys()}  # noqa: SIM118
    names = [name for name, part in model.named_modules() if id(part) in layers]
    saved = {name: shapes.get(f"{name}.weight") or shapes.get(f"{name}.base_layer.weight") for name in names}
    rows = {name: shape[0] for name, shape in saved.items() if shape}
    sizes = set(rows.values())
    if len(sizes) != 1 or sizes == {part.weight.shape[0] for part in layers.values()}:
        return  # as it is, or peft says what does not fit
    if len(rows) < len({id(part.weight) for part in layers.values()}):
        raise UserError(
            f"{folder}: {ADAPTER_WEIGHTS} holds {min(sizes)} rows of {min(rows)}, and none of the other of embeddings and "
            "head; save the adapter with save_embedding_layers=True"
        )
    model.resize_token_embeddings(min(sizes), mean_resizing=False)


@contextlib.contextmanager
def unchanged(folder: Path, model: PreTrainedModel) -> Iterator[None]:
    """`UserError` where an adapter, read in the block, writes over the weights of its base.

    Some ways of beginning (`init_lora_weights` pissa, olora) take the adapter out of the base, drawn at random in part; others
    save whole layers of the base. Only embeddings and head may be written: peft saves those that were given more entries.
    """
    grown = {id(part.weight) for part in (model.get_input_embeddings(), model.get_output_embeddings()) if part is not None}
    before = [(name, weight, weight.data_ptr(), weight._version) for name, weight in model.named_parameters()]
    yield
    for name, weight, place, version in before:
        if id(weight) not in grown and (weight.data_ptr(), weight._version) != (place, version):
            raise UserError(f"{folder}: reading the adapter changes {name} of its base; save it as a plain adapter")
