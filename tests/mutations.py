"""Do the tests notice broken numerics? One line is broken at a time; a breakage that no test notices survives.

    python tests/mutations.py            all of them (an hour)
    python tests/mutations.py -k rank    those whose name or file contains the word
    python tests/mutations.py --check    whether the table fits the code; breaks nothing, seconds
    python tests/mutations.py --list     names alone

Works on a copy in a temporary folder; the checkout is never touched. Exit code 0 if every breakage is noticed, 1 if one
survives, 2 if the table no longer fits the code: a text that does not occur exactly once, or tests that fail before
anything is broken. The table is `mutants.py`. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from mutants import MUTANTS, Mutant, tests_of

ROOT = Path(__file__).resolve().parent.parent
#: what tests import from elsewhere, imported once for all mutants; nothing of the package itself
LIBRARIES = (
    *("torch", "transformers", "peft", "trl", "pandas", "pyarrow.parquet"),
    *("scipy.stats", "statsmodels.api", "seaborn", "papermill"),
)
ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "1",  # a stale .pyc of the same second and size would hide a breakage
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
    "MPLBACKEND": "agg",
}
COPIED = ("proxylib", "tests", "configs", "notebooks", "results", "pyproject.toml")
Chosen = list[tuple[str, Mutant]]  # file of the package, mutant


def _pytest(folder: Path, tests: list[str], said: Path) -> None:
    """Run pytest in this process, a fork; its exit code is the process's."""
    with said.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = str(folder)  # for what a test starts
    code = pytest.main(["-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", *tests])
    sys.stdout.flush()
    os._exit(code)


def tested(folder: Path, tests: list[str]) -> tuple[int, str]:
    """Exit code and words of pytest over the copy, in a fork of this process: most of a mutant's time would be imports."""
    said = folder / "said.txt"
    process = multiprocessing.get_context("fork").Process(target=_pytest, args=(folder, tests, said))
    process.start()
    process.join()
    return process.exitcode, said.read_text(encoding="utf-8").strip()


def misfits(chosen: Chosen, folder: Path) -> Iterator[str]:
    """What does not fit the code, one line each."""
    counts = Counter(mutant.name for _, mutant in chosen)
    yield from (f"{name}: {count} mutants have this name" for name, count in counts.items() if count > 1)
    for file, mutant in chosen:
        path = folder / "proxylib" / file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text.count(mutant.old) != 1:
            yield f"{mutant.name}: {mutant.old!r} occurs {text.count(mutant.old)} times in {file}, expected once"
            continue
        try:
            if ast.dump(ast.parse(text.replace(mutant.old, mutant.new))) == ast.dump(ast.parse(text)):
                yield f"{mutant.name}: breaks nothing"
        except SyntaxError as error:
            yield f"{mutant.name}: the broken {file} is no Python ({error})"
        place, _, test = tests_of(file, mutant).partition("::")
        if not (folder / place).exists():
            yield f"{mutant.name}: {place} does not exist"
        elif test and f"def {test}(" not in (folder / place).read_text(encoding="utf-8"):
            yield f"{mutant.name}: {place} has no {test}"


def copied(folder: Path) -> Path:
    """A copy of all that the tests read."""
    for part in COPIED:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    return folder


def noticed(folder: Path, file: str, mutant: Mutant) -> bool:
    """Break the copy, run the tests, mend it, and say what came of it."""
    path = folder / "proxylib" / file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    code, said = tested(folder, [tests_of(file, mutant)])
    path.write_text(text, encoding="utf-8")
    # 1 is "a test failed"; anything else but 0 is a breakage so coarse that no test was reached
    word = {0: "SURVIVED", 1: "noticed "}.get(code, "UNUSABLE")
    last = next((line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))), "").partition(" ")[2]
    print(f"{word}  {file:36} {mutant.name:40} {last.split(' - ')[0]}", flush=True)
    return code == 1


def run(chosen: Chosen) -> int:
    """Run mutants; returns the exit code."""
    os.environ.update(ENVIRONMENT)
    sys.dont_write_bytecode = True
    for library in LIBRARIES:
        importlib.import_module(library)
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name).resolve())
        code, said = tested(folder, sorted({tests_of(*pair) for pair in chosen}))
        if code:
            print(f"{said}\nthese tests fail before anything is broken")
            return 2
        survivors = [mutant.name for file, mutant in chosen if not noticed(folder, file, mutant)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} noticed" + (f"; not: {', '.join(survivors)}" if survivors else ""))
    return 1 if survivors else 0


def main() -> int:
    """Run or check the chosen mutants; returns the exit code."""
    parser = argparse.ArgumentParser(description="Break one line at a time and see whether a test notices.")
    parser.add_argument("-k", metavar="WORD", default="", help="only mutants whose name or file contains this")
    parser.add_argument("--check", action="store_true", help="say whether the table fits the code, and stop")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    given = parser.parse_args()
    chosen = [(file, m) for file, mutants in MUTANTS.items() for m in mutants if given.k in m.name or given.k in file]
    if given.list or not chosen:
        print("\n".join(f"{file:36} {mutant.name}" for file, mutant in chosen) or f"no mutant contains {given.k!r}")
        return 0 if chosen else 2
    wrong = list(misfits(chosen, ROOT))
    if wrong:
        print("\n".join([*wrong, "mend tests/mutants.py: a mutant moves with the line that it breaks"]))
        return 2
    if given.check:
        print(f"mutations: all {len(chosen)} fit the code")
        return 0
    return run(chosen)


if __name__ == "__main__":
    sys.exit(main())
