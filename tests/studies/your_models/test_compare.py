"""Ranking models of one's own: by hand, against brute force, and with nothing chosen from the user's data."""

import numpy as np
import pandas as pd
import pytest
from studies.your_models.token_rows import BOOTSTRAP, rows

from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.studies.your_models import compare
from proxylib.studies.your_models.compare import Measured


@pytest.fixture(scope="module")
def five():
    return {f"m{n}": rows(0.3 + 0.12 * n, seed=n) for n in range(5)}


@pytest.fixture(scope="module")
def found(five):
    return compare.compare(five, pd.Series(dtype=str), BOOTSTRAP)


def test_models_stand_in_the_order_of_the_proxy_named_in_advance(five, found):
    assert list(found.table["model"]) == ["m4", "m3", "m2", "m1", "m0"] and list(found.table["rank"]) == [1, 2, 3, 4, 5]
    assert compare.WINNER == "top1|inverse_frequency"
    for model, (tokens, vocabulary) in five.items():
        by_task = proxies.by_task(tokens, vocabulary)
        assert found.values.loc[model, list(proxies.NAMES)].to_numpy() == pytest.approx(by_task.mean().to_numpy())
        row = found.table.set_index("model").loc[model]
        assert row[compare.WINNER] == pytest.approx(by_task[compare.WINNER].mean())
        bits = proxies.bits_per_byte(tokens)
        assert row["bits_per_byte low"] <= bits.mean() <= row["bits_per_byte high"]
        assert row[compare.WINNER + " low"] < row[compare.WINNER] < row[compare.WINNER + " high"]


def test_support_is_the_share_of_resampled_traces_that_keep_the_order(found):
    wide = found.by_trace.pivot(index=["task", "id"], columns="model", values=compare.WINNER)
    rng = np.random.default_rng(99)
    kept = []
    for _ in range(2000):
        means = [part.iloc[rng.integers(0, len(part), len(part))].mean() for _, part in wide.groupby(level="task")]
        mean = sum(means) / len(means)
        kept.append(mean["m2"] > mean["m1"])
    support = found.support.set_index(["better", "worse"])["support"]
    assert len(found.support) == 10
    assert support["m2", "m1"] == pytest.approx(np.mean(kept), abs=0.05)
    assert support["m4", "m0"] == 1.0


def test_a_model_beside_its_copy_is_no_better_than_a_coin(five):
    found = compare.compare({"a": five["m1"], "b": five["m1"]}, pd.Series(dtype=str), BOOTSTRAP)
    assert list(found.table["rank"]) == [1, 1] and found.support["support"].tolist() == [0.5]


def test_a_trace_that_one_model_cannot_answer_for_counts_for_none(five):
    tokens, vocabulary = five["m0"]
    missing = tokens[~((tokens["task"] == "a") & (tokens["id"] == "3"))]
    short = missing[~((missing["task"] == "b") & (missing["id"] == "5") & (missing["position"] > 4))]
    found = compare.compare({"x": Measured(short, vocabulary), "y": five["m1"]}, pd.Series(dtype=str), BOOTSTRAP)
    assert (found.used, found.left_out) == (24, 2)
    keys = set(found.by_trace[["task", "id"]].itertuples(index=False, name=None))
    assert not keys & {("a", "3"), ("b", "5")}


def test_too_few_models_or_traces_are_refused(five):
    with pytest.raises(UserError, match="at least 2 models"):
        compare.compare({"a": five["m1"]}, pd.Series(dtype=str), BOOTSTRAP)
    apart = {"a": rows(0.5, tasks=("a",)), "b": rows(0.5, tasks=("b",))}
    with pytest.raises(UserError, match="only 0 traces have 8 scored tokens under every model"):
        compare.compare(apart, pd.Series(dtype=str), BOOTSTRAP)


@pytest.fixture(scope="module")
def many():
    return compare.compare({f"m{n}": rows(0.2 + 0.08 * n, seed=n) for n in range(8)}, pd.Series(dtype=str), BOOTSTRAP)


def test_a_fitted_ranker_is_judged_on_the_model_it_has_not_seen(many):
    scores = pd.Series({f"m{n}": 0.1 * n for n in range(8)})
    fitted = compare.fit(many.values, scores, BOOTSTRAP)
    errors = fitted.errors.set_index("signal")["estimate"]
    gaps = many.values[compare.WINNER].to_numpy()
    wrong = [np.mean([(gaps[i] - gaps[j]) * (i - j) < 0 for j in range(8) if j != i]) for i in range(8)]
    assert errors[compare.WINNER] == pytest.approx(np.mean(wrong))
    assert errors["fitted ranker"] < 0.3
    noise = pd.Series(dict(zip(many.values.index, np.random.default_rng(5).permutation(8) / 8, strict=True)))
    assert compare.fit(many.values, noise, BOOTSTRAP).errors.set_index("signal").loc["fitted ranker", "estimate"] > 0.25


def test_scores_of_a_left_out_model_change_nothing_of_its_own_prediction(many, monkeypatch):
    seen = []
    real = compare.rankers.LinearRankSVM.fit
    monkeypatch.setattr(compare.rankers.LinearRankSVM, "fit", lambda self, X, y: seen.append(y.copy()) or real(self, X, y))
    scores = pd.Series({f"m{n}": 0.1 * n for n in range(8)})
    compare.fit(many.values, scores, BOOTSTRAP)
    assert sorted(map(len, seen)) == [7] * 8 + [8]
    for number, used in enumerate(seen[:8]):
        assert scores.iloc[number] not in used[:, 0]


