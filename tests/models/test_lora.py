"""LoRA fine-tunes: what the loss counts, resumption after a kill, truncation, divergence, and the adapter's effect."""

import shutil
import subprocess
import sys
from types import SimpleNamespace

import accelerate
import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from models import strange, tiny
from models.checkpoint_damage import DAMAGES

from proxylib import studies
from proxylib.data.domains import scribe
from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.judging import lm_judge
from proxylib.models import loading, lora, spread, tokenizers
from proxylib.models.lora import Schedule, final_loss, first_pass_loss, rows_of, tune
from proxylib.models.settings import Tuning
from proxylib.runs.store import Run, Workspace
from proxylib.studies.loss import cell

CONFIG = Tuning(rank=4, alpha=8.0, learning_rate=0.01, batch=4, context=700)
EXAMPLES = [Trace("scribe", e.id, e.prompt, e.note, "", "") for e in scribe.examples(10, 1, unseen=False)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("base"), architecture="qwen3", width=32, context=700, seed=0)


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


@pytest.fixture(scope="module")
def once(base, tmp_path_factory):
    """Losses of one pass."""
    return tune(base, EXAMPLES, CONFIG, Schedule(1, None), 1, tmp_path_factory.mktemp("once")).losses


@pytest.fixture(scope="module")
def twice(base, tmp_path_factory):
    """Losses of two passes."""
    return tune(base, EXAMPLES, CONFIG, Schedule(2, None), 1, tmp_path_factory.mktemp("twice")).losses


def test_epochs_and_steps_count_alike(base, twice, tmp_path):
    by_epochs = twice
    by_steps = tune(base, EXAMPLES, CONFIG, Schedule(None, 6), 1, tmp_path / "steps").losses
    assert len(by_epochs) == 6  # ten examples in fours, twice
    pd.testing.assert_frame_equal(by_epochs[["step", "loss"]], by_steps[["step", "loss"]])
    assert by_epochs["loss"].iloc[-1] < by_epochs["loss"].iloc[0]


