"""The command line. Bad input ends with one line and exit code 2; a failure of ours with exit code 1."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml

from proxylib.errors import UserError
from proxylib.runs.config import PROFILES
from proxylib.settings import read_yaml, validated


def main(arguments: list[str] | None = None) -> int:
    """Entry point of `proxylib`; returns the exit code."""
    args = _parser().parse_args(arguments)
    try:
        return args.function(args) or 0
    except UserError as error:
        print(f"proxylib: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("proxylib: stopped; the next call goes on from here", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` is no error
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="proxylib", description="Forecast a model's score from cheaper signals.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run one notebook with parameters")
    run.add_argument("notebook", type=Path)
    _parametrised(run)
    run.set_defaults(function=_run)

    grid = commands.add_parser("grid", help="run what is missing or stale of a profile")
    grid.add_argument("--profile", choices=PROFILES, required=True)
    grid.add_argument("--jobs", type=_positive, default=1, help="steps at a time (default 1)")
    grid.add_argument("--list", action="store_true", help="show the steps and their state, run nothing")
    grid.add_argument("--record", action="store_true", help="copy finished runs into results/, without weights")
    grid.add_argument("--only", action="append", default=[], metavar="STEP", help="this step and what it needs")
    grid.set_defaults(function=_grid)

    extract = commands.add_parser("extract", help="token statistics of a model over expert traces, into a folder")
    extract.add_argument("--model", required=True, metavar="M", help="folder of transformers or peft, or a hub id")
    _measurement(extract)
    extract.add_argument("--columns", nargs="+", default=[], metavar="NAME", help="beyond nll entropy n_greater n_equal p_max")
    extract.add_argument("--top", type=_whole, default=0, metavar="K", help="keep the K most likely entries of each token")
    extract.set_defaults(function=_extract)

    rank = commands.add_parser("rank", help="rank your models by the proxy named in advance")
    rank.add_argument("--models", required=True, nargs="+", metavar="M", help="folders or hub ids, at least two")
    _measurement(rank)
    rank.add_argument("--scores", type=Path, metavar="CSV", help="known scores (columns model, score): also fit a ranker")
    rank.set_defaults(function=_rank)

    judge = commands.add_parser("judge", help="clinical notes under an LLM judge: five criteria, verdicts into a folder")
    judge.add_argument("--model", required=True, metavar="M", help="openai-api/NAME/MODEL, openai/..., vllm/..., or hf/FOLDER")
    judge.add_argument("--notes", required=True, type=Path, metavar="F", help=".jsonl file with id, dialogue and note")
    judge.add_argument("--out", required=True, type=Path, metavar="D", help="folder for what is made; goes on where it ended")
    judge.add_argument(
        "--repeats", type=_positive, default=1, metavar="N", help="times that each question is asked (default 1)"
    )
    judge.add_argument("--connections", type=_positive, default=8, metavar="N", help="calls at a time (default 8)")
    judge.add_argument(
        "--max-new-tokens",
        type=_positive,
        default=300,
        metavar="N",
        help="most tokens of an answer (default 300); a reasoning judge needs thousands, for its hidden tokens count",
    )
    judge.add_argument("--temperature", type=float, default=0.0, metavar="T", help="of sampling (default 0: the likeliest)")
    judge.add_argument("--attempts", type=_positive, default=2, metavar="N", help="answers asked for a verdict (default 2)")
    judge.add_argument(
        "--again", action="store_true", help="ask again where kept answers gave no verdict; otherwise they are final"
    )
    judge.add_argument("--timeout", type=_positive, default=120, metavar="S", help="seconds of a call, retries included (120)")
    judge.add_argument("--no-schema", action="store_true", help="for servers that refuse response_format or a JSON schema")
    judge.add_argument(
        "--limit-tokens",
        type=_positive,
        metavar="N",
        help="no call that could exceed it is made, if three letters or spaces, or a byte of all else, are a token or less; "
        "kept answers cost nothing",
    )
    judge.add_argument("--limit-cost", type=float, metavar="USD", help="likewise; needs both prices")
    judge.add_argument("--price-in", type=float, default=0.0, metavar="USD", help="per million tokens")
    judge.add_argument("--price-out", type=float, default=0.0, metavar="USD", help="per million tokens")
    judge.set_defaults(function=_judge)

    tune = commands.add_parser("finetune", help="one cell of the post's grid (configs/hub.yaml): LoRA, losses, notes")
    tune.add_argument("--base", metavar="B", help="folder of transformers, or a hub id")
    tune.add_argument("--data", required=True, metavar="F", help="examples: .jsonl(.gz) or .parquet, set:NAME, hub:NAME:SPLIT")
    tune.add_argument(
        "--held-out", required=True, metavar="F", help="likewise: loss is measured and notes are written on these"
    )
    tune.add_argument("--out", required=True, type=Path, metavar="D", help="folder for what is made; goes on where it ended")
    tune.add_argument("--examples", type=_positive, metavar="N", help="the first N of the file (default: all)")
    _names(tune)
    _parametrised(tune)
    only = tune.add_mutually_exclusive_group()
    only.add_argument("--lengths", action="store_true", help="count tokens and what the context cuts; train nothing")
    only.add_argument("--list", action="store_true", help="a line of shell for every cell of the grid; D holds their folders")
    tune.set_defaults(function=_finetune)

    fetch = commands.add_parser("fetch", help="bring a published data set into the cache")
    fetch.add_argument("name", nargs="?", help="of the set; without it, list the sets")
    fetch.set_defaults(function=_fetch)

    book = commands.add_parser("book", help="build the book of a profile, or the shipped one")
    which = book.add_mutually_exclusive_group(required=True)
    which.add_argument("--profile", choices=PROFILES)
    which.add_argument("--shipped", action="store_true", help="from book/executed/, without running anything")
    book.set_defaults(function=_book)

    ship = commands.add_parser("ship", help="copy a profile's executed pages into book/executed/")
    ship.add_argument("--profile", choices=PROFILES, required=True)
    ship.set_defaults(function=_ship)

    board = commands.add_parser("scoreboard", help="write results/scoreboard.json from the recorded runs")
    board.add_argument("--check", action="store_true", help="compare instead of writing; exit 1 if it differs")
    board.set_defaults(function=_scoreboard)
    return parser


def _measurement(command: argparse.ArgumentParser) -> None:
    """Options of every command that runs models over traces."""
    command.add_argument(
        "--traces", required=True, metavar="F", help=".jsonl(.gz) or .parquet file, set:gsm8k, or hub:NAME:SPLIT"
    )
    command.add_argument("--out", required=True, type=Path, metavar="D", help="folder for what is made; goes on where it ended")
    _names(command)
    command.add_argument("--window", type=_positive, default=1000, metavar="N", help="score the last N tokens (default 1000)")
    command.add_argument("--characters", type=_positive, metavar="N", help="of these, only tokens in the last N characters")
    command.add_argument("--chat", action="store_true", help="prompts become user turns in the model's chat template")
    command.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    command.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="of the weights (default float32)")
    command.add_argument("--threads", type=_positive, default=os.cpu_count(), help="of the processor (default: all)")
    command.add_argument(
        "--batch-tokens",
        type=_positive,
        default=16384,
        metavar="N",
        help="most tokens of a pass; memory decides (default 16384)",
    )
    command.add_argument(
        "--chunk", type=_positive, default=128, metavar="N", help="positions with logits at a time (default 128)"
    )
    command.add_argument(
        "--impl",
        choices=("auto", "chunked", "compiled", "reference"),
        default="auto",
        help="auto compiles where there is much to do; reference is float64 and slow",
    )


def _names(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--fields", nargs="+", default=[], metavar="OURS=THEIRS", help="names in F, such as prompt=question solution=answer"
    )


def _parametrised(command: argparse.ArgumentParser) -> None:
    """Options of every command whose settings can be changed by name."""
    command.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="one parameter, VALUE in YAML: 3, 0.1, true, text, [a, b]",
    )
    command.add_argument("-y", "--yaml", type=Path, action="append", default=[], metavar="FILE", help="parameters from a file")


def _whole(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, given {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, given {text!r}")
    return int(text)


def _parameters(args: argparse.Namespace) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for file in args.yaml:
        parameters |= read_yaml(file)
    for name, text in args.parameter:
        try:
            parameters[name] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise UserError(f"parameter {name}: {text!r} is not YAML; quote it") from None
    try:
        json.dumps(parameters, allow_nan=False)
    except (TypeError, ValueError):
        raise UserError("parameters: only numbers, text, true, false, null, lists and mappings can be given") from None
    return parameters


def _run(args: argparse.Namespace) -> int:
    from proxylib import studies
    from proxylib.runs import execute

    given = _parameters(args)
    execute.check_parameters(args.notebook, given)
    step = studies.step_of_notebook(args.notebook, execute.parameters_of(args.notebook) | given)
    step = step or execute.own_step(args.notebook, given)
    if not execute.outstanding([step]):
        print(f"{execute.state(step):9} {step.name}  {step.store.get(step.key).folder}")
        return 0
    missing = [parent.name for parent in step.parents.values() if parent.store.find(parent.key) is None]
    if missing:
        raise UserError(
            f"{step.name} needs {', '.join(missing)}; first: proxylib grid --profile {step.store.profile} "
            f"{' '.join(f'--only {name}' for name in missing)}"
        )
    try:
        print(f"done      {step.name}  {execute.run(step).folder}")
    except execute.NotebookFailed as error:
        print(f"proxylib: {error}", file=sys.stderr)
        return 1
    return 0


def _grid(args: argparse.Namespace) -> int:
    from proxylib import studies
    from proxylib.runs import execute
    from proxylib.runs.step import named

    steps = studies.steps(args.profile)
    if args.only:
        steps = named(steps, args.only)
    if args.list:
        for step in steps:
            print(f"{execute.state(step):9} {step.key.run_id}  {step.name}")
        return 0
    bad = execute.walk(steps, args.jobs, args.record, say=lambda line: print(line, flush=True))
    if args.record and not args.only:
        steps[0].store.prune(step.key for step in steps)
    if bad:
        print(f"proxylib: {bad} of {len(steps)} steps failed or are blocked", file=sys.stderr)
    return 1 if bad else 0


def _fields(args: argparse.Namespace) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in args.fields]
    wrong = next((whole for whole, (ours, _, theirs) in zip(args.fields, pairs, strict=True) if not ours or not theirs), None)
    if wrong:
        raise UserError(f"parameter fields: {wrong!r} is not OURS=THEIRS, such as prompt=question")
    return {ours: theirs for ours, _, theirs in pairs}


def _settings(args: argparse.Namespace, **more: Any) -> Any:
    from proxylib.measure.settings import ExtractSettings

    given = {name: getattr(args, name) for name in ("window", "characters", "chat", "device", "dtype")}
    return ExtractSettings(**given, **more)


def _layout(args: argparse.Namespace) -> Any:
    from proxylib.measure.settings import Layout

    return Layout(chunk=args.chunk, batch_tokens=args.batch_tokens, impl=args.impl)


def _extract(args: argparse.Namespace) -> int:
    from proxylib.data import traces
    from proxylib.measure.tokenstats import shards

    read, _ = traces.read_with_expert(args.traces, _fields(args))  # what is wrong with the expert had better be said now
    settings = _settings(args, columns=tuple(args.columns), top=args.top)
    print(shards.extract(args.model, read, args.out, settings, _layout(args), args.threads).summary())
    return 0


def _rank(args: argparse.Namespace) -> int:
    from proxylib.studies.your_models import end_to_end, report

    made = end_to_end.rank(
        args.models, args.traces, args.out, _settings(args), _fields(args), args.scores, args.threads, layout=_layout(args)
    )
    print(report.summary(made))
    return 0


def _judge(args: argparse.Namespace) -> int:
    from proxylib.judging import verdict_folder
    from proxylib.judging.settings import LLMJudge

    given = {name: getattr(args, name) for name in LLMJudge.model_fields if hasattr(args, name)}
    made = verdict_folder.run(args.notes, validated(LLMJudge, given, "judge"), args.out, args.repeats)
    print(made.summary())
    return 0


def _finetune(args: argparse.Namespace) -> int:
    from proxylib.studies.loss import hub_cell
    from proxylib.studies.loss.settings import hub

    settings = hub(_parameters(args))
    hub_cell.refuse_the_same(args.data, args.held_out)
    if args.list:
        shared = ["--data", args.data, "--held-out", args.held_out]
        shared += ["--fields", *args.fields] if args.fields else []
        shared += [part for file in args.yaml for part in ("-y", str(file))]
        shared += [part for pair in args.parameter for part in ("-p", *pair)]
        print("\n".join(hub_cell.commands(settings, args.out, shared)))
        return 0
    if not args.base:
        raise UserError("parameter base: needed, unless --list is given")
    fields = _fields(args)
    cell = hub_cell.Cell(
        args.base, hub_cell.read(args.data, fields, args.examples), hub_cell.read(args.held_out, fields), settings
    )
    if args.lengths:
        print(hub_cell.measured_lengths(cell))
        return 0
    finished = hub_cell.run(cell, args.out)
    if finished:
        print(finished.summary())
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from proxylib.data.published import registry

    if args.name is None:
        for name in registry.names():
            dataset = registry.describe(name)
            print(f"{name:20} {dataset.licence:16} {dataset.title}")
        return 0
    dataset = registry.describe(args.name)
    print(f"{dataset.name}: {dataset.title}\naddress: {dataset.address or 'none (mirror only)'}\nupstream: {dataset.upstream}")
    print(f"licence: {dataset.licence}\nsha256 of all checksums: {registry.fingerprint(args.name)}")
    print(f"files: {registry.fetch(args.name)}")
    return 0


def _book(args: argparse.Namespace) -> int:
    from proxylib import studies
    from proxylib.report import book

    index = book.build_shipped() if args.shipped else book.build(args.profile, studies.pages(args.profile))
    print(index)
    return 0


def _ship(args: argparse.Namespace) -> int:
    from proxylib import studies
    from proxylib.report import book

    for path in book.ship(args.profile, studies.pages(args.profile)):
        print(path)
    return 0


def _scoreboard(args: argparse.Namespace) -> int:
    from proxylib.report import scoreboard

    return scoreboard.check() if args.check else scoreboard.write()


if __name__ == "__main__":
    sys.exit(main())
