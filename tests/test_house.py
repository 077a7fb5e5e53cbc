"""The house's own rules: layers, light imports, one list of packages, nothing that should not be in a commit."""

import ast
import graphlib
import importlib.metadata
import itertools
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "proxylib"
#: rooms from the top down: a module imports from its own room and from those above it
ROOMS = (
    "text",
    "errors",
    "settings",
    "stats",
    "runs",
    "data",
    "models",
    "measure",
    "judging",
    "ranking",
    "laws",
    "alarms",
    "report",
    "studies",
    "cli",
)
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py") or path.parent != PACKAGE
)
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()


def imported(path):
    """Modules of proxylib that a file imports, wherever in the file, as tuples of their parts."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import; write proxylib.room.module"
            if node.module.split(".")[0] == "proxylib":
                yield from (tuple(f"{node.module}.{alias.name}".split(".")[1:]) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")[1:]) for alias in node.names if alias.name.startswith("proxylib."))


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_own_room_or_those_above(path):
    own = room_of(path)
    for parts in imported(path):
        if parts[0] in ROOMS:
            assert ROOMS.index(parts[0]) <= ROOMS.index(own), f"{own} imports {'.'.join(parts)}, which is below it"


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) == "studies"], ids=lambda path: path.stem)
def test_no_study_imports_another(path):
    own = path.relative_to(PACKAGE).parts[1]
    others = {parts[1] for parts in imported(path) if parts[0] == "studies" and len(parts) > 2} - {own}
    assert not others, f"{path}: imports the studies {others}; what two share belongs into a room above"


def test_no_module_imports_in_a_circle():
    """Each module can be imported first: no order of imports makes or breaks it."""
    names = {path: ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__") for path in MODULES}
    known = set(names.values())
    edges = {}
    for path, name in names.items():
        top = ast.Module([node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom)], [])
        given = {
            f"{node.module}.{alias.name}".removeprefix("proxylib.")
            for node in top.body
            if node.module.startswith("proxylib")
            for alias in node.names
        }
        edges[name] = {part for full in given for part in (full, full.rpartition(".")[0]) if part in known and part != name}
    graphlib.TopologicalSorter(edges).prepare()


@pytest.mark.parametrize("module", ["proxylib", "proxylib.studies", "proxylib.runs.execute", "proxylib.report.book"])
def test_importing_it_does_not_import_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_declaring_every_step_imports_no_torch_and_opens_no_connection():
    code = """
import socket, sys
def refused(*_):
    raise AssertionError("a connection")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refused
from proxylib import studies
from proxylib.runs.config import PROFILES
for profile in PROFILES:
    assert studies.steps(profile)
sys.exit("torch" in sys.modules or "transformers" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_analyses_and_plots_import_no_torch():
    """Modules that pages call: whoever reads a recorded run needs no model."""
    pages = " ".join(
        cell.source for path in (ROOT / "notebooks" / "pages").glob("*.ipynb") for cell in nbformat.read(path, 4).cells
    )
    wanted = sorted(set(re.findall(r"from (proxylib[.\w]*) import ([\w, ]+)", pages)))
    code = "import sys\n" + "\n".join(f"from {module} import {names}" for module, names in wanted)
    assert subprocess.run([sys.executable, "-c", f"{code}\nsys.exit('torch' in sys.modules)"]).returncode == 0


def test_no_module_is_empty():
    for path in PACKAGE.rglob("*.py"):
        assert ast.parse(path.read_text()).body, f"{path} is empty"


#: tests of no one module, with the reason
ACROSS = {
    "test_house.py": "the house's own rules",
    "test_contributing.py": "the examples of CONTRIBUTING.md",
    "test_recipe.py": "the recipe for models of the hub, in book/rerun.md",
    "test_recorded.py": "the recorded results",
    "runs/test_faults.py": "finished folders of all commands, damaged",
    "runs/test_kill.py": "a grid, its kernels and its folders, killed together",
    "cli/test_command_line.py": "all commands together",
    "judging/test_served.py": "our judge behind another package's server",
    "models/test_chat_fuzz.py": "templates made up by the hundred, in the sandbox, the check and the commands",
    "measure/tokenstats/test_architectures.py": "statistics, engine and loading on every architecture",
    "measure/tokenstats/test_gpu.py": "the same on a GPU",
    "measure/tokenstats/test_real_traces.py": "the same on published problems",
    "test_licences.py": "a script of tools/",
    "cli/test_installed.py": "a wheel away from the repository",
    "notebooks": "the pages of the book, as their readers meet them",
    "workflow": "the Snakefile",
    "benchmarks": "scripts beside the package",
}


def test_tests_mirror_the_package_file_by_file():
    assert all((ROOT / "tests" / name).exists() for name in ACROSS)
    for path in (ROOT / "tests").rglob("test_*.py"):
        place = path.relative_to(ROOT / "tests")
        if str(place) in ACROSS or place.parts[0] in ACROSS:
            continue
        module = PACKAGE / place.with_name(place.name.removeprefix("test_"))
        assert module.exists(), f"tests/{place}: there is no {module.relative_to(ROOT)}; a test stands beside what it tests"


def test_everything_public_has_a_docstring():
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), f"{path}: no module docstring"
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name}"


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
    assert card <= locked("requirements.lock").keys()
    declared = re.findall(
        r'^\s*"([A-Za-z0-9_-]+)[^"]*",?\s*(?:#.*)?$|\["([A-Za-z0-9_-]+)', (ROOT / "pyproject.toml").read_text(), re.M
    )
    names = {(a or b).lower() for a, b in declared} - {"e", "f", "w", "i", "b"}
    assert card <= names
    assert "+cpu" not in (ROOT / "requirements.lock").read_text(), "a local version exists on no other machine"


