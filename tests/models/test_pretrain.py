"""The training loop: packing, schedule, optimisers, both phases, and the same bits whether or not a run was interrupted."""

import copy
import math
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from proxylib.data import corpora, tasks
from proxylib.data.settings import Material
from proxylib.errors import UserError
from proxylib.models import architectures, checkpoint, devices, loading, post_training, pretrain, tokenizers
from proxylib.models.packing import IGNORE, Rows, Special, pack
from proxylib.models.settings import Model, Training
from proxylib.runs.store import Workspace

SPECIAL = Special(bos=1, eos=2, pad=0)
LLAMA = Model(architecture="llama", tokenizer="byte", width=16, depth=1, mix="expert", post="none", share=1.0)
NEOX, GPT2, QWEN, SMOL = (LLAMA.model_copy(update={"architecture": name}) for name in ("gpt_neox", "gpt2", "qwen3", "smollm3"))
MATERIAL = Material(tasks=("sorting", "counting"), items=6, prose_items=4, bpe_vocabulary=300, seed=20)
CONFIG = Training(
    tokens=8192,
    context=128,
    batch_tokens=512,
    muon_learning_rate=0.02,
    adamw_learning_rate=0.005,
    warmup=0.1,
    post_share=0.5,
    post_learning_rate_share=0.25,
    threads=1,
    device="cpu",
)
STEPS, POST_STEPS = 16, 8
each_architecture = pytest.mark.parametrize("spec", [LLAMA, NEOX, GPT2, QWEN, SMOL], ids=lambda spec: spec.architecture)


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Every training loss is kept; the measured matmul rate is a fact of the machine, not of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "matmul_rate", lambda *_: 1e9)
        patch.setattr(pretrain, "EVERY", 1)
        yield


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizers.train("byte", [], 300)


def run(folder, tokenizer, spec=LLAMA, seed=3, observe=None, **changes):
    """(workspace, model) of one small training run."""
    workspace = Workspace(folder)
    config = Training(**(CONFIG.model_dump() | changes))
    return workspace, pretrain.train(spec, config, MATERIAL, seed, tokenizer, workspace, observe)


def after(post, spec=LLAMA):
    """The model with a recipe of post-training."""
    return spec.model_copy(update={"post": post})


def encoded(tokenizer, recipe=corpora.RECIPES["expert"], seed=3):
    """Token ids of the documents of a recipe, one after the other."""
    return (tokenizers.encode(tokenizer, [text])[0] for text in corpora.documents(recipe, MATERIAL, seed))


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tokenizer):
    """(workspace, model) of a run that nobody interrupted."""
    return run(tmp_path_factory.mktemp("finished"), tokenizer)


def contents(workspace):
    """name -> bytes of everything a run leaves."""
    files = (path for path in sorted(workspace.folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(workspace.folder)): path.read_bytes() for path in files}


def losses(workspace, split):
    frame = pd.read_parquet(workspace.folder / "losses.parquet")
    return frame[frame["split"] == split]


# ---- packing ---------------------------------------------------------------------------------------------------------

DOCUMENTS = st.lists(st.lists(st.integers(3, 99), max_size=14), min_size=1, max_size=60)


def unpacked(rows):
    """The documents of packed rows, cut where positions start anew, without what is masked as padding."""
    found = []
    for ids, positions, labels in zip(*(tensor.tolist() for tensor in rows), strict=True):
        for place, (token, position) in enumerate(zip(ids, positions, strict=True)):
            padding = all(label == IGNORE for label in labels[place:])
            if position == 0:
                if padding:
                    break
                found.append([])
            assert position == len(found[-1])
            found[-1].append(token)
    return found


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(documents=DOCUMENTS, context=st.integers(3, 16))
def test_every_document_is_packed_once_whole_or_cut_to_a_row(documents, context):
    rows = pack(iter(documents), None, context, SPECIAL)
    wanted = [[1, *document, 2][:context] for document in documents]
    assert sorted(unpacked(rows)) == sorted(wanted)
    assert rows.tokens == sum(len(document) - 1 for document in wanted)  # all but each bos are predicted


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(documents=DOCUMENTS, context=st.integers(3, 16), pad=st.sampled_from([0, 2]))
def test_labels_mask_padding_and_each_bos_and_nothing_else(documents, context, pad):
    # padding is masked by place, never by id: here it may equal eos
    ids, positions, labels = pack(iter(documents), None, context, SPECIAL._replace(pad=pad))
    kept = labels != IGNORE
    assert (labels[kept] == ids[kept]).all() and not (positions[kept] == 0).any()
    assert (ids[~kept & (positions == 0)] != 2).all() or pad == 2
    closing = sum(len(document) + 2 <= context for document in documents)
    assert int((labels == 2).sum()) == closing


