"""Your own models over your own traces: the fixed winner's order, its support, and a ranker where scores are known.

Nothing is chosen from the user's data: the proxy that ranks was named in advance (`proxies.NAMED_WINNERS`). What the
bootstrap over traces supports is the order *by the proxy*; how well that order follows any benchmark is another question,
which known scores alone can answer.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.ranking import panel, rankers
from proxylib.stats import Bootstrap, Drawn, Interval
from proxylib.studies.your_models import apart, prose
from proxylib.studies.your_models.drawing import per_problem, resampled
from proxylib.text import warn

WINNER = proxies.name(*proxies.NAMED_WINNERS["model selection"])
PER_TOKEN, PER_BYTE, RBRIDGE = "cross_entropy|uniform", "bits_per_byte", "rbridge"
#: what a table shows beside the eighty, and +1 where more is better
SHOWN = {WINNER: +1, PER_TOKEN: -1, PER_BYTE: -1}
LEAST_MODELS = 5  # with known scores, below which nothing is fitted
COST = 1.0  # of the ranking machine: too few models to choose it


class Measured(NamedTuple):
    """One model's rows, and the vocabulary that its ranks run over."""

    tokens: pd.DataFrame
    vocabulary: int


class Comparison(NamedTuple):
    """What `compare` finds.

    values : [models, proxies] the eighty, bits per byte, and rBridge where the expert's probabilities are known
    table : model, rank, and estimate, low, high of the fixed winner, per-token and per-byte loss, loss on prose if asked for
    support : better, worse (models), share of draws that keep the order
    by_trace : per model and trace the columns of `SHOWN`
    used, left_out : numbers of traces
    problems : that the traces used are about
    pairs : see `apart.pairs`; None for what was recorded without
    """

    values: pd.DataFrame
    table: pd.DataFrame
    support: pd.DataFrame
    by_trace: pd.DataFrame
    used: int
    left_out: int
    problems: int
    pairs: pd.DataFrame | None = None


def compare(
    measured: Mapping[str, Measured],
    texts: pd.Series,
    bootstrap: Bootstrap,
    expert: pd.DataFrame | None = None,
    problems: Mapping[tuple[str, str], str] | None = None,
) -> Comparison:
    """Proxies of every model over the traces that all of them can be asked about.

    Parameters
    ----------
    measured : name of a model -> its rows; at least two
    texts : solutions, indexed by (task, id)
    bootstrap : bootstrap over problems, drawn within each task
    expert : token rows of the experts' own probabilities, see `reading.Reading`
    problems : (task, id) -> the problem of a trace; every trace one of its own by default

    Raises
    ------
    UserError
        For fewer than two models, or a task with fewer than two problems: nothing can be drawn.

    Notes
    -----
    Problems are drawn with all of their traces, in every task where they occur; a problem counts as much as any other in its
    task, however many solutions it has. A trace that one model drops or scores on fewer than 8 tokens is left out for all:
    means over different items are no comparison. A window counted in tokens covers different text under different tokenizers.
    Where a proxy weighs by frequency, the frequencies stay those of all traces when problems are resampled. A task counts as
    much as any other.
    """
    if len(measured) < 2:
        raise UserError(f"ranking: at least 2 models are needed, found {len(measured)}")
    keys = [set(zip(rows.tokens["task"], rows.tokens["id"], strict=True)) for rows in measured.values()]
    short = set().union(*(proxies.short_traces(rows.tokens) for rows in measured.values()))
    common = set.intersection(*keys) - short
    if len(common) < 2:
        raise UserError(f"ranking: only {len(common)} traces have {proxies.LEAST_TOKENS} scored tokens under every model")
    solved = {key: key if problems is None else problems[key] for key in common}
    traces, rows = [], {}
    for model, (tokens, vocabulary) in measured.items():
        kept = tokens[[key in common for key in zip(tokens["task"], tokens["id"], strict=True)]]
        values = proxies.by_trace(kept, vocabulary).values
        values[PER_BYTE] = _bits_per_byte(kept)
        traces.append(values[list(SHOWN)].assign(model=model).reset_index())
        rows[model] = per_problem(values, solved).groupby(level="task", sort=False).mean().mean()
        if expert is not None:
            rows[model][RBRIDGE] = proxies.rbridge(kept, expert, texts).mean()
    by_trace = pd.concat(traces, ignore_index=True)
    drawn = {column: resampled(by_trace, column, solved, bootstrap) for column in SHOWN}
    table = _table(drawn, list(measured))
    union, count = set.union(*keys), len(set(solved.values()))
    return Comparison(
        pd.DataFrame(rows).T.rename_axis("model"),
        table,
        _support(drawn[WINNER], table),
        by_trace,
        len(common),
        len(union - common),
        count,
        apart.pairs(drawn[WINNER], list(table["model"]), SHOWN[WINNER], count),
    )


