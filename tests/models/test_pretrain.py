"""The training loop: schedule, optimisers, the held-out loss, and the same bits whether or not a run was interrupted."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from models.small_training import (
    CONFIG,
    LLAMA,
    MATERIAL,
    NEOX,
    POST_STEPS,
    SPECIAL,
    STEPS,
    after,
    contents,
    each_architecture,
    encoded,
    interrupt,
    losses,
    run,
)
from transformers import AutoModelForCausalLM, AutoTokenizer

from proxylib.data import corpora, tasks
from proxylib.errors import UserError
from proxylib.models import architectures, loading, pretrain
from proxylib.models.packing import Special, pack
from proxylib.runs.store import Workspace

pytestmark = pytest.mark.usefixtures("quick")


def test_the_rate_rises_linearly_and_falls_to_a_tenth():
    shares = [pretrain.learning_rate(step, 1000, 0.05) for step in range(1001)]
    assert shares[0] == pytest.approx(1 / 50) and shares[24] == pytest.approx(0.5) and shares[49] == 1
    assert shares[50] == pytest.approx(1) and shares[525] == pytest.approx(0.55) and shares[1000] == pytest.approx(0.1)
    assert all(a <= b for a, b in zip(shares[:49], shares[1:50], strict=True))
    assert all(a >= b for a, b in zip(shares[50:-1], shares[51:], strict=True))


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_rate_is_defined_for_the_shortest_runs(steps):
    assert pretrain.learning_rate(0, steps, 0.0) == 1
    assert all(0.1 <= pretrain.learning_rate(step, steps, 0.5) <= 1 for step in range(steps))


@each_architecture
def test_every_parameter_has_exactly_one_optimiser(spec):
    torch.manual_seed(0)
    model = architectures.build(spec, 50, 32)
    muon, adamw = pretrain.optimisers(model, CONFIG)
    owned = [[id(p) for group in optim.param_groups for p in group["params"]] for optim in (muon, adamw)]
    assert sorted(owned[0] + owned[1]) == sorted(id(p) for p in model.parameters())
    for name, parameter in model.named_parameters():
        inside = (".layers." in name or ".h." in name) and parameter.ndim == 2
        assert (id(parameter) in owned[0]) == inside, name
    assert (type(muon).__name__, type(adamw).__name__) == ("Muon", "AdamW")
    assert [optim.param_groups[0]["lr"] for optim in (muon, adamw)] == [CONFIG.muon_learning_rate, CONFIG.adamw_learning_rate]
    assert {group["weight_decay"] for optim in (muon, adamw) for group in optim.param_groups} == {0.0}


def test_both_optimisers_follow_the_schedule(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(pretrain, "learning_rate", lambda *_: 0.0)
    _, model = run(tmp_path, tokenizer, tokens=2048)
    torch.manual_seed(3)
    untouched = architectures.build(LLAMA, len(tokenizer), CONFIG.context)
    for name, parameter in untouched.named_parameters():
        assert torch.equal(parameter, model.get_parameter(name)), name


@each_architecture
def test_the_held_out_loss_is_that_of_each_document_by_itself(spec):
    torch.manual_seed(2)
    model = architectures.build(spec, 60, 32)
    generator = torch.Generator().manual_seed(5)
    documents = [torch.randint(3, 60, (size,), generator=generator).tolist() for size in (3, 9, 1, 14, 6) * 14]
    exact = architectures.build(spec, 60, 32).double()
    exact.load_state_dict(model.state_dict())
    nats, count = 0.0, 0
    with torch.inference_mode():
        for document in documents:
            ids = torch.tensor([[1, *document, 2]])
            log_p = exact(input_ids=ids).logits[0, :-1].log_softmax(1)
            nats -= log_p.gather(1, ids[0, 1:, None]).sum().item()
            count += len(document) + 1
    rows = pack(iter(documents), None, 16, SPECIAL)
    assert len(rows.ids) > 32  # more than one batch, the last one smaller
    per_token, bits = pretrain.held_out_loss(model, rows, text_bytes=777)
    assert per_token == pytest.approx(nats / count, rel=1e-5)
    assert bits == pytest.approx(nats / math.log(2) / 777, rel=1e-5)
    assert model.training


def test_held_out_documents_are_never_trained_on():
    held = set(pretrain.held_out_documents(MATERIAL))
    for name in ("expert", "other-slips", "answers"):
        stream = corpora.documents(corpora.recipe(name), MATERIAL, 3)
        assert not held.intersection(next(stream) for _ in range(1000))
    assert len(held) >= 0.9 * pretrain.HELD_OUT_DOCUMENTS
    assert {text.split()[0] for text in held} == {"sort", "count"}


def test_training_lowers_the_held_out_loss(finished):
    curve = losses(finished[0], "held-out")
    assert curve["nll"].iloc[0] == pytest.approx(math.log(259), abs=0.6)  # one step after uniform
    assert curve["nll"].iloc[-1] < curve["nll"].iloc[0] - 0.7
    assert curve["step"].iloc[0] == 1 and curve["step"].iloc[-1] == STEPS


def test_one_training_loss_in_so_many_is_kept(tmp_path, tokenizer, finished, monkeypatch):
    monkeypatch.setattr(pretrain, "EVERY", 5)
    kept, all_of_them = losses(run(tmp_path, tokenizer)[0], "train"), losses(finished[0], "train")
    pd.testing.assert_frame_equal(kept.reset_index(drop=True), all_of_them.iloc[::5].reset_index(drop=True))


def test_the_table_of_losses_counts_steps_and_predicted_tokens(finished, tokenizer):
    workspace, model = finished
    curve = losses(workspace, "train")
    assert list(curve["step"]) == list(range(1, STEPS + 1))
    data = pack(encoded(tokenizer), 4 * STEPS, CONFIG.context, Special(1, 2, 0))
    assert list(curve["tokens"]) == [data.part(0, 4 * step).tokens for step in range(1, STEPS + 1)]
    facts = workspace.facts
    assert facts["tokens"] == curve["tokens"].iloc[-1] and facts["resumed_at_step"] == 0
    assert facts["parameters"]["all"] == sum(p.numel() for p in model.parameters())
    assert facts["parameters"]["non_embedding"] == facts["parameters"]["all"] - 2 * 259 * 16
    assert facts["flops"] == 6 * facts["parameters"]["all"] * facts["tokens"]


def test_the_first_loss_is_that_of_the_first_rows(finished, tokenizer):
    rows = pack(encoded(tokenizer), 4, CONFIG.context, Special(1, 2, 0))
    torch.manual_seed(3)
    fresh = architectures.build(LLAMA, len(tokenizer), CONFIG.context)
    per_token, _ = pretrain.held_out_loss(fresh, rows, 1)
    assert losses(finished[0], "train")["nll"].iloc[0] == pytest.approx(per_token, rel=1e-5)


def test_bits_per_byte_belong_to_the_nats_of_the_held_out_text(finished, tokenizer):
    texts = pretrain.held_out_documents(MATERIAL)
    predicted = sum(min(len(text.encode()) + 2, CONFIG.context) - 1 for text in texts)
    total = sum(len(text.encode()) for text in texts)
    curve = losses(finished[0], "held-out")
    expected = curve["nll"] * predicted / math.log(2) / total
    assert curve["bits_per_byte"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9)


def test_the_same_seed_gives_the_same_bytes(finished, tmp_path, tokenizer):
    again, _ = run(tmp_path, tokenizer)
    assert contents(again) == contents(finished[0])
    assert pretrain.CHECKPOINT not in contents(again)


def test_another_seed_gives_another_model_and_other_documents(finished, tmp_path, tokenizer):
    other, _ = run(tmp_path, tokenizer, seed=4)
    mine, theirs = contents(other), contents(finished[0])
    assert mine["model/model.safetensors"] != theirs["model/model.safetensors"]
    assert list(losses(other, "train")["tokens"]) != list(losses(finished[0], "train")["tokens"])


@pytest.mark.parametrize("at", [1, 7, 15])
def test_an_interrupted_run_ends_with_the_same_bytes(finished, tmp_path, tokenizer, at):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, at)
        run(tmp_path, tokenizer)
    assert (tmp_path / pretrain.CHECKPOINT).exists()
    resumed, _ = run(tmp_path, tokenizer)
    assert resumed.facts["resumed_at_step"] == at  # these runs are so short that every step is kept
    assert contents(resumed) == contents(finished[0])


def test_a_run_interrupted_twice_ends_with_the_same_bytes(tmp_path, tokenizer):
    whole, _ = run(tmp_path / "whole", tokenizer, NEOX)
    for at in (4, 11):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            interrupt(patch, at)
            run(tmp_path / "cut", tokenizer, NEOX)
    resumed, _ = run(tmp_path / "cut", tokenizer, NEOX)
    assert resumed.facts["resumed_at_step"] == 11 and contents(resumed) == contents(whole)


def test_a_run_is_observed_wherever_the_held_out_loss_is_measured_and_is_not_changed_by_it(styled, tmp_path, tokenizer):
    seen = []

    def observe(model, step, tokens):
        model.eval()
        torch.rand(3)
        seen.append((step, tokens))

    watched, _ = run(tmp_path, tokenizer, after("style"), observe=observe)
    held = losses(watched, "held-out")
    assert seen == list(zip(held["step"], held["tokens"], strict=True))
    assert seen[0][0] == 1 and {STEPS, STEPS + POST_STEPS} <= {step for step, _ in seen} and len(seen) > 6
    assert contents(watched) == contents(styled[0])


def test_a_resumed_run_is_observed_after_its_checkpoint_alone(tmp_path, tokenizer):
    seen, again = [], []
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, 9)
        run(tmp_path, tokenizer, observe=lambda model, step, tokens: seen.append(step))
    run(tmp_path, tokenizer, observe=lambda model, step, tokens: again.append(step))
    assert max(seen) <= 9 < min(again) and again[-1] == STEPS


def test_a_loss_that_is_not_finite_stops_and_names_the_model(tmp_path, tokenizer):
    with pytest.raises(FloatingPointError, match=r"llama-byte-16: the loss is not finite at step \d+"):
        run(tmp_path, tokenizer, adamw_learning_rate=1e36, muon_learning_rate=1e36)
    assert not (tmp_path / "model").exists() and not (tmp_path / "losses.parquet").exists()


def test_a_saved_model_reloads_with_its_tokenizer_to_the_same_logits(finished):
    workspace, model = finished
    folder = workspace.folder / "model"
    text = "sort 3 1 2\nout of 3 1 2 take 1\n"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ids = torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])
    assert tokenizer.decode(ids[0]) == text
    plain = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
    with torch.inference_mode():
        logits = [each.eval()(input_ids=ids).logits for each in (model, plain, loading.load(folder))]
    assert torch.equal(logits[0], logits[1]) and torch.equal(logits[0], logits[2])


def test_a_step_reads_the_tokenizer_that_its_model_names(tmp_path, tokenizer, monkeypatch):
    asked = []
    monkeypatch.setattr(pretrain, "train", lambda *arguments: asked.append(arguments))
    tokenizer.save_pretrained(tmp_path / "tokenizers" / "byte")
    parent = SimpleNamespace(path=lambda name: tmp_path / name)
    given = SimpleNamespace(model=LLAMA, training=CONFIG, material=MATERIAL, seed=9)
    pretrain.fit(SimpleNamespace(settings=given, parent=lambda role: parent), Workspace(tmp_path))
    assert asked[0][:4] == (LLAMA, CONFIG, MATERIAL, 9) and len(asked[0][4]) == 259


def test_cuda_is_refused_where_there_is_none(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="torch sees no CUDA device"):
        run(tmp_path, tokenizer, device="cuda")


def test_the_held_out_split_is_of_the_evaluation_side():
    known = {
        trace.prompt + trace.solution
        for name in MATERIAL.tasks
        for trace, _ in tasks.evaluation_problems(tasks.task(name), 64, MATERIAL.seed + 1)
    }
    assert set(pretrain.held_out_documents(MATERIAL)) == known
