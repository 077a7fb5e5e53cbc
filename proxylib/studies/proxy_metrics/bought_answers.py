"""Is a proxy still worth having where a few answers can be bought?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib import stats
from proxylib.stats import Bootstrap

BOUGHT = (5, 10, 20, 50)  # answers per model and task in the exploratory purchase
PURCHASES = 20  # random choices of the answers
ALONE, WITH_PROXY, PROXY, GAIN = "answers", "answers and proxy", "proxy", "answers and proxy minus answers"


def bought_answers(
    proxy: pd.DataFrame, answers: pd.DataFrame, accuracy: pd.DataFrame, ranked: tuple[str, ...], bootstrap: Bootstrap
) -> pd.DataFrame:
    """A few direct answers, alone and with the named proxy: Spearman correlation with accuracy on the remaining problems.

    Parameters
    ----------
    proxy : [members, tasks] values of the named proxy
    answers : columns member, task, id, correct
    accuracy : columns member, family, seed
    ranked : tasks that enter
    bootstrap : bootstrap over families, the same draws for every purchase; its seed also chooses problems

    Returns
    -------
    columns answers (per model and task), signal (`ALONE`, `WITH_PROXY`, `PROXY`, or `GAIN`, the paired difference of the
    first two), estimate, low, high: mean over tasks, purchases and seeds

    Notes
    -----
    With a proxy, a model's accuracy is shrunk towards the least-squares line of the bought accuracies on the proxy over the
    models, by the share of the scatter about the line that is not noise, which is what is left of the answers when each
    model's and each problem's mean is taken out: empirical Bayes, no score beyond those bought. Truth is the accuracy on
    problems that were not bought, so nothing is counted twice. A correlation that a draw leaves undefined counts as 0. The
    interval is conditional on the lines.
    """
    who = accuracy.drop_duplicates("member")
    seeds = [list(part["member"]) for _, part in who.groupby("seed", sort=False)]
    families = bootstrap.over(who.set_index("member").loc[seeds[0], "family"])
    grids = {
        task: part.pivot(index="member", columns="id", values="correct").astype(float)
        for task, part in answers[answers["task"].isin(ranked)].groupby("task", sort=False)
    }
    rows = []
    for number in BOUGHT:
        rhos: dict[str, list[np.ndarray]] = {ALONE: [], WITH_PROXY: [], PROXY: []}
        for task, grid in grids.items():
            if number * 2 > grid.shape[1]:
                continue
            for purchase in range(PURCHASES):
                order = np.random.default_rng([bootstrap.seed, number, purchase]).permutation(grid.shape[1])
                for members in seeds:
                    right, x = grid.loc[members].to_numpy(), proxy.loc[members, task].to_numpy(float)
                    bought, truth = right[:, order[:number]], right[:, order[number:]].mean(1)
                    for signal, scores in zip(rhos, (bought.mean(1), shrunk(bought, x), x), strict=True):
                        rhos[signal].append(stats.spearman_draws(scores, truth, families.weights, undefined=0.0))
        if rhos[ALONE]:
            means = {signal: families.drawn(np.mean(rho, 0)) for signal, rho in rhos.items()}
            means[GAIN] = means[WITH_PROXY].minus(means[ALONE])
            rows += [(number, signal, *mean.interval()) for signal, mean in means.items()]
    return pd.DataFrame(rows, columns=["answers", "signal", "estimate", "low", "high"])


def shrunk(bought: np.ndarray, proxy: np.ndarray) -> np.ndarray:
    """Accuracies on a few problems, shrunk towards their line on a proxy (empirical Bayes, see `bought_answers`).

    Parameters
    ----------
    bought : [models, problems] 1 where the answer is right, at least two problems
    proxy : [models]
    """
    got, (models, problems) = bought.mean(1), bought.shape
    if np.ptp(proxy) == 0:
        return got
    # all models answer the same problems: a hard draw is hard for all of them and no noise between them
    rest = bought - got[:, None] - bought.mean(0) + bought.mean()
    noise = (rest**2).sum() / ((models - 1) * (problems - 1)) / problems
    line = np.polyval(np.polyfit(proxy, got, 1), proxy)
    spread = max(0.0, float(np.var(got - line, ddof=2)) - noise)
    return line + (spread / (spread + noise) if noise else 1.0) * (got - line)
