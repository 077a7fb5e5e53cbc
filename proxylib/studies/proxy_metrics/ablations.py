"""Ablations: how much do the correlations hang on choices that could have been made otherwise?

Fixed before looking: every setting changes one thing from the default (expert traces, all of them, the whole trace, our
definitions), and is judged by proxies fixed in advance, never by the best of eighty: `FIXED`, and for definitions those of
`JUDGED` that hold what is changed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.measure.features import DEFAULT, FIXED, JUDGED, NUMBERS, SUBSETS
from proxylib.ranking.panel import usable
from proxylib.ranking.summaries import over_seeds
from proxylib.report import words
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Resampling
from proxylib.studies.proxy_metrics.settings import AnalysisSettings

WINNER = "top-1, inverse frequency"
DOMAIN_PROXIES = ("bits per byte", WINNER)  # shown in the matrices of traces and tasks
#: traces of difficulties too that nobody learnt, and over which no accuracy is taken
ALL_PROBLEMS = ("traces", "of all difficulties")
RHO, RHO_MINUS_DEFAULT = "rho", "rho minus the default's"
OWN, OTHERS, OWN_MINUS_OTHERS = "traces of the task itself", "traces of another task", "own minus another"


def fixed_scores(values: pd.DataFrame, judged: Mapping[str, str] = FIXED) -> pd.DataFrame:
    """Proxies of [models, columns of `judged`] in one task, under the names that it has for them and turned: more is better."""
    sign = {column: proxies.STATISTICS.get(column.split("|")[0], -1) for column in judged.values()}
    return pd.DataFrame({label: sign[column] * values[column] for label, column in judged.items()})


def correlations(values: pd.DataFrame, accuracy: pd.DataFrame, ranked: tuple[str, ...], bootstrap: Bootstrap) -> pd.DataFrame:
    """Mean Spearman correlation of each judged proxy in each setting, and its difference from the default's.

    Parameters
    ----------
    values : columns ablation, setting, member, task, then those of `JUDGED`, nan where not judged; "10#3" is the fourth
        choice of ten traces, over whose choices correlations are averaged
    accuracy : columns member, model, family, seed, task, estimate
    ranked : tasks of the mean
    bootstrap : bootstrap over families, the same draws in every setting and seed

    Returns
    -------
    columns ablation, setting, proxy, quantity ("rho" or "rho minus the default's"), estimate, low, high, seed_low, seed_high,
    models, families, seeds

    Notes
    -----
    A draw in which a correlation is undefined counts as 0, so that it cannot be dropped in a proxy's favour.
    """
    seeds = list(accuracy["seed"].drop_duplicates())
    first = accuracy[(accuracy["seed"] == seeds[0]) & (accuracy["task"] == ranked[0])].set_index("model")["family"]
    families = bootstrap.over(first)
    truth = accuracy.pivot(index=["seed", "model"], columns="task", values="estimate")
    values = values.join(accuracy.drop_duplicates("member").set_index("member")[["model", "seed"]], on="member")
    values = values[values["task"].isin(ranked)]
    rhos: dict[tuple[str, str, str], np.ndarray] = {}  # (ablation, setting, proxy) -> [seeds, 1 + draws]
    for (ablation, setting), part in values.groupby(["ablation", "setting"], sort=False):
        for label, rho in _by_seed(part, truth, list(first.index), families).items():
            rhos[ablation, setting, label] = rho
    for number in NUMBERS:
        for label in JUDGED:
            choices = [rhos.pop(("number of traces", f"{number}#{subset}", label)) for subset in range(SUBSETS)]
            rhos["number of traces", str(number), label] = np.mean(choices, 0)
    return _with_differences(rhos, families).assign(models=len(first), families=first.nunique(), seeds=len(seeds))


def of_all_problems(settings: pd.DataFrame) -> pd.DataFrame:
    """The defaults of a measurement, which reads traces of every difficulty, as the setting `ALL_PROBLEMS` of `FIXED`."""
    ablation, setting = DEFAULT
    default = settings[(settings["ablation"] == ablation) & (settings["setting"] == setting)]
    ablation, setting = ALL_PROBLEMS
    others = [column for column in JUDGED.values() if column not in FIXED.values()]
    return default.assign(ablation=ablation, setting=setting, **dict.fromkeys(others, np.nan))


def _by_seed(part: pd.DataFrame, truth: pd.DataFrame, models: list[str], families: Resampling) -> dict[str, np.ndarray]:
    """Proxy -> [seeds, 1 + draws] mean correlation over tasks in one setting; nan where the proxy was measured in none."""
    rhos: dict[str, dict[int, list[np.ndarray]]] = {}
    for (seed, task), rows in part.groupby(["seed", "task"], sort=False):
        y = truth.loc[seed].loc[models, task].to_numpy()
        for label, scores in fixed_scores(rows.set_index("model").loc[models], JUDGED).items():
            measured = np.isfinite(scores).all()
            rho = stats.spearman_draws(scores, y, families.weights) if measured else np.full(len(families.weights), np.nan)
            rhos.setdefault(label, {}).setdefault(seed, []).append(rho)
    stacked = {label: np.array(list(seeds.values())) for label, seeds in rhos.items()}  # [seeds, tasks, 1 + draws]
    return {label: (np.nan_to_num(rho) if np.isfinite(rho).any() else rho).mean(1) for label, rho in stacked.items()}


def _with_differences(rhos: Mapping[tuple[str, str, str], np.ndarray], families: Resampling) -> pd.DataFrame:
    """A row per proxy, setting and quantity of what is defined."""
    rows = []
    for (ablation, setting, label), rho in rhos.items():
        quantities = {RHO: rho}
        if (ablation, setting) != DEFAULT:
            quantities[RHO_MINUS_DEFAULT] = rho - rhos[(*DEFAULT, label)]
        for quantity, values in quantities.items():
            interval = over_seeds(families, values)
            if np.isfinite(interval[0]):
                rows.append((ablation, setting, label, quantity, *interval))
    columns = ["ablation", "setting", "proxy", "quantity", "estimate", "low", "high", "seed_low", "seed_high"]
    return pd.DataFrame(rows, columns=columns)


def domains(
    features: pd.DataFrame, accuracy: pd.DataFrame, ranked: tuple[str, ...], bootstrap: Bootstrap
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Traces of one task forecasting another: Spearman correlation over models, mean over seeds.

    Parameters
    ----------
    features : columns member, task, then those of `FIXED`
    accuracy, ranked, bootstrap : as for `correlations`

    Returns
    -------
    cells : columns proxy, traces (task whose traces are read), task (whose accuracy is forecast), estimate, low, high
    contrasts : columns proxy, quantity (`OWN`, `OTHERS`, `OWN_MINUS_OTHERS`; means over cells), estimate, low, high

    Notes
    -----
    A draw in which a correlation is undefined counts as 0.
    """
    truth = accuracy.pivot(index="member", columns="task", values="estimate")
    who = accuracy.drop_duplicates("member")
    seeds = [part for _, part in who.groupby("seed", sort=False)]
    families = bootstrap.over(seeds[0]["family"])
    scores = {task: fixed_scores(part.set_index("member")) for task, part in features.groupby("task", sort=False)}
    cells, contrasts = [], []
    for label in DOMAIN_PROXIES:
        grid = np.empty((len(ranked), len(ranked), len(families.weights)))
        for (i, traces), (j, task) in itertools.product(enumerate(ranked), repeat=2):
            pairs = [(scores[traces].loc[same["member"], label], truth.loc[same["member"], task]) for same in seeds]
            grid[i, j] = np.mean([stats.spearman_draws(x, y, families.weights, undefined=0.0) for x, y in pairs], 0)
            cells.append((label, traces, task, *families.drawn(grid[i, j]).interval()))
        diagonal = np.eye(len(ranked), dtype=bool)
        same, others = families.drawn(grid[diagonal].mean(0)), families.drawn(grid[~diagonal].mean(0))
        for quantity, mean in ((OWN, same), (OTHERS, others), (OWN_MINUS_OTHERS, same.minus(others))):
            contrasts.append((label, quantity, *mean.interval()))
    numbers = ["estimate", "low", "high"]
    return (
        pd.DataFrame(cells, columns=["proxy", "traces", "task", *numbers]),
        pd.DataFrame(contrasts, columns=["proxy", "quantity", *numbers]),
    )


