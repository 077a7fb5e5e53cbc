"""Published runs: loss against accuracy, and checkpoints chosen on some items or tasks and scored on others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from proxylib.alarms.choice import ChoiceSettings
from proxylib.data.published import gadre, gemstones, olmo_ladder, pythia
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.checkpoints import claimed, equal_loss, fresh, steps

GEMSTONES, OLMO, PYTHIA, GADRE = "Gemstones", "OLMo", "Pythia", "Gadre"
WITHIN, ACROSS = "Gadre, one corpus", "Gadre, two corpora"
WINDOWS = (5, 10, 20, 30, 50)
PART = 3  # a window is at most this part of a run's checkpoints
LATE = 18  # checkpoints of Gemstones, the second half of a run
WOBBLE = 10  # last checkpoints, about whose line a loss wobbles
BOTH = ("mmlu", "arc_easy", "arc_challenge", "openbookqa")  # tasks of OLMo with validation and test items
WEIGHTS = 500  # composites drawn at random
FIRST_STEP = 3_000  # of Pythia, from which on checkpoints stand evenly
TREND = {GEMSTONES: 10, OLMO: 20}


@dataclass(frozen=True, eq=False)
class Panel:
    """One run: scores and their variances [tasks, n] at every checkpoint, oldest first, and the loss [n]."""

    family: str
    name: str
    cluster: str
    tasks: tuple[str, ...]
    score: np.ndarray
    variance: np.ndarray
    loss: np.ndarray

    def of(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Scores and variances of some tasks."""
        places = [self.tasks.index(name) for name in names]
        return self.score[places], self.variance[places]


def panels(history: pd.DataFrame, family: str, loss: str, cluster: Callable[[str], str]) -> list[Panel]:
    """Runs of a history; a checkpoint that lacks a task or the loss is left out."""
    rows = []
    for name, part in history[history["tokens"] > 0].groupby("run", sort=False):
        wide = {column: part.pivot(index="tokens", columns="task", values=column) for column in ("score", "stderr")}
        losses = part.groupby("tokens")[loss].first()
        whole = np.isfinite(pd.concat([*wide.values(), losses], axis=1)).all(axis=1).to_numpy()
        score, error = (frame[whole].to_numpy().T for frame in wide.values())
        tasks = tuple(map(str, wide["score"].columns))
        rows.append(Panel(family, str(name), cluster(str(name)), tasks, score, error**2, losses[whole].to_numpy()))
    return rows


def read() -> dict[str, list[Panel]]:
    """The published runs by set; clusters are shapes and sizes."""
    olmo = pd.concat([olmo_ladder.ladder(reruns=True), *(olmo_ladder.seven_b(run) for run in olmo_ladder.SEVEN_B)])
    small = pythia.pythia()
    small = small[small["step"] >= FIRST_STEP]
    return {
        GEMSTONES: panels(gemstones.gemstones(), GEMSTONES, "loss_fineweb_edu", str),
        OLMO: panels(olmo, OLMO, "loss_c4", lambda name: name.split("-")[0]),
        PYTHIA: panels(small, PYTHIA, "lambada_nll", lambda name: name.split("-")[1]),
        GADRE: panels(gadre.gadre(), GADRE, "loss_c4", str),
    }


def tolerance(runs: Iterable[Panel]) -> float:
    """Difference of losses that is no more than their noise."""
    return float(np.sqrt(2) * equal_loss.line_noise([run.loss[-WOBBLE:] for run in runs]))


def spreads(sets: dict[str, list[Panel]], bootstrap: Bootstrap) -> pd.DataFrame:
    """`equal_loss.spread` of every set, with columns set and tolerance."""
    noise = tolerance(sets[GEMSTONES])
    rows = []
    ladder = [run for run in sets[OLMO] if not run.name.endswith("rerun") and run.cluster != "7B"]
    for name, models, reach in (
        (GEMSTONES, _models(sets[GEMSTONES], slice(-LATE, None)), noise),
        (WITHIN, _models(sets[GADRE], slice(-1, None), groups=gadre.corpus_of), noise),
        (ACROSS, _models(sets[GADRE], slice(-1, None), runs=gadre.corpus_of), noise),
        ("OLMo's ladder", _models(ladder, slice(-1, None), names=olmo_ladder.PAPER_TASKS), tolerance(ladder)),
    ):
        first, second = models.pairs()
        if (np.abs(models.loss[first] - models.loss[second]) <= reach).any():
            rows.append(equal_loss.spread(models, reach, bootstrap).assign(set=name, tolerance=reach))
    return pd.concat(rows, ignore_index=True)


def _models(
    chosen: Sequence[Panel],
    part: slice,
    names: Sequence[str] | None = None,
    runs: Callable[[str], str] = str,
    groups: Callable[[str], str] = lambda _: "",
) -> equal_loss.Models:
    """Checkpoints of runs as models with a loss and accuracies; labels come from a run's name."""
    names = tuple(names or chosen[0].tasks)
    each = [run.of(names) for run in chosen]
    label = lambda of: [of(run.name) for run in chosen for _ in run.loss[part]]
    return equal_loss.Models(
        loss=np.concatenate([run.loss[part] for run in chosen]),
        accuracy=np.concatenate([score[:, part].T for score, _ in each]),
        variance=np.concatenate([variance[:, part].T for _, variance in each]),
        tasks=names,
        runs=label(runs),
        groups=label(groups),
        clusters=label(str),
    )


