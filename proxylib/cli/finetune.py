"""`proxylib finetune`: one cell of the post's own grid, or a line of shell for every cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from proxylib.cli.options import command
from proxylib.data.thinking import Think
from proxylib.settings import Frozen
from proxylib.text import say, warn


class Options(Frozen):
    """One cell of the post's own grid (configs/hub.yaml): LoRA, losses, notes."""

    base: str | None = Field(
        default=None, description="folder of transformers, or NAME or NAME@REVISION on the hub; needed unless --list is given"
    )
    data: str = Field(description="examples: .jsonl(.gz) or .parquet file, set:NAME, or hub:NAME:SPLIT")
    held_out: str = Field(description="likewise: loss is measured and notes are written on these")
    out: Path = Field(description="folder for what is made; goes on where it ended; with --list, folder of all cells")
    examples: int | None = Field(default=None, ge=1, description="the first so many of the file; all if left out")
    fields: dict[str, str] = Field(default={}, description="names in both files, such as prompt=dialogue solution=note")
    think: Think = Field(default="keep", description="whether think blocks stay in the solutions of both files")
    lengths: bool = Field(default=False, description="count tokens and what the context cuts; train nothing")
    dry_run: bool = Field(default=False, description="say what the cell will take on this machine; train and write nothing")
    list: bool = Field(default=False, description="a line of shell for every cell of the grid; train nothing")
    parameters: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one_thing(self) -> Options:
        if self.list + self.lengths + self.dry_run > 1:
            raise ValueError("give one of --list, --lengths and --dry-run")
        if not self.list and not self.base:
            raise ValueError("--base is needed, unless --list is given")
        return self


def add(commands: Any) -> None:
    """Add the command."""
    command(commands, "finetune", Options, run)


def run(options: Options) -> int:
    """List the cells, count a cell's lengths, say what it takes, or make it."""
    from proxylib.studies.loss import hub_cell
    from proxylib.studies.loss.settings import hub

    grid = hub(options.parameters)
    hub_cell.refuse_the_same(options.data, options.held_out)
    if options.list:
        print("\n".join(hub_cell.commands(grid, options.out, _shared(options))))
        return 0
    data = hub_cell.read(options.data, options.fields, options.examples, options.think)
    held_out = hub_cell.read(options.held_out, options.fields, think=options.think)
    cell = hub_cell.Cell(options.base, data.traces, held_out.traces, grid)
    if options.lengths:
        say(hub_cell.measured_lengths(cell))
    elif options.dry_run:
        say(hub_cell.price(cell, options.out))
    elif finished := hub_cell.run(cell, options.out, warn):
        say(f"{options.data}: {data.counts.summary()}")
        say(f"{options.held_out}: {held_out.counts.summary()}")
        say(finished.summary(None if options.examples else data.counts, held_out.counts))
    return 0


def _shared(options: Options) -> list[str]:
    """What all cells are given alike."""
    words = ["--data", options.data, "--held-out", options.held_out]
    words += ["--think", options.think] if options.think != "keep" else []
    words += ["--fields", *(f"{ours}={theirs}" for ours, theirs in options.fields.items())] if options.fields else []
    return words + [word for name, value in options.parameters.items() for word in ("-p", name, json.dumps(value))]
