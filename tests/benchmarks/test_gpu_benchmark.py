"""The benchmark for GPUs from end to end, on a processor and on tiny shapes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu.py"
# without a compiler run, `compiled` is the same code uncompiled: the script's paths are what is tried here
BARE = os.environ | {"CUDA_VISIBLE_DEVICES": "", "TORCH_COMPILE_DISABLE": "1"}


def run(*arguments, **variables):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, env=BARE | variables)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A quick run's folder and output, on a machine that lacks a package of the tests' shared fixtures."""
    absent, out = tmp_path_factory.mktemp("absent"), tmp_path_factory.mktemp("out")
    (absent / "pydantic.py").write_text("raise ModuleNotFoundError(\"No module named 'pydantic'\")")
    ended = run("--device", "cpu", "--quick", "--out", out, PYTHONPATH=str(absent))
    assert ended.returncode == 0, ended.stderr
    return out, ended.stdout


@pytest.fixture(scope="module")
def rows(done):
    return pd.read_csv(done[0] / "gpu_cpu.csv")


@pytest.mark.slow
def test_every_implementation_of_every_case_has_a_row_and_its_ratio_to_the_floor(rows):
    speed = rows[rows["part"] == "speed"]
    cases = speed.groupby(["dtype", "model", "T"])["impl"].agg(set)
    everything = {"floor", "product", "chunked", "compiled", "chunked_deterministic", "naive_compare", "naive_sort"}
    assert len(cases) == 4 and all(impls == everything for impls in cases)
    assert (speed["p20"] <= speed["median_s"]).all() and (speed["median_s"] <= speed["p80"]).all()
    assert (speed.loc[speed["impl"] == "floor", "ratio_to_floor"] == 1).all()
    assert (speed["repeats"] >= 7).all()


@pytest.mark.slow
def test_exactness_is_counted_against_float64(rows):
    exact = rows[rows["part"] == "exactness"].set_index(["dtype", "impl", "quantity"])["value"]
    for impl in ("chunked", "compiled"):
        assert exact["float32", impl, "rank_differs"] == exact["float32", impl, "ties_differ"] == 0
        assert 0 < exact["float32", impl, "nll_largest_error"] < 1e-5
        assert exact["bfloat16", impl, "rank_differs_from_float32"] > 0  # operands of 8 bits order a few entries otherwise


@pytest.mark.slow
def test_the_tests_for_a_gpu_are_counted_also_without_the_shared_fixtures(done, rows):
    counts = rows[rows["part"] == "tests"].set_index("quantity")["value"]
    assert counts["passed"] + counts["failed"] == 0 < counts["skipped"]
    assert "note: tests run without conftest.py, which needs pydantic" in done[1]


@pytest.mark.slow
def test_nothing_of_the_machine_is_written(done):
    text = (done[0] / "gpu_cpu.csv").read_text()
    assert os.sep not in text and os.uname().nodename not in text


def test_without_a_cuda_device_it_ends_with_one_line(tmp_path):
    ended = run("--out", tmp_path)
    assert (ended.returncode, ended.stderr) == (2, "benchmarks/gpu.py: needs a CUDA device\n")
    assert not list(tmp_path.iterdir())


def test_a_processor_is_for_trying_the_script_only(tmp_path):
    ended = run("--device", "cpu", "--out", tmp_path)
    assert ended.returncode == 2 and ended.stderr.endswith("--device cpu is there to try the script; add --quick\n")


def test_a_spent_budget_leaves_cases_out_by_name(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import gpu

    spent = gpu.Run("cpu", tmp_path / "gpu_cpu.csv", budget=0)
    gpu.speed(spent, gpu.QUICK, compiles=True)
    assert spent.rows == [] and len(spent.notes) == 4
    assert "note: tiny, float32, T 40: left out, the budget is spent\n" in capsys.readouterr().out


def test_a_call_that_cannot_work_is_named_and_the_others_go_on(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import gpu

    def fails():
        raise RuntimeError("no kernel\nand a page of advice")

    oracle = {"nll": torch.zeros(2)}
    assert gpu.tried(fails, oracle, 2) == "no kernel"
    assert gpu.tried(lambda: {"nll": torch.ones(3)}, oracle, 2) == "it finds another nll"
    assert gpu.tried(lambda: {"nll": torch.zeros(3)}, oracle, 2) == gpu.tried(lambda: None, oracle, 2) == ""


def test_whole_models_have_a_row_for_each_part_precision_and_way(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    monkeypatch.setenv("TORCH_COMPILE_DISABLE", "1")
    import gpu
    import gpu_model

    monkeypatch.setattr(gpu_model, "TURNS", 3)
    run = gpu.Run("cpu", tmp_path / "gpu_cpu.csv", budget=float("inf"))
    gpu_model.measure(run, gpu_model.QUICK, gpu.elapsed)
    assert run.notes == []
    rows = pd.read_csv(run.path)
    cases = rows.groupby(["dtype", "part"]).agg({"impl": list, "T": list})
    assert len(cases) == 6
    for dtype in ("bfloat16", "float32"):
        assert cases.loc[dtype, "extract"].tolist() == [["chunked", "compiled"], [124, 124]]
        assert cases.loc[dtype, "memory"].tolist() == [["chunked", "chunked"], [32, 64]]
        assert cases.loc[dtype, "lora_step"].tolist() == [["kept", "recomputed"], [32, 32]]
    assert (rows["p20"] <= rows["median_s"]).all() and (rows["median_s"] <= rows["p80"]).all() and (rows["repeats"] == 3).all()
    np.testing.assert_allclose(rows["value"], rows["T"] / rows["median_s"], rtol=1e-3)


def test_a_run_appends_to_what_others_left(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import gpu

    path = tmp_path / "gpu_cpu.csv"
    path.write_text("part,impl,T,median_s,device\nspeed,floor,512,0.1000,old card\n")  # of a version with fewer columns
    for began in ("first", "second"):
        run = gpu.Run("cpu", path, budget=1, began=began)
        run.add(part="tests", quantity="passed", value=4.0)
        run.save()
        run.add(part="tests", quantity="failed", value=0.0)
        run.save()
    table = pd.read_csv(path, dtype=str)
    assert list(table.columns) == gpu.CSV_COLUMNS
    assert table["run"].fillna("").tolist() == ["", "first", "first", "second", "second"]
    assert table.loc[0, ["T", "median_s", "device"]].tolist() == ["512", "0.1000", "old card"]
    assert table["value"].tolist()[1:] == ["4.0", "0.0"] * 2


def test_a_run_stopped_while_it_writes_leaves_what_others_measured(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import gpu

    path = tmp_path / "gpu_cpu.csv"
    run = gpu.Run("cpu", path, budget=1)
    run.add(part="tests", quantity="passed", value=4.0)
    run.save()
    before = path.read_bytes()

    def half(self, place, **_):
        Path(place).write_text("part,impl")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    with pytest.raises(KeyboardInterrupt):
        run.save()
    assert path.read_bytes() == before
    monkeypatch.undo()
    run.save()
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
