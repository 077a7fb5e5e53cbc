"""Tables of a run that is measured on the way, kept part by part as they come, and joined at its end.

A run killed in between finds its parts again, so that nothing is measured twice and the tables have the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from proxylib.runs.files import parquet_bytes
from proxylib.runs.store import Workspace


class Parts:
    """Parts of tables in a workspace.

    Parameters
    ----------
    workspace : that holds them
    tables : of which every checkpoint has a part
    """

    def __init__(self, workspace: Workspace, tables: Sequence[str]):
        self.workspace, self.tables = workspace, tuple(tables)

    def hold(self, steps: Iterable[int]) -> bool:
        """Whether all parts of these steps are here, intact."""
        return self.workspace.holds(*(_part(name, step) for name in self.tables for step in steps))

    def keep(self, step: int, tokens: int, frames: Mapping[str, pd.DataFrame]) -> None:
        """Write the parts of one step, with its number and its tokens as first columns."""
        for name in self.tables:
            frame = frames[name].copy()
            frame.insert(0, "step", step)
            frame.insert(1, "tokens", tokens)
            self.workspace.write(_part(name, step), parquet_bytes(frame))

    def join(self, steps: Sequence[int]) -> None:
        """Write the tables from their parts, and remove these."""
        for name in self.tables:
            paths = [self.workspace.path(_part(name, step)) for step in steps]
            self.workspace.write_table(name, pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True))
            for path in paths:
                path.unlink()


def _part(table: str, step: int) -> str:
    return f"part-{table}-{step:06d}.parquet"
