"""A causal language model taken apart: its trunk, and its head with everything that happens to logits after the product.

What a head does to logits is read from the config by name and then compared with the model itself on hidden states both
small and large, so that a change which no name announces is refused and not overlooked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from proxylib.errors import UserError

PROBE_TOLERANCE = 1e-4  # of the largest logit; float32 sums in another order differ by about 1e-6
PROBE_TOKENS = 8
#: of a config: what logits are multiplied with, and where they are capped
FACTORS, CAPS = ("logit_scale", "output_multiplier", "lm_head_multiplier"), ("final_logit_softcapping", "logits_soft_cap")
PROBE_LOGITS = (1.0, 100.0)  # sizes of logits that are tried: a cap of 30 leaves those of size 1 nearly alone


@dataclass(frozen=True, eq=False)
class Head:
    """Logits from hidden states, as the model itself makes them.

    Parameters
    ----------
    layer : the output layer, [.., H] -> [.., V'], with its bias and adapters
    scale : the product is multiplied with it (Cohere's `logit_scale`, one over Granite's `logits_scaling`)
    cap : logits become cap * tanh(logits / cap) (Gemma's `final_logit_softcapping`); None for none
    """

    layer: torch.nn.Module
    scale: float = 1.0
    cap: float | None = None
    _kept: list[torch.Tensor] = field(default_factory=list, repr=False)

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        """[.., V'] logits; float32 for low-precision weights on a GPU, whose product is accumulated in float32.

        Logits of a matrix [C, H] on a processor stand in memory that the next call writes over.
        """
        logits = self._product(hidden)
        if self.scale != 1.0:
            logits = logits.mul_(self.scale)
        if self.cap:
            logits = logits.div_(self.cap).tanh_().mul_(self.cap)
        return logits

    def _product(self, hidden: torch.Tensor) -> torch.Tensor:
        weight = getattr(self.layer, "weight", None)
        plain = type(self.layer) is torch.nn.Linear and hidden.ndim == 2
        if plain and hidden.is_cuda and weight.dtype in (torch.bfloat16, torch.float16):
            # logits rounded to bfloat16 lie 0.125 apart at 16: ranks would be ties
            logits = torch.mm(hidden, weight.T, out_dtype=torch.float32)
            return logits if self.layer.bias is None else logits + self.layer.bias
        if plain and not hidden.is_cuda and torch.is_inference_mode_enabled():
            # fresh memory for every chunk would be zeroed page by page, and small results between chunks split the heap
            logits = self._memory(len(hidden), weight)
            if self.layer.bias is None:
                return torch.mm(hidden, weight.T, out=logits)
            return torch.addmm(self.layer.bias, hidden, weight.T, out=logits)
        return self.layer(hidden)

    def _memory(self, rows: int, weight: torch.Tensor) -> torch.Tensor:
        if len(self._kept) == 0 or len(self._kept[0]) < rows:
            self._kept[:] = [torch.empty(rows, weight.shape[0], dtype=weight.dtype)]
        return self._kept[0][:rows]


class Parts(NamedTuple):
    """A model taken apart."""

    trunk: torch.nn.Module
    head: Head


def split(model: PreTrainedModel) -> Parts:
    """Trunk and head of a model, probed.

    Raises
    ------
    UserError
        If head and trunk do not give the model's own logits, if it sees later tokens, or if it gives NaN.
    """
    name = type(model).__name__
    layer = model.get_output_embeddings()
    if layer is None:
        raise UserError(f"model {name}: has no output layer to be measured at; it is not supported")
    vocabulary = model.config.get_text_config().vocab_size
    ids = torch.randint(0, vocabulary, (1, PROBE_TOKENS), generator=torch.Generator().manual_seed(0)).to(model.device)
    with torch.inference_mode():
        whole = model(input_ids=ids, use_cache=False).logits
        if not torch.isfinite(whole).all():
            raise UserError(f"model {name}: its logits are NaN or Inf; measure another checkpoint")
        later = torch.cat([ids[:, :-1], (ids[:, -1:] + 1) % vocabulary], 1)
        if not alike(whole[:, :-1], model(input_ids=later, use_cache=False).logits[:, :-1]):
            raise UserError(f"model {name}: sees tokens that come later; it is no causal language model")
        trunk = _trunk(model, layer, ids)
        hidden = trunk(input_ids=ids, use_cache=False).last_hidden_state
        spread = layer(hidden).abs().max().clamp(min=1e-6)
        probes = [hidden, *(hidden * (size / spread) for size in PROBE_LOGITS)]
        expected = [whole, *(_logits_of(model, layer, ids, probe) for probe in probes[1:])]
        for head in (Head(layer, *change) for change in _transforms(model)):
            if all(alike(logits, head(probe)) for probe, logits in zip(probes, expected, strict=True)):
                return Parts(trunk, head)
    raise UserError(f"model {name}: changes its logits after the head in a way that no known setting names; not supported")


class Before(torch.nn.Module):
    """A model up to its output layer, where more stands between than its trunk: another layer, a norm, a factor.

    The model runs as it is, but its output layer is given a single place. It hands on no cache.
    """

    def __init__(self, model: PreTrainedModel, layer: torch.nn.Module):
        super().__init__()
        self.model, self.layer = model, layer

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, use_cache: bool = False) -> Any:
        """Its hidden states, [B, T, H]."""
        kept: list[torch.Tensor] = []

        def keep(_, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            kept.append(inputs[0])
            return (inputs[0][:, :1],)

        handle = self.layer.register_forward_pre_hook(keep)
        try:
            self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False)
        finally:
            handle.remove()
        return BaseModelOutput(last_hidden_state=kept[-1])


def _trunk(model: PreTrainedModel, layer: torch.nn.Module, ids: torch.Tensor) -> torch.nn.Module:
    """The model's trunk, if what it gives is what the output layer gets; else all that stands before that layer."""
    before, trunk = Before(model, layer), model.base_model
    if trunk is model:
        return before
    given = before(input_ids=ids).last_hidden_state
    hidden = trunk(input_ids=ids, use_cache=False).last_hidden_state
    return trunk if hidden.shape == given.shape and alike(hidden, given) else before


def _transforms(model: PreTrainedModel) -> Iterator[tuple[float, float | None]]:
    """(scale, cap) by the names under which configs keep them; one of these multiplies in one family, divides in another."""
    config = model.config.get_text_config()
    factors = (getattr(config, name, None) for name in FACTORS)
    scale = math.prod(float(factor) for factor in factors if factor is not None)
    cap = next((cap for name in CAPS if (cap := getattr(config, name, None))), None)
    divisor = float(getattr(config, "logits_scaling", None) or 1.0)
    yield scale / divisor, cap
    yield scale * divisor, cap


def _logits_of(model: PreTrainedModel, layer: torch.nn.Module, ids: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """What the model makes of given hidden states: its trunk runs, and its head is handed these instead."""
    handle = layer.register_forward_pre_hook(lambda _, inputs: (hidden.to(inputs[0].dtype),))
    try:
        return model(input_ids=ids, use_cache=False).logits
    finally:
        handle.remove()


def alike(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors differ by no more than rounding in another order."""
    tolerance = max(PROBE_TOLERANCE, 4 * torch.finfo(a.dtype).eps)  # low-precision logits are rounded themselves
    return bool((a.double() - b.double()).abs().max() <= tolerance * a.double().abs().max().clamp(min=1e-6))
