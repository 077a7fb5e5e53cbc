"""What the study of loss runs: bases of a domain, the grid of LoRA cells, judges and their trials, the fits."""

from __future__ import annotations

from pathlib import Path

from proxylib.data import corpora, domains, traces
from proxylib.data.domains import SCRIBE
from proxylib.data.published import registry
from proxylib.data.settings import ScribeMaterial
from proxylib.errors import UserError
from proxylib.judging import criteria
from proxylib.models import arithmetic, folders
from proxylib.models.settings import Model, Training
from proxylib.runs.config import ROOT
from proxylib.runs.files import sha256
from proxylib.runs.step import Declaration, Request, Resources, Step, Study
from proxylib.settings import validated
from proxylib.studies.loss.settings import (
    BaseSettings,
    CellSettings,
    FitSettings,
    Hub,
    HubCellSettings,
    HubTuning,
    JudgeSettings,
    RobustnessSettings,
    Scribe,
    Section,
    grid,
)

study = Study("loss", Section)
REPORTED = Path(__file__).with_name("reported.csv")  # what sources report, as pages compare it with ours
SOURCE_SEED = 1000  # added to every seed of what the LM judge learns from
#: for guessing how long a cell of the hub's grid takes
TOKENS = 2000  # of a dialogue with its note
FLOPS = 1e14  # per second that one GPU reaches in bfloat16
START = 10.0  # minutes until weights are loaded, and for writing notes


def _training(settings: BaseSettings | JudgeSettings) -> Resources:
    return Resources(minutes=settings.training.minutes(settings.model))


@study.stage(version=3, builder="proxylib.studies.loss.bases:build_material")
def scribe(d: Declaration) -> Request:
    """What do the conversations and the notes of the scribe task look like, and how long are they in tokens?"""
    return Request(_material(d, SCRIBE), outside={"prose": corpora.fingerprint()})


@study.stage(version=1, builder="proxylib.studies.loss.bases:build_material")
def domain_material(d: Declaration, domain: str) -> Request:
    """What do the conversations and the notes of another domain look like, and how long are they in tokens?"""
    outside = {"prose": corpora.fingerprint(), "texts": domains.domain(domain).fingerprint()}
    return Request(_material(d, domain), outside=outside, name=f"domain_material/{domain}", parameters={"domain": domain})


def _material(d: Declaration, domain: str) -> ScribeMaterial:
    s = grid(d.profile, domain)
    return ScribeMaterial(domain=domain, vocabulary=s.vocabulary, examples=max(s.examples), tests=s.tests, seed=s.seed)


def _material_step(d: Declaration, domain: str) -> dict[str, Step]:
    """The step of a domain's material, by the domain's name."""
    return {domain: d.step("scribe") if domain == SCRIBE else d.step("domain_material", domain=domain)}


def _of(domain: str) -> tuple[str, dict[str, str]]:
    """What names of steps begin with, and what their notebooks are given, where the domain is not the scribe's."""
    return ("", {}) if domain == SCRIBE else (f"{domain}-", {"domain": domain})


@study.stage(version=2, builder="proxylib.studies.loss.bases:fit", resources=_training)
def base(d: Declaration, width: int, seed: int | None = None, domain: str = SCRIBE) -> Request:
    """Does this base copy names that it has never seen, and their numbers, from a conversation into a brief?"""
    s = grid(d.profile, domain)
    settings = BaseSettings(
        model=_model(s, width),
        training=_pretraining(d, s, s.tokens),
        scribe=_material(d, domain),
        seed=s.seeds[0] if seed is None else seed,
    )
    prefix, given = _of(domain)
    return Request(
        settings,
        _material_step(d, domain),
        name=f"base/{prefix}{width}-seed{settings.seed}",
        parameters={"width": width, "seed": settings.seed} | given,
    )


def _model(s: Scribe, width: int, depth: int | None = None) -> Model:
    depth = depth or next((base.depth for base in s.bases if base.width == width), s.bases[0].depth)
    return Model(architecture="smollm3", tokenizer="capitals", width=width, depth=depth, mix="scribe", post="none", share=1.0)


def _pretraining(d: Declaration, s: Scribe, tokens: int, context: int | None = None) -> Training:
    changed = {
        "tokens": tokens,
        "context": context or s.context,
        "batch_tokens": s.batch_tokens,
        "muon_learning_rate": s.muon_learning_rate,
        "adamw_learning_rate": s.adamw_learning_rate,
    }
    return validated(Training, {**d.profile.training.model_dump(), **changed}, "scribe")