LOCKS = ("requirements.lock", "requirements-cuda.lock")
SYSTEMS = [("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64")]
WHERE = [
    {"python_version": version, "python_full_version": f"{version}.5", "sys_platform": name, "platform_system": system}
    | {"platform_machine": machine, "os_name": "posix", "implementation_name": "cpython", "extra": ""}
    for version in ("3.11", "3.12", "3.13")
    for name, system, machine in SYSTEMS
]


def locked(name):
    """Package -> the lines that pin it, joined."""
    text = (ROOT / name).read_text().replace("\\\n", "")
    rows = [line for line in text.splitlines() if not line.startswith("#")]
    return {canonicalize_name(Requirement(row.split(" --hash")[0]).name): row for row in rows}


@pytest.mark.parametrize("name", LOCKS)
def test_every_pinned_version_has_the_digests_of_its_files(name):
    for row in locked(name).values():
        requirement = Requirement(row.split(" --hash")[0])
        assert re.fullmatch("==[^,*]+", str(requirement.specifier)), row
        assert re.fullmatch("( +--hash=sha256:[0-9a-f]{64})+", row[row.index(" --hash") :].rstrip()), row
        assert name == LOCKS[0] or not requirement.marker.evaluate(WHERE[2]), "CUDA on a Mac"


def test_the_locks_leave_out_nothing_that_a_system_needs():
    """pip is told to look for nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *itertools.chain.from_iterable(project["optional-dependencies"].values())]
    waiting, seen, pinned = [Requirement(line) for line in asked], set(), locked(LOCKS[0]) | locked(LOCKS[1])
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        pin = Requirement(pinned[name].split(" --hash")[0])
        assert requirement.specifier.contains(str(pin.specifier)[2:], prereleases=True), requirement
        for extra in {"", *requirement.extras}:
            if (name, extra) in seen or not installed(name):
                continue
            seen.add((name, extra))
            lines = map(Requirement, importlib.metadata.requires(name) or [])
            here = [place | {"extra": extra} for place in WHERE]
            needs = lambda line, here=here: not line.marker or any(map(line.marker.evaluate, here))
            waiting += filter(needs, lines)
    assert len(seen) > 200


def installed(name):
    """Whether its metadata are at hand: what another system needs is not here."""
    try:
        return bool(importlib.metadata.distribution(name))
    except importlib.metadata.PackageNotFoundError:
        return False


def test_torch_may_come_from_either_index():
    """With CUDA from PyPI, or without from PyTorch's own index: for both, every Python and system has a wheel."""
    assert locked(LOCKS[0])["torch"].count("--hash") >= 24 + 6
    assert any(line.startswith("nvidia-") for line in locked(LOCKS[1]))


