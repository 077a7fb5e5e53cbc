"""Tables in parts: joined in order, and found again."""

import pandas as pd

from proxylib.runs.folder import Folder
from proxylib.runs.parts import Parts
from proxylib.runs.store import Workspace


def workspace_in(folder, say=print):
    return Workspace(folder, Folder(folder, {}).progress(), say=say)


def frames(number):
    return {"a": pd.DataFrame({"x": [number, number + 1]}), "b": pd.DataFrame({"y": [str(number)]})}


def test_tables_are_joined_in_the_order_of_places_with_their_columns_in_front(tmp_path):
    parts = Parts(workspace_in(tmp_path), ["a", "b"])
    for step in (9, 4):
        parts.keep(step, frames(step), step=step, tokens=100 * step)
    assert parts.joined("a", [4, 9]).to_dict("list") == {
        "step": [4, 4, 9, 9],
        "tokens": [400, 400, 900, 900],
        "x": [4, 5, 9, 10],
    }
    assert list(parts.joined("b", [4, 9])["y"]) == ["4", "9"]
    parts.remove()
    assert not list(tmp_path.glob("part-*"))


def test_parts_are_found_again_and_a_damaged_one_is_not(tmp_path):
    Parts(workspace_in(tmp_path), ["a", "b"]).keep(4, frames(4), step=4)
    again = Parts(workspace_in(tmp_path, say=lambda text: None), ["a", "b"])
    assert again.hold([4]) and not again.hold([4, 9])
    next(tmp_path.glob("part-b-*")).write_bytes(b"PAR1")
    assert not Parts(workspace_in(tmp_path, say=lambda text: None), ["a", "b"]).hold([4])
