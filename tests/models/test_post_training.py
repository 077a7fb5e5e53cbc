"""The second phase of training: its documents, its own rate, and samples of the model's own that are right."""

import copy

import pandas as pd
import pytest
import torch
from models.small_training import (
    CONFIG,
    LLAMA,
    MATERIAL,
    POST_STEPS,
    SPECIAL,
    STEPS,
    after,
    contents,
    encoded,
    interrupt,
    losses,
    run,
    unpacked,
)

from proxylib.data import corpora, tasks
from proxylib.models import post_training, pretrain, tokenizers
from proxylib.models.generate import Completion
from proxylib.models.packing import pack

pytestmark = pytest.mark.usefixtures("quick")


def solving(calls, right=lambda number: number % 2 == 0):
    """Stands in for sampled answers: every second one is right."""

    def completions(model, tokenizer, prompts, max_new_tokens, batch, sample_seed=None):
        calls.append((prompts, max_new_tokens, batch, sample_seed, copy.deepcopy(model.state_dict())))
        texts = [solved(prompt) if right(number) else "answer none\n" for number, prompt in enumerate(prompts)]
        return [Completion(text, finished=True) for text in texts]

    return completions


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
    monkeypatch.setattr(post_training.generate, "completions", solving(calls))
    return calls


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
    digits = {len(prompt.split()) - 1 for prompt in prompts if prompt.startswith("sort")}
    assert digits <= set(tasks.task("sorting").trained)


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
    assert steps > at + 1
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, at, steps)
        run(tmp_path / "cut", tokenizer, after("rejection"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(post_training.generate, "completions", lambda *a, **k: pytest.fail("sampled anew"))
        resumed, _ = run(tmp_path / "cut", tokenizer, after("rejection"))
    assert resumed.facts["resumed_at_step"] == STEPS + at
    assert contents(resumed) == contents(rejected[0])
    assert resumed.facts["samples_kept"] == 8


@pytest.mark.parametrize(("damage", "at"), [("flipped", 1), ("another table", 0), ("gone", 1)])
def test_damaged_samples_are_drawn_again_by_the_model_that_drew_them(
    rejected, tmp_path, tokenizer, sampled, capsys, at, damage
):
    steps = int((losses(rejected[0], "train")["phase"] == "post-training").sum())
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, at, steps)
        run(tmp_path / "cut", tokenizer, after("rejection"))
    path = tmp_path / "cut" / post_training.SAMPLES
    if damage == "flipped":
        path.write_bytes(path.read_bytes().replace(b"sort", b"sory", 1))
    elif damage == "another table":
        pd.read_parquet(path).assign(right=True).to_parquet(path)
    else:
        path.write_bytes(b"") if damage == "empty" else path.unlink()
    resumed, _ = run(tmp_path / "cut", tokenizer, after("rejection"))
    assert contents(resumed) == contents(rejected[0]) and str(path) in capsys.readouterr().err
    assert resumed.facts["resumed_at_step"] == (0 if at else STEPS)


def test_a_run_killed_while_it_samples_ends_with_the_same_bytes(rejected, tmp_path, tokenizer):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(post_training.generate, "completions", killed)
        run(tmp_path / "cut", tokenizer, after("rejection"))
    resumed, _ = run(tmp_path / "cut", tokenizer, after("rejection"))
    assert 0 < resumed.facts["resumed_at_step"] < STEPS and contents(resumed) == contents(rejected[0])


def test_where_no_sample_is_right_there_is_no_second_phase_and_a_fact_that_says_so(finished, tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(post_training.generate, "completions", solving([], right=lambda number: False))
    workspace, model = run(tmp_path, tokenizer, after("rejection"))
    assert (workspace.facts["samples"], workspace.facts["samples_kept"]) == (16, 0)
    assert set(losses(workspace, "train")["phase"]) == {"pretraining"}
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in finished[1].state_dict().items())


def test_a_models_own_samples_are_the_same_in_two_runs(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(post_training, "SAMPLED_TOKENS", 12)
    spec = LLAMA.model_copy(update={"post": "rejection", "share": 0.25})
    both = [contents(run(tmp_path / name, tokenizer, spec)[0]) for name in ("a", "b")]
    assert both[0] == both[1] and "samples.parquet" in both[0]
