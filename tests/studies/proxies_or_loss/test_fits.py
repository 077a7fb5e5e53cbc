"""The stage: every claim has its row, about the LM judge and the first domain."""

import numpy as np
import pandas as pd
from studies.proxies_or_loss.made import cells, get

from proxylib.report import scoreboard
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.proxies_or_loss import fits, grid
from proxylib.studies.proxies_or_loss.stages import Settings


class Run:
    def __init__(self, table):
        self.table = lambda name: table


class Step:
    """What a declared step is to the builder."""

    def __init__(self, **domains):
        self.settings = Settings(domains=tuple(domains), bootstrap=Bootstrap(draws=60, level=0.95, seed=1))
        self.runs = {}
        for domain, table in domains.items():
            self.runs[f"{domain} loss_fits"] = Run(table.drop(columns=[grid.BPB]))
            self.runs |= {f"{domain} {row['cell']}": Run(pd.DataFrame([row])) for _, row in table.iterrows()}

    def parent(self, role):
        return self.runs[role]


def test_claims_have_rows_and_a_second_domain_stands_beside_the_first(tmp_path):
    noise = np.random.default_rng(5)
    table = cells(
        lambda s, d, z: s + d, lambda s, d, z: 3 - 0.2 * s - z, lambda s, d, z: s + d + 0.01 * noise.standard_normal()
    )
    other = cells(lambda s, d, z: s + d, lambda s, d, z: 3 - s - d, seed=4)
    workspace = Workspace(tmp_path)
    written = {}
    workspace.write_table = lambda name, frame: written.update({name: frame})
    workspace.note = lambda **facts: written.update(facts)
    fits.build(Step(scribe=table, claims=other), workspace)
    estimates = written["estimates"]
    assert get(estimates, claim="proxy-over-final-loss")["low"] > 0
    assert get(estimates, claim="proxy-over-final-loss claims")["estimate"] < 0
    asked = scoreboard.claims()
    assert set(asked.loc[asked["stage"] == "proxies_or_loss", "row"]) <= set(estimates["claim"])
    assert (estimates["n"] == 5).all() and set(written["strengths"]["domain"]) == {"scribe", "claims"}
