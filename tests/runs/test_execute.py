"""Running notebooks: parameters before kernels, failures apart, IPC, and the walk over steps."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from proxylib.cli import main
from proxylib.errors import UserError
from proxylib.runs import execute
from proxylib.runs.step import Resources, Stage, Step
from proxylib.runs.store import Key, Store

PARAMETERS = """profile = "smoke"  # profile
count = 3  # whole number
rate = 0.5  # number
name = "x"  # text
many = [1]  # list
any = None  # anything"""


def write(path, *cells):
    first = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[first, *(nbformat.v4.new_code_cell(source) for source in cells)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return path


@pytest.fixture(autouse=True)
def own_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PROXYLIB_RUNS", str(tmp_path / "runs"))


@pytest.fixture
def no_kernel(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr("papermill.execute_notebook", refuse)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["count", "three"], "expected int, given 'three'"),
        (["count", "2.5"], "expected int"),
        (["count", "true"], "expected int"),
        (["rate", "fast"], "expected float"),
        (["name", "7"], "expected str"),
        (["many", "7"], "expected list"),
        (["cuont", "3"], "parameter cuont is unknown in own.ipynb; it has profile, count, rate, name, many, any"),
        (["profile", "labb"], "parameter profile: 'labb' is unknown"),
        (["name", "[1"], "is not YAML"),
        (["any", "!!set {a}"], "only numbers, text"),
        (["any", "{1: a}"], "only numbers, text"),
        (["any", "!!timestamp 2024-02-30"], "is not YAML"),
        (["count", "010"], "expected int, given '010'"),
    ],
)
def test_a_bad_parameter_is_one_line_and_exit_2_before_any_kernel(tmp_path, no_kernel, capsys, given, said):
    notebook = write(tmp_path / "own.ipynb")
    assert main(["run", str(notebook), "-p", *given]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1 and err.startswith("proxylib: error: ")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such file"), ("{", "not a notebook"), ("{}", "not a notebook")],
)
def test_a_notebook_that_is_none_is_one_line(tmp_path, no_kernel, capsys, content, said):
    path = tmp_path / "own.ipynb"
    if content is not None:
        path.write_text(content)
    assert main(["run", str(path)]) == 2
    assert said in capsys.readouterr().err


def test_a_notebook_without_parameters_cell_is_refused(tmp_path, capsys):
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), tmp_path / "own.ipynb")
    assert main(["run", str(tmp_path / "own.ipynb")]) == 2
    assert "no cell is tagged 'parameters'" in capsys.readouterr().err


@pytest.mark.slow
def test_ones_own_notebook_runs_with_yaml_parameters_over_ipc_and_is_cached(tmp_path, capsys, monkeypatch):
    source = """print(count, rate, name, many)
from ipykernel.kernelapp import IPKernelApp
print(IPKernelApp.instance().transport)"""
    notebook = write(tmp_path / "own.ipynb", source)
    (tmp_path / "p.yaml").write_text("count: 5\nmany: [1, {a: null}]\n")
    arguments = ["run", str(notebook), "-y", str(tmp_path / "p.yaml"), "-p", "name", "y"]
    assert main(arguments) == 0
    folder = Path(capsys.readouterr().out.split()[-1])
    made = nbformat.read(folder / execute.PAGE, as_version=4)
    text = "".join(output.get("text", "") for cell in made.cells for output in cell.get("outputs", []))
    assert "5 0.5 y [1, {'a': None}]" in text and "ipc" in text
    assert "papermill" not in json.dumps(made), "timings would make the same run differ"
    monkeypatch.setattr("papermill.execute_notebook", lambda *a, **k: pytest.fail("a kernel was started"))
    assert main(arguments) == 0 and capsys.readouterr().out.startswith("cached")


