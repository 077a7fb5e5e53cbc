"""Many signals: which one to trust, decided on other tasks alone."""

from __future__ import annotations

import numpy as np

from proxylib.errors import UserError
from proxylib.laws import pooled
from proxylib.laws.curves import Linear
from proxylib.measure.proxies import NAMED_WINNERS, name
from proxylib.studies.forecasting.forms import mapped, rising, settled, with_signal
from proxylib.studies.forecasting.history import LEAST
from proxylib.studies.forecasting.pooling import Pool, moment
from proxylib.studies.forecasting.series import Series, Target

#: proxies that the paper names: always tried where a history has columns of these names
NAMED = tuple(name(*winner) for winner in NAMED_WINNERS.values())


def held_in(pool: Pool, series: Series, target: Target, signals: tuple[str, ...], kind: str) -> float:
    """The signal that forecast the run's *other* tasks best, by a power law and from there by a map.

    Parameters
    ----------
    pool : where the other tasks stand, at the same moment
    signals : to choose from
    kind : of the map, see `forms.MAPS`; the choice itself is made with lines

    Notes
    -----
    The proxy-metrics paper's protocol, selection on held-in tasks, within what was known: other tasks are asked from an earlier
    moment about this one, as far ahead as the target lies, or as their points allow. A history of one task chooses on its own
    past. Nothing of the task's future, nor of other tasks' future, has a say.
    """
    tasks = pool.tasks(series) or [series]
    ratio = target.x / moment(series)
    errors = np.array(
        [
            pool.kept(
                ("signals", task.task, task.run, moment(series), round(np.log(ratio), 6)),
                lambda task=task: _errors(task, ratio, signals),
            )
            for task in tasks
        ]
    )
    asked = errors[np.isfinite(errors).any(axis=1)]
    if not len(asked):
        raise UserError("held-in signal: no task has points enough to choose on")
    # where a signal cannot be used it is as wrong as the worst
    filled = np.where(np.isfinite(asked), asked, np.nanmax(asked, axis=1, keepdims=True))
    chosen = signals[int(np.argmin((filled**2).mean(axis=0)))]
    return mapped(series, chosen, kind, _expected(series, chosen, target.x))


def _errors(series: Series, ratio: float, signals: tuple[str, ...]) -> np.ndarray:
    """[signals] how far off each would have been at the last point; nan where that cannot be asked."""
    ends = series.ends
    if len(ends) < LEAST + 2:
        return np.full(len(signals), np.nan)
    cut = max(moment(series) / ratio, float(np.sort(ends.end)[max(LEAST, len(ends) // 3)]))
    known = series.until(min(cut, float(np.sort(ends.end)[-2])) * (1 + 1e-9))
    return np.array([_error(known, name, float(ends.x[-1]), float(ends.score[-1])) for name in signals])


def _error(known: Series, signal: str, x: float, score: float) -> float:
    try:
        points = with_signal(known.thinned, signal)
        line = Linear().fit(points.signals[signal], points.score)
        return settled(line, _expected(known, signal, x)) - score
    except UserError:
        return np.nan


def _expected(series: Series, signal: str, x: float) -> float:
    """The signal by a power law, its exponent from a grid: close enough, and quick."""
    ends = with_signal(series.ends, signal)
    return pooled.profile(ends.x, ends.signals[signal], rising(ends.x, ends.signals[signal])).best(x)