def series(run: Panel) -> steps.Series:
    """A run for `steps.small_steps` and `steps.trends`; of OLMo the tasks that its paper predicts."""
    names = olmo_ladder.PAPER_TASKS if run.family == OLMO else run.tasks
    score, variance = run.of(names)
    return steps.Series(run.name, run.cluster, run.loss, score, tuple(names), steps.p_of_shares(score, variance))


def windows(checkpoints: int) -> list[int]:
    """Those that are no more than a third of a run."""
    return [window for window in WINDOWS if window * PART <= checkpoints]


def on_other_tasks(run: Panel, seed: int) -> list[dict[str, object]]:
    """A random half of the tasks chooses, the other scores."""
    names = olmo_ladder.PAPER_TASKS if run.family == OLMO else run.tasks
    score, _ = run.of(names)
    first, second = fresh.halves([len(names)], np.random.default_rng(seed))
    rows = []
    for window in windows(score.shape[1]):
        last = score[:, -window:]
        about = {"set": run.family, "run": run.name, "cluster": run.cluster, "fresh": fresh.TASKS, "window": window}
        rows.append(about | fresh.judged(first @ last, second @ last, np.random.default_rng(seed)))
    return rows


def on_other_items(run: Panel, bootstrap: Bootstrap) -> dict[str, list[dict[str, object]]]:
    """Validation items choose, test items score (and the other way): choices, rules, weights, noise of a run of OLMo."""
    (val, noise), (test, _) = (run.of([f"{task}_{part}" for task in BOTH]) for part in ("val", "test"))
    settings = ChoiceSettings(level=bootstrap.level, draws=1000, seed=bootstrap.seed)
    tables: dict[str, list[dict[str, object]]] = {"choices": [], "rules": [], "weights": [], "noise": []}
    for window in windows(val.shape[1]):
        about = {"set": run.family, "run": run.name, "cluster": run.cluster, "window": window}
        rng = np.random.default_rng(bootstrap.seed)
        chosen, scored = val[:, -window:], test[:, -window:]
        one, other = chosen.mean(0)[None], scored.mean(0)[None]
        tables["choices"] += [
            about | {"fresh": fresh.ITEMS} | fresh.judged(one, other, rng),
            about | {"fresh": fresh.BACK} | fresh.judged(other, one, rng),
        ]
        error = noise[:, -window:].sum(0) / len(BOTH) ** 2
        gains = fresh.rules(one, other, np.diag(error), settings, rng)
        tables["rules"] += [about | {"rule": rule, "gain": gain} for rule, gain in gains.items()]
        changed, lost = fresh.weighted(chosen, scored, WEIGHTS, rng)
        tables["weights"].append(about | {"changed": changed, "lost": lost})
        true, luck = fresh.noises(one, other)
        tables["noise"].append(about | {"true": true, "items": luck, "as_others": float(error.mean())})
    return tables


def build(step, workspace: Workspace) -> None:
    """Loss against accuracy and the choice of checkpoints in published runs.

    Parameters
    ----------
    step : a declared `published_checkpoints` step, whose settings are the bootstrap's
    workspace : receives spreads (`equal_loss.spread`, with set and tolerance), steps (`steps.small_steps`) and trends
        (`steps.trends`) per run, choices (`fresh.judged`), rules, weights and noise (variances) per run and window, summary
        (`claimed.summary`), and estimates
    """
    bootstrap: Bootstrap = step.settings
    sets = read()
    tables: dict[str, list[dict[str, object]]] = {"choices": [], "rules": [], "weights": [], "noise": []}
    moves, lines = [], []
    for name in (GEMSTONES, OLMO, PYTHIA):
        for run in sets[name]:
            tables["choices"] += on_other_tasks(run, bootstrap.seed)
            if name == OLMO:
                for table, rows in on_other_items(run, bootstrap).items():
                    tables[table] += rows
            if name in TREND:
                moves.append({"set": name} | steps.small_steps(series(run), bootstrap.level))
                lines.append({"set": name} | steps.trends(series(run), TREND[name]))
    frames = {table: pd.DataFrame(rows) for table, rows in tables.items()}
    frames |= {"spreads": spreads(sets, bootstrap), "steps": pd.DataFrame(moves), "trends": pd.DataFrame(lines)}
    frames["summary"] = claimed.summary(frames, bootstrap.level)
    frames["trend_ratios"] = claimed.trend_ratios(frames["trends"], bootstrap.level)
    frames["moved"] = claimed.moved(frames["steps"], bootstrap.level)
    for table, frame in frames.items():
        workspace.write_table(table, frame)
    workspace.write_table("estimates", claimed.published(frames, bootstrap.level))
    workspace.note(level=bootstrap.level, draws=bootstrap.draws)
