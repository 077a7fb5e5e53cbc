"""Do proxies and losses order damaged copies as accuracy does, and where does each fail?

Fixed before looking (experiment log). Copies of one kind of damage are not independent, so that intervals are the wider of two:
over problems, drawn within each set and task, and over kinds, each left out once. What copies of equal accuracy would show is
made by handing each question's outcomes round among the copies, as if none erred where another does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import kendalltau, rankdata

from proxylib import stats
from proxylib.errors import UserError
from proxylib.measure import proxies
from proxylib.runs.store import Run, Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.real_model.settings import SOUND, TAUGHT, LadderSettings
from proxylib.text import warn

NAMED, OTHER = "top-1, inverse frequency", "top-5, frequency"
TRACES, BYTES, PROSE = "loss on traces", "bits per byte", "loss on prose"
COLUMNS = {NAMED: "top1|inverse_frequency", OTHER: "top5|frequency", TRACES: "cross_entropy|uniform"}
SIGNS = {NAMED: 1, OTHER: 1, TRACES: -1, BYTES: -1, PROSE: -1}
SIGNALS = tuple(SIGNS)
#: the first are what one would ask of a model; the others were chosen as a model of this size can do them
HARD, EASY = ("answers, GSM8K", "answers, MATH"), ("next step", "code", "prose", "sums", "copying")
MAIN, ANSWERS = "chosen tasks off the floor", "answers of GSM8K and MATH"
PAIRS = ((NAMED, TRACES), (NAMED, PROSE), (TRACES, PROSE))
CHANCE = 0.25
SHUFFLES = 1000
DIGITS = 9  # to which values are rounded before they are ranked
ENDS = ["estimate", "low", "high", "low_given", "high_given"]
LESSON = "gsm8k"
#: rows of the table estimates; the second and the last are beside a claim and none themselves
WRONG, WRONG_ACCURACY = "real-model-wrong-lessons", "real-model-wrong-lessons, accuracy"
ONE_KIND = "real-model-ladder, fine-tunes as one kind"
LEAST_KINDS = 2  # of damage: each is left out once


class Bench(NamedTuple):
    """All copies under every draw of problems.

    copies : copy, kind, dose
    signals : name -> [1 + draws, copies], more is better
    by_set : name -> set -> the same
    scores : name -> [1 + draws, copies]
    right : task -> [copies, questions] 1 where a copy is right, shared where answers tie
    eighty : [copies, 80], more is better
    off_floor : tasks that the sound copy does better than chance
    solutions : of a set, that are read
    """

    copies: pd.DataFrame
    signals: dict[str, np.ndarray]
    by_set: dict[str, dict[str, np.ndarray]]
    scores: dict[str, np.ndarray]
    right: dict[str, np.ndarray]
    eighty: np.ndarray
    off_floor: list[str]
    solutions: int


def outcomes(options: pd.DataFrame) -> pd.DataFrame:
    """[task and item, one column] 1 where the right answer has the least loss a byte, a share of it where answers tie."""
    frame = options.assign(cost=options["nll"] / options["n_bytes"])
    wide = frame.pivot(index=["task", "item"], columns="answer", values="cost")
    least = wide.eq(wide.min(axis=1), axis=0)
    return (least[0] / least.sum(axis=1)).astype(float)


def bench(tables: Mapping[str, Mapping[str, pd.DataFrame]], settings: LadderSettings) -> Bench:
    """Everything under every draw.

    Parameters
    ----------
    tables : copy -> its tables traces, prose and options
    """
    bootstrap, names = settings.bootstrap, [copy.name for copy in settings.copies]
    index = tables[SOUND]["traces"][["task", "id"]]
    per_trace = {name: tables[name]["traces"].set_index(["task", "id"]).loc[pd.MultiIndex.from_frame(index)] for name in names}
    prose = {name: tables[name]["prose"].set_index("id") for name in names}
    answered = pd.DataFrame({name: outcomes(tables[name]["options"]) for name in names})
    sets, tasks = list(dict.fromkeys(index["task"])), [task for task in (*HARD, *EASY) if task in answered.index.levels[0]]
    right = {task: answered.loc[task].to_numpy().T for task in tasks}
    sizes = (
        [int((index["task"] == name).sum()) for name in sets] + [len(prose[SOUND])] + [right[task].shape[1] for task in tasks]
    )
    drawn = bootstrap.within(sizes)
    of_set, of_prose = dict(zip(sets, drawn, strict=False)), drawn[len(sets)]
    of_task = dict(zip(tasks, drawn[len(sets) + 1 :], strict=True))

    def over_sets(value: Callable[[pd.DataFrame, stats.Resampling], np.ndarray], sign: int) -> dict[str, np.ndarray]:
        return {name: sign * np.stack([value(per_trace[copy].loc[name], of_set[name]) for copy in names], 1) for name in sets}

    mean = lambda column: lambda part, rows: rows.ratio(part[column].to_numpy(float), np.ones(len(part)))
    by_set = {name: over_sets(mean(column), SIGNS[name]) for name, column in COLUMNS.items()}
    per_byte = lambda part, rows: _bits(part, rows)
    by_set[BYTES] = over_sets(per_byte, SIGNS[BYTES])
    signals = {name: np.mean(list(parts.values()), 0) for name, parts in by_set.items()}
    signals[PROSE] = SIGNS[PROSE] * np.stack([_bits(prose[name].loc[prose[SOUND].index], of_prose) for name in names], 1)
    scores = {task: np.stack([of_task[task].ratio(row, np.ones(len(row))) for row in right[task]], 1) for task in tasks}
    off = [task for task in EASY if task in tasks and _above_chance(right[task][names.index(SOUND)], bootstrap.level)]
    scores[MAIN] = np.mean([scores[task] for task in off or [task for task in EASY if task in tasks]], 0)
    if set(HARD) <= set(tasks):
        scores[ANSWERS] = np.mean([scores[task] for task in HARD], 0)
    eighty = np.stack([_eighty(per_trace[name]) for name in names])
    copies = pd.DataFrame([(copy.name, copy.kind, copy.dose) for copy in settings.copies], columns=["copy", "kind", "dose"])
    return Bench(copies, {name: signals[name] for name in SIGNALS}, by_set, scores, right, eighty, off, sizes[0])


def _bits(part: pd.DataFrame, rows: stats.Resampling) -> np.ndarray:
    return rows.ratio(part["nll"].to_numpy(float), part["n_bytes"].to_numpy(float)) / np.log(2)


def _above_chance(right: np.ndarray, level: float) -> bool:
    return stats.proportion_interval(int(right.sum()), len(right), level).low > CHANCE


def _eighty(traces: pd.DataFrame) -> np.ndarray:
    """[80] means over traces, then over sets, turned so that more is better."""
    means = traces[list(proxies.NAMES)].groupby(level="task", sort=False).mean().mean()
    return np.array([proxies.STATISTICS[name.partition("|")[0]] * means[name] for name in proxies.NAMES])


def correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[..] rank correlation over the last axis, with mid-ranks; 0 where one side is constant."""
    a, b = (rankdata(np.round(values, DIGITS), axis=-1) for values in np.broadcast_arrays(x, y))
    a, b = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    scale = np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    return np.where(scale > 0, (a * b).sum(-1) / np.where(scale > 0, scale, 1), 0.0)


