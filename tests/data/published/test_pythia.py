"""Pythia's loader: names against contents, MMLU and its error, and the published set's known answers."""

import json

import numpy as np
import pytest

from proxylib.data.published import pythia, registry
from proxylib.errors import UserError


def result(size, step, fewshot=0):
    rng = np.random.default_rng(step)
    names = [task for task in pythia.CHANCE if task != "mmlu"] + [f"hendrycksTest-{number}" for number in range(57)]
    results = {name: {"acc": float(rng.uniform(0.2, 0.6)), "acc_stderr": 0.03} for name in names}
    results["lambada_openai"]["ppl"] = float(np.exp(3.0))
    config = {"model_args": f"pretrained=EleutherAI/pythia-v1.1-{size},revision=step{step}", "num_fewshot": fewshot}
    return {"results": results, "config": config}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two runs with two checkpoints each, where the loader looks for eleven of 27."""
    monkeypatch.setattr(registry, "fetch", lambda name: tmp_path)
    monkeypatch.setattr(pythia, "RUNS", ("pythia-70m", "pythia-1b-deduped"))
    monkeypatch.setitem(pythia.CHECKPOINTS, "zero-shot", 2)
    for run in pythia.RUNS:
        place = tmp_path / "pythia-v1" / run / "zero-shot"
        place.mkdir(parents=True)
        for step in (0, 1000):
            name = run.removeprefix("pythia-")
            (place / f"{name}_step{step}.json").write_text(json.dumps(result(name, step)))
    return tmp_path / "pythia-v1"


def test_results_are_one_history(folder):
    frame = pythia.pythia()
    assert len(frame) == 2 * 2 * 9 and set(frame["tokens"]) == {0, 1000 * 2_097_152}
    assert frame.loc[frame["run"] == "pythia-1b-deduped", "parameters"].unique() == [805_736_448]
    assert frame["lambada_nll"].unique() == pytest.approx([3.0])
    mmlu = frame[(frame["task"] == "mmlu") & (frame["step"] == 1000)].iloc[0]
    subjects = [v["acc"] for k, v in result("70m", 1000)["results"].items() if k.startswith("hendrycks")]
    assert mmlu["score"] == pytest.approx(np.mean(subjects)) and mmlu["stderr"] == pytest.approx(0.03 / np.sqrt(57))


def test_files_that_are_not_what_their_name_says_are_refused(folder):
    path = folder / "pythia-70m" / "zero-shot" / "70m_step1000.json"
    for wrong in (result("70m", 2000), result("70m", 1000, fewshot=5)):
        path.write_text(json.dumps(wrong))
        with pytest.raises(UserError, match="70m_step1000.json: not the result of pythia-70m at step 1000"):
            pythia.pythia()
    path.write_text("{}")
    with pytest.raises(UserError, match="not a result of the evaluation harness"):
        pythia.pythia()
    path.unlink()
    with pytest.raises(UserError, match="1 checkpoints, expected 2"):
        pythia.pythia()
    with pytest.raises(UserError, match="shots 'ten-shot' is unknown"):
        pythia.pythia("ten-shot")


@pytest.mark.published
def test_the_published_results_are_as_known(published_set):
    published_set("pythia_evals")
    frame = pythia.pythia()
    last = frame[frame["step"] == 143_000]
    order = last[last["task"] == "lambada_openai"].set_index("run")["score"]
    assert order["pythia-70m"] < order["pythia-410m"] < order["pythia-2.8b"] and order["pythia-1b-deduped"] == pytest.approx(
        0.5804, abs=1e-4
    )
    implied = last["score"] * (1 - last["score"]) / last["stderr"] ** 2
    assert implied[last["task"] == "piqa"].to_numpy() == pytest.approx(1837, abs=1)  # the harness divides by n - 1
    assert pythia.pythia("five-shot")["step"].nunique() == 15