def test_what_is_locked_is_kept_apart_by_name_and_hashes_stay_with_their_version(monkeypatch, tmp_path):
    lock = runpy.run_path(str(ROOT / "tools" / "lock.py"))
    digest = "sha256:" + 64 * "a"
    text = f"# head\nnumpy==2 \\\n    --hash=sha256:{64 * '0'}\ntorch==2.13.0 ; x == 'y' \\\n    --hash={digest}\nzipp==1 \\\n"
    assert lock["of_torch"](text) == ("2.13.0", {digest}) and len(lock["blocks"](text)) == 3
    monkeypatch.setitem(lock["without_cuda"].__globals__, "compiled", refuse)
    assert lock["without_cuda"]("2.13.0", "nowhere", text) == {digest}
    with pytest.raises(SystemExit, match="the lock holds 2.13.0"):
        lock["without_cuda"]("2.14.0", "nowhere", text)


def refuse(*_, **__):
    raise subprocess.CalledProcessError(2, "uv")


def built_without_a_seed(function):
    """Whether a function builds a model and leaves its weights to what was drawn before."""
    calls = [ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]
    builds = re.compile(r"architectures\.build|ForCausalLM(\.from_config)?$|LMHeadModel$|get_peft_model$")
    return any(map(builds.search, calls)) and not any(call.endswith("manual_seed") for call in calls)


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.stem)
def test_a_test_that_builds_a_model_seeds_it(path):
    """Weights that depend on the tests before make a test fail in one order and not in another."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    assert not [function.name for function in functions if built_without_a_seed(function)]


def test_a_model_without_a_seed_is_noticed():
    build = "model = transformers.LlamaForCausalLM(config)"
    assert built_without_a_seed(ast.parse(build)) and not built_without_a_seed(ast.parse(f"torch.manual_seed(1); {build}"))


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


def test_every_code_cell_of_a_page_says_whether_a_reader_sees_its_code():
    hidden = {"parameters", "remove-cell", "remove-input", "hide-input"}
    for path in sorted((ROOT / "notebooks" / "pages").glob("*.ipynb")):
        for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
            assert cell.cell_type != "code" or hidden & set(cell.metadata.get("tags", [])), f"{path}, cell {number}"


def test_every_grid_notebook_exists_and_every_notebook_is_in_the_grid():
    from proxylib import studies
    from proxylib.runs.step import STAGE_NOTEBOOK

    files = lambda folder: {path.stem for path in (ROOT / "notebooks" / folder).glob("*.ipynb")}
    known = studies.registry()
    assert files("pages") == set(known.pages)
    assert files("stages") == {name for name, stage in known.stages.items() if stage.parameters} | {STAGE_NOTEBOOK}


def test_toc_lists_every_page_of_the_grid():
    from proxylib import studies

    listed = re.findall(r"file: (\S+)", (ROOT / "_toc.yml").read_text())
    assert {f"book/executed/{name}" for name in studies.registry().pages} <= set(listed)


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


def test_readme_tree_is_the_package():
    """Every path of the tree exists, rooms stand in the order of imports, and no module of a foundation is missing."""
    tree = (ROOT / "README.md").read_text().split("## The rooms")[1].split("```")[1]
    paths, above = [], []
    for line in tree.strip("\n").splitlines():
        name = line.split()[0]
        above = [*above[: (len(line) - len(line.lstrip())) // 2], name]
        paths.append("".join(above))
        assert len(line.split()) > 2, f"{line}: says nothing"
    assert not [path for path in paths if not (ROOT / path).exists()]
    rooms = [path.split("/")[1].removesuffix(".py") for path in paths if path.startswith("proxylib/") and path.count("/") < 3]
    assert tuple(dict.fromkeys(room for room in rooms if room)) == ROOMS
    shown = [path for path in paths if path.endswith("/")]
    for path in PACKAGE.rglob("*.py"):
        own = str(path.relative_to(ROOT))
        folder = max((name for name in shown if own.startswith(name)), key=len)
        whole = not any(name.startswith(folder) and name != folder for name in paths)  # a folder that stands for its files
        assert whole or own in paths or path.name in ("__init__.py", "__main__.py"), f"README's tree lacks {own}"


def test_only_the_ci_script_names_the_mirror_folder():
    pattern = "../shared" + "/data"
    holders = [name for name in TRACKED if (ROOT / name).is_file() and pattern.encode() in (ROOT / name).read_bytes()]
    assert holders in ([".ci/run"], [])


def test_workflows_call_only_make():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job["steps"]:
                assert "run" not in step or step["run"].startswith("make "), f"{path}: {step['run']}"
