"""Settings of the study, and the steps that are made of them."""

import pytest
from pydantic import ValidationError

from proxylib import studies
from proxylib.models.pretrain import steps_of
from proxylib.studies.benchmark_settings import stages
from proxylib.studies.benchmark_settings.settings import Asking

ASKING = {
    "templates": {"as trained": "{problem}\n", "blank": "{problem}\n\n"},
    "shots": (0, 1),
    "sampled": ({"temperature": 1.0, "samples": 2},),
    "items": 2,
    "answer_tokens": 8,
}


@pytest.mark.parametrize("text", ["no problem here", "{problem} and {problem}"])
def test_a_template_holds_the_problem_once(text):
    Asking(**ASKING)
    with pytest.raises(ValidationError, match="'odd' does not hold"):
        Asking(**ASKING | {"templates": {"as trained": "{problem}\n", "odd": text}})


def test_one_model_a_family_and_bases_of_those_that_were_trained_on_something_else():
    d = studies.declaration("reference")
    chosen, before = stages.members(d), stages.bases(d)
    assert len({model.family for model in chosen}) == len(chosen) == d.profile.benchmark_settings.models == 12
    assert set(before) < set(chosen) and {model.post for model in before} == {"noisy", "rejection", "style", "answers"}


def test_a_base_reads_what_its_model_read_up_to_the_end_of_pretraining():
    d = studies.declaration("reference")
    for model in stages.bases(d):
        tuned, base = d.step("train", model=model.name), d.step("pretrained", model=model.name)
        assert base.settings.model == tuned.settings.model.model_copy(update={"post": "none"})
        assert base.settings.seed == tuned.settings.seed and base.settings.training == tuned.settings.training
        assert steps_of(base.settings.training, base.settings.model.share) > 0
        asked = d.step("configuration", model=model.name, base=True)
        assert asked.parents["train"].key == base.key and not asked.settings.asking.sampled


def test_every_step_fits_into_four_minutes():
    asked = studies.declare("benchmark_settings", "reference").parents
    steps = [*asked.values(), *(step.parents["train"] for role, step in asked.items() if role.endswith(" base"))]
    assert len(steps) == 12 + 2 * 7 and max(step.resources.minutes for step in steps) < 4
