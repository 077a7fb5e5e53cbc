"""A small world of mixtures: losses that fall with the root of a domain's share, the larger the model the lower."""

import numpy as np
import pandas as pd

from proxylib.data.published import regmix
from proxylib.stats import Bootstrap

SETTINGS = Bootstrap(draws=100, level=0.9, seed=5)
LEVEL = {"fitted": 6.0, "1M": 6.0, "60M": 4.0, "1B": 3.0}
COUNT = {"fitted": 120, "1M": 40, "60M": 40, "1B": 24}


def mixtures(part, noise=0.02, seed=0):
    """`Mixtures` as the loader gives them; 1M and 60M are of the same mixtures."""
    drawn = {"fitted": 1, "1M": 2, "60M": 2, "1B": 3}[part] + 10 * seed
    shares = np.random.default_rng(drawn).dirichlet(np.full(len(regmix.DOMAINS), 0.3), COUNT[part])
    shares = pd.DataFrame(shares, columns=regmix.DOMAINS)
    luck = np.random.default_rng([drawn, len(part)]).normal(0, noise, (COUNT[part], len(regmix.VALIDATED)))
    return regmix.Mixtures(shares, LEVEL[part] - np.sqrt(shares[list(regmix.VALIDATED)]) + luck)
