"""What tests of planning share."""

import pytest

from proxylib.laws import surface


@pytest.fixture
def few_guesses(monkeypatch):
    """The fit mixes few combinations: tests of what is done with it need no more."""
    for name, values in {"LINE": (0.1,), "BEND": (0.5,), "LUCK": (0.3,)}.items():
        monkeypatch.setattr(surface, name, values)
