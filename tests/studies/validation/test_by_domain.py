"""The analysis of domains, on runs that nobody trained."""

from types import SimpleNamespace

import pandas as pd
import pytest
from studies.validation.made_up import SEEDS, Kept, mixture_run, watched

from proxylib.stats import Bootstrap
from proxylib.studies.validation import by_domain, report
from proxylib.studies.validation.settings import ARMS, DomainsSettings


@pytest.fixture(scope="module")
def kept():
    runs = {f"{arm} {seed}": mixture_run(arm, seed) for arm in ARMS for seed in SEEDS}
    runs |= {"quiet": watched(0.0), "loud": watched(0.12)}
    settings = DomainsSettings(seeds=SEEDS, trajectories=("quiet", "loud"), bootstrap=Bootstrap(draws=100, level=0.95, seed=1))
    workspace = Kept()
    by_domain.build(SimpleNamespace(settings=settings, parent=runs.__getitem__), workspace)
    return workspace


def test_what_the_changes_did_is_read_off_the_run_drawn_anew(kept):
    rows = kept.tables["estimates"].set_index("claim")
    assert rows.loc["stack-plateau", "estimate"] == pytest.approx(-0.5, abs=0.03)
    # of two domains that paid .1 each, and of two that paid .1 and .3
    assert rows.loc["stack-cannibalisation", "estimate"] == pytest.approx(0.15, abs=0.03)
    assert rows.loc["stack-domains-steer", "estimate"] == pytest.approx(-0.1 - 0.2 / 3, abs=0.03)
    assert rows.loc["plateaus", "estimate"] == 1


def test_the_domain_that_rises_is_named(kept):
    paying = kept.tables["hidden"].set_index("run")["paying"]
    assert paying["loud"] == "c" and paying["quiet"] == ""


def test_a_seed_without_an_alarm_counts_as_no_change():
    ends = {(arm, 2): pd.Series({"expert": 1.0, "code": 2.0, "mean": 1.5, "accuracy": 5.0}) for arm in ARMS}
    none = pd.DataFrame(columns=["step", "stalled", "towards", "arm", "seed"])
    changed = by_domain.changes(ends, none, (2,))
    assert (changed["difference"] == 0).all() and not changed["gained"].any()
    assert {"stalled", "others", "mean"} <= set(changed["domain"])


def test_frames_of_the_page(kept):
    rows = report.change_rows(kept.tables["summary"])
    assert set(rows["arm"]) == set(report.ARMS.values()) and set(rows["domain"]) == set(report.DOMAINS.values())
    published = pd.DataFrame({"data": ["ladder", "ladder", "7B"], "share": [0.3, 0.4, 0.5], "null": [0.2, 0.2, 0.2]})
    hidden = report.hidden_rows(kept.tables["hidden"], published, 0.95)
    assert len(hidden) == 6 and hidden["estimate"].between(0, 100).all()