def test_a_pair_counts_as_often_as_both_of_its_models_are_drawn():
    """Against a loop over models drawn by hand; one pair of six models is wrong, so that no share is sure."""
    wrong = np.zeros((6, 6))
    wrong[0, 1] = wrong[1, 0] = 1.0
    np.fill_diagonal(wrong, np.nan)
    interval = compare._error(wrong, BOOTSTRAP)
    rng, shares = np.random.default_rng(1), []
    for _ in range(2000):
        drawn = rng.integers(0, 6, 6)
        pairs = [wrong[a, b] for a in drawn for b in drawn if a != b]
        shares.append(np.mean(pairs) if pairs else np.nan)
    assert interval.estimate == pytest.approx(2 / 30)
    assert interval[1:] == pytest.approx(np.nanquantile(shares, [0.025, 0.975]), abs=0.05) and interval.high > 0.15


def test_a_signal_that_misorders_a_model_with_all_others_is_not_sure_of_its_error(many):
    """Shares by model alone are alike here, and draws of them would say 80 [80, 80] %."""
    scores = pd.Series({f"m{n}": float(n) for n in range(6)})
    values = many.values.loc[scores.index].copy()
    values[compare.WINNER] = [-2.0, -1.0, 0.0, 1.0, 2.0, -3.0]  # five pairs of fifteen are wrong
    row = compare.fit(values, scores, BOOTSTRAP).errors.set_index("signal").loc[compare.WINNER]
    assert row["estimate"] == pytest.approx(1 / 3) and row["low"] < 0.1 and row["high"] > 0.5


def test_loss_on_prose_is_shown_and_judged_beside_the_proxy(many):
    loss = pd.DataFrame([(f"m{n}", 5.0 - n, 4.9 - n, 5.1 - n) for n in reversed(range(8))], columns=["model", *"elh"])
    found = compare.beside(many, loss.set_axis(["model", "estimate", "low", "high"], axis=1))
    assert found.table["model"].equals(many.table["model"])  # the order stays the proxy's
    row = found.table.set_index("model").loc["m2"]
    assert row[["prose_bits_per_byte", "prose_bits_per_byte low", "prose_bits_per_byte high"]].tolist() == pytest.approx(
        [3.0, 2.9, 3.1]
    )
    errors = compare.fit(found.values, pd.Series({f"m{n}": float(n) for n in range(8)}), BOOTSTRAP).errors
    assert errors.set_index("signal").loc["prose_bits_per_byte", "estimate"] == 0.0  # less loss is better


def test_models_without_a_score_are_forecast(many):
    scores = pd.Series({f"m{n}": 0.1 * n for n in range(6)})
    order = compare.fit(many.values, scores, BOOTSTRAP).order.set_index("model")
    assert order["score"].isna().sum() == 2 and order["rank"].notna().all()
    assert order.loc["m7", "rank"] < order.loc["m0", "rank"]


def test_scores_that_are_all_alike_are_refused(many):
    with pytest.raises(UserError, match="all are the same"):
        compare.fit(many.values, pd.Series({f"m{n}": 0.5 for n in range(8)}), BOOTSTRAP)


NAMES = [f"m{n}" for n in range(6)]
SAME = "model,score\n" + "".join(f"m{n},0.5\n" for n in range(6))
GOOD = "model,score\n" + "".join(f"m{n},{n}\n" for n in range(6))


def test_known_scores_are_read_for_the_models_at_hand(tmp_path, capsys):
    (tmp_path / "s.csv").write_text("\ufeff" + GOOD + "another,3\n")
    assert compare.read_scores(tmp_path / "s.csv", NAMES).to_dict() == {f"m{n}": float(n) for n in range(6)}
    assert "s.csv: not among the models: another" in capsys.readouterr().err  # it may be a name that was misspelt


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,points\nm0,1\n", "column score is missing"),
        ("", "column model is missing"),
        (GOOD.replace("m3,3", "m3,three"), "line 5: score is 'three', expected a number"),
        (GOOD.replace("m3,3", "m3,"), "line 5: score is '', expected a number"),
        (GOOD.replace("m3,3", "m3"), "line 5: score is None, expected a number"),
        (GOOD.replace("m3,3", "m3,nan"), "line 5: score is nan"),
        (GOOD.replace("m3,3", "m2,3"), "line 5: model m2 occurs twice"),
        (SAME, "every score is 0.5; nothing can be fitted"),
        ("model,score\nm0,1\nm1,2\n", "2 of 6 models have a score, at least 5 are needed; models are called m0, m1"),
    ],
)
def test_scores_that_cannot_be_read_are_named(tmp_path, text, message):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        compare.read_scores(tmp_path / "s.csv", NAMES)


def test_a_scores_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "s.csv").write_bytes(b"model,score\nm\xff,1\n")
    with pytest.raises(UserError, match="not UTF-8"):
        compare.read_scores(tmp_path / "s.csv", NAMES)
    with pytest.raises(UserError, match="no such file"):
        compare.read_scores(tmp_path / "t.csv", NAMES)
