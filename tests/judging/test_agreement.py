"""Agreement of judges: known answers on published votes, and coins, copies and biases whose values are known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa, to_table

from proxylib import stats
from proxylib.data.published import judgments
from proxylib.judging import agreement
from proxylib.stats import Bootstrap

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)


def votes(count=400, seed=0, same=0.0, questions=40):
    """Two kinds of voters on the same items; with probability `same` the second copies the first."""
    rng = np.random.default_rng(seed)
    first, own = rng.choice(["a", "b", "tie"], (2, count), p=[0.5, 0.3, 0.2])
    second = np.where(rng.random(count) < same, first, own)
    frame = [
        pd.DataFrame({"item": range(count), "question": np.arange(count) % questions, "kind": kind, "vote": vote})
        for kind, vote in (("human", first), ("machine", second))
    ]
    return pd.concat(frame, ignore_index=True), first, second


def get(frame, **keys):
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


@pytest.mark.parametrize("same", [0.0, 0.4, 0.9])
def test_kappa_is_that_of_scikit_learn(same):
    table, first, second = votes(same=same)
    row = get(agreement.agreement(table, [("machine", "human")], BOOTSTRAP), statistic="kappa")
    assert row["estimate"] == pytest.approx(cohen_kappa_score(second, first))
    assert row["low"] < row["estimate"] < row["high"]


def test_kappa_is_that_of_statsmodels_draw_by_draw():
    rng = np.random.default_rng(1)
    first, second = rng.choice(["pass", "fail", "unscored"], (2, 80))
    counts = to_table(np.stack([np.unique(first, return_inverse=True)[1], np.unique(second, return_inverse=True)[1]], 1))[0]
    wanted = cohens_kappa(counts).kappa
    assert agreement.kappa(first, second) == pytest.approx(wanted)
    weights = rng.multinomial(80, np.full(80, 1 / 80), size=3)
    drawn = agreement.kappa(first, second, weights)
    again = [agreement.kappa(np.repeat(first, times), np.repeat(second, times)) for times in weights]
    assert drawn == pytest.approx(again)
    assert agreement.kappa(["pass"] * 4, ["pass"] * 4) == 0.0


def test_agreement_without_ties_counts_pairs_of_firm_votes():
    table, first, second = votes(same=0.5)
    firm = (first != "tie") & (second != "tie")
    row = get(agreement.agreement(table, [("machine", "human")], BOOTSTRAP), statistic="without ties")
    assert (row["n"], row["agreeing"]) == (firm.sum(), (firm & (first == second)).sum())


def test_voters_of_one_kind_are_paired_once_and_never_with_themselves():
    table = pd.DataFrame(
        {"item": [1, 1, 1, 2, 3, 3], "question": [1, 1, 1, 2, 3, 3], "kind": "human", "vote": list("aab") + ["a", "a", "a"]}
    )
    row = get(agreement.agreement(table, [("human", "human")], BOOTSTRAP), statistic="without ties")
    assert (row["n"], row["agreeing"]) == (4, 2)


def test_which_of_two_voters_of_one_kind_comes_first_does_not_matter():
    table = pd.DataFrame({"item": [1, 1, 2, 2, 3, 3], "question": [1, 1, 2, 2, 3, 3], "kind": "human", "vote": list("ababaa")})
    found, turned = (agreement.agreement(frame, [("human", "human")], BOOTSTRAP) for frame in (table, table[::-1]))
    kappa = get(found, statistic="kappa")["estimate"]
    assert kappa == get(turned, statistic="kappa")["estimate"] == pytest.approx((1 / 3 - 5 / 9) / (1 - 5 / 9))


def test_a_vote_that_is_missing_is_no_vote():
    table, first, second = votes()
    table.loc[400:599, "vote"] = None  # of the machine, on the first 200 items
    firm = (first != "tie") & (second != "tie")
    row = get(agreement.agreement(table, [("machine", "human")], BOOTSTRAP), statistic="without ties")
    assert row["n"] == firm[200:].sum()


def test_a_bias_for_length_is_told_from_a_shared_preference():
    rng = np.random.default_rng(2)
    longer = rng.choice(["a", "b"], 3000)
    other = np.where(longer == "a", "b", "a")
    pick = lambda share: np.where(rng.random(3000) < share, longer, other)
    frames = [
        pd.DataFrame(
            {"item": range(3000), "question": np.arange(3000) % 300, "kind": kind, "vote": pick(share), "longer": longer}
        )
        for kind, share in (("human", 0.6), ("biased", 0.8), ("fair", 0.6))
    ]
    found = agreement.length_bias(pd.concat(frames, ignore_index=True), BOOTSTRAP)
    assert get(found, kind="human", statistic="prefers the longer")["estimate"] == pytest.approx(0.6, abs=0.03)
    assert get(found, kind="biased", statistic="minus human")["low"] > 0.1
    fair = get(found, kind="fair", statistic="minus human")
    assert fair["low"] < 0 < fair["high"]


def of_models(verdict, questions=300):
    rows = []
    for question in range(questions):
        for x in range(6):
            for y in range(x + 1, 6):
                rows.append((question, 1, f"m{x}", f"m{y}", verdict(question, x, y)))
    return pd.DataFrame(rows, columns=["question", "turn", "a", "b", "vote"])


def test_coins_turn_in_circles_one_time_in_four_and_an_order_never():
    rng = np.random.default_rng(3)
    coins = agreement.transitivity(of_models(lambda *_: "ab"[rng.integers(2)]), BOOTSTRAP).iloc[0]
    assert coins["low"] < 0.25 < coins["high"] and coins["n"] == 300 * 20
    ordered = agreement.transitivity(of_models(lambda question, x, y: "a"), BOOTSTRAP).iloc[0]
    assert (ordered["estimate"], ordered["low"]) == pytest.approx((0, 0), abs=1e-12) and 0 < ordered["high"] < 0.03


def test_questions_without_a_triple_make_no_interval_shorter():
    """Three that have one, and 297 on which every verdict is a tie or only two models meet."""
    ordered = of_models(lambda *_: "a", questions=3)
    silent = of_models(lambda *_: judgments.TIE).assign(question=lambda rows: rows["question"] + 3)
    silent.loc[(silent["a"] == "m0") & (silent["b"] == "m1"), "vote"] = "a"
    alone, among = (agreement.transitivity(votes, BOOTSTRAP).iloc[0] for votes in (ordered, pd.concat([ordered, silent])))
    assert among.equals(alone) and alone["n"] == 3 * 20
    assert alone["high"] == pytest.approx(stats.proportion_interval(0, 3, BOOTSTRAP.level).high) and alone["high"] > 0.3


def test_a_circle_is_seen_from_either_side():
    for votes_of in ({(0, 1): "a", (1, 2): "a", (0, 2): "b"}, {(0, 1): "b", (1, 2): "b", (0, 2): "a"}):
        frame = pd.concat(
            [
                pd.DataFrame(
                    [(q, 1, f"m{x}", f"m{y}", vote) for (x, y), vote in votes_of.items()],
                    columns=["question", "turn", "a", "b", "vote"],
                )
                for q in (1, 2)
            ]
        )
        assert agreement.transitivity(frame, BOOTSTRAP).iloc[0]["estimate"] == 1


def test_measures_of_notes_by_hand():
    assert agreement.overlap_f1("the cat sat", "the cat ran off") == pytest.approx(2 * 2 / 7)
    assert agreement.overlap_f1("a a b", "a b b") == pytest.approx(2 * 2 / 6)
    assert agreement.overlap_f1("a a", "a a a") == pytest.approx(2 * 2 / 5)  # a word counts as often as in both
    assert agreement.overlap_f1("", "x") == 0 and agreement.overlap_f1("same words", "words same") == 1
    assert (
        agreement.unsupported("no such pain", "there is pain") == pytest.approx(2 / 3) and agreement.unsupported("", "x") == 0
    )


@pytest.mark.published
def test_mt_bench_has_its_known_answers(published_set):
    published_set("mt_bench_human")
    found = agreement.agreement(judgments.mt_bench(), [("GPT-4", "human"), ("human", "human")], BOOTSTRAP)
    for first, known in (("GPT-4", (1823, 2129)), ("human", (1282, 1550))):
        row = get(found, first=first, statistic="without ties")
        assert (row["agreeing"], row["n"]) == known and row["estimate"] == known[0] / known[1]


@pytest.mark.published
def test_what_is_read_is_all_that_is_there(published_set):
    for name in ("mt_bench_human", "pandalm", "mts_dialog"):
        published_set(name)
    bench, pairs, notes = judgments.mt_bench(), judgments.pandalm(), judgments.mts_notes()
    assert bench["kind"].value_counts().to_dict() == {"human": 3355, "GPT-4": 2400} and bench["question"].nunique() == 80
    assert len(pairs) == 999 * 5 and pairs["vote"].isna().sum() == 25
    assert len(notes) == 400 and (notes["item"].value_counts() == 4).all()
    assert notes["factual_f1"].between(0, 1).all() and notes["hallucination"].between(0, 1).all()