def test_a_killed_fine_tune_goes_on_with_identical_losses(base, tmp_path):
    whole = tune(base, EXAMPLES, CONFIG, Schedule(4, None), 3, tmp_path / "whole")
    script = (
        "import sys, time, threading, os\n"
        "from pathlib import Path\n"
        "from proxylib.models.settings import Tuning\n"
        "from proxylib.models.lora import tune, Schedule\n"
        "from proxylib.data.domains import scribe\n"
        "from proxylib.data.trace import Trace\n"
        "E = [Trace('scribe', e.id, e.prompt, e.note, '', '') for e in scribe.examples(10, 1, unseen=False)]\n"
        "folder = Path(sys.argv[2])\n"
        "def watch():\n"
        "    while not any(folder.glob('checkpoints/checkpoint-*/trainer_state.json')): time.sleep(0.005)\n"
        "    os._exit(9)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        f"tune(sys.argv[1], E, Tuning(**{CONFIG.model_dump()}), Schedule(4, None), 3, folder)\n"
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
    assert (base / "generation_config.json").exists()  # which is the base's own business
    assert not (tmp_path / "two" / "adapter" / "generation_config.json").exists()
    model = loading.load(tmp_path / "two" / "adapter", "cpu")
    for row in rows_of(EXAMPLES, tokenizers.load(base), CONFIG.context):
        with torch.inference_mode():
            logits = model(torch.tensor([row.ids])).logits[0, :-1]
        nll = torch.nn.functional.cross_entropy(logits, torch.tensor(row.ids[1:]), reduction="none")
        sums, count = sums + nll[torch.tensor(row.counted[1:]).bool()].sum().item(), count + sum(row.counted)
    assert third == pytest.approx(sums / count, rel=1e-4)


@pytest.mark.parametrize("layout", [{"device_batch": 1}, {"device_batch": 2, "recompute": True}])
def test_how_a_step_is_laid_out_does_not_move_its_loss(base, twice, tmp_path, layout):
    other = tune(base, EXAMPLES, CONFIG.model_copy(update=layout), Schedule(2, None), 1, tmp_path / "other").losses
    np.testing.assert_allclose(other["loss"], twice["loss"], rtol=1e-4)  # the last of three steps has two examples of four


def test_without_a_gpu_auto_is_the_processor_and_several_processes_are_refused(base, twice, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    auto = CONFIG.model_copy(update={"device": "auto"})
    pd.testing.assert_frame_equal(tune(base, EXAMPLES, auto, Schedule(2, None), 1, tmp_path / "auto").losses, twice)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="parameter device: 'auto' takes all GPUs for one process; start one, or say cuda"):
        tune(base, EXAMPLES, auto, Schedule(2, None), 1, tmp_path / "two")


def test_a_base_whose_layers_are_dealt_out_learns_what_it_learns_in_one_place(tmp_path, monkeypatch):
    """The second place is the processor, too: what carries texts and gradients is there but for the way between GPUs."""
    base = strange.saved(tmp_path / "base", num_hidden_layers=3, max_position_embeddings=1024)
    dispatch, places = accelerate.dispatch_model, []

    def over(model, trained):
        layer = sum(parameter.nbytes for parameter in model.base_model.layers[0].parameters())
        room = 2 * model.get_input_embeddings().weight.nbytes + int(2.5 * layer)
        return spread.spread(model, {"cpu": room, 1: 10**9})

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("accelerate.utils.modeling.get_max_memory", lambda room: room)  # it would put the processor last
    here = lambda trunk, places, **more: dispatch(trunk, dict.fromkeys(places, "cpu"), force_hooks=True, **more)
    monkeypatch.setattr(accelerate, "dispatch_model", here)
    monkeypatch.setattr(spread, "over_gpus", over)
    for device in ("cpu", "auto"):
        config = CONFIG.model_copy(update={"device": device, "device_batch": 2, "recompute": True})
        noted = lambda model: places.append(getattr(model, "hf_device_map", {}))
        tune(base, EXAMPLES, config, Schedule(1, None), 1, tmp_path / device, tried=noted)
    one, apart = ((tmp_path / device / "adapter" / "adapter_model.safetensors").read_bytes() for device in ("cpu", "auto"))
    assert one == apart
    layers = [place for part, place in places[1].items() if ".layers." in part]
    assert places[0] == {} and layers == ["cpu", 1, 1] and places[1]["lm_head"] == "cpu"


def test_in_bfloat16_the_adapter_stays_float32(base, once, tmp_path):
    half = CONFIG.model_copy(update={"dtype": "bfloat16"})
    other = tune(base, EXAMPLES, half, Schedule(1, None), 1, tmp_path / "half").losses
    assert 0 < (other["loss"] - once["loss"]).abs().max() < 0.05
    weights = safetensors.torch.load_file(tmp_path / "half" / "adapter" / "adapter_model.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float32}


def test_a_step_that_does_not_divide_is_refused(base, tmp_path):
    with pytest.raises(UserError, match="batch: 4 examples a step are no multiple of 3"):
        tune(base, EXAMPLES, CONFIG.model_copy(update={"device_batch": 3}), Schedule(1, None), 1, tmp_path)


def test_other_seeds_are_other_runs_and_the_same_seed_is_the_same(base, once, tmp_path):
    again, other = (tune(base, EXAMPLES, CONFIG, Schedule(1, None), seed, tmp_path / str(seed)).losses for seed in (1, 2))
    assert once.equals(again) and not once["loss"].equals(other["loss"])


def test_what_does_not_fit_is_cut_and_counted_and_refused_where_nothing_is_left(base):
    tokenizer = tokenizers.load(base)
    prompt, completion = len(EXAMPLES[0].prompt.encode()) + 1, len(EXAMPLES[0].solution.encode()) + 1
    (row,) = rows_of(EXAMPLES[:1], tokenizer, prompt + 10)
    assert (sum(row.counted), row.truncated) == (10, completion - 10)
    assert tokenizer.decode(row.ids[-10:]) == EXAMPLES[0].solution[:10]  # its end is cut off, not its beginning
    with pytest.raises(UserError, match=f"example scribe/{EXAMPLES[0].id}: its prompt of {prompt} tokens leaves no room"):
        rows_of(EXAMPLES[:1], tokenizer, prompt)


@pytest.mark.parametrize("kind", ["opt", "llama"])
def test_examples_longer_than_the_base_takes_are_refused(kind, tmp_path):
    folder = strange.saved(tmp_path / "base", kind, **({"ffn_dim": 48, "word_embed_proj_dim": 32} if kind == "opt" else {}))
    longest = max(len(row.ids) for row in rows_of(EXAMPLES, tokenizers.load(folder), 700))
    with pytest.raises(UserError, match=f"context: an example has {longest} tokens, and .*base takes 128; give context 128"):
        tune(folder, EXAMPLES, CONFIG, Schedule(None, 1), 1, tmp_path / "cell")
    short = [strange.TRACE]
    assert len(tune(folder, short, CONFIG, Schedule(None, 1), 1, tmp_path / "short").losses) == 1


def test_a_base_that_adapters_do_not_fit_is_one_line(tmp_path):
    folder = strange.saved(tmp_path / "base", "mamba", state_size=4)
    with pytest.raises(UserError, match=r"base: cannot be trained through LoRA; .*out_proj"):
        tune(folder, [strange.TRACE], CONFIG, Schedule(None, 1), 1, tmp_path / "cell")


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("mixtral", {"num_key_value_heads": 1, "num_local_experts": 4}),
        ("gemma2", {"num_key_value_heads": 1, "head_dim": 16, "final_logit_softcapping": 5.0}),
        ("cohere", {"num_key_value_heads": 1, "logit_scale": 0.25}),
        ("granite", {"num_key_value_heads": 1, "logits_scaling": 6.0}),
    ],
)
def test_the_loss_of_every_head_is_the_models_own(kind, sizes, tmp_path):
    folder = strange.saved(tmp_path / "base", kind, **sizes)
    (row,) = rows_of([strange.TRACE], tokenizers.load(folder), 700)
    with torch.inference_mode():
        logits = loading.load(folder)(torch.tensor([row.ids])).logits[0, :-1]
    nll = torch.nn.functional.cross_entropy(logits, torch.tensor(row.ids[1:]), reduction="none")
    oracle = nll[torch.tensor(row.counted[1:]).bool()].mean().item()
    tuned = tune(folder, [strange.TRACE], CONFIG, Schedule(None, 1), 1, tmp_path / "cell")
    assert tuned.losses["loss"].tolist() == pytest.approx([oracle], rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("bert", {"is_decoder": True}),
        ("recurrent_gemma", {"num_hidden_layers": 3, "num_key_value_heads": 1, "lru_width": 32, "logits_soft_cap": 5.0}),
    ],
)
def test_a_base_of_which_the_trainer_leaves_something_out_is_refused(kind, sizes, tmp_path):
    folder = strange.saved(tmp_path / "base", kind, **sizes)
    with pytest.raises(UserError, match=r"base: training would count a loss of .*TRL leaves out what .* take another base"):
        tune(folder, [strange.TRACE], CONFIG, Schedule(None, 1), 1, tmp_path / "cell")
    assert not (tmp_path / "cell" / "adapter").exists()


