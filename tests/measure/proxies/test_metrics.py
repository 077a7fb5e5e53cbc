"""Statistics and weightings by hand and by plain loops; ranges, identities, degenerate traces."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measure.proxies.token_rows import FEW, HAND, L, V, population, rows_of, segmented, series

from proxylib.errors import UserError
from proxylib.measure import proxies


def fell_back(found):
    """(task, id, weighting) of what fell back to uniform weights."""
    return {(*key, weighting) for weighting, fell in found.fallback.items() for key in fell.index[fell]}


def pooled(values, weight):
    return float((values * weight).sum() / weight.sum())


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
    assert found.values.shape == (1, 80) and found.values.columns.is_unique and (found.values.dtypes == np.float64).all()
    assert found.values.index.tolist() == [("t", "1")] and found.values.index.names == ["task", "id"]
    assert not found.fallback.any(axis=None) and list(found.fallback) == list(proxies.WEIGHTINGS)
    for statistic, x in BY_HAND.items():
        for weighting, w in WEIGHTS_BY_HAND.items():
            value = found.values.loc[("t", "1"), proxies.name(statistic, weighting)]
            assert value == pytest.approx(pooled(np.array(x), np.array(w))), (weighting, statistic)


def word_of(text, offset):
    """The word that a character falls into; space counts with the word after it."""
    rest = text[offset:]
    if not rest.strip():
        return ""
    start = offset + len(rest) - len(rest.lstrip())
    while start and not text[start - 1].isspace():
        start -= 1
    return text[start:].split()[0]


def words_of(text):
    """All words; white space at the end is an empty one."""
    return text.split() + ([""] if text[-1].isspace() else [])


def frequency(r, records, texts, source):
    if source == "text":
        words = [word for (task, _), text in texts.items() if task == r["task"] for word in words_of(text)]
        return words.count(word_of(texts[r["task"], r["id"]], r["offset"])) / len(words)
    pool = [other["token"] for other in records if source == "all tasks" or other["task"] == r["task"]]
    return pool.count(r["token"]) / len(pool)


def statistics_of(r, definition):
    p, greater, equal = math.exp(-r["nll"]), r["n_greater"], r["n_equal"]
    rank = {"mid": 1 + greater + (equal - 1) / 2, "strict": greater + 1, "pessimistic": greater + equal}[definition.ties]
    if definition.ties == "mid":
        hit = {k: min(1.0, max(0.0, (k - greater) / equal)) for k in (1, 2, 3, 5)}
    else:
        hit = {k: float(rank <= k) for k in (1, 2, 3, 5)}
    shown = {"raw": rank, "log": math.log(rank), "share": rank / V}[definition.rank]
    x = {"cross_entropy": r["nll"], "entropy": r["entropy"] / math.log(V), "rank": shown, "reciprocal_rank": 1 / rank}
    x |= {f"top{k}": value for k, value in hit.items()}
    return x | {"margin": max(0.0, r["p_max"] - p), "wrong_confidence": r["p_max"] * (1 - hit[1])}


def weights_of(r, f, centre, spread, definition):
    p, h = math.exp(-r["nll"]), r["entropy"] / math.log(V)
    return {
        "uniform": 1.0,
        "probability": p,
        "disagreement": 1 - p,
        "entropy": h,
        "inverse_entropy": max(0.0, 1 - h) if definition.inverse_entropy == "complement" else 1 / (h + 0.01),
        "frequency": f,
        "inverse_frequency": 1 / f if definition.inverse_frequency == "reciprocal" else 1 - f,
        "gaussian_nll": math.exp(-((r["nll"] - centre) ** 2) / (2 * spread**2)) if spread > 1e-6 else 1.0,
    }


def loops(tokens, texts, shared, definition):
    """Sections 3.1 to 3.3 of the definition: {(task, id, weighting, statistic): value}, {(task, id, weighting)} fallen back."""
    everything, found, fallen = tokens.to_dict("records"), {}, set()
    for task, trace in dict.fromkeys((r["task"], r["id"]) for r in everything):
        records = [r for r in everything if (r["task"], r["id"]) == (task, trace)]
        mean = sum(r["nll"] for r in records) / len(records)
        spread = math.sqrt(sum((r["nll"] - mean) ** 2 for r in records) / len(records))
        centre = {"trace": mean, "easy": 0, "nat": 1, "shared": shared[task][0]}[definition.gaussian]
        spread = shared[task][1] if definition.gaussian == "shared" else spread
        spread *= {"whole": 1, "half": 0.5, "double": 2}[definition.gaussian_width]
        size = [r["n_bytes"] if definition.spread == "byte" else 1 for r in records]
        xs = [statistics_of(r, definition) for r in records]
        fs = [frequency(r, everything, texts, definition.frequency_source) for r in records]
        ws = [weights_of(r, f, centre, spread, definition) for r, f in zip(records, fs, strict=True)]
        for weighting in proxies.WEIGHTINGS:
            w = [each[weighting] for each in ws]
            if sum(a * n for a, n in zip(w, size, strict=True)) <= 1e-6 * sum(size):
                w = [1.0] * len(w)
                fallen.add((task, trace, weighting))
            bottom = sum(a * n for a, n in zip(w, size, strict=True))
            for statistic in proxies.STATISTICS:
                # a token's nats are divided among its bytes, whatever else it has is had by each of them
                times = [1] * len(w) if statistic == "cross_entropy" else size
                top = sum(a * n * x[statistic] for a, n, x in zip(w, times, xs, strict=True))
                found[task, trace, weighting, statistic] = top / bottom
    return found, fallen


@pytest.mark.parametrize("choice", list(proxies.DEFINITIONS))
@settings(max_examples=5, deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 10_000),
    ties=st.booleans(),
    lengths=st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_agrees_with_plain_loops(choice, seed, ties, lengths):
    definition = proxies.DEFINITIONS[choice]
    tokens, texts = population(seed, lengths, ties)
    shared = {task: (0.5 + seed % 3, 1.5) for task in tokens["task"].unique()}
    expected, fallen = loops(tokens, texts.to_dict(), shared, definition)
    centres = pd.DataFrame.from_dict(shared, orient="index", columns=["mean", "sd"])
    found = proxies.by_trace(proxies.with_word_frequency(tokens, texts), V, definition, centres)
    assert found.values.size == len(expected)
    for (task, trace, weighting, statistic), value in expected.items():
        own = found.values.loc[(task, trace), proxies.name(statistic, weighting)]
        assert own == pytest.approx(value, rel=1e-9, abs=1e-12), (weighting, statistic)
    assert fell_back(found) == fallen


TIED = {"top1", "top2", "top3", "top5", "rank", "reciprocal_rank", "wrong_confidence"}
TOUCHED = {
    "inverse entropy": {n for n in proxies.NAMES if n.endswith("|inverse_entropy")},
    "inverse frequency": {n for n in proxies.NAMES if n.endswith("|inverse_frequency")},
    "frequency source": {n for n in proxies.NAMES if n.endswith(("|frequency", "|inverse_frequency"))},
    "gaussian": {n for n in proxies.NAMES if n.endswith("|gaussian_nll")},
    "gaussian width": {n for n in proxies.NAMES if n.endswith("|gaussian_nll")},
    "rank": {n for n in proxies.NAMES if n.startswith("rank|")},
    "ties": {n for n in proxies.NAMES if n.split("|")[0] in TIED},
    "spread": set(proxies.NAMES),
}


@pytest.mark.parametrize("choice", [name for name in proxies.DEFINITIONS if name != "default"])
def test_a_definition_changes_what_it_is_about_and_nothing_else(choice):
    tokens, texts = population(11, ((40, 30), (35, 50)), ties=True)
    tokens = proxies.with_word_frequency(tokens, texts)
    shared = proxies.difficulty([tokens])
    usual = proxies.by_task(tokens, V)
    other = proxies.by_task(tokens, V, proxies.DEFINITIONS[choice], shared)
    touched = {name for name in proxies.NAMES if (usual[name] != other[name]).any()}
    assert touched == TOUCHED[choice.split(":")[0]]
    assert touched == {name for name in proxies.NAMES if proxies.holds(name, proxies.DEFINITIONS[choice])}


def test_ties_at_their_best_and_their_worst():
    row = HAND.iloc[:1].assign(n_greater=1, n_equal=3)  # places 2 to 4
    strict, worst = (proxies.statistics(row, V, proxies.Definition(ties=ties)).iloc[0] for ties in ("strict", "pessimistic"))
    assert (strict["rank"], strict["top1"], strict["top2"], strict["top3"]) == (2, 0, 1, 1)
    assert (worst["rank"], worst["top3"], worst["top5"], worst["wrong_confidence"]) == (4, 0, 1, 0.5)


def test_without_ties_all_ways_to_break_them_agree():
    tokens, _ = population(12)
    assert (tokens["n_equal"] == 1).all()
    usual = proxies.by_task(tokens, V)
    for ties in ("strict", "pessimistic"):
        pd.testing.assert_frame_equal(proxies.by_task(tokens, V, proxies.Definition(ties=ties)), usual, rtol=1e-12)


def test_the_two_inverses_by_their_other_formula():
    other = proxies.Definition(inverse_entropy="reciprocal", inverse_frequency="complement")
    w = proxies.weights(HAND, 4, other)
    assert w["inverse_entropy"].tolist() == pytest.approx([1 / 0.51, 1 / 1.01, 1 / 0.26])
    assert w["inverse_frequency"].tolist() == pytest.approx([1 / 3, 2 / 3, 1 / 3])


def test_the_kernel_about_other_centres():
    of = lambda gaussian, shared=None: proxies.weights(HAND, 4, proxies.Definition(gaussian=gaussian), shared)[
        "gaussian_nll"
    ].tolist()
    nll, variance = np.array([L, 2 * L, 3 * L]), 2 / 3 * L**2
    assert of("easy") == pytest.approx(np.exp(-(nll**2) / (2 * variance)))
    assert of("nat") == pytest.approx(np.exp(-((nll - 1) ** 2) / (2 * variance)))
    shared = pd.DataFrame({"mean": [9.0, 3 * L], "sd": [9.0, L]}, index=["u", "t"])
    assert of("shared", shared) == pytest.approx([math.exp(-2), math.exp(-0.5), 1])
    assert of("shared", shared.assign(sd=0.0)) == [1, 1, 1]


def test_difficulty_weighs_models_alike_and_holds_their_differences():
    short = pd.DataFrame({"task": "t", "nll": np.float32([1, 3])})
    long = pd.DataFrame({"task": ["t"] * 4 + ["u"], "nll": np.float32([6, 6, 6, 6, 2])})
    found = proxies.difficulty([short, long])
    assert found.loc["t"].tolist() == pytest.approx([4, math.sqrt((1 + 9) / 4 + 36 / 2 - 16)])
    assert found.loc["u"].tolist() == [2, 0]


def test_a_shared_kernel_needs_the_difficulty_of_every_task():
    shared = proxies.Definition(gaussian="shared")
    with pytest.raises(UserError, match="gaussian shared needs the difficulty"):
        proxies.weights(HAND, 4, shared)
    with pytest.raises(UserError, match="difficulty: task t is missing"):
        proxies.weights(HAND, 4, shared, pd.DataFrame({"mean": [1.0], "sd": [1.0]}, index=["u"]))


def test_a_place_in_the_text_weighs_the_same_under_every_tokenizer_and_window():
    rng, texts = np.random.default_rng(0), series({("t", "1"): "take 12 and 12 away\nanswer 0\n"})
    first, second = (segmented(texts.iloc[0], rng) for _ in range(2))
    frames = [proxies.with_word_frequency(rows, texts) for rows in (first, second, second.iloc[7:])]
    places = [frame.drop_duplicates("offset").set_index("offset")["word_frequency"] for frame in frames]
    assert len(set(places[0])) > 1 and len(places[0].index.intersection(places[1].index)) > 5
    for other in places[1:]:
        shared = places[0].index.intersection(other.index)
        assert (places[0][shared] == other[shared]).all()


def test_spread_over_bytes_the_uniform_cross_entropy_is_nats_per_byte():
    tokens, _ = population(14, ((9, 14), (20, 30)))
    assert (tokens["n_bytes"] == 0).any() and (tokens["n_bytes"] > 1).any()
    spread = proxies.by_trace(tokens, V, proxies.Definition(spread="byte")).values["cross_entropy|uniform"]
    for (task, trace), value in spread.items():
        own = tokens[(tokens["task"] == task) & (tokens["id"] == trace)]
        bits = proxies.bits_per_byte(own)[task]
        assert value / math.log(2) == pytest.approx(bits, rel=1e-9), (task, trace)


def test_tokens_of_one_byte_are_spread_already():
    tokens, _ = population(15)
    tokens = tokens.assign(n_bytes=1)
    spread = proxies.by_task(tokens, V, proxies.Definition(spread="byte"))
    pd.testing.assert_frame_equal(spread, proxies.by_task(tokens, V))


def test_a_statistic_that_is_no_amount_is_had_by_every_byte():
    value = proxies.by_task(HAND, 4, proxies.Definition(spread="byte")).loc["t"]
    assert value["top3|uniform"] == pytest.approx((1 * 1 + 2 * 1 + 3 * 0) / 6)
    w = np.array([0.5, 0.25, 0.125])
    assert value["cross_entropy|probability"] == pytest.approx((w * [L, 2 * L, 3 * L]).sum() / (w * [1, 2, 3]).sum())


def test_a_trace_without_a_byte_cannot_be_spread():
    tokens = pd.concat([HAND, HAND.assign(id="2", n_bytes=0)])
    with pytest.raises(UserError, match="trace t/2: no token has a byte"):
        proxies.by_trace(tokens, 4, proxies.Definition(spread="byte"))
    assert len(proxies.by_trace(tokens, 4).values) == 2


@FEW
@given(seed=st.integers(0, 10_000), ties=st.booleans())
def test_ranges_hold_for_any_model(seed, ties):
    tokens, _ = population(seed, ties=ties)
    values, weight = proxies.statistics(tokens, V), proxies.weights(tokens, V)
    assert list(values.columns) == list(proxies.STATISTICS) and list(weight.columns) == list(proxies.WEIGHTINGS)
    shares = values.drop(columns=["cross_entropy", "rank"])
    assert shares.to_numpy().min() >= 0 and shares.to_numpy().max() <= 1 + 1e-6
    assert values["rank"].between(1, V).all() and (values["cross_entropy"] >= 0).all()
    assert (values[["top1", "top2", "top3", "top5"]].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert np.isfinite(weight.to_numpy()).all() and (weight.to_numpy() >= 0).all()


def test_margin_is_wrong_confidence_less_the_probability_of_what_is_not_first():
    tokens, _ = population(1)
    assert (tokens["n_equal"] == 1).all()
    x = proxies.statistics(tokens, V)
    p = np.exp(-tokens["nll"].to_numpy(float))
    assert x["margin"].to_numpy() == pytest.approx((x["wrong_confidence"] - p * (x["top1"] == 0)).to_numpy(), abs=1e-6)


def test_probability_and_disagreement_recombine_to_uniform_within_a_trace():
    tokens, _ = population(2)
    found = proxies.by_trace(tokens, V).values
    share = tokens.assign(p=np.exp(-tokens["nll"].astype(float))).groupby(["task", "id"])["p"].mean().reindex(found.index)
    for statistic in proxies.STATISTICS:
        likely, unlikely, uniform = (found[f"{statistic}|{w}"] for w in ("probability", "disagreement", "uniform"))
        assert (share * likely + (1 - share) * unlikely).to_numpy() == pytest.approx(uniform.to_numpy(), rel=1e-9)


def test_inverse_frequency_over_a_task_of_one_trace_is_the_mean_over_token_types():
    tokens, _ = population(3, ((60,), (90,)))
    x, found = proxies.statistics(tokens, V), proxies.by_task(tokens, V)
    for task, index in tokens.groupby("task").groups.items():
        by_type = x.loc[index].groupby(tokens.loc[index, "token"]).mean().mean()
        for statistic in x:
            assert found.loc[task, f"{statistic}|inverse_frequency"] == pytest.approx(by_type[statistic]), (task, statistic)


def test_frequencies_are_counted_within_a_task_over_all_its_traces():
    tokens = HAND.assign(task=["a", "a", "b"], id=["1", "2", "1"], token=[7, 7, 7])
    assert proxies.weights(tokens, 4)["frequency"].tolist() == [1, 1, 1]
    tokens = HAND.assign(task=["a", "a", "b"], id=["1", "2", "1"], token=[7, 8, 7])
    assert proxies.weights(tokens, 4)["frequency"].tolist() == [0.5, 0.5, 1]
    assert proxies.weights(tokens, 4)["inverse_frequency"].tolist() == [2, 2, 1]
    everywhere = proxies.weights(tokens, 4, proxies.Definition(frequency_source="all tasks"))
    assert everywhere["frequency"].tolist() == pytest.approx([2 / 3, 1 / 3, 2 / 3])


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
    assert fell_back(found) == {("t", "1", "disagreement"), ("t", "1", "entropy")}
    for weighting in ("disagreement", "entropy"):
        of = lambda statistic, w=weighting: found.values.loc[("t", "1"), f"{statistic}|{w}"]
        assert (of("cross_entropy"), of("top1"), of("rank"), of("wrong_confidence")) == (0, 1, 1, 0)


def test_a_constant_nll_makes_the_kernel_flat():
    flat = HAND.assign(nll=np.float32(1.7))
    assert proxies.weights(flat, 4)["gaussian_nll"].tolist() == [1, 1, 1]
    nearly = HAND.assign(nll=1.7 + np.array([0, 1e-8, -1e-8]))  # rounding is no spread
    assert proxies.weights(nearly, 4)["gaussian_nll"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("vocabulary", [12, 259, 512])
def test_a_uniform_model_scores_as_chance_under_every_weighting(vocabulary):
    tokens = rows_of(np.zeros((6, vocabulary)), [0, 1, 1, 2, 3, 3])
    found = proxies.by_task(tokens, vocabulary).loc["t"]
    expected = {"cross_entropy": math.log(vocabulary), "entropy": 1, "rank": (vocabulary + 1) / 2, "margin": 0}
    expected |= {f"top{k}": k / vocabulary for k in (1, 2, 3, 5)} | {"reciprocal_rank": 2 / (vocabulary + 1)}
    expected["wrong_confidence"] = (1 - 1 / vocabulary) / vocabulary
    for column, value in found.items():
        assert value == pytest.approx(expected[column.split("|")[0]], rel=1e-5, abs=1e-7), column


@pytest.mark.parametrize("vocabulary", [259, 50_257])
def test_a_uniform_model_has_no_inverse_entropy_to_weight_by(vocabulary):
    tokens = rows_of(np.zeros((3, vocabulary)), [0, 1, 1])
    low, high = (tokens.assign(entropy=np.nextafter(tokens["entropy"], np.float32(towards))) for towards in (0, 100))
    for each in (tokens, low, high):  # one unit in the last place is all that stored values can promise
        assert proxies.by_trace(each, vocabulary).fallback["inverse_entropy"].all()


def test_tokens_that_are_all_right_are_exactly_right_under_every_weighting():
    # models at the ceiling must tie exactly, whatever their weights add up to
    tokens, _ = population(16)
    found = proxies.by_trace(tokens.assign(n_greater=0, n_equal=1), V).values
    assert (found.filter(like="top") == 1).all(axis=None) and (found.filter(like="reciprocal_rank") == 1).all(axis=None)


def test_a_better_model_scores_better_by_every_sign():
    rng = np.random.default_rng(8)
    logits, targets = rng.standard_normal((200, V)), rng.integers(0, V, 200)
    better = logits.copy()
    better[np.arange(200), targets] += 5
    bad, good = (proxies.by_task(rows_of(z, targets), V).loc["t"] for z in (logits, better))
    for statistic, sign in proxies.STATISTICS.items():
        assert sign * (good[f"{statistic}|uniform"] - bad[f"{statistic}|uniform"]) > 0, statistic


def test_no_rows_are_refused():
    with pytest.raises(UserError, match="there are no rows"):
        proxies.by_trace(HAND.iloc[:0], 4)


def test_a_task_is_the_plain_mean_over_its_traces():
    tokens, _ = population(5)
    traces, found = proxies.by_trace(tokens, V).values, proxies.by_task(tokens, V)
    assert found.index.tolist() == ["task0", "task1"] and found.shape == (2, 80) and list(found) == list(proxies.NAMES)
    for task, rows in (("task0", slice(0, 3)), ("task1", slice(3, 5))):
        assert found.loc[task].to_numpy() == pytest.approx(traces.to_numpy()[rows].mean(0))


def test_traces_and_tasks_stand_in_order_of_first_appearance():
    tokens = pd.concat([HAND.assign(task=t, id=i) for t, i in (("z", "2"), ("a", "2"), ("z", "1"))], ignore_index=True)
    assert proxies.by_trace(tokens, 4).values.index.tolist() == [("z", "2"), ("a", "2"), ("z", "1")]
    assert proxies.by_task(tokens, 4).index.tolist() == ["z", "a"]


@FEW
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(seed):
    tokens, _ = population(seed)
    shuffled = tokens.sample(frac=1, random_state=seed)
    first, second = (proxies.by_trace(frame, V) for frame in (tokens, shuffled))
    pd.testing.assert_frame_equal(first.values, second.values.reindex(first.values.index), rtol=1e-9)
    pd.testing.assert_frame_equal(first.fallback, second.fallback.reindex(first.fallback.index))


def test_an_index_that_does_not_count_from_zero_changes_nothing():
    tokens, texts = population(6)
    moved = tokens.set_axis(np.arange(len(tokens))[::-1] * 3 + 100)
    spread = proxies.Definition(spread="byte", frequency_source="text")
    for definition in (proxies.DEFAULT, spread):
        first, second = (proxies.by_task(proxies.with_word_frequency(rows, texts), V, definition) for rows in (tokens, moved))
        pd.testing.assert_frame_equal(first, second)
    half = proxies.WINDOWS["last half"]
    assert (proxies.windowed(moved, half)["position"].tolist()) == proxies.windowed(tokens, half)["position"].tolist()
    for baseline in (proxies.bits_per_byte, proxies.rank_surprisal_ratio):
        pd.testing.assert_series_equal(baseline(tokens), baseline(moved))
    pd.testing.assert_series_equal(proxies.rbridge(tokens, tokens, texts), proxies.rbridge(moved, moved, texts))


def test_a_few_of_the_eighty_are_those_columns_of_the_eighty():
    tokens, _ = population(8)
    few = ("top5|frequency", "cross_entropy|uniform", "rank|gaussian_nll")
    whole, part = proxies.by_trace(tokens, V), proxies.by_trace(tokens, V, names=few)
    pd.testing.assert_frame_equal(part.values, whole.values[list(few)])
    assert list(part.fallback.columns) == ["uniform", "frequency", "gaussian_nll"]
    pd.testing.assert_frame_equal(proxies.by_task(tokens, V, names=few), proxies.by_task(tokens, V)[list(few)])
    assert list(proxies.weights(tokens, V, wanted=["entropy"]).columns) == ["entropy"]
