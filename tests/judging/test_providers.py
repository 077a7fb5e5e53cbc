"""Judges behind Inspect's registry: requests accounted for, and a model in a folder asked in process."""

import asyncio
import shutil

import pytest
import torch
from judging.faulty_server import serving
from transformers import LlamaConfig, LlamaForCausalLM

from proxylib.errors import UserError
from proxylib.judging import client, lm_judge, providers, spending
from proxylib.judging.criteria import CRITERIA
from proxylib.judging.questions import Ask
from proxylib.judging.settings import LLMJudge
from proxylib.models import generate, loading, tokenizers

ASKS = [Ask(f"n{number}", criterion, "d: hello", f"S: {number}") for number in range(2) for criterion in CRITERIA]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model of random weights that writes random bytes."""
    folder, tokenizer = tmp_path_factory.mktemp("model"), tokenizers.train("byte", [], 300)
    tokenizer.chat_template = lm_judge.CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)
    return folder


def test_providers_are_registered_and_nothing_of_inspects_is_changed(monkeypatch):
    monkeypatch.setenv("MINE_API_KEY", "none-needed")
    monkeypatch.setenv("MINE_BASE_URL", "http://127.0.0.1:9/v1")
    judge = providers.Judge(LLMJudge(model="openai-api/mine/org/m"))
    inner = judge.model.api.provider
    assert str(judge.model) == "proxylib-accounted/proxylib-compatible/mine/org/m" and inner.service_model_name() == "org/m"
    assert "generate" not in vars(inner) and "generate" not in vars(judge.model)
    assert type(inner).generate is providers.OpenAICompatibleAPI.generate


def test_every_request_that_leaves_is_set_aside_and_settled(monkeypatch, hasty):
    monkeypatch.setenv("MINE_API_KEY", "none-needed")
    with serving(usage=(50, 20)) as server:
        monkeypatch.setenv("MINE_BASE_URL", server.url)
        server.fault = lambda prompt: "error body" if server.calls == 1 else None
        server.code = 503
        settings = LLMJudge(model="openai-api/mine/m", retries=1)
        budget = spending.Budget(settings)
        answer = asyncio.run(providers.Judge(settings).answer(ASKS[0], 0, budget))
    assert server.calls == 2 and (budget.tokens_in, budget.tokens_out) == (answer.tokens_in, answer.tokens_out) == (50, 20)


def test_a_model_in_a_folder_answers_as_it_does_in_process(folder, tmp_path):
    settings = LLMJudge(model=f"hf/{folder}", max_new_tokens=6, attempts=1, connections=4)
    found = client.judge(ASKS, settings, tmp_path / "cache")
    model, tokenizer = loading.load(folder), tokenizers.load(folder)
    prompts = [lm_judge.question(ask.dialogue, ask.note, lm_judge.CLAUSES[ask.criterion]) for ask in ASKS]
    own = generate.completions(model, tokenizer, prompts, 6, 4)
    assert found["text"].tolist() == [completion.text for completion in own] and (found["tokens_in"] > 40).all()


PLAIN = "{% for message in messages %}{{ message.content }}[end]{% endfor %}"


@pytest.mark.parametrize(
    ("template", "said"), [("{{ messages[0].role }}", "leaves the prompt's text out"), ("{{ 1 / 0 }}", "refuses")]
)
def test_a_template_that_changes_prompts_is_refused_before_the_first_answer(folder, tmp_path, template, said):
    with_template(place := shutil.copytree(folder, tmp_path / "model"), template)
    with pytest.raises(UserError, match=said) as error:
        client.judge(ASKS, LLMJudge(model=f"hf/{place}"), tmp_path / "cache")
    assert str(error.value).startswith("judge hf/") and not list((tmp_path / "cache").glob("*"))


def test_a_note_that_the_template_cannot_hold_is_unscored_and_no_other_one(folder, tmp_path):
    with_template(place := shutil.copytree(folder, tmp_path / "model"), PLAIN)
    asks = [ASKS[0]._replace(id=f"n{n}", note=f"S: {n}" + " [end]" * (n == 1)) for n in range(4)]
    rows = client.judge(asks, LLMJudge(model=f"hf/{place}", max_new_tokens=4, attempts=1), tmp_path / "cache")
    assert ["ends a turn" in reason for reason in rows["reason"]] == [False, True, False, False]
    assert (rows["tokens_out"] > 0).tolist() == [True, False, True, True]  # the others were asked


def with_template(place, template):
    tokenizer = tokenizers.load(place)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(place)


def test_sampled_answers_depend_on_their_question_alone(folder, tmp_path):
    settings = LLMJudge(model=f"hf/{folder}", max_new_tokens=8, attempts=2, temperature=1.5)
    first = client.judge(ASKS, settings, tmp_path / "one")
    turned = client.judge(ASKS[::-1], settings, tmp_path / "other")
    assert turned[::-1].reset_index(drop=True).equals(first) and first["text"].nunique() == len(ASKS)
    again = [ask._replace(repeat=1) for ask in ASKS]
    assert (client.judge(again, settings, tmp_path / "one")["text"] != first["text"]).all()


def test_other_weights_in_the_same_folder_are_another_judge(folder, tmp_path, monkeypatch):
    place = shutil.copytree(folder, tmp_path / "model")
    settings = LLMJudge(model=f"hf/{place}", max_new_tokens=6, attempts=1)
    first = client.asked(ASKS, settings, tmp_path / "cache")
    described = client.described(settings)
    assert client.asked(ASKS, settings, tmp_path / "cache").tokens_out == 0 < first.tokens_out
    model = LlamaForCausalLM.from_pretrained(place)
    model.lm_head.weight.data.neg_()
    model.save_pretrained(place)
    other = client.asked(ASKS, settings, tmp_path / "cache")
    assert other.tokens_out > 0 and (other.verdicts["text"] != first.verdicts["text"]).all()
    assert client.described(settings) != described
    served = LLMJudge(model=f"openai-api/mine/{place}")  # as a server on this machine calls it
    assert client.described(served)["weights"] == client.described(settings)["weights"]


def test_rounded_weights_are_another_judge_and_another_device_is_none(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    used = []
    load = lambda *given: used.append(given[1:]) or whole(*given)
    whole, asked = loading.load, lambda **given: client.asked(ASKS, judge(**given), tmp_path / "cache")
    judge = lambda **given: LLMJudge(model=f"hf/{folder}", max_new_tokens=6, attempts=1, **given)
    monkeypatch.setattr(loading, "load", load)
    first, again, auto = asked(), asked(device="cpu", dtype="float32"), asked(device="auto")
    assert first.tokens_out > 0 == again.tokens_out == auto.tokens_out and "dtype" not in client.described(judge())
    rounded = asked(dtype="bfloat16")
    assert rounded.tokens_out > 0 == asked(dtype="bfloat16").tokens_out
    assert client.described(judge(dtype="bfloat16"))["dtype"] == "bfloat16"
    places = [("cpu", torch.float32), ("auto", torch.float32), ("cpu", torch.bfloat16)]
    assert list(dict.fromkeys(used)) == places


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("hf/no/such/folder", "no/such/folder"),
        ("nosuch/model", "nosuch"),
        ("openai-api/m", "service prefix"),
        ("plain", "plain"),
    ],
)
def test_a_judge_that_does_not_exist_is_one_line(model, said, tmp_path, monkeypatch):
    monkeypatch.setenv("M_API_KEY", "none-needed")
    with pytest.raises(UserError, match=said) as error:
        client.judge(ASKS, LLMJudge(model=model), tmp_path / "cache")
    assert str(error.value).startswith(f"judge {model}: ")
