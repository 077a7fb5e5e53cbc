"""Fixtures that several test modules share."""

import pytest
from models.small_training import after, run

from proxylib.models import devices, pretrain, tokenizers


@pytest.fixture(scope="module")
def quick():
    """Every training loss is kept; the measured matmul rate is a fact of the machine, not of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "matmul_rate", lambda *_: 1e9)
        patch.setattr(pretrain, "EVERY", 1)
        yield


@pytest.fixture(scope="module")
def tokenizer(quick):
    return tokenizers.train("byte", [], 300)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tokenizer):
    """(workspace, model) of a run that nobody interrupted."""
    return run(tmp_path_factory.mktemp("finished"), tokenizer)


@pytest.fixture(scope="module")
def styled(tmp_path_factory, tokenizer):
    """(workspace, model) of a run with post-training that nobody interrupted."""
    return run(tmp_path_factory.mktemp("styled"), tokenizer, after("style"))
