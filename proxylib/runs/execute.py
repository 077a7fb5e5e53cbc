"""Running notebooks: parameters checked before a kernel starts, failures kept apart, the grid walked."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Iterable, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from proxylib.errors import UserError
from proxylib.runs import closure, config, parameters
from proxylib.runs.files import alone
from proxylib.runs.kernels import IPCKernelManager, WaitingKernel, die_with_parent
from proxylib.runs.step import NOTEBOOK_VERSION, Step, cells_digest
from proxylib.runs.step import chains as longest_chains
from proxylib.runs.store import NOTEBOOK, Key, Run, Store, Workspace
from proxylib.text import all_without_keys, line, without_keys

PAGE = "page.ipynb"
UNSCORED_LIMIT = 0.05  # share of a judge's questions above which the walk says so
WORTH_IMPORTING = 3  # steps that make up for what their processes import in common


def own_step(notebook: Path, given: Mapping[str, Any]) -> Step:
    """A notebook outside the grid as a step of its own, which keeps what it executed to."""
    values = parameters.defaults(notebook) | dict(given)
    profile = values.get("profile", "smoke")
    config.check_name(profile)
    inputs = {"cells": cells_digest(notebook)}
    key = Key("notebook", NOTEBOOK_VERSION, {"notebook": notebook.stem, "parameters": values}, inputs)
    return Step(notebook.stem, notebook, dict(given), None, key, {}, Store(profile))


def run(step: Step) -> Run:
    """Make a step's run by executing its notebook in a kernel of its own.

    Raises
    ------
    UserError
        What the notebook itself raised as a mendable error.
    NotebookFailed
        Any other failure; the notebook lies under `failed/` with its traceback.
    """
    with alone(step.store.root / "executing" / f"{step.key.run_id}.lock", f"run {step.key.stage}/{step.key.run_id}"):
        if step.page:
            return step.store.produce(step.key, lambda workspace: _make_page(step, workspace))
        executed = _execute(step)
        finished = step.store.find(step.key)
        if finished is None or finished.withheld:
            place = step.store.set_aside(step.key, executed, "the notebook ended without making its run\n")
            raise NotebookFailed(f"{step.name}: the notebook ended without making its run; see {place}")
        shutil.move(executed, finished.folder / NOTEBOOK)
        return finished


class NotebookFailed(Exception):
    """A notebook failed for a reason that only its traceback can tell; the message is a line without keys."""

    def __init__(self, message: str):
        super().__init__(line(without_keys(message)))


def _make_page(step: Step, workspace: Workspace) -> None:
    executed = _execute(step)
    shutil.move(executed, workspace.path(PAGE))


def _execute(step: Step) -> Path:
    """Execute with papermill into a place that is no page; returns the cleaned notebook there."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    place = step.store.root / "executing" / f"{step.key.run_id}.ipynb"
    place.parent.mkdir(parents=True, exist_ok=True)
    # steps run beside each other: linear algebra that spins on every core would slow all of them several times over
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    logging.getLogger("papermill").addHandler(logging.NullHandler())  # what it says of a dead kernel is said below
    try:
        papermill.execute_notebook(
            str(step.notebook),
            str(place),
            parameters=dict(step.parameters),
            language="python",
            kernel_name="python3",  # this environment's own, whatever the notebook was last saved with
            kernel_manager_class="proxylib.runs.kernels.IPCKernelManager",
            progress_bar=False,
            on_cell_executed=_refuse_ending,
            cwd=str(config.ROOT),
        )
    except PapermillExecutionError as error:
        kept = step.store.set_aside(step.key, place, "\n".join([*error.traceback, ""]))
        if error.ename == "UserError":
            raise UserError(f"{step.name}: {error.evalue}") from None
        last = str(error.evalue).strip().splitlines()[0] if str(error.evalue).strip() else ""
        raise NotebookFailed(f"{step.name}: {error.ename}: {last}; see {kept}") from None
    except Exception as error:  # the kernel died, or never came up
        kept = step.store.set_aside(step.key, place, traceback.format_exc())
        first = (str(error).strip().splitlines() or [""])[0]
        raise NotebookFailed(f"{step.name}: {type(error).__name__}: {first}; see {kept}") from None
    _clean(place)
    return place


class StoppedEarly(Exception):
    """A cell that ends its kernel and calls that no error."""


def _refuse_ending(cell: Any, cell_index: int, execute_reply: Mapping[str, Any]) -> None:
    """Called after every cell: papermill takes sys.exit(0) for success, and exit() leaves the kernel alive for a while."""
    said = execute_reply["content"]
    asked = any(payload.get("source") == "ask_exit" for payload in said.get("payload", []))
    if asked or said.get("ename") == "SystemExit":
        how = "a call of exit" if asked else "SystemExit"
        raise StoppedEarly(f"cell {cell_index + 1} ends the notebook ({how}); what stands behind it is not run")


