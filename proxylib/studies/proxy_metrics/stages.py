"""What the study of proxies runs: rankings, ablations, the dial of styles, crucial steps, numerics."""

from __future__ import annotations

from proxylib.runs.config import ROOT
from proxylib.runs.files import sha256
from proxylib.runs.step import Declaration, Request, Study
from proxylib.studies.proxy_metrics.settings import (
    AnalysisSettings,
    CrucialSettings,
    NumericsSettings,
    RankingSettings,
    Section,
)

study = Study("proxy_metrics", Section)


def _analysis(d: Declaration) -> AnalysisSettings:
    return AnalysisSettings(ranked=d.profile.ranked, bootstrap=d.profile.bootstrap)


@study.stage(version=8, builder="proxylib.studies.proxy_metrics.model_selection:build", whole=False)
def ranking(d: Declaration) -> Request:
    """Which methods rank models on tasks, or of families, that they were not fitted to?"""
    settings = RankingSettings(**dict(_analysis(d)), null_repeats=d.profile.null_repeats)
    return Request(settings, {"population": d.step("population")})


@study.stage(version=1, builder="proxylib.studies.proxy_metrics.ranking_claims:build", whole=False)
def ranking_claims(d: Declaration) -> Request:
    """What are claims about ranking held against, and what do they say once tasks are drawn as well?"""
    settings = RankingSettings(**dict(_analysis(d)), null_repeats=d.profile.null_repeats)
    return Request(settings, {"population": d.step("population"), "ranking": d.step("ranking")})


@study.stage(version=6, builder="proxylib.studies.proxy_metrics.ablations:build", whole=False)
def ablations(d: Declaration) -> Request:
    """How much do the correlations hang on which traces are read, how much of them, and how a proxy is defined?"""
    crossed = d.step("population")
    measured = {role: parent for role, parent in crossed.parents.items() if role.startswith("measure ")}
    return Request(_analysis(d), {"population": crossed, "reading": d.step("reading"), **measured})


@study.stage(version=4, builder="proxylib.studies.proxy_metrics.whose_style:build", whole=False)
def whose_style(d: Declaration) -> Request:
    """How much of a correlation comes from some models having read the expert's style and others not?"""
    return Request(_analysis(d), {which: d.step("population", which=which) for which in ("crossed", "expert", "other")})


@study.stage(version=4, builder="proxylib.studies.proxy_metrics.crucial_steps:build", whole=False)
def crucial_steps(d: Declaration) -> Request:
    """When, during training, do the decisive steps of a solution become likely, and when do answers become right?"""
    names = [model.name for model in d.profile.trajectories.runs]
    return Request(CrucialSettings(bootstrap=d.profile.bootstrap), {name: d.step("trajectory", model=name) for name in names})


@study.stage(version=1, builder="proxylib.measure.numerics:build")
def numerics(d: Declaration) -> Request:
    """How exact are the statistics: float32 and low precision against float64, layouts against each other?"""
    chosen = [model.name for model in d.profile.trained[: d.profile.your_models.models]]
    settings = NumericsSettings(
        models=tuple(chosen), items=d.profile.your_models.items, extraction=d.profile.extraction, bootstrap=d.profile.bootstrap
    )
    return Request(settings, {"material": d.step("material")} | {name: d.step("train", model=name) for name in chosen})


@study.page("eighty_metrics")
def eighty_metrics(d: Declaration) -> Request:
    """What the page eighty_metrics reads."""
    return Request(None, {"population": d.step("population"), "ranking": d.step("ranking")})


@study.page("model_selection")
def model_selection(d: Declaration) -> Request:
    """What the page model_selection reads."""
    return Request(None, {role: d.step(role) for role in ("population", "ranking", "ranking_claims")})


@study.page("ablations")
def ablations_page(d: Declaration) -> Request:
    """What the page ablations reads."""
    return Request(None, {"population": d.step("population"), "ablations": d.step("ablations")})


@study.page("whose_style")
def whose_style_page(d: Declaration) -> Request:
    """What the page whose_style reads."""
    return Request(None, {"whose_style": d.step("whose_style")})


@study.page("crucial_steps")
def crucial_steps_page(d: Declaration) -> Request:
    """What the page crucial_steps reads."""
    first = d.step("trajectory", model=d.profile.trajectories.runs[0].name)
    return Request(None, {"crucial_steps": d.step("crucial_steps"), "trajectory": first, "material": d.step("material")})


@study.page("numerics")
def numerics_page(d: Declaration) -> Request:
    """What the page numerics reads."""
    timings = {path.name: sha256(path) for path in sorted((ROOT / "benchmarks").glob("tokenstats_*.csv"))}
    return Request(None, {"numerics": d.step("numerics")}, timings)
