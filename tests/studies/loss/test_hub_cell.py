"""One cell of the post's grid by command: tiny Qwen3 shapes, published dialogues, processes, kills, bad input."""

import json
import random
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import filelock
import numpy as np
import pandas as pd
import pytest
import torch
import transformers
import yaml
from models.checkpoint_damage import DAMAGES

from proxylib import studies
from proxylib.cli import main, parser
from proxylib.data import became, traces
from proxylib.data.domains import scribe
from proxylib.data.trace import Trace
from proxylib.errors import UserError
from proxylib.judging import client, verdict_folder
from proxylib.judging.criteria import CRITERIA
from proxylib.judging.questions import COLUMNS
from proxylib.judging.settings import LLMJudge
from proxylib.models import architectures, generate, loading, lora, memory, tokenizers
from proxylib.models.settings import Model
from proxylib.runs import folder as work_folder
from proxylib.runs.config import ROOT
from proxylib.runs.files import parquet_bytes, read_sealed, write_sealed
from proxylib.runs.folder import LOCK, MANIFEST, PROGRESS, REQUEST, Folder
from proxylib.studies.loss import cell_draws, collected, hub_cell
from proxylib.studies.loss.settings import HubTuning, hub

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMALL = {"device": "cpu", "dtype": "float32", "threads": 1, "rank": 4, "learning_rate": 0.01, "batch": 4, "device_batch": 2}
SMALL |= {"epochs": 2, "last": 2, "max_new_tokens": 8, "context": 1024, "recompute": False}


