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
from proxylib.report import plots, words
from proxylib.runs.store import Workspace, parquet_bytes, write_atomic
from proxylib.stats import Bootstrap
from proxylib.studies.your_models import compare
from proxylib.studies.your_models.compare import Comparison, Fitted, Measured
from proxylib.studies.your_models.settings import YourModelsSettings

if TYPE_CHECKING:
    from proxylib.measure.tokenstats.extract import Layout
    from proxylib.measure.tokenstats.shards import Settings

BOOTSTRAP = Bootstrap(draws=2000, level=0.95, seed=7)
MODELS, TABLE, SUPPORT, VALUES, FIGURE = "models", "ranking.csv", "support.csv", "proxies.parquet", "ranking.svg"
FITTED = "fitted.csv"
#: of a manifest -> its column
ACCOUNT = {
    "traces": "traces",
    "dropped": "dropped",
    "tokens_scored": "tokens scored",
    "tokens_windowed": "before the window",
    "tokens_truncated": "cut off",
    "boundary_moves": "boundary moves",
}
NAMES = {
    compare.WINNER: "top-1, inverse frequency",
    compare.PER_TOKEN: "nats per token",
    compare.PER_BYTE: "bits per byte",
}


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

    def summary(self) -> str:
        """The result as text for a terminal."""
        found = self.comparison
        left = f"; {found.left_out} left out because not every model can be asked about them" if found.left_out else ""
        parts = [account_table(self).to_string(index=False), "", f"{found.used} traces under every model{left}", ""]
        parts += [table(found).to_string(index=False)]
        parts += ["", support_table(found).to_string(index=False), compare.CAVEAT]
        if self.fitted is not None:
            parts += [
                "",
                fitted_table(self.fitted).to_string(index=False),
                "",
                errors_table(self.fitted).to_string(index=False),
            ]
        return "\n".join([*parts, "", str(self.folder)])


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
        accounts.append({"model": name} | {key: done.facts[key] for key in ACCOUNT})
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


def _shown(row: pd.Series, column: str) -> str:
    return words.with_interval([row[column], row[f"{column} low"], row[f"{column} high"]])


def table(found: Comparison) -> pd.DataFrame:
    """A row per model, best first."""
    shown = found.table[["rank", "model"]].copy()
    for column, name in NAMES.items():
        shown[name] = [_shown(row, column) for _, row in found.table.iterrows()]
    return shown


def support_table(found: Comparison) -> pd.DataFrame:
    """Neighbours in the order, and how many resamples of the traces keep them so."""
    order = list(found.table["model"])
    pairs = found.support.set_index(["better", "worse"])["support"]
    rows = [(a, b, f"{100 * pairs[a, b]:.0f} %") for a, b in zip(order, order[1:], strict=False)]
    return pd.DataFrame(rows, columns=["better by the proxy", "than", "support"])


def account_table(ranked: Ranked) -> pd.DataFrame:
    """What became of every model's traces; a boundary moves where prompt and solution as one text would be cut elsewhere."""
    return ranked.accounts.rename(columns=ACCOUNT)


def fitted_table(fitted: Fitted) -> pd.DataFrame:
    """The order of the fitted ranker; models without a known score are forecasts."""
    known = ["forecast" if pd.isna(value) else f"{value:.3g}" for value in fitted.order["score"]]
    return fitted.order[["rank", "model"]].assign(**{"known score": known})


def errors_table(fitted: Fitted) -> pd.DataFrame:
    """Pairs with a left-out model that each signal orders wrongly, in percent."""
    rows = [
        (NAMES.get(name, name), words.with_interval(ends, 100))
        for name, *ends in fitted.errors[["signal", "estimate", "low", "high"]].itertuples(index=False)
    ]
    return pd.DataFrame(rows, columns=["signal", "wrong pairs, %"])


def verdict(ranked: Ranked) -> str:
    """The page's first sentences; they turn with the numbers."""
    found = ranked.comparison
    first, second = found.table["model"].iloc[:2]
    best = found.support.set_index(["better", "worse"])["support"][first, second]
    sure = int((found.support["support"] >= 0.95).sum())
    text = (
        f"By the proxy, {first} stands first; {100 * best:.0f} % of resampled traces keep it before {second}, and "
        f"{sure} of {len(found.support)} pairs keep their order in at least 95 %."
    )
    if ranked.fitted is None:
        return text
    errors = ranked.fitted.errors.set_index("signal")
    told = {name: words.with_interval(errors.loc[name, ["estimate", "low", "high"]], 100) for name in errors.index}
    return (
        f"{text} Against known scores it orders {told[compare.WINNER]} % of the pairs wrongly; a ranker fitted to the other "
        f"models, {told['fitted ranker']} %; bits per byte, {told[compare.PER_BYTE]} %."
    )


def finding(ranked: Ranked) -> str:
    """The figure's title."""
    first = ranked.comparison.table.iloc[0]
    return f"{first['model']} gives the expert's rarer tokens the first place most often: {first[compare.WINNER]:.2f}"


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
