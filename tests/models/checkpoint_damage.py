"""Ways in which a checkpoint of a fine-tune is found broken after a crash."""

import shutil


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def _torn(checkpoint):
    """As a computer that loses its power may leave a file: its length, and nothing in the middle."""
    data = bytearray((checkpoint / "optimizer.pt").read_bytes())
    data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    (checkpoint / "optimizer.pt").write_bytes(data)


def _emptied(checkpoint):
    shutil.rmtree(checkpoint)
    checkpoint.mkdir()


def _flipped(checkpoint):
    data = bytearray((checkpoint / "adapter_model.safetensors").read_bytes())
    data[-100] ^= 1
    (checkpoint / "adapter_model.safetensors").write_bytes(data)


def _unsealed(checkpoint):
    """A kill came between the files and their digests: whether they are what they were cannot be told."""
    _flipped(checkpoint)
    (checkpoint / "digests.json").unlink()


DAMAGES = {
    "a flipped bit": _flipped,
    "a flipped bit, no digests": _unsealed,
    "empty": _emptied,
    "no trainer_state.json": lambda checkpoint: (checkpoint / "trainer_state.json").unlink(),
    "half a trainer_state.json": lambda checkpoint: _truncate(checkpoint / "trainer_state.json"),
    "no optimizer.pt": lambda checkpoint: (checkpoint / "optimizer.pt").unlink(),
    "half an optimizer.pt": lambda checkpoint: _truncate(checkpoint / "optimizer.pt"),
    "a torn optimizer.pt": _torn,
    "half a random state": lambda checkpoint: _truncate(checkpoint / "rng_state.pth"),
    "half an adapter": lambda checkpoint: _truncate(checkpoint / "adapter_model.safetensors"),
}
