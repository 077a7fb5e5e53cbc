"""`proxylib doctor`: what this machine and this installation have, and what will be slow or impossible here."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
from packaging.requirements import Requirement

from proxylib import __version__
from proxylib.cli.options import command
from proxylib.cli.surroundings import refuse_little_memory
from proxylib.runs.config import in_repository
from proxylib.settings import Frozen
from proxylib.text import say

#: what needs packages of an extra -> its commands
EXTRAS = {"finetune": "finetune", "judge": "judge", "book": "book", "flow": "snakemake -s workflow/Snakefile"}
APART = {"lm-eval": "benchmark of MMLU, ARC, HellaSwag, TruthfulQA and WinoGrande"}  # in no extra: pip install NAME
REPOSITORY = "run, grid, book, ship, scoreboard, finetune, benchmark, and every target of make"
FEW_FILES = 1024  # open files below which many shards, or a grid of kernels, run out
LITTLE_DISK = 5e9  # bytes: the lab's runs and the cache of published sets


class Options(Frozen):
    """Print what this machine has, and what of proxylib will be slow or impossible on it."""


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "doctor", Options, run)


def run(options: Options) -> int:
    """Print facts, what they let models do, and what to mend; 0 whatever is found."""
    refuse_little_memory()
    from proxylib.models import machine

    rows, cards = machine.rate(), machine.cards()
    facts = {**versions(), **machine.processor(), "products": f"{rows / 1e9:,.0f} GFLOP/s in float32"}
    facts |= {"memory": f"{machine.room() / 1e9:.1f} GB for this process", **graphics(cards), **places()}
    say("\n".join(f"{name:14} {fact}" for name, fact in facts.items()))
    reach = _reach(machine.within_reach(rows, machine.room()))
    say(f"\nAt most, on the processor as it is loaded now (half is usual):\n{reach}")
    said = [*missing(), *slow(machine.compiler(), cards), *scarce()]
    say("\nSlow or impossible here:" if said else "\nNothing is missing.")
    say("\n".join(f"- {line}" for line in said))
    return 0


def versions() -> dict[str, str]:
    """This package, Python, and the packages whose versions matter most."""
    kind = "from its repository" if in_repository() else "an installed copy"
    named = [f"{name} {version}" for name in ("torch", "transformers", "peft", "trl") if (version := installed(name))]
    return {"proxylib": f"{__version__}, {kind}", "Python": sys.version.split()[0], "packages": ", ".join(named)}


def installed(name: str) -> str | None:
    """Version of a package, None where it is not here."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def graphics(cards: list[dict[str, Any]]) -> dict[str, str]:
    """A line a card."""
    if not cards:
        return {"GPU": "none that torch can use"}
    return {
        f"GPU {number}": f"{card['name']}, {card['free'] / 1e9:.0f} of {card['bytes'] / 1e9:.0f} GB free, "
        f"bfloat16 {'native' if card['bfloat16'] == 'yes' else 'imitated'}"
        for number, card in enumerate(cards)
    }


def places() -> dict[str, str]:
    """Cache, mirror, hub and disk."""
    from proxylib.data.published import registry
    from proxylib.models import machine

    folder = Path(os.environ.get("PROXYLIB_MIRROR") or registry.cache())
    there = sum((folder / name).is_dir() for name in registry.names())
    asked = os.environ.get("HF_HUB_OFFLINE", "").upper() not in ("1", "ON", "YES", "TRUE")
    return {
        "published sets": f"{there} of {len(registry.names())} in {folder}",
        "mirror": os.environ.get("PROXYLIB_MIRROR") or "none (PROXYLIB_MIRROR)",
        "hub": "asked for what is no folder" if asked else "never asked (HF_HUB_OFFLINE)",
        "disk": f"{machine.disk(Path.cwd()) / 1e9:.0f} GB free here, {machine.disk(registry.cache()) / 1e9:.0f} at the cache",
    }


def missing() -> Iterator[str]:
    """What is not installed, or not in the version that is asked for, and which commands miss it."""
    wanted = [Requirement(line) for line in metadata.requires("proxylib") or []]
    for extra, commands in {"": "everything", **EXTRAS}.items():
        if wrong := [_wrong(want) for want in wanted if _of(want, extra) and _wrong(want)]:
            mend = f"pip install 'proxylib[{extra}]'" if extra else "install anew from the lock"
            yield f"{commands}: {', '.join(wrong)}; {mend}"
    yield from (f"{what}: {name} is not installed" for name, what in APART.items() if not installed(name))
    if not in_repository():
        yield f"{REPOSITORY}: not in an installed copy; clone the repository (finetune and benchmark: or set PROXYLIB_CONFIGS)"


def _of(want: Requirement, extra: str) -> bool:
    """Whether a requirement stands under an extra, or under none."""
    if want.marker is None:
        return not extra
    return want.marker.evaluate({"extra": extra}) and not (extra and want.marker.evaluate({"extra": ""}))


def _wrong(want: Requirement) -> str:
    """What is wrong with a requirement; empty where nothing is."""
    here = installed(want.name)
    if here is None:
        return f"{want.name} is not installed"
    return "" if want.specifier.contains(here, prereleases=True) else f"{want.name} {here} is not {want.specifier}"


def slow(compiler: str | None, cards: list[dict[str, Any]]) -> Iterator[str]:
    """What the machine lets crawl."""
    if not cards:
        yield "models beyond the table above: no GPU that torch can use (--device cuda stops with a line)"
    for card in cards:
        if card["bfloat16"] == "no":
            yield f"--dtype bfloat16 on {card['name']}: imitated there; take float32"
    if compiler is None:
        yield "extract and rank of large vocabularies: no C++ compiler, so nothing is compiled (--impl chunked is taken)"
    if os.environ.get("OMP_WAIT_POLICY", "PASSIVE").upper() == "ACTIVE":
        yield "anything beside other work: OMP_WAIT_POLICY=ACTIVE lets threads spin while they wait"


def scarce() -> Iterator[str]:
    """What limits of the shell or a full disk will stop."""
    from proxylib.data.published import registry
    from proxylib.models import machine

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files < FEW_FILES:
        yield f"grids and long extractions: only {files} open files are allowed; ulimit -n {FEW_FILES}"
    for folder, what in ((Path.cwd(), "what is written here"), (registry.cache(), "fetch")):
        if (free := machine.disk(folder)) < LITTLE_DISK:
            yield f"{what}: {free / 1e9:.1f} GB of disk are free"


def _reach(table: pd.DataFrame) -> str:
    """The table for a terminal."""
    shown = table.assign(
        **{kind: table[kind].map(lambda rate: f"{rate:,.{int(rate < 10)}f} tokens/s") for kind in ("forward", "lora")},
        **{kind: table[kind].map({True: "fits", False: "does not fit"}) for kind in ("float32", "bfloat16")},
    )
    return shown.rename(columns={"lora": "LoRA"}).to_string(index=False)
