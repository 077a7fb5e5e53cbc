"""`forecast_file`: a history in, a folder out that goes on where it ended; exact where the law is known."""

import numpy as np
import pandas as pd
import pytest

from proxylib.errors import UserError
from proxylib.runs.folder import MANIFEST
from proxylib.studies.forecasting import backtest, forecast, methods
from proxylib.studies.forecasting.defaults import DEFAULT
from proxylib.studies.forecasting.settings import Forecast

MADE = {*forecast.PARTS, "manifest.json", "request.json", "progress.json", "lock"}


@pytest.fixture
def asked(tmp_path):
    """`asked(frame)`: what is asked of its history."""

    def settings(frame, target="tokens=4e11", **options):
        frame.to_csv(tmp_path / "h.csv", index=False)
        return Forecast(history=tmp_path / "h.csv", target=target, out=tmp_path / "out", **options)

    return settings


def test_a_law_without_noise_is_recovered_and_chosen(laid, asked):
    given = asked(laid(tasks=3, points=16))
    done = forecast.forecast_file(given)
    assert {path.name for path in given.out.iterdir()} == MADE and done.facts["code"] == 0
    rows = pd.read_csv(given.out / "forecasts.csv")
    chosen = rows[rows["chosen"]].set_index("task")
    assert set(chosen["method"]) <= {"power in tokens", "power in tokens, shrunk (ours)"}
    truth = laid(tasks=3, points=2, last=4e11).query("tokens > 1e10").set_index("task")["score"]
    assert (chosen["estimate"] - truth).abs().max() < 0.002
    assert (chosen["low"] <= truth).all() and (truth <= chosen["high"]).all()
    table = pd.read_csv(given.out / "methods.csv").set_index("method")
    assert table.loc["power in tokens", "error"] < 0.5 < table.loc["persistence", "error"]
    assert table.loc["power in tokens", ["fits", "fits_failed"]].tolist() == [table.loc["persistence", "fits"], 0]
    assert table["weight"].sum() == pytest.approx(1) and np.isnan(
        table.loc["weighted mean (ours)", "weight"]
    )  # of basic methods alone
    assert "wrong by 0.0 points" in done.facts["sentence"] and done.facts["sentence"].count("\n") == 0
    again = {path.name: path.read_bytes() for path in given.out.iterdir()}
    assert forecast.forecast_file(given).facts == done.facts
    assert {path.name: path.read_bytes() for path in given.out.iterdir()} == again


def test_a_killed_call_goes_on_and_ends_with_the_same_bytes(laid, asked, monkeypatch):
    given = asked(laid(tasks=2, points=12))
    forecast.forecast_file(given)
    whole = {name: (given.out / name).read_bytes() for name in forecast.PARTS}
    for name in (MANIFEST, "forecasts.csv", "methods.parquet"):
        (given.out / name).unlink()
    monkeypatch.setattr(backtest, "replay", lambda *given: pytest.fail("the past is asked again"))
    forecast.forecast_file(given)
    assert {name: (given.out / name).read_bytes() for name in forecast.PARTS} == whole
    with pytest.raises(UserError, match="was begun with target tokens=4e11, now tokens=5e11"):
        forecast.forecast_file(given.model_copy(update={"target": "tokens=5e11"}))


def test_a_past_too_short_for_the_target_gives_no_interval_and_says_what_would(laid, asked):
    given = asked(laid(tasks=2, points=8).query("tokens > 3e9"), "tokens=2e12")
    done = forecast.forecast_file(given)
    rows = pd.read_csv(given.out / "forecasts.csv")
    assert done.facts["code"] == 4 and rows["low"].isna().all() and rows["estimate"].notna().all()
    assert "there is no interval" in done.facts["notes"][-1] and "4 checkpoints up to" in done.facts["notes"][-1]
    given = asked(laid(tasks=2, points=4), "tokens=2e12").model_copy(update={"out": given.out.with_name("none")})
    done = forecast.forecast_file(given)
    assert done.facts["code"] == 4 and "too short to ask about the past" in done.facts["sentence"]
    rows = pd.read_csv(given.out / "forecasts.csv")
    assert set(rows["method"]) == {"persistence", DEFAULT} and set(rows.loc[rows["chosen"], "method"]) == {DEFAULT}
    assert rows["low"].isna().all() and DEFAULT in done.facts["sentence"]


