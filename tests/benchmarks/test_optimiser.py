"""The benchmark of optimisers from end to end, in two turns."""

import runpy
import sys
from pathlib import Path

import pandas as pd

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "optimiser.py"
WAYS = ["by shape", "torch's Muon", "AdamW"]


def test_every_width_and_way_has_a_row_and_its_ratio_to_torchs_muon(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["optimiser.py", "--turns", "2", "--out", str(tmp_path)])
    assert runpy.run_path(str(SCRIPT))["main"]() == 0
    (path,) = tmp_path.iterdir()
    table = pd.read_csv(path)
    assert table[["width", "way"]].to_numpy().tolist() == [[width, way] for width in (32, 64, 96) for way in WAYS]
    assert (table.loc[table["way"] == WAYS[1], "ratio_to_torchs"] == 1).all() and set(table["turns"]) == {2}
    assert ((table["p20"] > 0) & (table["p20"] <= table["median_ms"]) & (table["median_ms"] <= table["p80"])).all()