def test_a_document_longer_than_a_row_is_cut_without_an_end():
    rows = pack(iter([list(range(10, 30))]), None, 8, SPECIAL)
    assert rows.ids.tolist() == [[1, 10, 11, 12, 13, 14, 15, 16]]
    assert rows.labels.tolist() == [[IGNORE, 10, 11, 12, 13, 14, 15, 16]]


def test_documents_share_a_row_and_count_positions_from_zero():
    rows = pack(iter([[5, 6], [7]]), None, 9, SPECIAL)
    assert rows.ids.tolist() == [[1, 5, 6, 2, 1, 7, 2, 0, 0]]
    assert rows.positions.tolist() == [[0, 1, 2, 3, 0, 1, 2, 0, 1]]
    assert rows.labels.tolist() == [[IGNORE, 5, 6, 2, IGNORE, 7, 2, IGNORE, IGNORE]]


def test_packing_stops_at_the_rows_asked_for():
    endless = iter(lambda: [7, 8, 9], None)
    rows = pack(endless, 5, 12, SPECIAL)
    assert rows.ids.shape == (5, 12) and (rows.labels != IGNORE).any(1).all()


@each_architecture
def test_no_document_sees_its_neighbours_in_a_row(spec):
    torch.manual_seed(1)
    model = architectures.build(spec, 100, 32).eval()
    with torch.no_grad():  # freshly drawn attention is nearly flat and would hide a leak
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(10)
    first, second = [5, 6, 7, 8], [9, 10, 11]
    rows = pack(iter([first, second]), None, 16, SPECIAL)
    changed = pack(iter([[50, 60, 70, 80], second]), None, 16, SPECIAL)
    alone = torch.tensor([[1, *second, 2]])
    with torch.inference_mode():
        packed, other = (
            model(input_ids=r.ids, position_ids=r.positions, use_cache=False).logits[0, 6:11] for r in (rows, changed)
        )
        single = model(input_ids=alone).logits[0]
    torch.testing.assert_close(packed, other, rtol=0, atol=1e-5)
    torch.testing.assert_close(packed, single, rtol=0, atol=1e-4)


# ---- schedule and optimisers -----------------------------------------------------------------------------------------


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


# ---- the held-out loss -----------------------------------------------------------------------------------------------


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


# ---- the loop --------------------------------------------------------------------------------------------------------


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


def interrupt(monkeypatch, at, of=STEPS):
    """Let training die when it asks for the rate of step `at` of a phase of so many steps."""
    schedule = pretrain.learning_rate

    def dying(step, steps, warmup):
        if (step, steps) == (at, of):
            raise KeyboardInterrupt
        return schedule(step, steps, warmup)

    monkeypatch.setattr(pretrain, "learning_rate", dying)


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


# ---- post-training ---------------------------------------------------------------------------------------------------


def solving(calls, right=lambda number: number % 2 == 0):
    """Stands in for sampled answers: every second one is right."""

    def answers(model, tokenizer, prompts, max_new_tokens, batch, sample_seed=None):
        calls.append((prompts, max_new_tokens, batch, sample_seed, copy.deepcopy(model.state_dict())))
        return [solved(prompt) if right(number) else "answer none\n" for number, prompt in enumerate(prompts)]

    return answers


