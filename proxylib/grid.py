"""The grid of every profile, declared once: which notebooks run, with what, after which.

A step is a notebook with parameters and the run that it makes. Declaring a step computes the run's id without importing
torch; `proxylib grid` and the Snakefile walk what is declared here, and each notebook declares its own step first.
Stage notebooks make a run of data; page notebooks read runs, and their run is the executed notebook itself.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat

from . import config, corpora
from .config import ROOT, Frozen, Member, Model, Profile
from .errors import UserError
from .judging import criteria
from .published import registry
from .store import Key, Run, Store, Workspace, sha256

NOTEBOOKS = ROOT / "notebooks"

#: Raised whenever a change of the stage's code changes what it writes; `tests/test_stages.py` watches the sources.
VERSIONS = {
    "material": 3,
    "corpora": 2,
    "train": 3,
    "measure": 2,
    "population": 5,
    "ranking": 4,
    "variants": 2,
    "dial": 1,
    "trajectory": 2,
    "own_models": 1,
    "numerics": 1,
    "scribe": 3,
    "base": 2,
    "cell": 2,
    "judge": 4,
    "refinement": 3,
    "verdicts": 3,
    "quality": 2,
    "lossfit": 5,
    "datadecide": 3,
    "judgments": 1,
    "page": 1,
    "notebook": 1,
}

SOURCE_SEED = 1000  # added to every seed of what the LM judge learns from


@dataclass(frozen=True)
class Step:
    """One cell of the grid.

    Parameters
    ----------
    name : how lists and commands call it, unique in a profile
    notebook : its source
    parameters : what papermill injects
    settings : the validated config of the run
    key : of the run that the notebook makes
    parents : role -> step whose run the notebook reads
    store : where the runs are
    page : whether the executed notebook is a page of the book
    shared : whether the run depends on published data alone, so that its record serves every profile
    whole : whether the notebook reads files of its parents that a record leaves out (weights, token rows)
    """

    name: str
    notebook: Path
    parameters: Mapping[str, Any]
    settings: Frozen | None
    key: Key
    parents: Mapping[str, Step]
    store: Store
    page: bool = False
    shared: bool = False
    whole: bool = True

    def parent(self, role: str) -> Run:
        """The finished run of a parent; `UserError` if it is missing."""
        return self.store.get(self.parents[role].key)

    def produce(self, builder: Callable[[Step, Workspace], None]) -> Run:
        """The step's run, made by `builder(step, workspace)` unless it exists."""
        return self.store.produce(self.key, lambda workspace: builder(self, workspace))

    @property
    def arguments(self) -> list[str]:
        """The parameters as `proxylib run` takes them."""
        return [part for name, value in self.parameters.items() for part in ("-p", name, str(value))]

    @property
    def command(self) -> str:
        """What a person types in the project's folder to run this step again."""
        notebook = self.notebook.relative_to(ROOT) if self.notebook.is_relative_to(ROOT) else self.notebook
        return f"proxylib run {notebook} {shlex.join(self.arguments)}"


@dataclass
class Declaration:
    """Everything a declaring function needs; steps are made once per profile and name."""

    profile: Profile
    store: Store
    made: dict[str, Step] = field(default_factory=dict)

    def step(
        self,
        stage: str,
        notebook: str,
        settings: Frozen,
        parents: Mapping[str, Step] | None = None,
        outside: Mapping[str, str] | None = None,
        name: str | None = None,
        shared: bool = False,
        whole: bool = True,
        **parameters: Any,
    ) -> Step:
        """A stage's step. `outside` names hashes of inputs that no step makes."""
        parents = parents or {}
        inputs = {role: parent.key.run_id for role, parent in parents.items()} | dict(outside or {})
        key = Key(stage, VERSIONS[stage], settings.model_dump(mode="json"), inputs)
        parameters = {"profile": self.profile.name, **parameters}
        path = NOTEBOOKS / "stages" / f"{notebook}.ipynb"
        step = Step(name or notebook, path, parameters, settings, key, parents, self.store, shared=shared, whole=whole)
        return self._once(step)

    def page(self, notebook: str, parents: Mapping[str, Step], outside: Mapping[str, str] | None = None, **given: Any) -> Step:
        """A page's step: its run depends on the notebook's cells, on what it reads and on the code that shows it."""
        path = NOTEBOOKS / "pages" / f"{notebook}.ipynb"
        inputs = {role: parent.key.run_id for role, parent in parents.items()} | dict(outside or {})
        inputs |= {"cells": cells_digest(path), "code": page_code_digest()}
        parameters = {"profile": self.profile.name, **given}
        key = Key("page", VERSIONS["page"], {"notebook": notebook, "parameters": parameters}, inputs)
        return self._once(Step(f"page/{notebook}", path, parameters, None, key, parents, self.store, page=True, whole=False))

    def _once(self, step: Step) -> Step:
        return self.made.setdefault(step.key.run_id, step)


