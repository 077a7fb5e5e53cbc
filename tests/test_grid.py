"""The declared grid: ids, dependants, errors."""

import shutil

import pytest
import yaml

from proxylib import config, grid
from proxylib.errors import UserError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copytree(config.CONFIGS, tmp_path / "configs")
    monkeypatch.setenv("PROXYLIB_CONFIGS", str(tmp_path / "configs"))
    return tmp_path / "configs"


def ids(profile="smoke"):
    return {step.name: step.key.run_id for step in grid.steps(profile)}


def changed_by(folder, **values):
    before = ids()
    path = folder / "smoke.yaml"
    path.write_text(yaml.safe_dump(config.overlay(yaml.safe_load(path.read_text()), values)))
    after = ids()
    return {name.split("/")[0] if not name.startswith("page") else name for name in before if before[name] != after.get(name)}


@pytest.mark.parametrize(
    ("values", "stages"),
    [
        ({"extraction": {"chunk": 64}}, {"extract", "population", "page/the_lab"}),
        ({"evaluation": {"new_tokens": 25}}, {"evaluate", "population", "page/the_lab"}),
        ({"training": {"tokens": 20000}}, {"train", "extract", "evaluate", "population", "page/the_lab"}),
        ({"inference": {"draws": 300}}, {"population", "page/the_lab", "datadecide", "page/choosing_a_corpus"}),
        ({"material": {"items": 18}}, {"material", "train", "extract", "evaluate", "population", "page/the_lab"}),
    ],
)
def test_a_changed_value_changes_its_dependants_and_nothing_else(folder, values, stages):
    assert changed_by(folder, **values) == stages


def test_parents_come_before_children_and_ids_are_unique():
    steps = grid.steps("reference")
    seen = set()
    for step in steps:
        assert {parent.key.run_id for parent in step.parents.values()} <= seen
        seen.add(step.key.run_id)
    assert len(seen) == len(steps) == len({step.name for step in steps})


def test_a_notebook_and_the_grid_declare_the_same_step():
    declared = {step.name: step.key.run_id for step in grid.steps("lab")}
    step = grid.declare("extract", "lab", model="llama-bpe-64", seed=None)
    assert declared[step.name] == step.key.run_id


def test_an_override_makes_another_run():
    assert (
        grid.declare("train", "lab", model="llama-bpe-64", tokens=5000).key
        != grid.declare("train", "lab", model="llama-bpe-64").key
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"notebook": "trian", "profile": "smoke"}, "not part of the grid"),
        ({"notebook": "train", "profile": "smokey", "model": "llama-byte-32"}, "'smokey' is unknown"),
        ({"notebook": "train", "profile": "smoke", "model": "llama-byte-33"}, "'llama-byte-33' is not in profile smoke"),
        ({"notebook": "train", "profile": "smoke", "modle": "x"}, "parameter modle is unknown in train"),
        ({"notebook": "train", "profile": "smoke", "model": "llama-byte-32", "tokens": 5}, "parameter tokens"),
    ],
)
def test_a_bad_declaration_is_one_line(call, said):
    with pytest.raises(UserError) as error:
        grid.declare(**call)
    assert said in str(error.value)


def test_the_digest_of_a_notebook_ignores_what_an_editor_adds(tmp_path):
    import nbformat

    path = grid.NOTEBOOKS / "pages" / "the_lab.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["widgets"] = {}
    notebook.cells[1]["execution_count"] = 3
    nbformat.write(notebook, tmp_path / "copy.ipynb")
    assert grid.cells_digest(tmp_path / "copy.ipynb") == grid.cells_digest(path)
    notebook.cells[-1].source += "\n1"
    nbformat.write(notebook, tmp_path / "copy.ipynb")
    assert grid.cells_digest(tmp_path / "copy.ipynb") != grid.cells_digest(path)
