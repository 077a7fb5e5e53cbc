"""Setting 1 of the proxy-metrics paper: can proxies rank models on tasks, or of families, that they were not fitted to?

Fixed before any correlation was computed: the methods of `methods`, the three protocols, the confirmatory differences of
`CONFIRMATORY`, the nulls of fitted rankers and the strata of style; everything else is exploratory. Intervals draw families
whole, and are conditional on the fitted rankers.
The methods called "ours" were declared with the others and all are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.measure.features import BASELINES, BY_BYTE
from proxylib.ranking import baselines, nulls, protocols, rankers, single, strata, summaries
from proxylib.ranking.panel import Panel, usable
from proxylib.report import tables, words
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.proxy_metrics.bought_answers import bought_answers
from proxylib.studies.proxy_metrics.settings import RankingSettings

PROSE, PER_TOKEN, PER_BYTE = "prose loss, bits per byte", "trace loss per token", "trace loss, bits per byte"
NAMED, LINEAR, HELD_IN = "top-1, inverse frequency (named)", "linear RankSVM", "held-in score"
ORACLE = "oracle 3-sparse"
WINNER = proxies.name(*proxies.NAMED_WINNERS["model selection"])
COMPUTE, UNWEIGHTED = "training compute", "top-1, unweighted"
#: what methods are compared with, paired; the last two joined them after results had been seen, so that is exploratory
COMPARED = (PROSE, PER_BYTE, PER_TOKEN, HELD_IN, COMPUTE, NAMED, UNWEIGHTED)
#: methods of which notes on the paper report a mean Spearman correlation; the values stand in the table of claims
OF_THE_PAPER = ("prose loss per token", "rBridge", "univariate", "3-sparse", "RBF RankSVM", LINEAR, ORACLE)
#: fixed in advance: (method, protocol, baseline)
CONFIRMATORY = (
    (NAMED, "leave-tasks-out", PROSE),
    (NAMED, "leave-tasks-out", PER_BYTE),
    (LINEAR, "leave-tasks-out", PROSE),
    (LINEAR, "leave-tasks-out", HELD_IN),
    (LINEAR, "leave-family-out", PER_BYTE),
)
#: differences that others claim: (method, protocol, baseline)
CLAIMED = (
    (LINEAR, "leave-tasks-out", COMPUTE),
    ("rBridge", "leave-tasks-out", PROSE),
    (NAMED, "leave-tasks-out", UNWEIGHTED),
)
#: what was chosen, and what was shuffled: columns of the null
BEST, BEST_WHOLE = "best of eighty, models shuffled", "best of eighty, families shuffled whole"
CHOSEN = "univariate on unseen tasks, models shuffled"
CHOSEN_WHOLE = "univariate on unseen tasks, families shuffled whole"
#: methods that learn an order from accuracies, whose null is not zero
FITTED = ("univariate", "3-sparse", LINEAR, "RBF RankSVM", "low-rank RankSVM", "linear RankSVM, by byte")
#: what is held fixed beside pooled correlations: share of the expert's style in what a model's mix works out
TRAIT, STRATIFIED = "style_share", (protocols.FAMILY_OUT, protocols.TASKS_OUT)
#: asked about an architecture that was not seen under any tokenizer, too
ON_ARCHITECTURES = (PER_BYTE, PER_TOKEN, PROSE, NAMED, UNWEIGHTED, "univariate", LINEAR)
OURS = ("mean of the eighty", "mean of the eighty, by byte", "low-rank RankSVM", "linear RankSVM, by byte")
SIGNS = tuple(proxies.STATISTICS[name.split("|")[0]] for name in proxies.NAMES)


def panels(features: pd.DataFrame, accuracy: pd.DataFrame, ranked: tuple[str, ...], columns: list[str]) -> list[Panel]:
    """One panel per training seed, models in the same order.

    Parameters
    ----------
    features : columns task, member and `columns`
    accuracy : columns member, model, family, seed, task, estimate
    ranked : tasks that enter
    columns : features of the panel
    """
    by_seed = []
    for _, part in accuracy[accuracy["task"].isin(ranked)].groupby("seed", sort=False):
        who = part.drop_duplicates("member")
        members = list(who["member"])
        truth = part.pivot(index="member", columns="task", values="estimate").loc[members, list(ranked)]
        indexed = features.set_index(["member", "task"])[columns]
        values = np.stack([indexed.xs(task, level="task").loc[members].to_numpy(float) for task in ranked], axis=1)
        by_seed.append(
            Panel(list(who["model"]), who["family"].to_numpy(), list(ranked), values, columns, truth.to_numpy(float))
        )
    return by_seed


def _without_choice(plain: Panel, eighty: Panel) -> dict[str, tuple[Panel, rankers.Ranker]]:
    """Methods that fit nothing: method -> panel and ranker."""
    fixed = lambda name: (plain, rankers.Fixed(list(BASELINES).index(name), BASELINES[name]))
    alone = lambda name: (eighty, rankers.Fixed(eighty.names.index(name), SIGNS[eighty.names.index(name)]))
    return {
        PROSE: fixed("prose_bits_per_byte"),
        "prose loss per token": fixed("prose_nll"),
        PER_TOKEN: alone("cross_entropy|uniform"),
        PER_BYTE: fixed("bits_per_byte"),
        "parameters": fixed("parameters"),
        COMPUTE: fixed("compute"),
        "rBridge": fixed("rbridge"),
        "rank-surprisal ratio": fixed("rank_surprisal_ratio"),
        NAMED: alone(WINNER),
        UNWEIGHTED: alone("top1|uniform"),
    }


def methods(plain: Panel, eighty: Panel, by_byte: Panel) -> dict[str, tuple[Panel, rankers.Ranker]]:
    """Every method that ranks by features: method -> panel and ranker."""
    return _without_choice(plain, eighty) | {
        "univariate": (eighty, rankers.Univariate()),
        "3-sparse": (eighty, rankers.SparseLinear(3)),
        LINEAR: (eighty, rankers.LinearRankSVM()),
        "RBF RankSVM": (eighty, rankers.KernelRankSVM()),
        "mean of the eighty": (eighty, rankers.RankAverage(SIGNS)),
        "mean of the eighty, by byte": (by_byte, rankers.RankAverage(SIGNS)),
        "low-rank RankSVM": (eighty, rankers.LowRank()),
        "linear RankSVM, by byte": (by_byte, rankers.LinearRankSVM()),
    }


def predictions(
    plain: Panel,
    eighty: Panel,
    by_byte: Panel,
    ways: Sequence[Callable[..., pd.DataFrame]] = (
        protocols.leave_tasks_out,
        protocols.leave_family_out,
        protocols.leave_both_out,
    ),
) -> dict[str, pd.DataFrame]:
    """Every method under the protocols `ways`, for one seed: method -> frame as from `ranking.leave_tasks_out`.

    Notes
    -----
    The held-in score and the first principal component need the model's scores on other tasks, so they have no prediction for
    an unseen family; the observational regression has one only with those scores, which makes it a dearer signal. The oracle
    chooses with the scores it is judged by.
    """
    by_method = {}
    for name, (panel, ranker) in methods(plain, eighty, by_byte).items():
        by_method[name] = pd.concat([protocol(panel, ranker) for protocol in ways], ignore_index=True)
    by_method[ORACLE] = oracle(eighty)
    by_method[HELD_IN] = baselines.held_in_score(eighty)
    by_method["first component of held-in scores"] = baselines.principal_component(eighty)
    by_method["regression on other tasks' scores"] = baselines.observational_scaling(eighty)
    return by_method


def oracle(eighty: Panel) -> pd.DataFrame:
    """Predictions of the three proxies that are chosen with the scores that they are judged by."""
    return protocols.leave_tasks_out(eighty, rankers.SparseLinear(3), oracle=True)


def build(step, workspace: Workspace) -> None:
    """Every method under every protocol, what chance would give, and what the eighty share.

    Parameters
    ----------
    step : a declared `ranking` step; its parent is the pooled population
    workspace : receives the tables summary, fitted_nulls (see `nulls.FittedNulls`), strata (see `strata.given_trait`), ranks
        (mean held-out rank of each model by the linear ranker, beside its own), architectures, heat, null, stability,
        components, redundancy, bought and estimates
    """
    settings: RankingSettings = step.settings
    bootstrap, run = settings.bootstrap, step.parent("population")
    features, accuracy = run.table("features"), run.table("accuracy")
    kept = usable(accuracy, settings.ranked)
    if len(kept) < 4:  # two are held out, and of the others one at a time chooses the cost of a ranking SVM
        raise UserError(f"ranking: at least 4 tasks on which models differ are needed, found {len(kept)}")
    by_columns = [
        panels(features, accuracy, kept, columns) for columns in (list(BASELINES), list(proxies.NAMES), names_by_byte())
    ]
    eighty = by_columns[1]
    per_seed = [predictions(*trio) for trio in zip(*by_columns, strict=True)]
    by_method = {name: [methods[name] for methods in per_seed] for name in per_seed[0]}
    summary = summaries.summary(eighty, by_method, bootstrap, baselines=COMPARED)
    empty = fitted_nulls(list(zip(*by_columns, strict=True)), few(bootstrap), settings.null_repeats)
    gaps = nulls.minus_null(eighty, by_method, empty, few(bootstrap))
    summary = pd.concat([summary, gaps], ignore_index=True)
    workspace.write_table("summary", summary)
    workspace.write_table("fitted_nulls", empty.table)
    shares = traits(run.table("members"), accuracy, kept)
    workspace.write_table("strata", strata.given_trait(eighty, by_method, shares, STRATIFIED, few(bootstrap)))
    workspace.write_table("architectures", on_architectures(list(zip(*by_columns, strict=True)), bootstrap))
    workspace.write_table("ranks", ranks(eighty, by_method[LINEAR]))
    workspace.write_table("heat", single.univariate_grid(eighty, SIGNS, bootstrap))
    workspace.write_table("null", null(eighty, few(bootstrap)))
    choices = [
        single.stability(panel, ranker).assign(seed_index=index, method=name)
        for name, ranker in (("univariate", rankers.Univariate()), ("3-sparse", rankers.SparseLinear(3)))
        for index, panel in enumerate(eighty)
    ]
    workspace.write_table("stability", pd.concat(choices, ignore_index=True))
    shared = single.feature_correlation(eighty)
    workspace.write_table("redundancy", shared.correlation.reset_index(names="feature"))
    components = pd.DataFrame(shared.components.items(), columns=["share", "components"])
    workspace.write_table("components", components)
    named = features.pivot(index="member", columns="task", values=WINNER)
    workspace.write_table("bought", bought_answers(named, run.table("answers"), accuracy, kept, few(bootstrap)))
    workspace.write_table("estimates", against_nulls(estimates(summary, bootstrap), gaps, empty.table))
    workspace.note(tasks=list(kept), left_out=[task for task in settings.ranked if task not in kept])


def on_architectures(by_seed: list[tuple[Panel, Panel, Panel]], bootstrap: Bootstrap) -> pd.DataFrame:
    """Rankers on an architecture that they have seen under no tokenizer; intervals draw architectures, not families.

    Returns
    -------
    as from `summaries.summary`, protocol leave-family-out, for `ON_ARCHITECTURES`

    Notes
    -----
    A family is an architecture with a tokenizer, so that an unseen one leaves its sister among those that were fitted to.
    """
    by_method: dict[str, list[pd.DataFrame]] = {name: [] for name in ON_ARCHITECTURES}
    wider = [architectures(trio) for trio in by_seed]
    for whole in wider:
        asked = methods(*whole)
        for name, scores in by_method.items():
            scores.append(protocols.leave_family_out(*asked[name]))
    return summaries.summary([whole[1] for whole in wider], by_method, bootstrap, baselines=(PER_BYTE, NAMED))


def architectures(trio: tuple[Panel, Panel, Panel]) -> tuple[Panel, Panel, Panel]:
    """The same panels, whose families are architectures with all of their tokenizers."""
    whole = lambda panel: replace(panel, families=np.array([name.rsplit("-", 1)[0] for name in panel.families]))
    return whole(trio[0]), whole(trio[1]), whole(trio[2])


def few(bootstrap: Bootstrap) -> Bootstrap:
    """The same with at most 1,000 draws, for what is dear to draw."""
    return bootstrap.model_copy(update={"draws": min(1000, bootstrap.draws)})


def fitted_nulls(by_seed: list[tuple[Panel, Panel, Panel]], bootstrap: Bootstrap, repeats: int) -> nulls.FittedNulls:
    """The nulls of `FITTED`; `by_seed` holds what `methods` is given."""
    each = [methods(*trio) for trio in by_seed]
    fits = {name: ([panels[name][0] for panels in each], each[0][name][1]) for name in FITTED}
    return nulls.fitted_nulls(fits, bootstrap, repeats)


def traits(members: pd.DataFrame, accuracy: pd.DataFrame, ranked: tuple[str, ...]) -> list[np.ndarray]:
    """The style's share of every model, one array per panel of `panels`; nan where a mix works nothing out."""
    shares = members.set_index("member").reindex(columns=[TRAIT])[TRAIT]
    who = accuracy[accuracy["task"].isin(ranked)].drop_duplicates("member")
    return [shares.loc[part["member"]].to_numpy(float) for _, part in who.groupby("seed", sort=False)]