def stand_in(folder, kind, texts, vocabulary, template=TEMPLATE):
    """A base of one block in Qwen3's shape, its tokenizer trained on `texts`, with ChatML as Qwen3 has it."""
    tokenizer = tokenizers.train(kind, texts, vocabulary)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.eos_token, tokenizer.chat_template = "<|im_end|>", template
    torch.manual_seed(0)
    spec = Model(architecture="qwen3", tokenizer=kind, width=32, depth=1, mix="expert", post="none", share=1.0)
    architectures.build(spec, len(tokenizer), 8192).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def options(**changes):
    return [part for name, value in (SMALL | changes).items() for part in ("-p", name, str(value))]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A base over bytes, ten examples and four held-out ones of the lab's own scribe, and the arguments that name them."""
    folder = tmp_path_factory.mktemp("hub")
    stand_in(folder / "base", "byte", [], 300)
    for name, count, unseen in (("train", 10, False), ("test", 4, True)):
        rows = [{"prompt": e.prompt, "solution": e.note, "id": e.id} for e in scribe.examples(count, 1, unseen)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    sources = ["--data", str(folder / "train.jsonl"), "--held-out", str(folder / "test.jsonl")]
    return SimpleNamespace(folder=folder, given=["finetune", "--base", str(folder / "base"), *sources])


@pytest.fixture(scope="module")
def whole(place):
    """A cell that nothing disturbed."""
    out = place.folder / "whole"
    assert main([*place.given, "--out", str(out), *options()]) == 0
    return out


def losses(out):
    return pd.read_parquet(out / hub_cell.LOSSES)


def facts(out):
    return json.loads((out / MANIFEST).read_text())["facts"]


def test_the_shipped_grid_has_the_posts_numbers():
    shipped = hub({})
    assert [base.split("-")[1] for base in shipped.bases] == ["1.7B", "4B", "8B", "14B", "32B"]
    assert (shipped.examples, shipped.rank, shipped.alpha, shipped.learning_rate) == ((1293, 2586, 4673), 64, 32, 2e-4)


def test_what_a_cell_leaves(place, whole):
    said, table = facts(whole), losses(whole)
    assert table["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert said["final_loss"] == table["loss"].tail(2).mean() and said["first_pass_loss"] == table["loss"][1:3].mean()
    assert (said["examples"], said["steps"], said["diverged"], said["truncated"]) == (10, 6, False, 0)
    assert said["parameters"] == sum(p.numel() for p in loading.load(place.folder / "base").parameters())
    model, tokenizer = loading.load(whole / "adapter"), tokenizers.load(whole / "adapter")
    held_out = traces.read(str(place.folder / "test.jsonl"))
    sums = []
    for trace in held_out:  # by hand, under the template
        front = tokenizer(
            f"<|im_start|>user\n{trace.prompt}<|im_end|>\n<|im_start|>assistant\n", add_special_tokens=False
        ).input_ids
        ids = torch.tensor([front + tokenizer(trace.solution, add_special_tokens=False).input_ids])
        with torch.inference_mode():
            sums.append(
                torch.nn.functional.cross_entropy(
                    model(ids).logits[0, len(front) - 1 : -1], ids[0, len(front) :], reduction="none"
                )
            )
    assert said["held_out_loss"] == pytest.approx(torch.cat(sums).mean().item(), rel=1e-5)
    notes = [json.loads(line) for line in (whole / hub_cell.NOTES).read_text().splitlines()]
    own = generate.completions(model, tokenizer, [trace.prompt for trace in held_out], 8, 8, chat=True)
    assert [(note["note"], note["finished"]) for note in notes] == own and notes[0]["dialogue"] == held_out[0].prompt
    assert said["cut"] == sum(not note["finished"] for note in notes) > 0  # nobody taught it to end within eight tokens
    assert (said["final_steps"], said["first_pass_steps"]) == (2, 2)
    assert sorted(notes[0]) == ["dialogue", "finished", "id", "note"]
    assert [sorted(note) for note in verdict_folder.read(whole / hub_cell.NOTES)] == [
        ["dialogue", "id", "note"]
    ] * 4  # the judge's own


def test_a_dry_run_counts_what_the_cell_takes_and_writes_nothing(place, whole, capsys):
    out = place.folder / "never"
    assert main([*place.given, "--out", str(out), *options(), "--dry-run"]) == 0
    said = capsys.readouterr().out
    trained = SMALL["epochs"] * facts(whole)["tokens"]
    assert said.startswith("about ") and f"training {trained:,} tokens" in said and not out.exists()
    assert f"notes at most {4 * SMALL['max_new_tokens']:,} tokens" in said


def test_what_a_cell_takes_is_said_before_it_is_trained_and_leaves_the_base_as_it_was(place, whole):
    cell = cell_of(place)
    told = []
    hub_cell.run(cell, place.folder / "priced", told.append)
    assert len(told) == 1 and told[0].training.seconds > 0
    assert losses(place.folder / "priced").equals(losses(whole))  # no random number was drawn, no weight moved
    weights = sum(path.stat().st_size for path in (whole / "adapter").glob("*.safetensors"))
    assert weights < told[0].training.disk < 20 * weights


def cell_of(place):
    held_out = hub_cell.read(str(place.folder / "test.jsonl"), {}).traces
    examples = hub_cell.read(str(place.folder / "train.jsonl"), {}).traces
    return hub_cell.Cell(str(place.folder / "base"), examples, held_out, hub(SMALL))


def test_a_finished_cell_is_told_and_not_made_again(place, whole, capsys, monkeypatch):
    monkeypatch.setattr(hub_cell, "tune", None)
    monkeypatch.setattr(hub_cell, "_measure", None)
    assert main([*place.given, "--out", str(whole), *options()]) == 0
    said = capsys.readouterr().out
    assert "held_out_loss" in said and re.search(rf"notes cut at the most tokens +{facts(whole)['cut']}\n", said)
    (header,) = [line for line in said.splitlines() if line.startswith("what became of the text")]
    assert header.split()[-3:] == ["examples", "held", "out"] and re.search(r"traces scored +\d+ +4\n", said)
    text = facts(whole)["text"]
    assert text["traces"] == facts(whole)["examples"] and text["template"] == 10 * len("^user\n$\n^assistant\n")
    for label in (became.ROWS[name] for name in became.ALWAYS):
        assert re.search(rf"{re.escape(label)} +\d+ +\d+\n", said)
    assert re.search(r"dropped +0 +0\n", said)


def test_two_calls_at_a_time_are_one_too_many(place, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(hub_cell, "tune", None)
    (tmp_path / "cell").mkdir()
    with filelock.FileLock(tmp_path / "cell" / LOCK):
        assert main([*place.given, "--out", str(tmp_path / "cell"), *options()]) == 2
    assert "is being made by another process" in capsys.readouterr().err


def test_sixty_flipped_bits_are_named_or_harmless(place, whole, tmp_path, monkeypatch, capsys):
    """What is damaged is made again from what is not; what was made again is as it was."""
    out = tmp_path / whole.name
    shutil.copytree(whole, out)
    content = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    places = [path for path, data in content.items() if data]
    made = []

    def train(cell, workspace, told):
        made.append("train")
        workspace.note(**facts(whole))
        for name in hub_cell.TRAINED:
            restored = shutil.copytree if (whole / name).is_dir() else shutil.copy
            restored(whole / name, out / name, **({"dirs_exist_ok": True} if restored is shutil.copytree else {}))
        workspace.keep(*hub_cell.TRAINED)

    def measure(cell, workspace):
        made.append("measure")
        shutil.copytree(whole / hub_cell.HELD_OUT, out / hub_cell.HELD_OUT, dirs_exist_ok=True)
        shutil.copy(whole / hub_cell.NOTES, out / hub_cell.NOTES)
        workspace.keep(*hub_cell.MEASURED)

    monkeypatch.setattr(hub_cell, "_train", train)
    monkeypatch.setattr(hub_cell, "_measure", measure)
    settings = hub({**SMALL})
    cell = hub_cell.Cell(
        str(place.folder / "base"), *(traces.read(place.folder / f"{name}.jsonl") for name in ("train", "test")), settings
    )
    rng, outcomes = random.Random(4), []
    for _ in range(70):
        path = rng.choice(places)
        flipped = bytearray(content[path])
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        made.clear()
        try:
            done = hub_cell.run(cell, out)
        except UserError as error:
            assert path.name in str(error)
        else:
            said = capsys.readouterr().err
            assert path.name in said or path.name in (PROGRESS, MANIFEST)
            assert bool(said) == bool(made) or path.name == MANIFEST
            assert all((out / name).read_bytes() == content[out / name] for name in done.files)
            outcomes.append(tuple(made))
        for other, data in content.items():
            other.write_bytes(data)
    assert {("train",), ("measure",)} <= set(outcomes)


def test_killed_while_it_trains_it_goes_on_with_identical_losses(place, whole, tmp_path, monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    out = tmp_path / "cell"
    with monkeypatch.context() as patched:
        patched.setattr(lora._StopWhenDiverged, "on_save", stop, raising=False)
        assert main([*place.given, "--out", str(out), *options()]) == 130
    assert list(out.glob("checkpoints/checkpoint-*")) and not (out / MANIFEST).exists()
    assert main([*place.given, "--out", str(out), *options(seed=2)]) == 2
    assert "begun with seed 1, now 2" in capsys.readouterr().err
    with monkeypatch.context() as patched:  # and once more, between training and measuring
        patched.setattr(hub_cell, "_measure", stop)
        assert main([*place.given, "--out", str(out), *options()]) == 130
    monkeypatch.setattr(hub_cell, "tune", None)
    assert main([*place.given, "--out", str(out), *options()]) == 0
    assert (out / hub_cell.LOSSES).read_bytes() == (whole / hub_cell.LOSSES).read_bytes()
    assert (out / hub_cell.NOTES).read_bytes() == (whole / hub_cell.NOTES).read_bytes()
    assert facts(out) == facts(whole) | {"cell": "cell"}


@pytest.fixture(scope="module")
def killed(place):
    """A cell that was killed at its second checkpoint."""

    def stop(self, args, state, control, **_):
        if state.global_step == 2:
            raise KeyboardInterrupt

    out = place.folder / "killed"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lora._StopWhenDiverged, "on_save", stop, raising=False)
        assert main([*place.given, "--out", str(out), *options()]) == 130
    return out


def test_a_checkpoint_that_a_kill_left_broken_is_no_obstacle(place, whole, killed, tmp_path, capsys):
    out = tmp_path / "cell"
    shutil.copytree(killed, out)
    (newest,) = out.glob("checkpoints/checkpoint-*")
    DAMAGES["a torn optimizer.pt"](newest)  # the others are test_lora's
    assert main([*place.given, "--out", str(out), *options()]) == 0
    assert f"{newest} is broken, as a kill may leave it" in capsys.readouterr().err
    for name in (hub_cell.LOSSES, hub_cell.NOTES):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.slow
def test_two_processes_choose_the_same_checkpoint_share_a_step_and_one_of_them_writes(place, whole, killed, tmp_path):
    shutil.copytree(killed, tmp_path / "cell")
    checkpoint = tmp_path / "cell" / "checkpoints" / "checkpoint-2"
    shutil.copytree(checkpoint, checkpoint.with_name("checkpoint-3"))
    DAMAGES["half an optimizer.pt"](checkpoint.with_name("checkpoint-3"))
    # --multi_gpu starts processes as on GPUs; each is told by `device` that it has none
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "-m", "proxylib"]
    layout = options(device_batch=1)  # another layout than it was begun with: the plan is told so
    request = tmp_path / "cell" / REQUEST
    write_sealed(request, read_sealed(request) | {"config": _config(device_batch=1)})
    done = subprocess.run(
        [*launch, *place.given, "--out", str(tmp_path / "cell"), *layout], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr.count("checkpoint-3 is broken") == 1
    assert done.stdout.count("held_out_loss") == 1 and facts(tmp_path / "cell")["steps"] == 6
    # the last step of a pass has two examples for two processes: nothing is filled up
    np.testing.assert_allclose(losses(tmp_path / "cell")["loss"], losses(whole)["loss"], rtol=1e-4)


def _config(**changes):
    return hub({**SMALL, **changes}).model_dump(mode="json", include=set(HubTuning.model_fields))


def test_the_processes_must_divide_a_step(place, tmp_path, monkeypatch, capsys):
    passes = lora._passes
    monkeypatch.setattr(lora, "_passes", lambda tuning, processes, visible: passes(tuning, 3, visible))
    assert main([*place.given, "--out", str(tmp_path / "cell"), *options()]) == 2
    assert "batch: 4 examples a step are no multiple of 6" in capsys.readouterr().err
    with pytest.raises(UserError, match="2 GPUs and one process: start it with accelerate launch"):
        passes(hub({}), 1, 2)


def test_auto_makes_the_same_cell_without_a_gpu_and_in_several_processes_none(place, whole, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main([*place.given, "--out", str(tmp_path / "auto"), *options(device="auto")]) == 0
    for name in (hub_cell.LOSSES, hub_cell.NOTES, "adapter/adapter_model.safetensors", f"{hub_cell.HELD_OUT}/items.parquet"):
        assert (tmp_path / "auto" / name).read_bytes() == (whole / name).read_bytes()
    monkeypatch.setenv("WORLD_SIZE", "2")
    capsys.readouterr()
    assert main([*place.given, "--out", str(tmp_path / "two"), *options(device="auto")]) == 2
    assert capsys.readouterr().err.endswith("parameter device: 'auto' takes all GPUs for one process; start one, or say cuda\n")
    assert not list(tmp_path.glob("two/*.json"))


def test_a_cell_that_diverges_is_reported_and_left_out_of_the_fit(place, whole, tmp_path, capsys):
    out = tmp_path / "wild"
    assert main([*place.given, "--out", str(out), *options(learning_rate="1.0e+30", epochs=20)]) == 0
    assert facts(out)["diverged"] is True and "final_loss" not in facts(out) and not (out / hub_cell.NOTES).exists()
    assert "diverged" in capsys.readouterr().out
    cells = pd.DataFrame([facts(out), *(facts(whole) | {"cell": f"{n}", "examples": n} for n in range(4))])
    keys = [(cell, note, "template") for cell in cells["cell"] for note in ("a", "b")]
    verdicts = pd.DataFrame(keys, columns=["cell", "id", "criterion"]).assign(judge="j", passed=True)
    assert cell_draws.judged(cells, verdicts).cells["cell"].tolist() == ["0", "1", "2", "3"]


def test_the_list_is_fifteen_commands_that_the_shell_and_we_understand(capsys):
    shared = ["--data", "my train.jsonl", "--held-out", "hub:me/notes:test", "--fields", "prompt=dialogue", "-p", "epochs", "2"]
    assert main(["finetune", "--out", "cells", "--list", *shared]) == 0
    lines = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    assert all(line[:4] == ["accelerate", "launch", "-m", "proxylib"] for line in lines)
    parsed = [parser().parse_args(line[4:]) for line in lines]
    cells = [(args.base, args.examples, str(args.out)) for args in parsed]
    assert len(set(cells)) == 15 and cells[0] == ("Qwen/Qwen3-1.7B", 1293, "cells/Qwen3-1.7B-1293")
    assert {(args.data, args.fields[0], args.parameter[0][1]) for args in parsed} == {
        ("my train.jsonl", ("prompt", "dialogue"), "2")
    }


def test_an_example_that_is_held_out_too_is_counted_and_said(place, tmp_path, capsys):
    train, both = place.folder / "train.jsonl", tmp_path / "both.jsonl"
    rows = [json.loads(line) for line in train.read_text().splitlines()[:2]]
    rows = [row | {"id": f"again {number}", "prompt": row["prompt"] + " "} for number, row in enumerate(rows)]
    both.write_text((place.folder / "test.jsonl").read_text() + "".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "cell"
    assert main([*place.given, "--held-out", str(both), "--out", str(out), *options(epochs=1)]) == 0
    assert facts(out)["held_out_seen"] == 2
    said = capsys.readouterr()
    assert "2 of 6 held-out dialogues are among the examples" in said.err and "held_out_loss_unseen" in said.out
    scored = pd.concat([pd.read_parquet(path) for path in (out / hub_cell.HELD_OUT / "tokens").iterdir()])
    alone = scored[~scored["id"].str.startswith("again")]["nll"].mean()
    assert facts(out)["held_out_loss_unseen"] == pytest.approx(alone) != pytest.approx(facts(out)["held_out_loss"])
    both.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main([*place.given, "--held-out", str(both), "--out", str(tmp_path / "all"), *options()]) == 2
    assert "2 of 2 held-out dialogues are among the examples; give dialogues" in capsys.readouterr().err
    assert not (tmp_path / "all").exists()
    for name in (str(train), str(train.parent / ".." / train.parent.name / train.name), "set:a"):
        given = ["--data", name if name == "set:a" else str(train), "--held-out", name, "--out", str(tmp_path / "same")]
        assert main([*place.given, *given, *options()]) == 2
        assert "is what --data names" in capsys.readouterr().err and not (tmp_path / "same").exists()


def test_rows_that_repeat_another_are_counted_and_trained_on_once(place, whole, tmp_path, capsys):
    """Id and all; the cell is the one without them, so that what is finished is told."""
    doubled = tmp_path / "doubled.jsonl"
    lines = (place.folder / "train.jsonl").read_text().splitlines()
    doubled.write_text("\n".join([*lines, *lines[:3]]) + "\n")
    task = [json.dumps(json.loads(line) | {"task": "train"}) for line in doubled.read_text().splitlines()]
    doubled.write_text("\n".join(task) + "\n")
    given = [*place.given, "--data", str(doubled), "--out", str(whole), *options()]
    assert main(given) == 0
    said = capsys.readouterr().out
    assert "13 traces read; 10 problems; 3 copies" in said
    assert re.search(r"traces read +13 +4\n", said) and re.search(r"copies of others +3 +0\n", said)
    assert re.search(r"traces scored +10 +4\n", said)


def test_dialogues_without_a_prompt_are_the_same_only_if_their_notes_are():
    examples = [Trace("t", "1", "", "one", "", ""), Trace("t", "2", "p", "two", "", "")]
    held_out = [Trace("h", n, p, s, "", "") for n, p, s in [("1", "", "three"), ("2", "", " One"), ("3", "P ", "else")]]
    assert hub_cell.seen(hub_cell.Cell("b", examples, held_out, None)) == {("h", "2"), ("h", "3")}


def test_a_tokenizer_without_an_end_is_one_line(place, tmp_path, capsys):
    shutil.copytree(place.folder / "base", tmp_path / "base")
    tokenizer = tokenizers.load(tmp_path / "base")
    tokenizer.eos_token = None
    tokenizer.save_pretrained(tmp_path / "base")
    arguments = ["finetune", "--base", str(tmp_path / "base"), *place.given[3:], "--out", str(tmp_path / "cell"), *options()]
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "base: its tokenizer has no end token for a fine-tune to teach; set eos_token" in line
    assert not (tmp_path / "cell").exists()


@pytest.fixture
def stand_ins(place, tmp_path, monkeypatch):
    """The profile hub over local stand-ins: one base, one number of examples."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    path = tmp_path / "configs" / "hub.yaml"
    profile = yaml.safe_load(path.read_text())
    sources = {
        role: {"source": str(place.folder / f"{name}.jsonl")} for role, name in (("data", "train"), ("held_out", "test"))
    }
    profile["hub"] |= SMALL | sources | {"bases": [str(place.folder / "base")], "examples": [10]}
    path.write_text(yaml.safe_dump(profile))
    monkeypatch.setenv("PROXYLIB_CONFIGS", str(tmp_path / "configs"))
    monkeypatch.setenv("PROXYLIB_RUNS", str(tmp_path / "runs"))
    return path


def test_a_cell_of_the_grid_is_known_by_what_it_is_made_of(place, stand_ins, tmp_path):
    before = studies.steps("hub")
    assert [step.name for step in before] == ["hub_cell/base-10", "hub_losses"]
    assert before[0].resources.gpus == 0 and before[0].resources.cores == 1
    moved = tmp_path / "moved"
    shutil.copytree(place.folder, moved, ignore=shutil.ignore_patterns("whole", "killed"))
    text = stand_ins.read_text()
    stand_ins.write_text(text.replace(str(place.folder), str(moved)))
    assert [step.key.run_id for step in studies.steps("hub")] == [step.key.run_id for step in before]
    ids = {before[0].key.run_id}
    with (moved / "train.jsonl").open("a") as file:
        file.write("\n")
    ids.add(studies.steps("hub")[0].key.run_id)
    weights = moved / "base" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    ids.add(studies.steps("hub")[0].key.run_id)
    stand_ins.write_text(stand_ins.read_text().replace("rank: 4", "rank: 2"))
    ids.add(studies.steps("hub")[0].key.run_id)
    assert len(ids) == 4
    (moved / "train.jsonl").unlink()
    with pytest.raises(UserError, match="train.jsonl: no such file"):
        studies.steps("hub")


@pytest.mark.slow
def test_the_grid_makes_the_cell_that_the_command_makes(whole, stand_ins, capsys):
    assert main(["grid", "--profile", "hub"]) == 0, capsys.readouterr().out
    cell, table = studies.steps("hub")
    run = cell.store.get(cell.key)
    for name in (hub_cell.LOSSES, hub_cell.LENGTHS, hub_cell.NOTES):
        assert run.path(name).read_bytes() == (whole / name).read_bytes()
    assert dict(run.facts) == facts(whole) | {"cell": run.run_id}
    (row,) = table.store.get(table.key).table("cells").to_dict("records")
    assert row["cell"] == "hub_cell/base-10" and row["held_out_loss"] == facts(whole)["held_out_loss"]
    capsys.readouterr()
    assert main(["grid", "--profile", "hub", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["cached", "cached"]


# ---- from folders to fits -----------------------------------------------------------------------------------------------

RERUN = Path(__file__).resolve().parents[3] / "book" / "rerun.md"


def cell(folder, whole, facts):
    """A finished cell with the notes of another and facts of its own; its verdicts stay."""
    for name in (MANIFEST, PROGRESS):
        (folder / name).unlink(missing_ok=True)

    def build(workspace):
        workspace.note(**facts | {"cell": folder.name})
        workspace.write(hub_cell.NOTES, (whole / hub_cell.NOTES).read_bytes())

    Folder(folder, {"command": "finetune"}, (hub_cell.NOTES,)).make(build)


def verdicts(folder, table, judge):
    """What `proxylib judge` leaves of a cell's notes."""
    shutil.rmtree(folder / "judged", ignore_errors=True)
    build = lambda workspace: workspace.write(verdict_folder.VERDICTS, parquet_bytes(table))
    Folder(folder / "judged", {"command": "judge", "judge": judge}, ()).make(build)


@pytest.fixture
def grown(whole, tmp_path):
    """Folders of fifteen cells."""
    return cells_in(tmp_path / "cells", whole, range(5), (1293, 2586, 4673))


@pytest.fixture
def few(whole, tmp_path):
    """Folders of two cells."""
    return cells_in(tmp_path / "cells", whole, range(2), (1293,))


def cells_in(parent, whole, sizes, counts):
    """Folders of cells as `proxylib finetune` and `proxylib judge` leave them: one real one under many names."""
    rng = np.random.default_rng(1)
    judge = client.described(LLMJudge(model="openai-api/mine/judge")) | {"server": ""}
    notes = [json.loads(line)["id"] for line in (whole / hub_cell.NOTES).read_text().splitlines()]
    for size in sizes:
        for place, count in enumerate(counts):
            loss = 2 - 0.2 * size - 0.1 * place + 0.05 * rng.standard_normal()
            own = {"base": f"{size}B", "parameters": 10 ** (size + 3), "examples": count, "final_loss": loss}
            folder = parent / f"{size}B-{count}"
            cell(folder, whole, facts(whole) | own)
            rows = [
                (note, criterion, 0, rng.choice(["pass", "fail"], p=[0.2 + 0.1 * size, 0.8 - 0.1 * size]), "", "", "", 1, 1)
                for note in notes
                for criterion in CRITERIA
            ]
            verdicts(folder, pd.DataFrame(rows, columns=list(COLUMNS)), judge)
    return parent


def test_the_documented_lines_lead_from_folders_to_fits(grown, monkeypatch):
    (snippet,) = re.findall(r"```python\n(.*?)```", RERUN.read_text(), re.S)
    monkeypatch.chdir(grown.parent)
    made = {}
    exec(snippet, made)
    fits, control = made["fits"], made["control"]
    assert set(fits["group"]) == {"all", "1293", "2586", "4673"} and set(fits["judge"]) == {"openai-api/mine/judge"}
    rates, losses = [], []
    for folder in sorted(grown.iterdir()):  # by hand
        read = pd.read_parquet(folder / "judged" / verdict_folder.VERDICTS)
        rates.append(100 * (read["status"] == "pass").groupby(read["criterion"]).mean().mean())
        losses.append(facts(folder)["final_loss"])
    r = fits[(fits["group"] == "all") & (fits["statistic"] == "r")]["estimate"].item()
    assert r == pytest.approx(np.corrcoef(losses, rates)[0, 1])
    assert {"size + data", "size + data + loss"} <= set(control["design"]) and "copying + data" not in set(control["design"])


def test_repeats_are_averaged_the_unscored_left_out_and_a_diverged_cell_needs_no_judge(grown, whole):
    first, last = grown / "0B-1293", grown / "4B-4673"
    read = pd.read_parquet(first / "judged" / verdict_folder.VERDICTS)
    status = [["pass", "fail", "unscored"][number % 3] for number in range(2 * len(read))]
    _change(first, lambda read: pd.concat([read, read.assign(repeat=1)]).assign(status=status))
    cell(last, whole, facts(last) | {"diverged": True})
    shutil.rmtree(last / "judged", ignore_errors=True)
    cells, judged = collected.collect(sorted(grown.iterdir()))
    assert len(cells) == 15 and cells["diverged"].sum() == 1 and last.name not in set(judged["cell"])
    value = {"pass": 1.0, "fail": 0.0, "unscored": np.nan}
    wanted = np.nanmean([[value[name] for name in status[: len(read)]], [value[name] for name in status[len(read) :]]], 0)
    own = judged[judged["cell"] == first.name]
    np.testing.assert_array_equal(own["passed"].to_numpy(float, na_value=np.nan), wanted)
    assert len(cell_draws.judged(cells, judged).cells) == 14


def _change(cell, change):
    """Verdicts that were made otherwise, under a manifest that stands for them."""
    finished = work_folder.read(cell / "judged")
    verdicts(cell, change(pd.read_parquet(finished.folder / verdict_folder.VERDICTS)), finished.request["judge"])


def _other_judge(cell):
    finished = work_folder.read(cell / "judged")
    verdicts(
        cell, pd.read_parquet(finished.folder / verdict_folder.VERDICTS), finished.request["judge"] | {"server": "http://b"}
    )


def _facts(of, **changes):
    cell(of, of.with_name("0B-1293"), {name: value for name, value in (facts(of) | changes).items() if value is not None})


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda cell: shutil.rmtree(cell / "judged"), "judged: no verdicts; proxylib judge --notes"),
        (lambda cell: _change(cell, lambda read: read.head(10)), "10 of 20 verdicts, 0 on other"),
        (lambda cell: _change(cell, lambda read: read.assign(id=read["id"] + "x")), "0 of 20 verdicts, 20 on other notes"),
        (lambda cell: _change(cell, lambda read: pd.concat([read, read.tail(1)])), "two verdicts on"),
        (lambda cell: (cell / "judged" / verdict_folder.VERDICTS).write_bytes(b"no"), "judged: verdicts are damaged"),
        (lambda cell: (cell / "judged" / MANIFEST).write_text("[]"), "judged: verdicts are damaged"),
        (lambda cell: _change(cell, lambda read: read.assign(status="unscored")), "judged: no verdict was scored; ask again"),
        (_other_judge, "verdicts of another judge"),
        (lambda cell: (cell / MANIFEST).unlink(), "is no finished cell; run its line of proxylib finetune again"),
        (lambda cell: _facts(cell, base=None), "is no cell of proxylib finetune"),
        (lambda cell: (cell / MANIFEST).write_text("{"), "run the cell's line of proxylib finetune again"),
        (lambda cell: (cell / hub_cell.NOTES).write_text("{"), "notes.jsonl does not match its checksum"),
        (lambda cell: _facts(cell, held_out_set="x"), "was measured on another held-out set"),
        (lambda cell: shutil.copytree(cell, cell.with_name("copy")), "two cells have base 1B, examples 1293, seed 1"),
    ],
)
def test_folders_that_cannot_be_collected_are_named(few, harm, said):
    assert len(collected.collect(sorted(few.iterdir()))[0]) == 2
    harm(few / "1B-1293")
    with pytest.raises(UserError, match=re.escape(said)) as told:
        collected.collect(sorted(few.iterdir()))
    assert "\n" not in str(told.value)


def test_no_folders_are_refused():
    with pytest.raises(UserError, match="no folder of a cell that did not diverge"):
        collected.collect([])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["--data", "gone.jsonl"], "gone.jsonl: no such file"),
        (["--held-out", "gone.jsonl"], "gone.jsonl: no such file"),
        (["--fields", "prompt=dialogue"], "line 1: dialogue is missing, which --fields takes for prompt"),
        (["--base", "./gone"], "./gone: no such folder; a model is a folder written by save_pretrained, a GGUF file, or NAME"),
        (["--examples", "11"], "holds 10 examples, 11 are asked for; give more, or a smaller --examples"),
        (["-p", "rank", "0"], "parameter rank: "),
        (["-p", "ranks", "8"], "parameter ranks: "),
        (["-p", "context", "300"], "leaves no room for the completion in 300; raise the context or leave it out"),
        (["-p", "device", "cuda"], "torch sees no CUDA device"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(place, tmp_path, capsys, changed, said):
    if "cuda" in changed and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert main([*place.given, "--out", str(tmp_path / "cell"), *options(), *changed]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line and not (tmp_path / "cell").exists()


def test_a_base_that_sees_later_tokens_or_does_not_fit_is_refused_before_it_is_trained(place, tmp_path, capsys, monkeypatch):
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=300, max_position_embeddings=4096, **sizes)
    transformers.BertLMHeadModel(config).save_pretrained(tmp_path / "both ways")
    tokenizers.load(place.folder / "base").save_pretrained(tmp_path / "both ways")
    monkeypatch.setattr(transformers.Trainer, "train", None)
    given = [*place.given, "--out", str(tmp_path / "cell"), *options()]
    assert main([*given, "--base", str(tmp_path / "both ways")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.search("both ways: model BertLMHeadModel: sees tokens that come later", said)
    monkeypatch.setattr(memory, "available", lambda device: 1.0)
    assert main(given) == 2
    assert "not enough memory: the weights of" in capsys.readouterr().err
    assert not (tmp_path / "cell").exists()


def test_a_chat_needs_a_template_a_folder_must_be_ones_own_and_a_base_be_named(place, tmp_path, capsys):
    bare = stand_in(tmp_path / "bare", "byte", [], 300, template=None)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    base, *given = place.given[2:]
    for arguments, said in (
        (["--base", str(bare), *given, "--out", str(tmp_path / "cell")], "no chat template"),
        (["--base", base, *given, "--out", str(tmp_path / "full")], "holds other files"),
        ([*given, "--out", str(tmp_path / "cell")], "--base is needed"),
    ):
        assert main(["finetune", *arguments, *options()]) == 2
        assert said in capsys.readouterr().err


SETS = {"mts_dialog": (1201, 100, 200, 200), "aci_bench": (67, 20, 40, 40, 40)}


@pytest.fixture(scope="module")
def clinical(published_set, tmp_path_factory):
    """A base whose tokenizer is trained on both sets."""
    for name in SETS:
        published_set(name)
    read = [traces.read(f"set:{name}-train") for name in SETS]
    texts = [trace.prompt + trace.solution for found in read for trace in found[:300]]
    return stand_in(tmp_path_factory.mktemp("clinical"), "bpe", texts, 4000)


@pytest.mark.published
def test_both_clinical_sets_are_read_whole(clinical):
    for name, counts in SETS.items():
        parts = ("train", "valid", "test1", "test2", "test3")[: len(counts)]
        read = [traces.read(f"set:{name}-{part}") for part in parts]
        assert tuple(map(len, read)) == counts
        everything = [trace for found in read for trace in found]
        assert not any("\r" in trace.prompt + trace.solution or trace.answer for trace in everything)
        assert all(trace.prompt.endswith(":\n") and trace.source == name for trace in everything)


@pytest.mark.published
@pytest.mark.parametrize("context", [4096, 8192])
def test_lengths_are_counted_and_what_is_cut(clinical, context, capsys):
    given = ["finetune", "--base", str(clinical), "--data", "set:aci_bench-test2", "--held-out", "set:mts_dialog-valid"]
    assert main([*given, "--out", "none", "--lengths", *options(context=context)]) == 0
    said = capsys.readouterr().out
    tokenizer, whole = tokenizers.load(clinical), []
    for trace in traces.read("set:aci_bench-test2"):
        front = tokenizer(f"<|im_start|>user\n{trace.prompt}<|im_end|>\n<|im_start|>assistant\n", add_special_tokens=False)
        whole.append(len(front.input_ids) + len(tokenizer(trace.solution, add_special_tokens=False).input_ids) + 1)
    cut = sum(length > context for length in whole)
    assert f"aci_bench-test2: 40, {cut} cut at {context} tokens" in said and "mts_dialog-valid: 100, held out" in said
    assert (cut > 0) == (context == 4096)


@pytest.mark.published
def test_a_cell_on_clinical_dialogues_counts_what_it_cuts(clinical, tmp_path, capsys):
    given = ["finetune", "--base", str(clinical), "--data", "set:mts_dialog-train", "--held-out", "set:aci_bench-valid"]
    out = tmp_path / "cell"
    assert main([*given, "--examples", "12", "--out", str(out), *options(context=900, max_new_tokens=2, epochs=1)]) == 0
    lengths = pd.read_parquet(out / hub_cell.LENGTHS)
    cut = (lengths["prompt"] + lengths["completion"] - 900).clip(lower=0)
    assert lengths["truncated"].tolist() == cut.tolist() and facts(out)["truncated"] == (cut > 0).sum() > 0
    assert np.isfinite(losses(out)["loss"]).all() and facts(out)["held_out"] == 20
    capsys.readouterr()
    given[4] = "set:aci_bench-train"
    assert main([*given, "--out", str(tmp_path / "long"), *options(context=512)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "example aci_bench-train/D2N001: its prompt of " in line and "raise the context or leave it out" in line
