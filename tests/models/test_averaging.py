"""Averages of weights by hand."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from proxylib.models import architectures, averaging
from proxylib.models.settings import Model


def saved(folder, values):
    for number, value in enumerate(values):
        save_file({"w": torch.tensor(value), "count": torch.tensor([number])}, folder / f"{number}.safetensors")
    return [folder / f"{number}.safetensors" for number in range(len(values))]


def test_shares_of_a_moving_average_halve_in_a_half_life_and_sum_to_one():
    shares = averaging.moving(7, 3.0)
    assert sum(shares) == pytest.approx(1) and shares[6] == pytest.approx(2 * shares[3]) and shares == sorted(shares)


def test_weights_are_averaged_by_their_shares_and_counters_are_the_last(tmp_path):
    files = saved(tmp_path, [[1.0, 0.0], [3.0, 8.0]])
    mean = averaging.average(files, [0.25, 0.75])
    assert mean["w"].tolist() == [2.5, 6.0] and mean["w"].dtype == torch.float32 and mean["count"].tolist() == [1]


def test_a_share_too_many_is_an_error_and_no_average_of_fewer(tmp_path):
    with pytest.raises(ValueError, match="longer"):
        averaging.average(saved(tmp_path, [[1.0, 0.0], [3.0, 8.0]]), [0.2, 0.3, 0.5])


def test_a_models_weights_come_back(tmp_path):
    torch.manual_seed(3)
    spec = Model(architecture="gpt_neox", tokenizer="byte", width=16, depth=1, mix="expert", post="none", share=1.0)
    model = architectures.build(spec, 30, 16)
    (tmp_path / "w.safetensors").write_bytes(averaging.weights_bytes(model))
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in load_file(tmp_path / "w.safetensors").items())
    model.load_state_dict(averaging.average([tmp_path / "w.safetensors"] * 2, [0.5, 0.5]))
