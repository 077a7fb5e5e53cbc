"""The pretrained model's run."""

import torch
from transformers import AutoModelForCausalLM

from proxylib import studies
from proxylib.models import folders, packaged, tokenizers
from proxylib.studies.pretrained import brought


def test_the_stand_in_is_the_same_every_time_and_takes_a_chat(tmp_path):
    for name in ("a", "b"):
        brought.stand_in(tmp_path / name)
    assert folders.fingerprint(tmp_path / "a") == folders.fingerprint(tmp_path / "b")
    tokenizer = tokenizers.load(tmp_path / "a")
    assert tokenizer.decode(tokenizers.prompt_ids(tokenizer, "sort 3 1 2", chat=True)).endswith("<|assistant|>\n")
    table, model = brought._tensors(tmp_path / "a"), AutoModelForCausalLM.from_pretrained(tmp_path / "a")
    assert (table["rows"] * table["columns"]).sum() == sum(parameter.numel() for parameter in model.parameters())


def test_no_random_number_of_the_caller_is_taken(tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    brought.stand_in(tmp_path / "a")
    assert torch.equal(torch.rand(2), expected)


def test_the_digest_of_the_file_is_part_of_the_runs_identity():
    settings = studies.declare("fetched_model", "reference").settings
    assert settings.gguf == packaged.MODELS[settings.model].gguf
    assert studies.declare("fetched_model", "smoke").settings.gguf is None
