"""What an aggregate hides: counted as seen, beside noise; pairs of models by hand."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.validation.hidden import discordant, hidden, long, looked_at, over_pairs

AT = np.arange(1, 31) * 100.0


def wide(rising=0.0, noise=0.002, seed=0):
    """Three domains that fall, one of which may rise from the middle on."""
    rng = np.random.default_rng(seed)
    fall = {"web": 3 * AT**-0.2, "books": 4 * AT**-0.25, "code": 2 * AT**-0.15 + rising * np.maximum(0, np.arange(30) - 15)}
    frame = pd.DataFrame(fall, AT)
    return frame * (1 + noise * rng.normal(size=frame.shape))


def test_steps_at_which_the_mean_falls_and_a_domain_rises():
    losses = np.array([[3.0, 3.0], [2.0, 3.1], [1.0, 3.0], [1.5, 3.0]])
    assert discordant(losses) == pytest.approx(1 / 3)
    assert discordant(np.stack([losses, -losses])).shape == (2,)


def test_noise_alone_gives_about_its_null_and_a_domain_that_rises_gives_more():
    quiet = [hidden(wide(seed=seed), seed) for seed in range(4)]
    assert np.mean([one.share - one.null for one in quiet]) == pytest.approx(0, abs=0.12)
    loud = hidden(wide(rising=0.008, noise=1e-4), 0)
    assert loud.share > loud.null + 0.1


def test_a_run_is_looked_at_by_every_alarm():
    told = looked_at("a", wide(rising=0.01), 0)
    assert told["paying"] == "code" and told["run"] == "a" and told["checkpoints"] == 30
    assert looked_at("a", wide(), 0)["paying"] == "" and not looked_at("a", wide(), 0)["turned"]
    assert set(long(wide())["task"]) == {"web", "books", "code"}


def test_pairs_in_which_the_better_mean_is_worse_somewhere():
    losses = np.array([[1.0, 1.0], [0.5, 1.2], [3.0, 3.0]])
    share = over_pairs(losses, 0.95)
    assert share.estimate == pytest.approx(1 / 3)  # of three pairs, the second beats the first and is worse on the other set
    assert over_pairs(losses, 0.95, "mean").estimate == pytest.approx(1 / 6)
    alike = over_pairs(np.arange(1.0, 6.0)[:, None] * np.ones(3), 0.95)
    assert alike.estimate == alike.low == 0 and 0.3 < alike.high < 0.6
