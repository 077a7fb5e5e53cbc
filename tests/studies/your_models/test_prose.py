"""Loss on prose: passages that lose no word, bits per byte as the model's own forward gives them, and what is no prose."""

import math
import re

import numpy as np
import pytest
import torch
from models import strange

from proxylib.cli import main
from proxylib.errors import UserError
from proxylib.measure.settings import Layout, OverTraces
from proxylib.models import loading, tokenizers
from proxylib.stats import Bootstrap
from proxylib.studies.your_models import prose

PARAGRAPHS = [f"Paragraph {n} says that {n} and {n} make {2 * n}, ü." for n in range(12)]
BOOTSTRAP = Bootstrap(draws=100, level=0.95, seed=3)


def written(folder, text, name="mine.txt"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {kind: strange.saved(root / kind, kind) for kind in ("llama", "gpt_neox")}


def test_passages_hold_every_word_once_and_none_is_long(tmp_path):
    rng = np.random.default_rng(2)
    words = ["x" * int(size) for size in rng.integers(1, 40, 4000)] + ["".join(chr(97 + n % 26) for n in range(2500))]
    text = "\n\n".join(["  a \n", " ".join(words), *PARAGRAPHS, PARAGRAPHS[0], "\n \n"])
    parts = [trace.solution for trace in prose.passages(written(tmp_path, text))]
    assert "".join(re.sub(r"\s", "", part) for part in parts) == re.sub(r"\s", "", "a" + "".join(words) + "".join(PARAGRAPHS))
    assert max(map(len, parts)) <= prose.LONGEST and all(part == part.strip() for part in parts)
    assert parts[-12:] == PARAGRAPHS and len({trace.solution for trace in prose.passages(tmp_path / "mine.txt")}) == len(parts)


def test_loss_is_that_of_the_models_own_forward_in_bits_of_each_byte(models, tmp_path):
    traces = prose.passages(written(tmp_path, "\n\n".join(PARAGRAPHS)))
    given = OverTraces(traces="unused", out=tmp_path / "out", layout=Layout(impl="chunked"))
    found = prose.loss(models, traces, given, BOOTSTRAP).set_index("model")
    tokenizer = tokenizers.train("byte", [], 300)
    for name, folder in models.items():
        model, nats = loading.load(folder), 0.0
        for trace in traces:
            ids = torch.tensor([[*tokenizers.prompt_ids(tokenizer, ""), *tokenizers.encode(tokenizer, [trace.solution])[0]]])
            with torch.inference_mode():
                nats += model(input_ids=ids, labels=ids).loss.item() * (ids.shape[1] - 1)
        size = sum(len(trace.solution.encode()) for trace in traces)
        row = found.loc[name]
        assert (
            row["estimate"] == pytest.approx(nats / math.log(2) / size, rel=1e-5) and row["low"] < row["estimate"] < row["high"]
        )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mine.jsonl", b"{}", "mine.jsonl: prose is plain text"),
        ("mine.txt", "\n\n".join(PARAGRAPHS[:9]).encode(), "9 different paragraphs, at least 10"),
        ("mine.txt", b"", "0 different paragraphs"),
        ("mine.txt", b"good\n\nb\xff", "byte 8 is not UTF-8"),
    ],
)
def test_what_is_no_prose_is_one_line_and_nothing_is_measured(models, tmp_path, capsys, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        prose.passages(tmp_path / name)
    traces = written(tmp_path, "".join(f'{{"prompt": "p {n}", "solution": "is {n} and so on"}}\n' for n in range(6)), "t.jsonl")
    given = ["--models", *map(str, models.values()), "--traces", str(traces), "--out", str(tmp_path / "out")]
    assert main(["rank", *given, "--prose", str(tmp_path / name)]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="gone.txt: No such file"):
        prose.passages(tmp_path / "gone.txt")


def test_the_command_shows_it_beside_the_proxy(models, tmp_path, capsys):
    text = written(tmp_path, "\n\n".join(PARAGRAPHS))
    traces = written(tmp_path, "".join(f'{{"prompt": "p {n}", "solution": "is {n} and so on"}}\n' for n in range(6)), "t.jsonl")
    given = ["--models", *map(str, models.values()), "--traces", str(traces), "--out", str(tmp_path / "out"), "--threads", "1"]
    assert main(["rank", *given, "--prose", str(text)]) == 0
    assert "bits per byte of prose" in capsys.readouterr().out
    assert "prose_bits_per_byte low" in (tmp_path / "out" / "ranking.csv").read_text().splitlines()[0]
