"""Think blocks: kept as they are, cut whole, or refused where there is no telling where they end."""

import json

import pytest

from proxylib.cli import main
from proxylib.data import traces
from proxylib.data.thinking import TAGS, without
from proxylib.errors import UserError


@pytest.mark.parametrize(("opening", "closing"), TAGS)
def test_every_kind_of_block_is_cut(opening, closing):
    assert without("p", f"{opening}\nhm\n\nhm{closing}\n\nThe answer is 4.").solution == "The answer is 4."
    assert without("p", f"{opening.upper()}hm{closing.upper()}So: 4").solution == "So: 4"
    assert without(f"p\n{opening}\n", f"hm{closing}\n4") == ("p\n", "4", True)
    assert without("p", f"hm{closing}\n4").solution == "4"  # the template had opened it
    assert without("p", f"{opening}hm").solution is None
    assert without("p", f"{opening}a{opening}b{closing}c{closing}d").solution is None
    assert without("p", f"{opening}a{closing}b{closing}c").solution is None
    assert without(f"p {opening}", "never closed").solution is None


@pytest.mark.parametrize(
    ("solution", "rest"),
    [
        ("no block", "no block"),
        ("First. <think>hm</think> Then.", "First.  Then."),
        ("<think>a</think>x<think>b</think>y", "xy"),
        ("<think></think>\n\n4", "4"),
        ("<|begin_of_thought|>hm<|end_of_thought|>\n\n<|begin_of_solution|>\n4\n<|end_of_solution|>", "4"),
        ("<think>a</thinking>b", None),
        ("a</think>b</think>c", None),
        ("x < think > y", "x < think > y"),
        ("<think>hm</think>", ""),
    ],
)
def test_what_is_left(solution, rest):
    assert without("p", solution).solution == rest


def test_the_account_says_what_was_done(tmp_path):
    lines = [{"prompt": "p", "solution": "<think>hm</think>\n4"}, {"prompt": "q", "solution": "5"}]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)))
    kept, cut = (traces.reading(tmp_path / "mine.jsonl", think=think) for think in ("keep", "cut"))
    assert [trace.solution for trace in kept.traces] == ["<think>hm</think>\n4", "5"]
    assert [trace.solution for trace in cut.traces] == ["4", "5"]
    assert "1 with a think block (keep)" in kept.counts.summary() and "1 with a think block (cut)" in cut.counts.summary()


@pytest.mark.parametrize(
    ("solution", "said"), [("<think>hm", "no clear end"), ("<think>hm</think>\n", "nothing but a think block")]
)
def test_a_block_that_cannot_be_cut_is_one_line(tmp_path, capsys, solution, said):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"prompt": "p", "solution": "s"}\n' + json.dumps({"prompt": "p", "solution": solution}))
    assert [trace.solution for trace in traces.read(path)] == ["s", solution]
    with pytest.raises(UserError, match=f"line 2: .*{said}.*--think keep"):
        traces.reading(path, think="cut")
    words = ["extract", "--model", "none", "--traces", str(path), "--out", str(tmp_path / "out"), "--think", "cut"]
    assert main(words) == 2 and said in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_an_experts_tokens_must_spell_what_is_left(tmp_path):
    line = {
        "prompt": "p",
        "solution": "<think>a</think>b",
        "expert_tokens": ["<think>a</think>", "b"],
        "expert_logprobs": [-1, -2],
    }
    (tmp_path / "mine.jsonl").write_text(json.dumps(line))
    assert len(traces.reading(tmp_path / "mine.jsonl").expert) == 2
    with pytest.raises(UserError, match="line 1: expert_tokens, joined, are not the solution"):
        traces.reading(tmp_path / "mine.jsonl", think="cut")
