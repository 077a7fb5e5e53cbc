"""Forecasts of watched runs from their first part: every signal by a power law and from there to accuracy, by four maps.

Maps are fitted to the run's own window, or borrowed from all checkpoints of the other runs on the same task. Which signal or
map is taken is held in: decided on pairs of run and task that share neither with the pair that is forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from proxylib.errors import UserError
from proxylib.laws import batches
from proxylib.laws.curves import LogPower, Power
from proxylib.measure import proxies
from proxylib.studies.forecasting.lab_runs import BITS, PROSE, SIGNALS, TOKEN_LOSS, Watched, limits

OWN, BORROWED = ("line", "sigmoid"), ("borrowed line", "borrowed sigmoid")
MAPS = (*OWN, *BORROWED)
LEAST = 4  # checkpoints, below which nothing is fitted
NAMED = proxies.name(*proxies.NAMED_WINNERS["model selection"])
EIGHTY = "best of eighty, held in"
#: method -> the signals that it may take
CHOICES: dict[str, tuple[str, ...]] = {
    EIGHTY: proxies.NAMES,
    "top-1, inverse frequency (named)": (NAMED,),
    "top-5, frequency": (proxies.name(*proxies.NAMED_WINNERS["data selection"]),),
    "loss per token of solutions": (TOKEN_LOSS,),
    "bits per byte of solutions": (BITS,),
    "loss on prose": (PROSE,),
}
LAST_SCORE, POWER, LOG_POWER, OTHERS = "last accuracy", "power law in steps", "log power law in compute", "where other runs end"
ALONE = (LAST_SCORE, POWER, LOG_POWER, OTHERS)  # methods without a signal
Maps = dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]]
LAWS: Maps = {"line": batches.lines, "sigmoid": batches.sigmoids}


@dataclass(frozen=True, eq=False)
class Forecasts:
    """What is forecast of every pair, from one window.

    Parameters
    ----------
    times : how many times the window the run is
    target, last : [runs, tasks] accuracy at the end, and at the end of the window
    off : [runs, tasks] whether a pair is off the floor by the end of the window
    by_signal : [runs, tasks, signals, maps] shares; the last accuracy where there is no forecast
    failed : the same shape, where there is none
    alone : method of `ALONE` -> [runs, tasks]
    extended : [runs, tasks, signals] what each signal is expected to be at the end
    """

    times: float
    target: np.ndarray
    last: np.ndarray
    off: np.ndarray
    by_signal: np.ndarray
    failed: np.ndarray
    alone: dict[str, np.ndarray]
    extended: np.ndarray

    @property
    def squares(self) -> np.ndarray:
        """[runs, tasks, signals, maps] squared errors."""
        return (self.by_signal - self.target[..., None, None]) ** 2


def extended(run: Watched, times: float, at: np.ndarray | None = None) -> np.ndarray:
    """[tasks, signals, n] every signal at steps `at` (default: the last), by its power law over a window."""
    window = run.window(times)
    at = run.steps[-1:] if at is None else at
    tasks, signals, _ = run.signals.shape
    if len(window) < LEAST:
        return np.full((tasks, signals, len(at)), np.nan)
    least, most = (np.tile(end, tasks) for end in limits())
    rows = run.signals[:, :, window].reshape(tasks * signals, -1)
    return batches.powers(run.steps[window], rows, least, most).predict(at).reshape(tasks, signals, -1)


def forecasts(runs: Sequence[Watched], times: float) -> Forecasts:
    """Every forecast of every run from its first part."""
    ends = [extended(run, times)[..., 0] for run in runs]
    last = np.stack([run.accuracy[:, run.last_known(times)] for run in runs])
    raw = np.stack([_mapped(runs, number, ends[number], times) for number in range(len(runs))])
    failed = ~np.isfinite(raw)
    return Forecasts(
        times=times,
        target=np.stack([run.target for run in runs]),
        last=last,
        off=np.stack([run.off[:, run.last_known(times)] for run in runs]),
        by_signal=np.where(failed, last[..., None, None], raw.clip(0, 1)),
        failed=failed,
        alone={LAST_SCORE: last} | _alone(runs, times, last),
        extended=np.stack(ends),
    )


def _mapped(runs: Sequence[Watched], number: int, ends: np.ndarray, times: float) -> np.ndarray:
    """[tasks, signals, maps] what the maps say of one run's extended signals; nan where they say nothing."""
    run = runs[number]
    window, others = run.window(times), [other for place, other in enumerate(runs) if place != number]
    result = np.full((*ends.shape, len(MAPS)), np.nan)
    for task in range(len(run.tasks)):
        if len(window) >= LEAST:
            score = np.tile(run.accuracy[task, window], (len(SIGNALS), 1))
            for place, name in enumerate(OWN):
                result[task, :, place] = LAWS[name](run.signals[task][:, window], score, ends[task])
        if others:
            seen = np.concatenate([other.signals[task][:, other.spaced] for other in others], axis=1)
            score = np.concatenate([other.accuracy[task, other.spaced] for other in others])
            for place, name in enumerate(OWN, len(OWN)):
                result[task, :, place] = LAWS[name](seen, np.tile(score, (len(SIGNALS), 1)), ends[task])
    return result


