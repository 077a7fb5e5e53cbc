"""Limits: what is set aside for a call, and what a call took."""

import time

from proxylib.judging import messages, spending
from proxylib.judging.criteria import CLAUSES, CRITERIA
from proxylib.judging.questions import Ask
from proxylib.judging.settings import LLMJudge


def test_the_bound_holds_for_text_that_takes_a_token_a_byte():
    for text in ("病人说他头痛三天了", "12345/67890", "🙂🙂"):
        empty, filled = (spending.tokens(Ask("a", "template", "", note).prompt) for note in ("", text * 100))
        assert filled - empty >= 100 * len(text.encode())


def test_a_call_that_broke_off_keeps_what_was_set_aside():
    call = spending.Call(spending.Budget(LLMJudge(model="x")), (700, 300))
    call.leave()
    call.failed(TimeoutError("it may have been billed"))
    assert (call.budget.tokens_in, call.budget.tokens_out, call.used) == (700, 300, (0, 0))


def test_a_refusal_takes_nothing_and_a_second_answer_is_counted_beside_the_first():
    class Usage:
        input_tokens, output_tokens, input_tokens_cache_read, input_tokens_cache_write = 40, 5, 10, None

    call = spending.Call(spending.Budget(LLMJudge(model="x")), (700, 300))
    call.leave()
    call.failed(messages.ServerError({"error": "busy"}))
    assert (call.budget.tokens_in, call.budget.tokens_out) == (0, 0)
    for _ in range(2):
        call.leave()
        call.answered(Usage)
    assert (call.budget.tokens_in, call.budget.tokens_out) == (100, 10) and call.spent == {"tokens_in": 100, "tokens_out": 10}


def test_twenty_thousand_notes_are_estimated_without_waiting():
    note, dialogue = "S: cough\nP: </note> \u75c5 " * 40, "d: hello\np: my head aches " * 100
    asks = [Ask(str(n), name, f" {dialogue}{n}\n", note) for n in range(2_000) for name in CRITERIA]
    began = time.process_time()
    estimate = spending.estimate(asks, LLMJudge(model="x"))
    assert time.process_time() - began < 1.5  # a tenth of them
    assert estimate.calls == 10_000
    few = asks[:20] + [asks[0]._replace(clauses=CLAUSES[asks[0].criterion][:1])]
    assert spending.estimate(few, LLMJudge(model="x")).tokens_in == sum(spending.tokens(ask.prompt) for ask in few)
