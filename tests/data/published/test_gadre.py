"""The loader of Gadre et al. on a made-up set of two models, and the published set's known answers."""

import json

import numpy as np
import pytest

from proxylib.data.published import gadre, registry
from proxylib.errors import UserError

SETS = [f"training/eval_data/{part}/00000001.tar" for part in gadre.LOSSES]
MODELS = ("c4_original-d=96_l=8_h=4-1.0", "rw_original-open_lm_7b-1.0")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "fetch", lambda name: tmp_path)
    monkeypatch.setattr(gadre, "MODELS", 2)
    place = tmp_path / "exp_data"
    for name in ("models", "evals"):
        (place / name).mkdir(parents=True)
    (place / "eval_metadata.csv").write_text("Eval Task,#datapoints,Random baseline\narc_challenge,2376,25\npiqa,1838,50\n")
    for number, name in enumerate(MODELS, start=1):
        results = [{"loss": number + part / 10, "val_data": [address]} for part, address in enumerate(SETS)]
        model = {"name": name, "hyperparameters": {"params": 7_000_000_000 * number, "tokens": 10**12}, "results": results}
        (place / "models" / f"{name}.json").write_text(json.dumps(model))
        scores = {"eval_metrics": {"icl": {"arc_challenge": 0.3, "piqa": 0.7}}}
        (place / "evals" / f"evaluation_{name}_heavy.json").write_text(json.dumps(scores))
    return place


def test_models_meet_their_evaluations_and_losses(folder):
    frame = gadre.gadre()
    assert len(frame) == 4 and set(frame["run"]) == set(MODELS)
    first = frame[frame["run"] == MODELS[1]].set_index("task").loc["arc_challenge"]
    assert first["flops"] == pytest.approx(6 * 14e9 * 1e12) and first["chance"] == 0.25 and first["items"] == 1172
    assert [first[name] for name in gadre.LOSSES.values()] == pytest.approx(list(2 + np.arange(8) / 10))
    assert [gadre.corpus_of(name) for name in MODELS] == ["C4", "RefinedWeb"]


def test_what_is_missing_or_unknown_is_named(folder):
    model = folder / "models" / f"{MODELS[0]}.json"
    whole = model.read_text()
    model.write_text(whole.replace("paloma_ptb", "another"))
    with pytest.raises(UserError, match="another.* is unknown"):
        gadre.gadre()
    model.write_text(whole)
    (folder / "evals" / f"evaluation_{MODELS[0]}_heavy.json").unlink()
    with pytest.raises(UserError, match="evaluation_c4_original.*cannot be read"):
        gadre.gadre()
    model.unlink()
    with pytest.raises(UserError, match="1 models, expected 2"):
        gadre.gadre()


@pytest.mark.published
def test_the_published_set_is_as_known(published_set):
    published_set("gadre_scaling")
    frame = gadre.gadre()
    assert {gadre.corpus_of(run) for run in frame["run"].unique()} == set(gadre.CORPORA.values())
    one = frame[frame["task"] == "lambada_openai"]
    assert np.corrcoef(one["loss_c4"].rank(), one["score"].rank())[0, 1] < -0.9