#: row of the scoreboard -> ablation, setting, quantity and its sign: what wrong traces lose is what right ones gain; ten traces
#: are held against all of them, as a proxy without any is none
ASKED = {
    "last-part-beats-whole": ("window", "last half", RHO_MINUS_DEFAULT, 1),
    "right-traces-beat-wrong": ("traces", "wrong", RHO_MINUS_DEFAULT, -1),
    "ten-traces": ("number of traces", "10", RHO_MINUS_DEFAULT, 1),
}


def estimates(table: pd.DataFrame, contrasts: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """The scoreboard's rows about the named winner: claim, estimate, low, high, level, n, n_unit.

    Parameters
    ----------
    table : from `correlations`
    contrasts : from `domains`
    bootstrap : whose level is that of the intervals
    """
    winner = table[table["proxy"] == WINNER].set_index(["ablation", "setting", "quantity"])
    own = contrasts[(contrasts["proxy"] == WINNER) & (contrasts["quantity"] == OWN_MINUS_OTHERS)]
    rows = [("own-traces-beat-others", row.estimate, row.low, row.high) for row in own.itertuples()]
    for claim, (*key, sign) in ASKED.items():
        if tuple(key) in winner.index:
            row = winner.loc[tuple(key)]
            rows.append((claim, sign * row["estimate"], *sorted((sign * row["low"], sign * row["high"]))))
    sizes = table.iloc[0]
    unit = f"models of {sizes['families']} families, {words.counted(sizes['seeds'], 'seed')}"
    frame = pd.DataFrame(rows, columns=["claim", "estimate", "low", "high"]).astype({"claim": str})
    return frame.assign(level=bootstrap.level, n=sizes["models"], n_unit=unit)


def build(step, workspace: Workspace) -> None:
    """Every proxy under every setting, and what became of its correlation with accuracy.

    Parameters
    ----------
    step : a declared `variants` step; its parents are the population and every model's measurement
    workspace : receives the tables correlations, domains, contrasts and estimates
    """
    settings: AnalysisSettings = step.settings
    run = step.parent("population")
    accuracy = run.table("accuracy")
    kept = usable(accuracy, settings.ranked)
    if not kept:
        raise UserError("variants: there is no task on which the models of every seed differ")
    names = run.table("members")["member"]
    of_all = [step.parent(f"measure {name}").table("settings").assign(member=name) for name in names]
    values = [step.parent("reading").table("settings"), of_all_problems(pd.concat(of_all, ignore_index=True))]
    table = correlations(pd.concat(values, ignore_index=True), accuracy, kept, settings.bootstrap)
    workspace.write_table("correlations", table)
    cells, contrasts = domains(run.table("features"), accuracy, kept, settings.bootstrap)
    workspace.write_table("domains", cells)
    workspace.write_table("contrasts", contrasts)
    workspace.write_table("estimates", estimates(table, contrasts, settings.bootstrap))
