"""The loader of RegMix on a made-up set, what it refuses, and the published set's known answers."""

import numpy as np
import pandas as pd
import pytest

from proxylib.data.published import regmix
from proxylib.errors import UserError


def made_up(part, seed=0):
    """Mixtures and losses of one part in the published layout."""
    rng, (*_, count) = np.random.default_rng(seed), regmix.PARTS[part]
    index = pd.Index(np.arange(1, count + 1), name="index")
    shares = pd.DataFrame(rng.dirichlet(np.full(17, 0.3), count).round(3), index=index)
    losses = pd.DataFrame(rng.uniform(2, 6, (count, 13)), index=index)
    return (
        shares.set_axis([f"train_the_pile_{name}" for name in regmix.DOMAINS], axis=1),
        losses.set_axis([f"metric/the_pile_{name}_val_loss" for name in regmix.VALIDATED], axis=1),
    )


@pytest.fixture
def write(tmp_path, monkeypatch):
    """`write(part, shares, losses)` where the loader looks for them."""
    monkeypatch.setattr(regmix.registry, "fetch", lambda name: tmp_path)
    (tmp_path / "data").mkdir()

    def written(part, shares, losses):
        kind, size, _ = regmix.PARTS[part]
        shares.to_csv(tmp_path / "data" / f"{kind}_mixture_{size}.csv")
        losses.to_csv(tmp_path / "data" / f"{kind}_pile_loss_{size}.csv")

    return written


@pytest.mark.parametrize("part", regmix.PARTS)
def test_mixtures_meet_their_losses(write, part):
    shares, losses = made_up(part)
    write(part, shares, losses)
    runs = regmix.mixtures(part)
    assert tuple(runs.shares) == regmix.DOMAINS and tuple(runs.losses) == regmix.VALIDATED and len(regmix.VALIDATED) == 13
    assert len(runs.shares) == len(runs.losses) == regmix.PARTS[part][2]
    assert runs.losses.loc[7, "hackernews"] == pytest.approx(losses.loc[7, "metric/the_pile_hackernews_val_loss"])
    assert runs.shares.loc[7, "europarl"] == shares.loc[7, "train_the_pile_europarl"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, m: (s.iloc[::-1], m), "losses are not of the mixtures beside it"),
        (lambda s, m: (s.iloc[:-1], m), "not 64 different rows"),
        (lambda s, m: (s, m.rename(index={3: 4})), "pile_loss_1B.csv: not 64 different rows"),
        (lambda s, m: (s * 1.1, m), "mixture_1B.csv: the shares of mixture 1 do not sum to 1"),
        (lambda s, m: (s, m - 10), "pile_loss_1B.csv: a loss of mixture 1 is not positive"),
        (lambda s, m: (s, m.replace(m.iloc[5, 5], np.nan)), "not 64 different rows of finite numbers"),
        (lambda s, m: (s, m.iloc[:, 1:]), "not the expected table"),
    ],
)
def test_what_is_odd_is_named(write, change, message):
    write("1B", *change(*made_up("1B")))
    with pytest.raises(UserError, match=message):
        regmix.mixtures("1B")


@pytest.mark.published
def test_the_published_set_is_as_known(published_set):
    """The same mixtures at 1M and 60M; none of those at 1B was trained smaller, and none is in two parts."""
    published_set("regmix")
    parts = {part: regmix.mixtures(part) for part in regmix.PARTS}
    assert parts["1M"].shares.equals(parts["60M"].shares)
    kinds = [{tuple(row) for row in parts[part].shares.to_numpy()} for part in ("fitted", "1M", "1B")]
    assert not (kinds[0] & kinds[1] or kinds[0] & kinds[2] or kinds[1] & kinds[2])
    means = [parts[part].losses.to_numpy().mean() for part in ("1M", "60M", "1B")]
    assert means == sorted(means, reverse=True) and 5 < means[0] < 7 and 1.5 < means[2] < 3