def test_a_target_close_by_is_answered_by_the_last_score(laid, asked):
    frame = laid(tasks=1, points=12)
    done = forecast.forecast_file(asked(frame, "tokens=1.1e11"))
    last = 100 * frame["score"].iloc[-1]
    assert done.facts["code"] == 4 and "too near to ask" in done.facts["sentence"]
    assert f"t0 scores {last:.1f} (now {last:.1f})" in done.facts["sentence"]
    assert "ask for 1.25 times as far" in done.facts["notes"][-1] and "checkpoints up to" not in done.facts["notes"][-1]


def test_of_many_series_only_quick_methods_are_tried_and_that_is_said(laid, loaded, monkeypatch):
    frame = laid(tasks=3, points=16)
    frame["loss"] = 3 * (frame["tokens"] / 1e9) ** -0.2
    known = loaded(frame, "tokens=4e11")
    every = forecast.planned(known).methods
    assert "loss, then sigmoid" in {way.name for way in every}
    monkeypatch.setattr(forecast, "MOST_WORK", 3 * 4.0)
    plan = forecast.planned(known)
    assert sum(way.cost for way in plan.methods) <= 4 and plan.methods[0].name == "persistence" and len(plan.methods) > 3
    assert max(way.cost for way in plan.methods) <= min(
        way.cost for way in every if way.name not in {w.name for w in plan.methods}
    )
    assert any(f"of {len(every)} methods the {len(plan.methods)} quickest" in note for note in plan.notes)


def test_percent_comes_back_as_percent(laid, asked):
    frame = laid(tasks=2, points=10)
    given = asked(frame.assign(score=100 * frame["score"]), percent=True)
    forecast.forecast_file(given)
    rows = pd.read_parquet(given.out / "forecasts.parquet")
    assert rows["estimate"].between(10, 100).all() and rows["last"].between(10, 100).all()


def test_a_signal_that_decides_the_score_leads_to_it(loaded):
    """loss by a power law, score by a line in it: exact, where the score's own course is no power of the axis."""
    x = np.geomspace(1e9, 1e11, 25)
    loss = 1.5 + 2 * (x / 1e9) ** -0.3
    frame = pd.DataFrame({"task": "a", "tokens": x, "loss": loss, "score": 1.2 - 0.3 * loss})
    series = loaded(frame).series[0]
    target = forecast.history.Target(1e12)
    truth = 1.2 - 0.3 * (1.5 + 2 * 1e3**-0.3)
    for kind, close in (("linear", 1e-3), ("exponential", 0.03), ("sigmoid", 0.05)):
        assert methods.from_signal(series, target, "loss", kind) == pytest.approx(truth, abs=close)


def test_a_larger_run_is_forecast_from_smaller_ones(asked, tmp_path):
    sizes = [1e8 * 2**n for n in range(7)]
    law = lambda n, d: 1.0 + 60 * n**-0.25 + 120 * d**-0.25
    rows = [(f"{n:g}", n, m * n, law(n, m * n)) for n in sizes for m in (10, 20, 40)]
    frame = pd.DataFrame(rows, columns=["run", "parameters", "tokens", "bpb"])
    frame["run"] = frame["run"] + "-" + (frame["tokens"] / frame["parameters"]).astype(str)
    tasks = {"a": 0.35}
    frame = pd.concat([frame.assign(task=task, score=1.1 - slope * frame["bpb"]) for task, slope in tasks.items()])
    given = asked(frame, "parameters=12.8B,tokens=256B")
    done = forecast.forecast_file(given)
    rows = pd.read_csv(given.out / "forecasts.csv").set_index(["method", "task"])["estimate"]
    for task, slope in tasks.items():
        assert rows["bpb in N and D, then sigmoid", task] == pytest.approx(1.1 - slope * law(12.8e9, 256e9), abs=0.02)
    assert done.facts["code"] == 0 and "compute" not in done.facts["sentence"].split("At ")[1].split(",")[0]
