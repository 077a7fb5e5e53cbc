"""The table of styles: populations from none to all, then the differences."""

import pandas as pd

from proxylib.studies.proxy_metrics.report import whose_style as report
from proxylib.studies.proxy_metrics.whose_style import ALL_MINUS_NONE, HALF_MINUS_ALL


def test_populations_run_from_none_to_all_and_differences_come_last():
    rows = [("expert", "rho", 0.5), ("crossed", "rho", 0.2), ("other", "rho", -0.3)]
    rows += [("", ALL_MINUS_NONE, 0.8), ("", HALF_MINUS_ALL, -0.3)]
    found = pd.DataFrame(rows, columns=["style", "quantity", "estimate"]).assign(proxy="loss")
    table = report.table(found.assign(low=found["estimate"] - 0.1, high=found["estimate"] + 0.1))
    assert table.columns.tolist() == ["proxy", "none", "half", "all", ALL_MINUS_NONE, HALF_MINUS_ALL]
    assert table.loc[0, ["none", "half", "all"]].tolist() == ["-0.30 [-0.40, -0.20]", "0.20 [0.10, 0.30]", "0.50 [0.40, 0.60]"]
