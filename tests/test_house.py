"""The house's own rules: layers, light imports, one list of packages, nothing that should not be in a commit."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "proxylib"
LAYERS = [
    {"errors", "config", "provenance", "store", "stats"},
    {"traces", "tasks", "corpora", "published"},
    {"models"},
    {"tokenstats", "proxies", "features", "evaluate", "measure", "numerics", "finetune", "hub"},
    {"judging"},
    {"grid"},
    {
        "population",
        "selection",
        "selection_text",
        "scoreboard",
        "ranking",
        "model_selection",
        "variants",
        "crucial",
        "trajectory",
        "dial",
        "own_models",
        "exactness",
        "lossgrid",
        "losscontrol",
        "lossfit",
        "loss_text",
        "judges_text",
    },
    {"plots", "bring", "pages", "kernels", "notebooks", "book", "cli"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py") or path.parent != PACKAGE
)
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()


def imported(path):
    """Top-level modules of proxylib that a file imports, wherever in the file."""
    package = ("proxylib", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            full = (*base, *(node.module.split(".") if node.module else ()))
            if full[:1] == ("proxylib",):
                yield from [full[1]] if len(full) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("proxylib."))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_own_layer_or_above(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in imported(path):
        assert LEVEL.get(name, 0) <= LEVEL[own], f"{own} (layer {LEVEL[own] + 1}) imports {name} (layer {LEVEL[name] + 1})"


@pytest.mark.parametrize(
    "module",
    [
        "proxylib",
        "proxylib.grid",
        "proxylib.notebooks",
        "proxylib.features",
        "proxylib.population",
        "proxylib.model_selection",
        "proxylib.variants",
        "proxylib.ranking",
        "proxylib.crucial",
        "proxylib.dial",
        "proxylib.selection",
        "proxylib.pages",
    ],
)
def test_importing_it_does_not_import_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_module_is_empty():
    for path in PACKAGE.rglob("*.py"):
        assert ast.parse(path.read_text()).body, f"{path} is empty"


def test_everything_public_has_a_docstring():
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), f"{path}: no module docstring"
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                short = isinstance(node, ast.FunctionDef) and len(node.body) == 1 and path.stem == "grid"
                assert ast.get_docstring(node) or short or node.name in grid_declarations(), f"{path}: {node.name}"


def grid_declarations():
    """Functions of the grid that only declare a step: their name says all."""
    from proxylib import grid

    return {function.__name__ for function in grid.DECLARATIONS.values()}


def test_environment_and_pyproject_name_the_ten_packages_and_the_lock_pins_them():
    card = {
        "jupyter-book",
        "jupyterlab",
        "papermill",
        "torch",
        "transformers",
        "peft",
        "seaborn",
        "statsmodels",
        "pytest",
        "nbval",
    }
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert card <= set(pip) and "-r requirements.lock" in pip
    locked = {re.split("==", line)[0].lower() for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line}
    assert card <= locked
    declared = re.findall(
        r'^\s*"([A-Za-z0-9_-]+)[^"]*",?\s*(?:#.*)?$|\["([A-Za-z0-9_-]+)', (ROOT / "pyproject.toml").read_text(), re.M
    )
    names = {(a or b).lower() for a, b in declared} - {"e", "f", "w", "i", "b"}
    assert card <= names
    assert "+cpu" not in (ROOT / "requirements.lock").read_text(), "a local version exists on no other machine"


def test_source_notebooks_are_stripped_parametrised_and_have_ids():
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])]
        assert tags.count("parameters") == 1, path
        for cell in notebook.cells:
            assert not cell.get("outputs") and cell.get("execution_count") is None, f"{path} has outputs"
        parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
        for line in parameters.source.splitlines():
            assert re.match(r"\w+ = .+  # .+", line), f"{path}: {line!r} lacks its help"


def test_every_grid_notebook_exists_and_every_notebook_is_in_the_grid():
    from proxylib import grid

    files = {path.stem for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts}
    assert files == set(grid.DECLARATIONS)


def test_toc_lists_every_page_of_the_grid():
    from proxylib import grid

    listed = re.findall(r"file: (\S+)", (ROOT / "_toc.yml").read_text())
    assert {f"book/executed/{name}" for name in grid.PAGES} <= set(listed)


def test_readme_tree_names_every_top_level_file():
    readme = (ROOT / "README.md").read_text()
    top = {path.split("/")[0] for path in TRACKED} - {
        ".gitignore",
        ".gitattributes",
        ".ci",
        ".github",
        ".pre-commit-config.yaml",
    }
    missing = [name for name in sorted(top) if name not in readme]
    assert not missing, f"README's tree lacks {missing}"


def test_only_the_ci_script_names_the_mirror_folder():
    pattern = "../shared" + "/data"
    holders = [name for name in TRACKED if (ROOT / name).is_file() and pattern.encode() in (ROOT / name).read_bytes()]
    assert holders in ([".ci/run"], [])


def test_workflows_call_only_make():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job["steps"]:
                assert "run" not in step or step["run"].startswith("make "), f"{path}: {step['run']}"
