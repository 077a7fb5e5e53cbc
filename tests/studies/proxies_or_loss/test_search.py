"""Luck of a search: noise stays below the bar, a signal beyond loss passes it."""

import numpy as np
from studies.proxies_or_loss.made import get, made

from proxylib.measure import proxies
from proxylib.stats import Bootstrap
from proxylib.studies.proxies_or_loss import search

BOOTSTRAP = Bootstrap(draws=100, level=0.95, seed=2)


def test_noise_is_no_more_than_luck_and_a_truer_statistic_is():
    loss = lambda s, d, z: 3 - 0.3 * (s + d) + 0.5 * z
    noise = search.search(made(lambda s, d, z: s + d, loss, scores=["LM judge"]), BOOTSTRAP)
    truth = search.search(made(lambda s, d, z: s + d, loss, lambda s, d, z: s + d, scores=["LM judge"]), BOOTSTRAP)
    for shuffled in (search.SINGLE, search.WHOLE):
        keys = {"score": "LM judge", "quantity": search.GAIN, "shuffled": shuffled}
        assert get(noise, **keys)["p"] > 0.05
        assert get(truth, **keys)["p"] < 0.05 and get(truth, **keys)["estimate"] > get(truth, **keys)["bar"]
    assert get(noise, score="LM judge", quantity=search.STRENGTH, shuffled=search.SINGLE)["bar"] > 0.6, "one reaches .51"
    strength = get(truth, score="LM judge", quantity=search.STRENGTH, shuffled=search.SINGLE)
    assert strength["estimate"] > 0.999 > strength["bar"] > strength["null"] > 0


def test_whole_bases_change_places_and_keep_their_configurations():
    whole = made(lambda s, d, z: s, lambda s, d, z: -s)
    orders = search._whole(whole, 10**6)
    assert len(orders) == 120 == len(np.unique(orders, axis=0)) and (orders[0] == np.arange(15)).all()
    bases = whole.place["base"].to_numpy()[orders].reshape(120, 5, 3)
    assert (bases == bases[..., :1]).all(), "a base stays together"
    examples = whole.place["examples"].to_numpy()
    assert (examples[orders] == examples).all(), "and its numbers of examples stay in their places"
    assert len(search._whole(whole.only(np.arange(14)), 100)) == 1, "bases that differ cannot change places"
    assert len(proxies.NAMES) == 80
