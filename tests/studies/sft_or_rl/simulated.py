"""Curves that are known, of every arm, from three beginnings."""

import numpy as np
import pandas as pd

from proxylib.stats import Bootstrap
from proxylib.studies.sft_or_rl.judges import IMPERFECT, PASSED, RUBRIC
from proxylib.studies.sft_or_rl.settings import AnalysisSettings, Arm

ARMS = (
    Arm(method="expert notes"),
    Arm(method="iterated SFT", judge=RUBRIC),
    Arm(method="GRPO", judge=RUBRIC),
    Arm(method="iterated SFT", judge=IMPERFECT),
    Arm(method="GRPO", judge=IMPERFECT),
    Arm(method="GRPO", judge=IMPERFECT, beta=1.0),
)
LEVEL = 0.95
SETTINGS = AnalysisSettings(arms=ARMS, seeds=(2, 3, 4), gains=(10.0, 90.0), bootstrap=Bootstrap(draws=50, level=LEVEL, seed=1))


def run(arm, seed, slope, flops=1.0, games=0.0):
    """A curve that rises by so many points a round, of which each costs ten notes and so many operations."""
    rounds = np.arange(0, 9, 2)
    rubric = 20.0 + seed + slope * rounds
    judged = rubric + games * rounds
    table = {
        "round": rounds,
        "dialogues": 4 * rounds,
        "samples": 10 * rounds,
        "flops": flops * rounds,
        "divergence": 0.1 * rounds,
    }
    scores = {PASSED: rubric, RUBRIC: rubric, IMPERFECT: judged, "gaming": judged - rubric, "words": 25.0, "false": 0.0}
    about = {"arm": arm.name, "method": arm.method, "judge": arm.judge or "", "beta": arm.beta, "seed": seed}
    return pd.DataFrame(table | scores).assign(**about)


def points(**changes):
    """Runs of all arms; `changes` by method."""
    slopes = {
        "expert notes": {"slope": 1.0},
        "iterated SFT": {"slope": 4.0},
        "GRPO": {"slope": 2.0, "flops": 3.0, "games": 2.0},
    }
    return pd.concat([run(arm, seed, **(slopes[arm.method] | changes)) for arm in ARMS for seed in SETTINGS.seeds])
