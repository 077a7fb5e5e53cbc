"""LLM judges through Inspect AI against a server that misbehaves: no call lost, none mis-scored, limits held, no key kept."""

import json
import os
import pickle
import time
from pathlib import Path

import pytest
import torch
from judging.faulty_server import KINDS, serving, truth
from transformers import LlamaConfig, LlamaForCausalLM

from proxylib.errors import UserError
from proxylib.judging import answers, cache, client, lm_judge, messages, providers, spending
from proxylib.judging.criteria import CRITERIA
from proxylib.judging.questions import COLUMNS, UNSCORED, Ask
from proxylib.judging.settings import LLMJudge
from proxylib.models import tokenizers

CANARY = "canary-key-5f0c2e91"
pytestmark = pytest.mark.usefixtures("hasty")


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("MINE_API_KEY", CANARY)


def asks(count, repeat=0):
    return [
        Ask(f"n{number}", CRITERIA[number % 5], "d: hello", f"note {number} {'good' if number % 3 else 'bad'}", repeat)
        for number in range(count)
    ]


def settings(server, monkeypatch, **more):
    monkeypatch.setenv("MINE_BASE_URL", server.url)
    given = {"connections": 16, "retries": 3, "timeout": 30} | more
    return LLMJudge(model="openai-api/mine/m", **given)


def test_verdicts_come_back_in_order_and_cost_nothing_again(tmp_path, monkeypatch):
    with serving(together=2) as server:
        questions = asks(30)
        found = client.judge(questions, settings(server, monkeypatch), tmp_path / "cache")
        assert list(found.columns) == list(COLUMNS) and list(found["id"]) == [ask.id for ask in questions]
        assert list(found["status"]) == [truth(ask.prompt) for ask in questions]
        assert (found["tokens_in"] == 50).all() and server.calls == 30 and 2 <= server.most_busy <= 16
        again = client.asked(questions, settings(server, monkeypatch), tmp_path / "cache")
        assert server.calls == 30 and again.verdicts.equals(found) and (again.tokens_in, again.tokens_out) == (0, 0)
        client.judge(asks(30, repeat=1), settings(server, monkeypatch), tmp_path / "cache")
        assert server.calls == 60


def test_hundreds_of_calls_with_faults_lose_none_and_mis_score_none(tmp_path, monkeypatch, capfd):
    faults = {"429": 0.03, "500": 0.03, "503": 0.02, "malformed": 0.05, "wrong field": 0.05, "empty": 0.05}
    faults |= {"hostile": 0.05, "prose": 0.05, "no choices": 0.02, "error body": 0.02}
    with serving(faults) as server:
        questions = asks(300)
        found = client.judge(questions, settings(server, monkeypatch, connections=64, attempts=2), tmp_path / "cache")
        assert server.calls >= 300 and len(found) == 300 and list(found["id"]) == [ask.id for ask in questions]
    wanted = [truth(ask.prompt) for ask in questions]
    scored = found["status"] != UNSCORED
    assert (found["status"][scored] == [value for value, kept in zip(wanted, scored, strict=True) if kept]).all()
    assert 0.005 < (~scored).mean() < 0.25
    assert (found["reason"][~scored] != "").all() and (found["reason"][scored] == "").all()
    assert not any(CANARY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert CANARY not in found.to_csv() and CANARY not in "".join(capfd.readouterr())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("timeout", "429", "500", "503")])
def test_an_answer_that_is_no_verdict_leaves_the_note_unscored(kind, tmp_path, monkeypatch):
    with serving({kind: 1.0}) as server:
        found = client.judge(asks(4), settings(server, monkeypatch, attempts=2, retries=0), tmp_path / "cache")
        assert (found["status"] == UNSCORED).all() and (found["reason"] != "").all()
        assert server.calls == 8  # each asked twice


@pytest.mark.parametrize("kind", ["timeout", "500"])
def test_a_server_that_does_not_answer_is_named(kind, tmp_path, monkeypatch):
    with serving({kind: 1.0}) as server:
        given = settings(server, monkeypatch, attempts=1, retries=0, timeout=1)
        found = client.judge(asks(2), given, tmp_path / "cache")
    assert (found["status"] == UNSCORED).all() and CANARY not in found.to_csv()


