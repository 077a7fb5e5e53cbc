"""What the study of corpora runs: on published models (DataDecide, RegMix), and on those of the lab."""

from __future__ import annotations

from proxylib.data import corpora
from proxylib.data.published import registry
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.data_selection.settings import LabSettings, role

study = Study("data_selection")


@study.stage(version=4, builder="proxylib.studies.data_selection.fits:build", shared=True)
def datadecide(d: Declaration) -> Request:
    """How well do two cheap signals of small published models order 25 pretraining corpora as models of 1B parameters do? No
    row of the published data enters the run.
    """
    return Request(d.profile.bootstrap, outside={"data": registry.fingerprint("datadecide")})


@study.stage(version=1, builder="proxylib.studies.data_selection.mixtures:build", resources=Resources(minutes=1.5), shared=True)
def regmix(d: Declaration) -> Request:
    """Do published models of 1M parameters, by their losses or by a regression on the shares, rank mixtures of 17 domains as
    models of 60M and 1B do? No row of the published data enters the run.
    """
    return Request(d.profile.bootstrap, outside={"data": registry.fingerprint("regmix")})


@study.page("choosing_a_corpus")
def choosing_a_corpus(d: Declaration) -> Request:
    """What the page choosing_a_corpus reads."""
    return Request(None, {"datadecide": d.step("datadecide"), "regmix": d.step("regmix")})


@study.stage(version=1, builder="proxylib.studies.data_selection.lab_corpora:build", whole=False)
def lab_corpora(d: Declaration) -> Request:
    """How well do cheap signals of small models of the lab order its corpora as a larger model does?"""
    runs = d.profile.corpus_runs
    settings = LabSettings(
        corpora=runs.corpora,
        styled=tuple(name for name in runs.corpora if corpora.recipe(name).style_share > 0),
        widths=(*runs.widths, runs.target.width),
        seeds=runs.seeds,
        bootstrap=d.profile.bootstrap,
    )
    given = [{"corpus": corpus, "width": width, "again": seed} for corpus, width, seed in settings.runs]
    return Request(settings, {role(*values.values()): d.step("corpus_run", **values) for values in given})


@study.page("choosing_a_corpus_in_the_lab")
def choosing_a_corpus_in_the_lab(d: Declaration) -> Request:
    """What the page choosing_a_corpus_in_the_lab reads."""
    return Request(None, {"lab_corpora": d.step("lab_corpora")})
