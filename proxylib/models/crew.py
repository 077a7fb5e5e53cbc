"""Several processes that share one piece of work: one leads and writes, the others compute what it deals out.

`torchrun` and `accelerate launch` start the same command several times and tell each process its number by the environment.
What the leader hands out and gets back goes over gloo: the processes need no GPUs, and no common disk for what is written. What
a job names by its path, as a model, has to lie there for all of them.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Callable, Iterator
from typing import Any

import torch.distributed as processes

from proxylib.errors import UserError
from proxylib.models.devices import launched

MEETING = datetime.timedelta(minutes=5)  # within which all processes of a launch have imported
PATIENCE = datetime.timedelta(days=30)  # a shard may take hours; where a process dies, its launcher ends the others


class _Crew:
    """This process among those that were gathered."""

    size, number = 1, 0
    in_step = True  # whether the others wait for the leader's next job


_crew = _Crew()


def size() -> int:
    """Processes that were gathered; 1 outside of `gathered`."""
    return _crew.size


def number() -> int:
    """Of this process among them, from 0, which leads."""
    return _crew.number


@contextlib.contextmanager
def gathered(helper: Callable[[Any], object]) -> Iterator[bool]:
    """Bring the processes of one launch together for the length of a block.

    Parameters
    ----------
    helper : what a process that does not lead makes of each job

    Yields
    ------
    Whether this process leads. The others have helped until the leader left its block, and have nothing more to do.
    """
    if launched("WORLD_SIZE", 1) < 2:
        yield True
        return
    _met()
    _crew.size, _crew.number = processes.get_world_size(), processes.get_rank()
    try:
        if _crew.number:
            while (job := _said(None)) is not None:
                _collected(_tried(helper, job))
            yield False
        else:
            try:
                yield True
            finally:
                if _crew.in_step:  # else they end as their launcher sees this one end
                    _said(None)
    finally:
        _crew.size, _crew.number, _crew.in_step = 1, 0, True
        processes.destroy_process_group()


def _met() -> None:
    """Find the others; `UserError` where there are none, as in an environment that sets WORLD_SIZE for something else."""
    try:
        store, number, size = next(processes.rendezvous("env://", timeout=MEETING))
        store.set_timeout(PATIENCE)
        processes.init_process_group("gloo", store=store, rank=number, world_size=size, timeout=PATIENCE)
    except Exception as error:  # a variable that is missing, no leader, a number given twice
        reason = " ".join(str(error).split())[:100]
        raise UserError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, but the other processes were not met ({reason}); start with torchrun "
            "or accelerate launch, or unset WORLD_SIZE"
        ) from None


def share(job: Any, lead: Callable[[Any], object]) -> list[Any]:
    """What every process makes of a job, in the order of their numbers; `lead` is what this one does.

    Raises
    ------
    UserError
        The first that a process met; all have ended the job.
    """
    if _crew.size == 1:
        return [lead(job)]
    _crew.in_step = False
    _said(job)
    parts = _collected(_tried(lead, job))
    _crew.in_step = True
    for part in parts:
        if isinstance(part, UserError):
            raise part
    return parts


def _tried(work: Callable[[Any], object], job: Any) -> object:
    try:
        return work(job)
    except UserError as error:
        return error


def _said(job: Any) -> Any:
    """What the leader says, in every process."""
    box = [job]
    processes.broadcast_object_list(box)
    return box[0]


def _collected(part: Any) -> list[Any]:
    """In the leader, what every process gives; in the others, nothing."""
    parts = None if _crew.number else [None] * _crew.size
    processes.gather_object(part, parts)
    return parts or []
