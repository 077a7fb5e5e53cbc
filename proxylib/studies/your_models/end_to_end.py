"""Your own models, end to end: extraction per model, comparison, and the files that are left for you."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from proxylib.data import traces
from proxylib.errors import UserError
from proxylib.report import plots
from proxylib.runs.files import parquet_bytes, write_atomic
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.your_models import compare, report
from proxylib.studies.your_models.compare import Comparison, Fitted, Measured
from proxylib.studies.your_models.settings import YourModelsSettings

if TYPE_CHECKING:
    from proxylib.measure.tokenstats.extract import Layout
    from proxylib.measure.tokenstats.shards import Settings

BOOTSTRAP = Bootstrap(draws=2000, level=0.95, seed=7)
MODELS, TABLE, SUPPORT, VALUES, FIGURE = "models", "ranking.csv", "support.csv", "proxies.parquet", "ranking.svg"
FITTED = "fitted.csv"


@dataclass(frozen=True)
class Ranked:
    """What `rank` leaves in a folder, and the frames behind it.

    Parameters
    ----------
    folder : holds ranking.csv, support.csv, proxies.parquet, ranking.svg, with known scores fitted.csv, and models/
    comparison : see `compare.compare`
    fitted : see `compare.fit`; None without known scores
    accounts : a row per model: what became of the traces and their tokens
    """

    folder: Path
    comparison: Comparison
    fitted: Fitted | None
    accounts: pd.DataFrame


def rank(
    models: Sequence[str],
    source: str,
    out: Path,
    settings: Settings,
    fields: Mapping[str, str] | None = None,
    scores: Path | None = None,
    threads: int = 1,
    bootstrap: Bootstrap = BOOTSTRAP,
    layout: Layout | None = None,
) -> Ranked:
    """Measure every model over the traces and rank them by the proxy named in advance.

    Parameters
    ----------
    models : folders or hub ids, at least two
    source, fields : see `traces.read`
    out : folder; what an earlier call finished is taken from there
    settings, layout : of the extraction, see `shards.extract`
    scores : a CSV file of known scores, see `compare.read_scores`
    threads : of the processor

    Raises
    ------
    UserError
        Before any model runs where traces, scores or names are wrong; later where a model cannot be measured.
    """
    from proxylib.measure.tokenstats import shards
    from proxylib.models import folders, tokenizers

    names = names_of(models)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; give a folder")
    located = [folders.locate(model) for model in models]
    for folder in located:  # what is wrong with the last model had better be said before the first one runs
        if not (folders.base_of(folder) / folders.CONFIG).exists():
            raise UserError(f"{folder}: no {folders.CONFIG}; a model is a folder written by save_pretrained")
        tokenizer = tokenizers.load(folder if tokenizers.saved_in(folder) else folders.base_of(folder))
        tokenizers.front(tokenizer, "x", settings.chat)
    read, expert = traces.read_with_expert(source, fields)
    known = None if scores is None else compare.read_scores(scores, names)
    measured, accounts = {}, []
    for name, folder in zip(names, located, strict=True):
        done = shards.extract(folder, read, out / MODELS / name, settings, layout, threads)
        measured[name] = Measured(done.tokens, done.vocabulary)
        accounts.append({"model": name} | {key: done.facts[key] for key in report.ACCOUNT})
    texts = traces.to_frame(read).set_index(["task", "id"])["solution"]
    comparison = compare.compare(measured, texts, bootstrap, expert)
    comparison = comparison._replace(left_out=len(read) - comparison.used)  # also what no model can be asked about
    fitted = None if known is None else compare.fit(comparison.values, known, bootstrap)
    _write(out, comparison, fitted)
    return Ranked(out, comparison, fitted, pd.DataFrame(accounts))


def names_of(models: Sequence[str]) -> list[str]:
    """A short name per model: the last part of its path, more parts where two would share it.

    Raises
    ------
    UserError
        For fewer than two models, or one given twice.
    """
    if len(models) < 2:
        raise UserError(f"parameter models: at least 2 are needed, found {len(models)}")
    whole = lambda model: Path(os.path.normpath(Path(model).absolute()))  # a link keeps its own name
    parts = [(whole(model) if Path(model).is_dir() else Path(model)).parts for model in models]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["--".join(own[-count:]).strip("/") for own in parts]
        if len(set(names)) == len(names):
            return names
    twice = next(model for number, model in enumerate(models) if parts[number] in parts[:number])
    raise UserError(f"parameter models: {twice} is given twice")


def _write(out: Path, comparison: Comparison, fitted: Fitted | None) -> None:
    csv = lambda frame: frame.to_csv(index=False).encode()
    write_atomic(out / TABLE, csv(comparison.table))
    write_atomic(out / SUPPORT, csv(comparison.support))
    write_atomic(out / VALUES, parquet_bytes(comparison.values.reset_index()))
    if fitted is not None:
        write_atomic(out / FITTED, csv(fitted.order))
    figure, (ax,) = plots.canvas(height=1.2 + 0.35 * len(comparison.table))
    plots.models_forest(comparison.table, ax, column=compare.WINNER)
    write_atomic(out / FIGURE, plots.svg(figure))


def build(step, workspace: Workspace) -> None:
    """`rank` over some of the lab's models, with their mean accuracy as known scores.

    Parameters
    ----------
    step : a declared `your_models` step; its parents are the material, the pooled population and the trained models
    workspace : receives the tables ranking, support, values, accounts, order and errors; token rows are not kept
    """
    from proxylib.measure.tokenstats.shards import Settings

    settings: YourModelsSettings = step.settings
    source, out = workspace.path("traces.parquet"), workspace.path("ranked")
    chosen = traces.to_frame(traces.read(step.parent("material").path("traces.parquet")))
    chosen.groupby("task", sort=False).head(settings.items).to_parquet(source, index=False)
    accuracy = step.parent("population").table("accuracy")
    first = accuracy[accuracy["seed"] == accuracy["seed"].iloc[0]]
    scores = first.groupby("model", sort=False)["estimate"].mean().loc[list(settings.models)]
    file = workspace.path("scores.csv")
    folders = {name: workspace.path(f"models/{name}") for name in settings.models}
    scores.rename("score").rename_axis("model").to_csv(file)
    for name, folder in folders.items():  # a model is called by the last part of its path
        folder.parent.mkdir(exist_ok=True)
        folder.symlink_to(step.parent(name).path("model").resolve(), target_is_directory=True)
    given = Settings(window=settings.extraction.window, device=settings.extraction.device)
    known = file if len(folders) >= compare.LEAST_MODELS else None
    ranked = rank(list(map(str, folders.values())), str(source), out, given, None, known, settings.extraction.threads)
    found = ranked.comparison
    tables = {
        "ranking": found.table,
        "support": found.support,
        "values": found.values.reset_index(),
        "accounts": ranked.accounts,
    }
    if ranked.fitted is not None:
        tables |= {"order": ranked.fitted.order, "errors": ranked.fitted.errors}
    for path in (source, file):
        path.unlink()
    shutil.rmtree(out)
    shutil.rmtree(workspace.path("models"))
    for name, frame in tables.items():
        workspace.write_table(name, frame)
    workspace.note(used=found.used, left_out=found.left_out)


def of(step) -> Ranked:
    """What the page shows: the lab's example, or `rank` over the models that the notebook was given."""
    if "your_models" in step.parents:
        run = step.parent("your_models")
        has = (run.folder / "errors.parquet").exists()
        fitted = Fitted(run.table("order"), run.table("errors")) if has else None
        values = run.table("values").set_index("model")
        counts = run.facts["used"], run.facts["left_out"]
        found = Comparison(values, run.table("ranking"), run.table("support"), pd.DataFrame(), *counts)
        return Ranked(run.folder, found, fitted, run.table("accounts"))
    from proxylib.measure.tokenstats.shards import Settings

    given = dict(step.parameters)
    settings = Settings(window=given.get("window", 1000), chat=given.get("chat", False))
    scores = given.get("scores")
    return rank(given["models"], given["traces"], Path(given["out"]), settings, None, scores and Path(scores))
