"""`proxylib rank` and the page beside it: every model measured, compared with the others, and the files that are left."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from proxylib.data.reading import Counts, Reading, reading_of
from proxylib.data.trace import Trace
from proxylib.data.traces import read, reading, to_frame
from proxylib.errors import UserError
from proxylib.measure.settings import ExtractSettings, OverTraces
from proxylib.models import folders
from proxylib.report import plots
from proxylib.runs.files import parquet_bytes, sealed, sha256, write_together
from proxylib.runs.folder import MANIFEST, Workspace
from proxylib.runs.provenance import provenance
from proxylib.studies.your_models import alike, compare, drawing, prose, report
from proxylib.studies.your_models.compare import Comparison, Fitted, Measured
from proxylib.studies.your_models.settings import BOOTSTRAP, Rank, YourModelsSettings, from_parameters
from proxylib.text import line

if TYPE_CHECKING:
    from proxylib.models.price import Price

MODELS, TABLE, SUPPORT, VALUES, FIGURE = "models", "ranking.csv", "support.csv", "proxies.parquet", "ranking.svg"
FITTED, PAIRS = "fitted.csv", "pairs.csv"
STYLE = "style_share"  # of a member of the population


@dataclass(frozen=True)
class Ranked:
    """What `rank` leaves in a folder, and the frames behind it.

    Parameters
    ----------
    folder : holds ranking.csv, support.csv, pairs.csv, proxies.parquet, ranking.svg, with known scores fitted.csv, and models/
    comparison : see `compare.compare`
    fitted : see `compare.fit`; None without known scores
    accounts : a row per model: what became of the traces and their tokens
    texts : model -> what became of the text, see `became.table`; empty for what was recorded without
    read : model -> share of the expert's style among the worked solutions that it read; None where that is not known
    counts : what became of the rows that the traces were read from; None where they were not read for this
    """

    folder: Path
    comparison: Comparison
    fitted: Fitted | None
    accounts: pd.DataFrame
    counts: Counts | None = None
    texts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    read: pd.Series | None = None


def rank(
    models: Mapping[str, Path],
    source: Reading,
    given: OverTraces,
    scores: pd.Series | None = None,
    text: Sequence[Trace] = (),
    told: Callable[[Price], object] | None = None,
) -> Ranked:
    """Measure every model over the traces and rank them by the proxy named in advance.

    Parameters
    ----------
    models : name -> folder, at least two
    source : the traces that they are measured on; of copies the first
    given : how they are measured, and the folder; what an earlier call finished is taken from there
    scores : known scores by model, see `compare.fit`
    text : passages of prose, loss on which stands beside the proxy, see `prose.passages`
    told : is given what it will take, see `price`
    """
    from proxylib.measure.tokenstats import shards

    source = source.without_copies()
    traces, measured, accounts, became_of = source.traces, {}, [], {}
    items: dict[str, pd.DataFrame] = {}
    if told and (expected := _price(models, traces, given)):
        told(expected)
    for name, folder in models.items():
        rows = shards.extract(folder, traces, given.out / MODELS / name, given.settings, given.layout, given.threads)
        measured[name], items[name] = Measured(rows.tokens, rows.vocabulary), rows.items
        became_of[name] = rows.facts["text"] | source.counts.of_rows()
        accounts.append({"model": name} | {key: rows.facts[key] for key in report.ACCOUNT})
    alike.refuse_unlike(became_of, items)
    texts = to_frame(traces).set_index(["task", "id"])["solution"]
    comparison = compare.compare(measured, texts, BOOTSTRAP, source.expert, source.problems)
    comparison = comparison._replace(left_out=len(traces) - comparison.used)  # also what no model can be asked about
    if text:
        comparison = compare.beside(comparison, prose.loss(models, list(text), given, BOOTSTRAP))
    fitted = None if scores is None else compare.fit(comparison.values, scores, BOOTSTRAP)
    return Ranked(given.out, comparison, fitted, pd.DataFrame(accounts), source.counts, became_of)


def rank_files(given: Rank, told: Callable[[Price], object] | None = None) -> Ranked:
    """`rank` over models, traces and scores by name, with its tables and figure left in the folder.

    Raises
    ------
    UserError
        Before any model runs where traces, scores or names are wrong; later where a model cannot be measured.
    CannotTell
        Where models read different text, see `alike`.
    """
    checked = _checked(given)
    ranked = rank(checked.models, checked.source, given, checked.scores, checked.text, told)
    _write(ranked)
    return ranked


def price(given: Rank) -> Price | None:
    """What `rank_files` would take, and refuse before any model runs; None where all models are measured. Nothing is written.

    Notes
    -----
    The smallest model is timed; time, memory and disk of the others follow from it by their parameters. Passages of prose
    are not counted.
    """
    checked = _checked(given)
    return _price(checked.models, checked.source.without_copies().traces, given)


class _Checked(NamedTuple):
    """What is given to `rank`, read."""

    models: dict[str, Path]
    source: Reading
    scores: pd.Series | None
    text: Sequence[Trace]


def _checked(given: Rank) -> _Checked:
    """All that can be found wrong before a model runs, which takes hours, is."""
    if given.out.exists() and not given.out.is_dir():
        raise UserError(f"{given.out}: is a file; give a folder")
    models = _folders(given)
    source = reading(given.traces, given.fields, given.think)
    alike.refuse_unread(models, source.without_copies().traces)
    drawing.refuse_single(source.without_copies())
    text = () if given.prose is None else prose.passages(given.prose)
    if text:
        alike.refuse_unread(models, text)
    scores = None if given.scores is None else compare.read_scores(given.scores, list(models))
    return _Checked(models, source, scores, text)


def _price(models: Mapping[str, Path], traces: list[Trace], given: OverTraces) -> Price | None:
    from proxylib.measure.tokenstats import shards
    from proxylib.models.price import together

    sizes = {name: folders.billions(folders.base_of(folder)) for name, folder in models.items()}
    left = {name: given.out / MODELS / name for name in sorted(models, key=sizes.get)}
    asked = (given.settings, given.layout)
    left = {name: out for name, out in left.items() if not shards.finished(models[name], traces, out, *asked)}
    if not left:
        return None
    first, out = next(iter(left.items()))
    timed = shards.price(models[first], traces, out, *asked, given.threads)
    if timed is None:
        return None
    times = [sizes[name] / sizes[first] if sizes[first] else 1.0 for name in left]
    return together(timed._replace(seconds=timed.seconds * more, memory=timed.memory * more) for more in times)


def _folders(given: Rank) -> dict[str, Path]:
    """Name -> folder of each model; what is wrong with the last had better be said before the first one runs."""
    from proxylib.models import tokenizers

    located = dict(zip(names_of(given.models), map(folders.locate, given.models), strict=True))
    for folder in located.values():
        if not (folders.base_of(folder) / folders.CONFIG).exists():
            raise UserError(f"{folder}: no {folders.CONFIG}; a model is a folder written by save_pretrained")
        tokenizer = tokenizers.load(folder if tokenizers.saved_in(folder) else folders.base_of(folder), given.settings.bos)
        tokenizers.prompt_ids(tokenizer, "x", given.settings.chat)
    return located


def names_of(models: Sequence[str]) -> list[str]:
    """A short name per model: the last part of its path, more parts where two would share it; one line, all of it visible.

    Raises
    ------
    UserError
        For fewer than two models, or one given twice.
    """
    if len(models) < 2:
        raise UserError(f"parameter models: at least 2 are needed, found {len(models)}")
    whole = lambda model: Path(os.path.normpath(Path(model).absolute()))  # a link keeps its own name
    on_hub = lambda model: Path(re.sub("(?<=@).*", lambda revision: revision[0].replace("/", "-"), model))  # as refs/pr/1
    parts = [(whole(model) if Path(model).exists() else on_hub(model)).parts for model in models]
    for count in range(1, max(map(len, parts)) + 1):
        names = [line("--".join(path[-count:]).strip("/")) for path in parts]
        if len(set(names)) == len(names):
            return names
    twice = next(model for number, model in enumerate(models) if parts[number] in parts[:number])
    raise UserError(f"parameter models: {twice} is given twice")


def _write(ranked: Ranked) -> None:
    csv = lambda frame: frame.to_csv(index=False).encode()
    out, comparison = ranked.folder, ranked.comparison
    figure, (ax,) = plots.canvas(height=1.2 + 0.35 * len(comparison.table))
    plots.models_forest(comparison.table, ax, column=compare.WINNER)
    files = {
        TABLE: csv(comparison.table),
        SUPPORT: csv(comparison.support),
        PAIRS: csv(comparison.pairs),
        VALUES: parquet_bytes(comparison.values.reset_index()),
        FIGURE: plots.svg(figure),
    }
    files |= {} if ranked.fitted is None else {FITTED: csv(ranked.fitted.order)}
    manifest = sealed({"command": "rank", "files": {name: sha256(data) for name, data in files.items()}, **provenance()})
    write_together(out, files | {MANIFEST: manifest})
    if ranked.fitted is None:  # an earlier call's is of other tables
        (out / FITTED).unlink(missing_ok=True)


def build(step, workspace: Workspace) -> None:
    """`rank` over some of the lab's models, with their mean accuracy as known scores.

    Parameters
    ----------
    step : a declared `your_models` step; its parents are the material, the pooled population and the trained models
    workspace : receives the tables ranking, support, values, accounts, order, errors and read (style_share of each model);
        token rows are not kept
    """
    settings: YourModelsSettings = step.settings
    source = step.parent("material").path("traces.parquet")
    everything = read(source)
    first = to_frame(everything).groupby("task", sort=False).head(settings.items).index
    accuracy = step.parent("population").table("accuracy")
    accuracy = accuracy[accuracy["seed"] == accuracy["seed"].iloc[0]].groupby("model", sort=False)["estimate"].mean()
    scores = accuracy.loc[list(settings.models)] if len(settings.models) >= compare.LEAST_MODELS else None
    given = OverTraces(
        traces=str(source),
        out=workspace.path("ranked"),
        threads=settings.extraction.threads,
        settings=ExtractSettings(window=settings.extraction.window, device=settings.extraction.device, bos="always"),
    )
    models = {name: step.parent(name).path("model") for name in settings.models}
    ranked = rank(models, reading_of([everything[number] for number in first]), given, scores)
    shutil.rmtree(given.out)
    comparison = ranked.comparison
    tables = {"ranking": comparison.table, "support": comparison.support, "values": comparison.values.reset_index()}
    tables |= {"accounts": ranked.accounts}
    if ranked.fitted is not None:
        tables |= {"order": ranked.fitted.order, "errors": ranked.fitted.errors}
    members = step.parent("population").table("members").drop_duplicates("model").set_index("model")
    if STYLE in members:  # older populations did not note it
        tables |= {"read": members.loc[list(settings.models), [STYLE]].reset_index()}
    for name, frame in tables.items():
        workspace.write_table(name, frame)
    workspace.note(used=comparison.used, left_out=comparison.left_out)


def of(step) -> Ranked:
    """What the page shows: the lab's example, or `rank_files` over what the notebook was given."""
    if "your_models" not in step.parents:
        return rank_files(from_parameters(step.parameters))
    run = step.parent("your_models")
    has = (run.folder / "errors.parquet").exists()
    fitted = Fitted(run.table("order"), run.table("errors")) if has else None
    values = run.table("values").set_index("model")
    comparison = Comparison(
        values,
        run.table("ranking"),
        run.table("support"),
        pd.DataFrame(),
        run.facts["used"],
        run.facts["left_out"],
        run.facts["used"],
    )  # the lab's problems have one solution each
    read = run.table("read").set_index("model")[STYLE] if "read" in run.tables else None
    return Ranked(run.folder, comparison, fitted, run.table("accounts"), read=read)
