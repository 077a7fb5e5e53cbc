"""Every task family, and problems drawn from it."""

import random

import pytest

from proxylib.data import tasks

FAMILIES = list(tasks.TASKS.values())
WORKED = ("expert", "other")
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
each_style = pytest.mark.parametrize("style", WORKED)


def problems(family, count=60, seed=5):
    rng = random.Random(seed)
    return [(level, family.draw(rng, level)) for level in family.levels for _ in range(count)]
