"""Settings that make no grid are refused."""

import pytest
from pydantic import ValidationError

from proxylib import studies
from proxylib.studies.real_notes.settings import RealNotes


@pytest.mark.parametrize("values", [{"examples": [0, 4]}, {"examples": [8, 4]}, {"seeds": [1, 1]}])
def test_a_grid_names_each_cell_once_in_order(values):
    known = studies.profile("smoke").real_notes.model_dump()
    with pytest.raises(ValidationError):
        RealNotes(**known | values)


def test_the_tuning_seed_is_not_reported():
    assert 1 not in studies.profile("reference").real_notes.seeds
