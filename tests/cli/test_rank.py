"""`proxylib rank`: what it is given reaches the extraction as it was given."""

import json

import pytest

from proxylib.cli import main
from proxylib.measure.tokenstats import shards


def test_every_value_reaches_the_extraction(tmp_path, monkeypatch):
    class Reached(Exception):
        pass

    def extract(model, traces, out, settings, layout, threads):
        raise Reached(settings, layout, threads, out)

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    lines = [json.dumps({"question": question, "answer": "a", "solution": "s"}) + "\n" for question in ("q", "r")]
    (tmp_path / "t.jsonl").write_text("".join(lines))
    monkeypatch.setattr(shards, "extract", extract)
    monkeypatch.setattr(shards, "price", lambda *given: None)
    monkeypatch.setattr("proxylib.studies.your_models.alike.refuse_unread", lambda *given: None)
    monkeypatch.setattr("proxylib.models.tokenizers.load", lambda folder, bos: None)
    monkeypatch.setattr("proxylib.models.tokenizers.prompt_ids", lambda *given: None)
    monkeypatch.chdir(tmp_path)
    words = ["--models", "a", "b", "--traces", "t.jsonl", "--out", "out", "--fields", "prompt=question", "--threads", "3"]
    words += [
        "--window",
        "7",
        "--characters",
        "9",
        "--chat",
        "--device",
        "cuda",
        "--dtype",
        "bfloat16",
        "--top",
        "2",
        "--bos",
        "never",
    ]
    words += [
        "--batch-tokens",
        "11",
        "--batch-traces",
        "13",
        "--padding",
        "0.5",
        "--no-share",
        "--chunk",
        "5",
        "--impl",
        "reference",
    ]
    with pytest.raises(Reached) as caught:
        main(["rank", *words])
    settings, layout, threads, out = caught.value.args
    expected = {"window": 7, "characters": 9, "chat": True, "device": "cuda", "dtype": "bfloat16", "columns": (), "top": 2}
    expected |= {"bos": "never"}
    assert settings.model_dump() == expected and threads == 3 and out.parts == ("out", "models", "a")
    expected = {"batch_tokens": 11, "batch_traces": 13, "padding": 0.5, "share": False, "chunk": 5, "impl": "reference"}
    assert layout.model_dump() == expected
