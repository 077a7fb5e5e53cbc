"""The line, what it says of the rest, and where it says nothing."""

import numpy as np
import pytest
from studies.planning.tables import grid

from proxylib.studies.planning import relation
from proxylib.studies.planning.candidates import Candidates


def known(frame, signals=("loss", "size", "data")):
    return Candidates(frame.assign(noise=0.0), signals, ())


def exact(evaluated=(1, 5, 7, 9, 11)):
    frame = grid(evaluated)
    return known(frame.assign(score=np.where(frame["score"].notna(), 0.9 - 0.9 * frame["loss"], np.nan)))


def test_a_line_that_is_one_is_found():
    row = relation.line(exact(), 0.95).iloc[0]
    assert row["slope"] == pytest.approx(-0.9) and row["r2"] == pytest.approx(1) and row["n"] == 5
    said = relation.predicted(exact(), 0.95)
    truth = (0.9 - 0.9 * grid()["loss"]).clip(0, 1)
    np.testing.assert_allclose(said["estimate"], truth, atol=1e-9)


def test_too_few_or_equal_losses_give_no_line():
    assert relation.line(known(grid((1, 5))), 0.95) is None
    assert relation.line(known(grid(())), 0.95) is None
    assert relation.line(known(grid().assign(loss=0.4)), 0.95) is None
    assert relation.line(known(grid(range(15)).assign(score=0.0)), 0.95) is None
    assert relation.predicted(known(grid(())), 0.95)["estimate"].isna().all()


def test_extrapolations_are_named_and_what_was_evaluated_is_none():
    said = relation.predicted(exact(), 0.95).set_index("name")["outside"]
    assert said["32B-4673"] == "loss and size"
    assert (said[grid()["name"][[1, 5, 7, 9, 11]]] == "").all() and said["8B-4673"] == ""
    assert list(relation.warnings(exact()))[0].startswith(
        "extrapolated: loss lies outside of the evaluated 0.5291 to 0.7347 for"
    )
    fewer = list(relation.warnings(exact((0, 1, 2, 9, 10, 14))))  # nothing of 8B, between those that there are
    assert "extrapolated: nothing with size 8e+09 was evaluated: 8B-1293, 8B-2586, 8B-4673" in fewer


def test_size_and_data_are_weighed_against_loss():
    frame = grid(range(15))
    by_loss = known(frame.assign(score=0.5 - 0.3 * np.sin(40 * frame["loss"])))
    assert list(relation.beside(by_loss, 0.95)["signals"]) == ["loss", "size and data", "loss and size and data"]
    rng = np.random.default_rng(0)
    noisy = frame.assign(loss=rng.normal(size=15))
    noisy["score"] = 0.1 + 0.05 * np.log(noisy["size"] / 1e9) + rng.normal(0, 0.003, 15)
    better = relation.beside(known(noisy), 0.95).set_index("signals").loc["size and data"]
    assert better["high"] < 0 and better["error"] < 0.01
    assert relation.beside(known(grid((1, 5, 7))), 0.95).empty or len(relation.beside(known(grid((1, 5, 7))), 0.95)) < 2


def test_each_of_three_signals_has_a_slope_of_its_own():
    frame = grid(range(15))
    places = known(frame).places()
    design = places - places.mean(axis=0)
    assert np.linalg.cond(design / np.linalg.norm(design, axis=0)) < 5  # none of them says what the others say
    slopes = np.array([-0.9, 0.03, 0.05])
    fit = relation._fitted(known(frame.assign(score=0.2 + design @ slopes)), ("loss", "size", "data"))
    np.testing.assert_allclose(fit.params[1:], slopes)


def test_a_relation_tells_where_its_slope_has_a_sign_or_nothing_hangs_on_it():
    frame, rough = grid(), np.resize([0.5, 0.4, 0.45], 15)
    flat = known(frame.assign(score=np.where(frame["score"].notna(), rough, np.nan)))
    every = known(grid(range(15)).assign(score=rough))
    tells = lambda several: relation.tells(several, relation.line(several, 0.95))
    assert tells(exact()) and not tells(flat) and tells(every) and not tells(known(grid((1, 5))))


def test_what_would_tell_most_lies_farthest_from_what_was_evaluated():
    names = lambda several: several.frame["name"].iloc[relation.telling(several)].tolist()
    assert names(known(grid(()))) == ["32B-4673", "1.7B-1293"] and names(exact()) == ["32B-4673"]
    assert names(exact((0, 14))) == ["4B-2586"]  # between the worst and the best


def test_a_signal_that_repeats_another_but_for_rounding_adds_no_line():
    losses, scores = [1.2, 1.0, 0.8, 0.6], [0.1, 0.22, 0.35, 0.44]
    frame = grid((0, 1, 2, 3)).iloc[:4].assign(size=[10 ** (8 + i * 0.1) for i in range(4)], loss=losses, score=scores)
    assert relation._fitted(known(frame), ("loss", "size")) is None
    assert relation._fitted(known(frame), ("loss",)) is not None
