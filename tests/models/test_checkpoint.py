"""A damaged checkpoint is named, and training starts anew."""

import random

import pytest
import torch
from models import tiny
from models.small_training import contents, interrupt, run

from proxylib.models import checkpoint, pretrain

pytestmark = pytest.mark.usefixtures("quick")


def test_a_damaged_checkpoint_is_named_and_ignored(finished, tmp_path, tokenizer, capsys):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt(patch, 9)
        run(tmp_path, tokenizer)
    path = tmp_path / pretrain.CHECKPOINT
    path.write_bytes(path.read_bytes()[:-100])
    anew, _ = run(tmp_path, tokenizer)
    assert f"{path} is damaged; training starts anew" in capsys.readouterr().err
    assert anew.facts["resumed_at_step"] == 0 and contents(anew) == contents(finished[0])


def test_a_flipped_bit_in_a_checkpoint_is_named_or_changes_nothing(tmp_path, capsys):
    model = tiny.build(entries=50, context=32)
    path, rng, named = tmp_path / pretrain.CHECKPOINT, random.Random(6), 0
    checkpoint.write(path, model, [], [["pretraining", "train", 1, 2, 3.5, None]], 7)
    whole, kept = path.read_bytes(), {name: value.clone() for name, value in model.state_dict().items()}
    for _ in range(60):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        state = checkpoint.resume(path, model, [])
        assert state in ((0, []), (7, [["pretraining", "train", 1, 2, 3.5, None]]))
        named += state == (0, []) and str(path) in capsys.readouterr().err
        assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    assert named > 50


@pytest.mark.parametrize("data", [b"", b"garbage", bytes(64)])
def test_any_damage_to_a_checkpoint_is_survived(tmp_path, data, capsys):
    path = tmp_path / pretrain.CHECKPOINT
    path.write_bytes(data)
    assert checkpoint.resume(path, tiny.build(entries=50, context=32), []) == (0, [])
    assert str(path) in capsys.readouterr().err