def _clean(path: Path) -> None:
    """Drop timings and hide the plumbing, so that the same run gives the same page."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    for holder in (notebook, *notebook.cells):
        for name in ("papermill", "execution"):
            holder.metadata.pop(name, None)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if {"parameters", "injected-parameters"} & set(tags):
            cell.metadata["tags"] = [*tags, "remove-cell"]
    nbformat.write(all_without_keys(notebook), path)


def state(step: Step) -> str:
    """cached (made here), recorded (in the committed store) or missing."""
    run = step.store.find(step.key)
    if run is None:
        return "missing"
    return "recorded" if run.recorded else "cached"


def outstanding(steps: Iterable[Step]) -> list[Step]:
    """The steps that have to run, in order: the missing ones, and recorded ones that a missing one needs whole."""
    steps = list(steps)
    todo, whole = set(), set()
    for step in reversed(steps):
        run = step.store.find(step.key)
        if run is None or (run.withheld and step.key.run_id in whole):
            todo.add(step.key.run_id)
            if step.whole:
                whole |= {parent.key.run_id for parent in step.parents.values()}
    return [step for step in steps if step.key.run_id in todo]


def _child(step: Step, sender: Any) -> None:
    die_with_parent()
    # what a library prints belongs to the failed notebook, not between the lines of the grid
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    if sys.platform == "linux":
        IPCKernelManager.waiting = WaitingKernel()  # it has imported what this process has
    try:
        run(step)
        sender.send(("done", ""))
    except UserError as error:
        sender.send(("failed", f"error: {error}"))
    except NotebookFailed as error:
        sender.send(("failed", str(error)))
    except BaseException:
        sender.send(("failed", without_keys(traceback.format_exc(limit=3))))


def _import_once(steps: Sequence[Step]) -> None:
    """Import what the kernels of steps need, so that their forks need not: five to six seconds a step."""
    import ipykernel.kernelapp  # noqa: F401
    import papermill  # noqa: F401

    if len(steps) < WORTH_IMPORTING or sys.platform != "linux":
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when linear algebra is loaded
    with warnings.catch_warnings(action="ignore"):  # of libraries about a terminal that they miss
        closure.preload({step.stage.builder for step in steps if step.stage})
        for notebook in {step.notebook for step in steps}:
            with contextlib.suppress(SyntaxError):  # its own run says so
                closure.preload(closure.called_by(notebook))


def walk(steps: Iterable[Step], jobs: int, record: bool, say: Any = print) -> int:
    """Run what is outstanding, `jobs` steps at a time; returns the number of steps that failed or were blocked.

    Of the steps whose parents are there, the one with the longest chain of work behind it begins first, lest one end alone.

    A failed step blocks its dependants and nothing else. Each step runs in a process of its own, which dies with this
    one, as its kernel does.
    """
    steps = list(steps)
    todo = outstanding(steps)
    waiting = {step.key.run_id: step for step in todo}
    chains = longest_chains(steps)
    for step in steps:
        if step.key.run_id not in waiting:
            say(f"{state(step):9} {step.name}")
            if record:
                _record(step)
    if not todo:
        return 0
    _import_once(todo)
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    running: dict[Any, tuple[Step, Any, float]] = {}
    bad: set[str] = set()
    while waiting or running:
        for run_id, step in sorted(waiting.items(), key=lambda item: -chains[item[0]]):
            parents = {parent.key.run_id for parent in step.parents.values()}
            if parents & bad:
                say(f"blocked   {step.name}")
                bad.add(run_id)
                del waiting[run_id]
            elif len(running) < jobs and not parents & (waiting.keys() | {s.key.run_id for s, _, _ in running.values()}):
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_child, args=(step, sender))
                process.start()
                sender.close()
                say(f"run       {step.name}")
                running[receiver] = (step, process, time.perf_counter())
                del waiting[run_id]
        for receiver in wait(list(running), timeout=1.0):
            step, process, began = running.pop(receiver)
            try:
                outcome, message = receiver.recv()
            except EOFError:
                outcome, message = "failed", f"{step.name}: its process was killed"
            process.join()
            say(f"{outcome:9} {step.name}  {time.perf_counter() - began:.1f} s" + (f"\n          {message}" if message else ""))
            if outcome == "failed":
                bad.add(step.key.run_id)
            else:
                if lost := _unscored(step):
                    say(f"          {lost}")
                if record:
                    _record(step)
    return len(bad)


def _unscored(step: Step) -> str:
    """What to say of a run whose judge left too much unscored; its pages show the share, but nobody reads them first."""
    run = step.store.find(step.key)
    judged, lost = (run.facts.get(name) if run else None for name in ("judged", "unscored"))
    if not isinstance(judged, int) or not isinstance(lost, int) or lost <= UNSCORED_LIMIT * judged:
        return ""
    return f"{lost} of {judged} verdicts are unscored ({100 * lost / judged:.0f} %): its pass rates are of the others alone"


def _record(step: Step) -> None:
    run = step.store.find(step.key)
    if run and not step.page and not run.recorded:
        step.store.record(run, step.shared)