@pytest.mark.slow
def test_a_notebook_that_fails_with_a_key_leaves_it_nowhere(tmp_path, capsys, monkeypatch):
    """In what it printed, in a header, in an address of its source, quoted and in colours."""
    monkeypatch.setenv("MINE_API_KEY", "s3cr3t/with+odd=chars")
    cells = [
        "import os, urllib.parse\nkey = os.environ['MINE_API_KEY']\nprint({'Authorization': f'Bearer {key}'})\nkey",
        "def call(address='https://me:hunter2hunter@example.org/?api_key=s3cr3t%2Fwith%2Bodd%3Dchars'):\n"
        "    raise OSError(address + urllib.parse.quote(key, safe='') + key)\ncall()",
    ]
    assert main(["run", str(write(tmp_path / "own.ipynb", *cells))]) == 1
    told = capsys.readouterr()
    kept = [path.read_text() for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert any("OSError" in text and "call" in text for text in kept) and "<MINE_API_KEY>" in "".join(kept)
    assert not any("s3cr3t" in text or "hunter2" in text for text in (told.out, told.err, *kept))


def test_a_parameter_that_holds_a_key_is_refused(tmp_path, no_kernel, capsys, monkeypatch):
    monkeypatch.setenv("MINE_API_KEY", "s3cr3t/with+odd=chars")
    notebook = write(tmp_path / "own.ipynb")
    for given in (
        ("any", "https://me:hunter2@example.org"),
        ("name", "s3cr3t/with+odd=chars"),
        ("any", "{a: [s3cr3t/with+odd=chars]}"),
    ):
        assert main(["run", str(notebook), "-p", *given]) == 2
        told = capsys.readouterr().err
        assert f"parameter {given[0]}: holds a key" in told and "s3cr3t" not in told and "hunter2" not in told
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_failed_notebook_is_kept_apart_with_its_traceback_and_is_no_run(tmp_path, capsys):
    notebook = write(tmp_path / "own.ipynb", "print('before')", "1 / 0", "print('after')")
    assert main(["run", str(notebook)]) == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    step = execute.own_step(notebook, {})
    failed = step.store.root / "failed" / step.key.run_id
    assert "ZeroDivisionError" in (failed / "traceback.txt").read_text() and (failed / "notebook.ipynb").exists()
    assert step.store.find(step.key) is None
    assert not list(step.store.root.rglob(execute.PAGE)), "a failed notebook must never be a page"


ENDINGS = {
    "sys.exit(0)": "SystemExit",
    "exit()": "a call of exit",
    "raise SystemExit('')": "SystemExit",
    "sys.exit('done')": "SystemExit",
    "os._exit(0)": "Kernel died",
    "os.kill(os.getpid(), 9)": "Kernel died",
}


@pytest.mark.slow
@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending not in ("sys.exit(0)", "exit()")])
def test_a_notebook_that_stops_in_the_middle_is_a_failure(tmp_path, capsys, ending):
    refuse_ending(tmp_path, capsys, ending)


@pytest.mark.parametrize("ending", ["sys.exit(0)", "exit()"])
def test_a_notebook_that_ends_itself_without_an_error_is_a_failure(tmp_path, capsys, ending):
    refuse_ending(tmp_path, capsys, ending)


