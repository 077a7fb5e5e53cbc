"""A mixture that is changed: decided by what was known, the same until then, something else after."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from models.small_training import STEPS
from studies.lab.parents import built
from studies.validation.small_runs import GIVEN, step_of, table

from proxylib.models import pretrain
from proxylib.studies.validation import mixture_run
from proxylib.studies.validation.mixture_run import Change, change
from proxylib.studies.validation.settings import Corpus, MixtureSettings, shifted

SHARES = {"expert": 0.5, "prose": 0.3, "code": 0.2}


def losses(code=0.0, prose=0.2, expert=0.4):
    """Losses of a run in which domains fall as powers; of another domain, which is in no mix, nothing is asked."""
    steps = np.arange(1, 25) * 10
    rng = np.random.default_rng(0)
    powers = {"code": code, "prose": prose, "expert": expert, "answer": -1.0}
    values = {name: 5 * steps**-power * (1 + 1e-3 * rng.normal(size=24)) for name, power in powers.items()}
    return pd.DataFrame(values, steps).rename_axis("step").reset_index().melt("step", var_name="domain", value_name="nll")


def of(arm):
    """Settings of an arm."""
    return MixtureSettings(**GIVEN | {"corpus": Corpus(shares=SHARES)}, arm=arm, added=0.3, behind=0.5)


def test_the_domain_that_stalls_is_given_more_or_as_a_control_the_one_that_falls_fastest():
    decided = {arm: change(losses(), of(arm)) for arm in ("stalled", "other", "redrawn")}
    assert {arm: (one.stalled, one.towards) for arm, one in decided.items()} == {
        "stalled": ("code", "code"),
        "other": ("code", "expert"),
        "redrawn": ("code", ""),
    }
    assert len({one.step for one in decided.values()}) == 1
    assert change(losses(code=0.2), of("stalled")) is None


def test_nothing_after_the_alarm_decides():
    whole = losses()
    now = change(whole, of("other")).step
    later = whole["nll"].where(whole["step"] <= now, whole["nll"] * (1 + whole["step"] / 10))
    assert change(whole.assign(nll=later), of("other")) == change(whole, of("other"))


def test_a_domain_gains_and_the_others_pay_in_proportion():
    mixed = shifted(SHARES, "code", 0.3)
    assert mixed == pytest.approx({"expert": 0.3125, "prose": 0.1875, "code": 0.5})
    with pytest.raises(ValueError, match="expert has 0.5 of the mix and cannot gain 0.6"):
        shifted(SHARES, "expert", 0.6)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The run that is left alone, and one that is changed after the eighth of its steps."""
    folder = tmp_path_factory.mktemp("material")
    given = GIVEN | {"corpus": Corpus(shares=SHARES), "added": 0.3, "behind": 0.5}
    alone = built(mixture_run.build, step_of(folder, MixtureSettings(**given, arm="alone")), tmp_path_factory.mktemp("alone"))
    parent = SimpleNamespace(table=lambda name: table(alone, name))
    arms = {"alone": alone}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixture_run, "change", lambda *_: Change(8, "code", "code"))
        step = step_of(folder, MixtureSettings(**given, arm="stalled"), alone=parent)
        arms["stalled"] = built(mixture_run.build, step, tmp_path_factory.mktemp("stalled"))
    return arms


def test_a_run_whose_mixture_changes_is_the_same_until_then(runs):
    at = sorted(table(runs["alone"], "domains")["step"].unique())
    assert at[-1] == STEPS and any(step > 8 for step in at)
    both = [table(runs[name], "domains").set_index(["step", "domain"])["nll"] for name in ("alone", "stalled")]
    same = (both[0] == both[1]).groupby("step").all()
    assert same[[step for step in at if step <= 8]].all() and not same[STEPS]
    assert len(table(runs["alone"], "change")) == 0
    assert table(runs["stalled"], "change").to_dict("records") == [{"step": 8.0, "stalled": "code", "towards": "code"}]


def test_rows_before_the_change_take_in_no_document_after_it(runs, tmp_path):
    """As many documents as the rows of eight steps hold give these rows again, whatever follows."""
    step = step_of(
        tmp_path, MixtureSettings(**GIVEN | {"corpus": Corpus(shares=SHARES), "added": 0.3, "behind": 0.5}, arm="alone")
    )
    from proxylib.models import tokenizers
    from proxylib.models.packing import Special, encoded, pack

    tokenizer = tokenizers.load(step.parent("material").path("tokenizers/byte"), "always")
    number = mixture_run.documents_by(step.settings, tokenizer, 8)
    special = Special(tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    texts = mixture_run.drawn(step.settings, SHARES)
    head = [next(texts) for _ in range(number)]
    training = step.settings.training.training
    rows = 8 * (training.batch_tokens // training.context)
    known = pack(encoded(tokenizer, mixture_run.drawn(step.settings, SHARES)), rows, training.context, special)
    again = pack(encoded(tokenizer, iter(head + ["changed"] * 2000)), rows, training.context, special)
    assert (known.ids == again.ids).all()
    assert pretrain.steps_of(training, 1.0) == STEPS