#: of a mask [copies], a statistic of these: [1 + draws]
Statistic = Callable[[np.ndarray], np.ndarray]


def strength(signal: np.ndarray, accuracy: np.ndarray) -> Statistic:
    """Rank correlation of a signal with a score, both [1 + draws, copies]."""
    return lambda kept: correlations(signal[:, kept], accuracy[:, kept])


def minus(one: Statistic, other: Statistic) -> Statistic:
    """The difference of two, of the same copies."""
    return lambda kept: one(kept) - other(kept)


def both(value: Statistic, kinds: np.ndarray, bootstrap: Bootstrap, correlation: bool) -> tuple[float, ...]:
    """`ENDS` of a statistic of some of the copies: the wider of the intervals over problems and over kinds, then the former.

    Parameters
    ----------
    value : from a mask [copies] to [1 + draws]
    kinds : [copies]; the sound copy belongs to none and is never left out
    """
    values = value(np.ones(len(kinds), bool))
    over_problems = bootstrap.drawn(values).interval("reflected" if correlation else "widened", undefined="nan")
    left_out = [value(kinds != kind)[0] for kind in dict.fromkeys(kinds) if kind != SOUND]
    over_kinds = stats.jackknife_interval(values[0], np.array(left_out), bootstrap.level, correlation)
    low, high = np.fmin(over_problems.low, over_kinds.low), np.fmax(over_problems.high, over_kinds.high)
    return float(values[0]), float(low), float(high), *over_problems[1:]