def test_no_examples_are_refused(base, tmp_path):
    with pytest.raises(UserError, match="none given"):
        tune(base, [], CONFIG, Schedule(1, None), 1, tmp_path)


def test_a_run_that_diverges_stops_and_says_so(base, tmp_path):
    wild = CONFIG.model_copy(update={"learning_rate": 1e30})
    tuned = tune(base, EXAMPLES, wild, Schedule(50, None), 1, tmp_path / "wild")
    assert not np.isfinite(tuned.losses["loss"].iloc[-1]) and len(tuned.losses) < 150
    assert tuned.diverged and tuned.facts()["diverged"] is True


def test_a_last_step_that_leaves_no_numbers_counts_though_its_loss_is_one(base, tmp_path):
    beyond = CONFIG.model_copy(update={"learning_rate": 1e39})  # of what float32 holds
    tuned = tune(base, EXAMPLES, beyond, Schedule(None, 1), 1, tmp_path / "last")
    assert np.isfinite(tuned.losses["loss"]).all() and len(tuned.losses) == 1 and tuned.facts()["diverged"] is True


def test_final_and_first_pass_losses_are_means_of_the_last_steps():
    losses = pd.DataFrame({"step": range(1, 9), "epoch": np.arange(1, 9) / 4, "loss": [8.0, 7, 6, 5, 4, 3, 2, 1]})
    assert final_loss(losses, 3) == 2 and first_pass_loss(losses, 2) == 5.5


def test_a_run_shorter_than_the_mean_says_of_how_many_steps_it_is():
    losses = pd.DataFrame({"step": [1, 2, 3], "epoch": [0.5, 1.0, 1.5], "loss": [3.0, 2, 1]})
    assert lora.averages(losses, 10) == {
        "final_loss": 2,
        "final_steps": 3,
        "first_pass_loss": 2.5,
        "first_pass_steps": 2,
    }
    assert lora.averages(losses, 1) == {"final_loss": 1, "final_steps": 1, "first_pass_loss": 2, "first_pass_steps": 1}


@pytest.mark.parametrize("architecture", ["gpt2", "gpt_neox", "opt"])
def test_a_base_with_dropout_of_its_own_is_trained_without(tmp_path, architecture):
    import transformers

    torch.manual_seed(0)
    shape = {"vocab_size": 259, "bos_token_id": 1, "eos_token_id": 2}
    config = {
        "gpt2": lambda: transformers.GPT2Config(n_embd=32, n_layer=1, n_head=2, n_positions=1024, **shape),  # 0.1 everywhere
        "gpt_neox": lambda: transformers.GPTNeoXConfig(
            hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, hidden_dropout=0.3, **shape
        ),
        "opt": lambda: transformers.OPTConfig(  # layers hold the number, no module does
            hidden_size=32, word_embed_proj_dim=32, num_hidden_layers=1, num_attention_heads=2, ffn_dim=64, dropout=0.3, **shape
        ),
    }[architecture]()
    built = transformers.AutoModelForCausalLM.from_config(config)
    built.save_pretrained(tmp_path / "base")
    tokenizers.train("byte", [], 300).save_pretrained(tmp_path / "base")
    model = loading.load(tmp_path / "base")
    (row,) = rows_of(EXAMPLES[:1], tokenizers.load(tmp_path / "base"), 700)
    with torch.inference_mode():
        logits = model(torch.tensor([row.ids])).logits[0, :-1]
    nll = torch.nn.functional.cross_entropy(logits, torch.tensor(row.ids[1:]), reduction="none")
    oracle = nll[torch.tensor(row.counted[1:]).bool()].mean().item()
    tuned = tune(tmp_path / "base", EXAMPLES[:1], CONFIG, Schedule(None, 1), 1, tmp_path / "cell")
    assert tuned.losses["loss"].tolist() == pytest.approx([oracle], rel=1e-5)


