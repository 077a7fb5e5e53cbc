"""Tables of runs that nobody trained, with what is to be found in them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

AT = np.unique(np.geomspace(20, 600, 20).round().astype(int))
PLACES = np.arange(len(AT))
SHARES = {
    "few": {"expert": 0.6, "other": 0.4},
    "some": {"expert": 0.6, "other": 0.4},
    "once": {"expert": 0.6, "other": 0.4},
    "slips": {"wrong": 0.6, "other-wrong": 0.4},
}
MIX = {"expert": 0.6, "prose": 0.3, "code": 0.1}
SEEDS = (2, 3, 4)


def run(domains, accuracy, shares, **tables):
    """A finished run: domain -> losses at `AT`, accuracies of two tasks of fifty problems."""
    long = pd.DataFrame(domains, AT).rename_axis("step").reset_index().melt("step", var_name="domain", value_name="nll")
    long.insert(1, "tokens", long["step"] * 1000)
    rows = [
        (step, step * 1000, task, str(problem), problem < round(share / 2))
        for step, share in zip(AT, accuracy, strict=True)
        for task in ("a", "b")
        for problem in range(50)
    ]
    outcomes = pd.DataFrame(rows, columns=["step", "tokens", "task", "id", "correct"])
    losses = pd.DataFrame({"phase": "pretraining", "split": "train", "step": np.arange(1, 601, 10)})
    losses["nll"] = 3 - 0.004 * losses["step"] + 0.01 * np.random.default_rng(0).normal(size=len(losses))
    facts = {"validation_tokens": 1000, "looks": 20, "validation_seconds": 1.0}
    given = {"domains": long, "outcomes": outcomes, "losses": losses} | tables
    return SimpleNamespace(
        table=given.__getitem__, config={"corpus": {"shares": shares}}, facts=facts, manifest={"facts": facts}
    )


def overfit_run(corpus, seed):
    """Few documents: validation turns in the middle and accuracy with it; slips: accuracy stays low."""
    rng = np.random.default_rng([seed, len(corpus)])
    bend = 0.06 * np.maximum(0, PLACES - 10) if corpus == "few" else 0.0
    falling = {name: 1 + 8 * AT**-0.6 + bend + 0.004 * rng.normal(size=len(AT)) for name in ("expert", "other")}
    rise = {"few": 4.0 * np.minimum(PLACES, 20 - PLACES), "slips": 0.5 * PLACES}.get(corpus, 4.0 * PLACES)
    domains = falling | {"own text": 4 - AT / 200, "prose": 5 - AT / 1000}
    return run(domains, np.maximum(0, rise + seed), SHARES[corpus])


def mixture_run(arm, seed):
    """Code falls behind; more of it lowers its loss by .5 and raises the others' by .1, more of prose does the reverse."""
    rng = np.random.default_rng([seed, len(arm)])
    ends = {"stalled": {"code": -0.5, "expert": 0.1, "prose": 0.1}, "other": {"prose": -0.2, "expert": 0.1, "code": 0.3}}
    moved = np.maximum(0, PLACES - 12) / (len(AT) - 13)
    domains = {
        name: 4 * AT**-power + ends.get(arm, {}).get(name, 0.0) * moved + 0.01 * rng.normal(size=len(AT))
        for name, power in (("expert", 0.3), ("prose", 0.1), ("code", 0.02))
    }
    towards = {"stalled": "code", "other": "prose", "redrawn": ""}
    rows = [] if arm == "alone" else [(float(AT[12]), "code", towards[arm])]
    change = pd.DataFrame(rows, columns=["step", "stalled", "towards"])
    return run(domains | {"own text": 4 - AT / 200}, np.full(len(AT), 20.0), MIX, change=change)


def watched(rising):
    """A watched run of the lab, one of whose domains may rise."""
    rng = np.random.default_rng(7)
    domains = {name: 5 * AT ** -(0.1 + 0.05 * n) + 0.003 * rng.normal(size=len(AT)) for n, name in enumerate("abc")}
    domains["c"] = domains["c"] + rising * np.maximum(0, PLACES - 8)
    return run(domains, np.zeros(len(AT)), MIX)


class Kept:
    """A workspace that keeps tables in memory."""

    def __init__(self):
        self.tables, self.facts = {}, {}

    def write_table(self, name, frame):
        self.tables[name] = frame

    def note(self, **facts):
        self.facts |= facts