def orders(given: Bench, shuffled: Mapping[str, np.ndarray], bootstrap: Bootstrap) -> pd.DataFrame:
    """How well each signal orders the copies by each score.

    Parameters
    ----------
    shuffled : see `equal_copies`

    Returns
    -------
    signal, score, those of `ENDS`, kendall, luck (what copies of equal accuracy reach one time in twenty), n (copies)
    """
    kinds, rows = given.copies["kind"].to_numpy(), []
    for score, accuracy in given.scores.items():
        for signal, values in given.signals.items():
            ends = both(strength(values, accuracy), kinds, bootstrap, True)
            luck = float(np.quantile(correlations(values[0], shuffled[score]), bootstrap.level))
            tau = kendalltau(*(np.round(side[0], DIGITS) for side in (values, accuracy))).statistic
            rows.append((signal, score, *ends, float(tau), luck, len(kinds)))
    return pd.DataFrame(rows, columns=["signal", "score", *ENDS, "kendall", "luck", "n"])


def left_out(given: Bench) -> pd.DataFrame:
    """What an interval over kinds comes of: signal, kind, estimate (rank correlation with the main score without that kind)."""
    kinds, accuracy = given.copies["kind"].to_numpy(), given.scores[MAIN][0]
    rows = [
        (signal, kind, float(correlations(values[0, kinds != kind], accuracy[kinds != kind])))
        for signal, values in given.signals.items()
        for kind in dict.fromkeys(kinds[kinds != SOUND])
    ]
    return pd.DataFrame(rows, columns=["signal", "kind", "estimate"])


def equal_copies(given: Bench, seed: int) -> dict[str, np.ndarray]:
    """score -> [shuffles, copies] accuracies where each question's outcomes go round among the copies."""
    rng = np.random.default_rng(seed)
    parts = {
        task: np.stack([rng.permuted(right, axis=0).mean(1) for _ in range(SHUFFLES)]) for task, right in given.right.items()
    }
    easy = given.off_floor or [task for task in EASY if task in parts]
    means = {MAIN: np.mean([parts[task] for task in easy], 0)}
    if set(HARD) <= set(parts):
        means[ANSWERS] = np.mean([parts[task] for task in HARD], 0)
    return parts | means


def differences(given: Bench, bootstrap: Bootstrap) -> pd.DataFrame:
    """Rank correlation of one signal minus that of another: first, second, score, those of `ENDS`."""
    kinds, rows = given.copies["kind"].to_numpy(), []
    for score, accuracy in given.scores.items():
        for first, second in PAIRS:
            one, other = (strength(given.signals[name], accuracy) for name in (first, second))
            rows.append((first, second, score, *both(minus(one, other), kinds, bootstrap, False)))
    return pd.DataFrame(rows, columns=["first", "second", "score", *ENDS])