def null(eighty: list[Panel], bootstrap: Bootstrap) -> pd.DataFrame:
    """What choosing scores by chance: a row per permutation, a column per choice and way to permute (see `nulls`)."""
    draws, seed = bootstrap.draws, bootstrap.seed
    return pd.DataFrame(
        {
            BEST: nulls.best_of_null(eighty, draws, seed),
            BEST_WHOLE: nulls.best_of_null(eighty, draws, seed, families_whole=True),
            CHOSEN: nulls.choice_null(eighty, draws, seed),
            CHOSEN_WHOLE: nulls.choice_null(eighty, draws, seed, families_whole=True),
        }
    )


def names_by_byte() -> list[str]:
    """Columns of the eighty with tokens spread over their bytes, in the order of `proxies.NAMES`."""
    return [BY_BYTE + name for name in proxies.NAMES]


def ranks(eighty: list[Panel], linear: list[pd.DataFrame]) -> pd.DataFrame:
    """Rank of each model by the linear ranker when a task is held out, beside its rank by accuracy; 1 is best.

    Returns
    -------
    columns seed_index, task, model, family, predicted (mean over the folds that hold the task out), actual
    """
    rows = []
    for index, (panel, scores) in enumerate(zip(eighty, linear, strict=True)):
        held_out = scores[scores["protocol"] == "leave-tasks-out"]
        placed = held_out.assign(rank=held_out.groupby(["fold", "task"])["score"].rank(ascending=False))
        mean = placed.groupby(["task", "model"])["rank"].mean()
        for t, task in enumerate(panel.tasks):
            actual = pd.Series(panel.accuracy[:, t], index=panel.models).rank(ascending=False)
            for model, family in zip(panel.models, panel.families, strict=True):
                rows.append((index, task, model, family, mean[task, model], actual[model]))
    return pd.DataFrame(rows, columns=["seed_index", "task", "model", "family", "predicted", "actual"])


