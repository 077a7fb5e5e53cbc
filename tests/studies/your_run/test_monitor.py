"""A history into a folder: what is written, what is said, and with which code."""

import re

import numpy as np
import pandas as pd
import pytest
from studies.your_run.histories import clean, turned

from proxylib.errors import UserError
from proxylib.runs.folder import read
from proxylib.studies.your_run.monitor import PARTS, monitor_file
from proxylib.studies.your_run.settings import Monitor
from proxylib.studies.your_run.watch import DETECTORS, TESTS, of_changes


def asked(folder, rows, **more):
    path = folder / "history.csv"
    rows.to_csv(path, index=False)
    return Monitor(history=path, out=folder / "out", **more)


def test_a_clean_history_is_silent_and_its_folder_is_whole(tmp_path):
    finished = monitor_file(asked(tmp_path, clean()))
    assert finished.facts["code"] == 0 and finished.facts["sentences"][0] == "no alarm in 4 series"
    assert set(read(finished.folder).files) == set(PARTS)
    assert pd.read_parquet(finished.folder / "alarms.parquet").empty
    assert len(pd.read_csv(finished.folder / "choice.csv")) == 20


def test_a_drop_and_a_spike_are_said_and_a_spike_that_is_over_does_not_stand(tmp_path):
    rows = turned(clean(), "arc", 23_000, -0.15)
    spiked = (rows["task"] == "web_loss") & (rows["step"] == 15_000)
    finished = monitor_file(asked(tmp_path, rows.assign(score=rows["score"] + 1.0 * spiked)))
    alarms = pd.read_csv(finished.folder / "alarms.csv")
    assert alarms[["alarm", "task", "at", "stands"]].values.tolist() == [
        ["spike", "web_loss", 15_000.0, False],
        ["regression", "arc", 23_000.0, True],
    ]
    assert finished.facts["code"] == 3 and finished.facts["sentences"][0].startswith("regression: arc fell by 1")
    assert "over since" in finished.facts["sentences"][1]


def test_a_missing_evaluation_never_passes_and_an_alarm_goes_before_it(tmp_path):
    rows = clean()
    failed = rows.assign(score=rows["score"].where((rows["task"] != "mmlu") | (rows["step"] != 30_000)))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert monitor_file(asked(tmp_path / "a", failed)).facts["code"] == 4
    assert monitor_file(asked(tmp_path / "b", turned(failed, "arc", 23_000, -0.15))).facts["code"] == 3


def test_too_few_checkpoints_cannot_tell(tmp_path):
    finished = monitor_file(asked(tmp_path, clean(length=3, scores=())))
    assert finished.facts["code"] == 4 and finished.facts["sentences"][0].startswith("cannot tell")


def test_the_same_again_computes_nothing_a_grown_history_goes_on_and_other_work_is_refused(tmp_path):
    given = asked(tmp_path, clean(length=50))
    first = monitor_file(given)
    before = {name: (given.out / name).stat().st_mtime_ns for name in PARTS}
    assert monitor_file(given).manifest == first.manifest
    assert before == {name: (given.out / name).stat().st_mtime_ns for name in PARTS}
    grown = monitor_file(asked(tmp_path, clean(length=60)))
    assert grown.facts != first.facts and read(grown.folder).files == dict(grown.files)
    with pytest.raises(UserError, match="was begun with error 0.05, now 0.01; give another folder"):
        monitor_file(asked(tmp_path, clean(), error=0.01))
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.tex").write_text("x")
    with pytest.raises(UserError, match="holds other files"):
        monitor_file(Monitor(history=given.history, out=other))
    assert [path.name for path in other.iterdir()] == ["thesis.tex"]


