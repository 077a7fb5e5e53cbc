"""Made-up training runs whose proxies, losses and accuracies are known curves."""

import numpy as np
import pandas as pd

from proxylib.measure import proxies
from proxylib.stats import Bootstrap
from proxylib.studies.forecasting.lab_methods import NAMED
from proxylib.studies.forecasting.lab_runs import PROSE, SIGNALS, Watched

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)
STEPS = np.unique([*np.geomspace(7, 2916, 20).round(), *np.linspace(0.8 * 2916, 2916, 20).round()]).astype(int)
GOOD = SIGNALS.index(NAMED)


def rising(steps, ceiling, speed):
    """A power law from about zero towards a ceiling."""
    return ceiling * (1 - (steps / steps[0]) ** -speed)


def trained(name="run", seed=0, tasks=3, problems=4000, steps=STEPS, good=True, lucky=False):
    """A run in which one proxy, `GOOD`, is a power law and accuracy a line of it; the other signals only wander.

    With `good` False it wanders too; `lucky` accuracies have the luck of so many problems.
    """
    rng = np.random.default_rng(seed)
    wander = np.cumsum(rng.normal(0, 0.02, (tasks, len(SIGNALS), len(steps))), axis=2)
    signals = np.clip(0.5 + wander, 0.01, 0.99)
    courses = np.stack([rising(steps, 0.5 + 0.3 * rng.random(), 0.1 + 0.2 * rng.random()) for _ in range(tasks)])
    if good:
        signals[:, GOOD] = 0.1 + courses
    signals[:, SIGNALS.index(PROSE)] = (3 + 2 * steps**-0.3)[None]
    accuracy = 0.02 + 0.8 * courses
    right = rng.binomial(problems, accuracy).astype(float) if lucky else np.round(problems * accuracy)
    names = tuple("abcdefgh"[:tasks])
    return Watched(name, steps, steps * 1000.0, names, right, np.full(tasks, problems), np.full(tasks, 0.02), signals)


def several(count=5, **changes):
    """Runs of different seeds."""
    return [trained(f"run{seed}", seed, **changes) for seed in range(count)]


def tables(tasks=("sorting", "walk"), levels=(3, 4), each=4, steps=(1, 2, 40)):
    """What a `trajectory` run records, small: a problem of level 4 is right at the last step."""
    problems = [(task, f"{task}-{level}-{n}", level) for task in tasks for level in levels for n in range(each)]
    frame = pd.DataFrame(problems, columns=["task", "id", "level"])
    outcomes = pd.concat(
        [frame.drop(columns="level").assign(step=step, correct=(frame["level"] == 4) & (step == steps[-1])) for step in steps]
    )
    features = pd.DataFrame([(step, 100 * step, task) for step in steps for task in tasks], columns=["step", "tokens", "task"])
    values = {name: 0.1 * features["step"] + place for place, name in enumerate((*proxies.NAMES, "bits_per_byte", "prose_nll"))}
    return {"problems": frame, "outcomes": outcomes, "features": features.assign(**values)}