def solved(prompt):
    """A worked answer, from the prompt alone."""
    words = prompt.split()
    if words[0] == "sort":
        return f"I see\nanswer {' '.join(sorted(words[1:]))}\n"
    return f"I count\nanswer {[word[-1] for word in words[3:]].count(words[1])}\n"


@pytest.fixture
def sampled(monkeypatch):
    """Calls of the stand-in for sampled answers."""
    calls = []
    monkeypatch.setattr(post_training.generate, "answers", solving(calls))
    return calls


@pytest.fixture(scope="module")
def styled(tmp_path_factory, tokenizer):
    """(workspace, model) of a run with post-training that nobody interrupted."""
    return run(tmp_path_factory.mktemp("styled"), tokenizer, after("style"))


def test_without_post_training_there_is_one_phase(finished):
    for split in ("train", "held-out"):
        assert set(losses(finished[0], split)["phase"]) == {"pretraining"}


def test_the_second_phase_follows_the_first_and_is_counted(styled, finished, tokenizer):
    curve = losses(styled[0], "train")
    assert list(curve["phase"]) == ["pretraining"] * STEPS + ["post-training"] * POST_STEPS
    assert list(curve["step"]) == list(range(1, STEPS + POST_STEPS + 1))
    plain = losses(finished[0], "train")
    pd.testing.assert_frame_equal(curve.iloc[:STEPS], plain)  # the first phase is that of a model without a second
    data = pack(
        encoded(tokenizer, corpora.post_training("style", "expert"), 3 + post_training.POST_SEED), 4 * POST_STEPS, 128, SPECIAL
    )
    grown = [plain["tokens"].iloc[-1] + data.part(0, 4 * step).tokens for step in range(1, POST_STEPS + 1)]
    assert list(curve["tokens"])[STEPS:] == grown and styled[0].facts["tokens"] == grown[-1]
    held = losses(styled[0], "held-out")
    assert list(held.loc[held["phase"] == "post-training", "step"]) == [STEPS + POST_STEPS]


def test_the_first_loss_of_the_second_phase_is_that_of_its_own_documents(styled, finished, tokenizer):
    rows = pack(encoded(tokenizer, corpora.post_training("style", "expert"), 3 + post_training.POST_SEED), 4, 128, SPECIAL)
    before, _ = pretrain.held_out_loss(finished[1], rows, 1)
    assert losses(styled[0], "train")["nll"].iloc[STEPS] == pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize("post", ["more", "answers", "noisy"])
def test_every_recipe_of_post_training_reads_its_documents(tmp_path, tokenizer, monkeypatch, post):
    asked, make = [], corpora.documents
    monkeypatch.setattr(corpora, "documents", lambda *given: asked.append(given) or make(*given))
    run(tmp_path, tokenizer, after(post, LLAMA.model_copy(update={"mix": "other-web"})), tokens=2048)
    assert asked == [
        (corpora.RECIPES["other-web"], MATERIAL, 3),
        (corpora.post_training(post, "other-web"), MATERIAL, 3 + post_training.POST_SEED),
    ]


def test_the_rate_falls_in_each_phase_from_a_peak_of_its_own(tmp_path, tokenizer, monkeypatch):
    found, seen = [], []
    make, measure = pretrain.optimisers, pretrain._loss
    monkeypatch.setattr(pretrain, "optimisers", lambda *given: found.extend(make(*given)) or found)

    def loss(model, rows, reduction):
        if reduction == "mean":
            seen.append([optim.param_groups[0]["lr"] for optim in found])
        return measure(model, rows, reduction)

    monkeypatch.setattr(pretrain, "_loss", loss)
    run(tmp_path, tokenizer, after("style"))
    first = [pretrain.learning_rate(step, STEPS, CONFIG.warmup) for step in range(STEPS)]
    second = [
        CONFIG.post_learning_rate_share * pretrain.learning_rate(step, POST_STEPS, CONFIG.warmup) for step in range(POST_STEPS)
    ]
    for place, peak in enumerate((CONFIG.muon_learning_rate, CONFIG.adamw_learning_rate)):
        assert [pair[place] for pair in seen] == pytest.approx([peak * share for share in first + second])