def best_of_eighty(given: Bench, shuffled: Mapping[str, np.ndarray], bootstrap: Bootstrap) -> pd.DataFrame:
    """score, proxy, estimate (the largest correlation of the eighty, signs fixed), luck (what the same search finds one time in
    twenty in copies of equal accuracy).
    """
    rows = []
    for score in (MAIN, ANSWERS):
        if score in given.scores:
            found = correlations(given.eighty.T, given.scores[score][0])
            luck = correlations(given.eighty.T[:, None], shuffled[score][None]).max(0)
            best = int(found.argmax())
            rows.append((score, proxies.NAMES[best], found[best], np.quantile(luck, bootstrap.level)))
    return pd.DataFrame(rows, columns=["score", "proxy", "estimate", "luck"])


def changes(given: Bench, bootstrap: Bootstrap) -> pd.DataFrame:
    """What every copy has gained on the sound one by every signal and score, paired by problem.

    Returns
    -------
    copy, kind, dose, what (signal, score, or "loss on traces, SET"), estimate, low, high; more is better. Accuracies in
    points, losses in nats a token or bits a byte, agreement as a share
    """
    sound = given.copies["copy"].to_list().index(SOUND)
    by_set = {f"{TRACES}, {name}": values for name, values in given.by_set[TRACES].items()}
    scaled = {name: 100 * values for name, values in given.scores.items()}
    rows = []
    for what, values in (given.signals | by_set | scaled).items():
        for place, copy in enumerate(given.copies.itertuples(index=False)):
            gain = bootstrap.drawn(values[:, place] - values[:, sound]).interval("widened")
            rows.append((*copy, what, *gain))
    return pd.DataFrame(rows, columns=["copy", "kind", "dose", "what", "estimate", "low", "high"])


def levels(given: Bench, bootstrap: Bootstrap) -> pd.DataFrame:
    """Each copy's own value by every signal (as it is) and score (percent): copy, kind, dose, what, estimate, low, high.

    Intervals are over problems.
    """
    own = {name: SIGNS[name] * values for name, values in given.signals.items()}
    rows = [
        (*copy, what, *bootstrap.drawn(values[:, place]).interval("widened"))
        for what, values in (own | {name: 100 * values for name, values in given.scores.items()}).items()
        for place, copy in enumerate(given.copies.itertuples(index=False))
    ]
    return pd.DataFrame(rows, columns=["copy", "kind", "dose", "what", "estimate", "low", "high"])


def floors(given: Bench, level: float) -> pd.DataFrame:
    """task, questions, sound copy's accuracy with Wilson's interval (percent), lowest and highest of all copies, off_floor."""
    sound, rows = given.copies["copy"].to_list().index(SOUND), []
    for task, right in given.right.items():
        ends = stats.proportion_interval(int(right[sound].sum()), right.shape[1], level)
        means = 100 * right.mean(1)
        off = ends.low > CHANCE
        rows.append((task, right.shape[1], *(100 * end for end in ends), means.min(), means.max(), off))
    columns = ["task", "questions", "estimate", "low", "high", "lowest", "highest", "off_floor"]
    return pd.DataFrame(rows, columns=columns)


def estimates(ordered: pd.DataFrame, compared: pd.DataFrame, given: Bench, bootstrap: Bootstrap) -> pd.DataFrame:
    """The scoreboard's rows; one more of the named proxy, all fine-tunes taken as one kind of damage, as those of a dose share
    problems, order and first adapter; and one of the accuracy (points) of copies taught on wrong solutions.
    """
    named = ordered[(ordered["signal"] == NAMED) & (ordered["score"] == MAIN)][ENDS].iloc[0]
    kinds = given.copies.loc[given.copies["kind"] != SOUND, "kind"].nunique()
    unit = f"copies of one model, {kinds} kinds"
    rows = [
        ("real-model-ladder", *named, len(given.copies), unit),
        (ONE_KIND, *_one_kind(given, bootstrap), len(given.copies), unit),
    ]
    for claim, second in (("real-model-ladder-loss", TRACES), ("real-model-ladder-prose", PROSE)):
        part = compared[(compared["first"] == NAMED) & (compared["second"] == second) & (compared["score"] == MAIN)]
        rows.append((claim, *part[ENDS].iloc[0], len(given.copies), unit))
    wrong = (given.copies["kind"] == "wrong solutions").to_numpy()
    if wrong.any():
        sound = (given.copies["kind"] == SOUND).to_numpy()
        gain = lambda values: bootstrap.drawn((values[:, wrong] - values[:, sound]).mean(1)).interval("widened")
        fall, points = gain(given.by_set[TRACES][LESSON]), gain(100 * given.scores[MAIN])
        questions = sum(given.right[task].shape[1] for task in given.off_floor)
        rows.append((WRONG, *fall, *fall[1:], given.solutions, "solutions, copies given"))
        rows.append((WRONG_ACCURACY, *points, *points[1:], questions, "questions, copies given"))
    return pd.DataFrame(rows, columns=["claim", *ENDS, "n", "n_unit"]).assign(level=bootstrap.level)


