"""A judge of one's own: numbers against oracles, and what bad tables get."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import cohen_kappa_score

from proxylib import stats
from proxylib.errors import UserError
from proxylib.stats import Bootstrap
from proxylib.studies.reverse_validation import yours

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)
JUDGES = pd.DataFrame({"judge": list("abcde"), "falls": [0.95, 0.9, 0.8, 0.1, -0.6], "kappa": [0.9, 0.1, 0.6, 0.0, -0.2]})
ERRORS = pd.DataFrame({"way": ["at random"] * 3, "size": [20, 50, 100], "most": [0.6, 0.3, 0.2]})
LOSS, SCORE = [1.0, 0.8, 0.6, 0.5, 0.4, 0.3], [10, 22, 20, 40, 38, 55]


def written(folder, text, name="grid.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(extra=""):
    lines = [f"c{n},{loss},{score}{extra}" for n, (loss, score) in enumerate(zip(LOSS, SCORE, strict=True))]
    return "\n".join(lines) + "\n"


def test_a_correlation_has_fishers_interval_and_the_recorded_judges_within_it(tmp_path):
    table = yours.grid(written(tmp_path, "configuration,loss,score\n" + rows()))
    row = yours.said(table, None, JUDGES, ERRORS, BOOTSTRAP).iloc[0]
    r = pearsonr(LOSS, SCORE)[0]
    assert row["r"] == pytest.approx(r) and row["n"] == 6 and row["judge"] == yours.ONLY
    assert (row["low"], row["high"]) == pytest.approx(stats.fisher_interval(r, 6)[1:])
    inside = JUDGES[JUDGES["falls"].between(-row["high"], -row["low"])]
    assert row["alike"] == len(inside) == 3 and (row["least"], row["most"]) == (0.1, 0.9)
    assert row["enough"] == 50 and row["luck"] == pytest.approx(stats.critical_r(4)) and np.isnan(row["kappa"])


def test_bases_with_several_configurations_are_left_out_whole(tmp_path):
    text = "configuration,loss,score,base\n" + "".join(
        f"c{n},{loss},{score},{'xyz'[n // 2]}\n" for n, (loss, score) in enumerate(zip(LOSS, SCORE, strict=True))
    )
    table = yours.grid(written(tmp_path, text))
    row = yours.said(table, None, JUDGES, ERRORS, BOOTSTRAP).iloc[0]
    kept = [[m for m in range(6) if m // 2 != base] for base in range(3)]
    without = [pearsonr(np.take(LOSS, members), np.take(SCORE, members))[0] for members in kept]
    wanted = stats.jackknife_interval(row["r"], np.array(without), 0.95, correlation=True)
    assert (row["low"], row["high"]) == pytest.approx(wanted[1:])
    two = table.assign(base=["x"] * 3 + ["y"] * 3)
    assert yours.correlation(two, 0.95)[1:] == (-1, 1)


def test_labels_give_kappa_with_its_interval(tmp_path):
    table = yours.grid(written(tmp_path, "configuration,loss,score,judge\n" + rows(",mine") + rows(",other")))
    said, expert = list("ppffpfpfpp"), list("ppfppfpfff")
    text = "judge,verdict,expert\n" + "".join(f"mine,{a},{b}\n" for a, b in zip(said, expert, strict=True))
    known = yours.labels(written(tmp_path, text, "labels.csv"), table["judge"].unique())
    mine, other = yours.said(table, known, JUDGES, ERRORS, BOOTSTRAP).to_dict("records")
    assert mine["kappa"] == pytest.approx(cohen_kappa_score(said, expert)) and mine["labelled"] == 10
    assert mine["kappa_low"] < mine["kappa"] < mine["kappa_high"] and other["labelled"] == 0


def test_labels_are_enough_only_where_they_say_more_than_the_span():
    assert yours.enough(ERRORS, (0.1, 0.9)) == 50 and yours.enough(ERRORS, (0.1, 1.4)) == 20
    assert np.isnan(yours.enough(ERRORS, (0.4, 0.5))) and np.isnan(yours.enough(ERRORS, (np.nan, np.nan)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no table"),
        ("configuration,loss\na,1\n", "no column score"),
        ("configuration,loss,score\n", "no row"),
        ("configuration,loss,score\na,1,2\nb,x,3\n", "row 3: loss 'x' is no number"),
        ("configuration,loss,score\na,1,2\nb,1,inf\n", "row 3: score 'inf' is no number"),
        ("configuration,loss,score\n" + rows() + "c0,1,2\n", "row 8: configuration c0 occurs twice"),
        ("configuration,loss,score\na,1,2\nb,2,3\nc,3,4\n", "has 3 configurations, at least 4"),
        ("configuration,loss,score\na,1,1e300\n", "row 2: score '1e300' is no number"),
        ("configuration,loss,score\n" + rows(",9,9"), "a row has more values than the heads have names"),
        ("configuration,loss,loss,score\n" + rows(",9"), "column loss occurs twice"),
        ("configuration,loss,Loss,score\n" + rows(",9"), "column loss occurs twice"),
        ("configuration,loss,score,judge\n" + rows(",x") + "c9,1,2, \n", "row 8: judge is empty"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(tmp_path, text, said):
    with pytest.raises(UserError) as error:
        yours.grid(written(tmp_path, text))
    assert said in str(error.value) and "grid.csv" in str(error.value) and "\n" not in str(error.value)


def test_heads_may_be_in_capitals(tmp_path):
    assert yours.grid(written(tmp_path, "Configuration, Loss,SCORE \n" + rows()))["loss"].to_list() == LOSS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("verdict,expert\np,p\np,\n", "row 3: expert is empty"),
        ("verdict,expert\nyes,pass\nno,fail\n", "share no word (no, yes and fail, pass)"),
        ("verdict,expert\n<b>,pass\n\x1b[31m,fail\n", "share no word"),
    ],
)
def test_labels_that_cannot_be_compared_are_refused_in_one_line(tmp_path, text, said):
    with pytest.raises(UserError) as error:
        yours.labels(written(tmp_path, text, "labels.csv"), [yours.ONLY])
    assert said in str(error.value) and not {"\n", "\x1b"} & set(str(error.value))


def test_nothing_is_said_of_what_does_not_vary_and_a_perfect_line_needs_no_warning(tmp_path, recwarn):
    flat = yours.grid(written(tmp_path, "configuration,loss,score\n" + "".join(f"c{n},{n},5\n" for n in range(5))))
    row = yours.said(flat, None, JUDGES, ERRORS, BOOTSTRAP).iloc[0]
    assert np.isnan([row["r"], row["low"], row["least"], row["enough"]]).all() and row["alike"] == 0
    line = "".join(f"c{n},{1 - n / 10},{10 * n}\n" for n in range(5))
    exact = yours.grid(written(tmp_path, "configuration,loss,score\n" + line))
    row = yours.said(exact, None, JUDGES, ERRORS, BOOTSTRAP).iloc[0]
    assert (row["r"], row["low"], row["high"]) == (-1, -1, -1) and not list(recwarn)
    known = pd.DataFrame({"judge": yours.ONLY, "verdict": list("pfpp"), "expert": list("pppp")})
    assert np.isnan(yours.said(exact, known, JUDGES, ERRORS, BOOTSTRAP).iloc[0]["kappa"])


def test_labels_of_a_judge_without_scores_and_files_that_are_not_there_are_refused(tmp_path):
    path = written(tmp_path, "judge,verdict,expert\nwho,p,f\n")
    with pytest.raises(UserError, match="row 2: no configuration was scored by judge who"):
        yours.labels(path, ["mine"])
    with pytest.raises(UserError, match="no such file"):
        yours.grid(tmp_path / "none.csv")
