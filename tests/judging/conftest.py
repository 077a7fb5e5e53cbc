"""What tests of judges share."""

import pytest


@pytest.fixture
def hasty(monkeypatch):
    """Who asks again waits for a moment: Inspect between calls, and OpenAI's client within one, would wait for seconds."""
    monkeypatch.setattr("inspect_ai.model._retry.wait_exponential_jitter", lambda **_: lambda *_: 0.01)
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *_, **__: 0.01)
