"""What a fine-tune takes and what there is: activations counted by hand, limits wherever they stand, passes narrowed."""

import math

import pandas as pd
import pytest
import torch
from models import strange
from transformers import AutoModelForCausalLM

from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.models import control_groups, memory, tokenizers
from proxylib.models.lora import Schedule, tune
from proxylib.models.settings import Tuning

CONFIG = Tuning(rank=4, alpha=8.0, learning_rate=0.01, batch=4, context=128)
EXAMPLES = [Trace("t", str(number), f"{number} + 1\n", "answer " * (number + 1), "", "") for number in range(8)]


class Squared(torch.nn.Module):
    """What a backward pass needs, the input of a trained layer and a square, and what it does not: below it, and parameters."""

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(10, 8).requires_grad_(False)
        self.layer = torch.nn.Linear(8, 5, bias=False)
        self.last = torch.nn.Linear(5, 5).requires_grad_(False)  # its weight is needed, and there already

    def forward(self, input_ids, use_cache):
        out = self.layer(self.table(input_ids) ** 2)
        return (self.last(out)[:, :, None] * torch.ones(1, 1, out.shape[1], 5)) ** 2


@pytest.mark.parametrize("tokens", [3, 11])
def test_what_a_pass_keeps_is_counted_in_bytes(tokens):
    once, table = tokens * 8 * 4, tokens * tokens * 5 * 4  # the layer's input; the factor of ones and what is squared
    assert memory.saved(Squared(), tokens, torch.float32) == once + tokens * 5 * 4 + table


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2"])
def test_short_texts_tell_what_a_long_one_takes(kind):
    sizes = {
        "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128},
        "gemma2": {"head_dim": 16, "num_key_value_heads": 2},
    }
    model = strange.built(kind, **sizes.get(kind, {}))
    fixed, per_text = memory.training(model, 100, torch.float32, recompute=False)
    whole = memory.saved(model.base_model, 100, torch.float32)
    assert per_text == pytest.approx(whole * 1.5, rel=0.02) and fixed == 12 * sum(p.numel() for p in model.parameters())
    _, less = memory.training(model, 100, torch.float32, recompute=True)
    assert less < per_text


def test_weights_are_counted_by_the_heads_of_their_files(tmp_path):
    model = strange.built()
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    count = sum(p.numel() for p in AutoModelForCausalLM.from_pretrained(tmp_path).parameters())
    assert memory.weights(tmp_path, torch.bfloat16) == 2 * count
    (tmp_path / "odd.safetensors").write_bytes(b"\x01")
    assert memory.weights(tmp_path, torch.float32) == 4 * count


@pytest.mark.parametrize(
    ("kind", "files", "room"),
    [
        ("cgroup2", {"memory.max": "1000", "memory.current": "600", "memory.stat": "anon 500\ninactive_file 50"}, 450),
        ("cgroup2", {"memory.max": "max", "memory.current": "600"}, math.inf),
        ("cgroup2", {"a/memory.max": "900", "a/memory.current": "100", "memory.max": "1000", "memory.current": "600"}, 400),
        ("cgroup", {"a/memory.limit_in_bytes": "700", "a/memory.usage_in_bytes": "500"}, 200),
        ("cgroup", {}, math.inf),
    ],
)
def test_the_least_room_of_all_groups_counts(kind, files, room, tmp_path):
    for name, text in files.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(text)
    (tmp_path / "cgroup").write_text("0::/a\n" if kind == "cgroup2" else "4:memory:/a\n3:cpu:/b\n")
    (tmp_path / "mountinfo").write_text(f"29 23 0:26 / {tmp_path}/fs rw - {kind} cgroup rw,memory\n")
    assert min([*memory._limits(tmp_path), math.inf]) == room


def test_the_machine_says_what_is_free(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal:  9 kB\nMemFree: 2 kB\nMemAvailable:   7 kB\n")
    monkeypatch.setattr(memory, "MACHINE", tmp_path / "meminfo")
    monkeypatch.setattr(control_groups, "PROCESS", tmp_path)
    assert memory.available("cpu") == memory.available("cpu:0") == 7 * 1024
    (tmp_path / "meminfo").unlink()
    monkeypatch.setattr(memory, "_addresses", lambda: math.inf)
    assert memory.available("cpu") == math.inf


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return strange.saved(tmp_path_factory.mktemp("base") / "base")


def test_passes_are_narrowed_to_what_memory_holds_and_losses_stay(base, tmp_path, monkeypatch, capsys):
    needs = []
    training = memory.training
    monkeypatch.setattr(memory, "training", lambda *given: needs.append(training(*given)) or needs[-1])
    whole = tune(base, EXAMPLES, CONFIG, Schedule(1, None), 1, tmp_path / "whole").losses
    fixed, per_text = needs[-1]
    monkeypatch.setattr(memory, "available", lambda device: max(memory.weights(base, torch.float32), fixed + 3 * per_text))
    monkeypatch.setattr(memory, "weights", lambda *_: 0)
    narrow = tune(base, EXAMPLES, CONFIG, Schedule(1, None), 1, tmp_path / "narrow").losses
    pd.testing.assert_frame_equal(narrow, whole, rtol=1e-4)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("proxylib: ")]
    assert "a pass of 4 takes about" in line and "going on with 2 (device_batch)" in line  # 3 do not divide 4


def test_what_memory_cannot_hold_is_one_line_before_a_step(base, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda device: 1000.0)
    with pytest.raises(UserError, match="the weights of .*base take 0.0 GB, 0.0 GB are free; give a smaller base"):
        tune(base, EXAMPLES, CONFIG, Schedule(1, None), 1, tmp_path / "cell")
    monkeypatch.setattr(memory, "weights", lambda *_: 0)
    with pytest.raises(UserError, match="not enough memory: a pass of 1 takes about .* give -p recompute true"):
        tune(base, EXAMPLES, CONFIG, Schedule(1, None), 1, tmp_path / "cell")
    assert not (tmp_path / "cell" / "adapter").exists()


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA"), MemoryError(), RuntimeError("can't allocate memory: 1")])
def test_memory_that_runs_out_all_the_same_is_named(error):
    with pytest.raises(UserError, match="out of memory with passes of 4; give a smaller -p device_batch"), memory.named(4):
        raise error
    with pytest.raises(RuntimeError, match="shapes differ"), memory.named(4):
        raise RuntimeError("shapes differ")


def test_a_tokenizer_with_more_entries_than_the_base_is_refused(tmp_path):
    folder = strange.saved(tmp_path / "base")
    tokenizer = tokenizers.train("byte", [], 300)
    tokenizer.add_tokens(["answer"])
    tokenizer.save_pretrained(folder)
    with pytest.raises(UserError, match="base: its tokenizer has a token 259, and the model 259 rows"):
        tune(folder, EXAMPLES, CONFIG, Schedule(1, None), 1, tmp_path / "cell")
