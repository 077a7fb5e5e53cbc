"""The stage: every claim has its row, about the LM judge and the first domain."""

import numpy as np
import pandas as pd
from studies.proxies_or_loss.made import cells, get

from proxylib.report import scoreboard
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Decision
from proxylib.studies.proxies_or_loss import fits, grid, report
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


def written(tmp_path, **domains):
    tables = {}
    workspace = Workspace(tmp_path)
    workspace.write_table = lambda name, frame: tables.update({name: frame})
    workspace.note = lambda **facts: None
    fits.build(Step(**domains), workspace)
    return tables


def test_claims_have_rows_about_the_lm_judge(tmp_path):
    noise = np.random.default_rng(5)
    table = cells(
        lambda s, d, z: s + d, lambda s, d, z: 3 - 0.2 * s - z, lambda s, d, z: s + d + 0.01 * noise.standard_normal()
    )
    tables = written(tmp_path, scribe=table)
    estimates = tables["estimates"]
    assert get(estimates, claim="proxy-over-final-loss")["low"] > 0 and (estimates["n"] == 5).all()
    asked = scoreboard.claims()
    assert set(asked.loc[asked["stage"] == "proxies_or_loss", "row"]) == set(estimates["claim"])


def test_a_domain_without_an_lm_judge_has_its_other_scores_and_makes_no_claim(tmp_path):
    table = cells(lambda s, d, z: s + d, lambda s, d, z: 3 - s - d + z).drop(columns=["LM judge"])
    tables = written(tmp_path, claims=table)
    assert "estimates" not in tables and set(tables["strengths"]["domain"]) == {"claims"}
    assert set(tables["strengths"]["score"]) == set(grid.SCORES) - {"LM judge"}
    assert set(report.better(tables["strengths"], "minus final loss")) == set(Decision)