@pytest.mark.parametrize(("share", "steps"), [(0.5, 8), (1.0, 16), (1.5, 24), (0.001, 1)])
def test_a_models_share_decides_its_pretraining_and_not_its_post_training(tmp_path, tokenizer, share, steps):
    spec = after("style").model_copy(update={"share": share})
    workspace, _ = run(tmp_path, tokenizer, spec, post_share=0.25)
    assert losses(workspace, "train")["phase"].value_counts().to_dict() == {"pretraining": steps, "post-training": 4}


@pytest.mark.parametrize(("at", "of"), [(7, STEPS), (0, POST_STEPS), (1, POST_STEPS), (6, POST_STEPS)])
def test_a_run_interrupted_in_either_phase_ends_with_the_same_bytes(styled, tmp_path, tokenizer, at, of):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, at, of)
        run(tmp_path, tokenizer, after("style"))
    resumed, _ = run(tmp_path, tokenizer, after("style"))
    assert resumed.facts["resumed_at_step"] == at + (STEPS if of == POST_STEPS else 0)
    assert contents(resumed) == contents(styled[0])


# rejection sampling


@pytest.fixture
def rejected(tmp_path, tokenizer, sampled):
    """(workspace, model) of a run whose samples are right half of the time."""
    return run(tmp_path / "rejected", tokenizer, after("rejection"))


def test_samples_are_drawn_from_the_pretrained_model_over_training_problems(rejected, finished, sampled):
    ((prompts, max_new_tokens, batch, seed, weights),) = sampled
    assert all(torch.equal(value, weights[name]) for name, value in finished[1].state_dict().items())
    assert len(prompts) == max(8, int(post_training.SAMPLED_SHARE * CONFIG.tokens * CONFIG.post_share)) == 16
    assert (max_new_tokens, batch, seed) == (post_training.SAMPLED_TOKENS, post_training.SAMPLED_BATCH, 3)
    assert {prompt.split()[0] for prompt in prompts} == {"sort", "count"} and not any(map(tasks.held_out, prompts))
    untrained = [prompt for prompt in prompts if len(prompt.split()) == 7 and prompt.startswith("sort")]
    assert not untrained


def test_only_right_samples_are_kept_and_learnt_from(rejected, tokenizer):
    workspace, _ = rejected
    table = pd.read_parquet(workspace.path("samples.parquet"))
    assert list(table.columns) == ["prompt", "text", "right"] and list(table["right"]) == [True, False] * 8
    assert (workspace.facts["samples"], workspace.facts["samples_kept"]) == (16, 8)
    curve = losses(workspace, "train")
    steps = int((curve["phase"] == "post-training").sum())
    # so few samples fill fewer rows than post-training may read
    texts = [prompt + solved(prompt) for prompt in table.loc[table["right"], "prompt"]] * post_training.MOST_PASSES
    rows = pack(iter(tokenizers.encode(tokenizer, texts)), None, CONFIG.context, SPECIAL)
    assert 1 <= steps == len(rows.ids) // 4 < POST_STEPS
    grown = curve["tokens"].diff().iloc[STEPS:].sum()
    assert grown == pytest.approx(rows.tokens, rel=0.3) and grown <= rows.tokens


def test_the_rows_of_rejection_hold_right_samples_alone(tmp_path, tokenizer, sampled, monkeypatch):
    packed = []
    monkeypatch.setattr(pretrain, "pack", lambda *given: packed.append(pack(*given)) or packed[-1])
    workspace, _ = run(tmp_path, tokenizer, after("rejection"), context=256, batch_tokens=256)
    table = pd.read_parquet(workspace.path("samples.parquet"))
    kept = [prompt + solved(prompt) for prompt in table.loc[table["right"], "prompt"]]
    documents = [tokenizer.decode(ids[1:-1]) for ids in unpacked(packed[-1])]
    assert sorted(documents) == sorted(kept * post_training.MOST_PASSES)


