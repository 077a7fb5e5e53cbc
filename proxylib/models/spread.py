"""A model over all GPUs of a machine, what they cannot hold in its memory: accelerate carries texts from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import PreTrainedModel

from proxylib.errors import UserError

ROOM = 0.8  # of the free memory of a GPU, for weights; the rest is for texts on their way and a chunk of logits


def over_gpus(model: PreTrainedModel, trained: bool = False) -> PreTrainedModel:
    """The model, its layers over all GPUs; as it is where there is none. One that is trained finds no room in memory: an
    adapter computes where the layer around which it stands lies.
    """
    if not torch.cuda.is_available():
        return model
    from accelerate.utils import get_max_memory

    room = {place: size if place == "cpu" else int(ROOM * size) for place, size in get_max_memory().items()}
    if trained:
        del room["cpu"]
    return spread(model, room)


def spread(model: PreTrainedModel, room: Mapping[int | str, int], rest: Path | None = None) -> PreTrainedModel:
    """The model, its layers dealt out in their order.

    Parameters
    ----------
    model : in the memory of the processor
    room : place (number of a GPU, or "cpu") -> bytes for weights; the first computes the head, and all that has no layers
    rest : folder for weights that find no room

    Raises
    ------
    UserError
        If the model does not say what its layers are, the first place holds neither embeddings nor head, or weights find no
        room.
    """
    from accelerate import dispatch_model, infer_auto_device_map

    name, trunk, layers = type(model).__name__, model.base_model, getattr(model, "_no_split_modules", None)
    head, entries = model.get_output_embeddings(), model.get_input_embeddings()
    if trunk is model or not layers or head is None or entries is None:
        raise UserError(f"parameter device: model {name} cannot be taken apart for several GPUs; give one that holds it: cuda")
    first = next(iter(room))
    tied = head.weight is entries.weight
    room = dict(room) | {first: room[first] - (0 if tied else head.weight.nbytes)}
    with torch.no_grad():
        places = infer_auto_device_map(trunk, room, no_split_module_classes=list(layers))
    if not _held(trunk, entries, places, first):
        raise UserError(f"parameter device: the first GPU has no room for the embeddings and the head of model {name}")
    if "disk" in places.values() and rest is None:
        held = "GPUs and memory together" if "cpu" in room else "GPUs"
        raise UserError(f"parameter device: {held} do not hold model {name}; take a larger machine, or bfloat16")
    for child in model.children():
        if child is not trunk:
            child.to(first)
    skipped = getattr(model, "_skip_keys_device_placement", None)
    dispatch_model(trunk, places, main_device=first, offload_dir=rest, skip_keys=skipped)
    if tied:  # moving made them two
        getattr(head, "base_layer", head).weight = entries.weight  # an adapter may stand around it
    if len(set(places.values())) > 1:
        model.hf_device_map = _of_all(model, trunk, places, first)  # else a trainer moves it to one GPU
    return model


def _of_all(model: PreTrainedModel, trunk: torch.nn.Module, places: Mapping[str, int | str], first: int | str) -> dict:
    """Place of every part of the whole model, as transformers notes it."""
    parts = {name: first for name, child in model.named_children() if child is not trunk}
    return parts | {f"{model.base_model_prefix}.{part}": place for part, place in places.items()}


def _held(trunk: torch.nn.Module, layer: torch.nn.Module, places: Mapping[str, int | str], first: int | str) -> bool:
    """Whether a layer of the trunk lies wholly at the first place."""
    path = next(name for name, module in trunk.named_modules() if module is layer)
    return any(place == first and (not part or f"{path}.".startswith(f"{part}.")) for part, place in places.items())