def estimates(summary: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """The paper's correlations under its protocol, an unseen family, and differences; see `ranking_claims` for what decides."""
    rows = []
    for claim, (method, protocol, baseline) in asked().items():
        quantity = summaries.RHO if baseline is None else summaries.DIFFERENCE.format(baseline)
        for row in tables.rows(summary, method=method, protocol=protocol, quantity=quantity).dropna(subset="low").itertuples():
            unit = f"models of {row.families} families, {words.counted(row.seeds, 'seed')}"
            rows.append((claim, row.estimate, row.low, row.high, bootstrap.level, row.models, unit))
    columns = ["claim", "estimate", "low", "high", "level", "n", "n_unit"]
    return pd.DataFrame(rows, columns=columns).astype({"claim": str, "n_unit": str})


def asked() -> dict[str, tuple[str, str, str | None]]:
    """Row of `estimates` -> method, protocol, and what it is compared with, if anything."""
    under = lambda method: protocols.ORACLE if method == ORACLE else protocols.TASKS_OUT
    rows = {f"setting-1 {method}": (method, under(method), None) for method in OF_THE_PAPER}
    rows |= {f"{one} minus {other}, {protocol}": (one, protocol, other) for one, protocol, other in (*CONFIRMATORY, *CLAIMED)}
    return rows | {f"{LINEAR}, {protocols.FAMILY_OUT}": (LINEAR, protocols.FAMILY_OUT, None)}


def against_nulls(table: pd.DataFrame, gaps: pd.DataFrame, fitted: pd.DataFrame) -> pd.DataFrame:
    """The scoreboard's rows with the null of each, and the interval that decides.

    Parameters
    ----------
    table : as from `estimates`
    gaps : as from `nulls.minus_null`
    fitted : the table of `nulls.FittedNulls`

    Returns
    -------
    `table` with low_given and high_given (its interval, conditional on the fits), low and high, null, null_mean and null_high
    (see `nulls.bars`), and minus_null, minus_null_low and minus_null_high (the paired difference from the null's mean). Rows
    of what fits nothing, and differences, have the null of the claim (nan) and one interval.

    Notes
    -----
    Intervals given the fits know nothing of what fitting to other models would change. What it changes where there is no
    signal is seen from repeat to repeat of the null, so its bar above its mean is added to either side, in quadrature.
    """
    claims = {f"setting-1 {method}": (method, protocols.TASKS_OUT) for method in FITTED}
    claims |= {f"{method}, {protocols.FAMILY_OUT}": (method, protocols.FAMILY_OUT) for method in FITTED}
    keys = ["method", "protocol"]
    ends = {"estimate": "minus_null", "low": "minus_null_low", "high": "minus_null_high"}
    known = gaps.rename(columns=ends)[[*keys, *ends.values()]].merge(nulls.bars(fitted), on=keys)
    named = pd.DataFrame([(claim, *key) for claim, key in claims.items()], columns=["claim", *keys])
    rows = table.merge(named.merge(known, on=keys).drop(columns=[*keys, "repeats"]), on="claim", how="left")
    spread = rows["null_high"] - rows["null_mean"]  # nan where there is no null
    reach = lambda end: np.hypot(rows["estimate"] - rows[end], spread)
    decides = {
        "low": (rows["estimate"] - reach("low")).clip(lower=-1),
        "high": (rows["estimate"] + reach("high")).clip(upper=1),
    }
    decides = {end: values.fillna(rows[end]) for end, values in decides.items()}
    return rows.assign(low_given=rows["low"], high_given=rows["high"], null=rows["null_mean"], **decides)