@pytest.mark.parametrize("at", [0, 1])
def test_samples_are_read_from_their_table_when_a_run_goes_on(rejected, tmp_path, tokenizer, sampled, at):
    steps = int((losses(rejected[0], "train")["phase"] == "post-training").sum())
    assert steps == 2
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, at, steps)
        run(tmp_path / "cut", tokenizer, after("rejection"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(post_training.generate, "answers", lambda *a, **k: pytest.fail("sampled anew"))
        resumed, _ = run(tmp_path / "cut", tokenizer, after("rejection"))
    assert resumed.facts["resumed_at_step"] == STEPS + at
    assert contents(resumed) == contents(rejected[0])
    assert resumed.facts["samples_kept"] == 8


def test_a_run_killed_while_it_samples_ends_with_the_same_bytes(rejected, tmp_path, tokenizer):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(post_training.generate, "answers", killed)
        run(tmp_path / "cut", tokenizer, after("rejection"))
    resumed, _ = run(tmp_path / "cut", tokenizer, after("rejection"))
    assert 0 < resumed.facts["resumed_at_step"] < STEPS and contents(resumed) == contents(rejected[0])


def test_where_no_sample_is_right_there_is_no_second_phase_and_a_fact_that_says_so(finished, tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(post_training.generate, "answers", solving([], right=lambda number: False))
    workspace, model = run(tmp_path, tokenizer, after("rejection"))
    assert (workspace.facts["samples"], workspace.facts["samples_kept"]) == (16, 0)
    assert set(losses(workspace, "train")["phase"]) == {"pretraining"}
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in finished[1].state_dict().items())


def test_a_models_own_samples_are_the_same_in_two_runs(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(post_training, "SAMPLED_TOKENS", 12)
    spec = LLAMA.model_copy(update={"post": "rejection", "share": 0.25})
    both = [contents(run(tmp_path / name, tokenizer, spec)[0]) for name in ("a", "b")]
    assert both[0] == both[1] and "samples.parquet" in both[0]


# ---- observing -------------------------------------------------------------------------------------------------------


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


# ---- damage and refusals ---------------------------------------------------------------------------------------------


def test_a_damaged_checkpoint_is_named_and_ignored(finished, tmp_path, tokenizer, capsys):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, 9)
        run(tmp_path, tokenizer)
    path = tmp_path / pretrain.CHECKPOINT
    path.write_bytes(path.read_bytes()[:-100])
    anew, _ = run(tmp_path, tokenizer)
    assert f"{path} is damaged; training starts anew" in capsys.readouterr().err
    assert anew.facts["resumed_at_step"] == 0 and contents(anew) == contents(finished[0])


@pytest.mark.parametrize("data", [b"", b"garbage", bytes(64)])
def test_any_damage_to_a_checkpoint_is_survived(tmp_path, data, capsys):
    path = tmp_path / pretrain.CHECKPOINT
    path.write_bytes(data)
    assert checkpoint.resume(path, architectures.build(LLAMA, 50, 32), []) == (0, [])
    assert str(path) in capsys.readouterr().err


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


def test_rows_are_cut_together():
    rows = Rows(*(torch.arange(12).reshape(4, 3) + shift for shift in (0, 100, 200)))
    part = rows.part(1, 3)
    assert [tensor.tolist() for tensor in part] == [[[3 + s, 4 + s, 5 + s], [6 + s, 7 + s, 8 + s]] for s in (0, 100, 200)]


def test_smollm3_has_positions_in_its_first_block_alone_and_rows_of_tokens_that_differ():
    model = architectures.build(SMOL.model_copy(update={"depth": 3}), 300, CONFIG.context)
    assert [block.self_attn.use_rope for block in model.model.layers] == [1, 0, 0]
    assert model.config.rope_parameters["rope_theta"] == architectures.ROTATION
    assert model.get_input_embeddings().weight.std().item() == pytest.approx(architectures.TOKEN_SPREAD, rel=0.1)