# ---- the lab's cell ----------------------------------------------------------------------------------------------------


class _Killed(lora._StopWhenDiverged):
    """Stops after the second checkpoint."""

    def on_save(self, args, state, control, **_):
        if state.global_step >= 2 * state.save_steps:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A declared cell of the smallest profile, on a base that nobody trained, and its run; and one that was killed."""
    folder = tmp_path_factory.mktemp("lab")
    step = studies.declare("cell", "smoke", width=32, examples=16)
    tiny.save(folder / "base" / "model", architecture="qwen3", width=32, context=2048, seed=0)
    longer = step.settings.lora.model_copy(update={"context": 1024})  # bytes are many
    settings = step.settings.model_copy(update={"lora": longer, "max_new_tokens": 6})
    fake = SimpleNamespace(settings=settings, parent=lambda role: Run(folder / role, {"facts": {}}))
    whole = Workspace(folder / "whole")
    cell.fit(fake, whole)
    with pytest.MonkeyPatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(lora, "_StopWhenDiverged", _Killed)
        cell.fit(fake, Workspace(folder / "killed"))
    return SimpleNamespace(step=fake, whole=whole, killed=folder / "killed")


def test_a_cut_note_is_marked_and_counted_and_the_judge_reads_the_others_beside_it(lab):
    notes = pd.read_parquet(lab.whole.folder / "notes.parquet")
    assert notes.columns.tolist() == ["id", "note", "finished"] and notes["finished"].dtype == bool
    assert lab.whole.facts["cut"] == (~notes["finished"]).sum() > 0  # nobody taught it to end
    assert lab.whole.facts["final_steps"] == min(lab.step.settings.last, lab.whole.facts["steps"])
    run = Run(lab.whole.folder, {"facts": lab.whole.facts})
    read = lm_judge.notes_of(SimpleNamespace(parents={"own": lab.step}, parent=lambda _: run), "own")
    assert [(example.id, note) for example, note in read] == list(zip(notes["id"], notes["note"], strict=True))


def broken(lab, folder, damage, older):
    """A copy of the killed cell with a damaged checkpoint, which `older` says stands after a whole one; both checkpoints."""
    shutil.copytree(lab.killed, folder)
    (whole,) = folder.glob("checkpoints/checkpoint-*")
    damaged = whole.with_name("checkpoint-1000") if older else whole
    if older:
        shutil.copytree(whole, damaged)
    DAMAGES[damage](damaged)
    return whole, damaged


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_checkpoint_is_named_and_removed(lab, tmp_path, capsys, damage, older):
    whole, damaged = broken(lab, tmp_path / "cell", damage, older)
    assert lora.newest_whole(tmp_path / "cell" / "checkpoints") == (whole if older else None)
    said = capsys.readouterr().err
    assert f"{damaged} is broken" in said and said.count("\n") == 1 and not damaged.exists() and whole.exists() == older


@pytest.mark.parametrize(("damage", "older"), [("empty", False), ("half an optimizer.pt", True)])
def test_a_broken_checkpoint_is_no_obstacle(lab, tmp_path, damage, older):
    folder = tmp_path / "cell"
    broken(lab, folder, damage, older)
    again = Workspace(folder)
    cell.fit(lab.step, again)
    for name in ("losses", "notes", "proxies"):
        assert again.path(f"{name}.parquet").read_bytes() == lab.whole.path(f"{name}.parquet").read_bytes()
    assert again.facts == lab.whole.facts


def test_what_opens_a_prompt_in_training_opens_it_in_measuring(base, tmp_path):
    tuned = tune(base, EXAMPLES[:1], CONFIG, Schedule(None, 1), 1, tmp_path / "cell", "never")
    beside = tokenizers.load(tmp_path / "cell" / "adapter")
    assert tuned.rows == rows_of(EXAMPLES[:1], beside, CONFIG.context)
    assert tuned.rows[0].ids == rows_of(EXAMPLES[:1], tokenizers.load(base), CONFIG.context)[0].ids[1:]
