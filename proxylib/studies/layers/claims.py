"""Whether the article's order of layers, and what it says of models that pass or fail them, is right."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from proxylib.stats import Bootstrap, Drawn, Interval, jackknife_interval, mean_interval, proportion_interval
from proxylib.studies.layers.series import BENCHMARKS, LAYERS, ONE, PEOPLE, TELEMETRY
from proxylib.studies.layers.text import HEALTHY

FEWEST = 3  # faults that a claim needs
ROUND = 7  # days of a round of people, by the article the shortest
FIRST_FOUR = LAYERS[:4]
#: claim -> the pattern of passing and failing that it says how to read
READINGS = {
    "stack-fails-people": "passes the first four, fails people",
    "stack-fails-telemetry": "passes people, fails telemetry",
    "stack-real-problem": "passes benchmarks and people, fails telemetry",
    "stack-doing-its-job": "passes telemetry, fails benchmarks",
}


def catches(models: pd.DataFrame, bootstrap: Bootstrap) -> dict[str, Drawn]:
    """Share of harmful models that each layer catches, faults drawn whole."""
    resampling = bootstrap.over(models["fault"])
    ones = np.ones(len(models))
    return {layer: resampling.drawn(resampling.ratio(models[layer].to_numpy(float), ones)) for layer in LAYERS}


def alone(models: pd.DataFrame) -> dict[str, np.ndarray]:
    """[models] which of them each layer catches and none before it does, as 0 and 1."""
    before, only = np.zeros(len(models), bool), {}
    for layer in LAYERS:
        mine = models[layer].to_numpy(bool)
        only[layer] = (mine & ~before).astype(float)
        before |= mine
    return only


def order_of(caught: Mapping[str, Drawn], order: Mapping[str, float]) -> Drawn:
    """Rank correlation over layers of an order with the share that each catches; 0 where nothing is told apart."""
    values = np.array([[caught[layer].estimate, *caught[layer].draws] for layer in LAYERS]).T
    ranks = rankdata(values, axis=1) - (len(LAYERS) + 1) / 2
    by = rankdata([order[layer] for layer in LAYERS]) - (len(LAYERS) + 1) / 2
    scale = np.sqrt((ranks**2).sum(1) * (by**2).sum())
    rho = np.divide(ranks @ by, scale, out=np.zeros(len(ranks)), where=scale > 0)
    drawn = caught[LAYERS[0]]
    return Drawn(rho[0], rho[1:], drawn.level, drawn.clusters)


def shown(models: pd.DataFrame) -> dict[str, pd.Series]:
    """Pattern of passing and failing -> which models show it: those of which the article says what they tell."""
    four, passes = models[list(FIRST_FOUR)].any(axis=1), ~models[list(LAYERS)]
    return {
        "passes the first four, fails people": ~four & models[PEOPLE],
        "passes the first four, fails telemetry": ~four & models[TELEMETRY],
        "passes people, fails telemetry": passes[PEOPLE] & models[TELEMETRY],
        "passes benchmarks and people, fails telemetry": passes[BENCHMARKS] & passes[PEOPLE] & models[TELEMETRY],
        "passes telemetry, fails people": models[PEOPLE] & passes[TELEMETRY],
        "passes telemetry, fails benchmarks": models[BENCHMARKS] & passes[TELEMETRY],
        "passes all six": passes.all(axis=1),
    }


def patterns(models: pd.DataFrame) -> pd.DataFrame:
    """pattern, of (kind of models), n, with (those who show it), harmful among these: what the article says of passing."""
    kinds = {"with a fault": models["fault"] != HEALTHY, "healthy": models["fault"] == HEALTHY}
    rows = []
    for pattern, shows in shown(models).items():
        for kind, of in kinds.items():
            both = shows & of
            worth = {"harmful": int((both & models["harmful"]).sum()), "lost": models.loc[both, "lost"].mean()}
            rows.append({"pattern": pattern, "of": kind, "n": int(of.sum()), "with": int(both.sum())} | worth)
    return pd.DataFrame(rows)


def over_faults(values: np.ndarray, faults: pd.Series, level: float) -> Interval:
    """Mean over models; jackknife over faults, of which percentiles of draws would be too short."""
    without = [values[(faults != fault).to_numpy()] for fault in faults.unique()]
    left_out = np.array([rest.mean() if len(rest) else np.nan for rest in without])
    return jackknife_interval(float(values.mean()), left_out, level)


def harmful_among(shows: pd.Series, models: pd.DataFrame, level: float) -> dict[str, float]:
    """Share of harmful models among those that show a pattern, beside what their doses alone would give.

    Returns
    -------
    estimate, low, high (jackknife over faults, healthy models as one; nan below `FEWEST`), low_given, high_given (Wilson's over
    models), null (share of harmful among all models of the same doses), n

    Notes
    -----
    A model whose fault is in a quarter of its documents is hardly ever harmful, whatever it passes: against all models with a
    fault, passing would look like proof of health.
    """
    those = models[shows]
    if those.empty:
        return dict.fromkeys(("estimate", "low", "high", "low_given", "high_given", "null"), np.nan) | {"n": 0}
    by_dose = models.groupby("dose")["harmful"].mean()
    harmful = those["harmful"].to_numpy(float)
    wide = over_faults(harmful, those["fault"], level) if those["fault"].nunique() >= FEWEST else mean_interval(harmful[:1])
    models_alone = proportion_interval(int(harmful.sum()), len(those), level) if np.isfinite(wide.low) else wide
    ends = {"low": max(wide.low, 0.0), "high": min(wide.high, 1.0)}
    given = {"low_given": models_alone.low, "high_given": models_alone.high}
    return {"estimate": harmful.mean()} | ends | given | {"null": float(those["dose"].map(by_dose).mean()), "n": len(those)}


def estimates(models: pd.DataFrame, found: pd.DataFrame, days: tuple[int, ...], bootstrap: Bootstrap) -> pd.DataFrame:
    """A row a claim; intervals over faults, nan where there are fewer than three."""
    faulty = models[models["fault"] != HEALTHY].reset_index(drop=True)
    harmful = faulty[faulty["harmful"]].reset_index(drop=True)
    ends: dict[str, Interval] = {}
    if several(harmful):
        caught, over, ones = catches(harmful, bootstrap), bootstrap.over(harmful["fault"]), np.ones(len(harmful))
        order = order_of(caught, {layer: place for place, layer in enumerate(LAYERS)})
        ends["stack-hierarchy"] = order.interval(undefined="nan")
        chance = np.mean([only.mean() for only in list(alone(models[models["fault"] == HEALTHY]).values())[1:]])
        least = over.drawn(np.min([over.ratio(only, ones) for only in list(alone(harmful).values())[1:]], axis=0))
        # Wilson's interval over faults where no draw moves it: nothing added is not certainty
        ends["stack-each-catches"] = Interval(*(end - chance for end in least.share()))
        ends["stack-latency"] = over_faults(later(harmful, found, max(days)), harmful["fault"], bootstrap.level)
    enough = harmful["fault"].nunique() >= FEWEST
    rows = []
    for claim, interval in ends.items():
        interval = interval if enough else mean_interval([interval.estimate])
        rows.append({"claim": claim, **interval._asdict(), "n": len(harmful)})
    passes = shown(faulty)["passes all six"]
    rows.append({"claim": "stack-all-six"} | harmful_among(passes, faulty, bootstrap.level))
    for claim, pattern in READINGS.items():
        rows.append({"claim": claim} | harmful_among(shown(models)[pattern], models, bootstrap.level))
    columns = ["claim", "estimate", "low", "high", "low_given", "high_given", "null", "n"]
    return pd.DataFrame(rows, columns=columns).assign(level=bootstrap.level, n_unit="models")


def later(harmful: pd.DataFrame, found: pd.DataFrame, last: int) -> np.ndarray:
    """[models] days until telemetry finds them minus days until people do, who take a round; a miss of either counts `last`.

    Charging a miss to one of them alone would make the other look early.
    """
    days = harmful.merge(found[found["layer"] == TELEMETRY], on=ONE, how="left")["found"]
    people = np.where(harmful[PEOPLE], min(ROUND, last), last)
    return days.where(days <= last, last).to_numpy(float) - people


def latency(models: pd.DataFrame, found: pd.DataFrame, charges: tuple[int, ...], level: float) -> pd.DataFrame:
    """last (what a miss counts), telemetry, people (mean days), estimate, low, high of the difference: of harmful models."""
    harmful = models[models["harmful"] & (models["fault"] != HEALTHY)].reset_index(drop=True)
    rows = []
    for last in charges if len(harmful) else ():
        difference = later(harmful, found, last)
        people = float(np.where(harmful[PEOPLE], min(ROUND, last), last).mean())
        ends = over_faults(difference, harmful["fault"], level)
        rows.append({"last": last, "telemetry": people + ends.estimate, "people": people, **ends._asdict()})
    return pd.DataFrame(rows, columns=["last", "telemetry", "people", "estimate", "low", "high"])


def contrasts(models: pd.DataFrame, level: float) -> pd.DataFrame:
    """layer (that catches most harmful models), other, estimate, low, high: how many more it catches than each other.

    The best of six is best in part by luck; the interval of each difference is a jackknife over faults.
    """
    harmful = models[models["harmful"] & (models["fault"] != HEALTHY)].reset_index(drop=True)
    columns = ["layer", "other", "estimate", "low", "high"]
    if harmful.empty:
        return pd.DataFrame(columns=columns)
    shares = harmful[list(LAYERS)].astype(float)
    most = shares.mean().idxmax()
    others = shares.mean().drop(most).sort_values(ascending=False, kind="stable").index
    rows = [(most, other, *over_faults((shares[most] - shares[other]).to_numpy(), harmful["fault"], level)) for other in others]
    return pd.DataFrame(rows, columns=columns)


def several(models: pd.DataFrame) -> bool:
    """Whether there are faults to draw from."""
    return len(models["fault"].unique()) > 1