def refuse_ending(tmp_path, capsys, ending):
    notebook = write(tmp_path / "own.ipynb", "import os, sys\nprint('before')", ending, "print('after')")
    assert main(["run", str(notebook)]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert ENDINGS[ending] in line and line.startswith("proxylib: own: ")
    step = execute.own_step(notebook, {})
    assert (step.store.root / "failed" / step.key.run_id / "notebook.ipynb").exists()
    assert step.store.find(step.key) is None and not list(step.store.root.rglob(execute.PAGE))


@pytest.mark.slow
def test_a_mendable_error_inside_a_notebook_is_one_line_and_exit_2(tmp_path, capsys):
    notebook = write(tmp_path / "own.ipynb", "from proxylib.errors import UserError\nraise UserError('file x: wrong; do y')")
    assert main(["run", str(notebook)]) == 2
    assert "file x: wrong; do y" in capsys.readouterr().err


WHOLE = Stage("made", 1, "proxylib.errors:UserError", lambda d: None, lambda settings: Resources())


def fake_steps(tmp_path, failing=()):
    """Four steps a -> b -> d, c -> d whose notebooks are never run."""
    store = Store("smoke", tmp_path / "runs", tmp_path / "results")
    steps = {}
    for name, parents in {"a": (), "b": ("a",), "c": (), "d": ("b", "c")}.items():
        inputs = {parent: steps[parent].key.run_id for parent in parents}
        key = Key("made", 1, {"name": name, "fails": name in failing}, inputs)
        steps[name] = Step(name, tmp_path / f"{name}.ipynb", {}, None, key, {p: steps[p] for p in parents}, store, WHOLE)
    return list(steps.values())


def fake_run(step):
    if step.key.config["fails"]:
        raise UserError("it cannot be")
    made = step.store.produce(step.key, lambda workspace: workspace.path("done.txt").write_text(step.name))
    with (step.store.root / "order.txt").open("a") as file:
        file.write(f"{step.name}\n")
    return made


@pytest.fixture
def faked(tmp_path, monkeypatch):
    """Runs are made without a notebook, so that there is nothing to import for their kernels."""
    monkeypatch.setattr(execute, "run", fake_run)
    monkeypatch.setattr(execute, "_import_once", lambda steps: None)


@pytest.mark.usefixtures("faked")
def test_the_walk_keeps_the_order_and_a_second_one_starts_nothing(tmp_path):
    steps, said = fake_steps(tmp_path), []
    assert execute.walk(steps, jobs=2, record=False, say=said.append) == 0
    order = (steps[0].store.root / "order.txt").read_text().split()
    assert sorted(order) == ["a", "b", "c", "d"] and order.index("a") < order.index("b") < order.index("d") == 3
    said.clear()
    assert execute.walk(steps, jobs=2, record=False, say=said.append) == 0
    assert [line.split()[0] for line in said] == ["cached"] * 4


@pytest.mark.usefixtures("faked")
@pytest.mark.parametrize(
    ("minutes", "wanted"), [({"c": 100}, ["c", "a", "b", "d"]), ({"b": 100, "c": 90}, ["a", "b", "c", "d"])]
)
def test_of_the_ready_steps_the_one_with_the_longest_chain_of_work_begins_first(minutes, wanted, tmp_path):
    steps = [
        dataclasses.replace(step, resources=Resources(minutes=minutes.get(step.name, 0.0))) for step in fake_steps(tmp_path)
    ]
    assert execute.walk(steps, jobs=1, record=False, say=lambda line: None) == 0
    assert (steps[0].store.root / "order.txt").read_text().split() == wanted


@pytest.mark.parametrize(("lost", "said"), [(0, 0), (50, 0), (51, 1), (1000, 1)])
def test_the_walk_says_which_judge_left_too_much_unscored(tmp_path, monkeypatch, lost, said):
    def judged(step):
        return step.store.produce(
            step.key, lambda workspace: workspace.note(judged=1000, unscored=lost) or workspace.path("x").touch()
        )

    monkeypatch.setattr(execute, "run", judged)
    monkeypatch.setattr(execute, "_import_once", lambda steps: None)
    lines = []
    assert execute.walk(fake_steps(tmp_path)[:1], jobs=1, record=False, say=lines.append) == 0
    assert sum(f"{lost} of 1000 verdicts are unscored" in line for line in lines) == said


@pytest.mark.usefixtures("faked")
def test_a_failed_step_blocks_its_dependants_and_nothing_else(tmp_path):
    steps, said = fake_steps(tmp_path, failing=("b",)), []
    assert execute.walk(steps, jobs=1, record=False, say=said.append) == 2
    text = "\n".join(said)
    assert "blocked   d" in text and "error: it cannot be" in text
    assert steps[2].store.find(steps[2].key) and not steps[3].store.find(steps[3].key)


@pytest.mark.usefixtures("faked")
def test_a_recorded_step_counts_as_done_unless_its_weights_are_needed(tmp_path):
    steps = fake_steps(tmp_path)
    execute.walk(steps, jobs=1, record=True, say=lambda line: None)
    recorded = Store("smoke", tmp_path / "elsewhere", tmp_path / "results")
    moved = [dataclasses.replace(step, store=recorded) for step in steps]
    assert execute.outstanding(moved) == [] and execute.state(moved[0]) == "recorded"
    # without d's record, d has to run and so have b and c, whose files were withheld, and then a
    d = moved[3]
    for file in sorted((tmp_path / "results").rglob(f"{d.key.run_id}/*")):
        file.unlink()
    assert [step.name for step in execute.outstanding(moved)] == ["a", "b", "c", "d"]


def without(tmp_path, step):
    """The recorded store without the record of a step."""
    for file in sorted((tmp_path / "results").rglob(f"{step.key.run_id}/*")):
        file.unlink()


@pytest.mark.usefixtures("faked")
def test_a_step_that_reads_tables_alone_does_not_bring_back_what_its_parents_left_out(tmp_path):
    steps = fake_steps(tmp_path)
    execute.walk(steps, jobs=1, record=True, say=lambda line: None)
    recorded = Store("smoke", tmp_path / "elsewhere", tmp_path / "results")
    a, b, c, d = (dataclasses.replace(step, store=recorded) for step in steps)
    d = dataclasses.replace(d, stage=dataclasses.replace(WHOLE, whole=False))
    without(tmp_path, d)
    assert [step.name for step in execute.outstanding([a, b, c, d])] == ["d"]
    # b is missing too, and reads the whole of a; c stays as it is recorded
    without(tmp_path, b)
    assert [step.name for step in execute.outstanding([a, b, c, d])] == ["a", "b", "d"]


def test_steps_are_declared_quickly():
    """In seconds of a processor, which do not depend on what else runs."""
    code = "import time; from proxylib import studies; assert len(studies.steps('lab')) > 20; print(time.process_time())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 15
