"""What a rise of a loss is called depends on what else fell; plateaus end where a loss falls again."""

import numpy as np
import pandas as pd
import pytest

from proxylib.studies.your_run import losses

DOMAINS = ("web", "code", "math")


def run(number=60, seed=0, noise=0.01, **changes):
    """Three domains and a training loss that fall alike, and what is added to each."""
    rng, k = np.random.default_rng(seed), np.arange(number)
    parts = []
    for name in (*DOMAINS, "training"):
        values = 2 + 3 / np.sqrt(k + 1) + rng.normal(0, noise, number) + changes.get(name, np.zeros(number))
        split = "train" if name == "training" else "validation"
        parts.append(pd.DataFrame({"task": name, "split": split, "kind": "loss", "at": 500.0 * (k + 1), "value": values}))
    return pd.concat(parts, ignore_index=True)


RAMP = 0.02 * np.maximum(0, np.arange(60) - 30)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, {}),
        ({"code": RAMP / 2}, {"code": "cannibalised"}),
        (dict.fromkeys(DOMAINS, RAMP), dict.fromkeys(DOMAINS, "overfit")),
        (dict.fromkeys((*DOMAINS, "training"), RAMP), dict.fromkeys((*DOMAINS, "training"), "regression")),
    ],
)
def test_a_rise_has_the_name_of_what_it_is(changes, named):
    alarms = losses.risen(run(**changes), 0.02)
    assert dict(zip(alarms["task"], alarms["alarm"], strict=True)) == named
    assert (alarms["since"] < alarms["at"]).all() and (alarms["low"] > 0).all()


def test_without_a_training_loss_a_rise_of_all_is_taken_for_overfitting():
    rows = run(**dict.fromkeys(DOMAINS, RAMP))
    assert set(losses.risen(rows[rows["split"] == "validation"], 0.02)["alarm"]) == {"overfit"}


def test_a_mean_of_the_others_is_no_domain():
    assert losses.is_whole("eval_loss") and losses.is_whole("validation/all/CELoss")
    assert not losses.is_whole("eval_code_loss") and losses.is_whole("val/total_loss")
    rows = run(code=RAMP / 2)
    mean = rows[rows["split"] == "validation"].groupby("at", as_index=False)["value"].mean()
    mean["value"] += RAMP  # one that was weighted towards code, and rose
    whole = pd.concat([rows, mean.assign(task="eval_loss", split="validation", kind="loss")])
    named = losses.risen(whole, 0.02).set_index("task")["alarm"]
    assert named["eval_loss"] == "overfit" and named["code"] == "overfit"


def test_a_plateau_stands_until_the_loss_falls_again():
    rng = np.random.default_rng(1)
    flat = run(noise=0.0005)
    code = (flat["task"] == "code").to_numpy()
    level = flat.loc[code, "value"].to_numpy()
    stalled = np.where(np.arange(60) < 30, level, level[30] + rng.normal(0, 0.0005, 60))
    flat.loc[code, "value"] = stalled
    alarms = losses.stalled(flat, 0.02)
    assert alarms[["alarm", "task"]].values.tolist() == [["plateau", "code"]]
    (alarm,) = alarms.itertuples()
    assert not losses.left_plateau(alarm, flat)
    flat.loc[code, "value"] = np.where(np.arange(60) < 52, stalled, stalled - 0.05 * (np.arange(60) - 51))
    assert losses.left_plateau(alarm, flat)


def test_long_series_are_averaged_up_to_their_last_place_and_short_ones_left_alone():
    rows = run()
    pd.testing.assert_frame_equal(losses.averaged(rows), rows[["task", "at", "value"]])
    short = losses.averaged(rows, most=25)
    assert short["at"].max() == rows["at"].max() and short.groupby("task").size().tolist() == [20] * 4
    last = rows[(rows["task"] == "web")]["value"].to_numpy()[-3:].mean()
    assert short[(short["task"] == "web")]["value"].iloc[-1] == pytest.approx(last)


def test_series_of_one_grid_stay_together():
    rows = run()
    odd = rows[(rows["task"] != "math") | (rows["at"] % 1000 == 0)]
    assert [sorted(part["task"].unique()) for part in losses.grids(odd)] == [["code", "training", "web"], ["math"]]
