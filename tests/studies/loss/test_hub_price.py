"""What a cell is said to take by several processes, or with activations computed again; every trial takes a second."""

import pytest
from models import strange

from proxylib.data.trace import Trace
from proxylib.models import lora, tokenizers
from proxylib.studies.loss import hub_price
from proxylib.studies.loss.settings import HubTuning, hub

GIVEN = {"device": "cpu", "dtype": "float32", "threads": 1, "rank": 4, "batch": 4, "device_batch": 2, "epochs": 2}
TRACES = [Trace("t", str(number), f"ask {number}", "answer " * (1 + number), "", "") for number in range(8)]


@pytest.fixture
def priced(monkeypatch, tmp_path):
    """`priced(processes, recompute)`: of a base of four layers."""
    monkeypatch.setattr(hub_price.price, "timed", lambda work, device: (work(), 1.0)[1])
    monkeypatch.setattr(hub_price.price, "holds", lambda device: 0.0)
    base, tokenizer = strange.built(num_hidden_layers=4), tokenizers.train("byte", [], 300)
    rows = lora.rows_of(TRACES, tokenizer, 100)

    def call(processes=1, recompute=False):
        settings = hub(GIVEN | {"recompute": recompute})
        assert isinstance(settings, HubTuning)
        return hub_price.priced(base, tokenizer, (rows, rows), settings, processes, tmp_path)

    return call


def test_processes_share_the_training_alone_and_each_holds_all_of_it(priced):
    one, two = priced(), priced(processes=2)
    assert two.training.seconds == pytest.approx(one.training.seconds / 2)
    assert two.training[2:4] == one.training[2:4] and two.training.tokens == one.training.tokens
    assert two.loss[:4] == one.loss[:4] and two.notes[:4] == one.notes[:4]


def test_what_is_computed_again_takes_half_as_long_again_and_less_memory(priced):
    kept, again = priced(), priced(recompute=True)
    assert again.training.seconds == pytest.approx(1.5 * kept.training.seconds)
    assert again.training.memory < kept.training.memory and again.training.disk == kept.training.disk
    assert again.loss[:4] == kept.loss[:4] and again.notes[:4] == kept.notes[:4]
