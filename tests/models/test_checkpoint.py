"""A damaged checkpoint is named, and training starts anew."""

import pytest
from models.small_training import LLAMA, contents, interrupt, run

from proxylib.models import architectures, checkpoint, pretrain

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


@pytest.mark.parametrize("data", [b"", b"garbage", bytes(64)])
def test_any_damage_to_a_checkpoint_is_survived(tmp_path, data, capsys):
    path = tmp_path / pretrain.CHECKPOINT
    path.write_bytes(data)
    assert checkpoint.resume(path, architectures.build(LLAMA, 50, 32), []) == (0, [])
    assert str(path) in capsys.readouterr().err
