"""Few documents again and again: the run, its tables, and the same bytes whenever it was killed."""

import itertools

import pytest
from models.small_training import STEPS, contents, interrupt
from studies.lab.parents import built
from studies.validation.small_runs import GIVEN, step_of, table

from proxylib.studies.validation.overfit_run import build, endless
from proxylib.studies.validation.settings import Corpus, RunSettings
from proxylib.studies.validation.watched import OWN, checkpoints


@pytest.fixture(scope="module")
def step(tmp_path_factory):
    corpus = Corpus(shares={"expert": 0.5, "prose": 0.5}, documents=6)
    settings = RunSettings(**GIVEN | {"corpus": corpus, "asked": "always"})
    return step_of(tmp_path_factory.mktemp("material"), settings)


@pytest.fixture(scope="module")
def whole(step, tmp_path_factory):
    return built(build, step, tmp_path_factory.mktemp("whole"))


def test_every_pass_holds_every_document_once_in_another_order():
    passes = [list(itertools.islice(endless("abcdefgh", seed), 24)) for seed in (1, 1, 2)]
    assert passes[0] == passes[1] != passes[2]
    parts = [passes[0][start : start + 8] for start in (0, 8, 16)]
    assert all(sorted(part) == list("abcdefgh") for part in parts) and parts[0] != parts[1]


def test_every_checkpoint_is_measured_in_every_domain_and_asked(whole):
    domains, outcomes = table(whole, "domains"), table(whole, "outcomes")
    at = checkpoints(STEPS, 5)
    assert list(domains["step"].unique()) == list(outcomes["step"].unique()) == at and at[-1] == STEPS
    assert set(domains["domain"]) == {"expert", "other", "answer", "prose", "code", OWN}
    assert (outcomes.groupby("step").size() == 4).all() and list(domains["tokens"].unique()) == list(
        outcomes["tokens"].unique()
    )


def test_what_was_read_again_and_again_is_known_best(whole):
    last = table(whole, "domains").query("step == @STEPS").set_index("domain")["nll"]
    assert last[OWN] < last["expert"] and last[OWN] < last["prose"]


def test_killed_while_it_trains_it_ends_with_the_same_bytes(step, whole, tmp_path):
    for at in (6, 13):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            interrupt(patch, at)
            built(build, step, tmp_path)
    assert contents(built(build, step, tmp_path)) == contents(whole)
