"""What the lab changes about an architecture."""

import pytest
import torch
from models.small_training import CONFIG, SMOL

from proxylib.models import architectures


def test_smollm3_has_positions_in_its_first_block_alone_and_rows_of_tokens_that_differ():
    torch.manual_seed(0)
    model = architectures.build(SMOL.model_copy(update={"depth": 3}), 300, CONFIG.context)
    assert [block.self_attn.use_rope for block in model.model.layers] == [1, 0, 0]
    assert model.config.rope_parameters["rope_theta"] == architectures.ROTATION
    assert model.get_input_embeddings().weight.std().item() == pytest.approx(architectures.TOKEN_SPREAD, rel=0.1)
