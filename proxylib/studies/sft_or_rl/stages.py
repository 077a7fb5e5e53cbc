"""What the study runs: fine-tunes to begin with, each taught further in every way, and the comparison."""

from __future__ import annotations

from proxylib.models.settings import Grpo, Lora
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.sft_or_rl.settings import AnalysisSettings, Section, StartSettings, TaughtSettings

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
    chosen = d.profile.sft_or_rl
    kind = chosen.arm(arm)
    method = Grpo(**chosen.grpo.model_dump() | {"beta": kind.beta}) if kind.method == "GRPO" else chosen.rejection
    settings = TaughtSettings(
        arm=kind,
        method=method,
        tests=chosen.tests,
        tests_seed=TESTS,
        dialogues_seed=DIALOGUES + seed,
        points=chosen.points,
        seed=seed,
        threads=d.profile.evaluation.threads,
    )
    name = f"taught/{arm.replace(', ', '-').replace(' ', '-')}-seed{seed}"
    return Request(settings, {"start": d.step("policy_start", seed=seed)}, name=name, parameters={"arm": arm, "seed": seed})


@study.stage(version=1, builder="proxylib.studies.sft_or_rl.analysis:build", resources=Resources(minutes=0.2), whole=False)
def sft_or_rl(d: Declaration) -> Request:
    """Which reaches a threshold first and ends higher, iterated fine-tuning or GRPO, and who games an imperfect judge?"""
    chosen = d.profile.sft_or_rl
    settings = AnalysisSettings(arms=chosen.arms, seeds=chosen.seeds, gains=chosen.gains, bootstrap=d.profile.bootstrap)
    pairs = [(arm.name, seed) for arm in chosen.arms for seed in chosen.seeds]
    return Request(settings, {f"{arm} {seed}": d.step("taught", arm=arm, seed=seed) for arm, seed in pairs})


@study.page("rl_or_sft")
def rl_or_sft(d: Declaration) -> Request:
    """What the page reads."""
    return Request(None, {"sft_or_rl": d.step("sft_or_rl")})