def _one_kind(given: Bench, bootstrap: Bootstrap) -> tuple[float, ...]:
    kinds = np.where(given.copies["kind"].isin(TAUGHT), "taught", given.copies["kind"])
    return both(strength(given.signals[NAMED], given.scores[MAIN]), kinds, bootstrap, True)


def build(step, workspace: Workspace) -> None:
    """What the ladder says.

    Parameters
    ----------
    step : a declared `real_model` step; its parents are the copies, by name
    workspace : receives the tables orders, differences, left_out, best, changes, levels, floors and estimates; facts: copies,
        kinds, parameters, and the tasks that count; copies that diverged are left out of all, and named by the fact `diverged`
    """
    settings, lost = converged(step.settings, {copy.name: step.parent(copy.name) for copy in step.settings.copies})
    runs = {copy.name: step.parent(copy.name) for copy in settings.copies}
    tables = {name: {table: run.table(table) for table in ("traces", "prose", "options")} for name, run in runs.items()}
    given, bootstrap = bench(tables, settings), settings.bootstrap
    shuffled = equal_copies(given, bootstrap.seed)
    ordered, compared = orders(given, shuffled, bootstrap), differences(given, bootstrap)
    workspace.write_table("orders", ordered)
    workspace.write_table("differences", compared)
    workspace.write_table("left_out", left_out(given))
    workspace.write_table("best", best_of_eighty(given, shuffled, bootstrap))
    workspace.write_table("changes", changes(given, bootstrap))
    workspace.write_table("levels", levels(given, bootstrap))
    workspace.write_table("floors", floors(given, bootstrap.level))
    workspace.write_table("estimates", estimates(ordered, compared, given, bootstrap))
    kinds = given.copies.loc[given.copies["kind"] != SOUND, "kind"].nunique()
    workspace.note(
        copies=len(given.copies),
        kinds=kinds,
        parameters=runs[SOUND].facts["parameters"],
        off_floor=given.off_floor,
        level=bootstrap.level,
        **({"diverged": lost} if lost else {}),
    )


def converged(settings: LadderSettings, runs: Mapping[str, Run]) -> tuple[LadderSettings, list[str]]:
    """The settings without copies whose fine-tune diverged, and the names of those.

    Raises
    ------
    UserError
        Where there are fewer than `LEAST_KINDS` kinds of damage, or so few are left.
    """
    lost = [name for name, run in runs.items() if run.facts.get("diverged")]
    kept = tuple(copy for copy in settings.copies if copy.name not in lost)
    enough = len({copy.kind for copy in kept} - {SOUND}) >= LEAST_KINDS
    if not lost and not enough:
        raise UserError(
            f"real_model.copies: fewer than {LEAST_KINDS} kinds of damage cannot be compared; name copies of another"
        )
    if lost:
        said = f"real_model: diverged and left out: {', '.join(lost)}"
        if not enough:
            raise UserError(f"{said}; too few kinds of damage are left to compare, lower real_model.lora.learning_rate")
        warn(said)
    return settings.model_copy(update={"copies": kept}), lost
