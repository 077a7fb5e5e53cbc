"""Histories whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.forecasting import history
from proxylib.studies.forecasting.settings import Forecast


def scores_of(tasks, x, rng, items=None):
    """task -> shares at x: power laws, with the items' noise where there are items."""
    laws = {task: (rng.uniform(0.6, 0.9), rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.5)) for task in tasks}
    truth = {task: a - b * (x / x[0]) ** -c for task, (a, b, c) in laws.items()}
    return truth if items is None else {task: rng.binomial(items, values) / items for task, values in truth.items()}


@pytest.fixture
def laid():
    """`laid(tasks=3, ...)`: a history of power laws as a frame."""

    def frame(tasks=3, points=20, items=None, seed=0, last=1e11, first=1e9, **columns):
        x = np.geomspace(first, last, points)
        scores = scores_of([f"t{number}" for number in range(tasks)], x, np.random.default_rng(seed), items)
        rows = [pd.DataFrame({"task": task, "tokens": x, "score": values}) for task, values in scores.items()]
        return pd.concat(rows, ignore_index=True).assign(**columns)

    return frame


@pytest.fixture
def loaded(tmp_path):
    """`loaded(frame, target)`: the history of a frame or of the text of a CSV file."""

    def load(content, target="tokens=1e12", **options):
        path = tmp_path / "h.csv"
        if isinstance(content, pd.DataFrame):
            content.to_csv(path, index=False)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return history.load(Forecast(history=path, target=target, out=tmp_path / "out", **options))

    return load