def test_the_page_escapes_names_and_asks_no_other_host(tmp_path):
    name = "<script src=https://evil.example/x.js>alert(1)</script>"
    rows = turned(clean(), "arc", 23_000, -0.15)
    finished = monitor_file(asked(tmp_path, rows.assign(task=rows["task"].replace("arc", name))))
    page = (finished.folder / "monitor.html").read_text()
    tags = "".join(re.findall("<[^>]*>", page))
    assert "<script" not in page and "&#60;script" in page and not re.search(r"(src|href)=['\"]?(?!['\"]?data:)", tags)
    assert "default-src 'none'" in page and page.count("data:image/svg") == 2


def test_the_same_history_gives_the_same_bytes(tmp_path):
    contents = []
    for name in "ab":
        (tmp_path / name).mkdir()
        folder = monitor_file(asked(tmp_path / name, turned(clean(), "arc", 23_000, -0.15))).folder
        contents.append([(folder / part).read_bytes() for part in PARTS])
    assert contents[0] == contents[1]


def test_runs_are_watched_apart(tmp_path):
    rows = pd.concat([clean().assign(run="a"), turned(clean(seed=1), "mmlu", 25_000, -0.2).assign(run="b")])
    finished = monitor_file(asked(tmp_path, rows))
    alarms = pd.read_csv(finished.folder / "alarms.csv")
    assert set(zip(alarms["run"], alarms["task"], strict=True)) == {("b", "mmlu")}
    assert [s for s in finished.facts["sentences"] if s.startswith("take")] and np.all(alarms["stands"])


def test_a_checkpoint_after_a_fall_that_stands_is_advised_with_that_doubt(tmp_path):
    said = monitor_file(asked(tmp_path, turned(clean(), "arc", 23_000, -0.15))).facts["sentences"][-1]
    assert said.startswith("take step ")
    taken = int(re.search(r"take step ([\d,]+)", said)[1].replace(",", ""))
    assert ("a fall stands since step 23,000" in said) == (taken >= 23_000)


def on_the_same_items(seed, fall=0.0, shared=0.86, error=0.02):
    """Scores of three tasks, level but for a fall of one; so much of their noise is of the items, which stay the same."""
    rng, at = np.random.default_rng(seed), np.arange(20)
    parts = []
    for place in range(3):
        luck = error * (np.sqrt(shared) * rng.normal() + np.sqrt(1 - shared) * rng.normal(size=20))
        score = 0.5 + luck - fall * ((place == 0) & (at >= 14))
        parts.append(pd.DataFrame({"task": f"t{place}", "step": at, "score": score, "stderr": error}))
    return pd.concat(parts, ignore_index=True)


def falls(correlation, **more):
    """How many falls each of 25 simulated runs is alarmed for."""
    numbers = []
    for seed in range(25):
        rows = on_the_same_items(seed, **more).rename(columns={"step": "at", "score": "value"})
        rows = rows.assign(kind="score", items=np.nan, chance=np.nan)
        numbers.append(len(DETECTORS["fall"](of_changes(rows, correlation), 0.05 / TESTS)))
    return numbers


def test_what_the_same_items_share_hides_no_fall_and_leaving_it_out_makes_no_alarm():
    """Simulated: under the null a run stays where it is, for 500 checkpoints, of which one in a hundred may be alarmed."""
    assert np.count_nonzero(falls(0.0, fall=0.03)) < 8 and np.count_nonzero(falls(0.86, fall=0.03)) > 18
    assert sum(falls(0.86)) <= 5 < sum(falls(0.97))


def test_a_history_on_the_same_items_is_watched_and_chosen_from_as_such(tmp_path):
    rows = on_the_same_items(1, fall=0.03)
    codes, reach = [], []
    for same in (0.0, 0.86):
        (tmp_path / str(same)).mkdir()
        finished = monitor_file(asked(tmp_path / str(same), rows, same_items=same))
        codes.append(finished.facts["code"])
        choice = pd.read_csv(finished.folder / "choice.csv")
        reach.append((choice["high"] - choice["low"]).max())
    assert codes == [0, 3] and reach[1] < 0.6 * reach[0]
