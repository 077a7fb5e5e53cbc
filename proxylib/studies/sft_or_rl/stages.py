"""What the study runs: fine-tunes to begin with, each taught further in every way, and the comparison."""

from __future__ import annotations

from proxylib.models.settings import Grpo, Lora
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.sft_or_rl.settings import AnalysisSettings, Arm, Longer, Section, SftOrRl, StartSettings, TaughtSettings

study = Study("sft_or_rl", Section)
DIALOGUES, TESTS = 4000, 5000  # seeds of what policies write about: no fine-tune of the scribe grid has read of either


@study.stage(version=1, builder="proxylib.studies.sft_or_rl.taught:build_start", resources=Resources(minutes=0.4))
def policy_start(d: Declaration, seed: int) -> Request:
    """How does the loss of a base fall that is fine-tuned on few expert notes?"""
    chosen, s = d.profile.sft_or_rl, d.profile.scribe
    rank = max(1, int(s.rank_share * chosen.width))
    settings = StartSettings(
        examples=chosen.examples,
        notes_seed=s.seed,
        epochs=s.epochs,
        lora=Lora(rank=rank, alpha=s.alpha, learning_rate=s.learning_rate, batch=s.batch, context=s.context),
        seed=seed,
        threads=d.profile.evaluation.threads,
    )
    parents = {"base": d.step("base", width=chosen.width, seed=seed)}
    return Request(settings, parents, name=f"policy_start/seed{seed}", parameters={"seed": seed})


@study.stage(version=1, builder="proxylib.studies.sft_or_rl.taught:build", resources=Resources(minutes=2.0))
def taught(d: Declaration, arm: str, seed: int) -> Request:
    """How do a policy's notes change, by the exact rubric and by an imperfect judge, as it is taught further in one way?"""
    return _taught(d, arm, seed, d.profile.sft_or_rl, "taught")


@study.stage(version=1, builder="proxylib.studies.sft_or_rl.taught:build", resources=Resources(minutes=10.0))
def taught_longer(d: Declaration, arm: str, seed: int) -> Request:
    """How do a policy's notes change where there is more to spend?"""
    return _taught(d, arm, seed, d.profile.sft_or_rl.longer, "taught_longer")


def _taught(d: Declaration, arm: str, seed: int, budget: SftOrRl | Longer, stage: str) -> Request:
    """A policy taught within a budget: rounds, rates and points of a curve."""
    chosen = d.profile.sft_or_rl
    kind = chosen.arm(arm)
    method = Grpo(**budget.grpo.model_dump() | {"beta": kind.beta}) if kind.method == "GRPO" else budget.rejection
    settings = TaughtSettings(
        arm=kind,
        method=method,
        tests=chosen.tests,
        tests_seed=TESTS,
        dialogues_seed=DIALOGUES + seed,
        points=budget.points,
        seed=seed,
        threads=d.profile.evaluation.threads,
    )
    name = f"{stage}/{arm.replace(', ', '-').replace(' ', '-')}-seed{seed}"
    return Request(settings, {"start": d.step("policy_start", seed=seed)}, name=name, parameters={"arm": arm, "seed": seed})


@study.stage(version=2, builder="proxylib.studies.sft_or_rl.analysis:build", resources=Resources(minutes=0.2), whole=False)
def sft_or_rl(d: Declaration) -> Request:
    """Which reaches a threshold first and ends higher, iterated fine-tuning or GRPO, and who games an imperfect judge?"""
    return _compared(d, d.profile.sft_or_rl.arms, "taught")


@study.stage(version=1, builder="proxylib.studies.sft_or_rl.analysis:build", resources=Resources(minutes=0.2), whole=False)
def sft_or_rl_longer(d: Declaration) -> Request:
    """The same where there is more to spend: which threshold is reached, and at what cost?"""
    chosen = d.profile.sft_or_rl
    return _compared(d, tuple(chosen.arm(name) for name in chosen.longer.arms), "taught_longer")


def _compared(d: Declaration, arms: tuple[Arm, ...], stage: str) -> Request:
    chosen = d.profile.sft_or_rl
    settings = AnalysisSettings(arms=arms, seeds=chosen.seeds, gains=chosen.gains, bootstrap=d.profile.bootstrap)
    pairs = [(arm.name, seed) for arm in arms for seed in chosen.seeds]
    return Request(settings, {f"{arm} {seed}": d.step(stage, arm=arm, seed=seed) for arm, seed in pairs})


@study.page("rl_or_sft")
def rl_or_sft(d: Declaration) -> Request:
    """What the page reads."""
    return Request(None, {name: d.step(name) for name in ("sft_or_rl", "sft_or_rl_longer")})
