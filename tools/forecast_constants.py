"""Computes the two constants of the default forecast (`proxylib.studies.forecasting.defaults`) from published runs.

    PROXYLIB_MIRROR=... python tools/forecast_constants.py

A grid of dampings and of weights of the curve; mean absolute error in points over cells of data set, kind and horizon, cells
counting alike. Prints the constants of the least error over all sets but the fresh ones, and for every set the error of what
the others would have chosen, beside the last score's. Under a minute; reads published data, writes nothing.
"""

from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from proxylib.errors import UserError
from proxylib.studies.forecasting import cases, history, pooling
from proxylib.studies.forecasting.forms import last_score, power_in_compute
from proxylib.studies.forecasting.methods import Method, predict
from proxylib.studies.forecasting.settings import Forecast

DAMPINGS = (0, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.25, 1.5, 2)
WEIGHTS = (0, 0.25, 0.5, 1)
BANDS = (3, 10, 30)  # horizons that count together end here
LEAST = 1.25  # times: nearer, the last score stands
CURVE = Method("curve", power_in_compute)


def rows() -> pd.DataFrame:
    """A row per forecast: cell, data; last, curve, came (shares); slope; still (nothing is known); steps (log of horizon)."""
    lines = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.parquet"
        for case in cases.cases():
            if case.data in cases.FRESH or case.history.empty:
                continue
            case.history.to_parquet(path, index=False)
            try:
                known = history.load(Forecast(history=path, target=case.target, out=Path(folder) / "out"))
            except UserError:  # fewer checkpoints than any law needs
                continue
            pool, data = pooling.Pool(known), case.data.removesuffix(", other rate")
            for series in known.open:
                steps = np.log(known.target.x / series.x[-1])
                if steps < np.log(LEAST):
                    continue
                said = predict(CURVE, series, known.target)
                still = bool(said.fallback) and not said.failed
                cell = (data, case.kind, int(np.digitize(np.exp(steps), BANDS)))
                slope = 0.0 if still else pooling.pooled_trend(pool, series).slope
                lines.append((cell, data, last_score(series), said.value, case.came[series.task], slope, still, steps))
    return pd.DataFrame(lines, columns=["cell", "data", "last", "curve", "came", "slope", "still", "steps"])


def errors(frame: pd.DataFrame) -> dict[tuple[float, float], pd.Series]:
    """Absolute errors in points, for every damping and weight of the curve."""
    off = {}
    for damping, weight in product(DAMPINGS, WEIGHTS):
        far = -np.expm1(-damping * frame["steps"]) / damping if damping else frame["steps"]
        trend = (frame["last"] + frame["slope"] * far).clip(0, 1)
        said = ((1 - weight) * trend + weight * frame["curve"]).where(~frame["still"], frame["last"])
        off[damping, weight] = 100 * (said - frame["came"]).abs()
    return off


def best(off: dict[tuple[float, float], pd.Series], cells: pd.Series) -> tuple[float, float]:
    """The constants of the least error, cells counting alike."""
    means = {key: values.loc[cells.index].groupby(cells).mean().mean() for key, values in off.items()}
    return min(means, key=means.get)


if __name__ == "__main__":
    frame = rows()
    off = errors(frame)
    last = 100 * (frame["last"] - frame["came"]).abs()
    for data, part in frame.groupby("data", sort=False):
        key = best(off, frame.loc[frame["data"] != data, "cell"])
        mean = lambda values, part=part: values.loc[part.index].groupby(part["cell"]).mean().mean()
        print(
            f"{data}: others say damping {key[0]:g}, curve {key[1]:g}: {mean(off[key]):.2f} points, last score {mean(last):.2f}"
        )
    damping, weight = best(off, frame["cell"])
    print(f"all: DAMPING = {damping:g}, CURVE = {weight:g}")
