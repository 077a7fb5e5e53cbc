"""What published votes say of models, judges and likings, and how many votes are needed. No row of them enters the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from proxylib.data.published import judgments, obs_scaling
from proxylib.data.published.judgments import HUMAN, PANDALM, TIE
from proxylib.judging import orders, preferences
from proxylib.judging.preferences import Ratings
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap, Interval
from proxylib.studies.preferences import benchmarks, campaigns, likings
from proxylib.studies.preferences.likings import CLAIMS, POINTS, SPLIT

MT_BENCH, PANDALM_SET = "MT-Bench", "PandaLM"


def rated(votes: pd.DataFrame, level: float) -> dict[str, Ratings]:
    """Kind of voter -> ratings of MT-Bench's models."""
    return {kind: preferences.fit(part, level) for kind, part in votes.groupby("kind", sort=False)}


def tables_of(ratings: Mapping[str, Ratings]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`ratings` and `orders` of every kind of voter under each other; an order names the model that people, or it, prefer."""
    rated_rows = [orders.table(each).assign(kind=kind) for kind, each in ratings.items()]
    ordered = [orders.orders(each).assign(kind=kind) for kind, each in ratings.items()]
    return pd.concat(rated_rows, ignore_index=True), pd.concat(ordered, ignore_index=True)


def against(rows: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """What two kinds of voters settle.

    Returns
    -------
    pd.DataFrame
        statistic, n: orders; settled by the first, by the second, by both; contradicted (settled by both, in two ways)
    """
    keyed = {
        kind: rows[rows["kind"] == kind].assign(
            pair=[" ".join(sorted(pair)) for pair in rows.loc[rows["kind"] == kind, ["better", "worse"]].to_numpy()]
        )
        for kind in (first, second)
    }
    both = keyed[first].merge(keyed[second], on="pair", suffixes=("", " other"), validate="1:1")
    together = both["settled"] & both["settled other"]
    counts = {
        "orders": len(both),
        f"settled by {first}": both["settled"].sum(),
        f"settled by {second}": both["settled other"].sum(),
        "settled by both": together.sum(),
        "contradicted": (together & both["better"].ne(both["better other"])).sum(),
    }
    return pd.DataFrame({"statistic": list(counts), "n": [int(count) for count in counts.values()]})


def treatments(votes: pd.DataFrame, level: float) -> pd.DataFrame:
    """Ratings under three treatments of ties: half a win, dropped, Davidson's parameter; in points against the mean.

    Returns
    -------
    pd.DataFrame
        model, half, dropped, davidson
    """
    half, dropped = (preferences.fit(rows, level) for rows in (votes, votes[votes["points"] != POINTS[TIE]]))
    values = {"half": half.strengths, "dropped": dropped.strengths, "davidson": davidson(half)}
    return pd.DataFrame({"model": half.models} | {name: orders.POINTS * each for name, each in values.items()})


def davidson(ratings: Ratings) -> np.ndarray:
    """[K] strengths of Davidson's model (1970), as Poisson counts of wins, ties and losses with a level for every pair."""
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    pairs, models = ratings.pairs, len(ratings.models)
    rows, counts = [], []
    for number, pair in enumerate(pairs.itertuples()):
        for count, mine in ((pair.won, 1.0), (pair.tied, 0.5), (pair.lost, 0.0)):
            row = np.zeros(models + 1 + len(pairs))
            row[pair.first], row[pair.second] = mine, 1 - mine
            row[models], row[models + 1 + number] = mine == 0.5, 1
            rows.append(row)
            counts.append(count)
    fitted = GLM(np.array(counts, float), np.array(rows)[:, 1:], family=Poisson()).fit()
    strengths = np.r_[0.0, fitted.params[: models - 1]]
    return strengths - strengths.mean()


def build(step: Any, workspace: Workspace) -> None:
    """Builder of the run.

    Parameters
    ----------
    step : its settings are a `Bootstrap`
    workspace : receives `ratings`, `orders`, `against`, `ties` (MT-Bench); `campaigns`, `reliability`, `power`, `costs`;
        `traits`, `pointed` (PandaLM); `benchmarks`; `estimates`

    Raises
    ------
    UserError
        If a published set is not at hand.
    """
    bootstrap: Bootstrap = step.settings
    level = bootstrap.level
    bench = judgments.mt_bench().assign(points=lambda rows: rows["vote"].map(POINTS))
    people = bench[bench["kind"] == HUMAN].reset_index(drop=True)
    ratings = rated(bench, level)
    rated_rows, ordered = tables_of(ratings)
    mine = ordered[ordered["kind"] == HUMAN].reset_index(drop=True)
    degrees = int(ratings[HUMAN].degrees)
    mine = mine.assign(alone=campaigns.from_nothing(mine, degrees, level))
    order = rated_rows.loc[rated_rows["kind"] == HUMAN, "model"].tolist()
    pairs = campaigns.alike(people, level, bootstrap.seed)
    reliability = campaigns.curve(pairs, level)
    typical = float(mine["design"].median())
    rows = likings.votes_of(judgments.pandalm_answers(), judgments.pandalm())
    traits = likings.effects(rows, level)
    pointed = pd.DataFrame(
        [
            (name, *interval, count)
            for name, split in SPLIT.items()
            for interval, count in [likings.pointed(rows, PANDALM, split, bootstrap, level)]
        ],
        columns=["split", "estimate", "low", "high", "verdicts"],
    )
    known = benchmarks.gaps(obs_scaling.base_models(), level)
    caught = benchmarks.caught(rows[rows["kind"] == HUMAN], known, bootstrap)
    tables = {
        "ratings": rated_rows,
        "orders": ordered.merge(mine[["better", "worse", "kind", "alone"]], on=["better", "worse", "kind"], how="left"),
        "against": against(ordered, HUMAN, judgments.GPT4),
        "ties": treatments(people, level),
        "campaigns": pairs,
        "reliability": reliability,
        "power": campaigns.power(people, mine, level, bootstrap.seed),
        "costs": pd.DataFrame(campaigns.costs(typical, degrees, level)),
        "traits": traits,
        "pointed": pointed,
        "benchmarks": caught[0],
        "estimates": estimates(
            reliability, (campaigns.needed(mine, order, level), len(order) - 1), traits, pointed, caught, level
        ),
    }
    for name, table in tables.items():
        workspace.write_table(name, table)
    workspace.note(
        level=level,
        draws=bootstrap.draws,
        votes=len(people),
        judges=int(people["judge"].nunique()),
        questions=int(people["question"].nunique()),
        ties=float((people["points"] == POINTS[TIE]).mean()),
        design=typical,
        campaigns=campaigns.CAMPAIGNS,
        tests=campaigns.TESTS,
    )


def estimates(
    reliability: pd.DataFrame,
    needed: tuple[Interval, int],
    traits: pd.DataFrame,
    pointed: pd.DataFrame,
    caught: tuple[pd.DataFrame, Interval, Interval],
    level: float,
) -> pd.DataFrame:
    """What the scoreboard reads: claim, estimate, low, high, low_given, high_given, level, n, n_unit."""
    claimed = reliability[reliability["votes"] == campaigns.CLAIMED]
    worst = claimed.loc[claimed["estimate"].idxmin()]
    models, split = len(benchmarks.BASES), pointed.iloc[0]  # the first split is the declared one
    alike = int(caught[0]["alike"].sum())
    rows = [
        _line("stack-preferences-rank", Interval(worst["estimate"], worst["low"], worst["high"]), 6, "models"),
        _line("stack-preference-cost", campaigns.round_cost(), 2, "ends of every input"),
        _line("ours-preference-votes", needed[0], needed[1], "pairs of neighbours"),
        _line("ours-judge-likings", Interval(*split[["estimate", "low", "high"]]), int(split["verdicts"]), "verdicts"),
        _line("stack-preferences-catch", caught[1], alike, f"pairs of {models} models") | _given(caught[2]),
    ]
    chosen = traits[(traits["kind"] == HUMAN) & (traits["how"] == "alone")].set_index("trait")
    for claim, trait in CLAIMS.items():
        row = chosen.loc[trait]
        wide, given = (Interval(row["estimate"], *row[ends]) for ends in (["low", "high"], ["low_given", "high_given"]))
        rows.append(_line(claim, wide, int(row["judges"]), "annotators") | _given(given))
    return pd.DataFrame(rows).assign(level=level)


def _line(claim: str, interval: Interval, count: int, unit: str) -> dict[str, object]:
    return {"claim": claim} | interval._asdict() | {"n": count, "n_unit": unit}


def _given(interval: Interval) -> dict[str, float]:
    return {"low_given": interval.low, "high_given": interval.high}