def beside(comparison: Comparison, loss: pd.DataFrame) -> Comparison:
    """The same with loss on prose in `values` and `table`; the order stays the proxy's.

    Parameters
    ----------
    loss : as from `prose.loss`
    """
    by_model = loss.set_index("model")
    ends = {"estimate": prose.LOSS, "low": f"{prose.LOSS} low", "high": f"{prose.LOSS} high"}
    values = comparison.values.assign(**{prose.LOSS: by_model["estimate"]})
    return comparison._replace(values=values, table=comparison.table.join(by_model.rename(columns=ends), on="model"))


def _bits_per_byte(tokens: pd.DataFrame) -> pd.Series:
    """Of each trace: nats over bytes, in bits."""
    sums = tokens.assign(nll=tokens["nll"].astype(float)).groupby(["task", "id"], sort=False)[["nll", "n_bytes"]].sum()
    return sums["nll"] / np.log(2) / sums["n_bytes"]


def _table(drawn: Mapping[str, Mapping[str, Drawn]], models: list[str]) -> pd.DataFrame:
    table = pd.DataFrame({"model": models})
    score = pd.Series([SHOWN[WINNER] * drawn[WINNER][model].estimate for model in models])
    table["rank"] = (-score).rank(method="min").astype(int)
    for column, values in drawn.items():
        table[[column, f"{column} low", f"{column} high"]] = np.array([values[model].interval() for model in models])
    return table.sort_values("rank", kind="stable", ignore_index=True)


def _support(drawn: Mapping[str, Drawn], table: pd.DataFrame) -> pd.DataFrame:
    """Every pair, the better by the proxy first; a tie in a draw counts half."""
    order, rows = list(table["model"]), []
    for place, better in enumerate(order):
        for worse in order[place + 1 :]:
            gap = SHOWN[WINNER] * drawn[better].minus(drawn[worse]).draws
            rows.append((better, worse, float(np.mean((gap > 0) + 0.5 * (gap == 0)))))
    return pd.DataFrame(rows, columns=["better", "worse", "support"])


