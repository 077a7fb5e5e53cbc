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
    tables : of which every place (a step, an average) has a part
    """

    def __init__(self, workspace: Workspace, tables: Sequence[str]):
        self.workspace, self.tables = workspace, tuple(tables)

    def hold(self, places: Iterable[int]) -> bool:
        """Whether all parts of these places are here, intact."""
        return self.workspace.holds(*(_part(name, place) for place in places for name in self.tables))

    def keep(self, place: int, frames: Mapping[str, pd.DataFrame], **columns: object) -> None:
        """Write the parts of one place, `columns` in front of each."""
        for name in self.tables:
            about = {column: [value] * len(frames[name]) for column, value in columns.items()}
            frame = pd.concat([pd.DataFrame(about, index=frames[name].index), frames[name]], axis=1)
            self.workspace.write(_part(name, place), parquet_bytes(frame))

    def joined(self, table: str, places: Iterable[int]) -> pd.DataFrame:
        """The parts of these places as one."""
        parts = [pd.read_parquet(self.workspace.path(_part(table, place))) for place in places]
        return pd.concat(parts, ignore_index=True)

    def remove(self) -> None:
        """Remove all parts; only when everything that is made of them is written."""
        for name in self.tables:
            for path in self.workspace.folder.glob(f"part-{name}-*.parquet"):
                path.unlink()


def _part(table: str, place: int) -> str:
    return f"part-{table}-{place:06d}.parquet"