@study.stage(version=2, builder="proxylib.studies.loss.cell:fit")
def cell(
    d: Declaration,
    width: int,
    examples: int,
    seed: int | None = None,
    schedule: str = "epochs",
    source: bool = False,
    domain: str = SCRIBE,
) -> Request:
    """What are the training loss, the held-out loss and the notes of one base, fine-tuned on so many examples?

    `source`: a cell whose notes the judge learns from, with a base, a seed and conversations to write about of its own.
    """
    s = grid(d.profile, domain)
    middle = -(-s.examples[len(s.examples) // 2] // s.batch) * s.epochs
    seed = (s.seeds[0] if seed is None else seed) + (SOURCE_SEED if source else 0)
    source_notes = {"count": s.judge.examples, "seed": s.seed + SOURCE_SEED, "unseen": False}
    values = {
        "base": _model(s, width).model_dump(),
        "examples": examples,
        "schedule": schedule,
        **({"epochs": s.epochs} if schedule == "epochs" else {"steps": middle}),
        "lora": {
            "rank": max(1, int(s.rank_share * width)),
            "alpha": s.alpha,
            "learning_rate": s.learning_rate,
            "batch": s.batch,
            "context": s.context,
        },
        "last": s.last,
        "scribe": _material(d, domain).model_dump(),
        "tests": source_notes if source else {"count": s.tests, "seed": s.seed, "unseen": True},
        "max_new_tokens": s.max_new_tokens,
        "extraction": d.profile.extraction.model_dump(),
        "seed": seed,
    }
    settings = validated(CellSettings, values, "cell")
    base_step = d.step("base", width=width, seed=seed if source else None, domain=domain)
    prefix, named = _of(domain)
    name = f"{'source' if source else 'cell'}/{prefix}{width}-{examples}-{schedule}-seed{seed}"
    given = {"width": width, "examples": examples, "seed": seed - (SOURCE_SEED if source else 0), "schedule": schedule} | named
    return Request(
        settings,
        _material_step(d, domain) | {"base": base_step},
        name=name,
        parameters=given | ({"source": True} if source else {}),
    )


def _cells(d: Declaration, domain: str = SCRIBE) -> dict[str, Step]:
    """Every cell of a domain's grid by name.

    The middle number of examples is the same under both schedules and runs once.
    """
    s = grid(d.profile, domain)
    middle = s.examples[len(s.examples) // 2]
    steps = [
        d.step("cell", width=base.width, examples=examples, seed=seed, schedule=schedule, domain=domain)
        for schedule in s.schedules
        for base in s.bases
        for examples in s.examples
        if schedule == "epochs" or examples != middle
        for seed in (s.seeds if examples in s.replicated else s.seeds[:1])
    ]
    return {step.name: step for step in steps}


@study.stage(version=5, builder="proxylib.judging.lm_judge:fit", resources=_training)
def judge(d: Declaration) -> Request:
    """How does the held-out loss of our own judge fall, and on how many notes of other models does it learn?"""
    s = d.profile.scribe
    settings = JudgeSettings(
        model=_model(s, s.judge.width, s.judge.depth),
        first=s.judge.first,
        training=_pretraining(d, s, s.judge.tokens, s.judge.context),
        scribe=_material(d, SCRIBE),
        seed=s.seeds[0] + SOURCE_SEED,
    )
    return Request(settings, {"scribe": d.step("scribe"), **_sources(d)}, _prompts())


def _prompts(domain: str = SCRIBE) -> dict[str, str]:
    """The prompt files: whatever judges is another run when they change."""
    return {"criteria": criteria.fingerprint(domains.domain(domain))}


def _sources(d: Declaration) -> dict[str, Step]:
    settings = d.profile.scribe.judge
    return {
        f"source {width}": d.step("cell", width=width, examples=settings.examples, source=True) for width in settings.sources
    }


@study.stage(version=4, builder="proxylib.judging.prompt_search:build")
def prompt_search(d: Declaration) -> Request:
    """Which clauses of the five prompts bring the LM judge closest to the expert's labels, and does it hold on other notes?"""
    return Request(FitSettings(bootstrap=d.profile.bootstrap), {"judge": d.step("judge"), **_sources(d)}, _prompts())


@study.stage(version=4, builder="proxylib.judging.robustness:build")
def robustness(d: Declaration) -> Request:
    """How much of the LM judge's verdicts is chance, and what moves them that should not?"""
    parents = {"judge": d.step("judge"), "verdicts": d.step("verdicts")}
    parents |= {name: step for name, step in _cells(d).items() if step.settings.schedule == "epochs"}
    settings = RobustnessSettings(notes=d.profile.scribe.robustness_notes, bootstrap=d.profile.bootstrap)
    return Request(settings, parents, _prompts())


@study.stage(version=4, builder="proxylib.judging.verdicts:build")
def verdicts(d: Declaration, domain: str = SCRIBE) -> Request:
    """What do the exact rubric and the LM judge say of the notes of every cell?

    The LM judge knows the scribe alone; in another domain the rubric judges, and the graded score stands beside it.
    """
    judges = {name: d.step(name) for name in ("judge", "prompt_search")} if domain == SCRIBE else {}
    parents = _material_step(d, domain) | judges | _cells(d, domain)
    return Request(_material(d, domain), parents, _prompts(domain), *_called("verdicts", domain))


def _called(stage: str, domain: str) -> tuple[str, dict[str, str]]:
    """Name and parameters of a domain's step of a stage that has one a domain."""
    return (stage if domain == SCRIBE else f"{stage}/{domain}"), {"domain": domain}


@study.stage(version=9, builder="proxylib.studies.loss.loss_fits:build", whole=False)
def loss_fits(d: Declaration, domain: str = SCRIBE) -> Request:
    """How well do losses, sizes and numbers of examples explain what the judges say?"""
    cells = _cells(d, domain)
    bases = {step.parents["base"].name: step.parents["base"] for step in cells.values()}
    parents = {"verdicts": d.step("verdicts", domain=domain)} | bases | cells
    return Request(FitSettings(bootstrap=d.profile.bootstrap), parents, {}, *_called("loss_fits", domain))


@study.stage(version=2, builder="proxylib.studies.loss.second_domain:build", whole=False)
def second_domain(d: Declaration) -> Request:
    """Is the relation of loss and score one for all domains, or one each?"""
    names = (SCRIBE, *d.profile.domains)
    parents = {f"{stage}/{name}": d.step(stage, domain=name) for name in names for stage in ("loss_fits", "verdicts")}
    return Request(FitSettings(bootstrap=d.profile.bootstrap), parents)


def _on_gpu(settings: HubCellSettings) -> Resources:
    size, tokens = folders.billions(settings.base), settings.examples * settings.epochs * TOKENS
    minutes = START + 60 * arithmetic.hours(arithmetic.passes(1e9 * size, tokens, settings.recompute), FLOPS, 1.0)
    return Resources(settings.threads, 8 + 2.5 * size, int(settings.device != "cpu"), minutes)


@study.stage(version=1, builder="proxylib.studies.loss.hub_cell:build", resources=_on_gpu)
def hub_cell(d: Declaration, base: str, examples: int) -> Request:
    """What are the losses and the notes of one pretrained base, fine-tuned on so many examples?"""
    hub, base = _hub(d), _placed(base)
    values = hub.model_dump(include=set(HubTuning.model_fields))
    sources = {"data": _placed(hub.data.source), "held_out": _placed(hub.held_out.source)}
    values |= sources | {"base": base, "examples": examples, "fields": (hub.data.fields, hub.held_out.fields)}
    settings = validated(HubCellSettings, values, "hub_cell")
    outside = {"base": folders.identity(base)} | {role: traces.identity(source) for role, source in sources.items()}
    name = f"hub_cell/{Path(base).name}-{examples}"
    return Request(settings, outside=outside, name=name, parameters={"base": base, "examples": examples})


@study.stage(version=1, builder="proxylib.studies.loss.collected:gather", whole=False)
def hub_losses(d: Declaration) -> Request:
    """What are the training losses and the held-out losses of every cell of the post's own grid?"""
    hub = _hub(d)
    cells = [d.step("hub_cell", base=base, examples=count) for base in hub.bases for count in hub.examples]
    return Request(None, {cell.name: cell for cell in cells})


def _placed(name: str) -> str:
    """A file or folder that a config names, whatever folder a scheduler starts in; other names stay."""
    return str(ROOT / name) if (ROOT / name).exists() else name


def _hub(d: Declaration) -> Hub:
    if d.profile.hub is None:
        raise UserError(f"parameter profile: {d.profile.name} has no section hub; take the profile hub")
    return d.profile.hub


@study.stage(version=2, builder="proxylib.judging.agreement:build", shared=True)
def judgments(d: Declaration) -> Request:
    """How often do published judges agree with people, and people with each other?"""
    outside = {name: registry.fingerprint(name) for name in ("mt_bench_human", "pandalm", "mts_dialog")}
    return Request(d.profile.bootstrap, outside=outside)


@study.page("scribe_grid")
def scribe_grid(d: Declaration) -> Request:
    """What the page scribe_grid reads."""
    return Request(None, {name: d.step(name) for name in ("loss_fits", "scribe", "verdicts")})


@study.page("loss_predicts_the_judge")
def loss_predicts_the_judge(d: Declaration) -> Request:
    """What the page loss_predicts_the_judge reads."""
    return Request(None, {"loss_fits": d.step("loss_fits")}, outside={"reported": sha256(REPORTED)})


@study.page("second_domain")
def second_domain_page(d: Declaration) -> Request:
    """What the page second_domain reads."""
    compared = d.step("second_domain")
    return Request(None, {"second_domain": compared} | compared.parents)


@study.page("how_good_is_the_judge")
def how_good_is_the_judge(d: Declaration) -> Request:
    """What the page how_good_is_the_judge reads."""
    return Request(None, {name: d.step(name) for name in ("robustness", "prompt_search", "verdicts", "loss_fits")})


@study.page("do_judges_agree")
def do_judges_agree(d: Declaration) -> Request:
    """What the page do_judges_agree reads."""
    return Request(None, {"judgments": d.step("judgments")}, outside={"reported": sha256(REPORTED)})