def test_a_limit_is_never_exceeded(tmp_path, monkeypatch):
    with serving(usage=(250, 100)) as server:
        questions = asks(60)
        most = 20 * (spending.tokens(questions[0].prompt) + 100)
        given = settings(server, monkeypatch, max_new_tokens=100, limit_tokens=most, connections=8)
        found = client.judge(questions, given, tmp_path / "cache")
        assert 0 < server.calls < 60 and server.tokens <= most
    assert set(found["reason"][found["status"] == UNSCORED]) == {"limit"}
    assert (found["status"] != UNSCORED).sum() == server.calls


def test_kept_answers_cost_nothing_and_outlast_a_low_limit(tmp_path, monkeypatch):
    with serving() as server:
        found = client.judge(asks(6), settings(server, monkeypatch), tmp_path / "cache")
        again = client.asked(asks(7), settings(server, monkeypatch, limit_tokens=1), tmp_path / "cache")
        assert server.calls == 6 and again.verdicts[:6].equals(found) and (again.tokens_in, again.tokens_out) == (0, 0)
        assert again.verdicts["reason"].iloc[6] == "limit"


@pytest.mark.parametrize("kind", ["500", "refused"])
def test_a_call_that_took_nothing_is_not_booked(kind, tmp_path, monkeypatch):
    with serving({kind: 1.0}) as server:
        most = spending.tokens(asks(1)[0].prompt) + 100 + 10  # of one call at a time
        given = settings(server, monkeypatch, attempts=1, retries=0, max_new_tokens=100, limit_tokens=most, connections=1)
        if kind == "refused":
            monkeypatch.setenv("MINE_BASE_URL", "http://127.0.0.1:9/v1")
        found = client.judge([asks(1)[0], asks(1, repeat=1)[0]], given, tmp_path / "cache")
    assert (found["tokens_in"] + found["tokens_out"] == 0).all() and "limit" not in set(found["reason"])


def test_a_server_that_refuses_everything_is_left_after_a_handful(tmp_path, monkeypatch):
    with serving({"401": 1.0}, words="Incorrect API key provided: {key}") as server:
        with pytest.raises(
            UserError, match=r"no call was answered: AuthenticationError \(401\): Incorrect API key provided: <"
        ):
            client.judge(asks(200), settings(server, monkeypatch, connections=4), tmp_path / "cache")
        assert server.calls < 20
    with serving({"403": 1.0}) as server, pytest.raises(UserError, match=r"\(403\): not now; your key is <MINE_API_KEY>"):
        client.judge(asks(2), settings(server, monkeypatch), tmp_path / "cache")


def test_a_refusal_now_and_then_leaves_single_notes_unscored(tmp_path, monkeypatch):
    with serving({"404": 0.3}, lasting=True) as server:
        server.fault = lambda prompt: "404" if "note 7 " in prompt or "note 8 " in prompt else None
        found = client.judge(asks(12), settings(server, monkeypatch, connections=1), tmp_path / "cache")
    assert (found["status"] == UNSCORED).sum() == 2 and server.calls == 12  # asking again would not mend it


def test_a_reason_is_the_servers_and_is_redacted_before_it_is_cut(tmp_path, monkeypatch):
    words = "x" * (messages.REASON - 35) + " {key} and more"
    with serving({"400": 1.0}, words=words) as server:
        found = client.judge(asks(2), settings(server, monkeypatch), tmp_path / "cache")
    reason = found["reason"].iloc[0]
    assert reason.startswith("BadRequestError (400): xxx") and CANARY[:4] not in reason and len(reason) <= messages.REASON


