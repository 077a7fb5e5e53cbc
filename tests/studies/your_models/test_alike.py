"""Models that read different text are not ordered: exit code 4, by name, before any model runs where tokenizers tell."""

import json

import pandas as pd
import pytest
import transformers
from models import tiny
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from proxylib.cli import main
from proxylib.errors import CannotTell
from proxylib.measure.tokenstats import shards
from proxylib.models import tokenizers
from proxylib.studies.your_models import alike

PLAIN = [{"prompt": f"What is {n} ?", "solution": f"the answer to this is what it was before number {n}"} for n in range(12)]
STRANGE = [{"prompt": f"What is {n} ?", "solution": f"Ответ {n} яблок . Ответ {n} яблок . Ответ так"} for n in range(4)]


def words():
    text = " ".join(f"{line['prompt']} {line['solution']}" for line in PLAIN)
    vocabulary = {word: n for n, word in enumerate(["<unk>", *dict.fromkeys(text.split())])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")


def save(folder, tokenizer, context=512, seed=0):
    tiny.save(folder, tokenizer, context=context // 2, seed=seed)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    for name, tokenizer, context in (
        ("bytes", tokenizers.train("byte", [], 300), 512),
        ("short", tokenizers.train("byte", [], 300), 48),
        ("words", words(), 512),
    ):
        save(folder / name, tokenizer, context)
    for name, lines in (("plain", PLAIN), ("strange", PLAIN + STRANGE)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def ranked(place, monkeypatch, capsys, traces, *names):
    monkeypatch.chdir(place)
    code = main(["rank", "--models", *names, "--traces", f"{traces}.jsonl", "--out", "-".join((traces, *names))])
    return code, capsys.readouterr()


def test_a_model_that_reads_unknown_tokens_is_not_ranked_and_nothing_runs(place, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(shards, "extract", None)
        code, said = ranked(place, monkeypatch, capsys, "strange", "bytes", "words")
    assert code == 4 and said.out == "" and len(said.err.splitlines()) == 1
    assert "no order between words and bytes" in said.err and "0 % of bytes" in said.err
    # the four strange ones, numbers 13 to 16, are alike: the first is named
    assert "unknown to the tokenizer of words (most of it in trace strange/13, " in said.err
    assert said.err.endswith("leave words out of --models, or such traces out of --traces\n")
    assert not (place / "strange-bytes-words").exists()


def test_a_context_that_cuts_more_of_the_text_gives_no_order(place, monkeypatch, capsys):
    code, said = ranked(place, monkeypatch, capsys, "plain", "bytes", "short")
    assert code == 4 and "no order between short and bytes" in said.err and "cut off by the context" in said.err
    items = pd.read_parquet(place / "plain-bytes-short" / "models" / "short" / "items.parquet")
    trace = items.loc[items["cut_bytes"].idxmax()]
    assert f"(most of it in trace plain/{trace['id']}, {trace['cut_bytes']} bytes)" in said.err
    assert "leave short out of --models, or traces as long as that out of --traces" in said.err
    assert not (place / "plain-bytes-short" / "ranking.csv").exists()


def test_models_that_read_alike_are_ordered_with_one_table(place, monkeypatch, capsys):
    code, said = ranked(place, monkeypatch, capsys, "plain", "bytes", "words")
    assert code == 0, said.err
    (header,) = [line for line in said.out.splitlines() if line.startswith("what became of the text")]
    assert header.split()[-2:] == ["bytes", "words"] and "traces read" in said.out


def test_a_trace_with_an_unknown_token_leaves_and_is_counted(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert main(["extract", "--model", "words", "--traces", "strange.jsonl", "--out", "rows"]) == 0
    out = capsys.readouterr().out
    assert "dropped: its solution has unknown tokens" in out and "unknown tokens" in out
    facts = json.loads((place / "rows" / "manifest.json").read_text())["facts"]["text"]
    strange = sum(len(word.encode()) for line in STRANGE for word in line["solution"].split() if not word.isdigit())
    assert facts["scored"] == 12 and facts["dropped"] == {"its solution has unknown tokens": 4}
    assert facts["unknown_bytes"] >= strange - 4 * 2 and facts["lost_bytes"] == 0  # full stops may be known


@pytest.mark.parametrize(
    ("cut", "refused"), [((0, 5), False), ((0, 10), False), ((0, 11), True), ((500, 511), True), ((500, 500), False)]
)
def test_a_hundredth_of_the_text_may_differ(cut, refused):
    accounts = {name: {"cut_bytes": bytes_, "bytes": 1000} for name, bytes_ in zip("ab", cut, strict=True)}
    rows = [{"task": "t", "id": "1", "cut_bytes": 0}, {"task": "t", "id": "2", "cut_bytes": 9}]
    items = {name: pd.DataFrame(rows) for name in "ab"}
    if not refused:
        alike.refuse_unlike(accounts, items)
        return
    with pytest.raises(CannotTell, match=r"no order between b and a: .* of b \(most of it in trace t/2, 9 bytes\)"):
        alike.refuse_unlike(accounts, items)


def test_what_is_lost_is_called_lost(place, monkeypatch, capsys):
    folded = tokenizers.train("byte", [], 300)
    folded.backend_tokenizer.normalizer = normalizers.Lowercase()
    save(place / "folded", folded)
    lines = [{"prompt": line["prompt"], "solution": line["solution"].upper()} for line in PLAIN]
    (place / "loud.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, said = ranked(place, monkeypatch, capsys, "loud", "bytes", "folded")
    assert code == 4 and "lost in the tokenizer of folded (most of it in trace loud/" in said.err
