"""Passes of many traces tried against the model's own forward on one trace alone, before anything is written.

Traces are chosen where a layout can go wrong: the shortest beside the longest, two on a shared prompt, those around every
length at which the model changes its ways. What differs is measured one trace a pass; what differs even then is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel

from proxylib.errors import UserError
from proxylib.measure.tokenstats.encode import Encoded
from proxylib.measure.tokenstats.extract import Engine
from proxylib.models import devices

TOLERANCE = 1e-3  # nats; float32 sums in another order lose up to 3e-4 in the architectures that are tested
ROUNDINGS = 4  # of the largest logit: what lower precision may lose beyond
SHARE = 0.01  # of the tokens of a run, or of a thousand such traces, that may be passed beside them
FIRST = 0.6  # of these, for the shortest and the longest
FEW, LEAST = 100, 4096  # below so many traces, so many tokens may be passed in any case
LOGITS = 1 << 23  # of the model's own forward that exist at the same time: 55 places under 152,000 entries
#: what is compared
COMPARED = ("nll", "entropy", "p_max")


class Gap(NamedTuple):
    """Largest difference of a statistic between two ways (nats; `p_max` as it is), what rounding may come to, and whether
    it explains the ranks.
    """

    most: float
    tolerance: float
    ranks: bool

    @property
    def close(self) -> bool:
        """Whether rounding explains everything."""
        return self.most <= self.tolerance and self.ranks

    def __str__(self) -> str:
        return f"by {self.most:.2g} nats" if self.most > self.tolerance else "in their ranks"


def checked(model: PreTrainedModel, engine: Engine, encoded: list[Encoded]) -> tuple[Engine, dict[str, Any]]:
    """The engine, or one whose passes hold a single trace where its rows are not those of a trace alone.

    Returns
    -------
    engine : what may be used
    account : for the manifest: traces and tokens that were tried, the largest difference from the model's own forward on a
        trace alone (nats), its tolerance, and by what wider passes differed where the layout was narrowed

    Raises
    ------
    UserError
        If one trace a pass differs too.

    Notes
    -----
    A float32 row may differ by `TOLERANCE`; in lower precision also by `ROUNDINGS` steps of the largest logit, so that only
    large faults show there. Of each trace as many places are compared as `LOGITS` allows, evenly spaced.
    """
    batches = trials(engine, encoded)
    tried = sorted({index for batch in batches for index in batch}, key=lambda index: len(encoded[index].ids))
    # shortest first, before any other pass: a model that remembers what it has seen has seen nothing longer
    alone = {index: _alone(model, engine, encoded[index]) for index in tried}
    gap = _gap(engine, encoded, batches, alone)
    narrowed = None if gap.close else str(gap)
    if narrowed:
        engine = engine.narrow()
        print(
            f"proxylib: rows of passes of several traces differ {gap} from those of a trace alone; going on with one trace "
            "a pass, which is slower",
            file=sys.stderr,
        )
        gap = _gap(engine, encoded, [[index] for index in reversed(tried)], alone)
        if not gap.close:
            raise UserError(
                f"model {type(model).__name__}: even one trace a pass gives rows that differ {gap} from its own forward; "
                "something beside the trace decides them, so it is not supported"
            )
    account = {"traces": len(tried), "tokens": sum(len(encoded[index].ids) for index in tried)}
    return engine, account | {"difference": gap.most, "tolerance": gap.tolerance, "narrowed": narrowed}


def trials(engine: Engine, encoded: list[Encoded]) -> list[list[int]]:
    """Indices of traces to try together, each list in one pass, as many as are cheap; the first always."""
    room = SHARE * sum(len(item.ids) for item in encoded) * max(1, 1000 / len(encoded))
    room = max(room, LEAST) if len(encoded) < FEW else room
    chosen: list[list[int]] = []
    for options in _wanted(engine, encoded, chosen):
        affordable = (batch for batch in options if _cost(encoded, batch) <= (room if chosen else FIRST * room))
        batch = next(affordable, None if chosen else options[-1])
        if batch is not None and batch not in chosen:
            chosen.append(batch)
            room -= _cost(encoded, batch)
    return chosen


def _wanted(engine: Engine, encoded: list[Encoded], chosen: list[list[int]]) -> Iterator[list[list[int]]]:
    """What should be tried, most wanted first; each as a list of ways to do it, dearest first."""
    order = sorted(range(len(encoded)), key=lambda index: (len(encoded[index].ids), index))
    shortest = order[0]
    yield [batch for longest in reversed(order[1:]) for batch in ([shortest, longest], [longest])] + [[shortest]]
    if len(chosen[0]) < 2:
        yield [order[:2]]
    turns = sorted({*engine.ways.switches, *engine.ways.grows, *engine.ways.turns}, reverse=True)
    places = np.searchsorted([len(encoded[index].ids) for index in order], turns, side="right")
    for place in dict.fromkeys(place for place in places.tolist() if 0 < place < len(order)):
        # the first beyond a length with its neighbours and the shortest: several traces on either side
        around = list(dict.fromkeys([shortest, *order[place - 1 : place + 2]]))
        yield [around, order[place - 1 : place + 1], [order[place]]]
    groups = [sorted(members, key=lambda index: len(encoded[index].ids)) for members in engine.sharing(encoded)]
    groups.sort(key=lambda members: encoded[members[0]].prompt, reverse=True)
    if groups:  # the longest shared prompt, which reaches beyond most, and the shortest
        yield [[members[0], members[-1]] for members in groups]
        yield [groups[-1][:2]]


def _cost(encoded: list[Encoded], batch: list[int]) -> int:
    lengths = [len(encoded[index].ids) for index in batch]
    return sum(lengths) + len(lengths) * max(lengths)


class Alone(NamedTuple):
    """What the model's own forward says of some places of a trace: which of its scored tokens, `COMPARED` of each [P, 3],
    between which numbers of greater logits rounding leaves its rank [P, 2], and how much a logit may differ.
    """

    places: np.ndarray
    values: np.ndarray
    greater: np.ndarray
    slack: float


def _alone(model: PreTrainedModel, engine: Engine, item: Encoded) -> Alone:
    """By all logits of one trace in float32."""
    most = max(1, LOGITS // engine.parts.head.layer.weight.shape[0])
    places = np.unique(np.linspace(0, item.scored - 1, min(most, item.scored)).astype(int))
    ids = torch.tensor([item.ids], device=engine.device)
    before = torch.from_numpy(places + len(item.ids) - item.scored - 1).to(engine.device)
    # the head sees these places only: all logits of a long trace would not fit
    handle = engine.parts.head.layer.register_forward_pre_hook(lambda _, inputs: (inputs[0][:, before],))
    try:
        with torch.inference_mode():
            logits = model(input_ids=ids, use_cache=False).logits[0, :, : engine.vocabulary].float()  # [P, V]
    finally:
        handle.remove()
    log_p = logits.log_softmax(1)
    p = log_p.exp()
    target = ids[0, before + 1][:, None]
    slack = _tolerance(model, logits)
    of_target = logits.gather(1, target)
    entropy = -(p * log_p.clamp(min=torch.finfo(log_p.dtype).min)).sum(1)  # nothing times minus infinity is nothing
    values = torch.stack([-log_p.gather(1, target)[:, 0], entropy, p.amax(1)], 1)
    # at least those surely greater, at most all that may be but for itself
    greater = torch.stack([(logits > of_target + slack).sum(1), (logits > of_target - slack).sum(1) - 1], 1)
    return Alone(places, values.cpu().numpy(), greater.cpu().numpy(), slack)


def _tolerance(model: PreTrainedModel, logits: torch.Tensor) -> float:
    least, most = (float(end) for end in logits.aminmax())
    if not np.isfinite([least, most]).all():
        finite = logits[logits.isfinite()]
        least, most = (float(end) for end in finite.aminmax()) if len(finite) else (0.0, 0.0)
    return max(TOLERANCE, ROUNDINGS * torch.finfo(model.dtype).eps * max(-least, most))


def _gap(engine: Engine, encoded: list[Encoded], batches: list[list[int]], alone: dict[int, Alone]) -> Gap:
    """Rows of the batches against those of each of their traces alone; NaN is left to what names its trace."""
    measured, counts, expected = [], [], []
    for batch in batches:
        score = lambda part: engine.score([encoded[index] for index in part])
        frames, _ = devices.in_batches(batch, len(batch), score)
        rows = {name: np.concatenate([frame[name].to_numpy() for frame in frames]) for name in (*COMPARED, "n_greater")}
        begins = np.cumsum([0, *(encoded[index].scored for index in batch[:-1])])
        at = np.concatenate([begin + alone[index].places for begin, index in zip(begins, batch, strict=True)])
        measured.append(np.stack([rows[name][at] for name in COMPARED], 1))
        counts.append(rows["n_greater"][at])
        expected += [alone[index] for index in batch]
    a, b = np.concatenate(measured).astype(float), np.concatenate([one.values for one in expected]).astype(float)
    gap = np.abs(np.subtract(a, b, where=a != b, out=np.zeros_like(a)))  # two infinite ones are alike
    defined = ~np.isnan(gap).any(1)
    count, (least, most) = np.concatenate(counts), np.concatenate([one.greater for one in expected]).T
    possible = (least <= count) & (count <= most)
    return Gap(float(gap[defined].max(initial=0.0)), max(one.slack for one in expected), bool(possible[defined].all()))
