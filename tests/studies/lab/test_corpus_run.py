"""One run on one corpus: what is asked, what is kept, the same bytes whenever it was killed; and what a profile may ask for."""

from types import SimpleNamespace

import pandas as pd
import pytest
from models.small_training import CONFIG, LLAMA, MATERIAL, STEPS, contents, interrupt
from studies.lab.parents import MEASURE, built, parents

from proxylib import studies
from proxylib.data import traces
from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.models import loading, tokenizers
from proxylib.models.settings import TrainSettings
from proxylib.studies.lab import corpus_run
from proxylib.studies.lab.settings import CorpusRuns, CorpusRunSettings

AT = (0.25, 0.5, 1.0)
LEVELS = {"sorting": (3, 5)}


@pytest.fixture(scope="module")
def step(tmp_path_factory):
    roles = parents(tmp_path_factory.mktemp("material"))
    training = TrainSettings(model=LLAMA, training=CONFIG, material=MATERIAL, seed=3)
    settings = CorpusRunSettings(
        training=training, measure=MEASURE, tasks=("sorting", "counting"), counted=LEVELS, items=4, at=AT
    )
    return SimpleNamespace(settings=settings, parent=roles.__getitem__)


def run(step, folder):
    """The workspace of a call that goes on from what is in the folder."""
    return built(corpus_run.build, step, folder)


@pytest.fixture(scope="module")
def whole(step, tmp_path_factory):
    return run(step, tmp_path_factory.mktemp("whole"))


def table(workspace, name):
    return pd.read_parquet(workspace.path(f"{name}.parquet"))


def test_only_problems_that_count_are_asked_and_of_each_task_the_first(step):
    asked = traces.read(step.parent("material").path("traces.parquet"))
    kept = corpus_run.problems(asked, step.settings)
    levels = [int(trace.id.split("-")[1]) for trace in kept if trace.task == "sorting"]
    assert set(levels) == {3, 5} and levels
    counting = [trace for trace in kept if trace.task == "counting"]
    assert counting == [trace for trace in asked if trace.task == "counting"][:4]


def test_every_checkpoint_is_measured_and_its_tokens_stand_beside_it(whole):
    at = corpus_run.checkpoints(STEPS, AT)
    assert at == [4, 8, 16]
    held_out = table(whole, "losses").query("split == 'held-out'")
    for name in ("features", "accuracy"):
        assert list(table(whole, name)["step"].unique()) == at
        assert list(table(whole, name)["tokens"].unique()) == list(held_out["tokens"])
    assert {*proxies.NAMES, "bits_per_byte", "prose_bits_per_byte", "rbridge"} <= set(table(whole, "features")["feature"])
    accuracy = table(whole, "accuracy")
    assert accuracy["correct"].between(0, accuracy["n"]).all() and set(accuracy["task"]) == {"sorting", "counting"}


def test_the_last_checkpoint_is_the_saved_model(whole, step):
    examiner = corpus_run.Examiner(step, tokenizers.load(whole.path("model"), "always"))
    frames = examiner.examine(loading.load(whole.path("model")))
    for name in corpus_run.TABLES:
        last = table(whole, name).query("step == @STEPS").drop(columns=["step", "tokens"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(last, frames[name].reset_index(drop=True), check_exact=True)


def test_killed_while_it_trains_it_ends_with_the_same_bytes(step, whole, tmp_path):
    for at in (6, 13):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            interrupt(patch, at)
            run(step, tmp_path)
    assert contents(run(step, tmp_path)) == contents(whole)


GIVEN = {
    "corpora": ("expert", "other", "web"),
    "target": LLAMA.model_copy(update={"width": 64, "share": 0.8}),
    "seeds": 2,
    "widths": (16, 32),
    "at": AT,
    "items": 4,
}


def test_smaller_models_read_fewer_tokens_as_they_have_fewer_parameters():
    model = CorpusRuns(**GIVEN).model("web", 32)
    assert (model.mix, model.width, model.share) == ("web", 32, pytest.approx(0.2))
    for corpus, width in (("slips", 32), ("web", 24)):
        with pytest.raises(UserError, match="this profile has no '(slips|24)'; it has "):
            CorpusRuns(**GIVEN).model(corpus, width)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corpora": ("expert", "other", "expert")}, r"corpora: two share a name \(expert\)"),
        ({"corpora": ("expert", "other", "crawl")}, "recipe 'crawl' is unknown"),
        ({"widths": (32, 16)}, "do not rise to below the target's 64"),
        ({"widths": (16, 64)}, "do not rise to below the target's 64"),
        ({"at": (0.5, 0.25, 1.0)}, "do not rise from above 0 to 1"),
        ({"at": (0.25, 0.5)}, "do not rise from above 0 to 1"),
    ],
    ids=str,
)
def test_a_profile_that_cannot_be_run_is_refused(changes, message):
    with pytest.raises((ValueError, UserError), match=message):
        CorpusRuns(**(GIVEN | changes))


def test_runs_differ_by_corpus_alone_and_no_two_sizes_read_the_same():
    runs = studies.profile("reference").corpus_runs

    def seed(corpus, width, again=0):
        return studies.declare("corpus_run", "reference", corpus=corpus, width=width, again=again).settings.training.seed

    widths = (*runs.widths, runs.target.width)
    assert len({seed("web", width) for width in widths} | {seed("web", widths[-1], 1)}) == len(widths) + 1
    assert {seed(corpus, 16) for corpus in runs.corpora} == {seed("web", 16)}