def read_scores(path: Path, models: list[str]) -> pd.Series:
    """Known scores: a CSV file with the columns model and score.

    Returns
    -------
    score by model, for those of `models` that the file names; more is better

    Raises
    ------
    UserError
        Naming file and line of a missing column, a score that is no finite number, or a model that occurs twice; or where
        fewer than `LEAST_MODELS` of the models have a score, or all the same.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in ("model", "score") if name not in (reader.fieldnames or [])]
            if missing:
                raise UserError(f"{path}: column {missing[0]} is missing; the first line must name model and score")
            scores: dict[str, float] = {}
            for row in reader:
                place = f"{path}, line {reader.line_num}"
                try:
                    value = float(row["score"])
                except (TypeError, ValueError):
                    raise UserError(f"{place}: score is {row['score']!r}, expected a number") from None
                if not np.isfinite(value):
                    raise UserError(f"{place}: score is {value}; leave the line away")
                if row["model"] in scores:
                    raise UserError(f"{place}: model {row['model']} occurs twice")
                scores[row["model"]] = value
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save the file as UTF-8") from None
    known = {model: scores[model] for model in models if model in scores}
    if len(known) < LEAST_MODELS:
        raise UserError(
            f"{path}: {len(known)} of {len(models)} models have a score, at least {LEAST_MODELS} are needed; models are called "
            f"{', '.join(models)}"
        )
    if len(set(known.values())) == 1:
        raise UserError(f"{path}: every score is {next(iter(known.values()))}; nothing can be fitted, leave the file away")
    strange = [model for model in scores if model not in models]
    if strange:
        warn(f"{path}: not among the models: {', '.join(strange[:5])}{', ...' * (len(strange) > 5)}")
    return pd.Series(known)


class Fitted(NamedTuple):
    """What `fit` finds.

    order : model, score (known or NaN), fitted (of the ranker on all known models, more is better), rank
    errors : signal, estimate, low, high: share of pairs with a left-out model that are ordered wrongly
    """

    order: pd.DataFrame
    errors: pd.DataFrame


def fit(values: pd.DataFrame, scores: pd.Series, bootstrap: Bootstrap) -> Fitted:
    """A linear ranking machine on the eighty, and what it is worth: each known model left out in turn.

    Parameters
    ----------
    values : [models, proxies] as from `compare`
    scores : known scores by model, at least `LEAST_MODELS`
    bootstrap : bootstrap over models

    Notes
    -----
    The errors of the fixed winner and of losses over the same pairs stand beside it: with eighty columns and a few models,
    fitting is rarely better. Scaling is learnt without the model left out. The interval draws models, and a pair counts as
    often as both of its models together; with few it is too short.
    """
    place = {model: number for number, model in enumerate(values.index)}
    known = np.array([place[model] for model in scores.index])
    truth = scores.to_numpy(float)
    if np.ptp(truth) == 0:
        raise UserError("known scores: all are the same; nothing can be fitted")
    features = values[list(proxies.NAMES)].to_numpy(float)
    machine = rankers.LinearRankSVM((COST,))

    def scored(training: np.ndarray) -> np.ndarray:
        scaled = panel.standardise(features, training)[:, None]
        return machine.fit(scaled[training], scores.loc[values.index[training]].to_numpy(float)[:, None])(scaled)[:, 0]

    shown = SHOWN | ({prose.LOSS: -1} if prose.LOSS in values else {})
    fixed = {column: sign * values[column].to_numpy(float) for column, sign in shown.items()}
    errors = [(name, *_error(wrong, bootstrap)) for name, wrong in _left_out(scored, fixed, known, truth).items()]
    order = pd.DataFrame({"model": values.index, "score": scores.reindex(values.index).to_numpy(), "fitted": scored(known)})
    order["rank"] = (-order["fitted"]).rank(method="min").astype(int)
    return Fitted(
        order.sort_values("rank", kind="stable", ignore_index=True),
        pd.DataFrame(errors, columns=["signal", "estimate", "low", "high"]),
    )


def _left_out(
    scored: Callable[[np.ndarray], np.ndarray], fixed: Mapping[str, np.ndarray], known: np.ndarray, truth: np.ndarray
) -> dict[str, np.ndarray]:
    """Signal -> [known, known] whether it orders the model left out (row) and another (column) wrongly, half for a tie; nan
    where there is nothing to order.

    Parameters
    ----------
    scored : places of the models that a ranker is fitted on -> its scores of all
    fixed : signal that is not fitted -> its scores of all
    known : places of the models of known scores
    truth : [known] those scores
    """
    wrong = {name: np.full((len(known), len(known)), np.nan) for name in ("fitted ranker", *fixed)}
    for number, model in enumerate(known):
        rest = np.arange(len(known)) != number
        predicted = {"fitted ranker": scored(known[rest])} | fixed if np.ptp(truth[rest]) else fixed
        actual = np.sign(truth[number] - truth)
        for name, values in predicted.items():
            agrees = np.sign(values[model] - values[known]) * actual
            wrong[name][number] = np.where(actual != 0, (1 - agrees) / 2, np.nan)
    return wrong


def _error(wrong: np.ndarray, bootstrap: Bootstrap) -> Interval:
    """Mean of the defined pairs; in a draw of models, a pair counts as often as both of its models together."""
    defined = np.isfinite(wrong)
    models = bootstrap.over(np.arange(len(wrong)))
    total = lambda pairs: np.einsum("di,ij,dj->d", models.weights, pairs, models.weights)
    with np.errstate(invalid="ignore"):  # a draw of one model alone has no pair
        return models.drawn(total(np.where(defined, wrong, 0.0)) / total(defined.astype(float))).interval()
