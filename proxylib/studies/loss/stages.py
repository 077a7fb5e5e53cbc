"""What the study of loss runs: scribe bases, the grid of LoRA cells, judges and their trials, the fits."""

from __future__ import annotations

from pathlib import Path

from proxylib.data import corpora, traces
from proxylib.data.published import registry
from proxylib.data.settings import ScribeMaterial
from proxylib.errors import UserError
from proxylib.judging import criteria
from proxylib.models import folders
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
    Section,
)

study = Study("loss", Section)
REPORTED = Path(__file__).with_name("reported.csv")  # what sources report, as pages compare it with ours
SOURCE_SEED = 1000  # added to every seed of what the LM judge learns from
#: for guessing how long a cell of the hub's grid takes
TOKENS = 2000  # of a dialogue with its note
FLOPS = 1e14  # per second, of one GPU in bfloat16
START = 10.0  # minutes until weights are loaded, and for writing notes


def _training(settings: BaseSettings | JudgeSettings) -> Resources:
    return Resources(minutes=settings.training.minutes(settings.model))


@study.stage(version=3, builder="proxylib.studies.loss.bases:build_material")
def scribe(d: Declaration) -> Request:
    """What do the conversations and the notes of the scribe task look like, and how long are they in tokens?"""
    return Request(_material(d), outside={"prose": corpora.fingerprint()})


def _material(d: Declaration) -> ScribeMaterial:
    s = d.profile.scribe
    return ScribeMaterial(vocabulary=s.vocabulary, examples=max(s.examples), tests=s.tests, seed=s.seed)


@study.stage(version=2, builder="proxylib.studies.loss.bases:fit", resources=_training)
def base(d: Declaration, width: int, seed: int | None = None) -> Request:
    """Does this base copy drug names that it has never seen, and doses, from a conversation into a brief?"""
    settings = BaseSettings(
        model=_model(d, width),
        training=_pretraining(d, d.profile.scribe.tokens),
        scribe=_material(d),
        seed=d.profile.scribe.seeds[0] if seed is None else seed,
    )
    name = f"base/{width}-seed{settings.seed}"
    return Request(settings, {"scribe": d.step("scribe")}, name=name, parameters={"width": width, "seed": settings.seed})


def _model(d: Declaration, width: int, depth: int | None = None) -> Model:
    s = d.profile.scribe
    depth = depth or next((base.depth for base in s.bases if base.width == width), s.bases[0].depth)
    return Model(architecture="smollm3", tokenizer="capitals", width=width, depth=depth, mix="scribe", post="none", share=1.0)


def _pretraining(d: Declaration, tokens: int, context: int | None = None) -> Training:
    s = d.profile.scribe
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
    d: Declaration, width: int, examples: int, seed: int | None = None, schedule: str = "epochs", source: bool = False
) -> Request:
    """What are the training loss, the held-out loss and the notes of one base, fine-tuned on so many examples?

    `source`: a cell whose notes the judge learns from, with a base, a seed and conversations to write about of its own.
    """
    s = d.profile.scribe
    middle = -(-s.examples[len(s.examples) // 2] // s.batch) * s.epochs
    seed = (s.seeds[0] if seed is None else seed) + (SOURCE_SEED if source else 0)
    source_notes = {"count": s.judge.examples, "seed": s.seed + SOURCE_SEED, "unseen": False}
    values = {
        "base": _model(d, width).model_dump(),
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
        "scribe": _material(d).model_dump(),
        "tests": source_notes if source else {"count": s.tests, "seed": s.seed, "unseen": True},
        "max_new_tokens": s.max_new_tokens,
        "extraction": d.profile.extraction.model_dump(),
        "seed": seed,
    }
    settings = validated(CellSettings, values, "cell")
    parents = {"scribe": d.step("scribe"), "base": d.step("base", width=width, seed=seed if source else None)}
    name = f"{'source' if source else 'cell'}/{width}-{examples}-{schedule}-seed{seed}"
    given = {"width": width, "examples": examples, "seed": seed - (SOURCE_SEED if source else 0), "schedule": schedule}
    return Request(settings, parents, name=name, parameters=given | ({"source": True} if source else {}))


def _cells(d: Declaration) -> dict[str, Step]:
    """Every cell of the profile's grid by name.

    The middle number of examples is the same under both schedules and runs once.
    """
    s = d.profile.scribe
    middle = s.examples[len(s.examples) // 2]
    steps = [
        d.step("cell", width=base.width, examples=examples, seed=seed, schedule=schedule)
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
        model=_model(d, s.judge.width, s.judge.depth),
        first=s.judge.first,
        training=_pretraining(d, s.judge.tokens, s.judge.context),
        scribe=_material(d),
        seed=s.seeds[0] + SOURCE_SEED,
    )
    return Request(settings, {"scribe": d.step("scribe"), **_sources(d)}, _prompts())


def _prompts() -> dict[str, str]:
    """The prompt files: whatever judges is another run when they change."""
    return {"criteria": criteria.fingerprint()}


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
def verdicts(d: Declaration) -> Request:
    """What do the exact rubric and the LM judge say of the notes of every cell?"""
    parents = {name: d.step(name) for name in ("scribe", "judge", "prompt_search")} | _cells(d)
    return Request(_material(d), parents, _prompts())


@study.stage(version=9, builder="proxylib.studies.loss.loss_fits:build", whole=False)
def loss_fits(d: Declaration) -> Request:
    """How well do losses, sizes and numbers of examples explain what the judges say?"""
    cells = _cells(d)
    bases = {step.parents["base"].name: step.parents["base"] for step in cells.values()}
    return Request(FitSettings(bootstrap=d.profile.bootstrap), {"verdicts": d.step("verdicts")} | bases | cells)


def _on_gpu(settings: HubCellSettings) -> Resources:
    size, tokens = folders.billions(settings.base), settings.examples * settings.epochs * TOKENS
    minutes = START + 8e9 * size * tokens / FLOPS / 60  # forward twice, as activations are computed again, and backward
    return Resources(settings.threads, 8 + 2.5 * size, int(settings.device == "cuda"), minutes)


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


@study.page("how_good_is_the_judge")
def how_good_is_the_judge(d: Declaration) -> Request:
    """What the page how_good_is_the_judge reads."""
    return Request(None, {name: d.step(name) for name in ("robustness", "prompt_search", "verdicts", "loss_fits")})


@study.page("do_judges_agree")
def do_judges_agree(d: Declaration) -> Request:
    """What the page do_judges_agree reads."""
    return Request(None, {"judgments": d.step("judgments")}, outside={"reported": sha256(REPORTED)})
