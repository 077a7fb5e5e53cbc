"""Tables of the crucial steps: mass on decisive tokens by hand, the mean of leads last."""

import numpy as np
import pandas as pd

from proxylib.measure import proxies
from proxylib.studies.proxy_metrics.crucial_steps import SIGNALS
from proxylib.studies.proxy_metrics.report import crucial_steps as report


def test_the_mass_on_decisive_tokens_is_counted_at_three_checkpoints():
    part = pd.DataFrame({"decisive": [True, False], **{name: [3.0, 1.0] for name in proxies.WEIGHTINGS}})
    table = report.weight_table(pd.concat([part.assign(step=step) for step in (1, 5, 9)]))
    assert (table[["start", "midway", "end"]] == "75 %").all().all() and len(table) == 8


def test_leads_stand_by_task_with_their_mean_last():
    rows = [
        (task, signal, 2.0, low, 3.0)
        for signal in ("decisive", "other", "whole")
        for task, low in (("a", 1.0), ("mean", np.nan))
    ]
    table = report.lead_table(pd.DataFrame(rows, columns=["task", "signal", "estimate", "low", "high"]))
    assert table["task"].tolist() == ["a", "mean"] and list(table.columns)[1:] == [
        SIGNALS[s] for s in ("decisive", "other", "whole")
    ]
    assert table.iloc[0, 1] == "2.0 [1.0, 3.0]" and table.iloc[1, 1] == "2 [–, –]"
