"""Histories as people and programs leave them: refused in one line, or read the right way."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from studies.your_run.histories import clean, results, results_folder, state

from proxylib.errors import UserError
from proxylib.studies.your_run import history
from proxylib.studies.your_run.settings import Monitor


def long(*changed, header="task,step,score"):
    """A table of twenty good checkpoints, and lines that are not."""
    return "\n".join([header, *(f"a,{step},0.{30 + step}" for step in range(1, 21)), *changed]) + "\n"


def wide(*changed, header="step,train_loss,val_loss,acc"):
    return (
        "\n".join([header, *(f"{step},{3 - step / 20},{3.1 - step / 20},0.{30 + step}" for step in range(1, 21)), *changed])
        + "\n"
    )


def load(folder, content, name="h.csv", **more):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return history.load(Monitor(history=path, out=folder / "out", **more))


REFUSED = {
    "": "is empty",
    "\n \n": "is empty",
    "task,step,score\n": "holds no rows",
    "task,step\na,1\n": "column score is missing (there are task, step)",
    "task,score\na,.5\n": "no column says how far a checkpoint is (there are task, score)",
    "task,step,score,score\na,1,.5,.5\n": "column score occurs twice",
    long("a,21"): "line 22: 2 cells",
    long('a,21,"0.5'): "line 22: cannot be read",
    long("a,21,error"): "line 22: score is 'error', expected a number; leave the cell empty",
    long("a,21,0x1A"): "score is '0x1A'",
    long('a,21,"0,5"'): "write it with a decimal point",
    long("a,21,50%"): "score is '50%', expected a number; take the % away",
    long("a,21k,.5"): "step is '21k', expected a number; write it out",
    long("a,21,53.1"): "score of a is 53.1, expected a share of 1; give --percent",
    long("b,21,53.1"): "score of b is 53.1, expected a share of 1",
    long("a,21,-.5"): "score of a is -0.5, expected a share of 1",
    long("a,-21,.5"): "line 22: step is -21; it cannot lie below 0",
    long("a,inf,.5"): "line 22: step is infinite",
    long(",21,.5"): "line 22: task is empty",
    long("a,20,.9"): "a second value of a at 20 (first in",
    long("a,1,.31", "a,2,.33", "a,3,.32"): "two runs in one file? Tell them apart in a column run",
    "task,step,score,kind\na,1,.5,luck\n": "line 2: kind is 'luck'; it is loss or score",
    "task,step,score,kind\na,1,.5,loss\na,2,.5,score\n": "task a is a loss in some rows, a score in others",
    "task,step,score,split\na,1,.5,moon\n": "line 2: split is 'moon'; it is train or validation",
    "task,step,score,items\na,1,.5,0\n": "line 2: items is 0",
    "task,step,score,stderr\na,1,.5,-1\n": "line 2: stderr is -1; it cannot lie below 0",
    "task,step,score\na,,.5\n": "no column says how far a checkpoint is",
    "step,heat\n1,3\n2,4\n": "no column is a loss or a score by its name (there are step, heat); name them: --losses",
    "loss,acc\n1,.5\n": "no column says how far",
    "step,acc\n1,53\n2,54\n": "score of acc is 53, expected a share of 1; give --percent",
    "step,val_loss\n1,high\n2,3\n3,2\n": "line 2: val_loss is 'high', expected a number",
    "Wall time,Step,Value\n1.7e9,1,.5\n": "the file's name does not say whether Value is a loss",
    "a" * 10: "holds no rows below the names",
    ",".join(f"c{n}" for n in range(1100)) + "\n" + ",".join("1" * 1100) + "\n": "1100 columns, at most 1000",
}


@pytest.mark.parametrize("content", REFUSED, ids=range(len(REFUSED)))
def test_a_table_that_cannot_be_read_is_refused_in_one_line(tmp_path, content):
    with pytest.raises(UserError) as error:
        load(tmp_path, content)
    assert REFUSED[content] in str(error.value) and "\n" not in str(error.value)


def files(folder):
    """Name -> content of files that are no table, and what is said of them."""
    good = state(4)
    broken = json.dumps(good)[:2000]
    return {
        "missing.csv": (None, "no such file or folder"),
        "h.xlsx": (b"PK", "a history is read from .csv, .tsv and .parquet files"),
        "h.csv.gz": (gzip.compress(b"task,step,score\n"), "a history is read from .csv, .tsv and .parquet files"),
        "latin.csv": ("task,step,score\ncafé,1,.5\n".encode("latin-1"), "not UTF-8"),
        "binary.csv": (bytes(range(256)), ""),
        "h.parquet": (b"PAR1 and no more", "not a whole Parquet file"),
        "truncated.json": (broken.encode(), "not whole JSON"),
        "empty.json": (b"", "line 1: not whole JSON"),
        "list.json": (b"[1, 2]", "neither a trainer's state"),
        "other.json": (b'{"a": 1}', "neither a trainer's state"),
        "deep.json": (b"[" * 100_000, ""),
        "entry.json": (b'{"log_history": [3]}', "log_history entry 1: no mapping"),
        "stepless.json": (b'{"log_history": [{"loss": 1.0}]}', "log_history entry 1: has no step"),
        "nan_step.json": (b'{"log_history": [{"loss": 1.0, "step": NaN}]}', "has no step"),
        "silent.json": (b'{"log_history": [{"step": 1, "learning_rate": 0.1}]}', "holds neither loss nor eval_loss"),
        "nostep.json": (json.dumps({"results": {"arc": {"acc,none": 0.5}}}).encode(), "says the step"),
        "nometric.json": (json.dumps(results(5, {}) | {"results": {"arc": {"alias": "x"}}}).encode(), "no task has a number"),
    }


@pytest.mark.parametrize("name", files(None))
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path, name):
    content, said = files(tmp_path)[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as error:
        history.load(Monitor(history=tmp_path / name, out=tmp_path / "out"))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_folder_without_results_is_refused(tmp_path):
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "config.json").write_text('{"architectures": []}')
    with pytest.raises(UserError, match="no file below it holds results"):
        history.load(Monitor(history=tmp_path / "evals", out=tmp_path / "out"))


SAME = {
    "byte order mark": "\ufeff" + long(),
    "other ends of lines": long().replace("\n", "\r\n"),
    "semicolons": long().replace(",", ";"),
    "blank lines": long().replace("\n", "\n\n"),
    "unsorted": "\n".join([long().split("\n")[0], *reversed(long().strip().split("\n")[1:])]),
    "copies": long("a,20,0.50", "a,19,0.49"),
    "an index": long().replace("task,", ",task,").replace("a,", "0,a,"),
    "an unknown column": long().replace("score", "score,colour").replace("\n", ",red\n").replace("colour,red", "colour"),
    "a restart": long("a,18,0.48", "a,19,0.49", "a,20,0.50"),
}


@pytest.mark.parametrize("kind", SAME)
def test_what_can_be_read_in_one_way_is_read_so(tmp_path, kind):
    expected = load(tmp_path, long()).rows.drop(columns="place")
    pd.testing.assert_frame_equal(load(tmp_path, SAME[kind]).rows.drop(columns="place"), expected)


def test_a_restart_leaves_out_what_it_made_anew(tmp_path):
    known = load(tmp_path, long("a,15,0.41", "a,16,0.42"))
    assert known.rows["at"].tolist() == [*range(1, 17)] and known.rows["value"].tolist()[-2:] == [0.41, 0.42]
    assert known.notes == ("left out: 6 rows that the restart at 15 made anew",)


def test_an_empty_score_is_an_evaluation_that_failed_and_a_wide_tables_gap_is_none(tmp_path):
    assert np.isnan(load(tmp_path, long("a,21,")).rows["value"]).sum() == 1
    assert load(tmp_path, wide("21,1.9,,")).rows.groupby("task").size().to_dict() == {
        "train_loss": 21,
        "val_loss": 20,
        "acc": 20,
    }


def test_a_loss_that_overflowed_is_no_number_and_names_say_what_is_what(tmp_path):
    rows = load(tmp_path, wide("21,inf,1e300,.5")).rows
    assert rows[rows["at"] == 21]["value"].isna().tolist() == [True, True, False]
    kinds = rows.drop_duplicates("task").set_index("task")
    assert kinds["kind"].to_dict() == {"train_loss": "loss", "val_loss": "loss", "acc": "score"}
    assert kinds["split"].to_dict() == {"train_loss": "train", "val_loss": "validation", "acc": "validation"}


def test_exports_of_weights_and_biases_and_of_tensorboard(tmp_path):
    header = '"Step","lively-sun-3 - eval/loss","lively-sun-3 - eval/loss__MIN","lively-sun-3 - eval/loss__MAX"\n'
    known = load(tmp_path, header + "".join(f'"{n}","{3 / n}","{3 / n}","{3 / n}"\n' for n in range(1, 9)))
    assert known.rows[["run", "task", "kind"]].drop_duplicates().values.tolist() == [["lively-sun-3", "eval/loss", "loss"]]
    board = "Wall time,Step,Value\n" + "".join(f"1.7e9,{n},{3 / n}\n" for n in range(1, 9))
    assert load(tmp_path, board, name="eval_loss.csv").rows["kind"].tolist() == ["loss"] * 8


def test_names_from_elsewhere_and_percent(tmp_path):
    table = long().replace("task,step,score", "benchmark,it,acc_norm").replace(",0.", ",")
    fields = {"task": "benchmark", "step": "it", "score": "acc_norm"}
    known = load(tmp_path, table, fields=fields, percent=True)
    assert known.rows["value"].tolist() == pytest.approx([(30 + step) / 100 for step in range(1, 21)])
    reward = load(tmp_path, "step,reward\n1,-3\n2,-2\n", scores=("reward",))
    assert reward.rows["kind"].tolist() == ["score"] * 2 and reward.notes == ()


def test_markup_and_control_characters_in_names_are_only_text(tmp_path):
    known = load(tmp_path, long("<b>\x1b[31mred\x07,21,.5"))
    assert known.rows["task"].iloc[-1] == "<b>\\x1b[31mred\\x07"


def test_a_history_for_forecasts_is_read_with_its_losses_beside_the_scores(tmp_path):
    rows = "task,tokens,score,prose_bits_per_byte\n" + "".join(
        f"{task},{n}e9,.{30 + n},{3 - n / 10}\n" for task in "ab" for n in range(1, 9)
    )
    known = load(tmp_path, rows)
    assert known.axis == "tokens" and known.rows.groupby("task").size().to_dict() == {"a": 8, "b": 8, "prose_bits_per_byte": 8}


def test_results_of_a_folder_their_groups_aliases_and_unknown_errors(tmp_path):
    known = history.load(Monitor(history=results_folder(tmp_path / "evals"), out=tmp_path / "out"))
    assert known.rows.groupby("task").size().to_dict() == {"arc": 12, "mmlu": 12}
    assert known.rows["items"].eq(2000).all() and known.rows["at"].max() == 12_000
    group = results(500, {"mmlu_law": 0.2, "mmlu_art": 0.4, "arc": 0.3})
    group["results"]["mmlu"] = {"alias": "mmlu", "acc,none": 0.3, "acc_stderr,none": "N/A"}
    group["groups"] = {"mmlu": group["results"]["mmlu"]}
    group["group_subtasks"] = {"mmlu": ["mmlu_law", "mmlu_art"], "arc": []}
    group["results"]["gsm8k"] = {"exact_match,strict-match": 0.1, "exact_match,flexible-extract": 0.2}
    group["results"]["wikitext"] = {"word_perplexity,none": 12.0, "word_perplexity_stderr,none": "N/A"}
    (tmp_path / "one.json").write_text(json.dumps(group))
    rows = history.load(Monitor(history=tmp_path / "one.json", out=tmp_path / "out")).rows.set_index("task")
    assert set(rows.index) == {"mmlu", "arc", "gsm8k", "wikitext"} and np.isnan(rows.loc["mmlu", "stderr"])
    assert rows.loc["gsm8k", "value"] == 0.1 and rows.loc["wikitext", "kind"] == "loss"


def test_an_evaluation_without_a_number_has_failed(tmp_path):
    folder = results_folder(tmp_path / "evals")
    last = folder / "step12" / "results_12.json"
    values = json.loads(last.read_text())
    values["results"]["arc"]["acc,none"] = float("nan")
    last.write_text(json.dumps(values))
    rows = history.load(Monitor(history=folder, out=tmp_path / "out")).rows
    assert rows[rows["value"].isna()][["task", "at"]].values.tolist() == [["arc", 12_000.0]]


def test_a_trainers_state_has_training_and_held_out_losses_and_no_speeds(tmp_path):
    values = state(6)
    values["log_history"].append({"step": 600, "eval_loss": float("nan"), "eval_color": 1.0})
    (tmp_path / "trainer_state.json").write_text(json.dumps(values))
    known = history.load(Monitor(history=tmp_path / "trainer_state.json", out=tmp_path / "out"))
    split = known.rows.drop_duplicates("task").set_index("task")["split"].to_dict()
    assert split == {"loss": "train", "eval_loss": "validation", "eval_accuracy": "validation"}
    assert known.rows["value"].isna().sum() == 1 and "eval_color" in known.notes[0]
    checkpoint = tmp_path / "run" / "checkpoint-600"
    checkpoint.mkdir(parents=True)
    (tmp_path / "trainer_state.json").rename(checkpoint / "trainer_state.json")
    whole = history.load(Monitor(history=tmp_path / "run", out=tmp_path / "out"))
    pd.testing.assert_frame_equal(whole.rows.drop(columns="place"), known.rows.drop(columns="place"))


def test_a_constant_or_single_history_is_read(tmp_path):
    assert len(load(tmp_path, "task,step,score\na,1,.5\n").rows) == 1
    constant = load(tmp_path, clean(losses=()).assign(score=0.5).to_csv(index=False)).rows["value"]
    assert constant.eq(0.5).all()
