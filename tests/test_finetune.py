"""LoRA fine-tunes: what the loss counts, resumption after a kill, truncation, divergence, and the adapter's effect."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch

from proxylib.config import Model, Tuning
from proxylib.errors import UserError
from proxylib.finetune import Schedule, final_loss, first_pass_loss, rows_of, tune
from proxylib.models import families, loading, tokenizers
from proxylib.tasks import scribe
from proxylib.traces import Trace

CONFIG = Tuning(rank=4, alpha=8.0, rate=0.01, batch=4, context=700)
EXAMPLES = [Trace("scribe", e.id, e.prompt, e.note, "", "") for e in scribe.examples(10, 1, unseen=False)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    spec = Model(architecture="qwen3", tokenizer="byte", width=32, depth=1, mix="expert", post="none", share=1.0)
    families.build(spec, 259, 700).save_pretrained(folder)
    tokenizers.train("byte", [], 300).save_pretrained(folder)
    return folder


def test_the_loss_counts_the_completion_and_its_end_and_nothing_else(base, tmp_path):
    tokenizer = tokenizers.load(base)
    (row,) = rows_of(EXAMPLES[:1], tokenizer, 700)
    counted = [token for token, one in zip(row.ids, row.counted, strict=True) if one]
    assert tokenizer.decode(counted) == EXAMPLES[0].solution + "</s>" and row.truncated == 0
    assert row.ids[0] == tokenizer.bos_token_id and sum(row.counted) == len(counted)
    tuned = tune(base, EXAMPLES[:1], CONFIG, Schedule(None, 1), 1, tmp_path / "cell")  # the loss before the first update
    model = loading.load(base, "cpu")
    with torch.inference_mode():
        logits = model(torch.tensor([row.ids])).logits[0, :-1]
    nll = torch.nn.functional.cross_entropy(logits, torch.tensor(row.ids[1:]), reduction="none")
    oracle = nll[torch.tensor(row.counted[1:]).bool()].mean().item()
    assert tuned.losses["loss"].tolist() == pytest.approx([oracle], rel=1e-4)


def test_epochs_and_steps_count_alike(base, tmp_path):
    by_epochs = tune(base, EXAMPLES, CONFIG, Schedule(2, None), 1, tmp_path / "epochs").losses
    by_steps = tune(base, EXAMPLES, CONFIG, Schedule(None, 6), 1, tmp_path / "steps").losses
    assert len(by_epochs) == 6  # ten examples in fours, twice
    pd.testing.assert_frame_equal(by_epochs[["step", "loss"]], by_steps[["step", "loss"]])
    assert by_epochs["loss"].iloc[-1] < by_epochs["loss"].iloc[0]


def test_a_killed_fine_tune_goes_on_with_identical_losses(base, tmp_path):
    whole = tune(base, EXAMPLES, CONFIG, Schedule(4, None), 3, tmp_path / "whole")
    script = (
        "import sys, time, threading, os\n"
        "from pathlib import Path\n"
        "from proxylib.config import Tuning\n"
        "from proxylib.finetune import tune, Schedule\n"
        "from proxylib.tasks import scribe\n"
        "from proxylib.traces import Trace\n"
        "E = [Trace('scribe', e.id, e.prompt, e.note, '', '') for e in scribe.examples(10, 1, unseen=False)]\n"
        "folder = Path(sys.argv[2])\n"
        "def watch():\n"
        "    while not any(folder.glob('checkpoints/checkpoint-*/trainer_state.json')): time.sleep(0.005)\n"
        "    os._exit(9)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "tune(sys.argv[1], E, Tuning(rank=4, alpha=8.0, rate=0.01, batch=4, context=700), Schedule(4, None), 3, folder)\n"
    )
    folder = tmp_path / "killed"
    done = subprocess.run([sys.executable, "-c", script, str(base), str(folder)], capture_output=True)
    assert done.returncode == 9 and any(folder.glob("checkpoints/checkpoint-*")) and not (folder / "adapter").exists()
    resumed = tune(base, EXAMPLES, CONFIG, Schedule(4, None), 3, folder)
    pd.testing.assert_frame_equal(resumed.losses, whole.losses)
    weights = [(tmp_path / name / "adapter" / "adapter_model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1] and not (folder / "checkpoints").exists()


def test_the_saved_adapter_has_the_loss_that_training_goes_on_from(base, tmp_path):
    whole = CONFIG.model_copy(update={"batch": len(EXAMPLES)})
    tune(base, EXAMPLES, whole, Schedule(None, 2), 1, tmp_path / "two")
    third = tune(base, EXAMPLES, whole, Schedule(None, 3), 1, tmp_path / "three").losses["loss"].iloc[2]
    sums, count = 0.0, 0
    model = loading.load(tmp_path / "two" / "adapter", "cpu")
    for row in rows_of(EXAMPLES, tokenizers.load(base), CONFIG.context):
        with torch.inference_mode():
            logits = model(torch.tensor([row.ids])).logits[0, :-1]
        nll = torch.nn.functional.cross_entropy(logits, torch.tensor(row.ids[1:]), reduction="none")
        sums, count = sums + nll[torch.tensor(row.counted[1:]).bool()].sum().item(), count + sum(row.counted)
    assert third == pytest.approx(sums / count, rel=1e-4)


@pytest.mark.parametrize("layout", [{"device_batch": 1}, {"device_batch": 2, "recompute": True}])
def test_how_a_step_is_laid_out_does_not_move_its_loss(base, tmp_path, layout):
    plain = tune(base, EXAMPLES, CONFIG, Schedule(2, None), 1, tmp_path / "plain").losses
    other = tune(base, EXAMPLES, CONFIG.model_copy(update=layout), Schedule(2, None), 1, tmp_path / "other").losses
    np.testing.assert_allclose(other["loss"], plain["loss"], rtol=1e-4)  # the last of three steps has two examples of four


def test_in_bfloat16_the_adapter_stays_float32(base, tmp_path):
    half = CONFIG.model_copy(update={"dtype": "bfloat16"})
    plain = tune(base, EXAMPLES, CONFIG, Schedule(1, None), 1, tmp_path / "plain").losses
    other = tune(base, EXAMPLES, half, Schedule(1, None), 1, tmp_path / "half").losses
    assert 0 < (other["loss"] - plain["loss"]).abs().max() < 0.05
    weights = safetensors.torch.load_file(tmp_path / "half" / "adapter" / "adapter_model.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float32}


def test_a_step_that_does_not_divide_is_refused(base, tmp_path):
    with pytest.raises(UserError, match="batch: 4 examples a step are no multiple of 3"):
        tune(base, EXAMPLES, CONFIG.model_copy(update={"device_batch": 3}), Schedule(1, None), 1, tmp_path)


def test_other_seeds_are_other_runs_and_the_same_seed_is_the_same(base, tmp_path):
    runs = [tune(base, EXAMPLES, CONFIG, Schedule(1, None), seed, tmp_path / f"{n}").losses for n, seed in enumerate((1, 1, 2))]
    assert runs[0].equals(runs[1]) and not runs[0]["loss"].equals(runs[2]["loss"])


def test_what_does_not_fit_is_cut_and_counted_and_refused_where_nothing_is_left(base):
    tokenizer = tokenizers.load(base)
    prompt, completion = len(EXAMPLES[0].prompt.encode()) + 1, len(EXAMPLES[0].solution.encode()) + 1
    (row,) = rows_of(EXAMPLES[:1], tokenizer, prompt + 10)
    assert (sum(row.counted), row.truncated) == (10, completion - 10)
    with pytest.raises(UserError, match=f"example scribe/{EXAMPLES[0].id}: its prompt of {prompt} tokens leaves no room"):
        rows_of(EXAMPLES[:1], tokenizer, prompt)


def test_no_examples_are_refused(base, tmp_path):
    with pytest.raises(UserError, match="none given"):
        tune(base, [], CONFIG, Schedule(1, None), 1, tmp_path)


def test_a_run_that_diverges_stops_and_says_so(base, tmp_path):
    wild = CONFIG.model_copy(update={"rate": 1e30})
    tuned = tune(base, EXAMPLES, wild, Schedule(50, None), 1, tmp_path / "wild")
    assert not np.isfinite(tuned.losses["loss"].iloc[-1]) and len(tuned.losses) < 150
    assert tuned.diverged and tuned.facts()["diverged"] is True


def test_final_and_first_pass_losses_are_means_of_the_last_steps():
    losses = pd.DataFrame({"step": range(1, 9), "epoch": np.arange(1, 9) / 4, "loss": [8.0, 7, 6, 5, 4, 3, 2, 1]})
    assert final_loss(losses, 3) == 2 and first_pass_loss(losses, 2) == 5.5