def test_a_key_that_an_answer_quotes_is_not_kept(tmp_path, monkeypatch):
    with serving(content=json.dumps({"rationale": "the key {key}", "verdict": "pass"})) as server:
        found = client.judge(asks(3), settings(server, monkeypatch), tmp_path / "cache")
    assert (found["rationale"] == "the key <MINE_API_KEY>").all() and CANARY not in found.to_csv()
    assert not any(CANARY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_what_gave_no_verdict_is_asked_again_on_demand(tmp_path, monkeypatch):
    with serving({"prose": 1.0}) as server:
        client.judge(asks(4), settings(server, monkeypatch), tmp_path / "cache")
        found = client.judge(asks(4), settings(server, monkeypatch), tmp_path / "cache")
        assert server.calls == 8 and (found["status"] == UNSCORED).all()  # kept answers are final
        server.faults = {}
        found = client.judge(asks(4), settings(server, monkeypatch, again=True), tmp_path / "cache")
        assert server.calls == 12 and (found["status"] != UNSCORED).all()
        found = client.judge(asks(4), settings(server, monkeypatch), tmp_path / "cache")
        assert server.calls == 12 and (found["status"] != UNSCORED).all()  # and the new ones are read without being asked for


def test_an_answer_after_an_error_is_found_again(tmp_path, monkeypatch):
    with serving() as server:
        server.fault = lambda prompt: "500" if server.calls == 1 else None
        found = client.judge(asks(1), settings(server, monkeypatch, retries=0), tmp_path / "cache")
        calls = server.calls
        again = client.judge(asks(1), settings(server, monkeypatch, limit_tokens=1), tmp_path / "cache")
    assert list(found["status"]) == list(again["status"]) != [UNSCORED] and server.calls == calls


def test_the_schema_can_be_left_out(tmp_path, monkeypatch):
    with serving() as server:
        client.judge(asks(1), settings(server, monkeypatch), tmp_path / "cache")
        client.judge(
            asks(1), settings(server, monkeypatch, no_schema=True, temperature=0.7, max_new_tokens=7), tmp_path / "cache"
        )
    assert "response_format" in server.bodies[0] and server.bodies[0]["temperature"] == 0
    assert "response_format" not in server.bodies[1] and server.bodies[1]["temperature"] == 0.7
    assert 7 in server.bodies[1].values()


def test_a_server_that_hangs_is_cut_off(tmp_path, monkeypatch):
    with serving(delay=6) as server:
        begun = time.monotonic()
        given = settings(server, monkeypatch, attempts=1, timeout=1, max_new_tokens=100, limit_tokens=10_000)
        found = client.judge(asks(1), given, tmp_path / "cache")
        assert time.monotonic() - begun < 5 and "Timeout" in found["reason"].iloc[0]


def test_a_model_in_a_folder_answers_with_its_likeliest_token(tmp_path):
    folder, tokenizer = tmp_path / "model", tokenizers.train("byte", [], 300)
    tokenizer.chat_template = lm_judge.CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    torch.manual_seed(0)  # other weights may end before the fourth token
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)
    given = LLMJudge(model=f"hf/{folder}", max_new_tokens=4, attempts=1)
    found = client.judge(asks(2), given, tmp_path / "cache")
    assert (found["reason"] == "cut at 4 tokens, raise --max-new-tokens").all() and (found["tokens_out"] > 0).all()


def test_a_missing_package_is_named_before_any_call(tmp_path, monkeypatch):
    monkeypatch.delenv("VLLM_BASE_URL", raising=False)
    monkeypatch.setattr(providers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="package vllm is missing"):
        client.judge(asks(3), LLMJudge(model="vllm/some/model"), tmp_path / "cache")


def test_halves_of_surrogate_pairs_are_cleaned(tmp_path, monkeypatch):
    for content in ('{"rationale": "a \ud83d b", "verdict": "pass"}', '{"rationale": "a \\ud83d b", "verdict": "pass"}'):
        with serving(content=content) as server:
            for _ in range(2):
                found = client.judge(asks(1), settings(server, monkeypatch), tmp_path / "cache")
                assert found["rationale"].tolist() == ["a ? b"] and found.to_csv().encode()
            assert server.calls == 1
    assert answers.exact('{"rationale": "\\ud83d\\ude00", "verdict": "pass"}').rationale == "😀"


def test_a_cost_limit_counts_dollars(tmp_path, monkeypatch):
    with serving(usage=(250, 100)) as server:
        given = settings(server, monkeypatch, max_new_tokens=100, price_in=1.0, price_out=10.0, limit_cost=0.02, connections=4)
        client.judge(asks(60), given, tmp_path / "cache")
        assert 0 < server.calls * given.cost(250, 100) <= 0.02


def test_the_estimate_is_not_below_what_is_used(tmp_path, monkeypatch):
    with serving() as server:
        questions, given = asks(10), settings(server, monkeypatch)
        told = spending.estimate(questions, given)
        found = client.judge(questions, given, tmp_path / "cache")
    assert told.calls == 10 and told.tokens_in >= found["tokens_in"].sum() and told.tokens_out >= found["tokens_out"].sum()
    assert "10 calls" in str(told)


def test_a_missing_key_is_named_before_any_call(tmp_path, monkeypatch):
    monkeypatch.delenv("MINE_API_KEY")
    with serving() as server:
        with pytest.raises(UserError, match="MINE_API_KEY"):
            client.judge(asks(3), settings(server, monkeypatch), tmp_path / "cache")
        assert server.calls == 0


