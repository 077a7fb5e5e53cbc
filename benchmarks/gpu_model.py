"""The parts of `gpu.py` that run a whole model: tokens a second of `extract`, memory by length, a LoRA step.

The model has Qwen3's shape and random weights, drawn on the spot: neither speed nor memory depends on what they are. Where a
machine lacks a package that a part needs, the part is left out by name.
"""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

TURNS, WARM_UP, PART_SECONDS = 7, 2, 25.0


@dataclass(frozen=True)
class Shape:
    """What is run.

    Parameters
    ----------
    name : of the model whose shape it is
    config : of transformers' Qwen3Config
    traces : lengths of the traces of one extraction, prompt and all
    lengths : of the single texts whose memory is measured
    step : texts of a LoRA step, tokens of each
    rank : of the adapter
    """

    name: str
    config: dict[str, Any]
    traces: tuple[int, ...]
    lengths: tuple[int, ...]
    step: tuple[int, int]
    rank: int


FULL = Shape(
    "qwen3-0.6b",
    {
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 151936,
        "tie_word_embeddings": True,
        "max_position_embeddings": 40960,
    },
    tuple(range(128, 1024, 14)),  # 64 traces of GSM8K's to MATH's lengths
    (512, 2048, 8192, 32768),
    (8, 1024),
    64,  # the post's
)
QUICK = Shape(
    "tiny",
    {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "vocab_size": 512,
        "tie_word_embeddings": True,
        "max_position_embeddings": 256,
    },
    (24, 40, 60),
    (32, 64),
    (2, 16),
    4,
)


def measure(run: Any, shape: Shape, timing: Callable[[Callable[[], object], str], float]) -> None:
    """All parts in both precisions, until the budget is spent; `run` is gpu.py's, `timing` its seconds of one call."""
    parts = {"extract": extraction, "memory": memory, "lora_step": lora_step}
    for name, part in parts.items():
        for dtype in (torch.bfloat16, torch.float32):
            label = f"{shape.name}, {name}, {str(dtype).removeprefix('torch.')}"
            if run.left() <= 0:
                run.note(f"{label}: left out, the budget is spent")
                continue
            try:
                part(run, shape, dtype, timing)
                print(f"{label}: {run.left():.0f} s of the budget left", flush=True)
            except ImportError as error:
                run.note(f"{label}: left out, {error}")
            except torch.OutOfMemoryError:
                run.note(f"{label}: left out, it needs more memory than there is")
            if run.device == "cuda":
                torch.cuda.empty_cache()
            run.save()


def drawn(shape: Shape, dtype: torch.dtype, device: str) -> Any:
    """The model, the same at every call."""
    from transformers import AutoModelForCausalLM, Qwen3Config

    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(Qwen3Config(**shape.config), dtype=dtype)
    return model.to(device).eval()


def turns(run: Any, call: Callable[[], object], timing: Callable[[Callable[[], object], str], float]) -> list[float]:
    """Seconds of each turn, after a warm-up."""
    began, seconds = time.monotonic(), []
    for number in range(WARM_UP + TURNS):
        value = timing(call, run.device)
        if number >= WARM_UP:
            seconds.append(value)
        if len(seconds) >= 3 and (time.monotonic() - began > PART_SECONDS or run.left() < 0):
            break
    return seconds


def row(run: Any, shape: Shape, dtype: torch.dtype, seconds: list[float], call: Callable[[], object], **more: Any) -> None:
    """One row of the CSV: times, tokens a second as the quantity, and the most that a call holds beside the model."""
    middle, low, high = np.quantile(seconds, [0.5, 0.2, 0.8])
    tokens = more.pop("tokens")
    run.look()
    run.add(
        model=shape.name,
        hidden=shape.config["hidden_size"],
        vocab=shape.config["vocab_size"],
        dtype=str(dtype).removeprefix("torch."),
        median_s=float(f"{middle:.4g}"),
        p20=float(f"{low:.4g}"),
        p80=float(f"{high:.4g}"),
        peak_mib=run.peak(call),
        repeats=len(seconds),
        quantity="tokens_per_second",
        value=float(f"{tokens / middle:.4g}"),
        **more,
    )


def engine_of(shape: Shape, dtype: torch.dtype, device: str, impl: str) -> Any:
    """What `extract` scores with."""
    from proxylib.measure.settings import Layout
    from proxylib.measure.tokenstats.extract import Engine

    return Engine(drawn(shape, dtype, device), shape.config["vocab_size"], Layout(impl=impl))


def text(shape: Shape, length: int, number: int) -> Any:
    """An encoded trace, a quarter of it prompt."""
    from proxylib.measure.tokenstats.encode import Encoded

    ids = np.random.default_rng(number).integers(0, shape.config["vocab_size"], length).tolist()
    prompt = length // 4
    nothing = [0] * (length - prompt)
    return Encoded(ids, length - prompt, nothing, nothing, 0, 0, prompt)


def scored(engine: Any, batches: list[list[Any]]) -> None:
    """One extraction, its rows thrown away."""
    for batch in batches:
        engine.score(batch)


def extraction(run: Any, shape: Shape, dtype: torch.dtype, timing: Callable[[Callable[[], object], str], float]) -> None:
    """All traces in the passes that `extract` makes of them, compiled and not."""
    encoded = [text(shape, length, number) for number, length in enumerate(shape.traces)]
    for impl in ("chunked", "compiled"):
        engine = engine_of(shape, dtype, run.device, impl)
        passes = engine.passes(encoded)
        call = functools.partial(scored, engine, [[encoded[index] for index in batch] for batch in passes])
        seconds, total = turns(run, call, timing), sum(shape.traces)
        row(run, shape, dtype, seconds, call, part="extract", impl=impl, T=total, chunk=engine.layout.chunk, tokens=total)


def memory(run: Any, shape: Shape, dtype: torch.dtype, timing: Callable[[Callable[[], object], str], float]) -> None:
    """One text a pass, longer and longer."""
    engine = engine_of(shape, dtype, run.device, "chunked")
    for length in shape.lengths:
        call = functools.partial(scored, engine, [[text(shape, length, length)]])
        try:
            seconds = turns(run, call, timing)
        except torch.OutOfMemoryError:
            run.note(f"{shape.name}, {length} tokens: more memory than there is")
            return
        row(run, shape, dtype, seconds, call, part="memory", impl="chunked", T=length, chunk=engine.layout.chunk, tokens=length)


def lora_step(run: Any, shape: Shape, dtype: torch.dtype, timing: Callable[[Callable[[], object], str], float]) -> None:
    """Forward, backward and update of an adapter on all linear layers, as `finetune` trains one: the base in `dtype`, the
    adapter in float32; activations kept, and computed again.
    """
    from peft import LoraConfig, get_peft_model

    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    count, length = shape.step
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, shape.config["vocab_size"], (count, length), generator=generator).to(run.device)
    for recompute in (False, True):
        adapter = LoraConfig(r=shape.rank, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(drawn(shape, dtype, run.device), adapter).train()
        if recompute:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            model.enable_input_require_grads()
        optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=2e-4)

        def call(model: Any = model, optimizer: torch.optim.Optimizer = optimizer) -> None:
            with torch.autocast(run.device, torch.bfloat16, enabled=dtype == torch.bfloat16):
                loss = model(input_ids=ids, labels=ids, use_cache=False).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        seconds, impl = turns(run, call, timing), "recomputed" if recompute else "kept"
        row(run, shape, dtype, seconds, call, part="lora_step", impl=impl, T=count * length, tokens=count * length)
        del model, optimizer, call
