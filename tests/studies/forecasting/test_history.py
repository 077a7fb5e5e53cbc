"""Histories as people bring them: read in one way, refused in one line, or read with a sentence that says how."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxylib.errors import UserError
from proxylib.studies.forecasting.settings import Forecast, targets


def rows(*changed, header="task,tokens,score"):
    """A table of ten good checkpoints, and lines that are not."""
    good = [f"a,{tokens}e9,0.{30 + tokens}" for tokens in range(1, 11)]
    return "\n".join([header, *good, *changed]) + "\n"


REFUSED = {
    "": "is empty",
    "\n\n": "is empty",
    "task,tokens,score\n": "holds no rows",
    "task,tokens\na,1\n": "column score is missing (there are task, tokens)",
    "tokens,score\n1,.5\n": "column task is missing",
    "task,score\na,.5\n": "no column says how far",
    "task,step,score\na,1,.5\n": "has no column tokens; there are step",
    "task,tokens,score,score\na,1,.5,.5\n": "column score occurs twice",
    rows("a,11e9"): "line 12: 2 cells, the first line has 3",
    rows("a,11e9,.5,.6"): "line 12: 4 cells",
    rows('a,11e9,"0.5'): "line 12: cannot be read",
    rows('"a\nb",11e9,x'): "line 13: score is 'x'",
    rows("a,11e9,high"): "line 12: score is 'high', expected a number",
    rows('a,11e9,"0,5"'): "line 12: score is '0,5', expected a number; write it with a decimal point",
    rows('a,"11,000,000,000",.5'): "tokens is '11,000,000,000', expected a number; write it with a decimal point, and nothing",
    rows("a,11B,.5"): "tokens is '11B', expected a number; write it out, as 1.4e12",
    rows("a,11e9,50.5%"): "score is '50.5%', expected a number; take the % away, and give --percent",
    rows("a,11e9,True"): "score is 'True'",
    "task,tokens,score,loss\na,1e9,.5,2\na,1e9,.5,\n": "line 3: a second loss of task a at 1e+09 (first in line 2); keep one",
    rows("a,11e9,inf"): "line 12: score is infinite",
    rows("a,1e999,.5"): "line 12: tokens is infinite",
    rows("a,-11e9,.5"): "line 12: tokens is -1.1e+10; it cannot lie below 0",
    rows("a,11e9,-.5"): "line 12: score is -0.5",
    rows("a,11e9,53.1"): "line 12: score is 53.1, expected a share of 1; give --percent",
    rows("b,11e9,53.1"): "line 12: score is 53.1, while task a is in shares",
    rows(",11e9,.5"): "line 12: task is empty",
    rows("a,3e9,.5"): "line 12: a second score of task a at 3e+09 (first in line 4); keep one",
    rows("a,1,.5"): "line 2: from 1 to 1e+09 within one run; give all rows in one unit",
    "task,step,tokens,score\n"
    + "".join(f"a,{n},{n}e9,.5\n" for n in range(1, 9))
    + "a,9,1e8,.5\n": "line 2: step is 1, below that of a checkpoint before it (9)",
    "run,task,tokens,parameters,score\n"
    + "".join(f"r,a,{n}e9,{n},.5{n}\n" for n in range(1, 9)): "run r has parameters from 1 to 8",
    "task,tokens,score,chance\n" + "".join(f"a,{n}e9,.5{n},.{n}\n" for n in range(1, 9)): "task a has more than one chance",
    "task,tokens,score,chance\n"
    + "".join(f"a,{n}e9,.5{n},25\n" for n in range(1, 9)): "line 2: chance is 25; as scores, it is a share",
    "task,tokens,score,items\n" + "".join(f"a,{n}e9,.5{n},0\n" for n in range(1, 9)): "line 2: items is 0",
    "task,tokens,score,stderr\n" + "".join(f"a,{n}e9,.5{n},-1\n" for n in range(1, 9)): "line 2: stderr is -1",
    "task,tokens,score\na,1e9,.5\n": "task a has 1 checkpoint, no task has more",
    "task,tokens,score\na,1e9,.5\na,2e9,.6\n": "task a has 2 checkpoints, no task has more; at least 4 are needed",
    "task,tokens,score\na,0,.5\na,0,.5\n": "no row has both",
    "task,tokens,score\n"
    + "".join(f"a,{n}e13,.5{n}\n" for n in range(1, 9)): "tokens=1e12 lies behind the data, which reach 8e+13",
    "task,tokens,score\n" + "".join(f"a,{n},.5{n}\n" for n in range(1, 9)): "1.2e+11 times as far",
    b"\xff\xfe\x00t": "not UTF-8",
    "task,tokens,score\n" + "".join(f"a,{n}e9,.5{n}\n" for n in range(1, 9)) + "a,9e9,\0\n": "line 10",
}


@pytest.mark.parametrize(("content", "said"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_is_wrong_is_named_in_one_line(loaded, content, said):
    with pytest.raises(UserError) as refused:
        loaded(content)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_percent_is_read_as_percent_only_where_the_user_says_so(laid, loaded):
    frame = laid()
    shares = loaded(frame).series[0].score
    percent = loaded(frame.assign(score=100 * frame["score"]), percent=True).series[0].score
    np.testing.assert_allclose(shares, percent)
    with pytest.raises(UserError, match="leave out --percent"):
        loaded(frame, percent=True)


def test_what_can_be_read_in_one_way_only_is_read_and_said(laid, loaded):
    frame = laid(loss=2.0)
    odd = pd.concat([frame, frame.iloc[[4]], frame.iloc[[0]].assign(tokens=0), frame.iloc[[1]].assign(tokens=5, score=np.nan)])
    odd.loc[odd["tokens"] > 1e10, "loss"] = np.nan
    history = loaded(odd)
    assert [len(s) for s in history.series] == [20, 20, 20]
    said = " | ".join(history.notes)
    for part in (
        "1 row with what another says",
        "1 row at 0",
        "1 row without a score",
        "signal loss of t0 stops at",
        "extrapolated",
    ):
        assert part in said
    few = pd.concat([frame, pd.DataFrame({"task": "new", "tokens": [1e9, 2e9], "score": [0.1, 0.2], "loss": 2.0})])
    history = loaded(few)
    assert "nothing is forecast of new" in " ".join(history.notes) and len(history.open) == 3


def test_names_signals_and_other_separators(laid, loaded, tmp_path):
    frame = laid(loss=1.5, note="x", seed_of_run=3).rename(columns={"score": "acc_norm", "task": "benchmark"})
    names = {"score": "acc_norm", "task": "benchmark"}
    assert loaded(frame, fields=names).signals == ("loss", "seed_of_run")
    assert loaded(frame, fields=names, signals=("loss",)).signals == ("loss",)
    assert loaded(frame.to_csv(index=True, sep=";"), fields=names).signals == ("loss", "seed_of_run")
    with pytest.raises(UserError, match="no column BPB"):
        loaded(frame, fields=names, signals=("BPB",))
    with pytest.raises(UserError, match="acc_norm is no signal"):
        loaded(frame, fields=names, signals=("acc_norm",))


def test_a_column_is_one_thing():
    with pytest.raises(ValueError, match="column score cannot be both task and score"):
        Forecast(history=Path("h.csv"), target="tokens=1e12", out=Path("out"), fields={"task": "score"})


@pytest.mark.parametrize(
    ("changes", "notes"),
    [
        (
            {"score": 0.25, "chance": 0.25},
            "scores no better than chance, so the last one stands for the forecast of t0, t1, t2",
        ),
        ({"score": 0.5}, "scores that never change, so the last one stands for the forecast of t0, t1, t2"),
    ],
)
def test_scores_that_say_nothing_of_where_they_go_are_named(laid, loaded, changes, notes):
    assert notes in loaded(laid(**changes)).notes
    assert not any("stands for" in note for note in loaded(laid(chance=0.1)).notes)


def test_a_run_in_another_unit_is_named_and_one_of_too_few_checkpoints_is_not_asked(laid, loaded):
    whole, other = laid(tasks=1).assign(run="a"), laid(tasks=1).assign(run="b", tokens=lambda rows: rows["tokens"] / 1e9)
    with pytest.raises(UserError, match=r"t0 in run b reaches 100 \(tokens\), others 1e\+11; give all runs in one unit"):
        loaded(pd.concat([whole, other]))
    assert len(loaded(pd.concat([whole, other.head(2)])).open) == 1


def test_a_score_below_zero_by_its_sign_alone_is_zero(laid, loaded):
    for series in loaded(laid(score=-0.0)).series:
        assert not np.signbit(series.score).any()


def test_one_run_is_no_ladder(laid, loaded):
    with pytest.raises(UserError, match="has 1 run, no task has more; .*leave parameters out of --target"):
        loaded(laid(parameters=7e9), "parameters=7e9,tokens=4e11")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task": b"a"}, "column task is of type binary, expected text"),
        ({"task": [["a"]] * 60}, "column task is of type list<.*>, expected text"),
        ({"score": True}, "row 1: score is 'True', expected a number"),
        ({"score": [[0.5]] * 60}, "row 1: score is '.nested.'"),
        ({"tokens": pd.Timestamp(2026, 1, 1)}, "row 1: tokens is '2026-01-01"),
    ],
)
def test_a_parquet_column_of_an_odd_type_is_named(laid, tmp_path, changes, said):
    from proxylib.studies.forecasting import history

    laid().assign(**changes).to_parquet(tmp_path / "h.parquet")
    with pytest.raises(UserError, match=said):
        history.load(Forecast(history=tmp_path / "h.parquet", target="tokens=1e12", out=tmp_path / "out"))


def test_odd_types_of_parquet_that_are_numbers_or_no_signals(laid, tmp_path):
    from decimal import Decimal

    from proxylib.studies.forecasting import history

    frame = laid(done=True, parts=[[1]] * 60, when=pd.Timestamp(2026, 1, 1), took=pd.Timedelta(1, "h"), loss=Decimal("2.5"))
    frame = frame.assign(task=frame["task"].astype("category"), tokens=frame["tokens"].round().astype("Int64"))
    frame.assign(score=frame["score"].astype("float32")).to_parquet(tmp_path / "h.parquet")
    known = history.load(Forecast(history=tmp_path / "h.parquet", target="tokens=1e12", out=tmp_path / "out"))
    assert known.signals == ("loss",) and [s.task for s in known.series] == ["t0", "t1", "t2"]


def test_parquet_holds_the_same_as_text(laid, loaded, tmp_path):
    from proxylib.studies.forecasting import history

    frame = laid(loss=1.5, items=500)
    text = loaded(frame)
    frame.to_parquet(tmp_path / "h.parquet")
    table = history.load(Forecast(history=tmp_path / "h.parquet", target="tokens=1e12", out=tmp_path / "out"))
    for one, other in zip(text.series, table.series, strict=True):
        assert (one.task, one.run) == (other.task, other.run)
        for name in ("x", "score", "noise"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    (tmp_path / "h.parquet").write_bytes((tmp_path / "h.parquet").read_bytes()[:-40])
    with pytest.raises(UserError, match="not a whole Parquet file"):
        history.load(Forecast(history=tmp_path / "h.parquet", target="tokens=1e12", out=tmp_path / "out"))


def test_runs_that_have_come_to_the_target_are_only_backtested(laid, loaded):
    both = pd.concat([laid(seed=1).assign(run="old"), laid(seed=2, last=1e10).assign(run="new")])
    history = loaded(both, "tokens=1e11")
    assert {s.run for s in history.open} == {"new"} and len(history.series) == 6
    assert history.horizon == pytest.approx(10) and "only backtested" in " ".join(history.notes)


def test_a_larger_run_is_asked_of_all_runs_together(loaded):
    sizes = [1e8, 2e8, 4e8, 8e8, 16e8]
    frame = pd.DataFrame(
        [{"task": "a", "parameters": n, "tokens": 20 * n * s, "score": 0.3 + n / 1e10} for n in sizes for s in (0.5, 1)]
    )
    history = loaded(frame, "parameters=7e9,tokens=1.4e11")
    (series,) = history.series
    assert history.across and history.axis == "compute (6 N D)" and history.joint
    assert len(series.ends) == 5 and series.ends.x[-1] == pytest.approx(6 * 1.6e9 * 3.2e10)
    assert history.target.x == pytest.approx(6 * 7e9 * 1.4e11)
    assert (series.until(6 * 8e8 * 1.6e10 * 1.01).end <= 6 * 8e8 * 1.6e10 * 1.01).all()
    assert set(series.until(6 * 8e8 * 1.6e10 * 1.01).parameters) == set(sizes[:4])  # a run that goes on later is not known
    with pytest.raises(UserError, match="leaves open how long"):
        loaded(frame, "parameters=7e9")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tokens", "tokens= is no number"),
        ("tokens=x", "is no number"),
        ("tokens=-1", "must be a number above 0"),
        ("tokens=nan", "must be a number above 0"),
        ("loss=3", "loss is no axis"),
        ("tokens=1,tokens=2", "given twice"),
        ("tokens=1,step=2", "give one of"),
        ("parameters=1,step=2", "a larger run needs tokens or flops"),
        ("", "nothing is no axis"),
    ],
)
def test_targets_that_are_none(text, said):
    with pytest.raises(ValueError, match=said):
        targets(text)


def test_targets_take_letters_for_powers_of_ten():
    assert targets("parameters=7B,tokens=1.4T") == {"parameters": 7e9, "tokens": 1.4e12}


CELLS = [
    "",
    "nan",
    "-1",
    "0",
    "1e400",
    "x",
    "50",
    '"',
    "1,5",
    "\0",
    "é",
    "1e9",
    "0.5",
    " ",
    "\n",
    ";",
    "=1+1",
    "'",
    "10" * 40,
    "True",
]


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_spoilt_files_a_seed_are_read_or_refused_in_a_line(laid, loaded, seed):
    rng = np.random.default_rng(seed)
    good = laid(tasks=2, points=8, items=100).assign(items=100, chance=0.25, loss=2.0, run="r")
    count = 0
    for _ in range(100):
        lines = [line.split(",") for line in good.to_csv(index=False).splitlines()]
        for _ in range(rng.integers(1, 5)):
            row, column = rng.integers(len(lines)), rng.integers(8)
            kind = rng.integers(6)
            if kind < 3:
                lines[row][column % len(lines[row])] = str(rng.choice(CELLS))
            elif kind == 3:
                lines.insert(row, list(lines[rng.integers(len(lines))]))
            elif kind == 4:
                lines[row] = lines[row][: column + 1]
            else:
                lines = [line[:column] + line[column + 1 :] for line in lines]
                lines = [line or [""] for line in lines]
        content = "\n".join(",".join(line) for line in lines).encode()
        if rng.random() < 0.2:
            place = rng.integers(len(content))
            content = content[:place] + bytes(rng.integers(0, 256, 3).tolist()) + content[place + 1 :]
        try:
            history = loaded(content)
        except UserError as error:
            assert "\n" not in str(error) and len(str(error)) < 400
            count += 1
            continue
        for series in history.series:
            assert np.isfinite(series.x).all() and (series.x > 0).all() and (np.diff(series.x) > 0).all()
            assert ((series.score >= 0) & (series.score <= 1)).all()
    assert 20 < count < 100