def material(d: Declaration) -> Step:
    return d.step("material", "material", d.profile.material, outside={"prose": corpora.fingerprint()})


def train(d: Declaration, model: str, seed: int | None = None, style: str = "crossed", tokens: int | None = None) -> Step:
    spec, seed = d.profile.model(model), d.profile.seeds[0] if seed is None else seed
    settings = _training(d, spec.in_style(style), seed, tokens)
    given = {"model": model, "seed": seed, "style": style} | ({} if tokens is None else {"tokens": tokens})
    name = f"train/{Member(model=spec, seed=seed, style=style).name}"
    return d.step("train", "train", settings, {"material": material(d)}, name=name, **given)


def _training(d: Declaration, spec: Model, seed: int, tokens: int | None = None) -> config.TrainSettings:
    training = d.profile.training
    if tokens is not None:
        training = config.validated(config.Training, {**training.model_dump(), "tokens": tokens}, "parameter tokens")
    corpora.recipe(spec.mix)  # an unknown recipe stops here
    return config.TrainSettings(model=spec, training=training, material=d.profile.material, seed=seed)


def measure(d: Declaration, model: str, seed: int | None = None, style: str = "crossed") -> Step:
    parents = {"train": train(d, model, seed, style), "material": material(d)}
    seed, expert = parents["train"].settings.seed, d.profile.expert.name
    if model != expert:
        parents["expert"] = measure(d, expert)
    settings = config.MeasureSettings(extraction=d.profile.extraction, evaluation=d.profile.evaluation)
    name = parents["train"].name.replace("train/", "measure/")
    return d.step("measure", "measure", settings, parents, name=name, model=model, seed=seed, style=style)


def population(d: Declaration, style: str = "crossed") -> Step:
    seeds = d.profile.seeds if style == "crossed" else _replication(d, style).seeds
    members = tuple(Member(model=model, seed=seed, style=style) for seed in seeds for model in d.profile.population)
    parents = {"material": material(d), "expert": measure(d, d.profile.expert.name)}
    for member in members:
        parents[f"train {member.name}"] = train(d, member.model.name, member.seed, style)
        parents[f"measure {member.name}"] = measure(d, member.model.name, member.seed, style)
    settings = config.PopulationSettings(members=members, inference=d.profile.inference)
    name = "population" if style == "crossed" else f"population/{style}"
    return d.step("population", "population", settings, parents, name=name, whole=False, style=style)


def _replication(d: Declaration, style: str) -> config.Replication:
    for replication in d.profile.dial:
        if replication.style == style:
            return replication
    raise UserError(f"parameter style: profile {d.profile.name} has no population in style '{style}'")


def corpora_described(d: Declaration) -> Step:
    settings = config.CorporaSettings(material=d.profile.material, tokens=d.profile.corpus_tokens)
    outside = {"prose": corpora.fingerprint()}
    return d.step("corpora", "corpora", settings, {"material": material(d)}, outside=outside)


def ranking(d: Declaration) -> Step:
    settings = config.AnalysisSettings(ranked=d.profile.ranked, inference=d.profile.inference)
    return d.step("ranking", "ranking", settings, {"population": population(d)}, whole=False)


def variants(d: Declaration) -> Step:
    crossed = population(d)
    measured = {role: parent for role, parent in crossed.parents.items() if role.startswith("measure ")}
    parents = {"population": crossed, **measured}
    settings = config.AnalysisSettings(ranked=d.profile.ranked, inference=d.profile.inference)
    return d.step("variants", "variants", settings, parents, whole=False)