def _alone(runs: Sequence[Watched], times: float, last: np.ndarray) -> dict[str, np.ndarray]:
    """Forecasts that read no signal; the last accuracy where a law has no answer."""
    result = {name: last.copy() for name in (POWER, LOG_POWER, OTHERS)}
    for r, run in enumerate(runs):
        window = run.window(times)
        others = [other.target for place, other in enumerate(runs) if place != r]
        result[OTHERS][r] = np.mean(others, axis=0) if others else last[r]
        for k, score in enumerate(run.accuracy[:, window]):
            above = score > 0
            steps, tokens = run.steps[window], run.tokens[window][above]
            result[POWER][r, k] = _or(last[r, k], Power(least=0, most=1), steps, score, run.steps[-1])
            result[LOG_POWER][r, k] = _or(last[r, k], LogPower(), tokens, score[above], run.tokens[-1])
    return {name: values.clip(0, 1) for name, values in result.items()}


def _or(otherwise: float, law: Power | LogPower, x: np.ndarray, y: np.ndarray, at: float) -> float:
    """What a law of these points says at a place, or else something."""
    try:
        fitted = law.fit(x, y)
    except UserError:
        return otherwise
    value = float(fitted.predict(at)) if fitted.fit.converged else np.nan
    return value if np.isfinite(value) else otherwise


def held_in(squares: np.ndarray, off: np.ndarray) -> np.ndarray:
    """[runs, tasks] the column with the least squared error over pairs of other runs and other tasks that are off the floor.

    Parameters
    ----------
    squares : [runs, tasks, columns]
    off : [runs, tasks]

    Notes
    -----
    Where there are no such pairs, those at the floor decide; where no other run or task, the first column.
    """
    runs, tasks, _ = squares.shape
    chosen = np.zeros((runs, tasks), int)
    for run in range(runs):
        for task in range(tasks):
            other = np.ones((runs, tasks), bool)
            other[run], other[:, task] = False, False
            side = other & off if (other & off).any() else other
            if side.any():
                chosen[run, task] = int(squares[side].mean(0).argmin())
    return chosen


def columns(seen: Forecasts, signals: Sequence[str], maps: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """[runs, tasks, signals x maps] forecasts and whether each is none, of some signals and maps; the map varies fastest."""
    s, m = [SIGNALS.index(name) for name in signals], [MAPS.index(name) for name in maps]
    pick = lambda values: values[:, :, s][..., m].reshape(*values.shape[:2], -1)
    return pick(seen.by_signal), pick(seen.failed)


def chosen(seen: Forecasts, signals: Sequence[str], maps: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """[runs, tasks] forecasts of the signal and map that are held in, whether each is none, and the column taken."""
    values, failed = columns(seen, signals, maps)
    taken = held_in((values - seen.target[..., None]) ** 2, seen.off)
    pick = lambda part: np.take_along_axis(part, taken[..., None], 2)[..., 0]
    return pick(values), pick(failed), taken


def methods(seen: Forecasts) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """(method, map) -> forecasts and whether each is none, both [runs, tasks]; map "own" or "borrowed" is held in."""
    nothing = np.zeros(seen.target.shape, bool)
    result = {(name, "none"): (seen.alone[name], nothing) for name in ALONE}
    for name, signals in CHOICES.items():
        result |= {(name, way): chosen(seen, signals, maps)[:2] for way, maps in (("own", OWN), ("borrowed", BORROWED))}
        if len(signals) == 1:
            for map_name in MAPS:
                values, failed = columns(seen, signals, (map_name,))
                result[name, map_name] = (values[..., 0], failed[..., 0])
    return result


def oracle(seen: Forecasts, pairs: np.ndarray) -> float:
    """Least root mean squared error of the eighty by a map of the run's own, chosen on the pairs [runs, tasks] themselves."""
    values, _ = columns(seen, proxies.NAMES, OWN)
    squares = (values - seen.target[..., None]) ** 2
    return float(np.sqrt(squares[pairs].mean(0).min()))


def strangers(runs: Sequence[Watched], times: float, pairs: np.ndarray, repeats: int, seed: int) -> np.ndarray:
    """[repeats] what `oracle` comes to when every pair is given the proxies of another run and another task.

    They rise and fall as proxies do while a model learns, and know nothing of the pair.
    """
    rng = np.random.default_rng(seed)
    ends = [extended(run, times)[..., 0] for run in runs]
    eighty, tasks = len(proxies.NAMES), len(runs[0].tasks)
    results = []
    for _ in range(repeats):
        squares = []
        for r, k in zip(*np.nonzero(pairs), strict=True):
            other = int(rng.choice([place for place in range(len(runs)) if place != r]))
            task = int(rng.choice([place for place in range(tasks) if place != k]))
            mine, theirs = runs[r].window(times), runs[other].window(times)
            count = min(len(mine), len(theirs))
            score = np.tile(runs[r].accuracy[k, mine[:count]], (eighty, 1))
            seen = runs[other].signals[task, :eighty][:, theirs[:count]]
            last = runs[r].accuracy[k, runs[r].last_known(times)]
            values = np.concatenate([LAWS[name](seen, score, ends[other][task, :eighty]) for name in OWN])
            squares.append((np.where(np.isfinite(values), values.clip(0, 1), last) - runs[r].target[k]) ** 2)
        results.append(float(np.sqrt(np.mean(squares, 0).min())))
    return np.array(results)
