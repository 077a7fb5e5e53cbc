"""`proxylib run`."""

import pytest

TRAIN = "notebooks/stages/train.ipynb"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "the following arguments are required: NOTEBOOK"),
        (("nowhere.ipynb",), "nowhere.ipynb: no such file"),
        ((TRAIN, "-p", "model", "gpt-9"), "'gpt-9' is not in this profile"),
        ((TRAIN, "-p", "tokens", "many"), "parameter tokens"),
        ((TRAIN, "-y", "nowhere.yaml"), "nowhere.yaml: no such file"),
    ],
)
def test_what_it_refuses(refusal, words, said):
    assert said in refusal("run", *words)


def test_a_step_without_its_parents_says_which_and_how(tmp_path, monkeypatch, refusal):
    monkeypatch.setenv("PROXYLIB_RUNS", str(tmp_path))
    line = refusal("run", "notebooks/stages/measure.ipynb", "-p", "model", "llama-bpe-32")
    assert "needs train/llama-bpe-32-seed1, material" in line and "--only train/llama-bpe-32-seed1" in line
