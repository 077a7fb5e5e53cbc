"""What the study of your own models runs: the lab's example, or the page over the models that it is given."""

from __future__ import annotations

from pathlib import Path

from proxylib.errors import UserError
from proxylib.models import folders
from proxylib.runs.files import sha256
from proxylib.runs.step import Declaration, Request, Study
from proxylib.studies.your_models.settings import Section, YourModelsSettings, from_parameters

study = Study("your_models", Section)
FILES = ("traces", "scores", "prose")  # that a page may be given


@study.stage(version=2, builder="proxylib.studies.your_models.rank:build")
def your_models(d: Declaration) -> Request:
    """Some of the lab's models, taken as folders with weights, and a file of traces: what does `proxylib rank` say, and how
    does it compare with accuracy?
    """
    chosen = [model.name for model in d.profile.trained[: d.profile.your_models.models]]
    settings = YourModelsSettings(
        models=tuple(chosen), items=d.profile.your_models.items, extraction=d.profile.extraction, bootstrap=d.profile.bootstrap
    )
    parents = {name: d.step("train", model=name) for name in chosen}
    return Request(settings, {"material": d.step("material")} | parents | {"population": d.step("population")})


@study.page("your_models")
def your_models_page(
    d: Declaration,
    models: list[str] | None = None,
    traces: str | None = None,
    out: str | None = None,
    scores: str | None = None,
    prose: str | None = None,
    chat: bool | None = None,
    window: int | None = None,
) -> Request:
    """What the page your_models reads."""
    given = {"models": models, "traces": traces, "out": out, "scores": scores, "prose": prose, "chat": chat, "window": window}
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        return Request(None, {"your_models": d.step("your_models")})
    for name in ("models", "traces", "out"):
        if name not in given:
            raise UserError(f"parameter {name}: needed beside {next(iter(given))}; models, traces and out go together")
    from_parameters(given)  # what is mistyped is refused here, before a kernel starts
    # the notebook's kernel works in another folder than its caller
    whole = lambda name: str(Path(name).absolute()) if Path(name).exists() else name
    given["models"], given["out"] = [whole(model) for model in given["models"]], str(Path(given["out"]).absolute())
    given |= {name: whole(given[name]) for name in FILES if name in given}
    return Request(None, outside=_inputs(given), parameters=given)


def _inputs(given: dict) -> dict[str, str]:
    """Hashes of the files and models that were named: a model trained on in the same folder is another model."""
    files = {name: sha256(Path(given[name])) for name in FILES if Path(given.get(name, "")).is_file()}
    return files | {f"model {number}": folders.identity(model) for number, model in enumerate(given["models"])}