def test_two_questions_that_are_the_same_are_refused(tmp_path):
    with pytest.raises(UserError, match="the same id, criterion and repeat"):
        client.judge([*asks(1), *asks(1)], LLMJudge(model="openai-api/mine/m"), tmp_path)


def test_an_answer_that_was_cut_names_the_option_is_paid_once_and_goes_on_with_more_tokens(tmp_path, monkeypatch):
    with serving(finish="length", usage=(50, 20)) as server:
        server.content = '{"rationale": "I thi'
        few = settings(server, monkeypatch, attempts=3, max_new_tokens=20)
        found = client.judge(asks(4), few, tmp_path / "cache")
        assert (found["reason"] == "cut at 20 tokens, raise --max-new-tokens").all() and server.calls == 4
        again = client.asked(asks(4), few, tmp_path / "cache")
        assert again.verdicts.equals(found) and server.calls == 4 and again.tokens_out == 0
        server.content, server.finish = None, "stop"
        more = settings(server, monkeypatch, attempts=3, max_new_tokens=500)
        found = client.judge(asks(4), more, tmp_path / "cache")
        assert list(found["status"]) == [truth(ask.prompt) for ask in asks(4)] and server.calls == 8
        assert (found["tokens_out"] == 40).all()  # both answers were paid
        assert client.judge(asks(4), few, tmp_path / "cache").equals(found) and server.calls == 8


def test_a_whole_answer_under_fewer_tokens_is_no_other_answer_under_more(tmp_path, monkeypatch):
    with serving() as server:
        for most in (300, 900, 100):
            client.judge(asks(3), settings(server, monkeypatch, max_new_tokens=most), tmp_path / "cache")
        assert server.calls == 3


def test_a_verdict_that_a_cut_answer_holds_is_not_trusted(tmp_path, monkeypatch):
    with serving(finish="length", content='Say {"rationale": "x", "verdict": "pass"} or') as server:
        found = client.judge(asks(1), settings(server, monkeypatch), tmp_path / "cache")
    assert found["status"].iloc[0] == UNSCORED and found["reason"].iloc[0].startswith("cut at 300 tokens")


def test_thoughts_without_an_opening_tag_are_left_out(tmp_path, monkeypatch):
    draft, final = (json.dumps({"rationale": word, "verdict": told}) for word, told in (("draft", "pass"), ("final", "fail")))
    with serving(content=f"Could it be {draft}?\n</think>\n\n{final}") as server:
        found = client.judge(asks(2), settings(server, monkeypatch), tmp_path / "cache")
    assert (found["status"] == "fail").all() and (found["rationale"] == "final").all()


def test_an_error_with_status_200_is_told_in_the_servers_words(tmp_path, monkeypatch):
    with serving({"error body": 1.0}, words="model \x1b[31mm\x1b[0m is not loaded, {key}") as server:
        found = client.judge(asks(2), settings(server, monkeypatch, attempts=2), tmp_path / "cache")
        assert server.calls == 4
    assert (found["reason"] == "ServerError: model m is not loaded, <MINE_API_KEY>").all()
    assert (found["tokens_in"] + found["tokens_out"] == 0).all()