def dial(d: Declaration) -> Step:
    parents = {style: population(d, style) for style in ("crossed", "expert", "other")}
    settings = config.AnalysisSettings(ranked=d.profile.ranked, inference=d.profile.inference)
    return d.step("dial", "dial", settings, parents, whole=False)


def trajectory(d: Declaration) -> Step:
    chosen = d.profile.trajectory
    spec = d.profile.model(chosen.model).model_copy(update={"mix": "expert", "post": "none", "share": chosen.share})
    measured = config.MeasureSettings(extraction=d.profile.extraction, evaluation=d.profile.evaluation)
    training = _training(d, spec, d.profile.seeds[0])
    settings = config.TrajectorySettings(training=training, measure=measured, items=chosen.items, inference=d.profile.inference)
    return d.step("trajectory", "trajectory", settings, {"material": material(d)})


def own_models(d: Declaration) -> Step:
    settings, parents = _some_models(d)
    return d.step("own_models", "own_models", settings, parents | {"population": population(d)})


def numerics(d: Declaration) -> Step:
    return d.step("numerics", "numerics", *_some_models(d))


def _some_models(d: Declaration) -> tuple[config.OwnSettings, dict[str, Step]]:
    chosen = tuple(model.name for model in d.profile.population[: d.profile.own.models])
    settings = config.OwnSettings(
        models=chosen, items=d.profile.own.items, extraction=d.profile.extraction, inference=d.profile.inference
    )
    return settings, {"material": material(d)} | {name: train(d, name) for name in chosen}


def scribe(d: Declaration) -> Step:
    return d.step("scribe", "scribe", _scribe_material(d), outside={"prose": corpora.fingerprint()})


def _scribe_material(d: Declaration) -> config.ScribeMaterial:
    s = d.profile.scribe
    return config.ScribeMaterial(vocabulary=s.vocabulary, examples=max(s.examples), tests=s.tests, seed=s.seed)


def base(d: Declaration, width: int, seed: int | None = None) -> Step:
    settings = config.BaseSettings(
        model=_scribe_model(d, width),
        training=_scribe_training(d, d.profile.scribe.tokens),
        scribe=_scribe_material(d),
        seed=d.profile.scribe.seeds[0] if seed is None else seed,
    )
    name = f"base/{width}-seed{settings.seed}"
    return d.step("base", "base", settings, {"scribe": scribe(d)}, name=name, width=width, seed=settings.seed)


def _scribe_model(d: Declaration, width: int, depth: int | None = None) -> Model:
    s = d.profile.scribe
    depth = depth or next((base.depth for base in s.bases if base.width == width), s.bases[0].depth)
    return Model(architecture="smollm3", tokenizer="capitals", width=width, depth=depth, mix="scribe", post="none", share=1.0)


def _scribe_training(d: Declaration, tokens: int, context: int | None = None) -> config.Training:
    s = d.profile.scribe
    changed = {
        "tokens": tokens,
        "context": context or s.context,
        "batch_tokens": s.batch_tokens,
        "muon_rate": s.muon_rate,
        "adamw_rate": s.adamw_rate,
    }
    return config.validated(config.Training, {**d.profile.training.model_dump(), **changed}, "scribe")


