"""What a source of traces holds: the traces, which of them are independent, and what became of the rows on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from proxylib.data import repeats
from proxylib.data.thinking import Think
from proxylib.data.trace import Trace

Key = tuple[str, str]  # task, id
NAMED = 3  # copies


@dataclass(frozen=True)
class Counts:
    """What became of the rows of a source.

    Parameters
    ----------
    rows : read, blank lines apart
    copies : of these, with prompt and solution of an earlier one, see `repeats.normal`
    first_copies : the first few of them by id, and what each is a copy of
    problems : different ones
    promptless : without a prompt; each a problem of its own, as nothing says which belong together
    thoughts : solutions with a think block
    think : whether such blocks were kept or cut
    clipped : log-probabilities of the expert a little above 0, taken as 0
    """

    rows: int
    copies: int
    problems: int
    first_copies: tuple[str, ...] = ()
    promptless: int = 0
    thoughts: int = 0
    think: Think = "keep"
    clipped: int = 0

    def summary(self) -> str:
        """The counts in a line; those of nothing are left away."""
        parts = [f"{self.rows} traces read", f"{self.problems} {'problem' if self.problems == 1 else 'problems'}"]
        few = f" ({', '.join(self.first_copies)}{', ...' * (self.copies > len(self.first_copies))})" * bool(self.first_copies)
        parts += [f"{self.copies} {'copy' if self.copies == 1 else 'copies'}{few}"] * (self.copies > 0)
        parts += [f"{self.promptless} without a prompt, each taken for a problem of its own"] * (self.promptless > 0)
        parts += [f"{self.thoughts} with a think block ({self.think})"] * (self.thoughts > 0)
        parts += [f"{self.clipped} log-probabilities just above 0 taken as 0"] * (self.clipped > 0)
        return "; ".join(parts)

    def of_rows(self) -> dict[str, int]:
        """What `became.table` says of the rows, whichever of them are measured."""
        return {"traces": self.rows, "copies": self.copies}


@dataclass(frozen=True, eq=False)
class Reading:
    """Traces and what else their source says of them.

    Parameters
    ----------
    traces : in the order of the source
    problems : (task, id) -> which problem a trace solves; traces of one are no independent evidence
    copies : (task, id) of each copy among the traces -> that of the trace which it repeats
    counts : what became of the rows
    expert : None where no trace says what the expert thought, else columns task, id, position, offset (character), n_bytes,
        nll (nats), for `proxies.rbridge`
    """

    traces: list[Trace]
    problems: Mapping[Key, str]
    copies: Mapping[Key, Key]
    counts: Counts
    expert: pd.DataFrame | None = None

    def without_copies(self) -> Reading:
        """The same with one trace of each; the counts still say how many there were."""
        kept = [trace for trace in self.traces if (trace.task, trace.id) not in self.copies]
        return replace(self, traces=kept, copies={})


def reading_of(traces: list[Trace], labels: Mapping[Key, str] | None = None, counts: Counts | None = None) -> Reading:
    """A reading of traces, with its copies and problems worked out.

    Parameters
    ----------
    traces : of one source
    labels : the problem of each where somebody named it, see `repeats.problems_of`
    counts : of the rows that they were read from, where copies and problems are not counted yet
    """
    counts = counts or Counts(len(traces), 0, 0)
    copies, solved = repeats.copies_of(traces), repeats.problems_of(traces, labels)
    named = labels or {}
    promptless = sum(not repeats.normal(trace.prompt) and (trace.task, trace.id) not in named for trace in traces)
    few = tuple(f"{copy[1]} of {first[1]}" for copy, first in list(copies.items())[:NAMED])
    counted = {
        "first_copies": few,
        "copies": counts.copies + len(copies),
        "problems": len(set(solved.values())),
        "promptless": promptless,
    }
    return Reading(traces, solved, copies, replace(counts, **counted))
