"""The study pooled: what was put into made-up bases is in the estimates that claims read."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from studies.post_training.simulated import ARMS, outcomes

from proxylib.runs.folder import Folder
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.post_training import dashboard, detection
from proxylib.studies.post_training.detection import PAIRED
from proxylib.studies.post_training.settings import RegressionsSettings

BASES = ("a", "b", "c")
DOMAINS = ("code", "prose")


def domains(rng, rounds):
    rows = [(number, name, 1.0, rng.normal(2, 0.1)) for number in rounds for name in DOMAINS]
    return pd.DataFrame(rows, columns=["round", "domain", "nll", "bits_per_byte"])


@pytest.fixture(scope="module")
def pooled(tmp_path_factory):
    rng = np.random.default_rng(4)
    made = outcomes(rng, bases=BASES, rounds=2, lost=0.15)
    roles = {}
    for base in BASES:
        of_base = made[made["base"] == base].drop(columns="base")
        first = of_base[(of_base["arm"] == ARMS[0].name) & (of_base["round"] == 0)].drop(columns=["arm", "round"])
        tables = {"outcomes": first, "domains": domains(rng, [0]).drop(columns="round")}
        roles[f"base {base}"] = SimpleNamespace(table=tables.__getitem__)
        for arm in ARMS:
            after = of_base[(of_base["arm"] == arm.name) & (of_base["round"] > 0)].drop(columns="arm")
            kept = {"outcomes": after, "domains": domains(rng, [1, 2])}
            roles[f"{base}: {arm.name}"] = SimpleNamespace(table=kept.__getitem__)
    settings = RegressionsSettings(
        bases=BASES,
        arms=ARMS,
        targets=("counting", "division"),
        bootstrap=Bootstrap(draws=100, level=0.95, seed=7),
    )
    folder = tmp_path_factory.mktemp("pooled")
    workspace = Workspace(folder, Folder(folder, {}).progress())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detection, "DASHBOARDS", 6)
        dashboard.build(SimpleNamespace(settings=settings, parent=roles.__getitem__), workspace)
    return workspace


def table(workspace, name):
    return pd.read_parquet(workspace.path(f"{name}.parquet"))


def test_estimates_are_what_was_put_in(pooled):
    rows = table(pooled, "estimates").set_index("claim")
    assert -18 < rows.loc["stack-regressions", "estimate"] < -5 and rows.loc["stack-regressions-gain", "estimate"] > 5
    assert rows.loc["stack-regressions-compound", "estimate"] < 0
    assert rows.loc[["stack-code-costs", "stack-language-costs"], "estimate"].isna().all()  # no arm reads either
    assert rows.loc["stack-over-refusal-near", "estimate"] > 2 * rows.loc["stack-over-refusal", "estimate"] > 0
    assert 0 < rows.loc["stack-over-refusal-first-round", "estimate"] != rows.loc["stack-over-refusal", "estimate"]
    assert rows.loc["stack-dashboards", "estimate"] >= 0 and (rows["n"] == 3).all()


def test_side_metrics_that_fall_are_flagged_and_those_of_drift_are_not(pooled):
    late = table(pooled, "latency")
    share = late[late["test"] == PAIRED].groupby(["arm", "round"])["share"].mean()
    assert share["one skill", 2] > 0.2 > share["no change", 2]
    assert share["one skill", 2] >= share["one skill", 1]
    first = dashboard.first_found(late).set_index(["base", "arm", "test"])["round"]
    assert first.xs(("one skill", PAIRED), level=("arm", "test")).notna().any()
    assert len(first) == 3 * 4 * 2


def test_metrics_that_are_taught_are_no_side_metrics():
    rows = [
        ("a", "one skill", 1, "one skill 0", f"{task}, easier", PAIRED, 0.01, change, True)
        for task, change in (("counting", -0.2), ("sorting", 0.2))
    ]
    columns = ["base", "arm", "round", "against", "metric", "test", "p", "change", "called"]
    row = dashboard.latency(pd.DataFrame(rows, columns=columns), ARMS, ("counting",)).iloc[0]
    assert row["share"] == 0 and not row["side"] and not row["gained"] and not row["flagged"]


def test_every_table_that_a_page_reads_is_there(pooled):
    for name in ("accuracy", "by_base", "changes", "slopes", "refusals", "domains", "planted", "rates", "dashboards", "shows"):
        assert len(table(pooled, name)), name
    assert set(table(pooled, "domains")["domain"]) == set(DOMAINS)
    assert table(pooled, "rates")["estimate"].dtype == float