CHOICE = {"index": 0, "finish_reason": "stop"}
CONTENT = {"role": "assistant", "content": '{"rationale": "seen", "verdict": "pass"}'}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": [{"msg": "no such field", "loc": ["body"]}]}, "no such field"),
        ({"choices": None}, "neither an answer nor an error"),
        ({"choices": [CHOICE]}, "a choice without a message"),
        ({"choices": [CHOICE | {"message": None}]}, "a choice without a message"),
        ({"choices": ["text"]}, "a choice without a message"),
        ({"choices": {"a": 1}}, "a choice without a message"),
        ({"choices": [CHOICE | {"message": CONTENT | {"content": [{"type": "text"}]}}]}, "a message that is no text"),
        ({"choices": [CHOICE | {"message": CONTENT | {"tool_calls": [3]}}]}, "has a shape that no chat completion has"),
        ([], "is no JSON object"),
        ("text", "is no JSON object"),
        (b"null", "is no JSON object"),
        (b"\xff\xfe\x00 no text", "is no JSON"),
        (b"<html>502 Bad Gateway</html>", "is no JSON"),
        (b"", "is no JSON"),
        (b'{"choices": [', "is no JSON"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Pydantic serializer")
def test_an_answer_of_another_shape_is_told_in_a_users_terms(body, said, tmp_path, monkeypatch):
    with serving() as server:
        server.body = body
        found = client.judge(asks(1), settings(server, monkeypatch, attempts=1, retries=0), tmp_path / "cache")
    assert said in found["reason"].iloc[0] and found["reason"].iloc[0].startswith("ServerError: ")


@pytest.mark.parametrize(
    "usage",
    [
        None,
        "none",
        {},
        {"prompt_tokens": 5},
        {"prompt_tokens": -5, "completion_tokens": 3, "total_tokens": 2},
        {"prompt_tokens": 10**30, "completion_tokens": 3, "total_tokens": 3},
        {"prompt_tokens": 5, "completion_tokens": 1.5, "total_tokens": 6},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Pydantic serializer")
def test_an_answer_without_readable_counts_or_a_models_name_counts_at_its_worst(usage, tmp_path, monkeypatch):
    with serving() as server:
        server.body = {"choices": [CHOICE | {"message": CONTENT}], "usage": usage}
        judge = settings(server, monkeypatch, attempts=1, retries=0)
        found = client.judge(asks(1), judge, tmp_path / "cache").iloc[0]
    assert found["status"] == "pass"
    assert found["tokens_in"] == spending.tokens(asks(1)[0].prompt) and found["tokens_out"] == judge.max_new_tokens


def test_tokens_without_their_sum_are_counted(tmp_path, monkeypatch):
    with serving() as server:
        server.body = {"choices": [CHOICE | {"message": CONTENT}], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}
        found = client.judge(asks(1), settings(server, monkeypatch, attempts=1, retries=0), tmp_path / "cache").iloc[0]
    assert (found["status"], found["tokens_in"], found["tokens_out"]) == ("pass", 5, 3)


def test_an_error_with_status_200_that_states_a_passing_fault_is_tried_again(tmp_path, monkeypatch):
    with serving() as server:
        server.code, server.fault = 429, lambda prompt: "error body" if server.calls == 1 else None
        found = client.judge(asks(1), settings(server, monkeypatch, attempts=1, retries=2), tmp_path / "cache")
        assert server.calls == 2 and found["status"].iloc[0] != UNSCORED


TEMPERATURE = "Unsupported value: 'temperature' does not support 0 with this model. (request id: %s)"


@pytest.mark.parametrize(("kind", "code"), [("400", None), ("422", None), ("error body", None), ("error body", 400)])
def test_a_server_that_refuses_every_call_alike_is_left_and_the_option_named(kind, code, tmp_path, monkeypatch):
    questions = [ask._replace(criterion=name, repeat=r) for ask in asks(2) for name in CRITERIA for r in range(6)]
    with serving({kind: 1.0}) as server:
        server.code = code
        server.fault = lambda prompt: setattr(server, "words", TEMPERATURE % f"a{server.calls}f") or kind
        with pytest.raises(UserError, match=r"no call was answered: .*does not support 0 .*; give another --temperature"):
            client.judge(questions, settings(server, monkeypatch, connections=2, attempts=1), tmp_path / "cache")
        assert server.calls <= 8
    with serving({kind: 1.0}, words="unknown field response_format") as server:
        with pytest.raises(UserError, match="; add --no-schema"):
            client.judge(questions[:10], settings(server, monkeypatch, connections=2, attempts=1), tmp_path / "cache")
        assert server.calls <= 8


def test_a_note_that_is_too_long_stops_nothing_but_its_own_questions(tmp_path, monkeypatch):
    questions = [ask._replace(criterion=name) for ask in asks(4) for name in CRITERIA]
    with serving() as server:
        server.fault = lambda prompt: "400" if "note 0 " in prompt else None
        found = client.judge(questions, settings(server, monkeypatch, connections=1), tmp_path / "cache")
    assert (found["status"] == UNSCORED).tolist() == [ask.id == "n0" for ask in questions]


def test_a_cache_that_cannot_be_written_is_refused_before_the_first_call(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    with serving() as server:
        given = settings(server, monkeypatch)
        for folder in (tmp_path / "file", tmp_path / "file" / "cache", Path("/proc/nowhere/cache")):
            with pytest.raises(UserError, match="answers cannot be kept there"):
                client.judge(asks(3), given, folder)
        assert server.calls == 0 and (tmp_path / "file").read_text() == "mine"


def test_a_disk_that_fills_up_stops_the_run_with_one_line(tmp_path, monkeypatch):
    def full(path, values):
        raise UserError(f"{path}: cannot be written (No space left on device); free space or choose another folder")

    with serving() as server:
        monkeypatch.setattr(cache, "write_sealed", full)
        with pytest.raises(UserError, match="No space left on device"):
            client.judge(asks(40), settings(server, monkeypatch, connections=2), tmp_path / "cache")
        assert server.calls <= 4


class Planted:
    """Runs a command where it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (os.system, (f"touch {self.target}",))


def test_planted_pickles_are_never_read_and_edited_answers_are_asked_again(tmp_path, monkeypatch, capsys):
    folder, mark = tmp_path / "cache", tmp_path / "ran"
    with serving() as server:
        found = client.judge(asks(6), settings(server, monkeypatch), folder)
        entries = sorted(folder.iterdir())
        assert len(entries) == 6 and all(path.suffix == ".json" and len(path.stem) == 64 for path in entries)
        entries[0].write_bytes(pickle.dumps(Planted(mark)))
        (folder / "other.pickle").write_bytes(pickle.dumps(Planted(mark)))
        text = entries[1].read_text()
        entries[1].write_text(text.replace("pass", "????").replace("fail", "pass").replace("????", "fail"))
        entries[2].write_bytes(entries[3].read_bytes())
        capsys.readouterr()
        again = client.judge(asks(6), settings(server, monkeypatch), folder)
        assert server.calls == 9 and again.equals(found) and not mark.exists()
        told = capsys.readouterr().err
        assert all(str(path) in told for path in entries[:3]) and not any(str(path) in told for path in entries[3:])
        assert client.judge(asks(6), settings(server, monkeypatch), folder).equals(found) and server.calls == 9


def test_another_server_or_another_way_to_sample_is_another_judge(tmp_path, monkeypatch):
    with serving() as one, serving() as other:
        for server, more in ((one, {}), (other, {}), (one, {"temperature": 0.5}), (one, {"no_schema": True}), (one, {})):
            client.judge(asks(2), settings(server, monkeypatch, **more), tmp_path / "cache")
        assert (one.calls, other.calls) == (6, 2)


def test_an_address_is_known_without_its_credentials(monkeypatch):
    monkeypatch.setenv("MY_OWN_BASE_URL", "https://me:secret@host.example:8000/v1/?key=abc")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    assert client.address(LLMJudge(model="openai-api/my-own/m")) == "https://host.example:8000/v1"
    assert client.address(LLMJudge(model="openai/m")) == client.address(LLMJudge(model="hf/folder")) == ""
    monkeypatch.setenv("MY_OWN_API_KEY", "Key-of-this-gateway-1")
    monkeypatch.setenv("MY_OWN_BASE_URL", "https://host.example/gateway/Key-of-this-gateway-1/v1")
    assert client.address(LLMJudge(model="openai-api/my-own/m")) == "https://host.example/gateway/<MY_OWN_API_KEY>/v1"
    monkeypatch.setenv("MY_OWN_BASE_URL", "http://host:port/v1")
    with pytest.raises(UserError, match="base URL"):
        client.address(LLMJudge(model="openai-api/my-own/m"))


def test_verdicts_do_not_depend_on_where_a_run_was_cut_short(tmp_path, monkeypatch):
    questions = asks(20)
    with serving({"prose": 0.3}, lasting=True) as server:
        whole = client.judge(questions, settings(server, monkeypatch), tmp_path / "whole")
        client.judge(questions[:9], settings(server, monkeypatch), tmp_path / "parts")
        assert client.judge(questions, settings(server, monkeypatch), tmp_path / "parts").equals(whole)


def test_two_notes_of_the_same_text_are_asked_about_once(tmp_path, monkeypatch):
    questions = [ask._replace(id=name) for ask in asks(2) for name in ("x", "y", "z") if ask.id == "n0"]
    with serving() as server:
        found = client.judge(questions, settings(server, monkeypatch), tmp_path / "cache")
        assert server.calls == 1 and list(found["id"]) == ["x", "y", "z"] and found["status"].nunique() == 1


def test_an_answer_that_a_filter_withheld_is_not_kept(tmp_path, monkeypatch):
    with serving(finish="content_filter", content="no") as server:
        found = client.judge(asks(1), settings(server, monkeypatch, attempts=1), tmp_path / "cache")
        assert found["status"].iloc[0] == UNSCORED
        server.finish, server.content = "stop", None
        found = client.judge(asks(1), settings(server, monkeypatch, attempts=1), tmp_path / "cache")
        assert found["status"].iloc[0] != UNSCORED and server.calls == 2
