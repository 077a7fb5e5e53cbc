"""The eighty proxies: closed forms, identities, degenerate traces, and a second implementation in plain loops."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxylib import proxies

V = 12  # entries of the synthetic vocabulary


def rows_of(logits, targets, task="t", trace="1"):
    """Rows as `tokenstats.extract` writes them, from float64 logits [T, V]."""
    z = logits - logits.max(1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    own = z[np.arange(len(z)), targets][:, None]
    return pd.DataFrame(
        {
            "task": task,
            "id": trace,
            "token": np.asarray(targets, np.int32),
            "n_bytes": np.int32(1),
            "nll": -log_p[np.arange(len(z)), targets].astype(np.float32),
            "entropy": -(np.exp(log_p) * log_p).sum(1).astype(np.float32),
            "n_greater": (z > own).sum(1).astype(np.int32),
            "n_equal": (z == own).sum(1).astype(np.int32),
            "p_max": np.exp(log_p).max(1).astype(np.float32),
        }
    )


def population(seed, lengths=((9, 4, 17), (1, 30)), ties=False):
    """Rows of several traces in several tasks."""
    rng = np.random.default_rng(seed)
    parts = []
    for task, sizes in enumerate(lengths):
        for trace, size in enumerate(sizes):
            logits = 2 * rng.standard_normal((size, V))
            if ties:
                logits = np.round(logits)
            parts.append(rows_of(logits, rng.integers(0, V, size), f"task{task}", f"{trace}"))
    return pd.concat(parts, ignore_index=True)


def pooled(values, weight):
    return float((values * weight).sum() / weight.sum())


# Three tokens worked out by hand over a vocabulary of 4. The third is the first token id again.
L = math.log(2)
HAND = pd.DataFrame(
    {
        "task": "t",
        "id": "1",
        "token": [7, 8, 7],
        "n_bytes": [1, 2, 3],
        "nll": [L, 2 * L, 3 * L],
        "entropy": [L, 2 * L, L / 2],  # log 4 = 2 L
        "n_greater": [0, 1, 3],
        "n_equal": [1, 2, 1],
        "p_max": [0.5, 0.5, 0.75],
    }
)
BY_HAND = {
    "cross_entropy": [L, 2 * L, 3 * L],
    "top1": [1, 0, 0],
    "top2": [1, 0.5, 0],
    "top3": [1, 1, 0],
    "top5": [1, 1, 1],
    "entropy": [0.5, 1, 0.25],
    "rank": [1, 2.5, 4],
    "reciprocal_rank": [1, 0.4, 0.25],
    "margin": [0, 0.25, 0.625],
    "wrong_confidence": [0, 0.5, 0.75],
}
WEIGHTS_BY_HAND = {
    "uniform": [1, 1, 1],
    "probability": [0.5, 0.25, 0.125],
    "disagreement": [0.5, 0.75, 0.875],
    "entropy": [0.5, 1, 0.25],
    "inverse_entropy": [0.5, 0, 0.75],
    "frequency": [2 / 3, 1 / 3, 2 / 3],
    "inverse_frequency": [1.5, 3, 1.5],
    "gaussian_nll": [math.exp(-0.75), 1, math.exp(-0.75)],  # mean 2 L, variance 2/3 L^2
}


@pytest.mark.parametrize("name", list(BY_HAND))
def test_statistic_as_computed_by_hand(name):
    assert proxies.statistics(HAND, 4)[name].to_numpy() == pytest.approx(BY_HAND[name])


@pytest.mark.parametrize("name", list(WEIGHTS_BY_HAND))
def test_weight_as_computed_by_hand(name):
    assert proxies.weights(HAND, 4)[name].to_numpy() == pytest.approx(WEIGHTS_BY_HAND[name])


def test_there_are_exactly_eighty_and_each_is_a_weighted_mean_of_the_trace():
    found = proxies.by_trace(HAND, 4)
    assert len(found) == 80 and not found.duplicated(["weighting", "statistic"]).any()
    assert not found["fallback"].any()
    for row in found.itertuples():
        expected = pooled(np.array(BY_HAND[row.statistic]), np.array(WEIGHTS_BY_HAND[row.weighting]))
        assert row.value == pytest.approx(expected), (row.weighting, row.statistic)


def loops(tokens, vocabulary):
    """Section 3.7 of the definition, token by token: {(task, id, weighting, statistic): value}, fallbacks."""
    found, fallbacks = {}, 0
    for task, of_task in tokens.groupby("task"):
        ids = list(of_task["token"])
        for trace, part in of_task.groupby("id"):
            records = part.to_dict("records")
            mean = sum(r["nll"] for r in records) / len(records)
            spread = math.sqrt(sum((r["nll"] - mean) ** 2 for r in records) / len(records))
            xs, ws = [], []
            for r in records:
                p, h = math.exp(-r["nll"]), r["entropy"] / math.log(vocabulary)
                hit = {k: min(1.0, max(0.0, (k - r["n_greater"]) / r["n_equal"])) for k in (1, 2, 3, 5)}
                rank = 1 + r["n_greater"] + (r["n_equal"] - 1) / 2
                share = ids.count(r["token"]) / len(ids)
                x = {"cross_entropy": r["nll"], "entropy": h, "rank": rank, "reciprocal_rank": 1 / rank}
                x |= {f"top{k}": value for k, value in hit.items()}
                x |= {"margin": max(0.0, r["p_max"] - p), "wrong_confidence": r["p_max"] * (1 - hit[1])}
                xs.append(x)
                ws.append(
                    {
                        "uniform": 1.0,
                        "probability": p,
                        "disagreement": 1 - p,
                        "entropy": h,
                        "inverse_entropy": max(0.0, 1 - h),
                        "frequency": share,
                        "inverse_frequency": 1 / share,
                        "gaussian_nll": math.exp(-((r["nll"] - mean) ** 2) / (2 * spread**2)) if spread > 1e-6 else 1.0,
                    }
                )
            for weighting in ws[0]:
                w = [each[weighting] for each in ws]
                if sum(w) <= 1e-9 * len(w):
                    w, fallbacks = [1.0] * len(w), fallbacks + 1
                for statistic in xs[0]:
                    total = sum(a * x[statistic] for a, x in zip(w, xs, strict=True))
                    found[task, trace, weighting, statistic] = total / sum(w)
    return found, fallbacks


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 10_000),
    ties=st.booleans(),
    lengths=st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_agrees_with_plain_loops(seed, ties, lengths):
    tokens = population(seed, lengths, ties)
    expected, _ = loops(tokens, V)
    found = proxies.by_trace(tokens, V)
    assert len(found) == len(expected)
    for row in found.itertuples():
        value = expected[row.task, row.id, row.weighting, row.statistic]
        assert row.value == pytest.approx(value, rel=1e-9, abs=1e-12), (row.weighting, row.statistic)


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10_000), ties=st.booleans())
def test_ranges_hold_for_any_model(seed, ties):
    tokens = population(seed, ties=ties)
    values, weight = proxies.statistics(tokens, V), proxies.weights(tokens, V)
    assert list(values.columns) == list(proxies.STATISTICS) and list(weight.columns) == list(proxies.WEIGHTINGS)
    shares = values.drop(columns=["cross_entropy", "rank"])
    assert shares.to_numpy().min() >= 0 and shares.to_numpy().max() <= 1 + 1e-6
    assert values["rank"].between(1, V).all() and (values["cross_entropy"] >= 0).all()
    assert (values[["top1", "top2", "top3", "top5"]].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert np.isfinite(weight.to_numpy()).all() and (weight.to_numpy() >= 0).all()


def test_margin_is_wrong_confidence_less_the_probability_of_what_is_not_first():
    tokens = population(1)
    assert (tokens["n_equal"] == 1).all()
    x = proxies.statistics(tokens, V)
    p = np.exp(-tokens["nll"].to_numpy(float))
    assert x["margin"].to_numpy() == pytest.approx((x["wrong_confidence"] - p * (x["top1"] == 0)).to_numpy(), abs=1e-6)


def test_probability_and_disagreement_recombine_to_uniform_within_a_trace():
    tokens = population(2)
    found = proxies.by_trace(tokens, V).set_index(["task", "id", "statistic", "weighting"])["value"].unstack()
    mean_p = tokens.assign(p=np.exp(-tokens["nll"].astype(float))).groupby(["task", "id"])["p"].mean()
    share = mean_p.reindex(found.index.droplevel("statistic")).to_numpy()
    mixed = share * found["probability"] + (1 - share) * found["disagreement"]
    assert mixed.to_numpy() == pytest.approx(found["uniform"].to_numpy(), rel=1e-9)


def test_inverse_frequency_over_a_task_is_the_mean_over_token_types():
    tokens = population(3)
    x, w = proxies.statistics(tokens, V), proxies.weights(tokens, V)["inverse_frequency"]
    for task, index in tokens.groupby("task").groups.items():
        by_type = x.loc[index].groupby(tokens.loc[index, "token"]).mean().mean()
        for name in x:
            assert pooled(x.loc[index, name], w[index]) == pytest.approx(by_type[name]), (task, name)


def test_frequencies_are_counted_within_a_task_over_all_its_traces():
    tokens = HAND.assign(task=["a", "a", "b"], id=["1", "2", "1"], token=[7, 7, 7])
    assert proxies.weights(tokens, 4)["frequency"].tolist() == [1, 1, 1]
    tokens = HAND.assign(task=["a", "a", "b"], id=["1", "2", "1"], token=[7, 8, 7])
    assert proxies.weights(tokens, 4)["frequency"].tolist() == [0.5, 0.5, 1]
    assert proxies.weights(tokens, 4)["inverse_frequency"].tolist() == [2, 2, 1]


def test_the_kernel_is_centred_on_each_trace_of_its_own():
    easy, hard = HAND.assign(id="easy"), HAND.assign(id="hard", nll=HAND["nll"] * 50 + 100)
    w = proxies.weights(pd.concat([easy, hard], ignore_index=True), 4)["gaussian_nll"].to_numpy()
    assert w == pytest.approx(WEIGHTS_BY_HAND["gaussian_nll"] * 2)


@pytest.mark.parametrize(("greater", "equal"), [(0, 1), (0, 4), (1, 3), (2, 2), (4, 5), (0, 12), (6, 1)])
def test_ties_score_what_random_breaking_scores_on_average(greater, equal):
    row = HAND.iloc[:1].assign(n_greater=greater, n_equal=equal)
    x = proxies.statistics(row, V).iloc[0]
    rng = np.random.default_rng(0)
    logits = np.r_[np.full(greater, 1.0), np.full(equal, 0.0), np.full(V - greater - equal, -1.0)]
    draws = 4000
    # the target is entry `greater`; random keys below any logit gap break the ties
    keys = logits + 0.1 * rng.random((draws, V))
    place = 1 + (keys > keys[:, [greater]]).sum(1)
    assert x["rank"] == pytest.approx(place.mean(), abs=4 * equal / math.sqrt(12 * draws) + 1e-12)
    for k in (1, 2, 3, 5):
        assert x[f"top{k}"] == pytest.approx((place <= k).mean(), abs=4 * 0.5 / math.sqrt(draws)), k


def test_a_certain_model_falls_back_to_uniform_weights_and_says_so():
    certain = HAND.assign(nll=0.0, entropy=0.0, n_greater=0, n_equal=1, p_max=1.0)
    found = proxies.by_trace(pd.concat([certain, HAND.assign(id="2")], ignore_index=True), 4)
    fell = found[found["fallback"]]
    assert set(fell["id"]) == {"1"} and set(fell["weighting"]) == {"disagreement", "entropy"}
    for weighting in ("disagreement", "entropy"):
        values = found[(found["id"] == "1") & (found["weighting"] == weighting)].set_index("statistic")["value"]
        assert (values["cross_entropy"], values["top1"], values["rank"], values["wrong_confidence"]) == (0, 1, 1, 0)
    counts = proxies.by_task(pd.concat([certain, HAND.assign(id="2")], ignore_index=True), 4)
    assert counts.set_index(["weighting", "statistic"])["fallbacks"].groupby("weighting").max().to_dict() == {
        name: int(name in ("disagreement", "entropy")) for name in proxies.WEIGHTINGS
    }


def test_a_constant_nll_makes_the_kernel_flat():
    flat = HAND.assign(nll=np.float32(1.7))
    assert proxies.weights(flat, 4)["gaussian_nll"].tolist() == [1, 1, 1]
    nearly = HAND.assign(nll=1.7 + np.array([0, 1e-8, -1e-8]))  # rounding is no spread
    assert proxies.weights(nearly, 4)["gaussian_nll"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("vocabulary", [12, 259, 512])
def test_a_uniform_model_scores_as_chance_under_every_weighting(vocabulary):
    tokens = rows_of(np.zeros((6, vocabulary)), [0, 1, 1, 2, 3, 3])
    found = proxies.by_trace(tokens, vocabulary)
    expected = {"cross_entropy": math.log(vocabulary), "entropy": 1, "rank": (vocabulary + 1) / 2, "margin": 0}
    expected |= {f"top{k}": k / vocabulary for k in (1, 2, 3, 5)} | {"reciprocal_rank": 2 / (vocabulary + 1)}
    expected["wrong_confidence"] = (1 - 1 / vocabulary) / vocabulary
    for row in found.itertuples():
        assert row.value == pytest.approx(expected[row.statistic], rel=1e-5, abs=1e-7), (row.weighting, row.statistic)


@pytest.mark.parametrize("vocabulary", [259, 50_257])
def test_a_uniform_model_has_no_inverse_entropy_to_weight_by(vocabulary):
    tokens = rows_of(np.zeros((3, vocabulary)), [0, 1, 1])
    low, high = (tokens.assign(entropy=np.nextafter(tokens["entropy"], np.float32(towards))) for towards in (0, 100))
    for each in (tokens, low, high):  # one unit in the last place is all that stored values can promise
        found = proxies.by_trace(each, vocabulary)
        assert found.loc[found["weighting"] == "inverse_entropy", "fallback"].all()


def test_a_better_model_scores_better_by_every_sign():
    rng = np.random.default_rng(8)
    logits, targets = rng.standard_normal((200, V)), rng.integers(0, V, 200)
    better = logits.copy()
    better[np.arange(200), targets] += 5
    bad, good = (
        proxies.by_task(rows_of(z, targets), V).set_index(["weighting", "statistic"])["value"] for z in (logits, better)
    )
    for statistic, sign in proxies.STATISTICS.items():
        assert sign * (good["uniform", statistic] - bad["uniform", statistic]) > 0, statistic


def test_a_task_is_the_plain_mean_over_its_traces():
    tokens = population(5)
    traces = proxies.by_trace(tokens, V)
    expected = traces.groupby(["task", "weighting", "statistic"])["value"].mean()
    found = proxies.by_task(tokens, V).set_index(["task", "weighting", "statistic"])
    assert len(found) == 160
    assert found["value"].to_numpy() == pytest.approx(expected.reindex(found.index).to_numpy())
    assert found["n"].groupby("task").first().to_dict() == {"task0": 3, "task1": 2}


@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(seed):
    tokens = population(seed)
    shuffled = tokens.sample(frac=1, random_state=seed).reset_index(drop=True)
    keys = ["task", "id", "weighting", "statistic"]
    first, second = (proxies.by_trace(frame, V).sort_values(keys, ignore_index=True) for frame in (tokens, shuffled))
    pd.testing.assert_frame_equal(first, second, rtol=1e-9)


def test_an_index_that_does_not_count_from_zero_changes_nothing():
    tokens = population(6)
    moved = tokens.set_axis(np.arange(len(tokens))[::-1] * 3 + 100)
    pd.testing.assert_frame_equal(proxies.by_trace(tokens, V), proxies.by_trace(moved, V))


def test_bits_per_byte_of_a_uniform_model_over_bytes_is_eight():
    tokens = rows_of(np.zeros((50, 256)), np.arange(50))
    assert proxies.bits_per_byte(tokens)["bits_per_byte"].tolist() == pytest.approx([8], rel=1e-6)


def test_bits_per_byte_pools_nats_and_bytes_of_a_task():
    tokens = pd.concat([HAND, HAND.assign(id="2", nll=0.0, n_bytes=10), HAND.assign(task="u", n_bytes=1)])
    found = proxies.bits_per_byte(tokens).set_index("task")["bits_per_byte"].to_dict()
    assert found == pytest.approx({"t": 6 / 36, "u": 6 / 3})


def test_the_winners_fixed_in_advance_are_the_papers():
    assert proxies.NAMED_WINNERS == {
        "model selection": ("top1", "inverse_frequency"),
        "data selection": ("top5", "frequency"),
    }