def cell(
    d: Declaration, width: int, examples: int, seed: int | None = None, schedule: str = "epochs", source: bool = False
) -> Step:
    """`source`: a cell whose notes the judge learns from, with a base, a seed and conversations to write about of its own."""
    s = d.profile.scribe
    middle = -(-s.examples[len(s.examples) // 2] // s.batch) * s.epochs
    seed = (s.seeds[0] if seed is None else seed) + (SOURCE_SEED if source else 0)
    own = {"count": s.judge.examples, "seed": s.seed + SOURCE_SEED, "unseen": False}
    values = {
        "base": _scribe_model(d, width).model_dump(),
        "examples": examples,
        "schedule": schedule,
        **({"epochs": s.epochs} if schedule == "epochs" else {"steps": middle}),
        "lora": {
            "rank": max(1, int(s.rank_share * width)),
            "alpha": s.alpha,
            "rate": s.rate,
            "batch": s.batch,
            "context": s.context,
        },
        "last": s.last,
        "scribe": _scribe_material(d).model_dump(),
        "tests": own if source else {"count": s.tests, "seed": s.seed, "unseen": True},
        "new_tokens": s.new_tokens,
        "extraction": d.profile.extraction.model_dump(),
        "seed": seed,
    }
    settings = config.validated(config.CellSettings, values, "cell")
    parents = {"scribe": scribe(d), "base": base(d, width, seed if source else None)}
    name = f"{'source' if source else 'cell'}/{width}-{examples}-{schedule}-seed{seed}"
    given = {"width": width, "examples": examples, "seed": seed - (SOURCE_SEED if source else 0), "schedule": schedule}
    return d.step("cell", "cell", settings, parents, name=name, **given | ({"source": True} if source else {}))


def cells(d: Declaration) -> list[Step]:
    """Every cell of the profile's grid.

    The middle number of examples is the same under both schedules and runs once.
    """
    s = d.profile.scribe
    middle = s.examples[len(s.examples) // 2]
    return [
        cell(d, base.width, examples, seed, schedule)
        for schedule in s.schedules
        for base in s.bases
        for examples in s.examples
        if schedule == "epochs" or examples != middle
        for seed in (s.seeds if examples in s.replicated else s.seeds[:1])
    ]


def judge(d: Declaration) -> Step:
    s = d.profile.scribe
    seed = s.seeds[0] + SOURCE_SEED
    settings = config.JudgeSettings(
        model=_scribe_model(d, s.judge.width, s.judge.depth),
        first=s.judge.first,
        training=_scribe_training(d, s.judge.tokens, s.judge.context),
        scribe=_scribe_material(d),
        seed=seed,
    )
    return d.step("judge", "judge", settings, {"scribe": scribe(d), **_sources(d)}, outside=_prompts())


def _prompts() -> dict[str, str]:
    """The prompt files: whatever judges is another run when they change."""
    return {"criteria": criteria.fingerprint()}


def _sources(d: Declaration) -> dict[str, Step]:
    own = d.profile.scribe.judge
    return {f"source {width}": cell(d, width, own.examples, source=True) for width in own.sources}


def refinement(d: Declaration) -> Step:
    settings = config.AnalysisOfCells(inference=d.profile.inference)
    return d.step("refinement", "refinement", settings, {"judge": judge(d), **_sources(d)}, outside=_prompts())


def quality(d: Declaration) -> Step:
    parents = {"judge": judge(d), "verdicts": verdicts(d)}
    parents |= {step.name: step for step in cells(d) if step.settings.schedule == "epochs"}
    settings = config.QualitySettings(notes=d.profile.scribe.quality_notes, inference=d.profile.inference)
    return d.step("quality", "quality", settings, parents, outside=_prompts())


def verdicts(d: Declaration) -> Step:
    parents = {"scribe": scribe(d), "judge": judge(d), "refinement": refinement(d)} | {step.name: step for step in cells(d)}
    return d.step("verdicts", "verdicts", _scribe_material(d), parents, outside=_prompts())


def lossfit(d: Declaration) -> Step:
    made = cells(d)
    bases = {step.parents["base"].name: step.parents["base"] for step in made}
    parents = {"verdicts": verdicts(d)} | bases | {step.name: step for step in made}
    return d.step("lossfit", "lossfit", config.AnalysisOfCells(inference=d.profile.inference), parents, whole=False)


def datadecide(d: Declaration) -> Step:
    outside = {"data": registry.fingerprint("datadecide")}
    return d.step("datadecide", "datadecide", d.profile.inference, outside=outside, shared=True)


def judgments(d: Declaration) -> Step:
    outside = {name: registry.fingerprint(name) for name in ("mt_bench_human", "pandalm", "mts_dialog")}
    return d.step("judgments", "judgments", d.profile.inference, outside=outside, shared=True)


def the_lab(d: Declaration) -> Step:
    return d.page("the_lab", {"population": population(d), "material": material(d), "corpora": corpora_described(d)})


def eighty_metrics(d: Declaration) -> Step:
    return d.page("eighty_metrics", {"population": population(d), "ranking": ranking(d)})


def model_selection(d: Declaration) -> Step:
    return d.page("model_selection", {"population": population(d), "ranking": ranking(d)})


def ablations(d: Declaration) -> Step:
    return d.page("ablations", {"population": population(d), "variants": variants(d)})


def whose_style(d: Declaration) -> Step:
    return d.page("whose_style", {"dial": dial(d)})


def crucial_steps(d: Declaration) -> Step:
    return d.page("crucial_steps", {"trajectory": trajectory(d), "material": material(d)})


def bring_your_own_models(
    d: Declaration,
    models: list[str] | None = None,
    traces: str | None = None,
    out: str | None = None,
    scores: str | None = None,
    chat: bool | None = None,
    window: int | None = None,
) -> Step:
    given = {"models": models, "traces": traces, "out": out, "scores": scores, "chat": chat, "window": window}
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        return d.page("bring_your_own_models", {"own_models": own_models(d)})
    for name in ("models", "traces", "out"):
        if name not in given:
            raise UserError(f"parameter {name}: needed beside {next(iter(given))}; models, traces and out go together")
    if not isinstance(given["models"], (list, tuple)):
        raise UserError(f"parameter models: {given['models']!r} is no list; write '[one, two]'")
    # the notebook's kernel works in another folder than its caller
    whole = lambda name: str(Path(name).absolute()) if Path(name).exists() else name
    given["models"], given["out"] = [whole(model) for model in given["models"]], str(Path(given["out"]).absolute())
    given |= {name: whole(given[name]) for name in ("traces", "scores") if name in given}
    from .models import loading  # imports torch, which this page needs in any case
    from .tokenstats.shards import fingerprint

    outside = {name: sha256(Path(given[name])) for name in ("traces", "scores") if Path(given.get(name, "")).is_file()}
    # a model trained on in the same folder is another model
    outside |= {f"model {number}": fingerprint(loading.locate(model)) for number, model in enumerate(given["models"])}
    return d.page("bring_your_own_models", {}, outside=outside, **given)


def exactness(d: Declaration) -> Step:
    timings = {path.name: sha256(path) for path in sorted((ROOT / "benchmarks").glob("tokenstats_*.csv"))}
    return d.page("exactness", {"numerics": numerics(d)}, outside=timings)


def scribe_grid(d: Declaration) -> Step:
    return d.page("scribe_grid", {"lossfit": lossfit(d), "scribe": scribe(d), "verdicts": verdicts(d)})


def loss_predicts_the_judge(d: Declaration) -> Step:
    return d.page("loss_predicts_the_judge", {"lossfit": lossfit(d)})


def how_good_is_the_judge(d: Declaration) -> Step:
    parents = {"quality": quality(d), "refinement": refinement(d), "verdicts": verdicts(d), "lossfit": lossfit(d)}
    return d.page("how_good_is_the_judge", parents)


def do_judges_agree(d: Declaration) -> Step:
    return d.page("do_judges_agree", {"judgments": judgments(d)})


def choosing_a_corpus(d: Declaration) -> Step:
    return d.page("choosing_a_corpus", {"datadecide": datadecide(d)})


def scoreboard(d: Declaration) -> Step:
    return d.page("scoreboard", {}, outside={"scoreboard": sha256(ROOT / "results" / "scoreboard.json")})


#: notebook -> the function that declares its step
STAGES: dict[str, Callable[..., Step]] = {
    "material": material,
    "corpora": corpora_described,
    "train": train,
    "measure": measure,
    "population": population,
    "ranking": ranking,
    "variants": variants,
    "dial": dial,
    "trajectory": trajectory,
    "own_models": own_models,
    "numerics": numerics,
    "scribe": scribe,
    "base": base,
    "cell": cell,
    "judge": judge,
    "refinement": refinement,
    "verdicts": verdicts,
    "quality": quality,
    "lossfit": lossfit,
    "datadecide": datadecide,
    "judgments": judgments,
}
#: likewise, in the order of the book
PAGES: dict[str, Callable[..., Step]] = {
    "the_lab": the_lab,
    "scribe_grid": scribe_grid,
    "loss_predicts_the_judge": loss_predicts_the_judge,
    "how_good_is_the_judge": how_good_is_the_judge,
    "eighty_metrics": eighty_metrics,
    "model_selection": model_selection,
    "ablations": ablations,
    "whose_style": whose_style,
    "crucial_steps": crucial_steps,
    "bring_your_own_models": bring_your_own_models,
    "exactness": exactness,
    "choosing_a_corpus": choosing_a_corpus,
    "do_judges_agree": do_judges_agree,
    "scoreboard": scoreboard,
}
DECLARATIONS = STAGES | PAGES


def declare(notebook: str, profile: str, **parameters: Any) -> Step:
    """The step of a notebook, validated.

    Parameters
    ----------
    notebook : its name without folder and ending
    profile : one of `config.PROFILES`
    parameters : the notebook's own; None means "as in the profile"

    Raises
    ------
    UserError
        Unknown notebook, profile, parameter or model, or a value of the wrong type.
    """
    if notebook not in DECLARATIONS:
        raise UserError(f"notebook {notebook} is not part of the grid; it has {', '.join(DECLARATIONS)}")
    declaration = Declaration(config.load(profile), Store(profile))
    function = DECLARATIONS[notebook]
    known = list(inspect.signature(function).parameters)[1:]
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise UserError(f"parameter {unknown[0]} is unknown in {notebook}; it has {', '.join(['profile', *known])}")
    return function(declaration, **{name: value for name, value in parameters.items() if value is not None})


def steps(profile: str) -> tuple[Step, ...]:
    """Every step of a profile, parents before children."""
    declaration = Declaration(config.load(profile), Store(profile))
    for page in declaration.profile.pages:
        DECLARATIONS[page](declaration)
    ordered: dict[str, Step] = {}

    def visit(step: Step) -> None:
        for parent in step.parents.values():
            visit(parent)
        ordered.setdefault(step.key.run_id, step)

    for step in declaration.made.values():
        visit(step)
    return tuple(ordered.values())


def work(step: Step) -> float:
    """About how much arithmetic training does in a step, in no unit; 0 for every other step."""
    made = step.settings.training if isinstance(step.settings, config.TrajectorySettings) else step.settings
    if not isinstance(made, config.TrainSettings | config.BaseSettings | config.JudgeSettings):
        return 0.0
    return made.training.tokens * made.model.share * made.model.width * made.model.depth


OTHER_WORK = 1e8  # counted for a step that trains no model from scratch, in the unit of `work`: about twenty seconds


def chains(steps: Iterable[Step]) -> dict[str, float]:
    """Run id -> work of the longest chain that begins with the step: what has to wait for it, one after the other.

    Parameters
    ----------
    steps : parents before children
    """
    found: dict[str, float] = {}
    for step in reversed(list(steps)):
        own = found.get(step.key.run_id, 0.0) + (work(step) or (0.0 if step.page else OTHER_WORK))
        found[step.key.run_id] = own
        for parent in step.parents.values():
            found[parent.key.run_id] = max(found.get(parent.key.run_id, 0.0), own)
    return found


def cells_digest(notebook: Path) -> str:
    """SHA-256 of a notebook's cell sources and tags: what decides its output, and nothing that an editor adds."""
    cells = nbformat.read(notebook, as_version=4).cells
    parts = [f"{cell.cell_type}\n{cell.metadata.get('tags', [])}\n{cell.source}" for cell in cells]
    return sha256("\n\x00".join(parts).encode())


@lru_cache(maxsize=1)
def page_code_digest() -> str:
    """SHA-256 of the modules that turn frames into figures and sentences; pages are cheap, so any change remakes them."""
    folder = Path(__file__).parent
    modules = (
        "pages.py",
        "plots.py",
        "population.py",
        "ranking.py",
        "model_selection.py",
        "crucial.py",
        "dial.py",
        "variants.py",
        "own_models.py",
        "bring.py",
        "exactness.py",
        "lossgrid.py",
        "losscontrol.py",
        "lossfit.py",
        "loss_text.py",
        "judges_text.py",
        "scoreboard.py",
        "selection.py",
        "selection_text.py",
        "stats.py",
    )
    return sha256(b"\x00".join((folder / name).read_bytes() for name in modules))
